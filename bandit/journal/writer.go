package journal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"time"

	"github.com/recsyskit/recsys/bandit"
)

// writer puts changes into segments: add encodes them into a buffer, one goroutine writes and syncs it. While that
// waits for the disk the buffer grows, and what waits in it shares the next sync.
type writer struct {
	dir    string
	disk   disk
	policy uint64
	opts   *Options
	kick   chan struct{} // a token when there is something to do
	done   chan struct{} // closed when the goroutine has ended

	mu       sync.Mutex
	progress sync.Cond // written, durable or err has changed
	buf      []byte    // frames that no one has taken yet
	next     uint64    // number of the next record
	written  uint64    // records up to this one are with the operating system
	durable  uint64    // and up to this one on the disk
	wanted   uint64    // someone waits until this one is
	err      *WriteError
	lost     uint64
	closing  bool
	segments []uint64 // first records of the segments that there are

	counts writerCounts

	// The goroutine's own.
	file   file
	path   string
	size   int64
	marked uint64 // the last mark says that records up to this one are durable
	spare  []byte
	head   []byte
}

type writerCounts struct{ records, bytes, syncs, segments uint64 }

// keepBuffer is the largest buffer that is used again.
const keepBuffer = 8 << 20

// idleSync is how long what nobody waits for stays without a sync when Options.SyncEvery is 0.
const idleSync = time.Second

func newWriter(dir string, opts *Options, policy, next uint64, segments []uint64) *writer {
	w := &writer{
		dir: dir, disk: opts.disk, policy: policy, opts: opts, kick: make(chan struct{}, 1), done: make(chan struct{}),
		next: next, written: next - 1, durable: next - 1, segments: segments,
	}
	w.progress.L = &w.mu
	return w
}

// add puts a change at the end of the journal. It is called under the policy's lock, which makes the order, and waits for
// nothing.
func (w *writer) add(c *bandit.Change) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil || w.closing {
		w.lost++
		return
	}
	at, first := len(w.buf), w.written+1
	w.buf = appendChange(openFrame(w.buf), c)
	switch n := len(w.buf) - at - frameSize; {
	case n > maxPayload:
		w.buf, w.lost = w.buf[:at], w.lost+1
		w.fail("append", w.dir, first, fmt.Errorf("%w: %d bytes; want at most %d", ErrTooLarge, n, maxPayload))
		return
	case at > 0 && int64(len(w.buf)) > w.opts.MaxPendingBytes:
		w.buf, w.lost = w.buf[:at], w.lost+1
		w.fail("append", w.dir, first, fmt.Errorf("%w: %d bytes wait for it", ErrBehind, at))
		return
	}
	closeFrame(w.buf, at, w.next)
	w.next++
	w.counts.records++
	if at == 0 {
		w.wake()
	}
}

func (w *writer) wake() {
	select {
	case w.kick <- struct{}{}:
	default:
	}
}

// fail makes err stay. What is on its way to the disk may get there still. The caller holds mu.
func (w *writer) fail(op, path string, seq uint64, err error) {
	if w.err == nil {
		w.err = &WriteError{Op: op, Path: path, Seq: seq, Err: err}
		w.progress.Broadcast()
	}
}

// last returns the number of the newest record, or why changes may have been turned away: the error that stays, or ErrClosed.
func (w *writer) last() (uint64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.err != nil:
		return 0, w.err
	case w.closing:
		return 0, ErrClosed
	}
	return w.next - 1, nil
}

// wait waits until records up to seq are safe: on the disk or, with onDisk false, with the operating system.
func (w *writer) wait(ctx context.Context, seq uint64, onDisk bool) error {
	stop := context.AfterFunc(ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.progress.Broadcast()
	})
	defer stop()
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		safe := w.written
		if onDisk {
			safe = w.durable
		}
		switch {
		case safe >= seq:
			return nil
		case w.err != nil:
			return w.err
		case ctx.Err() != nil:
			return fmt.Errorf("journal: learned, but not known to be on the disk: %w", ctx.Err())
		}
		if onDisk && w.wanted < seq {
			w.wanted = seq
			w.wake()
		}
		w.progress.Wait()
	}
}

// run writes until close is called or the disk fails.
func (w *writer) run() {
	defer close(w.done)
	var due <-chan time.Time
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	defer timer.Stop()
	interval := w.opts.SyncEvery
	if interval == 0 {
		interval = idleSync
	}
	for {
		timely := false
		select {
		case <-w.kick:
		case <-due:
			due, timely = nil, true
		}
		wanted, closing, ok := w.flush()
		if ok && (wanted || timely || closing) {
			ok = w.sync()
			due = nil
		}
		if !ok || closing {
			w.end(ok)
			return
		}
		if due == nil && w.unsynced() {
			timer.Reset(interval)
			due = timer.C
		}
	}
}

// flush writes the buffer. It reports whether someone waits for a sync, whether that was the last buffer, and whether
// all is well.
func (w *writer) flush() (wanted, closing, ok bool) {
	w.mu.Lock()
	batch, first, last := w.buf, w.written+1, w.next-1
	w.buf = w.spare[:0]
	w.spare = nil
	closing, ok = w.closing, w.err == nil
	durable := w.durable
	w.mu.Unlock()
	if ok && len(batch) > 0 {
		if err := w.write(batch, first, durable); err != nil {
			w.mu.Lock()
			w.fail(err.Op, err.Path, first, err.Err)
			w.mu.Unlock()
			ok = false
		}
	}
	if cap(batch) <= keepBuffer {
		w.spare = batch
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if ok && last > w.written {
		w.written = last
		w.counts.bytes += uint64(len(batch))
		w.progress.Broadcast()
	}
	return w.wanted > w.durable, closing, ok && w.err == nil
}

// write appends a batch, whose first record is first, to a segment that has room for it.
func (w *writer) write(batch []byte, first, durable uint64) *WriteError {
	if w.size > headerSize && w.size+int64(len(batch)) > w.opts.MaxSegmentBytes {
		if !w.sync() { // a segment that is not the last is whole
			return w.err
		}
		durable = first - 1
		err := w.file.Close()
		w.file = nil
		if err != nil {
			return &WriteError{Op: "close", Path: w.path, Err: err}
		}
		if err := w.begin(first, false); err != nil {
			return err
		}
	}
	if durable > w.marked {
		w.head = appendMark(w.head[:0], durable)
		if err := w.put(w.head); err != nil {
			return err
		}
		w.marked = durable
	}
	return w.put(batch)
}

func (w *writer) put(b []byte) *WriteError {
	n, err := w.file.Write(b)
	w.size += int64(max(n, 0))
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return &WriteError{Op: "write", Path: w.path, Err: err}
	}
	return nil
}

// begin makes the segment whose first record is first. Its header is on the disk before any record is.
func (w *writer) begin(first uint64, again bool) *WriteError {
	w.path = filepath.Join(w.dir, segmentName(first))
	failed := func(err error) *WriteError { return &WriteError{Op: "create", Path: w.path, Seq: first, Err: err} }
	f, err := w.disk.Create(w.path, again)
	if err != nil {
		return failed(err)
	}
	w.file, w.size = f, 0
	if err := w.put(header{first, w.policy}.append(nil)); err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), w.disk.SyncDir(w.dir)); err != nil {
		return failed(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counts.segments++
	if k := len(w.segments); k == 0 || w.segments[k-1] != first {
		w.segments = append(w.segments, first)
	}
	return nil
}

// sync puts what was written on the disk.
func (w *writer) sync() bool {
	if !w.unsynced() {
		return true
	}
	err := w.file.Sync()
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.fail("sync", w.path, w.durable+1, err)
		return false
	}
	w.durable = w.written
	w.counts.syncs++
	w.progress.Broadcast()
	return true
}

func (w *writer) unsynced() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.durable < w.written
}

// end closes the file, under a mark that says that all of it is there.
func (w *writer) end(ok bool) {
	if w.file == nil {
		return
	}
	var failed *WriteError
	if ok && w.durable > w.marked {
		if failed = w.put(appendMark(w.head[:0], w.durable)); failed == nil {
			if err := w.file.Sync(); err != nil {
				failed = &WriteError{Op: "sync", Path: w.path, Err: err}
			}
		}
	}
	if err := w.file.Close(); err != nil && failed == nil {
		failed = &WriteError{Op: "close", Path: w.path, Err: err}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if failed != nil && ok {
		w.fail(failed.Op, failed.Path, w.next, failed.Err)
	}
}

// shut turns further changes away.
func (w *writer) shut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closing = true
}

// close writes and syncs what there is, and ends the goroutine. It comes after shut.
func (w *writer) close() error {
	w.wake()
	<-w.done
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return w.err
	}
	return nil
}
