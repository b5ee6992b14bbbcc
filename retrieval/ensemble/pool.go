package ensemble

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval/internal/topk"
)

// scratch is the memory of one call.
type scratch struct {
	sinks  []*recsys.Sink // by source
	pool   []recsys.ItemID
	column []float32 // scores of one source: the pool, then the items
	asked  []recsys.ItemID
	total  []float32
	keys   []uint64
}

func newScratch(sources int) *scratch {
	s := &scratch{sinks: make([]*recsys.Sink, sources)}
	for i := range s.sinks {
		s.sinks[i] = new(recsys.Sink)
	}
	return s
}

// gather asks the sources for their candidates and makes the pool of them: ascending, each
// item once.
func (s *scratch) gather(ctx context.Context, sources []Source, q *recsys.Query) error {
	for i := range sources {
		if err := s.ask(ctx, &sources[i], s.sinks[i], q); err != nil {
			return err
		}
	}
	s.unite()
	return nil
}

// ask fills the sink of one source.
func (s *scratch) ask(ctx context.Context, from *Source, sink *recsys.Sink, q *recsys.Query) error {
	sink.Open(q, from.Quota)
	if from.Quota == 0 {
		return nil
	}
	if from.Retriever == nil {
		return fmt.Errorf("%w: %q", ErrMissing, from.Name)
	}
	if err := ctx.Err(); err != nil { // most sources do not look
		return fmt.Errorf("ensemble: stopped at source %q: %w", from.Name, err)
	}
	if err := from.Retriever.Retrieve(ctx, q, sink); err != nil {
		return fmt.Errorf("ensemble: source %q: %w", from.Name, err)
	}
	return nil
}

// unite makes the pool of what the sinks hold.
func (s *scratch) unite() {
	s.pool = s.pool[:0]
	for _, sink := range s.sinks {
		ids, _ := sink.Items()
		s.pool = append(s.pool, ids...)
	}
	slices.Sort(s.pool)
	s.pool = slices.Compact(s.pool)
}

// blend fills s.total with the scores of the items, those of the pool if items is nil.
func (s *scratch) blend(ctx context.Context, sources []Source, q *recsys.Query, items []recsys.ItemID) error {
	n := len(items)
	if items == nil {
		n = len(s.pool)
	}
	s.total = slices.Grow(s.total[:0], n)[:n]
	clear(s.total)
	for i := range sources {
		if sources[i].Weight == 0 {
			continue
		}
		x, err := s.scores(ctx, &sources[i], s.sinks[i], q, items)
		if err != nil {
			return err
		}
		w := float32(sources[i].Weight)
		for k := range s.total {
			s.total[k] = bounded(s.total[k] + bounded(float32(w*x[k])))
		}
	}
	return nil
}

// scores returns what a source gives to the items, or to the pool if items is nil, in units of
// its spread over the pool. The slice is the scratch's.
func (s *scratch) scores(ctx context.Context, from *Source, sink *recsys.Sink, q *recsys.Query, items []recsys.ItemID) ([]float32, error) {
	n := len(s.pool) + len(items)
	s.column = slices.Grow(s.column[:0], n)[:n]
	scorer, ok := from.Retriever.(recsys.ItemScorer)
	if !ok {
		s.listed(sink, items)
		return s.scaled(len(items)), nil
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("ensemble: stopped at source %q: %w", from.Name, err)
	}
	asked := s.pool
	if len(items) > 0 { // in one call: most of its cost is as a rule the user's, not the items'
		s.asked = append(append(s.asked[:0], s.pool...), items...)
		asked = s.asked
	}
	if err := scorer.ScoreItems(ctx, q, asked, s.column); err != nil {
		return nil, fmt.Errorf("ensemble: source %q: %w", from.Name, err)
	}
	return s.scaled(len(items)), nil
}

// listed fills the column from what a source proposed: how far each candidate is above the
// last one, 0 for items that it did not propose.
func (s *scratch) listed(sink *recsys.Sink, items []recsys.ItemID) {
	clear(s.column)
	ids, scores := sink.Items()
	least := math.Inf(1)
	for _, x := range scores {
		if x-x == 0 {
			least = min(least, float64(x))
		}
	}
	above := func(x float32) float32 {
		if x-x != 0 { // scaled makes an end of it
			return x
		}
		return float32((float64(x) - least) / 2) // which fits, and the scale plays no part
	}
	if len(items) == 0 {
		for k := len(ids) - 1; k >= 0; k-- { // of doubles the first counts
			at, _ := slices.BinarySearch(s.pool, ids[k])
			s.column[at] = above(scores[k])
		}
		return
	}
	// Items may be in any order and doubled: find each in the pool.
	pool := s.column[:len(s.pool)]
	for k := len(ids) - 1; k >= 0; k-- {
		at, _ := slices.BinarySearch(s.pool, ids[k])
		pool[at] = above(scores[k])
	}
	for k, id := range items {
		if at, in := slices.BinarySearch(s.pool, id); in {
			s.column[len(s.pool)+k] = pool[at]
		}
	}
}

// scaled divides the column by its spread over the pool and returns the part of the items, or
// of the pool when items is 0.
func (s *scratch) scaled(items int) []float32 {
	lo, hi, scale := spread(s.column[:len(s.pool)])
	x := s.column
	if items > 0 {
		x = x[len(s.pool):]
	}
	for k, v := range x {
		switch {
		case v-v == 0:
		case v > 0: // +Inf
			v = hi
		default: // -Inf and NaN, which is the lowest
			v = lo
		}
		x[k] = float32(min(max(float64(v)*scale, -limit), limit))
	}
	return x
}

// limit keeps scores in units of a tiny spread within bounds.
const limit = 1e18

// bounded keeps a sum finite, whatever the weights: Inf - Inf would be no number.
func bounded(x float32) float32 { return min(max(x, -math.MaxFloat32), math.MaxFloat32) }

// spread returns the ends of the finite scores and the inverse of their standard deviation:
// of their largest size where all are equal, 0 where all are 0 or there are none.
func spread(scores []float32) (lo, hi float32, scale float64) {
	n, sum := 0, 0.0
	for _, v := range scores {
		if v-v != 0 {
			continue
		}
		if n == 0 {
			lo, hi = v, v
		}
		lo, hi = min(lo, v), max(hi, v)
		sum += float64(v)
		n++
	}
	if n == 0 {
		return 0, 0, 0
	}
	mean, square := sum/float64(n), 0.0
	for _, v := range scores {
		if v-v == 0 {
			d := float64(v) - mean
			square += float64(d * d)
		}
	}
	size := math.Sqrt(square / float64(n))
	if lo == hi {
		size = math.Abs(float64(lo))
	}
	if scale = 1 / size; size == 0 || scale > math.MaxFloat32 {
		return lo, hi, 0
	}
	return lo, hi, scale
}

// propose adds the pool to out by falling score.
func (s *scratch) propose(q *recsys.Query, out *recsys.Sink) {
	s.keys = s.keys[:0]
	for k, x := range s.total {
		s.keys = append(s.keys, topk.Key(x, int32(k)))
	}
	n := out.Room()
	if q.Explain {
		n = min(n, math.MaxInt/2) * 2 // the pipeline keeps as many again, to tell why not
	}
	for _, key := range topk.Best(s.keys, n) {
		if !out.Add(s.pool[topk.Position(key)], topk.Score(key)) {
			return
		}
	}
}
