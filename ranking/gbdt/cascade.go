package gbdt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/engine"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

// CascadeConfig configures [NewCascade].
type CascadeConfig struct {
	// Rounds is the number of rounds that score every row, > 0.
	Rounds int
	// Keep is the share of the rows that the other rounds score too, in (0, 1]; 0 means 0.5. Of n rows
	// ceil(Keep n) go on, so one at least; what is above a whole number by rounding alone, as
	// 0.07 of 100, counts as that.
	Keep float64
	// AtLeast is the number of rows that go on in any case, >= 0, such as the length of the slate.
	AtLeast int
}

// Cascade ranks by a model in two steps: the first rounds score all rows, the other rounds the best
// of them by the first head. [Cascade.Measure] says what that loses.
//
// A row that goes on gets the heads that the model gives it, to the bit. A row that stops gets
// what the first rounds predict. For the first head, and so for the score, that is made
// comparable: where a row that stops would not come below all that go on, the raw scores of all rows
// that stop are lowered by one amount, so that they keep their order and come last. Other heads
// are not moved.
//
// It is immutable and safe for concurrent use. Bind it, by placing it into a pipeline, before Rank.
type Cascade struct {
	model *Model
	cfg   CascadeConfig
}

var (
	_ recsys.Ranker                = (*Cascade)(nil)
	_ recsys.HeadWriter            = (*Cascade)(nil)
	_ recsys.HeadKinder            = (*Cascade)(nil)
	_ recsys.Versioned             = (*Cascade)(nil)
	_ recsys.Binder[recsys.Ranker] = (*Cascade)(nil)
)

// NewCascade returns a cascade over m. The error joins all mistakes of the configuration; the first head must
// come from a forest whose classes do not depend on each other, so a softmax is one.
func NewCascade(m *Model, cfg CascadeConfig) (*Cascade, error) {
	var errs []error
	if len(m.forests) == 0 {
		return nil, errors.New("gbdt: Model is empty; train or load one")
	}
	if n := m.forests[0].Rounds(); cfg.Rounds < 1 || cfg.Rounds > n {
		errs = append(errs, fmt.Errorf("gbdt: CascadeConfig.Rounds is %d; want 1 to %d", cfg.Rounds, n))
	}
	if !(cfg.Keep >= 0 && cfg.Keep <= 1) {
		errs = append(errs, fmt.Errorf("gbdt: CascadeConfig.Keep is %v; want a share in (0, 1], or 0 for 0.5", cfg.Keep))
	}
	if cfg.AtLeast < 0 {
		errs = append(errs, fmt.Errorf("gbdt: CascadeConfig.AtLeast is %d; want >= 0", cfg.AtLeast))
	}
	if kind := m.forests[0].Link.Kind; kind == tree.Softmax || kind == tree.ArgMax {
		errs = append(errs, fmt.Errorf("gbdt: a cascade over head %q, whose classes depend on each other, has no order for rows that stop", m.heads[0]))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if cfg.Keep == 0 {
		cfg.Keep = 0.5
	}
	return &Cascade{model: m, cfg: cfg}, nil
}

// Heads returns the names of the model's heads. The slice is the model's.
func (c *Cascade) Heads() []string { return c.model.heads }

// HeadKinds says what the model's heads are, which is what those of a cascade are for the rows that go on.
func (c *Cascade) HeadKinds() []recsys.HeadKind { return c.model.HeadKinds() }

// TrainedOn returns the views of the model; see [Model.TrainedOn].
func (c *Cascade) TrainedOn() []recsys.FeatureView { return c.model.views }

// Version returns the model's version with the configuration.
func (c *Cascade) Version() string {
	return fmt.Sprintf("%s-%d-%v-%d", c.model.version, c.cfg.Rounds, c.cfg.Keep, c.cfg.AtLeast)
}

// String prints the model and the configuration.
func (c *Cascade) String() string {
	return fmt.Sprintf("%v; %d rounds on all rows, the rest on %v of them", c.model, c.cfg.Rounds, c.cfg.Keep)
}

// Bind finds the model's features in the schema; see [Model.Bind].
func (c *Cascade) Bind(s *recsys.Schema) (recsys.Ranker, error) {
	b, err := c.model.bind(s)
	if err != nil {
		return nil, err
	}
	bound := *c.model
	bound.bound = b
	return &Cascade{model: &bound, cfg: c.cfg}, nil
}

// Rank writes the heads, and the first head as the score. Rows whose first rounds tie go on
// by item ID, the smaller first. It allocates nothing once it has seen as many rows, and does not look at ctx.
func (c *Cascade) Rank(_ context.Context, _ *recsys.Query, t *recsys.Candidates, out recsys.Scores) error {
	m, n := c.model, t.Len()
	if err := m.ready(t, out); err != nil || n == 0 {
		return err
	}
	s := m.pool.get()
	m.read(s, t)
	c.score(s, n, t.IDs(), out)
	m.pool.put(s)
	for i := range n {
		out.Score[i] = out.Heads[i*out.Stride]
	}
	return nil
}

// keep returns how many of n rows go on.
func (c *Cascade) keep(n int) int {
	share := c.cfg.Keep * float64(n)
	return min(n, max(1, c.cfg.AtLeast, int(math.Ceil(share-1e-12*share))))
}

// score writes the heads of the n rows in s.rows. Without ids rows tie by their place.
func (c *Cascade) score(s *scratch, n int, ids []recsys.ItemID, out recsys.Scores) {
	m, keep := c.model, c.keep(n)
	if keep == n {
		m.score(s, n, out)
		return
	}
	d := len(m.features)
	for i := range m.forests {
		f := &m.forests[i]
		k, last := f.Outputs, f.Rounds()
		rounds := min(c.cfg.Rounds, last)
		s.raw = room(s.raw, n*k)
		for r := range n {
			row := s.raw[r*k : (r+1)*k]
			clear(row)
			copy(row, f.Base)
		}
		f.engine.Add(s.raw, &s.rows, 0, rounds, &s.engine)
		if i == 0 {
			s.choose(k, n, keep, ids)
			s.chosen = room(s.chosen, keep*d)
			s.gather(s.chosen, s.best, keep)
			s.part = engine.Rows{Floats: s.chosen, Stride: d, N: keep, Columns: s.identity(d)}
		}
		s.more = room(s.more, keep*k)
		for j, r := range s.best {
			copy(s.more[j*k:(j+1)*k], s.raw[int(r)*k:])
		}
		f.engine.Add(s.more, &s.part, rounds, last, &s.engine)
		if f.Average {
			f.average(s.raw, rounds)
			f.average(s.more, last)
		}
		if i == 0 {
			s.lower(k, n)
		}
		for j, r := range s.best {
			copy(s.raw[int(r)*k:], s.more[j*k:(j+1)*k])
		}
		f.link(s.raw)
		f.store(out, s.raw, n)
	}
}

// choose sets s.best to the keep best of n rows by their first raw score, in the order of the rows.
func (s *scratch) choose(k, n, keep int, ids []recsys.ItemID) {
	s.keys, s.order = room(s.keys, n), room(s.order, n)
	for i := range n {
		v := s.raw[i*k]
		if v != v {
			v = math.Inf(-1)
		}
		s.keys[i], s.order[i] = v, v
	}
	limit := nth(s.order, keep-1)
	s.best, s.tied = room(s.best, keep)[:0], s.tied[:0]
	for i, v := range s.keys {
		switch {
		case v > limit:
			s.best = append(s.best, int32(i))
		case v == limit:
			s.tied = append(s.tied, int32(i))
		}
	}
	if need := keep - len(s.best); need < len(s.tied) && ids != nil {
		slices.SortFunc(s.tied, func(a, b int32) int { return cmp.Or(cmp.Compare(ids[a], ids[b]), cmp.Compare(a, b)) })
	}
	s.best = append(s.best, s.tied[:keep-len(s.best)]...)
	slices.Sort(s.best)
}

// nth returns the value that would stand at position k if values, which it reorders and which holds no
// NaN, were sorted in descending order.
func nth(values []float64, k int) float64 {
	low, high := 0, len(values)-1
	for low < high {
		pivot := median(values[low], values[low+(high-low)/2], values[high])
		i, j := low, high
		for i <= j {
			for values[i] > pivot {
				i++
			}
			for values[j] < pivot {
				j--
			}
			if i <= j {
				values[i], values[j] = values[j], values[i]
				i, j = i+1, j-1
			}
		}
		switch {
		case k <= j:
			high = j
		case k >= i:
			low = i
		default:
			return values[k]
		}
	}
	return values[k]
}

func median(a, b, c float64) float64 { return max(min(a, b), min(max(a, b), c)) }

// lower brings the first raw score of the rows that are not in s.best below those in s.more.
func (s *scratch) lower(k, n int) {
	least, most := math.Inf(1), math.Inf(-1)
	for j := range s.best {
		if v := s.more[j*k]; v < least {
			least = v
		}
	}
	stopped := s.tied[:0]
	next := 0
	for i := range n {
		if next < len(s.best) && int(s.best[next]) == i {
			next++
			continue
		}
		stopped = append(stopped, int32(i))
		if v := s.raw[i*k]; v > most {
			most = v
		}
	}
	s.tied = stopped
	// The gap outlives the rounding to float32 of scores that no link squeezes.
	least -= 1e-6 * max(1, math.Abs(least))
	if by := most - least; by > 0 && by-by == 0 {
		for _, i := range stopped {
			s.raw[int(i)*k] -= by
		}
	}
}
