package bandit

import (
	"math"
	"math/rand/v2"

	"github.com/recsyskit/recsys/internal/fmath"
	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/internal/simd"
)

// joint estimates, for rows whose rewards are normal together, the probability that each is the best among some. It draws
// all rewards many times, once for a slate, and counts at each place which of the rows that are open there is the best.
type joint struct {
	rows, dim int
	draws     int       // 0: not drawn yet
	projected []float64 // rows × dim: rewards are mean + v·projected·z
	z         []float64 // dim × draws
	reward    []float64 // rows × draws
	best      []int32   // of each draw, among the rows open so far; -1: none
	place     []int32   // of each row among the open ones at the last place, -1: not open
}

// reset readies the memory for rows of a posterior in dim dimensions.
func (s *joint) reset(rows, dim int) {
	s.rows, s.dim, s.draws = rows, dim, 0
	s.projected = sized(s.projected, rows*dim)
}

// projection returns row i of the projections, to be written.
func (s *joint) projection(i int) []float64 { return s.projected[i*s.dim : (i+1)*s.dim] }

// draw draws the rewards of all rows.
func (s *joint) draw(mean []float64, v float64, draws int, seed uint64) {
	s.draws = draws
	s.z = sized(s.z, s.dim*draws)
	rng := rand.NewPCG(seed, jointSalt)
	normals(s.z, rng)
	s.reward = sized(s.reward, s.rows*draws)
	for i := range s.rows {
		to := s.reward[i*draws : (i+1)*draws]
		for j := range to {
			to[j] = mean[i]
		}
		for j, p := range s.projection(i) {
			if p != 0 {
				simd.Axpy64(v*p, s.z[j*draws:(j+1)*draws], to)
			}
		}
	}
	s.best, s.place = sized(s.best, draws), sized(s.place, s.rows)
	for i := range s.best {
		s.best[i] = -1
	}
	s.close()
}

const jointSalt = 0x6a6f696e74

// count writes into p how often each of the open rows was the best of them; ties go to the first. A draw
// whose best row is still open, and that has seen all others, need not be looked at again.
func (s *joint) count(p []float64, open []int32) {
	again := false // a row has become open
	for _, i := range open {
		again = again || s.place[i] < 0
	}
	s.close()
	for at, i := range open {
		s.place[i] = int32(at)
	}
	clear(p)
	for m, best := range s.best {
		if again || best < 0 || s.place[best] < 0 {
			best = open[0]
			top := s.reward[int(best)*s.draws+m]
			for _, i := range open[1:] {
				if x := s.reward[int(i)*s.draws+m]; x > top {
					best, top = i, x
				}
			}
			s.best[m] = best
		}
		p[s.place[best]]++
	}
}

func (s *joint) close() {
	for i := range s.place {
		s.place[i] = -1
	}
}

// normals fills dst with independent standard normals: the same bits on every machine.
//
// Source: Marsaglia and Bray, "A Convenient Method for Generating Normal Variables", SIAM Review 6, 1964.
func normals(dst []float64, rng *rand.PCG) {
	for i := 0; i < len(dst); {
		x, y := 2*unit(rng.Uint64())-1, 2*unit(rng.Uint64())-1
		s := float64(x*x) + float64(y*y)
		if s >= 1 || s == 0 {
			continue
		}
		r := math.Sqrt(-2 * fmath.Log(s) / s)
		dst[i] = float64(x * r)
		if i++; i < len(dst) {
			dst[i] = float64(y * r)
			i++
		}
	}
}

// jointly writes the estimated chances of the open rows and their standard errors.
func (v *view) jointly(scale float64, draws int) {
	x := contextsOf(v)
	if x.joint.draws == 0 {
		x.joint.draw(x.mean, scale, draws, hash.Mix64(v.seed))
	}
	x.joint.count(v.p, v.open)
	se := v.standardErrors()
	for i, n := range v.p {
		v.p[i] = n / float64(draws)
		se[i] = math.Sqrt(v.p[i] * (1 - v.p[i]) / float64(draws))
	}
}
