package rerank

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/fmath"
)

// Freshness is a re-ranker that raises the utility of young items: the boost halves
// with each HalfLife of age.
//
//	f = 2^(-age / HalfLife)
//	utility' = utility · (1 + Weight·f)    by default, for utility >= 0
//	utility' = utility / (1 + Weight·f)    by default, for utility < 0, so that fresh still helps
//	utility' = utility + Weight·f          with Add
//
// It writes the utility of every row of the order and sorts the order by it, ties by item ID. An
// age below 0 (published after the request's Now) counts as 0. A row whose time is unknown, or NaN,
// has no boost. A utility of -Inf or NaN (a NaN score) stays and sorts last.
//
// It costs O(n log n) and allocates nothing. Safe for concurrent use.
type Freshness struct {
	// Column names a float or ID column of items: the time of publication since 1970
	// in UTC, or with Age the age at the time of the request. Required. A float32 of Unix seconds
	// is exact to two minutes only, which is fine for half-lives of hours; an ID column is exact.
	Column string
	// Age says that Column holds ages.
	Age bool
	// Unit is the unit of Column. 0 means seconds.
	Unit time.Duration

	// HalfLife is the age at which the boost is half of that of a new item. Required, > 0.
	HalfLife time.Duration
	// Weight is the boost of a new item: a factor of 1 + Weight, or with Add a term in
	// units of utility. > 0; 0 means 1.
	Weight float64
	// Add makes the boost a term instead of a factor.
	Add bool
}

var (
	_ recsys.ReRanker                = Freshness{}
	_ recsys.Binder[recsys.ReRanker] = Freshness{}
	_ recsys.Validator               = Freshness{}
	_ recsys.Versioned               = Freshness{}
)

// Validate reports what is wrong with the fields, joined.
func (f Freshness) Validate() error {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("rerank: Freshness."+format, args...))
	}
	if f.Column == "" {
		bad("Column is empty; name a float or ID column of items")
	}
	if f.Unit < 0 {
		bad("Unit is %v; want > 0 (0 means 1s)", f.Unit)
	}
	if f.HalfLife <= 0 {
		bad("HalfLife is %v; want > 0", f.HalfLife)
	}
	if !(f.Weight >= 0) || math.IsInf(f.Weight, 0) {
		bad("Weight is %v; want a finite number > 0 (0 means 1)", f.Weight)
	}
	return errors.Join(errs...)
}

// Bind finds the column.
func (f Freshness) Bind(s *recsys.Schema) (recsys.ReRanker, error) { return f.bind(s) }

func (f Freshness) bind(s *recsys.Schema) (boundFreshness, error) {
	b := boundFreshness{Freshness: f}
	field, err := numberOfItems(s, "Freshness.Column", f.Column)
	if err != nil {
		return b, err
	}
	b.field = field
	if b.Unit == 0 {
		b.Unit = time.Second
	}
	if b.Weight == 0 {
		b.Weight = 1
	}
	return b, nil
}

// ReRank finds the column by its name and does what the bound re-ranker does.
func (f Freshness) ReRank(ctx context.Context, q *recsys.Query, c *recsys.Candidates, order []int32) ([]int32, error) {
	b, err := f.bind(c.Schema())
	if err != nil {
		return nil, err
	}
	return b.ReRank(ctx, q, c, order)
}

// Version returns the fields as text.
func (f Freshness) Version() string {
	unit, weight := f.Unit, f.Weight
	if unit == 0 {
		unit = time.Second
	}
	if weight == 0 {
		weight = 1
	}
	return fmt.Sprintf("column=%q age=%t unit=%v half-life=%v weight=%v add=%t",
		f.Column, f.Age, unit, f.HalfLife, weight, f.Add)
}

type boundFreshness struct {
	Freshness
	field recsys.Field
}

var errNow = errors.New("rerank: Freshness: the request has no Now to measure ages from")

// ReRank boosts the utilities and sorts by them.
func (f boundFreshness) ReRank(_ context.Context, q *recsys.Query, c *recsys.Candidates, order []int32) ([]int32, error) {
	if !f.Age && q.Now.IsZero() {
		return nil, errNow
	}
	now := float64(q.Now.UnixNano()) / float64(f.Unit)
	utility, ids := c.Utility(), c.IDs()
	missing := c.Missing(f.field.Group)
	for _, row := range order {
		if !missing.Has(int(row)) {
			utility[row] = f.boost(utility[row], f.freshness(c, int(row), now))
		}
	}
	slices.SortFunc(order, func(a, b int32) int {
		// cmp.Compare puts NaN before all numbers: turned round, that is last.
		return cmp.Or(cmp.Compare(utility[b], utility[a]), cmp.Compare(ids[a], ids[b]), cmp.Compare(a, b))
	})
	return order, nil
}

// freshness returns 2^(-age/HalfLife) of a row, 0 where the time is NaN.
func (f *boundFreshness) freshness(c *recsys.Candidates, row int, now float64) float64 {
	x := number(c, f.field, row)
	age := x
	if !f.Age {
		age = now - x
	}
	if age != age {
		return 0
	}
	age = max(age, 0) * float64(f.Unit)
	return fmath.Exp(-math.Ln2 * (age / float64(f.HalfLife)))
}

// boost returns the new utility.
func (f *boundFreshness) boost(u float32, fresh float64) float32 {
	b := float64(f.Weight * fresh)
	switch {
	case f.Add:
		return float32(float64(u) + b)
	case u >= 0:
		return float32(float64(u) * (1 + b))
	}
	return float32(float64(u) / (1 + b))
}
