package redis

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Near configures the near-cache: rows that were read lately are kept in the process as Redis had them. The server remembers
// what this client has read and says when a key changes or expires (client tracking, Redis 6 and later), upon which the copy
// is dropped; when a connection breaks, all copies are. So a copy is never served after its invalidation has arrived, which
// takes as long as a reply does; a connection that has died without a sign is found by a ping within
// Dialer.KeepAlive + ConnWriteTimeout of the client's options.
//
// Requests that miss the same row at the same time ask for it once.
type Near struct {
	// Bytes bounds the memory: the stored bytes of the rows and 160 for each, keys that have no row included, in 64 parts. The
	// default 0 means no near-cache. Rows that were not read since the last round go first (the clock algorithm).
	Bytes int64

	// Life is how long a copy is served at most, whether an invalidation came or not. The default 0 means 1 minute.
	Life time.Duration
}

func (n *Near) check() error {
	var errs []error
	if n.Bytes < 0 {
		errs = append(errs, fmt.Errorf("Near.Bytes is %d; want > 0, or 0 for no near-cache", n.Bytes))
	}
	if n.Life < 0 {
		errs = append(errs, fmt.Errorf("Near.Life is %v; want > 0, or 0 for 1m0s", n.Life))
	}
	if n.Life == 0 {
		n.Life = time.Minute
	}
	return errors.Join(errs...)
}

// value is what Redis has under a key.
type value struct {
	bytes    string
	found    bool
	verified bool // it is a row of the view, as row.Codec.Verify says
}

const (
	nearShards   = 64
	nearOverhead = 160 // of an entry: itself, its part of the map, the header of its value
)

// near is the cache. An entry is put there before its row is asked for. An invalidation removes the entry, also one that
// waits for its value: then the value, which may be the old one, serves those who wait for it and is not kept. So it does not matter
// in which order a reply and an invalidation come to be seen.
type near struct {
	config Near
	shards [nearShards]nearShard

	hits, misses, joined, invalidated, evicted, flushed atomic.Uint64
}

type nearShard struct {
	mu    sync.Mutex
	rows  map[uint64]*nearEntry
	ring  nearEntry // the sentinel of a ring of all entries that have a value
	hand  *nearEntry
	bytes int64
}

type nearEntry struct {
	key        uint64
	value      value
	born       int64   // Unix nanoseconds
	flight     *flight // not nil: the value is being asked for
	used       bool
	prev, next *nearEntry
}

// flight is one question to Redis, for many keys.
type flight struct {
	done chan struct{}
	err  error
}

func newNear(config Near) *near {
	n := &near{config: config}
	for i := range n.shards {
		n.shards[i].reset()
	}
	return n
}

func (s *nearShard) reset() {
	s.rows = map[uint64]*nearEntry{}
	s.ring.prev, s.ring.next = &s.ring, &s.ring
	s.hand, s.bytes = &s.ring, 0
}

func (n *near) shard(key uint64) *nearShard {
	return &n.shards[key*0x9e3779b97f4a7c15>>58]
}

// place is a key of a batch whose value is not there yet.
type place struct {
	entry  *nearEntry
	flight *flight
	index  int
}

// nearBatch is one call's work; it is reused.
type nearBatch struct {
	own   []place // this call asks for them
	other []place // another call does, or this one already
	keys  []uint64
	got   []value
}

// values writes the value of keys[i] to dst[i]. What is not there it gets from fetch, which writes the values of its keys.
func (n *near) values(ctx context.Context, b *nearBatch, keys []uint64, dst []value, now time.Time, fetch func(ctx context.Context, keys []uint64, dst []value) error) error {
	f := n.look(b, keys, dst, now.UnixNano())
	if f != nil {
		if err := n.fly(ctx, b, f, dst, now.UnixNano(), fetch); err != nil {
			return err
		}
	}
	return n.join(ctx, b, keys, dst, fetch)
}

// look serves what is there, and claims what nobody asks for.
func (n *near) look(b *nearBatch, keys []uint64, dst []value, now int64) (f *flight) {
	b.own, b.other, b.keys = b.own[:0], b.other[:0], b.keys[:0]
	life := int64(n.config.Life)
	for i, key := range keys {
		s := n.shard(key)
		s.mu.Lock()
		e := s.rows[key]
		if e != nil && e.flight == nil && now-e.born > life {
			s.remove(e)
			e = nil
		}
		switch {
		case e == nil:
			if f == nil {
				f = &flight{done: make(chan struct{})}
			}
			e = &nearEntry{key: key, flight: f}
			s.rows[key] = e
			b.own = append(b.own, place{e, f, i})
			b.keys = append(b.keys, key)
		case e.flight != nil:
			b.other = append(b.other, place{e, e.flight, i})
		default:
			e.used = true
			dst[i] = e.value
		}
		s.mu.Unlock()
	}
	n.misses.Add(uint64(len(b.own)))
	n.joined.Add(uint64(len(b.other)))
	n.hits.Add(uint64(len(keys) - len(b.own) - len(b.other)))
	return f
}

// fly asks for what look has claimed.
func (n *near) fly(ctx context.Context, b *nearBatch, f *flight, dst []value, now int64, fetch func(ctx context.Context, keys []uint64, dst []value) error) error {
	f.err = errors.New("redis: the call that asked for the row panicked")
	b.got = append(b.got[:0], make([]value, len(b.own))...)
	defer func() {
		for i, p := range b.own {
			n.settle(p.entry, b.got[i], now, f.err == nil)
		}
		close(f.done)
	}()
	if f.err = fetch(ctx, b.keys, b.got); f.err != nil {
		return f.err
	}
	for i, p := range b.own {
		dst[p.index] = b.got[i]
	}
	return nil
}

// settle gives an entry its value and keeps it, unless an invalidation has come meanwhile.
func (n *near) settle(e *nearEntry, v value, now int64, ok bool) {
	s := n.shard(e.key)
	s.mu.Lock()
	defer s.mu.Unlock()
	e.value = v
	if s.rows[e.key] != e {
		return
	}
	if !ok {
		delete(s.rows, e.key)
		return
	}
	e.flight, e.born = nil, now
	e.prev, e.next = s.hand.prev, s.hand // behind the hand: it comes to it last
	e.prev.next, e.next.prev = e, e
	s.bytes += e.size()
	n.evict(s, n.config.Bytes/nearShards)
}

func (e *nearEntry) size() int64 { return int64(len(e.value.bytes)) + nearOverhead }

// evict removes what was not read since the hand came by, until a shard is within its bytes.
func (n *near) evict(s *nearShard, most int64) {
	for s.bytes > most {
		e := s.hand
		s.hand = e.next
		switch {
		case e == &s.ring:
		case e.used:
			e.used = false
		default:
			s.remove(e)
			n.evicted.Add(1)
		}
	}
}

// remove takes an entry out, one that waits for its value too.
func (s *nearShard) remove(e *nearEntry) {
	delete(s.rows, e.key)
	if e.flight != nil {
		return
	}
	if s.hand == e {
		s.hand = e.next
	}
	e.prev.next, e.next.prev = e.next, e.prev
	s.bytes -= e.size()
}

// join waits for what other calls ask for. When such a call fails, by its own deadline perhaps, this one asks itself.
func (n *near) join(ctx context.Context, b *nearBatch, keys []uint64, dst []value, fetch func(ctx context.Context, keys []uint64, dst []value) error) error {
	b.keys = b.keys[:0]
	left := b.other[:0]
	for _, p := range b.other {
		select {
		case <-p.flight.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		if p.flight.err != nil {
			left = append(left, p)
			b.keys = append(b.keys, keys[p.index])
			continue
		}
		dst[p.index] = p.entry.value
	}
	if len(left) == 0 {
		return nil
	}
	b.got = append(b.got[:0], make([]value, len(left))...)
	if err := fetch(ctx, b.keys, b.got); err != nil {
		return err
	}
	for i, p := range left {
		dst[p.index] = b.got[i]
	}
	return nil
}

// drop removes the copy of a key.
func (n *near) drop(key uint64) {
	s := n.shard(key)
	s.mu.Lock()
	if e := s.rows[key]; e != nil {
		s.remove(e)
		n.invalidated.Add(1)
	}
	s.mu.Unlock()
}

// flush removes all copies.
func (n *near) flush() {
	n.flushed.Add(1)
	for i := range n.shards {
		s := &n.shards[i]
		s.mu.Lock()
		s.reset()
		s.mu.Unlock()
	}
}

// size returns the rows and bytes that are kept.
func (n *near) size() (rows int, bytes int64) {
	for i := range n.shards {
		s := &n.shards[i]
		s.mu.Lock()
		rows += len(s.rows)
		bytes += s.bytes
		s.mu.Unlock()
	}
	return rows, bytes
}
