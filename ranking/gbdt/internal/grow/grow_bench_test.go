package grow_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/recsyskit/recsys/ranking/gbdt/internal/bins"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/grow"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

// clicks returns a table of normal and skewed columns with the labels of a nonlinear rule.
func clicks(n, d int) (bins.Input, []float32) {
	r := rand.New(rand.NewPCG(7, 7))
	in := bins.Input{Rows: n, Features: make([]tree.Feature, d), Values: make([]float32, n*d)}
	for j := range in.Features {
		in.Features[j].Name = fmt.Sprint("f", j)
	}
	y := make([]float32, n)
	for i := range n {
		row := in.Values[i*d : (i+1)*d]
		for j := range row {
			x := r.NormFloat64()
			if j%3 == 1 {
				x = math.Exp(x)
			}
			row[j] = float32(x)
		}
		s := float64(row[0]*row[1]) + math.Sin(2*float64(row[2])) + float64(row[3])/2 - math.Abs(float64(row[5]))
		for j := 6; j < min(d, 30); j++ {
			s += 0.1 * float64(row[j])
		}
		if r.Float64() < 1/(1+math.Exp(-s)) {
			y[i] = 1
		}
	}
	return in, y
}

// boost runs rounds of logistic regression and returns the scores.
func boost(tb testing.TB, g *grow.Grower, y []float32, rounds int) []float64 {
	tb.Helper()
	score, grad, hess := make([]float64, len(y)), make([]float32, len(y)), make([]float32, len(y))
	for range rounds {
		for i, s := range score {
			p := 1 / (1 + math.Exp(-s))
			grad[i], hess[i] = float32(p-float64(y[i])), float32(p*(1-p))
		}
		tr, err := g.Grow(context.Background(), grad, hess, nil, nil)
		if err != nil {
			tb.Fatal(err)
		}
		for l, v := range tr.Leaves {
			for _, r := range g.LeafRows(l) {
				score[r] += 0.1 * v
			}
		}
	}
	return score
}

func BenchmarkGrow(b *testing.B) {
	in, y := clicks(100_000, 50)
	b.Run("bins", func(b *testing.B) {
		for b.Loop() {
			if _, err := bins.New(context.Background(), in, bins.Config{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("leaves=63/rounds=20", func(b *testing.B) {
		t, err := bins.New(context.Background(), in, bins.Config{})
		if err != nil {
			b.Fatal(err)
		}
		cfg := grow.Default()
		cfg.Leaves = 63
		g := grow.New(t, cfg)
		b.ReportAllocs()
		for b.Loop() {
			boost(b, g, y, 20)
		}
	})
}
