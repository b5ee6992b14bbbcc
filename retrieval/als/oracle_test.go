package als_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/als"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// random returns interactions of users who each prefer a part of the items; weights differ
// unless plain is set.
func random(t testing.TB, seed uint64, users, items, n int, plain bool) *retrieval.Interactions {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	var r retrieval.Records
	add := func(u, i int) {
		r.Users, r.Items = append(r.Users, recsys.UserID(3*u)), append(r.Items, recsys.ItemID(10*i))
		weight := float32(1)
		if !plain {
			weight = 0.5 + rng.Float32()
		}
		r.Weights = append(r.Weights, weight)
	}
	for i := range items { // each item has a user
		add(i%users, i)
	}
	for range n {
		u, i := rng.IntN(users), min(rng.IntN(items), rng.IntN(items))
		if rng.IntN(4) > 0 {
			i = (u%5*items/5 + i/5) % items
		}
		add(u, i)
	}
	in, err := retrieval.NewInteractions(r, retrieval.LastWeight)
	require.NoError(t, err)
	return in
}

func train(t testing.TB, in *retrieval.Interactions, cfg als.Config) *als.Model {
	t.Helper()
	m, err := als.Train(context.Background(), in, cfg)
	require.NoError(t, err)
	return m
}

// curve is the confidence by its definition.
func curve(cfg als.Config, r float32) float64 {
	switch {
	case cfg.Confidence != nil:
		return float64(cfg.Confidence(r))
	case cfg.LogScale > 0:
		return 1 + cfg.Alpha*math.Log(1+float64(r)/cfg.LogScale)
	}
	return 1 + cfg.Alpha*float64(r)
}

func lambda(cfg als.Config, n, others int) float64 {
	return cfg.Regularization * math.Pow(float64(n)+cfg.Unobserved*float64(others), cfg.Exponent)
}

// oracle solves the normal equations of a row in float64, by Gaussian elimination.
//
// Source: Hu, Koren and Volinsky, ICDM 2008, equation (4), with α0 in place of 1.
func oracle(cfg als.Config, other vector.Matrix, cols []int32, weights []float32) []float64 {
	d := other.Dim
	a := make([][]float64, d)
	for i := range a {
		a[i] = make([]float64, d+1)
	}
	add := func(v []float32, square, linear float64) {
		for i := range d {
			for j := range d {
				a[i][j] += square * float64(v[i]) * float64(v[j])
			}
			a[i][d] += linear * float64(v[i])
		}
	}
	for r := range other.Rows {
		add(other.Row(r), cfg.Unobserved, 0)
	}
	n := 0
	for k, c := range cols {
		if weights[k] > 0 {
			n++
			conf := curve(cfg, weights[k])
			add(other.Row(int(c)), conf-cfg.Unobserved, conf)
		}
	}
	for i := range d {
		a[i][i] += lambda(cfg, n, other.Rows)
	}
	for i := range d {
		p := i
		for r := i; r < d; r++ {
			if math.Abs(a[r][i]) > math.Abs(a[p][i]) {
				p = r
			}
		}
		a[i], a[p] = a[p], a[i]
		for r := range d {
			if r != i {
				f := a[r][i] / a[i][i]
				for c := i; c <= d; c++ {
					a[r][c] -= f * a[i][c]
				}
			}
		}
	}
	x := make([]float64, d)
	for i := range x {
		x[i] = a[i][d] / a[i][i]
	}
	return x
}

// loss is the objective by its definition, over all pairs.
func loss(cfg als.Config, in *retrieval.Interactions, x, y vector.Matrix) float64 {
	sum, weight := 0.0, 0.0
	n := make([]int, in.NumItems())
	for u := range in.NumUsers() {
		cells := map[int32]float32{}
		cols, weights := in.ByUser().Row(u)
		for k, c := range cols {
			if weights[k] > 0 {
				cells[c] = weights[k]
				n[c]++
			}
		}
		sum += lambda(cfg, len(cells), y.Rows) * dot(x.Row(u), x.Row(u))
		for i := range in.NumItems() {
			conf, want := cfg.Unobserved, 0.0
			if r, ok := cells[int32(i)]; ok {
				conf, want = curve(cfg, r), 1
			}
			e := want - dot(x.Row(u), y.Row(i))
			sum += conf * e * e
			weight += conf
		}
	}
	for i := range in.NumItems() {
		sum += lambda(cfg, n[i], x.Rows) * dot(y.Row(i), y.Row(i))
	}
	return sum / weight
}

func dot(a, b []float32) float64 {
	sum := 0.0
	for i, x := range a {
		sum += float64(x) * float64(b[i])
	}
	return sum
}

// difference returns the largest difference of the scores of two models of the same users and
// items.
func difference(a, b *als.Model) float64 {
	worst := 0.0
	for u := range a.Users() {
		for i := range a.Items() {
			x, y := dot(a.UserVectors().Row(u), a.Vectors().Row(i)), dot(b.UserVectors().Row(u), b.Vectors().Row(i))
			if d := math.Abs(x - y); !(d <= worst) { // NaN counts
				worst = d
			}
		}
	}
	return worst
}

// sizes are numbers of factors, the most telling ones in short tests.
func sizes() []int {
	if testing.Short() {
		return []int{3, 32}
	}
	return []int{1, 3, 8, 17, 32, 64}
}

func norm(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v * v
	}
	return math.Sqrt(sum)
}

// settings are configurations that take every way through the solvers.
func settings() map[string]als.Config {
	return map[string]als.Config{
		"plain":        {},
		"alpha":        {Alpha: 2, Unobserved: 1},
		"log":          {Alpha: 5, LogScale: 0.1, Unobserved: 0.5, Exponent: 0.7},
		"Hu et al.":    {Alpha: 40, Unobserved: 1, Uniform: true, Regularization: 2},
		"function":     {Confidence: func(r float32) float32 { return 3 * r * r }, Unobserved: 0.05},
		"no excess":    {Unobserved: 1, Uniform: true, Regularization: 0.5}, // confidence 1 for all pairs
		"little lamda": {Regularization: 1e-5, Unobserved: 0.01, Alpha: 1},
	}
}

// variants are the solvers, blocks of several sizes among them.
func variants() map[string]als.Config {
	return map[string]als.Config{
		"exact":           {},
		"cg":              {Solver: als.ConjugateGradient},
		"blocks of 5":     {Solver: als.Blocks, Block: 5},
		"one factor each": {Solver: als.Blocks, Block: 1},
	}
}

// merge returns cfg with the solver of variant.
func merge(cfg, variant als.Config) als.Config {
	cfg.Solver, cfg.Block, cfg.Steps = variant.Solver, variant.Block, variant.Steps
	return cfg
}

func request(history ...recsys.ItemID) *recsys.Request {
	r := &recsys.Request{User: 1 << 40}
	for _, id := range history {
		r.History = append(r.History, recsys.Event{Item: id, Kind: recsys.Click})
	}
	return r
}

func retrieve(t testing.TB, m *als.Model, req *recsys.Request, n int) ([]recsys.ItemID, []float32) {
	t.Helper()
	out := recsys.NewSink(n)
	require.NoError(t, m.Retrieve(context.Background(), recsys.NewQuery(req, nil, "test"), out))
	return out.Items()
}
