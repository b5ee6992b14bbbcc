package annset

import (
	"context"
	"math"
	"math/rand/v2"
	"sort"
	"sync"

	"github.com/recsyskit/recsys/retrieval/vector"
)

// Synthetic describes a set of item and query vectors that looks like the two
// towers of a recommender:
//
//   - Items lie in 2,000 clusters under 40 super-clusters, whose sizes fall by
//     Zipf's law. A cluster has a subspace of 12 dimensions of its own, in which
//     its items spread, and isotropic noise: the intrinsic dimension is low.
//   - The norm of an item is its popularity: log-normal with σ = .35, a little
//     larger in large clusters.
//   - A query, a user, is no item: it mixes the directions of one to four items,
//     drawn by the cube of their norms, with random weights and noise, and has
//     norm 1.
//
// The zero fields mean nothing by default; all but Seed must be positive.
type Synthetic struct {
	Rows, Dim, Queries int
	Seed               uint64
}

const (
	clusters      = 2000
	superClusters = 40
	subspace      = 12
)

// Make returns the vectors, the same for any number of workers. It stops when
// ctx is done.
func (s Synthetic) Make(ctx context.Context, workers int) (base, queries vector.Matrix, err error) {
	m := newMixture(s.Dim, s.Seed)
	base = vector.NewMatrix(s.Rows, s.Dim)
	norms := make([]float64, s.Rows)
	err = forEach(ctx, s.Rows, workers, func() func(int) {
		x := make([]float64, s.Dim)
		src := rand.NewPCG(0, 0)
		r := rand.New(src)
		return func(i int) {
			src.Seed(s.Seed, 1+uint64(i))
			norms[i] = m.item(x, r)
			scaleInto(base.Row(i), x, norms[i])
		}
	})
	if err != nil {
		return base, queries, err
	}
	upTo := make([]float64, s.Rows) // running sum of the chance to be liked
	total := 0.0
	for i, norm := range norms {
		total += norm * norm * norm
		upTo[i] = total
	}
	queries = vector.NewMatrix(s.Queries, s.Dim)
	err = forEach(ctx, s.Queries, workers, func() func(int) {
		x := make([]float64, s.Dim)
		src := rand.NewPCG(0, 0)
		r := rand.New(src)
		return func(i int) {
			src.Seed(^s.Seed, 1+uint64(i))
			query(x, r, base, norms, upTo)
			scaleInto(queries.Row(i), x, 1)
		}
	})
	return base, queries, err
}

// mixture is the clusters that items are drawn from.
type mixture struct {
	dim    int
	center []float64 // clusters × dim
	basis  []float64 // clusters × subspace × dim
	upTo   []float64 // running sum of the clusters' sizes
}

func newMixture(dim int, seed uint64) *mixture {
	r := rand.New(rand.NewPCG(seed, 0))
	m := &mixture{
		dim:    dim,
		center: make([]float64, clusters*dim),
		basis:  make([]float64, clusters*subspace*dim),
		upTo:   make([]float64, clusters),
	}
	unit := 1 / math.Sqrt(float64(dim))
	super := make([]float64, superClusters*dim)
	for i := range super {
		super[i] = r.NormFloat64()
	}
	for i := range superClusters {
		normalize(super[i*dim : (i+1)*dim])
	}
	total := 0.0
	for c := range clusters {
		above := super[r.IntN(superClusters)*dim:]
		center := m.center[c*dim : (c+1)*dim]
		for j := range center {
			center[j] = 0.6*above[j] + 0.8*unit*r.NormFloat64()
		}
		normalize(center)
		total += math.Pow(float64(c)+10, -0.8)
		m.upTo[c] = total
	}
	for i := range m.basis {
		m.basis[i] = unit * r.NormFloat64()
	}
	return m
}

// item draws the direction of an item into x and returns its norm.
func (m *mixture) item(x []float64, r *rand.Rand) float64 {
	c := draw(m.upTo, r)
	noise := 0.35 / math.Sqrt(float64(m.dim))
	for j := range x {
		x[j] = m.center[c*m.dim+j] + noise*r.NormFloat64()
	}
	for k := range subspace {
		a := 0.28 * r.NormFloat64()
		for j, b := range m.basis[(c*subspace+k)*m.dim:][:m.dim] {
			x[j] += a * b
		}
	}
	normalize(x)
	return math.Exp(0.35*r.NormFloat64() - 0.00008*float64(c))
}

// query draws the direction of a query into x.
func query(x []float64, r *rand.Rand, base vector.Matrix, norms, upTo []float64) {
	clear(x)
	for range 1 + r.IntN(4) {
		i := draw(upTo, r)
		w := r.ExpFloat64() / norms[i]
		for j, y := range base.Row(i) {
			x[j] += w * float64(y)
		}
	}
	normalize(x)
	noise := 0.35 / math.Sqrt(float64(len(x)))
	for j := range x {
		x[j] += noise * r.NormFloat64()
	}
	normalize(x)
}

// draw returns an index with a chance in proportion to the step of upTo there.
func draw(upTo []float64, r *rand.Rand) int {
	u := r.Float64() * upTo[len(upTo)-1]
	return min(sort.SearchFloat64s(upTo, u), len(upTo)-1)
}

func normalize(x []float64) {
	sum := 0.0
	for _, v := range x {
		sum += v * v
	}
	if sum == 0 {
		return
	}
	scale := 1 / math.Sqrt(sum)
	for i := range x {
		x[i] *= scale
	}
}

func scaleInto(dst []float32, x []float64, scale float64) {
	for i, v := range x {
		dst[i] = float32(scale * v)
	}
}

// forEach calls a function for 0 to n-1. Each of its workers makes a function of
// its own, so that it can keep memory.
func forEach(ctx context.Context, n, workers int, newWorker func() func(i int)) error {
	const block = 64
	workers = max(1, min(workers, (n+block-1)/block))
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			do := newWorker()
			for from := w * block; from < n && ctx.Err() == nil; from += workers * block {
				for i := from; i < min(from+block, n); i++ {
					do(i)
				}
			}
		})
	}
	wg.Wait()
	return ctx.Err()
}
