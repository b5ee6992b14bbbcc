package main

import (
	"context"
	"math"
	"math/rand/v2"
)

// factorModel predicts ratings: a mean, a bias of the user, one of the item, and the product of their
// vectors. Koren, Bell, Volinsky, IEEE Computer 42, 2009, equation 4.
type factorModel struct {
	mean         float64
	users, items [][]float64 // bias first, then the vector
}

// factorConfig configures trainFactors.
type factorConfig struct {
	users, items, factors int
	lambda                float64 // of the squares of biases and vectors
	epochs                int
	seed                  uint64
}

// trainFactors minimises Σ w (r - r̂)² + λ Σ (biases² + vectors²) by alternating least squares.
func trainFactors(ctx context.Context, cfg factorConfig, data []rating) (*factorModel, error) {
	m := &factorModel{}
	weight := 0.0
	for _, r := range data {
		m.mean += r.weight * r.value
		weight += r.weight
	}
	m.mean /= weight
	draw := rand.New(rand.NewPCG(cfg.seed, 1))
	table := func(n int) [][]float64 {
		t := make([][]float64, n)
		for i := range t {
			t[i] = make([]float64, cfg.factors+1)
			for f := 1; f <= cfg.factors; f++ {
				t[i][f] = 0.1 * draw.NormFloat64()
			}
		}
		return t
	}
	m.users, m.items = table(cfg.users), table(cfg.items)
	byUser, byItem := make([][]rating, cfg.users), make([][]rating, cfg.items)
	for _, r := range data {
		byUser[r.user] = append(byUser[r.user], r)
		byItem[r.item] = append(byItem[r.item], r)
	}
	s := newSolver(cfg.factors + 1)
	for range cfg.epochs {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for u, rs := range byUser {
			s.solve(m.users[u], m.mean, cfg.lambda, rs, func(r rating) []float64 { return m.items[r.item] })
		}
		for i, rs := range byItem {
			s.solve(m.items[i], m.mean, cfg.lambda, rs, func(r rating) []float64 { return m.users[r.user] })
		}
	}
	return m, nil
}

func (m *factorModel) predict(user, item int) float64 {
	u, i := m.users[user], m.items[item]
	v := m.mean + u[0] + i[0]
	for f := 1; f < len(u); f++ {
		v += u[f] * i[f]
	}
	return v
}

// solver fits one row of a side to the other side.
type solver struct {
	n    int
	a, x []float64 // normal matrix, row-major, and a row of the design
}

func newSolver(n int) *solver { return &solver{n, make([]float64, n*n), make([]float64, n)} }

// solve writes the ridge regression of the ratings' residuals on the other side into dst.
func (s *solver) solve(dst []float64, mean, lambda float64, data []rating, other func(rating) []float64) {
	n := s.n
	clear(s.a)
	clear(dst)
	for i := range n {
		s.a[i*n+i] = lambda
	}
	for _, r := range data {
		o := other(r)
		copy(s.x, o)
		s.x[0] = 1
		y := r.value - mean - o[0]
		for i, x := range s.x {
			dst[i] += r.weight * x * y
			for j := range i + 1 {
				s.a[i*n+j] += r.weight * x * s.x[j]
			}
		}
	}
	for i := range n { // Cholesky
		for j := range i + 1 {
			v := s.a[i*n+j]
			for k := range j {
				v -= s.a[i*n+k] * s.a[j*n+k]
			}
			if i == j {
				s.a[i*n+i] = math.Sqrt(max(v, 1e-12))
			} else {
				s.a[i*n+j] = v / s.a[j*n+j]
			}
		}
	}
	for i := range n {
		for k := range i {
			dst[i] -= s.a[i*n+k] * dst[k]
		}
		dst[i] /= s.a[i*n+i]
	}
	for i := n - 1; i >= 0; i-- {
		for k := i + 1; k < n; k++ {
			dst[i] -= s.a[k*n+i] * dst[k]
		}
		dst[i] /= s.a[i*n+i]
	}
}
