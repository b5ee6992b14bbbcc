package main

import "math/rand/v2"

// generator makes data from a seed.
type generator struct{ r *rand.Rand }

func newGenerator(seed uint64) *generator {
	return &generator{rand.New(rand.NewPCG(seed, 0))}
}

// floats returns n values of a normal distribution.
func (g *generator) floats(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(g.r.NormFloat64())
	}
	return x
}

// cheap returns n values in [-1, 1), fast, for data of many megabytes.
func (g *generator) cheap(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(int32(g.r.Uint32())) / (1 << 31)
	}
	return x
}

// ids returns n numbers below limit.
func (g *generator) ids(n, limit int) []uint32 {
	ids := make([]uint32, n)
	for i := range ids {
		ids[i] = uint32(g.r.IntN(limit))
	}
	return ids
}

// definite returns a positive definite n × n matrix.
func (g *generator) definite(n int) []float32 {
	b := g.floats(n * n)
	a := make([]float32, n*n)
	for i := range n {
		for j := range n {
			var sum float32
			for k := range n {
				sum += b[i*n+k] * b[j*n+k]
			}
			a[i*n+j] = sum / float32(n)
		}
		a[i*n+i]++
	}
	return a
}
