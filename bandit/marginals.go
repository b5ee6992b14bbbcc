package bandit

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/recsyskit/recsys"
)

// Chances writes into dst[i] the probability that a policy shows row i next, after the rows of prefix. Rows that
// cannot come get 0; if none can, the slate ends. It must write the same for the same prefix, and keeps neither slice.
type Chances func(dst []float64, prefix []int32) error

// Marginals are the probabilities that a policy shows a row at a place.
type Marginals struct {
	Rows, Places int

	// P[place*Rows+row] is the probability of the row at the place.
	P []float64
	// SE is the standard error of each P, nil where they are exact.
	SE []float64
	// Prefixes is the number of prefixes that were looked at.
	Prefixes int
}

// MarginalsConfig limits the work of [NewMarginals]. The zero value is the documented default.
type MarginalsConfig struct {
	// MaxPrefixes is the number of prefixes up to which all slates are enumerated, >= 0. 0 means 1,000,000; below the
	// number that there are, slates are drawn.
	MaxPrefixes int
	// Draws is the number of slates drawn when there are too many to enumerate, >= 2. 0 means 100,000.
	Draws int
	// Seed is of the draws.
	Seed uint64
}

// NewMarginals computes what item-at-position estimators need: the probability of each of n rows at each of places, for
// a policy of which only the conditional probabilities are known. They are exact, by enumeration of all prefixes that can
// come, if there are at most MaxPrefixes of them; else means over drawn slates of the conditional probabilities along
// them, with standard errors, of which those of the first place are 0.
//
// An error is that of chances or ctx, or names a number of chances that is no probability, or a field of cfg.
func NewMarginals(ctx context.Context, n, places int, chances Chances, cfg MarginalsConfig) (*Marginals, error) {
	switch {
	case n < 0 || places < 0:
		return nil, fmt.Errorf("bandit: NewMarginals: %d rows and %d places; want >= 0", n, places)
	case cfg.MaxPrefixes < 0:
		return nil, fmt.Errorf("bandit: MarginalsConfig.MaxPrefixes is %d; want >= 0 (0 means 1000000)", cfg.MaxPrefixes)
	case cfg.Draws < 0 || cfg.Draws == 1:
		return nil, fmt.Errorf("bandit: MarginalsConfig.Draws is %d; want >= 2 (0 means 100000)", cfg.Draws)
	}
	if cfg.MaxPrefixes == 0 {
		cfg.MaxPrefixes = 1_000_000
	}
	if cfg.Draws == 0 {
		cfg.Draws = 100_000
	}
	places = min(places, n)
	m := &Marginals{Rows: n, Places: places, P: make([]float64, n*places)}
	w := &marginalWalk{ctx: ctx, m: m, chances: chances, most: cfg.MaxPrefixes}
	err := w.enumerate(1, nil)
	if errors.Is(err, errMany) {
		clear(m.P)
		err = w.draw(cfg)
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

var errMany = errors.New("bandit: too many prefixes")

// marginalWalk walks prefixes.
type marginalWalk struct {
	ctx     context.Context
	m       *Marginals
	chances Chances
	most    int
	levels  [][]float64 // per place, the chances after the prefix being walked
}

// at returns the chances after prefix.
func (w *marginalWalk) at(prefix []int32) ([]float64, error) {
	if w.m.Prefixes++; w.m.Prefixes%1024 == 0 {
		if err := w.ctx.Err(); err != nil {
			return nil, fmt.Errorf("bandit: NewMarginals: after %d prefixes: %w", w.m.Prefixes, err)
		}
	}
	for len(w.levels) <= len(prefix) {
		w.levels = append(w.levels, make([]float64, w.m.Rows))
	}
	p := w.levels[len(prefix)]
	clear(p)
	if err := w.chances(p, prefix); err != nil {
		return nil, err
	}
	sum := 0.0
	for i, x := range p {
		if !(x >= 0 && x <= 1+1e-9) {
			return nil, fmt.Errorf("bandit: NewMarginals: row %d has the chance %v after %v", i, x, prefix)
		}
		sum += x
	}
	if sum > 1+1e-6 || sum > 0 && sum < 1-1e-6 {
		return nil, fmt.Errorf("bandit: NewMarginals: the chances after %v sum to %v; want 1, or 0 where the slate ends", prefix, sum)
	}
	return p, nil
}

func (w *marginalWalk) enumerate(weight float64, prefix []int32) error {
	if len(prefix) == w.m.Places {
		return nil
	}
	if w.m.Prefixes == w.most {
		return errMany
	}
	p, err := w.at(prefix)
	if err != nil {
		return err
	}
	out := w.m.P[len(prefix)*w.m.Rows:]
	for i, x := range p {
		if x == 0 {
			continue
		}
		out[i] += float64(weight * x)
		if err := w.enumerate(float64(weight*x), append(prefix, int32(i))); err != nil {
			return err
		}
	}
	return nil
}

// draw estimates by slates.
func (w *marginalWalk) draw(cfg MarginalsConfig) error {
	m := w.m
	m.Prefixes, m.SE = 0, make([]float64, len(m.P))
	rng := rand.NewPCG(cfg.Seed, 0x6d617267696e616c)
	prefix := make([]int32, 0, m.Places)
	base := make([]float64, len(m.P)) // of the first slate: what is summed are differences, so that constants have no error
	for draw := range cfg.Draws {
		prefix = prefix[:0]
		for place := range m.Places {
			p, err := w.at(prefix)
			if err != nil {
				return err
			}
			some := false
			for i, x := range p {
				some = some || x > 0
				at := place*m.Rows + i
				if draw == 0 {
					base[at] = x
				}
				m.P[at] += x - base[at]
				m.SE[at] += float64((x - base[at]) * (x - base[at]))
			}
			if !some {
				break
			}
			prefix = append(prefix, int32(drawn(p, unit(rng.Uint64()))))
		}
	}
	n := float64(cfg.Draws)
	for i, sum := range m.P {
		mean := sum / n
		m.P[i] = base[i] + mean
		m.SE[i] = math.Sqrt(max(m.SE[i]/n-float64(mean*mean), 0) / (n - 1))
	}
	return nil
}

// ChancesOf returns the chances of an explorer for slates of k places from order, under the constraints of c; for
// [NewMarginals]. The explorer must be bound, and a [recsys.Judge]. What it returns works on c's
// scratch slate: use it alone, on one goroutine.
func ChancesOf(e recsys.Explorer, q *recsys.Query, c *recsys.Candidates, order []int32, k int) (Chances, error) {
	if x, ok := e.(interface {
		chances(q *recsys.Query, c *recsys.Candidates, s *recsys.Slate, prefix []int32, dst []float64) error
	}); ok {
		return func(dst []float64, prefix []int32) error {
			return x.chances(q, c, c.Slate(k, order), prefix, dst)
		}, nil
	}
	j, ok := recsys.AbilityOf[recsys.Judge](e)
	if !ok {
		return nil, fmt.Errorf("bandit: ChancesOf: %T is no recsys.Judge", e)
	}
	var slate []int32
	var p []float64
	return func(dst []float64, prefix []int32) error {
		slate = append(append(slate[:0], prefix...), 0)
		p = sized(p, len(slate))
		for row := range dst {
			slate[len(prefix)] = int32(row)
			if err := j.Propensities(context.Background(), q, c, c.Slate(k, order), slate, p); err != nil {
				return err
			}
			dst[row] = p[len(prefix)]
		}
		return nil
	}, nil
}

// chances writes the probabilities of the rows after prefix, which is picked first.
func (p *Policy) chances(q *recsys.Query, c *recsys.Candidates, s *recsys.Slate, prefix []int32, dst []float64) error {
	v, _, err := p.open(q, c, s)
	if err != nil {
		return err
	}
	defer p.close(v)
	for _, row := range prefix {
		if !comes(s, c.Len(), row) {
			return s.Err()
		}
		v.ready(p.alg, s) // algorithms may look at the picks above
		p.pick(v, s, v.find(row))
	}
	if !s.Next() {
		return s.Err()
	}
	v.ready(p.alg, s)
	rows, chances, _ := v.rowChances()
	if len(rows) == 0 {
		dst[s.Admissible().Next(0)] = 1
		return nil
	}
	for i, at := range rows {
		dst[v.rows[at]] = chances[i]
	}
	return nil
}
