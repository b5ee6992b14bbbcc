package rerank

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/recsyskit/recsys"
)

// DPP is a re-ranker: it fills the top of the list one by one so that the rows of it are relevant
// and together span as much as they can, by greedy inference for a determinantal point process. Each place goes to
//
//	argmax_i  Theta·relevance_i + (1-Theta)·log(det S_{above ∪ i} / det S_above)
//	S_ij = (1-Own)·(1 + cos(i, j))/2 + Own·[i = j]
//
// over the rows above, or those of a Window. Unlike [MMR], which looks at the nearest of the rows above, it sees that a row is
// a mixture of several. Relevance is the utility, brought to [0, 1]; see Relevance. A row whose
// vector is unknown or has no direction (all zeros, or a length that is no number or outside about 1e-19 to 1e19, whose square float32 cannot hold)
// has the cosine 0 to every other. Beside d+1 rows of different direction nothing new can be had in
// d dimensions: the places after that keep the order that they had. Own lifts that bound, and with a
// Window places where nothing new can be had move it on.
//
// The first K places (of the request) are filled through [recsys.Candidates.Slate], so that
// constraints hold on the way. Rows that are not chosen follow in their old order.
// Utilities are dealt out again: the row at place i gets what the row at place i had. Rows of
// utility -Inf (a NaN score) are never chosen while another may come.
//
// Ties go to the row that stood earlier. It costs O(Depth·Top·(d+Top)), with a Window O(Depth·Top·(d+Window²)), and from a Theta of 0.95 on
// less by bounds. About 4·n·(d+Top) bytes of memory are kept for lists of n rows; once warm it allocates nothing. It reckons in float32: of a
// row of which less than 1e-5 is left, nothing is left. Safe for concurrent use.
//
// Source: Chen, Zhang and Zhou, "Fast Greedy MAP Inference for Determinantal Point Process to Improve
// Recommendation Diversity", NeurIPS 2018: algorithm 1, section 4 for the window, equation 12 for Theta.
type DPP struct {
	// Theta weighs relevance against diversity, in [0, 1]: 1 leaves the order as it is, 0
	// looks at diversity alone, after the best row. 0.5 to 0.9 is common.
	Theta float64

	// Vector names the vector column of items that similarity is measured in. If it is
	// empty, the schema must have exactly one such column.
	Vector string
	// Window makes rows compete with the Window-1 rows above instead of all, so that a long list is
	// diverse everywhere. 0 means all of them.
	Window int
	// Own is the share of a row that no other has in common with it, in [0, 1). 0 is the kernel of
	// the paper; more makes diversity less urgent among rows that are alike.
	Own float64

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
	_ recsys.ReRanker                = DPP{}
	_ recsys.Binder[recsys.ReRanker] = DPP{}
	_ recsys.Validator               = DPP{}
	_ recsys.Versioned               = DPP{}
)

// Validate reports what is wrong with the fields, joined.
func (d DPP) Validate() error {
	errs := problems{stage: "DPP"}
	if !(d.Theta >= 0 && d.Theta <= 1) {
		errs.bad("Theta is %v; want a number in [0, 1]", d.Theta)
	}
	if d.Window < 0 {
		errs.bad("Window is %d; want >= 0 (0 means all rows above)", d.Window)
	}
	if !(d.Own >= 0 && d.Own < 1) {
		errs.bad("Own is %v; want a share in [0, 1)", d.Own)
	}
	errs.reach(d.Depth, d.Top, d.Relevance)
	return errs.join()
}

// problems collects what is wrong with the fields of a stage.
type problems struct {
	stage string
	errs  []error
}

func (p *problems) bad(format string, args ...any) {
	p.errs = append(p.errs, fmt.Errorf("rerank: "+p.stage+"."+format, args...))
}

func (p *problems) join() error { return errors.Join(p.errs...) }

// reach checks the fields that stages which fill the top of a list have in common.
func (p *problems) reach(depth, top int, r Relevance) {
	if depth < 0 {
		p.bad("Depth is %d; want >= 0 (0 means %d)", depth, defaultDepth)
	}
	if top < 0 {
		p.bad("Top is %d; want >= 0 (0 means the K of the request)", top)
	}
	if r > AsIs {
		p.bad("Relevance is %d; want MinMax or AsIs", uint8(r))
	}
}

// values checks that those of an ID column are all different.
func (p *problems) values(values []uint64) {
	for i, v := range values {
		if j := slices.Index(values, v); j < i {
			p.bad("Values[%d] is %d, as Values[%d] is; want different ones", i, v, j)
		}
	}
}

// orDefault returns depth, or what 0 means.
func orDefault(depth int) int {
	if depth == 0 {
		return defaultDepth
	}
	return depth
}

// Bind finds the column.
func (d DPP) Bind(s *recsys.Schema) (recsys.ReRanker, error) {
	b, err := d.bind(s)
	if err != nil {
		return nil, err
	}
	return b, nil
}

func (d DPP) bind(s *recsys.Schema) (*boundDPP, error) {
	b := &boundDPP{DPP: d}
	b.Depth = orDefault(d.Depth)
	var err error
	b.vector, err = vectorOfItems(s, "DPP.Vector", "DPP.Vector is", d.Vector)
	b.DPP.Vector = b.vector.Name
	b.pool.New = func() any { return newDPPWork(b) }
	return b, err
}

// ReRank finds the column by its name and does what the bound re-ranker does.
func (d DPP) ReRank(ctx context.Context, q *recsys.Query, c *recsys.Candidates, order []int32) ([]int32, error) {
	b, err := d.bind(c.Schema())
	if err != nil {
		return nil, err
	}
	return b.ReRank(ctx, q, c, order)
}

// Version returns the fields as text.
func (d DPP) Version() string {
	return fmt.Sprintf("theta=%v vector=%q window=%d own=%v depth=%d top=%d relevance=%v",
		d.Theta, d.Vector, d.Window, d.Own, orDefault(d.Depth), d.Top, d.Relevance)
}

type boundDPP struct {
	DPP
	vector recsys.Field
	pool   sync.Pool // *dppWork
}

// ReRank fills the top of the list by determinants.
func (d *boundDPP) ReRank(_ context.Context, q *recsys.Query, c *recsys.Candidates, order []int32) ([]int32, error) {
	if len(order) == 0 {
		return order, nil
	}
	w := d.pool.Get().(*dppWork)
	defer func() {
		w.release()
		d.pool.Put(w)
	}()
	w.read(q, c, order)
	if err := w.fill(w, q, c, order, d.Top); err != nil {
		return nil, err
	}
	w.write(c, order)
	return order, nil
}
