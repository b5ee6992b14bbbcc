package recsys

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"
)

// logWriter is the part of a FileSink that its goroutine owns: the open file and what
// is to be written to it.
type logWriter struct {
	cfg    *FileSinkConfig
	counts *sinkCounts
	names  logNames

	file    io.WriteCloser // nil: none is open
	path    string
	size    int64              // of file
	records int                // in file and buf, schema records apart
	schemas map[uint64]*Schema // that stand in file or buf, by hash
	failed  bool               // the last write did

	buf  []byte
	ends []int // where each record in buf ends

	due     *time.Timer // when to sync, with SyncInterval
	armed   bool        // due runs
	dirty   bool        // written since the last sync
	retryAt time.Time   // not before this is another file created
	errs    error       // since the last settle
}

// batchBytes is how much is written at once while records queue up.
const batchBytes = 256 << 10

func newLogWriter(dir string, cfg *FileSinkConfig, counts *sinkCounts) (*logWriter, error) {
	w := &logWriter{cfg: cfg, counts: counts, schemas: map[uint64]*Schema{}}
	if err := w.names.start(dir, cfg.Prefix); err != nil {
		return nil, fmt.Errorf("recsys: log: %w", err)
	}
	if err := w.create(); err != nil {
		return nil, fmt.Errorf("recsys: log: %w", err)
	}
	w.due = time.NewTimer(cfg.SyncEvery)
	w.due.Stop()
	return w, nil
}

// add puts one encoded record into the buffer, behind the schema that it needs.
func (w *logWriter) add(b []byte, schema *Schema) {
	if w.records > 0 && w.size+int64(len(w.buf)+len(b)) > w.cfg.MaxBytes {
		w.flush()
		w.leave()
	}
	if w.file == nil && !w.reopen() {
		w.counts.lost.Add(1)
		return
	}
	if schema != nil {
		if have := w.schemas[schema.hash]; have != schema {
			if have == nil || !have.sameLayout(schema) {
				w.buf = AppendSchema(w.buf, schema)
			}
			w.schemas[schema.hash] = schema
		}
	}
	w.buf = append(w.buf, b...)
	w.ends = append(w.ends, len(w.buf))
	w.records++
	if len(w.buf) >= batchBytes {
		w.flush()
	}
}

// flush writes the buffer to the file.
func (w *logWriter) flush() {
	if len(w.buf) == 0 {
		return
	}
	n, err := w.file.Write(w.buf)
	if err == nil && n < len(w.buf) {
		err = io.ErrShortWrite
	}
	w.dirty = true
	if err != nil {
		w.tear(max(n, 0), err)
	} else {
		w.size += int64(n)
		w.counts.bytes.Add(int64(n))
		w.counts.written.Add(int64(len(w.ends)))
		w.failed = false
	}
	w.buf, w.ends = w.buf[:0], w.ends[:0]
	w.syncAfterWrite()
}

// tear repairs the file after a write of which n bytes went through: it cuts off the
// torn line, or gives the file up.
func (w *logWriter) tear(n int, err error) {
	whole, good := 0, 0
	for whole < len(w.ends) && w.ends[whole] <= n {
		good = w.ends[whole]
		whole++
	}
	w.counts.written.Add(int64(whole))
	w.counts.bytes.Add(int64(good))
	w.counts.lost.Add(int64(len(w.ends) - whole))
	w.records -= len(w.ends) - whole
	w.size += int64(good)
	clear(w.schemas) // some may be among what is lost; twice does no harm
	w.fail(err)

	again := w.failed && w.size > 0 // it is the file, perhaps; an empty one would be no better
	w.failed = true
	if n > good {
		t, ok := w.file.(interface{ Truncate(size int64) error })
		if !ok {
			again = true
		} else if err := t.Truncate(w.size); err != nil {
			w.fail(err)
			again = true
		}
	}
	if again {
		w.leave()
		w.retryAt = w.cfg.Clock().Add(w.cfg.Retry)
	}
}

// syncAfterWrite does what the policy asks for after a write.
func (w *logWriter) syncAfterWrite() {
	switch {
	case w.file == nil:
	case w.cfg.Sync == SyncAlways:
		w.sync()
	case w.cfg.Sync == SyncInterval:
		select {
		case <-w.due.C: // here too, since a busy sink never waits
			w.sync()
		default:
			w.arm()
		}
	}
}

// arm starts the timer with the first write after a sync.
func (w *logWriter) arm() {
	if !w.armed {
		w.armed = true
		w.due.Reset(w.cfg.SyncEvery)
	}
}

func (w *logWriter) sync() {
	w.due.Stop()
	w.armed = false
	if !w.dirty || w.file == nil {
		return
	}
	w.dirty = false
	if f, ok := w.file.(interface{ Sync() error }); ok {
		if err := f.Sync(); err != nil {
			w.fail(err)
		}
	}
}

// settle is a Flush.
func (w *logWriter) settle() error {
	w.flush()
	if w.cfg.Sync != SyncNever {
		w.sync()
	}
	err := w.errs
	w.errs = nil
	return err
}

func (w *logWriter) close() error {
	w.flush()
	w.leave()
	w.due.Stop()
	return w.errs
}

// leave ends the current file. The buffer is empty.
func (w *logWriter) leave() {
	if w.file == nil {
		return
	}
	if w.cfg.Sync != SyncNever {
		w.sync()
	}
	if err := w.file.Close(); err != nil {
		w.fail(err)
	}
	w.file = nil
}

// reopen begins the next file, unless one could not be created a moment ago.
func (w *logWriter) reopen() bool {
	now := w.cfg.Clock()
	if now.Before(w.retryAt) {
		return false
	}
	if err := w.create(); err != nil {
		w.fail(err)
		w.retryAt = now.Add(w.cfg.Retry)
		return false
	}
	return true
}

// create makes a file whose name sorts after all before. Another process may write to
// the same directory: names that are taken are passed over.
func (w *logWriter) create() error {
	for tries := 0; ; tries++ {
		path := w.names.next(w.cfg.Clock())
		f, err := w.cfg.Create(path)
		if errors.Is(err, fs.ErrExist) && tries < 1000 {
			continue
		}
		if err != nil {
			w.path = path
			return err
		}
		w.file, w.path, w.size, w.records, w.failed, w.dirty = f, path, 0, 0, false, false
		clear(w.schemas)
		w.counts.files.Add(1)
		return nil
	}
}

// fail notes an error of the current file.
func (w *logWriter) fail(err error) {
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		err = fmt.Errorf("recsys: log: %w", err)
	} else {
		err = fmt.Errorf("recsys: log: %s: %w", w.path, err)
	}
	w.counts.errors.Add(1)
	w.counts.last.Store(&err)
	if w.errs == nil {
		w.errs = err
	}
	if w.cfg.OnError != nil {
		w.cfg.OnError(err)
	}
}
