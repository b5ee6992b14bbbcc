package recsys

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// SyncPolicy says when a [FileSink] asks the operating system to put what was written on the disk.
type SyncPolicy uint8

// The policies. Without a sync a record survives the death of the process from the
// moment it is written, but not that of the machine.
const (
	SyncNever    SyncPolicy = iota // leave it to the operating system
	SyncInterval                   // at most SyncEvery after a write, at Flush, rotation and Close
	SyncAlways                     // after every write; records that queue meanwhile share the next one
)

// FileSinkConfig configures a [FileSink]. The zero value is a good default.
type FileSinkConfig struct {
	// Prefix begins the names of the files; see [LogFiles]. Empty means "exposures".
	Prefix string

	// MaxBytes is the size that a file should not exceed: the next one is begun for the
	// record that would. Schema records, and the first record, are not held to it. Zero means 256 MiB.
	MaxBytes int64

	// QueueRecords and QueueBytes bound the records that wait to be written, both at
	// once; a single record may be larger than QueueBytes. Zero means 4096 and 64 MiB.
	QueueRecords int
	QueueBytes   int64

	// Block makes a call wait for room in the queue, until its context is done. Without
	// it the newest record is dropped at once: answers come before records.
	Block bool

	// Sync says when to sync, SyncEvery how long to wait with SyncInterval. Zero
	// means SyncNever and one second.
	Sync      SyncPolicy
	SyncEvery time.Duration

	// Retry is how long to wait after a file could not be created, or had to be given
	// up, before the next is tried; records that come meanwhile are lost. Zero means one second.
	Retry time.Duration

	// Clock gives the times that stand in file names and that Retry is measured by. Nil means time.Now.
	Clock func() time.Time

	// OnError, if not nil, is told every error of a file as it happens, on the sink's
	// own goroutine. It must not call Flush or Close.
	OnError func(error)

	// Create, if not nil, creates a file in place of the operating system: to compress,
	// to encrypt, to test. It fails with an error that wraps [io/fs.ErrExist] when the
	// file exists. What it returns may have the methods Sync() error and
	// Truncate(size int64) error of an *os.File that was opened to append.
	Create func(path string) (io.WriteCloser, error)
}

// Errors of a [FileSink].
var (
	// ErrRecordDropped is wrapped when the queue is full: the record is not in the log.
	ErrRecordDropped = errors.New("recsys: log: queue is full, record dropped")
	// ErrSinkClosed is returned after Close.
	ErrSinkClosed = errors.New("recsys: log: sink is closed")
)

// FileSink writes exposures and feedback to files, asynchronously: a call encodes the
// record into a pooled buffer and puts it into a bounded queue, one goroutine of the
// sink's own writes. It is safe for concurrent use, and a call allocates nothing in
// steady state. [Pipeline.Close] closes a sink that the pipeline logs to.
//
// Records are written as soon as the goroutine gets to them: a buffer only builds up
// while others wait. Every file starts with the schema records that it needs.
//
// A sink never opens a file that exists. After a crash the last line of the file of
// then may be torn; nothing is ever glued to it, since the next sink begins a file of
// its own, and [LogReader] skips it. When a write fails halfway, the torn line is cut
// off; where that fails too, the file is given up and the next one begun.
type FileSink struct {
	cfg     FileSinkConfig
	queue   logQueue
	flushes chan chan error // a Flush waits for the answer
	pool    sync.Pool       // *logBuffer
	gate    gate
	once    sync.Once
	closing chan struct{}
	done    chan struct{} // closed when the goroutine has ended
	err     error         // of the goroutine, once done
	counts  sinkCounts
}

var (
	_ ExposureSink = (*FileSink)(nil)
	_ FeedbackSink = (*FileSink)(nil)
	_ io.Closer    = (*FileSink)(nil)
)

// keepBuffer is the largest buffer that goes back to the pool.
const keepBuffer = 4 << 20

type sinkCounts struct {
	written, dropped, lost, bytes, files, errors atomic.Int64
	last                                         atomic.Pointer[error]
}

// SinkStats counts what a [FileSink] has done.
type SinkStats struct {
	Written int64 // records that a file has taken
	Dropped int64 // records that found the queue full
	Lost    int64 // records that were queued and that no file has taken
	Queued  int   // records that wait now
	Bytes   int64 // written, schema records included
	Files   int64 // created
	Errors  int64 // of files

	LastError error // nil when there was none
}

// NewFileSink returns a sink that writes to files in dir, which must exist, and creates
// the first one. It starts a goroutine; Close ends it. The error names the field of cfg
// that is not valid, or is that of the first file.
func NewFileSink(dir string, cfg FileSinkConfig) (*FileSink, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	s := &FileSink{
		cfg:     cfg,
		flushes: make(chan chan error),
		gate:    gate{idle: make(chan struct{})},
		closing: make(chan struct{}),
		done:    make(chan struct{}),
	}
	s.queue.init(cfg.QueueRecords, cfg.QueueBytes)
	w, err := newLogWriter(dir, &s.cfg, &s.counts)
	if err != nil {
		return nil, err
	}
	go s.run(w)
	return s, nil
}

// complete checks the configuration and fills in the defaults.
func (c *FileSinkConfig) complete() error {
	errs := []error{
		atLeastZero("MaxBytes", &c.MaxBytes, 256<<20),
		atLeastZero("QueueRecords", &c.QueueRecords, 4096),
		atLeastZero("QueueBytes", &c.QueueBytes, 64<<20),
		atLeastZero("SyncEvery", &c.SyncEvery, time.Second),
		atLeastZero("Retry", &c.Retry, time.Second),
	}
	if c.SyncEvery != time.Second && c.Sync != SyncInterval {
		errs = append(errs, fmt.Errorf("recsys: FileSinkConfig.SyncEvery is %v; it has a meaning with SyncInterval only", c.SyncEvery))
	}
	if c.Sync > SyncAlways {
		errs = append(errs, fmt.Errorf("recsys: FileSinkConfig.Sync is %d; want SyncNever, SyncInterval or SyncAlways", c.Sync))
	}
	if c.Prefix == "" {
		c.Prefix = "exposures"
	}
	if err := checkPrefix(c.Prefix); err != nil {
		errs = append(errs, fmt.Errorf("recsys: FileSinkConfig.Prefix: %w", err))
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Create == nil {
		durable := c.Sync != SyncNever
		c.Create = func(path string) (io.WriteCloser, error) { return createFile(path, durable) }
	}
	return errors.Join(errs...)
}

// atLeastZero sets a field that is 0 to its default.
func atLeastZero[T int | int64 | time.Duration](name string, v *T, def T) error {
	if *v < 0 {
		return fmt.Errorf("recsys: FileSinkConfig.%s is %v; want >= 0 (0 means %v)", name, *v, def)
	}
	if *v == 0 {
		*v = def
	}
	return nil
}

// LogExposure queues x. The error wraps [ErrRecordDropped] when the queue is full (with
// Block: until ctx was done, whose error it wraps as well), or is [ErrSinkClosed]. What
// goes wrong with the files later is told by Stats, OnError, Flush and Close.
func (s *FileSink) LogExposure(ctx context.Context, x *Exposure) error { return s.log(ctx, x, nil) }

// LogFeedback queues f; see LogExposure.
func (s *FileSink) LogFeedback(ctx context.Context, f *Feedback) error { return s.log(ctx, nil, f) }

// log queues the one that is not nil.
func (s *FileSink) log(ctx context.Context, x *Exposure, f *Feedback) error {
	if !s.gate.enter() {
		return ErrSinkClosed
	}
	defer s.gate.leave()
	if !s.cfg.Block && s.queue.full() { // before the work of encoding
		s.counts.dropped.Add(1)
		return ErrRecordDropped
	}
	e, _ := s.pool.Get().(*logBuffer)
	if e == nil {
		e = new(logBuffer)
	}
	if x != nil {
		e.b, e.schema = AppendExposure(e.b[:0], x), x.Schema
	} else {
		e.b, e.schema = AppendFeedback(e.b[:0], f), nil
	}
	var err error
	if s.cfg.Block {
		err = s.queue.wait(ctx, s.closing, e)
	} else if !s.queue.put(e) {
		err = ErrRecordDropped
	}
	if err != nil {
		s.counts.dropped.Add(1)
		s.recycle(e)
	}
	return err
}

func (s *FileSink) recycle(e *logBuffer) {
	if cap(e.b) <= keepBuffer {
		e.schema = nil
		s.pool.Put(e)
	}
}

// run writes until the queue is closed. When nothing waits in the queue it writes out
// what it has.
func (s *FileSink) run(w *logWriter) {
	defer close(s.done)
	for {
		if len(s.queue.ch) == 0 {
			w.flush()
		}
		select {
		case e, ok := <-s.queue.ch:
			if !ok {
				s.err = w.close()
				return
			}
			s.write(w, e)
		case reply := <-s.flushes:
			for range len(s.queue.ch) {
				s.write(w, <-s.queue.ch)
			}
			reply <- w.settle()
		case <-w.due.C:
			w.sync()
		}
	}
}

func (s *FileSink) write(w *logWriter, e *logBuffer) {
	w.add(e.b, e.schema)
	s.queue.release(e)
	s.recycle(e)
}

// Flush waits until every record that was queued before has been written, and synced
// unless the policy is SyncNever. It returns what went wrong with the files since the
// last Flush, ctx.Err() when it could not wait, or [ErrSinkClosed].
func (s *FileSink) Flush(ctx context.Context) error {
	if !s.gate.enter() {
		return ErrSinkClosed
	}
	defer s.gate.leave()
	reply := make(chan error, 1)
	select {
	case s.flushes <- reply:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-reply:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close turns further records away, writes what is queued, syncs unless the policy is
// SyncNever, closes the file and ends the goroutine. It returns what went wrong since
// the last Flush. Further calls wait for the first and return the same.
func (s *FileSink) Close() error {
	s.once.Do(func() {
		s.gate.close()
		close(s.closing)
		<-s.gate.idle
		close(s.queue.ch)
	})
	<-s.done
	return s.err
}

// Stats returns the counts so far. Written + Dropped + Lost + Queued are the records
// given to the sink, but for the few that are just being written.
func (s *FileSink) Stats() SinkStats {
	c := &s.counts
	st := SinkStats{
		Written: c.written.Load(), Dropped: c.dropped.Load(), Lost: c.lost.Load(), Queued: s.queue.len(),
		Bytes: c.bytes.Load(), Files: c.files.Load(), Errors: c.errors.Load(),
	}
	if err := c.last.Load(); err != nil {
		st.LastError = *err
	}
	return st
}
