package bandit

import (
	"math"
	"math/rand/v2"

	"github.com/recsyskit/recsys/internal/fmath"
	"github.com/recsyskit/recsys/internal/simd"
)

// ensemble is a number of draws of θ from a posterior.
type ensemble struct {
	factor triangle
	z      []float64 // dim × draws: standard normals
	theta  []float64 // dim × draws
}

// draw draws θ from N(mean, v²·covariance), as often as draws says, from a seed. If the covariance cannot be factored, which only
// rounding can bring about, all draws are the mean.
func (e *ensemble) draw(m *Ridge, v float64, draws int, seed uint64) {
	d := m.dim
	e.z, e.theta = sized(e.z, d*draws), sized(e.theta, d*draws)
	normals(e.z, rand.NewPCG(seed, ensembleSalt))
	clear(e.theta)
	if m.gram == nil { // the prior
		simd.Axpy64(v/math.Sqrt(m.cfg.Lambda), e.z, e.theta)
		return
	}
	usable := e.factor.factor(m.gram, d)
	for i := range d {
		to := e.theta[i*draws : (i+1)*draws]
		fill(to, m.theta[i])
		for k := i; usable && k < d; k++ {
			simd.Axpy64(v*e.factor.cols[i*e.factor.stride+k], e.z[k*draws:(k+1)*draws], to)
		}
	}
}

const ensembleSalt = 0x656e73656d626c65

// joint is what an ensemble makes of the rows of a slate.
type joint struct {
	draws  int
	reward []float64 // rows × draws
	best   []int32   // of each draw, among the rows open so far; -1: none
	place  []int32   // of each row among the open ones at the last place, -1: not open
}

// read computes the rewards of n rows.
func (s *joint) read(e *ensemble, x *contexts, n, draws int) {
	s.draws = draws
	s.reward = sized(s.reward, n*draws)
	clear(s.reward)
	for i := range n {
		to := s.reward[i*draws : (i+1)*draws]
		for j, v := range x.row(i)[:len(e.theta)/draws] {
			if v != 0 {
				simd.Axpy64(v, e.theta[j*draws:(j+1)*draws], to)
			}
		}
	}
	s.best, s.place = sized(s.best, draws), sized(s.place, n)
	for i := range s.best {
		s.best[i] = -1
	}
	s.close()
}

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
		x, y := float64(2*unit(rng.Uint64()))-1, float64(2*unit(rng.Uint64()))-1
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

// jointly writes the share of draws in which each open row is the best, and its standard error.
func (v *view) jointly() {
	x := contextsOf(v)
	x.joint.count(v.p, v.open)
	se, draws := v.standardErrors(), float64(x.joint.draws)
	for i, n := range v.p {
		v.p[i] = n / draws
		se[i] = math.Sqrt(v.p[i] * (1 - v.p[i]) / draws)
	}
}
