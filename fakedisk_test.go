package recsys_test

import (
	"bytes"
	"io"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"syscall"
	"testing"

	"github.com/recsyskit/recsys"
)

// fakeDisk is a disk in memory that can be full, slow or broken.
type fakeDisk struct {
	mu    sync.Mutex
	files map[string]*fakeFile
	room  int           // bytes left; -1: any number
	gate  chan struct{} // if not nil, a Write waits for a token
	plain bool          // files can do no more than Write and Close

	createErr, writeErr, truncateErr, syncErr, closeErr error
	syncs                                               int
}

type fakeFile struct {
	disk   *fakeDisk
	b      []byte
	synced int
	closed bool
}

func newFakeDisk() *fakeDisk { return &fakeDisk{files: map[string]*fakeFile{}, room: -1} }

func (d *fakeDisk) create(path string) (io.WriteCloser, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.createErr != nil {
		return nil, d.createErr
	}
	if d.files[path] != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrExist}
	}
	f := &fakeFile{disk: d}
	d.files[path] = f
	if d.plain {
		return struct{ io.WriteCloser }{f}, nil
	}
	return f, nil
}

func (f *fakeFile) Write(p []byte) (int, error) {
	if f.disk.gate != nil {
		<-f.disk.gate
	}
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.closed {
		return 0, fs.ErrClosed
	}
	if f.disk.writeErr != nil {
		return 0, f.disk.writeErr
	}
	n := len(p)
	if f.disk.room >= 0 {
		n = min(n, f.disk.room)
		f.disk.room -= n
	}
	f.b = append(f.b, p[:n]...)
	if n < len(p) {
		return n, syscall.ENOSPC
	}
	return n, nil
}

func (f *fakeFile) Truncate(size int64) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.disk.truncateErr != nil {
		return f.disk.truncateErr
	}
	if f.disk.room >= 0 {
		f.disk.room += len(f.b) - int(size)
	}
	f.b = f.b[:size]
	return nil
}

func (f *fakeFile) Sync() error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	f.disk.syncs++
	f.synced = len(f.b)
	return f.disk.syncErr
}

func (f *fakeFile) Close() error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	f.closed = true
	return f.disk.closeErr
}

func (d *fakeDisk) set(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f()
}

// read reads every file by itself, in the order of names.
func (d *fakeDisk) read(t testing.TB) (records []recsys.LogRecord, torn int) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(d.files)) {
		r := recsys.NewLogReader(name, bytes.NewReader(d.files[name].b))
		for rec, err := range r.All() {
			if err != nil {
				t.Fatal(err)
			}
			records = append(records, rec)
		}
		torn += r.Stats().Torn
	}
	return records, torn
}
