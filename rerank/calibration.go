package rerank

import (
	"context"
	"fmt"
	"sync"

	"github.com/recsyskit/recsys"
)

// Calibration is a re-ranker: it fills the top of the list one by one so that the rows together have the shares of
// genres, topics or groups that the request wants, at the least loss of relevance; see [SelectCalibrated] for the formula.
// A user whose history is 70 % drama and 30 % comedy gets a list like it, where the most relevant rows might all be drama.
//
// A row has a number >= 0 for each aspect, which are brought to a sum of 1; what is no number counts as 0. By an ID column a row is wholly of its
// own value. A row whose shares are unknown, or whose value is not listed, counts as a row of none of them. If the request's wish is unknown or has nothing above 0, only relevance counts.
// Relevance is the utility, brought to [0, 1]; see Relevance.
//
// The first K places (of the request) are filled through [recsys.Candidates.Slate], so that
// constraints hold on the way. Rows that are not chosen follow in their old order.
// Utilities are dealt out again: the row at place i gets what the row at place i had. Rows of
// utility -Inf (a NaN score) are never chosen while another may come.
//
// The list is calibrated as a whole: a prefix of it, and what an explorer makes of it, are near it only. Ties go to the row that stood
// earlier. It costs O(Depth·Top·A) at most for A aspects per row, by bounds less, and, once warm, allocates nothing. Safe for concurrent use.
//
// Source: Steck, "Calibrated Recommendations", RecSys 2018.
type Calibration struct {
	// Lambda weighs calibration against relevance, in [0, 1]: 0 leaves the order as it is, 1 looks at calibration alone. The paper finds
	// little loss of relevance at 0.5 and more.
	Lambda float64
	// Alpha smooths the shares of the list by those wanted, in (0, 1). 0 means 0.01, as in the paper.
	Alpha float64

	// Shares names the column of items that says how an item divides among aspects: a vector, or an ID, such as a category. Required.
	Shares string
	// Values lists the aspects where Shares names an ID column: aspect z is Values[z]. Required then, and empty for a vector column.
	Values []uint64
	// Wanted names the vector column of the request: the shares wanted, of the same aspects. Required.
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
	_ recsys.ReRanker                = Calibration{}
	_ recsys.Binder[recsys.ReRanker] = Calibration{}
	_ recsys.Validator               = Calibration{}
	_ recsys.Versioned               = Calibration{}
)

const defaultAlpha = 0.01

// Validate reports what is wrong with the fields, joined.
func (x Calibration) Validate() error {
	errs := problems{stage: "Calibration"}
	if !(x.Lambda >= 0 && x.Lambda <= 1) {
		errs.bad("Lambda is %v; want a number in [0, 1]", x.Lambda)
	}
	if !(x.Alpha >= 0 && x.Alpha < 1) {
		errs.bad("Alpha is %v; want a number in (0, 1) (0 means %v)", x.Alpha, defaultAlpha)
	}
	if x.Shares == "" {
		errs.bad("Shares is empty; name a vector or ID column of items")
	}
	if x.Wanted == "" {
		errs.bad("Wanted is empty; name a vector column of the request")
	}
	errs.values(x.Values)
	errs.reach(x.Depth, x.Top, x.Relevance)
	return errs.join()
}

// Bind finds the columns. It keeps a copy of Values.
func (x Calibration) Bind(s *recsys.Schema) (recsys.ReRanker, error) {
	b, err := x.bind(s)
	if err != nil {
		return nil, err
	}
	return b, nil
}

func (x Calibration) withDefaults() Calibration {
	x.Depth = orDefault(x.Depth)
	if x.Alpha == 0 {
		x.Alpha = defaultAlpha
	}
	return x
}

func (x Calibration) bind(s *recsys.Schema) (*boundCalibration, error) {
	b := &boundCalibration{Calibration: x.withDefaults()}
	var err error
	b.shares, err = bindShares(s, "Calibration", "Shares", x.Shares, x.Values, "Wanted", x.Wanted)
	b.pool.New = func() any { return &calibrationWork{cfg: b} }
	return b, err
}

// ReRank finds the columns by their names and does what the bound re-ranker does.
func (x Calibration) ReRank(ctx context.Context, q *recsys.Query, c *recsys.Candidates, order []int32) ([]int32, error) {
	b, err := x.bind(c.Schema())
	if err != nil {
		return nil, err
	}
	return b.ReRank(ctx, q, c, order)
}

// Version returns the fields as text.
func (x Calibration) Version() string {
	x = x.withDefaults()
	return fmt.Sprintf("lambda=%v alpha=%v shares=%q values=%v wanted=%q depth=%d top=%d relevance=%v",
		x.Lambda, x.Alpha, x.Shares, x.Values, x.Wanted, x.Depth, x.Top, x.Relevance)
}

type boundCalibration struct {
	Calibration
	shares shares
	pool   sync.Pool // *calibrationWork
}

// calibrationWork is the memory of one call.
type calibrationWork struct {
	list
	calibrated
	cfg    *boundCalibration
	c      *recsys.Candidates
	scale  scale
	wanted []float64
	one    []float64 // the shares of an item
}

// ReRank fills the top of the list by shares.
func (x *boundCalibration) ReRank(_ context.Context, q *recsys.Query, c *recsys.Candidates, order []int32) ([]int32, error) {
	if len(order) == 0 {
		return order, nil
	}
	w := x.pool.Get().(*calibrationWork)
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

func (w *calibrationWork) read(q *recsys.Query, c *recsys.Candidates, order []int32) {
	w.c = c
	lambda, ok := w.cfg.Lambda, false
	if w.wanted, ok = w.cfg.shares.appendWanted(w.wanted[:0], q); !ok {
		lambda = 0
		w.wanted = resize(w.wanted, w.cfg.shares.dim)
		clear(w.wanted)
	}
	w.list.read(c, order, w.cfg.Depth)
	w.reset(lambda, w.cfg.Alpha, w.wanted)
	utility := c.Utility()
	w.scale = newScale(w.cfg.Relevance, w.list.rows, utility)
	for _, row := range w.list.rows {
		w.add(row, utility[row])
	}
}

// add appends an item.
func (w *calibrationWork) add(row int32, utility float32) {
	w.calibrated.rows = w.list.rows
	w.one = w.cfg.shares.appendItem(w.one[:0], w.c, int(row), true)
	w.append(w.scale.of(utility), w.one)
}
