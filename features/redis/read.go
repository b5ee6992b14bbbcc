package redis

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/rueidis"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/internal/row"
)

var errBlock = errors.New("redis: the block has not the columns of the view, or not a row for each item")

// Hydrate writes the rows of the items, or of the request, into out. A key that has no row is a missing row: defaults and
// the Missing bit; so is one under which something else is found, see [ValueError]. The error is that of the connection,
// wraps ctx.Err() when the context is done, and wraps [ErrOpen] when Redis was not asked.
func (s *Store) Hydrate(ctx context.Context, q *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
	n := len(items)
	if s.view.Entity.Scope() == recsys.PerRequest {
		n = 1
	}
	if !s.serving.fits(out, n) {
		return errBlock
	}
	if s.view.Entity == features.Context && s.keys == (features.Keys{}) {
		return fmt.Errorf("redis: view %q is of the request's column %q: bind the store first, as a pipeline does", s.view.Name, s.view.Key)
	}
	sc := s.scratch()
	sc.keys = s.keys.Append(sc.keys[:0], q, items)
	sc.values = resize(sc.values, n)
	if err := s.read(ctx, sc); err != nil {
		s.counts.failedReads.Add(1)
		s.release(sc)
		return fmt.Errorf("redis: view %q: %w", s.view.Name, err)
	}
	s.fill(sc, out, momentOf(q.Now))
	s.release(sc)
	return nil
}

// read gets the values of sc.keys, from the near-cache if there is one.
func (c *core) read(ctx context.Context, sc *scratch) error {
	if c.near == nil {
		return c.get(ctx, sc, sc.keys, sc.values)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return c.near.values(ctx, &sc.near, sc.keys, sc.values, time.Now(), c.fetcher)
}

// verified gets values from Redis for the near-cache, and verifies them once: a copy is read many times.
func (c *core) verified(ctx context.Context, keys []uint64, dst []value) error {
	if err := c.fetch(ctx, keys, dst); err != nil {
		return err
	}
	for i := range dst {
		v := &dst[i]
		v.verified = v.found && c.codec.Verify(keys[i], bytesOf(v.bytes)) == row.OK
	}
	return nil
}

// fetch gets values from Redis, with memory of its own.
func (c *core) fetch(ctx context.Context, keys []uint64, dst []value) error {
	sc := c.scratch()
	defer c.release(sc)
	return c.get(ctx, sc, keys, dst)
}

// get gets values from Redis.
func (c *core) get(ctx context.Context, sc *scratch, keys []uint64, dst []value) (err error) {
	if len(keys) == 0 {
		return ctx.Err()
	}
	l := &c.reads
	ctx, cancel, probe, err := l.begin(ctx)
	if err != nil {
		return err
	}
	sc.names, sc.text = c.space.append(sc.names[:0], sc.text, keys)
	err = errPanicked
	defer func() {
		err = l.end(ctx, probe, err)
		cancel()
	}()
	if len(keys) <= perCommand && !l.cluster() {
		result, err := l.do(ctx, l.builder().Mget().Key(sc.names...).Build())
		if err != nil {
			return err
		}
		return values(result, nil, dst)
	}
	sc.commands, sc.indexes = sc.commands[:0], sc.indexes[:0]
	sc.order = l.groups(sc.names, sc.order, perCommand, func(indexes []uint64) {
		sc.group = sc.group[:0]
		for _, i := range indexes {
			sc.group = append(sc.group, sc.names[uint32(i)])
		}
		sc.commands = append(sc.commands, l.builder().Mget().Key(sc.group...).Build())
		sc.indexes = append(sc.indexes, indexes)
	})
	results, err := l.doMulti(ctx, sc.commands)
	if err != nil {
		sc.commands = nil // the client may still look at them
		return err
	}
	for i, result := range results {
		if err := values(result, sc.indexes[i], dst); err != nil {
			sc.commands = nil
			return err
		}
	}
	return nil
}

var errPanicked = errors.New("the client panicked")

// values writes the reply to an MGET to dst: to dst[indexes[j]], or to dst[j] where indexes is nil.
func values(result rueidis.RedisResult, indexes []uint64, dst []value) error {
	reply, err := result.ToArray()
	if err != nil {
		return err
	}
	want := len(dst)
	if indexes != nil {
		want = len(indexes)
	}
	if len(reply) != want {
		return fmt.Errorf("MGET of %d keys answered with %d values", want, len(reply))
	}
	for j := range reply {
		at := j
		if indexes != nil {
			at = int(uint32(indexes[j]))
		}
		if reply[j].IsNil() {
			dst[at] = value{}
			continue
		}
		text, err := reply[j].ToString()
		if err != nil {
			return err
		}
		dst[at] = value{bytes: text, found: true}
	}
	return nil
}

// fill decodes the values into the block.
func (s *Store) fill(sc *scratch, out *recsys.Block, m moment) {
	var n [4]uint64
	future := uint64(0)
	out.Stale.Reset()
	out.Missing.Reset()
	for i, v := range sc.values {
		if !v.found {
			s.serving.miss(out, i)
			n[missing]++
			continue
		}
		var at int64
		status := row.OK
		if v.verified {
			at = s.codec.ReadVerified(bytesOf(v.bytes), out, i)
		} else {
			at, status = s.codec.Read(sc.keys[i], bytesOf(v.bytes), out, i)
		}
		if status != row.OK {
			s.bad(sc.keys[i], v.bytes, statusError(status))
			s.serving.miss(out, i)
			n[missing]++
			continue
		}
		if m.known && at > m.now {
			future++
		}
		n[s.serving.finish(out, i, at, m)]++
	}
	c := &s.counts
	for i, to := range [...]counter{missing: &c.missing, fresh: &c.fresh, stale: &c.stale, expired: &c.expired} {
		if n[i] > 0 {
			to.Add(n[i])
		}
	}
	if future > 0 {
		c.future.Add(future)
	}
}

// Lookup appends the row of each key that has one to dst, see [features.OnlineStore]. It asks Redis, not the near-cache. Something that is
// no row of the view is counted, reported and left out.
func (s *Store) Lookup(ctx context.Context, keys []uint64, dst []features.Row) ([]features.Row, error) {
	got := make([]value, len(keys))
	if err := s.fetch(ctx, keys, got); err != nil {
		s.counts.failedReads.Add(1)
		return dst, fmt.Errorf("redis: view %q: %w", s.view.Name, err)
	}
	for i, v := range got {
		if !v.found {
			continue
		}
		var r features.Row
		if status := s.codec.Row(keys[i], bytesOf(v.bytes), &r); status != row.OK {
			s.bad(keys[i], v.bytes, statusError(status))
			continue
		}
		dst = append(dst, r)
	}
	return dst, nil
}

type counter = interface{ Add(uint64) uint64 }

func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, n+n/4)
	}
	return s[:n]
}
