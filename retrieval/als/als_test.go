package als_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/als"
	"github.com/recsyskit/recsys/retrieval/retrievaltest"
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

func TestFoldInSolvesTheNormalEquations(t *testing.T) {
	in := random(t, 1, 150, 120, 3000, false)
	for name, cfg := range settings() {
		for _, d := range sizes() {
			cfg.Factors, cfg.Epochs = d, 2
			for _, whole := range []bool{false, true} { // with and without the dual form
				m := train(t, in, cfg)
				if whole {
					als.ForgetAxes(m)
				}
				for _, n := range []int{1, 2, 5, 11, d * 2 / 3, d, 100} {
					var items []recsys.ItemID
					var cols []int32
					var weights []float32
					for k := range n {
						c := (k*37 + n) % 120
						cols, items, weights = append(cols, int32(c)), append(items, recsys.ItemID(10*c)), append(weights, 0.25+float32(k%7)/4)
					}
					want := oracle(m.Config(), m.Vectors(), cols, weights)
					got, err := m.FoldInUser([]float32{99}, items, weights)
					require.NoError(t, err)
					require.Len(t, got, d+1)
					require.EqualValues(t, 99, got[0])
					worst := 0.0
					for i, x := range want {
						worst = max(worst, math.Abs(x-float64(got[i+1])))
					}
					require.Less(t, worst, 2e-4*norm(want)+1e-7, "%s, d=%d, n=%d, whole %v", name, d, n, whole)
				}
			}
		}
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

func TestTheLossIsTheObjectiveAndFalls(t *testing.T) {
	in := random(t, 2, 90, 70, 1500, false)
	for name, cfg := range settings() {
		for kind, variant := range variants() {
			cfg := merge(cfg, variant)
			cfg.Factors, cfg.Epochs = 12, 8
			var losses []float64
			cfg.Progress = func(epoch, epochs int, loss float64) {
				losses = append(losses, loss)
				require.Equal(t, len(losses), epoch)
				require.Equal(t, 8, epochs)
			}
			m := train(t, in, cfg)
			require.Len(t, losses, 8)
			require.InEpsilon(t, loss(m.Config(), in, m.UserVectors(), m.Vectors()), losses[7], 1e-4, "%s, %s", name, kind)
			for k := 1; k < 8; k++ {
				require.LessOrEqual(t, losses[k], losses[k-1]*(1+1e-5), "%s, %s, epoch %d", name, kind, k+1)
			}
			require.Less(t, losses[7], losses[0])
		}
	}
}

// Source: Hu, Koren and Volinsky, ICDM 2008, section 4: each step is guaranteed to lower the
// value of the cost function.
func TestEveryHalfStepLowersTheLoss(t *testing.T) {
	in := random(t, 3, 60, 50, 900, false)
	for name, cfg := range settings() {
		cfg.Factors = 9
		for epochs := 1; epochs <= 4; epochs++ {
			cfg.Epochs = epochs
			m := train(t, in, cfg)
			before := loss(m.Config(), in, m.UserVectors(), m.Vectors())
			items := vector.NewMatrix(in.NumItems(), 9)
			for i := range in.NumItems() {
				cols, weights := in.ByItem().Row(i)
				users := make([]recsys.UserID, len(cols))
				for k, u := range cols {
					users[k] = in.Users()[u]
				}
				v, err := m.FoldInItem(nil, users, weights)
				require.NoError(t, err)
				copy(items.Row(i), v)
			}
			half := loss(m.Config(), in, m.UserVectors(), items)
			require.Less(t, half, before, "%s: items after epoch %d", name, epochs)
			cfg.Epochs++
			next := train(t, in, cfg)
			require.LessOrEqual(t, loss(next.Config(), in, next.UserVectors(), next.Vectors()), half, "%s: users of epoch %d", name, epochs+1)
		}
	}
}

func TestATrainedUserIsWhatFoldingInGives(t *testing.T) {
	in := random(t, 4, 200, 150, 3000, false)
	for name, cfg := range settings() {
		cfg.Factors, cfg.Epochs = 24, 3
		m := train(t, in, cfg)
		for u, id := range in.Users() {
			cols, weights := in.ByUser().Row(u)
			items := make([]recsys.ItemID, len(cols))
			for k, i := range cols {
				items[k] = in.Items()[i]
			}
			got, err := m.FoldInUser(nil, items, weights)
			require.NoError(t, err)
			want := m.UserVectors().Row(u)
			size := float32(math.Sqrt(dot(want, want)))
			require.InDeltaSlice(t, want, got, float64(1e-4*size), "%s: user %d", name, id)
		}
	}
}

// With as many steps as factors, and with a block of all of them, the other solvers find what
// Exact does.
func TestSolversAgree(t *testing.T) {
	in := random(t, 5, 100, 80, 1800, false)
	for name, cfg := range settings() {
		cfg.Factors, cfg.Epochs = 10, 3
		want := train(t, in, cfg)
		for kind, variant := range map[string]als.Config{
			"cg":     {Solver: als.ConjugateGradient, Steps: 60},
			"blocks": {Solver: als.Blocks, Block: 10},
		} {
			got := train(t, in, merge(cfg, variant))
			require.Less(t, difference(want, got), 5e-3, "%s, %s", name, kind)
		}
	}
}

func TestSolversComeToTheSameLoss(t *testing.T) {
	in := random(t, 6, 100, 80, 1800, true)
	final := map[string]float64{}
	for kind, variant := range variants() {
		cfg := merge(als.Config{Factors: 8, Epochs: 60, Regularization: 0.01, Unobserved: 0.2}, variant)
		cfg.Progress = func(_, _ int, loss float64) { final[kind] = loss }
		train(t, in, cfg)
	}
	for kind, loss := range final {
		require.InEpsilon(t, final["exact"], loss, 0.01, kind)
	}
}

func TestTheModelDoesNotDependOnWorkers(t *testing.T) {
	users := 700
	if testing.Short() {
		users = 150
	}
	in := random(t, 7, users, 400, 13*users, false)
	for kind, variant := range variants() {
		cfg := merge(als.Config{Factors: 16, Epochs: 2, Workers: 1, Alpha: 1}, variant)
		want := train(t, in, cfg)
		for _, workers := range []int{2, 5} {
			cfg.Workers = workers
			require.Equal(t, want.Version(), train(t, in, cfg).Version(), kind)
		}
		cfg.Seed = 1
		require.NotEqual(t, want.Version(), train(t, in, cfg).Version(), kind)
	}
}

func TestItemVectorsLieAlongTheirPrincipalAxes(t *testing.T) {
	in := random(t, 8, 200, 150, 3000, false)
	for kind, variant := range variants() {
		v := train(t, in, merge(als.Config{Factors: 12, Epochs: 3}, variant)).Vectors()
		squares := make([]float64, 12)
		for a := range 12 {
			for b := range 12 {
				sum := 0.0
				for i := range v.Rows {
					sum += float64(v.Row(i)[a]) * float64(v.Row(i)[b])
				}
				if a == b {
					squares[a] = sum
				} else if b < a {
					require.InDelta(t, 0, sum, 1e-5*squares[0], kind)
				}
			}
			if a > 0 {
				require.LessOrEqual(t, squares[a], squares[a-1], kind)
			}
		}
	}
}

var errEnough = errors.New("enough")

// stop returns a context that progress ends after some epochs, with errEnough.
func stop(t *testing.T, after int) (ctx context.Context, progress func(epoch, epochs int, loss float64)) {
	ctx, cancel := context.WithCancelCause(t.Context())
	return ctx, func(epoch, _ int, _ float64) {
		if epoch == after {
			cancel(errEnough)
		}
	}
}

func TestCancelledTrainingGoesOnWhereItEnded(t *testing.T) {
	in := random(t, 9, 120, 90, 2000, false)
	for kind, variant := range variants() {
		cfg := merge(als.Config{Factors: 20, Epochs: 6, Regularization: 0.003, Unobserved: 0.1}, variant)
		whole := train(t, in, cfg)
		ctx, progress := stop(t, 4)
		cfg.Progress = progress
		half, err := als.Train(ctx, in, cfg)
		require.ErrorIs(t, err, errEnough)
		require.ErrorContains(t, err, "epoch 5 of 6")
		require.NotNil(t, half)
		require.Equal(t, 4, half.Config().Epochs)
		path := t.TempDir() + "/checkpoint"
		require.NoError(t, half.Save(path))
		cfg.Start, err = als.Load(path)
		require.NoError(t, err)
		cfg.Progress, cfg.Epochs = nil, 2
		again := train(t, in, cfg)
		require.Equal(t, 6, again.Config().Epochs)
		switch cfg.Solver {
		case als.Exact:
			require.Equal(t, whole.Version(), again.Version(), "to the bit")
		case als.Blocks: // which are others after the rotation at the end of training
			require.InEpsilon(t, loss(whole.Config(), in, whole.UserVectors(), whole.Vectors()), loss(again.Config(), in, again.UserVectors(), again.Vectors()), 0.01)
			continue
		}
		require.Less(t, difference(whole, again), 2e-3, kind)
	}
	ctx, progress := stop(t, 0)
	progress(0, 0, 0)
	m, err := als.Train(ctx, in, als.Config{})
	require.ErrorIs(t, err, errEnough)
	require.Nil(t, m, "no epoch was completed")
}

func TestMoreFactorsThanTheDataHasDimensions(t *testing.T) {
	in := random(t, 8, 100, 30, 1500, false)
	for kind, variant := range variants() {
		m := train(t, in, merge(als.Config{Factors: 40, Epochs: 60}, variant))
		fits := 0.0
		for u := range in.NumUsers() {
			cols, _ := in.ByUser().Row(u)
			for _, i := range cols {
				fits += dot(m.UserVectors().Row(u), m.Vectors().Row(int(i))) / float64(in.Len())
			}
		}
		require.InDelta(t, 1, fits, 0.1, kind)
		for i := range 30 {
			require.InDeltaSlice(t, make([]float32, 10), m.Vectors().Row(i)[30:], 1e-3, kind)
		}
	}
}

func TestWarmStartTakesOtherData(t *testing.T) {
	old := random(t, 10, 100, 80, 2000, false)
	first := train(t, old, als.Config{Factors: 8, Epochs: 10})
	in := random(t, 11, 130, 95, 2600, false) // more users and items
	losses := func(start *als.Model) (all []float64) {
		for _, solver := range []als.Solver{als.Exact, als.ConjugateGradient} {
			train(t, in, als.Config{Factors: 8, Epochs: 1, Start: start, Solver: solver, Progress: func(_, _ int, loss float64) { all = append(all, loss) }})
		}
		return all
	}
	cold, warm := losses(nil), losses(first)
	require.Less(t, warm[0], cold[0])
	require.Less(t, warm[1], cold[1])
	_, err := als.Train(t.Context(), in, als.Config{Factors: 9, Start: first})
	require.ErrorContains(t, err, "Config.Factors is 9 and Config.Start has 8")
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

func TestKnownUsersAreServedWithoutHistory(t *testing.T) {
	in := random(t, 12, 100, 80, 2000, false)
	m := train(t, in, als.Config{Factors: 8, History: retrieval.History{Values: true}})
	for u, id := range in.Users() {
		_, learned := retrieve(t, m, &recsys.Request{User: id}, 100)
		require.Len(t, learned, 80)
		_, folded := retrieve(t, m, &recsys.Request{User: id, History: in.History(u)}, 100)
		require.InDeltaSlice(t, learned, folded, 1e-4)
		v, err := m.UserVector(nil, recsys.NewQuery(&recsys.Request{User: id, History: []recsys.Event{{Item: 7}}}, nil, "x"))
		require.NoError(t, err)
		require.Equal(t, m.UserVectors().Row(u), v, "a history of unknown items is none")
	}
	items, _ := retrieve(t, m, &recsys.Request{User: 1}, 100)
	require.Empty(t, items, "an unknown user without history")
	v, err := m.UserVector(nil, recsys.NewQuery(&recsys.Request{User: 1}, nil, "x"))
	require.NoError(t, err)
	require.Empty(t, v)
	dst := []float32{5, 5}
	require.NoError(t, m.ScoreItems(t.Context(), recsys.NewQuery(&recsys.Request{User: 1}, nil, "x"), []recsys.ItemID{0, 10}, dst))
	require.Equal(t, []float32{0, 0}, dst)
}

// Source: Hu, Koren and Volinsky, ICDM 2008, section 5.
func TestContributionsAddUpToTheScore(t *testing.T) {
	in := random(t, 13, 100, 80, 2000, false)
	for name, cfg := range settings() {
		cfg.Factors, cfg.Epochs, cfg.History = 8, 4, retrieval.History{Values: true}
		m := train(t, in, cfg)
		req := recsys.Request{History: in.History(17)}
		q := recsys.NewQuery(&req, nil, "x")
		cols, _ := in.ByUser().Row(17)
		distinct := len(cols)
		items, scores := retrieve(t, m, &req, 80)
		for k, item := range items {
			parts, err := m.Explain(nil, q, item)
			require.NoError(t, err)
			require.Len(t, parts, distinct)
			sum := float32(0)
			for i, p := range parts {
				sum += p.Score
				if i > 0 {
					require.GreaterOrEqual(t, parts[i-1].Score, p.Score)
				}
			}
			require.InDelta(t, scores[k], sum, 1e-4, "%s: item %d", name, item)
		}
		none, err := m.Explain(nil, q, 5)
		require.NoError(t, err)
		require.Empty(t, none, "an unknown item")
		none, err = m.Explain(nil, recsys.NewQuery(&recsys.Request{User: in.Users()[3]}, nil, "x"), items[0])
		require.NoError(t, err)
		require.Empty(t, none, "no history")
	}
}

func TestConformance(t *testing.T) {
	in := random(t, 1, 40, 30, 600, false)
	suite := retrievaltest.Suite{
		Requests: []recsys.Request{
			{User: 1, History: []recsys.Event{{Item: 10}, {Item: 40}}},
			{User: 2, Items: []recsys.ItemID{70}},
			{User: 3},
		},
		Empty: func() recsys.Retriever {
			none, err := retrieval.NewInteractions(retrieval.Records{}, retrieval.SumWeights)
			require.NoError(t, err)
			return train(t, none, als.Config{Factors: 8})
		},
	}
	for kind, variant := range variants() {
		t.Run(kind, func(t *testing.T) {
			suite.Run(t, func(t *testing.T) recsys.Retriever {
				return train(t, in, merge(als.Config{Factors: 8, Epochs: 3}, variant))
			})
		})
	}
}

func TestCheckerboard(t *testing.T) {
	for kind, variant := range variants() {
		t.Run(kind, func(t *testing.T) {
			retrievaltest.Checkerboard{FoldIn: true}.Run(t, func(t *testing.T, in *retrieval.Interactions) recsys.Retriever {
				return train(t, in, merge(als.Config{Factors: 2, Epochs: 40}, variant))
			})
		})
	}
}
