package bpr

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/recsyskit/recsys/internal/fmath"
	"github.com/recsyskit/recsys/internal/simd"
)

// parameters are what is learned. Matrices are row-major, dim values in a row.
type parameters struct {
	dim   int
	users []float32
	items []float32
	bias  []float32 // of items
	state
}

// state is what training goes on from beside the vectors and biases that are served.
type state struct {
	userBias []float32 // of Logistic alone: the order of a user's items does not depend on it

	// The sums of squared gradients that the rows have seen, by component.
	userSquares, itemSquares, biasSquares, userBiasSquares []float32
}

func (p *parameters) user(u int32) []float32 { return p.users[int(u)*p.dim:][:p.dim:p.dim] }
func (p *parameters) item(i int32) []float32 { return p.items[int(i)*p.dim:][:p.dim:p.dim] }

// stepper takes the steps of one worker.
type stepper struct {
	t    *trainer
	rate float64 // of the epoch
	rng  rand.PCG
	pool []int32 // the items that negatives are drawn from
	lock bool    // take the rows' locks: others step at the same time

	old, diff []float32
	loss      float64
	steps     int64
}

// below returns a random number below n, 0 < n < 2^32, by Lemire's multiplication without
// the rejection: no number is more than n/2^32 likelier than another.
func below(rng *rand.PCG, n int) int { return int((rng.Uint64() >> 32) * uint64(n) >> 32) }

// maxDraws is how often an item is drawn until the user lacks it. A user with nearly
// everything is given up for the step.
const maxDraws = 32

// negative returns a random item that the user lacks, -1 when none was found.
func (s *stepper) negative(u int32) int32 {
	have, _ := s.t.byUser.Row(int(u))
	for range maxDraws {
		j := s.pool[below(&s.rng, len(s.pool))]
		if _, ok := slices.BinarySearch(have, j); !ok {
			return j
		}
	}
	return -1
}

// take steps for one interaction.
func (s *stepper) take(u, i int32, weight float32) {
	switch s.t.cfg.Loss {
	case BPR:
		for range s.t.cfg.Negatives {
			if j := s.negative(u); j >= 0 {
				s.bpr(u, i, j)
			}
		}
	case WARP:
		s.warp(u, i)
	case Logistic:
		s.logistic(u, i, float64(weight)*s.t.cfg.Confidence, 1)
		for range s.t.cfg.Negatives {
			if j := s.negative(u); j >= 0 {
				s.logistic(u, j, 1, 0)
			}
		}
	}
}

// score returns x_ui.
func (s *stepper) score(u, i int32) float32 {
	p := &s.t.p
	return simd.Dot(p.user(u), p.item(i)) + p.bias[i]
}

// bpr descends -ln σ(x), x = x_ui - x_uj: its derivative by x is -σ(-x).
func (s *stepper) bpr(u, i, j int32) {
	s.acquire(u, i, j)
	x := float64(s.score(u, i) - s.score(u, j))
	s.pair(u, i, j, fmath.Sigmoid(-x))
	s.release(u, i, j)
	s.loss += fmath.Softplus(-x)
	s.steps++
}

// pair moves x_ui - x_uj up with the gradient g.
func (s *stepper) pair(u, i, j int32, g float64) {
	p := &s.t.p
	wu, hi, hj := p.user(u), p.item(i), p.item(j)
	copy(s.old, wu)
	copy(s.diff, hi)
	simd.Sub(s.diff, hj)
	square := g * g * float64(simd.Dot(wu, wu)) / float64(p.dim)
	s.move(wu, &p.userSquares[u], g, s.diff, g*g*float64(simd.Dot(s.diff, s.diff))/float64(p.dim))
	s.move(hi, &p.itemSquares[i], g, s.old, square)
	s.move(hj, &p.itemSquares[j], -g, s.old, square)
	if s.t.cfg.Biases {
		s.shift(&p.bias[i], &p.biasSquares[i], g)
		s.shift(&p.bias[j], &p.biasSquares[j], -g)
	}
}

// before is where the sum of squares of a row begins: a rate falls when a row has seen more
// than that. From 0, the first steps are the largest, along vectors that are still random: on a
// validation split of a part of the Gowalla check-ins recall@20 was .199, and .221 from 1.
const before = 1

// move steps along g times the direction v, and shrinks w as the regularisation says. The
// rate of a row falls with the squares it has seen: AdaGrad (Duchi, Hazan and Singer, JMLR
// 2011) with one sum for the row.
func (s *stepper) move(w []float32, squares *float32, g float64, v []float32, square float64) {
	*squares += float32(square)
	rate := s.rate / math.Sqrt(float64(*squares)+before)
	simd.Scale(float32(max(1-float64(rate*s.t.reg), 0)), w)
	simd.Axpy(float32(rate*g), v, w)
}

// shift is move for a bias.
func (s *stepper) shift(w, squares *float32, g float64) {
	*squares += float32(g * g)
	rate := s.rate / math.Sqrt(float64(*squares)+before)
	*w = float32(float64(float64(*w)*max(1-float64(rate*s.t.biasReg), 0)) + float64(rate*g))
}

// warp draws items until one violates the margin.
func (s *stepper) warp(u, i int32) {
	s.acquire(u, i, i)
	x := s.score(u, i)
	s.release(u, i, i)
	for trial := 1; trial <= s.t.cfg.Negatives; trial++ {
		j := s.negative(u)
		if j < 0 {
			return
		}
		s.acquire(u, i, j)
		violation := 1 - float64(x) + float64(s.score(u, j))
		if violation > 0 {
			weight := s.t.harmonic[max(1, s.t.lacks(u)/trial)]
			s.pair(u, i, j, weight)
			s.loss += float64(weight * violation)
		}
		s.release(u, i, j)
		if violation > 0 {
			break
		}
	}
	s.steps++
}

// logistic descends -weight × ln σ(±x_ui), + for a target of 1 and - for 0: the derivative by
// x is weight × (σ(x) - target).
func (s *stepper) logistic(u, i int32, weight, target float64) {
	s.acquire(u, i, i)
	p := &s.t.p
	x := float64(s.score(u, i) + p.userBias[u])
	g := weight * (target - fmath.Sigmoid(x))
	wu, hi := p.user(u), p.item(i)
	copy(s.old, wu)
	square := g * g * float64(simd.Dot(wu, wu)) / float64(p.dim)
	s.move(wu, &p.userSquares[u], g, hi, g*g*float64(simd.Dot(hi, hi))/float64(p.dim))
	s.move(hi, &p.itemSquares[i], g, s.old, square)
	if s.t.cfg.Biases {
		s.shift(&p.bias[i], &p.biasSquares[i], g)
	}
	s.shift(&p.userBias[u], &p.userBiasSquares[u], g)
	s.release(u, i, i)
	if target == 1 {
		x = -x
	}
	s.loss += float64(weight * fmath.Softplus(x))
	s.steps++
}
