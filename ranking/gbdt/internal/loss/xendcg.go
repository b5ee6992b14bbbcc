package loss

import (
	"math"

	"github.com/recsyskit/recsys/internal/fmath"
	"github.com/recsyskit/recsys/internal/hash"
)

// xendcg is the cross-entropy between softmax(scores) of a query and the distribution
// proportional to 2^label - u, u uniform in [0, 1) and drawn anew for each row and round. It bounds
// NDCG. Gradients are the third-order approximation of the Newton step, as in LightGBM.
//
// Source: S. Bruch, "An Alternative Cross Entropy Loss for Learning-to-Rank", WWW 2021, sections 3 and 4.
type xendcg struct {
	ranked
	seed uint64
}

var _ Objective = (*xendcg)(nil)

type xendcgScratch struct{ rho, params []float64 }

func (o *xendcg) Gradients(round int, score []float64, grad, hess []float32) {
	clear(grad)
	clear(hess)
	seed := hash.Combine(o.seed, uint64(round))
	overQueries(o.Workers, o.rows, func(q int, s *xendcgScratch) {
		rows := o.rows[q]
		if len(rows) < 2 {
			return
		}
		o.distributions(rows, score, seed, s)
		sum1 := 0.0
		for k := range rows {
			s.params[k] = (s.rho[k] - s.params[k]) / rest(s.rho[k])
			sum1 += s.params[k]
		}
		sum2 := 0.0
		for k, i := range rows {
			first := float64(s.params[k] * rest(s.rho[k]))
			second := float64(s.rho[k] * (sum1 - s.params[k]))
			s.params[k] = second / rest(s.rho[k])
			sum2 += s.params[k]
			grad[i] = clamp(first + second)
		}
		for k, i := range rows {
			w := o.weight(int(i))
			third := float64(s.rho[k] * (sum2 - s.params[k]))
			grad[i] = clamp(w * (float64(grad[i]) + third))
			hess[i] = clamp(w * s.rho[k] * (1 - s.rho[k]))
		}
	})
}

// rest is 1-rho, kept away from 0, by which the approximation divides.
func rest(rho float64) float64 { return max(1-rho, 1e-10) }

// distributions writes softmax(score) into rho and the target into params.
func (o *xendcg) distributions(rows []int32, score []float64, seed uint64, s *xendcgScratch) {
	s.rho, s.params = s.rho[:0], s.params[:0]
	top := math.Inf(-1)
	for _, i := range rows {
		top = max(top, score[i])
	}
	sum, total := 0.0, 0.0
	for _, i := range rows {
		e := fmath.Exp(score[i] - top)
		u := float64(hash.Combine(seed, uint64(i))>>11) * 0x1p-53
		phi := 1 + gainOf(nil, o.Labels[i]) - u
		s.rho, s.params = append(s.rho, e), append(s.params, phi)
		sum += e
		total += phi
	}
	for k := range rows {
		s.rho[k] /= sum
		s.params[k] /= total
	}
}
