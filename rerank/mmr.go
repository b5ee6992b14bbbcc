package rerank

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/recsyskit/recsys"
)

// MMR is a re-ranker: it fills the top of the list one by one with the row that is
// most relevant and least similar to the rows above it, by maximal marginal relevance;
// see [SelectMMR] for the formula.
//
// Relevance is the utility, brought to [0, 1]; see Relevance. Similarity is the cosine
// of two vectors, in [-1, 1], or the share of equal attributes, in [0, 1]. A row whose vector is
// unknown or has no direction (all zeros, or a length that is no number or outside about 1e-19 to 1e19) is similar to none (0), and an attribute that is unknown in one of two rows is not equal.
//
// The first K places (of the request) are filled through [recsys.Candidates.Slate], so that
// constraints hold on the way. Rows that are not chosen follow in their old order.
// Utilities are dealt out again: the row at place i gets what the row at place i had. So they
// do not increase, and an explorer sees the same spread of utilities as before, on other rows. Rows of
// utility -Inf (a NaN score) are never chosen while another may come.
//
// Ties go to the row that stood earlier. It costs O(Depth·Top) similarities at most and, once warm,
// allocates nothing. Safe for concurrent use.
//
// Source: Carbonell and Goldstein, "The Use of MMR, Diversity-Based Reranking for
// Reordering Documents and Producing Summaries", SIGIR 1998. There relevance is a
// similarity to the query; here it is what the ranker says.
type MMR struct {
	// Lambda weighs relevance against diversity, in [0, 1]: 1 leaves the order as it
	// is, 0 looks at similarity alone, after the best row. 0.5 to 0.8 is common.
	Lambda float64

	// Vector names the vector column of items that similarity is measured in. If it is empty
	// and Attributes too, the schema must have exactly one such column.
	Vector string
	// Attributes names ID columns of items: two rows are similar to the share of
	// attributes in which they are equal. Not together with Vector.
	Attributes []string

	// Depth is how many rows, best first, are considered. 0 means 1,000. A row below
	// is taken only when no row above may come.
	Depth int
	// Top is how many places are filled this way. 0 means the K of the request. Places
	// beyond K are filled without regard to constraints, which speak of K places; they
	// matter to an explorer that looks further down.
	Top int

	// Relevance says how utilities become relevance. The default is MinMax.
	Relevance Relevance
}

// Relevance is how an [MMR] brings utilities to the scale of similarities.
type Relevance uint8

const (
	// MinMax maps the lowest utility of the rows considered to 0 and the highest to 1.
	// If all are equal, all are 0.
	MinMax Relevance = iota
	// AsIs takes utilities as they are, for scores that are probabilities.
	AsIs
)

// defaultDepth is what a Depth of 0 means.
const defaultDepth = 1000

var (
	_ recsys.ReRanker                = MMR{}
	_ recsys.Binder[recsys.ReRanker] = MMR{}
	_ recsys.Validator               = MMR{}
	_ recsys.Versioned               = MMR{}
)

// String returns "min-max" or "as-is".
func (r Relevance) String() string {
	switch r {
	case MinMax:
		return "min-max"
	case AsIs:
		return "as-is"
	}
	return fmt.Sprintf("Relevance(%d)", uint8(r))
}

// Validate reports what is wrong with the fields, joined.
func (m MMR) Validate() error {
	errs := problems{stage: "MMR"}
	if !(m.Lambda >= 0 && m.Lambda <= 1) {
		errs.bad("Lambda is %v; want a number in [0, 1]", m.Lambda)
	}
	if m.Vector != "" && len(m.Attributes) > 0 {
		errs.bad("Vector is %q and Attributes are %q; want one of the two", m.Vector, m.Attributes)
	}
	for i, name := range m.Attributes {
		if name == "" {
			errs.bad("Attributes[%d] is empty; name an ID column of items", i)
		}
	}
	errs.reach(m.Depth, m.Top, m.Relevance)
	return errs.join()
}

// Bind finds the columns.
func (m MMR) Bind(s *recsys.Schema) (recsys.ReRanker, error) {
	b, err := m.bind(s)
	if err != nil {
		return nil, err
	}
	return b, nil
}

func (m MMR) bind(s *recsys.Schema) (*boundMMR, error) {
	b := &boundMMR{MMR: m}
	b.Depth = orDefault(m.Depth)
	var errs []error
	for _, name := range m.Attributes {
		a, err := bindAttribute(s, "MMR.Attributes", name)
		errs = append(errs, err)
		b.attributes = append(b.attributes, a)
	}
	if len(m.Attributes) == 0 {
		f, err := vectorOfItems(s, "MMR.Vector", "MMR.Vector and MMR.Attributes are", m.Vector)
		errs = append(errs, err)
		b.MMR.Vector, b.vector = f.Name, f
	}
	b.pool.New = func() any { return newMMRWork() }
	return b, errors.Join(errs...)
}

// ReRank finds the columns by their names and does what the bound re-ranker does.
func (m MMR) ReRank(ctx context.Context, q *recsys.Query, c *recsys.Candidates, order []int32) ([]int32, error) {
	b, err := m.bind(c.Schema())
	if err != nil {
		return nil, err
	}
	return b.ReRank(ctx, q, c, order)
}

// Version returns the fields as text.
func (m MMR) Version() string {
	return fmt.Sprintf("lambda=%v vector=%q attributes=%q depth=%d top=%d relevance=%v",
		m.Lambda, m.Vector, m.Attributes, orDefault(m.Depth), m.Top, m.Relevance)
}

type boundMMR struct {
	MMR
	vector     recsys.Field
	attributes []attribute
	pool       sync.Pool // *mmrWork
}

// ReRank fills the top of the list by maximal marginal relevance.
func (m *boundMMR) ReRank(_ context.Context, q *recsys.Query, c *recsys.Candidates, order []int32) ([]int32, error) {
	if len(order) == 0 {
		return order, nil
	}
	w := m.pool.Get().(*mmrWork)
	defer func() {
		w.release()
		m.pool.Put(w)
	}()
	w.read(m, c, order)
	if err := w.fill(w, q, c, order, m.Top); err != nil {
		return nil, err
	}
	w.write(c, order)
	return order, nil
}
