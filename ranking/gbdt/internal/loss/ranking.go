package loss

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/recsyskit/recsys/internal/fmath"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

// ranked is what the objectives over groups share: a base score of 0, as only differences
// count, and predictions that are raw scores.
type ranked struct {
	Data
	rows    [][]int32 // of each query, those that count
	text    string
	longest int // query
}

func (o *ranked) Outputs() int    { return 1 }
func (o *ranked) Base() []float64 { return []float64{0} }
func (o *ranked) Link() tree.Link { return tree.Link{} }
func (o *ranked) Text() string    { return o.text }

// ErrNoPairs is wrapped when no group has two rows with different labels: there is nothing to rank.
var ErrNoPairs = errors.New("no group has rows with different labels")

func newRanking(p Params, d Data) (Objective, error) {
	r := ranked{Data: d, text: "lambdarank"}
	if err := checkGrades(p, &d); err != nil {
		return nil, err
	}
	r.rows = d.queries()
	pairs := false
	for _, rows := range r.rows {
		r.longest = max(r.longest, len(rows))
		for _, i := range rows {
			pairs = pairs || d.Labels[i] != d.Labels[rows[0]]
		}
	}
	if !pairs {
		return nil, ErrNoPairs
	}
	if p.Kind == XENDCG {
		r.text = "rank_xendcg"
		return &xendcg{ranked: r, seed: p.Seed}, nil
	}
	return newPairs(p, r)
}

// checkGrades checks labels, and the positions of what was clicked.
func checkGrades(p Params, d *Data) error {
	if len(d.Starts) < 2 {
		return errors.New("there are no groups")
	}
	want, ok := fmt.Sprintf("a grade in [0, %d]", maxGrade), func(y float64) bool { return y >= 0 && y <= maxGrade }
	switch {
	case p.Kind == Pairwise:
		want, ok = "a number", func(float64) bool { return true }
	case len(p.Gains) > 0:
		want = fmt.Sprintf("an integer in [0, %d], for %d gains", len(p.Gains)-1, len(p.Gains))
		ok = func(y float64) bool { return y >= 0 && y == math.Trunc(y) && y < float64(len(p.Gains)) }
	}
	if err := d.check(want, ok); err != nil {
		return err
	}
	if len(p.Examination) == 0 {
		return nil
	}
	if len(d.Positions) != len(d.Labels) {
		return errors.New("the examination by position asks for positions; there are none")
	}
	for i, at := range d.Positions {
		if d.known(i) && d.Labels[i] > 0 && (at < 0 || int(at) >= len(p.Examination)) {
			return &RowError{
				Field: "Positions", Row: i, Value: fmt.Sprint(at),
				Want: fmt.Sprintf("0 to %d where the label is > 0, for %d examination propensities", len(p.Examination)-1, len(p.Examination)),
			}
		}
	}
	return nil
}

// gainOf returns the gain of a label.
func gainOf(gains []float64, y float32) float64 {
	switch {
	case len(gains) > 0:
		return gains[int(y)]
	case y == float32(math.Trunc(float64(y))):
		return math.Ldexp(1, int(y)) - 1
	}
	return fmath.Exp(float64(y)*math.Ln2) - 1
}

// discounts returns 1/log2(2+i) for i < n.
func discounts(n int) []float64 {
	d := make([]float64, n)
	for i := range d {
		d[i] = math.Ln2 / fmath.Log(float64(i+2))
	}
	return d
}

// pairs is LambdaMART and RankNet: each pair of rows of a query with different labels has
// the loss delta log(1 + exp(-sigma (s_high - s_low))), where delta is what swapping the two changes
// of NDCG, or 1.
//
// Only pairs with a row among the Truncation best by score count, so that a query of m rows costs
// O(m (Truncation + log m)).
type pairs struct {
	ranked
	p         Params
	gain      []float64 // of each row; LambdaMART only
	inverse   []float64 // 1/ideal DCG of each query; 0: all gains are 0
	discounts []float64
}

var _ Objective = (*pairs)(nil)

func newPairs(p Params, r ranked) (*pairs, error) {
	o := &pairs{ranked: r, p: p}
	if p.Kind == Pairwise {
		return o, nil
	}
	o.gain = make([]float64, len(r.Labels))
	o.inverse = make([]float64, len(r.rows))
	o.discounts = discounts(r.longest)
	var top []float64
	for q, rows := range r.rows {
		top = top[:0]
		for _, i := range rows {
			o.gain[i] = gainOf(p.Gains, r.Labels[i])
			top = append(top, o.gain[i])
		}
		slices.SortFunc(top, func(a, b float64) int { return cmp.Compare(b, a) })
		ideal := 0.0
		for k, g := range top[:min(len(top), p.Truncation)] {
			ideal += float64(g * o.discounts[k])
		}
		if ideal > 0 {
			o.inverse[q] = 1 / ideal
		}
	}
	return o, nil
}

// pairScratch holds a query in the order of scores.
type pairScratch struct {
	order      []int32
	score      []float64
	grad, hess []float64
}

func (o *pairs) Gradients(_ int, score []float64, grad, hess []float32) {
	clear(grad)
	clear(hess)
	overQueries(o.Workers, o.rows, func(q int, s *pairScratch) {
		if len(o.rows[q]) < 2 || o.p.Kind == LambdaMART && o.inverse[q] == 0 {
			return
		}
		s.load(o.rows[q], score)
		factor := o.query(q, s)
		for k, i := range s.order {
			w := float64(o.weight(int(i)) * factor)
			grad[i], hess[i] = clamp(w*s.grad[k]), clamp(w*s.hess[k])
		}
	})
}

// load sorts rows, best first, ties in their order.
func (s *pairScratch) load(rows []int32, score []float64) {
	s.order = append(s.order[:0], rows...)
	slices.SortStableFunc(s.order, func(a, b int32) int { return cmp.Compare(score[b], score[a]) })
	s.score = s.score[:0]
	for _, i := range s.order {
		s.score = append(s.score, score[i])
	}
	m := len(rows)
	s.grad = append(s.grad[:0], make([]float64, m)...)
	s.hess = append(s.hess[:0], make([]float64, m)...)
}

// query adds up the pairs of a query and returns what to multiply the result with.
func (o *pairs) query(q int, s *pairScratch) float64 {
	m := len(s.order)
	smooth := o.p.Kind == LambdaMART && !o.p.Raw && s.score[0] != s.score[m-1]
	sum := 0.0
	for i := range min(m-1, o.p.Truncation) {
		for j := i + 1; j < m; j++ {
			a, b := s.order[i], s.order[j]
			high, low := i, j
			switch {
			case o.Labels[a] == o.Labels[b]:
				continue
			case o.Labels[a] < o.Labels[b]:
				high, low = j, i
			}
			gap := s.score[high] - s.score[low]
			delta := o.delta(q, s, high, low)
			if smooth {
				delta /= 0.01 + math.Abs(gap)
			}
			p := 1 / (1 + fmath.Exp(o.p.Sigma*gap))
			g := float64(o.p.Sigma * p * delta)
			h := float64(o.p.Sigma * o.p.Sigma * p * (1 - p) * delta)
			s.grad[high] -= g
			s.grad[low] += g
			s.hess[high] += h
			s.hess[low] += h
			sum += 2 * g
		}
	}
	if o.p.Raw || sum <= 0 {
		return 1
	}
	return fmath.Log(1+sum) / math.Ln2 / sum
}

// delta is the weight of a pair, given by places in the order.
func (o *pairs) delta(q int, s *pairScratch, high, low int) float64 {
	a, b := s.order[high], s.order[low]
	delta := 1.0
	if o.p.Kind == LambdaMART {
		delta = (o.gain[a] - o.gain[b]) * math.Abs(o.discounts[high]-o.discounts[low]) * o.inverse[q]
	}
	if len(o.p.Examination) > 0 && o.Labels[a] > 0 {
		// Joachims, Swaminathan and Schnabel 2017: what was clicked had been examined.
		delta /= o.p.Examination[o.Positions[a]]
	}
	return delta
}
