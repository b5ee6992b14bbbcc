package features

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/recsyskit/recsys"
)

// ItemScore writes the score that a model gives each candidate, whichever source
// proposed it: a retriever's score as a ranking feature. Items that the model does
// not know have its score 0; no row is missing.
//
// Give it the very model that retrieves. It costs what ScoreItems costs, and
// allocates nothing itself once it has been bound.
type ItemScore struct {
	// Name is the name of the column; required.
	Name string
	// Scorer is the model; required. If it is a [recsys.Binder] it is bound to the
	// columns that sources declared before this one write.
	Scorer recsys.ItemScorer
}

// Validate returns an error that names what is not set.
func (f ItemScore) Validate() error {
	var errs []error
	if f.Name == "" {
		errs = append(errs, errors.New("features: ItemScore.Name is empty; want the name of the column"))
	}
	if f.Scorer == nil {
		errs = append(errs, fmt.Errorf("features: ItemScore.Scorer of %q is nil; want a model", f.Name))
	}
	return errors.Join(errs...)
}

// Columns returns the one column.
func (f ItemScore) Columns() []Column { return []Column{{Name: f.Name}} }

// Overwrites returns true.
func (f ItemScore) Overwrites() bool { return true }

// Version returns the version of the model, "" if it has none.
func (f ItemScore) Version() string {
	if v, ok := f.Scorer.(recsys.Versioned); ok {
		return v.Version()
	}
	return ""
}

// Bind binds the model, if it wants that, and readies memory for scores.
func (f ItemScore) Bind(s *recsys.Schema) (recsys.FeatureSource, error) {
	bound := &boundItemScore{ItemScore: f, columns: f.Columns()}
	if r, ok := f.Scorer.(recsys.Retriever); ok {
		r, err := recsys.Bind(r, s)
		if err != nil {
			return nil, err
		}
		if bound.Scorer, ok = r.(recsys.ItemScorer); !ok {
			return nil, fmt.Errorf("features: ItemScore %q: %T, as bound to the schema, has no ScoreItems", f.Name, r)
		}
		return bound, nil
	}
	var err error
	bound.Scorer, err = recsys.Bind(f.Scorer, s)
	return bound, err
}

// Hydrate scores the items. The error is the model's.
func (f ItemScore) Hydrate(ctx context.Context, q *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
	scores := make([]float32, len(items))
	return f.score(ctx, q, items, out, scores)
}

func (f ItemScore) score(ctx context.Context, q *recsys.Query, items []recsys.ItemID, out *recsys.Block, scores []float32) error {
	if len(items) == 0 {
		return nil
	}
	if err := f.Scorer.ScoreItems(ctx, q, items, scores); err != nil {
		return err
	}
	for i, v := range scores {
		out.Float[i*out.Stride] = v
	}
	return nil
}

// boundItemScore is an ItemScore with memory.
type boundItemScore struct {
	ItemScore
	columns []Column
	scores  sync.Pool // of *[]float32
}

var (
	_ recsys.FeatureSource                = ItemScore{}
	_ recsys.Binder[recsys.FeatureSource] = ItemScore{}
	_ recsys.Validator                    = ItemScore{}
	_ recsys.Overwriter                   = ItemScore{}
	_ recsys.Versioned                    = ItemScore{}
	_ recsys.FeatureSource                = (*boundItemScore)(nil)
)

func (f *boundItemScore) Columns() []Column { return f.columns }

func (f *boundItemScore) Hydrate(ctx context.Context, q *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
	p, _ := f.scores.Get().(*[]float32)
	if p == nil {
		p = new([]float32)
	}
	defer f.scores.Put(p)
	if cap(*p) < len(items) {
		*p = make([]float32, len(items))
	}
	scores := (*p)[:len(items)]
	clear(scores) // a model that leaves some out must not give another request's
	return f.score(ctx, q, items, out, scores)
}
