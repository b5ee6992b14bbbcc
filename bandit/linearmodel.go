package bandit

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/simd"
)

// LinearModel says what the contextual algorithms ([LinUCB], [LinTS], [LogisticTS], [SquareCB], [LinGreedy]) regress
// rewards on.
//
// The features of a row are the values of Features in their order, then a constant 1. A value that is missing or not
// finite counts as 0, so columns should be centred, and of about unit size, since the ridge is the same for all.
// Rewards are of [-1e100, 1e100], those of LogisticTS of [0, 1].
// What a feature was when an item was shown is remembered with the decision; see [Config].Retention: 8 bytes for each feature of each
// place.
type LinearModel struct {
	// Features names float and vector columns, of the request or of items. Bind resolves them.
	Features []string

	// NoIntercept leaves the constant out.
	NoIntercept bool

	// Shared makes all arms share one θ, so that what is learned of one item holds for items with like features; then
	// features of the request matter only through the product with those of items, which a source must
	// write. Not Shared, the disjoint model, each arm has a θ of its own, and is cold until it has feedback.
	Shared bool

	// Ridge has the prior, and how fast the past is forgotten: with the disjoint model an arm forgets by its own
	// observations.
	Ridge RidgeConfig

	layout *layout // nil before Bind
}

// layout is where the features are.
type layout struct {
	parts     []part
	dim       int  // features, with the intercept
	intercept bool // it is the last one
	same      bool // all features are of the request: each row has the same ones
}

// part is one column.
type part struct {
	kind  recsys.Kind
	scope recsys.Scope
	index int
	dim   int
}

// Validate returns an error if there is no feature at all, a name is empty or doubled, or Ridge is not valid.
func (m LinearModel) Validate() error {
	var errs []error
	if len(m.Features) == 0 && m.NoIntercept {
		errs = append(errs, errors.New("bandit: LinearModel.Features is empty; want at least one, or the intercept"))
	}
	seen := map[string]bool{}
	for i, name := range m.Features {
		if name == "" || seen[name] {
			errs = append(errs, fmt.Errorf("bandit: LinearModel.Features[%d] is %q; want names, each once", i, name))
		}
		seen[name] = true
	}
	return errors.Join(append(errs, m.Ridge.Validate())...)
}

// bound returns the model with its columns resolved.
func (m LinearModel) bound(s *recsys.Schema) (LinearModel, error) {
	l := &layout{intercept: !m.NoIntercept, same: true}
	var errs []error
	for _, name := range m.Features {
		f, ok := s.Field(name)
		if !ok || f.Kind == recsys.ID {
			_, err := s.Float(name) // names the columns that there are
			if ok {
				err = fmt.Errorf("column %q is an id; want a float or a vector", name)
			}
			errs = append(errs, fmt.Errorf("bandit: LinearModel.Features: %w", err))
			continue
		}
		p := part{f.Kind, f.Scope, f.Index, max(f.Dim, 1)}
		l.parts = append(l.parts, p)
		l.dim += p.dim
		l.same = l.same && f.Scope == recsys.PerRequest
	}
	if l.intercept {
		l.dim++
	}
	m.layout = l
	return m, errors.Join(errs...)
}

// version names the model within the version of an algorithm.
func (m LinearModel) version() string {
	var b strings.Builder
	if m.Shared {
		b.WriteString(" shared")
	}
	b.WriteString(" x=[")
	for i, name := range m.Features {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(strconv.Quote(name))
	}
	b.WriteByte(']')
	if m.NoIntercept {
		b.WriteString(" no-intercept")
	}
	b.WriteString(version("", "lambda", m.Ridge.Lambda, "decay", m.Ridge.Decay, "refactor", float64(m.Ridge.Refactor)))
	return b.String()
}

// append appends the features of a row to dst.
func (l *layout) append(dst []float64, q *recsys.Query, c *recsys.Candidates, row int32) []float64 {
	var floats []float32
	if len(l.parts) > 0 {
		floats = c.Row(int(row))
	}
	for i := range l.parts {
		p := &l.parts[i]
		switch {
		case p.kind == recsys.Float:
			dst = append(dst, feature(floats[p.index]))
		case p.scope == recsys.PerRequest:
			dst = appendFeatures(dst, q.Vector(p.index))
		default:
			dst = appendFeatures(dst, c.Vector(p.index, int(row)))
		}
	}
	if l.intercept {
		dst = append(dst, 1)
	}
	return dst
}

func appendFeatures(dst []float64, x []float32) []float64 {
	for _, v := range x {
		dst = append(dst, feature(v))
	}
	return dst
}

// feature returns x, 0 if that is not finite.
func feature(x float32) float64 {
	if x-x != 0 {
		return 0
	}
	return float64(x)
}

// contexts is what look copies for the algorithms over a [LinearModel]. It stays with the view.
type contexts struct {
	x              []float64 // row by row, padded; one row if all are the same
	pad            int
	mean, variance []float64 // parallel to the rows of the view
	solver         solver
	joint          joint
}

// contextsOf returns the view's memory.
func contextsOf(v *view) *contexts {
	x, ok := v.own.(*contexts)
	if !ok {
		x = new(contexts)
		v.own = x
	}
	return x
}

// read takes the features of all rows.
func (x *contexts) read(l *layout, v *view) {
	x.pad = simd.SymPadded(l.dim)
	x.x = x.x[:0]
	for _, row := range v.rows {
		x.x = l.append(x.x, v.q, v.c, row)
		for len(x.x)%x.pad != 0 {
			x.x = append(x.x, 0)
		}
		if l.same {
			break
		}
	}
	x.mean, x.variance = sized(x.mean, len(v.rows)), sized(x.variance, len(v.rows))
}

// row returns the padded features of row i.
func (x *contexts) row(i int) []float64 {
	if len(x.x) == x.pad {
		i = 0
	}
	return x.x[i*x.pad : (i+1)*x.pad : (i+1)*x.pad]
}
