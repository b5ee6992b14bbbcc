package spectral_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/spectral"
)

// matrix returns a sparse matrix and its transpose.
func matrix(t *testing.T, rows, cols int, seed uint64) (a, transposed *retrieval.CSR) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 3))
	var r retrieval.Records
	for i := range max(rows, cols) {
		r.Users, r.Items, r.Weights = append(r.Users, recsys.UserID(i%rows)), append(r.Items, recsys.ItemID(i%cols)), append(r.Weights, 1)
	}
	for range rows * cols / 6 {
		r.Users, r.Items = append(r.Users, recsys.UserID(rng.IntN(rows))), append(r.Items, recsys.ItemID(rng.IntN(cols)))
		r.Weights = append(r.Weights, rng.Float32())
	}
	in, err := retrieval.NewInteractions(r, retrieval.SumWeights)
	require.NoError(t, err)
	return in.ByUser(), in.ByItem()
}

// A singular pair satisfies AᵀA v = σ² v, and the vectors are orthonormal: the definition, so
// no other decomposition is needed to compare with.
func TestVectorsAreSingular(t *testing.T) {
	for _, size := range [][2]int{{60, 40}, {40, 60}, {5, 5}} {
		a, at := matrix(t, size[0], size[1], 7)
		const f = 4
		v, values, err := spectral.Decompose(t.Context(), a, at, spectral.Config{Factors: f, Iterations: 200, Oversampling: 8, Workers: 2})
		require.NoError(t, err)
		require.Len(t, values, f)
		for j := range f {
			x, y := make([]float64, a.Rows()), make([]float64, v.Rows)
			for r := range x {
				cols, w := a.Row(r)
				for k, c := range cols {
					x[r] += float64(w[k]) * float64(v.Row(int(c))[j])
				}
				for k, c := range cols {
					y[c] += float64(w[k]) * x[r]
				}
			}
			for i := range y {
				require.InDelta(t, values[j]*values[j]*float64(v.Row(i)[j]), y[i], 2e-3*values[0], "column %d", j)
			}
			for k := range f {
				dot, want := 0.0, 0.0
				for i := range v.Rows {
					dot += float64(v.Row(i)[j]) * float64(v.Row(i)[k])
				}
				if j == k {
					want = 1
				}
				require.InDelta(t, want, dot, 1e-5)
			}
			if j > 0 {
				require.LessOrEqual(t, values[j], values[j-1])
			}
		}
		// The first value is the largest of all: no vector grows by more.
		rng := rand.New(rand.NewPCG(1, 1))
		for range 50 {
			square, norm := 0.0, 0.0
			y := make([]float64, v.Rows)
			for i := range y {
				y[i] = rng.NormFloat64()
				norm += y[i] * y[i]
			}
			for r := range a.Rows() {
				cols, w := a.Row(r)
				sum := 0.0
				for k, c := range cols {
					sum += float64(w[k]) * y[c]
				}
				square += sum * sum
			}
			require.LessOrEqual(t, math.Sqrt(square/norm), values[0]*1.0001)
		}
	}
}

func TestTheSameBitsForAnyNumberOfWorkers(t *testing.T) {
	a, at := matrix(t, 300, 200, 9)
	want, values, err := spectral.Decompose(t.Context(), a, at, spectral.Config{Factors: 9, Iterations: 3, Oversampling: 3, Workers: 1})
	require.NoError(t, err)
	for _, workers := range []int{2, 5} {
		got, v, err := spectral.Decompose(t.Context(), a, at, spectral.Config{Factors: 9, Iterations: 3, Oversampling: 3, Workers: workers})
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.Equal(t, values, v)
	}
}

func TestMoreFactorsThanRankAreZero(t *testing.T) {
	a, at := matrix(t, 3, 8, 1)
	v, values, err := spectral.Decompose(t.Context(), a, at, spectral.Config{Factors: 6, Iterations: 5, Workers: 1})
	require.NoError(t, err)
	require.Equal(t, []float64{0, 0, 0}, values[3:])
	for i := range v.Rows {
		require.Equal(t, []float32{0, 0, 0}, v.Row(i)[3:])
	}
	empty := &retrieval.CSR{}
	v, values, err = spectral.Decompose(t.Context(), empty, empty, spectral.Config{Factors: 2, Iterations: 5, Workers: 1})
	require.NoError(t, err)
	require.Zero(t, v.Rows)
	require.Equal(t, []float64{0, 0}, values)
}

func TestTheErrorSaysWhereItStopped(t *testing.T) {
	a, at := matrix(t, 30, 20, 9)
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	_, _, err := spectral.Decompose(ctx, a, at, spectral.Config{Factors: 2, Iterations: 5, Workers: 2, Progress: func(done, _ int) {
		if done == 2 {
			cancel(why)
		}
	}})
	require.ErrorIs(t, err, why)
	require.ErrorContains(t, err, "iteration 3 of 5")
}

// ends is a context that ends when Err is asked the given number of times.
type ends struct {
	context.Context
	left atomic.Int64
	end  context.CancelCauseFunc
	why  error
}

func (c *ends) Err() error {
	if c.left.Add(-1) == 0 {
		c.end(c.why)
	}
	return c.Context.Err()
}

// The eigenvectors take longer than all else where there are many factors.
func TestEveryPartStopsWithItsContext(t *testing.T) {
	a, at := matrix(t, 130, 120, 9)
	asked := func(after int64) (int64, error) {
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		c := &ends{Context: ctx, end: cancel, why: errors.New("enough")}
		c.left.Store(after)
		_, _, err := spectral.Decompose(c, a, at, spectral.Config{Factors: 100, Iterations: 1, Workers: 1})
		if after -= c.left.Load(); err != nil {
			require.ErrorIs(t, err, c.why)
		}
		return after, err
	}
	all, err := asked(math.MaxInt64)
	require.NoError(t, err)
	require.Greater(t, all, int64(5*100), "some sweeps of 100 rows")
	for _, after := range []int64{1, 20, 150, all / 2, all - 200} {
		n, err := asked(after)
		require.Error(t, err)
		require.Less(t, n, after+20, "nothing goes on for long")
	}
}

func TestBytesBoundTheMatrices(t *testing.T) {
	cfg := spectral.Config{Factors: 10, Oversampling: 5}
	require.EqualValues(t, 4*(15*(100+2*200)+200*10)+8*18*15*15, spectral.Bytes(100, 200, cfg))
	require.EqualValues(t, 4*(3*(3+2*200)+200*10)+8*18*3*3, spectral.Bytes(3, 200, cfg))
}
