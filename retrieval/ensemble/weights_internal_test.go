package ensemble

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheSimplestWithinOneStandardErrorIsKept(t *testing.T) {
	// Ten cases; the difference to better is one standard error at gap = 1.
	spread := []float64{-3, -2, -1, 0, 0, 0, 0, 1, 2, 3}
	_, stdErr := difference(make([]float64, 10), spread)
	values := func(gaps ...float64) [][]float64 {
		var list [][]float64
		for _, gap := range gaps {
			v := make([]float64, 10)
			for i := range v {
				v[i] = gap * stdErr
				if gap != 0 {
					v[i] += spread[i]
				}
			}
			list = append(list, v)
		}
		return list
	}
	tests := []struct {
		name string
		gaps []float64
		want form
	}{
		{"all alike", []float64{0, 0, 0, 0}, single},
		{"better, but not by a standard error", []float64{0, 0, 0, 0.9}, single},
		{"surely better", []float64{0, 0, 0, 1.1}, metric},
		{"a worse one does not stand in the way", []float64{0, -5, 1.1, 1.1}, likelihood},
		{"the first is the best", []float64{0, -1, -2, -3}, single},
	}
	for _, tt := range tests {
		require.Equal(t, formNames[tt.want], formNames[simplest(values(tt.gaps...))], tt.name)
	}
	require.Equal(t, single, simplest([][]float64{{0.5}, {1}}[:1]), "one case")
}

func TestDifferenceByHand(t *testing.T) {
	mean, stdErr := difference([]float64{1, 2, 3, 4}, []float64{2, 2, 5, 5})
	require.InDelta(t, 1, mean, 1e-12)
	require.InDelta(t, math.Sqrt(2./3/4), stdErr, 1e-12, "deviations 0, -1, 1, 0")
	mean, stdErr = difference([]float64{1}, []float64{2})
	require.Equal(t, 1.0, mean)
	require.Zero(t, stdErr)
}

// drawn returns cases whose answers are drawn with the probabilities of a conditional logit.
func drawn(weights []float64, cases int) *search {
	rnd := rand.New(rand.NewPCG(1, 1))
	s := &search{learner: &learner{Config: Config{Workers: 2}}, usable: make([]bool, len(weights))}
	const rows = 50
	for i := range cases {
		t := table{rows: rows, scores: make([]float32, rows*len(weights)), answers: 1}
		p, sum := make([]float64, rows), 0.0
		for k := range rows {
			for j, w := range weights {
				s.usable[j] = true
				x := rnd.NormFloat64()
				t.scores[j*rows+k] = float32(x)
				p[k] += w * x
			}
			p[k] = math.Exp(p[k])
			sum += p[k]
		}
		at, left := 0, rnd.Float64()*sum
		for left -= p[0]; left > 0 && at < rows-1; left -= p[at] {
			at++
		}
		t.relevant = []int32{int32(at)}
		s.tables, s.cases = append(s.tables, t), append(s.cases, i)
	}
	return s
}

// Source: McFadden, Conditional Logit Analysis of Qualitative Choice Behavior, 1974: the estimate
// is consistent.
func TestLikelihoodFindsTheWeightsOfTheModel(t *testing.T) {
	want := []float64{1.5, 0, 0.75}
	s := drawn(want, 4000)
	got := s.likely(t.Context())
	require.InDeltaSlice(t, want, got, 0.06)
	s.usable[0] = false
	require.Zero(t, s.likely(t.Context())[0])
}

func TestGradientOfTheLikelihoodIsItsSlope(t *testing.T) {
	s := drawn([]float64{1, 0.5, 0.2}, 60)
	s.tables[3].relevant = []int32{4, 9, 30}
	s.tables[3].answers = 5
	s.tables[7].relevant = nil
	w, gradient, other := []float64{0.3, 0.9, 0}, make([]float64, 3), make([]float64, 3)
	s.logLikelihood(w, gradient)
	for j := range w {
		const h = 1e-5
		up, down := slices.Clone(w), slices.Clone(w)
		up[j] += h
		down[j] -= h
		slope := (s.logLikelihood(up, other) - s.logLikelihood(down, other)) / (2 * h)
		require.InDelta(t, slope, gradient[j], 1e-6)
	}
}
