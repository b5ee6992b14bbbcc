package recsys

import (
	"math"
	"strings"
)

// deadline is something that is due at a time.
type deadline[T any] struct {
	at  int64
	id  string // ties by ID, then by arrival
	seq int
	v   T
}

func (a *deadline[T]) before(b *deadline[T]) bool {
	if a.at != b.at {
		return a.at < b.at
	}
	if c := strings.Compare(a.id, b.id); c != 0 {
		return c < 0
	}
	return a.seq < b.seq
}

// deadlines is a binary heap, what is due first on top.
type deadlines[T any] []deadline[T]

// first returns when the top is due; the end of time when there is nothing.
func (h deadlines[T]) first() int64 {
	if len(h) == 0 {
		return math.MaxInt64
	}
	return h[0].at
}

func (h *deadlines[T]) push(d deadline[T]) {
	q := append(*h, d)
	*h = q
	for i := len(q) - 1; i > 0; {
		up := (i - 1) / 2
		if !q[i].before(&q[up]) {
			return
		}
		q[i], q[up] = q[up], q[i]
		i = up
	}
}

func (h *deadlines[T]) pop() T {
	q := *h
	top := q[0].v
	last := len(q) - 1
	q[0] = q[last]
	q[last] = deadline[T]{}
	q = q[:last]
	*h = q
	for i := 0; ; {
		down := 2*i + 1
		if down >= last {
			return top
		}
		if down+1 < last && q[down+1].before(&q[down]) {
			down++
		}
		if !q[down].before(&q[i]) {
			return top
		}
		q[i], q[down] = q[down], q[i]
		i = down
	}
}

// idWindow remembers IDs until they expire. When that is, settle says for all IDs since
// the last settle; it never decreases.
type idWindow struct {
	ids     map[string]struct{}
	queue   []idExpiry
	head    int // of queue: before it all is forgotten
	settled int // before it all have a time
}

type idExpiry struct {
	id string
	at int64
}

func (w *idWindow) has(id string) bool {
	_, ok := w.ids[id]
	return ok
}

func (w *idWindow) add(id string) {
	if w.ids == nil {
		w.ids = map[string]struct{}{}
	}
	w.ids[id] = struct{}{}
	w.queue = append(w.queue, idExpiry{id: id})
}

func (w *idWindow) settle(at int64) {
	for ; w.settled < len(w.queue); w.settled++ {
		w.queue[w.settled].at = at
	}
}

// expire forgets what was to be remembered until before now.
func (w *idWindow) expire(now int64) {
	for w.head < w.settled && w.queue[w.head].at < now {
		delete(w.ids, w.queue[w.head].id)
		w.queue[w.head] = idExpiry{}
		w.head++
	}
	if w.head > 1024 && w.head > len(w.queue)/2 {
		w.queue = append(w.queue[:0], w.queue[w.head:]...)
		w.settled -= w.head
		w.head = 0
	}
}
