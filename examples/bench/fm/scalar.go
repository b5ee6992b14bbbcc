package main

import (
	"math"
	"math/rand/v2"
)

// scalar is a machine as one writes it first.
type scalar struct {
	k    int
	w, a []float32
	v, g []float32 // factors and AdaGrad's sums
	s, q []float32
}

func newScalar(n, k int) *scalar {
	m := &scalar{
		k: k, w: make([]float32, n), a: make([]float32, n), v: make([]float32, n*k), g: make([]float32, n*k),
		s: make([]float32, k), q: make([]float32, k),
	}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range m.v {
		m.v[i] = float32(r.NormFloat64() * 0.05)
	}
	return m
}

func (m *scalar) score(slots []int32) float32 {
	clear(m.s)
	clear(m.q)
	z := float32(0)
	for _, id := range slots {
		z += m.w[id]
		v := m.v[int(id)*m.k:][:m.k]
		for f, x := range v {
			m.s[f] += x
			m.q[f] += x * x
		}
	}
	for f, s := range m.s {
		z += 0.5 * (s*s - m.q[f])
	}
	return z
}

func (m *scalar) step(slots []int32, y float32) {
	const rate, l2, epsilon = 0.05, 2e-5, 1e-6
	slope := sigmoid(m.score(slots)) - y
	for _, id := range slots {
		g := slope + l2*m.w[id]
		m.a[id] += g * g
		m.w[id] -= rate * g / (float32(math.Sqrt(float64(m.a[id]))) + epsilon)
		v, sums := m.v[int(id)*m.k:][:m.k], m.g[int(id)*m.k:][:m.k]
		for f := range v {
			g := slope*(m.s[f]-v[f]) + l2*v[f]
			sums[f] += g * g
			v[f] -= rate * g / (float32(math.Sqrt(float64(sums[f]))) + epsilon)
		}
	}
}
