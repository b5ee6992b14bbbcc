package rerank

import (
	"context"
	"fmt"
	"sync"

	"github.com/recsyskit/recsys"
)

// ExposureParity is a re-ranker: groups that got less exposure than was due to them, over all requests so far, move up. A single
// ranking cannot be fair, since it has one first place; many can, by turns. Each place goes to
//
//	argmax_i  (1-Lambda)·relevance_i + Lambda·deficit_g(i)
//
// with the deficits of its [ExposureLedger] and of the places above in this list: a place's exposure is dealt out as due to all groups of
// the list (by the shares that were declared, else by their relevance in it) and received by one. The deficit is in units of the
// exposure of a first place, and grows until it is paid: exposure follows what is due in the long run for any Lambda > 0, the sooner the larger
// it is.
//
// Reading the ledger is all the state there is: the result depends on the ledger at the time of the call, and only what is logged to the ledger
// changes it. Replay gives the same slate if the ledger stands where it stood ([ExposureLedger.Accounts]).
//
// The K places (of the request) are filled through [recsys.Candidates.Slate], so that constraints hold on the way. Rows that are not
// chosen follow in their old order. Utilities are dealt out again: the row at place i gets what the row at place i had. Rows of
// utility -Inf (a NaN score) are never chosen while another may come. A row of unknown group counts for the value that stands in
// its place, the column's default. Ties go to the row that stood earlier.
//
// It costs O(Depth·K) and, once warm, allocates nothing. Safe for concurrent use; requests that run at the same time see the same deficits.
//
// Source: Biega, Gummadi and Weikum, "Equity of Attention: Amortizing Individual Fairness in Rankings", SIGIR 2018, section 3, solved
// greedily by the controller of Morik, Singh, Hong and Joachims, "Controlling Fairness and Bias in Dynamic
// Learning-to-Rank", SIGIR 2020, section 5.2, with the attention of DCG.
type ExposureParity struct {
	// Ledger keeps the accounts. Required; the pipeline must log to it.
	Ledger *ExposureLedger
	// Lambda weighs deficits against relevance, in [0, 1]: 0 leaves the order as it is, 1 looks at deficits alone.
	Lambda float64

	// Depth is how many rows, best first, are considered. 0 means 1,000. A row below
	// is taken only when no row above may come.
	Depth int

	// Relevance says how utilities become relevance. The default is MinMax.
	Relevance Relevance
}

var (
	_ recsys.ReRanker                = ExposureParity{}
	_ recsys.Binder[recsys.ReRanker] = ExposureParity{}
	_ recsys.Validator               = ExposureParity{}
	_ recsys.Versioned               = ExposureParity{}
)

// Validate reports what is wrong with the fields, joined.
func (x ExposureParity) Validate() error {
	errs := problems{stage: "ExposureParity"}
	if x.Ledger == nil {
		errs.bad("Ledger is nil; make one with NewExposureLedger and log to it")
	}
	if !(x.Lambda >= 0 && x.Lambda <= 1) {
		errs.bad("Lambda is %v; want a number in [0, 1]", x.Lambda)
	}
	errs.reach(x.Depth, 0, x.Relevance)
	return errs.join()
}

// Bind finds the column of the ledger.
func (x ExposureParity) Bind(s *recsys.Schema) (recsys.ReRanker, error) {
	b, err := x.bind(s)
	if err != nil {
		return nil, err
	}
	return b, nil
}

func (x ExposureParity) bind(s *recsys.Schema) (*boundParity, error) {
	if x.Ledger == nil {
		return nil, x.Validate()
	}
	a, err := bindAttribute(s, "ExposureParity.Ledger", x.Ledger.attribute)
	b := &boundParity{ExposureParity: x, attribute: a}
	b.Depth = orDefault(x.Depth)
	b.pool.New = func() any { return &parityWork{cfg: b, index: map[uint64]int32{}} }
	return b, err
}

// ReRank finds the column by its name and does what the bound re-ranker does.
func (x ExposureParity) ReRank(ctx context.Context, q *recsys.Query, c *recsys.Candidates, order []int32) ([]int32, error) {
	b, err := x.bind(c.Schema())
	if err != nil {
		return nil, err
	}
	return b.ReRank(ctx, q, c, order)
}

// Version returns the fields as text, of the ledger the column.
func (x ExposureParity) Version() string {
	attribute, declared := "", false
	if x.Ledger != nil {
		attribute, declared = x.Ledger.attribute, x.Ledger.shares != nil
	}
	return fmt.Sprintf("attribute=%q declared=%t lambda=%v depth=%d relevance=%v",
		attribute, declared, x.Lambda, orDefault(x.Depth), x.Relevance)
}

type boundParity struct {
	ExposureParity
	attribute attribute
	pool      sync.Pool // *parityWork
}

// parityWork is the memory of one call.
type parityWork struct {
	list
	cfg     *boundParity
	ids     []uint64
	scale   scale
	base    []float64 // (1-lambda)·relevance of each item
	group   []int32   // of each item
	index   map[uint64]int32
	groups  []uint64
	share   []float64 // of the exposure of this list that is due to each group
	deficit []float64
}

// ReRank moves up what is owed exposure.
func (x *boundParity) ReRank(_ context.Context, q *recsys.Query, c *recsys.Candidates, order []int32) ([]int32, error) {
	if len(order) == 0 {
		return order, nil
	}
	w := x.pool.Get().(*parityWork)
	defer func() {
		w.ids = nil
		x.pool.Put(w)
	}()
	w.read(c, order)
	if err := w.fill(w, q, c, order, 0); err != nil {
		return nil, err
	}
	w.write(c, order)
	return order, nil
}

func (w *parityWork) read(c *recsys.Candidates, order []int32) {
	w.ids = c.IDColumn(w.cfg.attribute.index)
	w.list.read(c, order, w.cfg.Depth)
	clear(w.index)
	w.base, w.group, w.groups = w.base[:0], w.group[:0], w.groups[:0]
	w.share, w.deficit = w.share[:0], w.deficit[:0]
	utility := c.Utility()
	w.scale = newScale(w.cfg.Relevance, w.rows, utility)
	for _, row := range w.rows {
		w.add(row, utility[row])
	}
	w.cfg.Ledger.deficits(w.deficit, w.groups)
	if w.cfg.Ledger.shares != nil {
		for g, id := range w.groups {
			w.share[g] = w.cfg.Ledger.shares[id]
		}
		return
	}
	r := newScale(MinMax, w.rows, utility)
	for i, row := range w.rows {
		w.share[w.group[i]] += relevanceBetween(float64(utility[row]), r.lo, r.hi)
	}
	normalize(w.share)
}

// add appends an item. One that comes later, from below, brings no share of its own.
func (w *parityWork) add(row int32, utility float32) {
	g, ok := w.index[w.ids[row]]
	if !ok {
		g = int32(len(w.groups))
		w.index[w.ids[row]] = g
		w.groups = append(w.groups, w.ids[row])
		w.share, w.deficit = append(w.share, 0), append(w.deficit, 0)
	}
	w.group = append(w.group, g)
	w.base = append(w.base, float64((1-w.cfg.Lambda)*w.scale.of(utility)))
}

func (w *parityWork) best(open recsys.Bits) int {
	at, top := -1, 0.0
	for i, base := range w.base {
		if !open.Has(int(w.rows[i])) {
			continue
		}
		if score := base + float64(w.cfg.Lambda*w.deficit[w.group[i]]); at < 0 || score > top {
			at, top = i, score
		}
	}
	return at
}

func (w *parityWork) pick(i int) {
	e := discount(len(w.chosen))
	for g, s := range w.share {
		w.deficit[g] += float64(s * e)
	}
	w.deficit[w.group[i]] -= e
}
