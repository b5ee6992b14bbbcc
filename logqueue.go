package recsys

import (
	"context"
	"fmt"
	"sync"
)

// logBuffer is an encoded record on its way to the file.
type logBuffer struct {
	b      []byte
	schema *Schema
}

// logQueue is a queue of buffers that is bounded in number and in bytes. A place is
// taken before a buffer is sent and given back when it has been received, so that a
// send never waits, and so that a call which finds no place can be sure that one will
// be given back.
type logQueue struct {
	records int
	bytes   int64
	ch      chan *logBuffer // capacity records
	room    chan struct{}   // a token when a place was given back

	mu      sync.Mutex
	waiting int
	pending int64 // bytes
}

func (q *logQueue) init(records int, bytes int64) {
	q.records, q.bytes = records, bytes
	q.ch, q.room = make(chan *logBuffer, records), make(chan struct{}, 1)
}

// full reports whether not even an empty record has a place.
func (q *logQueue) full() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.waiting >= q.records || q.pending >= q.bytes
}

// put sends e if there is a place for it. An empty queue takes a record of any size.
func (q *logQueue) put(e *logBuffer) bool {
	n := int64(len(e.b))
	q.mu.Lock()
	ok := q.waiting < q.records && (q.waiting == 0 || q.pending+n <= q.bytes)
	if ok {
		q.waiting++
		q.pending += n
	}
	q.mu.Unlock()
	if ok {
		q.ch <- e
	}
	return ok
}

// wait is put that waits for a place until ctx is done or closing is closed.
func (q *logQueue) wait(ctx context.Context, closing <-chan struct{}, e *logBuffer) error {
	for !q.put(e) {
		select {
		case <-q.room:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ErrRecordDropped, ctx.Err())
		case <-closing:
			return ErrSinkClosed
		}
	}
	q.wake() // one token may stand for several places
	return nil
}

// release gives back the place of a buffer that was received.
func (q *logQueue) release(e *logBuffer) {
	q.mu.Lock()
	q.waiting--
	q.pending -= int64(len(e.b))
	q.mu.Unlock()
	q.wake()
}

func (q *logQueue) wake() {
	select {
	case q.room <- struct{}{}:
	default:
	}
}

func (q *logQueue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.waiting
}
