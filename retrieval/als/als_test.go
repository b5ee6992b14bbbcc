package als_test

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/als"
	"github.com/recsyskit/recsys/retrieval/vector"
)

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

// Source: Rendle, Krichene, Zhang and Koren, RecSys 2022, section 3.1: the squared error of an
// interaction counts 1, the square of every score α0. What the package doc says of it: our
// vectors, all scores times 1-α0, solve its normal equations for α0/(1-α0).
func TestTheObjectiveOfRendleEtAl(t *testing.T) {
	in := random(t, 31, 40, 30, 500, true)
	const ours, lambda, d = 0.2, 1.5, 4
	m := train(t, in, als.Config{Factors: d, Epochs: 300, Unobserved: ours, Uniform: true, Regularization: lambda})
	const theirs, factor = ours / (1 - ours), 1 - ours
	check := func(x, y vector.Matrix, rows *retrieval.CSR) {
		for u := range x.Rows {
			residual, right := make([]float64, d), make([]float64, d)
			add := func(v []float32, weight float64) { // of the equations of √factor x and √factor y
				for k := range residual {
					residual[k] += weight * math.Sqrt(factor) * float64(v[k])
				}
			}
			for i := range y.Rows {
				add(y.Row(i), theirs*factor*dot(x.Row(u), y.Row(i)))
			}
			cols, _ := rows.Row(u)
			for _, i := range cols {
				add(y.Row(int(i)), factor*dot(x.Row(u), y.Row(int(i))))
				add(y.Row(int(i)), -1)
				for k := range right {
					right[k] += math.Sqrt(factor) * float64(y.Row(int(i))[k])
				}
			}
			add(x.Row(u), lambda)
			require.Less(t, norm(residual), 2e-3*norm(right), "row %d", u)
		}
	}
	check(m.UserVectors(), m.Vectors(), in.ByUser())
	check(m.Vectors(), m.UserVectors(), in.ByItem())
}
