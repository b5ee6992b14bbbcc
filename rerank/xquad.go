package rerank

import (
	"context"
	"fmt"
	"sync"

	"github.com/recsyskit/recsys"
)

// XQuAD is a re-ranker: it fills the top of the list one by one with the row that is most relevant and
// covers what the rows above leave open of the aspects that the request wants; see [SelectXQuAD] for the formula.
//
// Aspects are what items can be about: genres, topics, meanings of a query. An item has a number in [0, 1] for each, the
// probability that it satisfies somebody who wants that aspect; what is more is taken as 1, what is negative or no number as 0. By an ID column an item
// has 1 for its own value and 0 for others. A row whose aspects are unknown, or whose value is not listed, covers none. Relevance is the utility, brought to [0, 1]; see Relevance.
//
// The first K places (of the request) are filled through [recsys.Candidates.Slate], so that
// constraints hold on the way. Rows that are not chosen follow in their old order.
// Utilities are dealt out again: the row at place i gets what the row at place i had. Rows of
// utility -Inf (a NaN score) are never chosen while another may come.
//
// Ties go to the row that stood earlier. It costs O(Depth·Top·Z) at most for Z aspects, by bounds less, and, once warm,
// allocates nothing. Safe for concurrent use.
//
// Source: Santos, Macdonald and Ounis, "Exploiting Query Reformulations for Web Search Result Diversification", WWW
// 2010, equations 1 to 6; Vargas and Castells, "Intent-oriented Diversity in Recommender Systems", SIGIR 2011, for
// aspects of users.
type XQuAD struct {
	// Lambda weighs coverage against relevance, in [0, 1]: 0 leaves the order as it is, 1
	// looks at coverage alone. (In [MMR] it is the other way round; both are as published.)
	Lambda float64

	// Aspects names the column of items that says what they cover: a vector, with a number for each aspect, or an ID, such as a category. Required.
	Aspects string
	// Values lists the aspects where Aspects names an ID column: aspect z is Values[z]. Required then, and empty for a vector column.
	Values []uint64
	// Wanted names the vector column of the request that says how much each aspect is wanted, in their order. It is brought to a sum of 1.
	// Where it is empty, unknown or has nothing above 0, all aspects are wanted alike.
	Wanted string

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
	_ recsys.ReRanker                = XQuAD{}
	_ recsys.Binder[recsys.ReRanker] = XQuAD{}
	_ recsys.Validator               = XQuAD{}
	_ recsys.Versioned               = XQuAD{}
)

// Validate reports what is wrong with the fields, joined.
func (x XQuAD) Validate() error {
	errs := problems{stage: "XQuAD"}
	if !(x.Lambda >= 0 && x.Lambda <= 1) {
		errs.bad("Lambda is %v; want a number in [0, 1]", x.Lambda)
	}
	if x.Aspects == "" {
		errs.bad("Aspects is empty; name a vector or ID column of items")
	}
	errs.values(x.Values)
	errs.reach(x.Depth, x.Top, x.Relevance)
	return errs.join()
}

// Bind finds the columns. It keeps a copy of Values.
func (x XQuAD) Bind(s *recsys.Schema) (recsys.ReRanker, error) {
	b, err := x.bind(s)
	if err != nil {
		return nil, err
	}
	return b, nil
}

func (x XQuAD) bind(s *recsys.Schema) (*boundXQuAD, error) {
	b := &boundXQuAD{XQuAD: x}
	b.Depth = orDefault(x.Depth)
	var err error
	b.shares, err = bindShares(s, "XQuAD", "Aspects", x.Aspects, x.Values, "Wanted", x.Wanted)
	b.pool.New = func() any { return &xquadWork{cfg: b} }
	return b, err
}

// ReRank finds the columns by their names and does what the bound re-ranker does.
func (x XQuAD) ReRank(ctx context.Context, q *recsys.Query, c *recsys.Candidates, order []int32) ([]int32, error) {
	b, err := x.bind(c.Schema())
	if err != nil {
		return nil, err
	}
	return b.ReRank(ctx, q, c, order)
}

// Version returns the fields as text.
func (x XQuAD) Version() string {
	return fmt.Sprintf("lambda=%v aspects=%q values=%v wanted=%q depth=%d top=%d relevance=%v",
		x.Lambda, x.Aspects, x.Values, x.Wanted, orDefault(x.Depth), x.Top, x.Relevance)
}

type boundXQuAD struct {
	XQuAD
	shares shares
	pool   sync.Pool // *xquadWork
}

// xquadWork is the memory of one call.
type xquadWork struct {
	list
	explicit
	cfg    *boundXQuAD
	c      *recsys.Candidates
	scale  scale
	wanted []float64
}

// ReRank fills the top of the list by aspects.
func (x *boundXQuAD) ReRank(_ context.Context, q *recsys.Query, c *recsys.Candidates, order []int32) ([]int32, error) {
	if len(order) == 0 {
		return order, nil
	}
	w := x.pool.Get().(*xquadWork)
	defer func() {
		w.c = nil
		x.pool.Put(w)
	}()
	w.read(q, c, order)
	if err := w.fill(w, q, c, order, x.Top); err != nil {
		return nil, err
	}
	w.write(c, order)
	return order, nil
}

func (w *xquadWork) read(q *recsys.Query, c *recsys.Candidates, order []int32) {
	w.c = c
	var ok bool
	if w.wanted, ok = w.cfg.shares.appendWanted(w.wanted[:0], q); !ok {
		z := w.cfg.shares.dim
		w.wanted = resize(w.wanted, z)
		for i := range w.wanted {
			w.wanted[i] = 1 / float64(z)
		}
	}
	w.list.read(c, order, w.cfg.Depth)
	w.reset(w.cfg.Lambda, w.wanted)
	w.coverage = w.coverage[:0]
	utility := c.Utility()
	w.scale = newScale(w.cfg.Relevance, w.list.rows, utility)
	for _, row := range w.list.rows {
		w.add(row, utility[row])
	}
}

// add appends an item.
func (w *xquadWork) add(row int32, utility float32) {
	w.explicit.rows = w.list.rows
	w.coverage = w.cfg.shares.appendItem(w.coverage, w.c, int(row), false)
	w.append(w.scale.of(utility))
}
