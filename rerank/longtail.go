package rerank

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/recsyskit/recsys"
)

// LongTail is a re-ranker against popularity bias: it fills the top of the list one by one, with items of the long tail as far as the user
// cares for them. Each place goes to
//
//	argmax_i  (1-Lambda)·relevance_i + Lambda·P(c(i)|user)·(1 - covered(c(i)))
//
// c(i) is the head, items of a popularity of Head or more, or the tail, all others. covered is 1 for a group that has a row above
// and else 0, so that the second term brings at least one of each; with Smooth it is the share that the group has of the rows above, so
// that it goes on to act.
//
// A row whose popularity is unknown or NaN is of the tail: what nobody has counted is not popular. Relevance is the utility, brought to [0, 1]; see
// Relevance. The first K places (of the request) are filled through [recsys.Candidates.Slate], so that constraints hold on the way. Rows that are
// not chosen follow in their old order. Utilities are dealt out again: the row at place i gets what the row at place i had. Rows of
// utility -Inf (a NaN score) are never chosen while another may come. Ties go to the row that stood earlier.
//
// It costs O(Depth·Top) at most and, once warm, allocates nothing. Safe for concurrent use.
//
// Source: Abdollahpouri, Burke and Mobasher, "Managing Popularity Bias in Recommender Systems with Personalized Re-ranking", FLAIRS
// 2019, section "Proposed Approach". There the smooth form multiplies 1 - covered over all rows above, which is nothing after a few
// rows; here it counts once.
type LongTail struct {
	// Lambda weighs the long tail against relevance, in [0, 1]: 0 leaves the order as it is.
	Lambda float64

	// Popularity names a float or ID column of items: how often an item was taken. Required.
	Popularity string
	// Head is the popularity from which on an item is popular, > 0. Required. In the paper the head is the most popular
	// items that together have 80 % of all ratings.
	Head float64

	// Taste names a float column of the request: the share of the tail in what the user took, P(tail|user), in [0, 1]; what is
	// outside is taken as the nearest. Where it is empty, unknown or NaN, Tail counts.
	Taste string
	// Tail is the share of the tail for users without a taste, in [0, 1].
	Tail float64
	// Smooth makes the share that a group has above count instead of its being there.
	Smooth bool

	// Depth is how many rows, best first, are considered. 0 means 1,000. A row below
	// is taken only when no row above may come.
	Depth int
	// Top is how many places are filled this way. 0 means the K of the request. Places
	// beyond K are filled without regard to constraints, which speak of K places.
	Top int

	// Relevance says how utilities become relevance. The default is MinMax.
	Relevance Relevance
}

var (
	_ recsys.ReRanker                = LongTail{}
	_ recsys.Binder[recsys.ReRanker] = LongTail{}
	_ recsys.Validator               = LongTail{}
	_ recsys.Versioned               = LongTail{}
)

// Validate reports what is wrong with the fields, joined.
func (x LongTail) Validate() error {
	errs := problems{stage: "LongTail"}
	if !(x.Lambda >= 0 && x.Lambda <= 1) {
		errs.bad("Lambda is %v; want a number in [0, 1]", x.Lambda)
	}
	if x.Popularity == "" {
		errs.bad("Popularity is empty; name a float or ID column of items")
	}
	if !(x.Head > 0) || math.IsInf(x.Head, 0) {
		errs.bad("Head is %v; want a finite number > 0", x.Head)
	}
	if !(x.Tail >= 0 && x.Tail <= 1) {
		errs.bad("Tail is %v; want a share in [0, 1]", x.Tail)
	}
	errs.reach(x.Depth, x.Top, x.Relevance)
	return errs.join()
}

// Bind finds the columns.
func (x LongTail) Bind(s *recsys.Schema) (recsys.ReRanker, error) {
	b, err := x.bind(s)
	if err != nil {
		return nil, err
	}
	return b, nil
}

func (x LongTail) bind(s *recsys.Schema) (*boundLongTail, error) {
	b := &boundLongTail{LongTail: x}
	b.Depth = orDefault(x.Depth)
	var errs []error
	var err error
	b.popularity, err = numberOfItems(s, "LongTail.Popularity", x.Popularity)
	errs = append(errs, err)
	if x.Taste != "" {
		b.taste, err = s.Float(x.Taste)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("rerank: LongTail.Taste: %w", err))
		case b.taste.Scope != recsys.PerRequest:
			errs = append(errs, fmt.Errorf("rerank: LongTail.Taste: feature %q describes items; want one of the request", x.Taste))
		}
	}
	b.pool.New = func() any { return &longTailWork{cfg: b} }
	return b, errors.Join(errs...)
}

// ReRank finds the columns by their names and does what the bound re-ranker does.
func (x LongTail) ReRank(ctx context.Context, q *recsys.Query, c *recsys.Candidates, order []int32) ([]int32, error) {
	b, err := x.bind(c.Schema())
	if err != nil {
		return nil, err
	}
	return b.ReRank(ctx, q, c, order)
}

// Version returns the fields as text.
func (x LongTail) Version() string {
	return fmt.Sprintf("lambda=%v popularity=%q head=%v taste=%q tail=%v smooth=%t depth=%d top=%d relevance=%v",
		x.Lambda, x.Popularity, x.Head, x.Taste, x.Tail, x.Smooth, orDefault(x.Depth), x.Top, x.Relevance)
}

type boundLongTail struct {
	LongTail
	popularity, taste recsys.Field
	pool              sync.Pool // *longTailWork
}

// tail returns P(tail|user).
func (x *boundLongTail) tail(q *recsys.Query) float64 {
	if x.Taste == "" || q.Missing(x.taste.Group) {
		return x.Tail
	}
	if t := float64(q.Floats()[x.taste.Index]); t == t {
		return min(max(t, 0), 1)
	}
	return x.Tail
}

// longTailWork is the memory of one call.
type longTailWork struct {
	list
	cfg   *boundLongTail
	c     *recsys.Candidates
	scale scale
	want  [2]float64 // of the head and the tail
	above [2]int     // rows above
	base  []float64
	group []uint8
}

// ReRank fills the top of the list with regard to the long tail.
func (x *boundLongTail) ReRank(_ context.Context, q *recsys.Query, c *recsys.Candidates, order []int32) ([]int32, error) {
	if len(order) == 0 {
		return order, nil
	}
	w := x.pool.Get().(*longTailWork)
	defer func() {
		w.c = nil
		x.pool.Put(w)
	}()
	tail := x.tail(q)
	w.c, w.want, w.above = c, [2]float64{1 - tail, tail}, [2]int{}
	w.base, w.group = w.base[:0], w.group[:0]
	w.list.read(c, order, x.Depth)
	utility := c.Utility()
	w.scale = newScale(x.Relevance, w.rows, utility)
	for _, row := range w.rows {
		w.add(row, utility[row])
	}
	if err := w.fill(w, q, c, order, x.Top); err != nil {
		return nil, err
	}
	w.write(c, order)
	return order, nil
}

// add appends an item.
func (w *longTailWork) add(row int32, utility float32) {
	group := uint8(1)
	f := w.cfg.popularity
	if !w.c.Missing(f.Group).Has(int(row)) && number(w.c, f, int(row)) >= w.cfg.Head {
		group = 0
	}
	w.group = append(w.group, group)
	w.base = append(w.base, float64((1-w.cfg.Lambda)*w.scale.of(utility)))
}

func (w *longTailWork) best(open recsys.Bits) int {
	var bonus [2]float64
	for g := range bonus {
		covered := 0.0
		switch all := w.above[0] + w.above[1]; {
		case w.cfg.Smooth && all > 0:
			covered = float64(w.above[g]) / float64(all)
		case w.above[g] > 0:
			covered = 1
		}
		bonus[g] = float64(w.cfg.Lambda * w.want[g] * (1 - covered))
	}
	at, top := -1, 0.0
	for i, base := range w.base {
		if !open.Has(int(w.rows[i])) {
			continue
		}
		if score := base + bonus[w.group[i]]; at < 0 || score > top {
			at, top = i, score
		}
	}
	return at
}

func (w *longTailWork) pick(i int) { w.above[w.group[i]]++ }
