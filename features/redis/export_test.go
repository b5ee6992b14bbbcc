package redis

import (
	"context"
	"time"
)

// What tests see of the inside.

type TestBreaker struct{ b *breaker }

func NewTestBreaker(c Breaker, now func() time.Time) (TestBreaker, error) {
	err := c.check()
	return TestBreaker{newBreaker(c, now)}, err
}

func (t TestBreaker) Enter() (probe bool, err error) { return t.b.enter() }
func (t TestBreaker) Leave(probe bool, err error)    { t.b.leave(probe, err) }
func (t TestBreaker) Stats() BreakerStats            { return t.b.stats() }

type TestNear struct{ n *near }

func NewTestNear(c Near) TestNear {
	if err := c.check(); err != nil {
		panic(err)
	}
	return TestNear{newNear(c)}
}

// Values returns a text for each key, "-" where there is no row.
func (t TestNear) Values(ctx context.Context, now time.Time, keys []uint64, fetch func(keys []uint64) (map[uint64]string, error)) ([]string, error) {
	dst := make([]value, len(keys))
	var b nearBatch
	err := t.n.values(ctx, &b, keys, dst, now, func(_ context.Context, keys []uint64, dst []value) error {
		got, err := fetch(keys)
		for i, k := range keys {
			dst[i].bytes, dst[i].found = got[k]
		}
		return err
	})
	out := make([]string, len(keys))
	for i, v := range dst {
		out[i] = "-"
		if v.found {
			out[i] = v.bytes
		}
	}
	return out, err
}

func (t TestNear) Drop(key uint64) { t.n.drop(key) }
func (t TestNear) Flush()          { t.n.flush() }

func (t TestNear) Stats() NearStats { return t.n.stats() }

func SlotOf(key string) uint16 { return slotOf(key) }

func (s *Store) Name(key uint64) string {
	names, _ := s.space.append(nil, nil, []uint64{key})
	return names[0]
}

func (s *Store) ParseName(name string) (uint64, bool) { return s.space.parse(name) }
