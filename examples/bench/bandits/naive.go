package main

import "math"

// naive is LinUCB as one writes it first: slices of slices, the whole inverse, one product after the other.
type naive struct {
	inverse [][][]float64
	b       [][]float64
	u       []float64
}

func newNaive(k, d int) *naive {
	m := &naive{make([][][]float64, k), make([][]float64, k), make([]float64, d)}
	for a := range k {
		m.inverse[a], m.b[a] = make([][]float64, d), make([]float64, d)
		for i := range d {
			m.inverse[a][i] = make([]float64, d)
			m.inverse[a][i][i] = 1
		}
	}
	return m
}

// ucb returns the arm of the highest bound.
func (m *naive) ucb(x []float64, alpha float64) int {
	best, top := 0, math.Inf(-1)
	for a := range m.inverse {
		mean, variance := 0.0, 0.0
		for i, row := range m.inverse[a] {
			u := 0.0
			for j, v := range row {
				u += v * x[j]
			}
			mean += u * m.b[a][i]
			variance += u * x[i]
		}
		if s := mean + alpha*math.Sqrt(variance); s > top {
			best, top = a, s
		}
	}
	return best
}

// update learns, by Sherman and Morrison.
func (m *naive) update(a int, x []float64, reward float64) {
	s := 1.0
	for i, row := range m.inverse[a] {
		m.u[i] = 0
		for j, v := range row {
			m.u[i] += v * x[j]
		}
		s += m.u[i] * x[i]
	}
	for i, row := range m.inverse[a] {
		for j := range row {
			row[j] -= m.u[i] * m.u[j] / s
		}
		m.b[a][i] += reward * x[i]
	}
}
