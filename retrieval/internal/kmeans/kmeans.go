package kmeans

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// Config says how to partition.
type Config struct {
	// K is the number of cells, >= 1. There are never more cells than points.
	K int

	// Spherical compares directions: a point belongs to the centroid with the greatest
	// cosine, and centroids have length 1. Otherwise a point belongs to the centroid at
	// the least Euclidean distance.
	Spherical bool

	// Iterations is the number of Lloyd steps, >= 1. It ends earlier when a step changes
	// nothing.
	Iterations int

	// PerCell bounds the points that the steps look at to K·PerCell, which are drawn
	// evenly; 0 means all.
	PerCell int

	// Seed selects the sample and the first centroids.
	Seed uint64

	// Workers is the number of goroutines, >= 1. It does not change the result.
	Workers int

	// Progress, unless nil, is called after each step with the steps done and the number
	// of them.
	Progress func(done, total int)
}

// Train returns the centroids of a partition of the points, min(K, points.Rows) of them,
// which must be finite. It fails only with the error of ctx.
func Train(ctx context.Context, cfg Config, points vector.Matrix) (vector.Matrix, error) {
	k := min(cfg.K, points.Rows)
	random := rand.New(rand.NewPCG(cfg.Seed, 0x6b6d65616e73))
	if cfg.PerCell > 0 && points.Rows/cfg.PerCell >= k {
		points = sample(points, k*cfg.PerCell, random)
	}
	t := &trainer{
		cfg:    cfg,
		points: points,
		owner:  make([]uint32, points.Rows),
		order:  make([]uint32, points.Rows),
		start:  make([]int, k+1),
		scale:  scales(points, cfg.Spherical),
	}
	t.centroids = t.first(k, random)
	before := make([]uint32, points.Rows)
	for step := range cfg.Iterations {
		if err := Assign(ctx, t.owner, points, t.centroids, cfg.Spherical, cfg.Workers); err != nil {
			return vector.Matrix{}, fmt.Errorf("kmeans: step %d of %d: %w", step+1, cfg.Iterations, err)
		}
		if step > 0 && slices.Equal(before, t.owner) {
			break
		}
		copy(before, t.owner)
		if err := t.update(ctx); err != nil {
			return vector.Matrix{}, fmt.Errorf("kmeans: step %d of %d: %w", step+1, cfg.Iterations, err)
		}
		if cfg.Progress != nil {
			cfg.Progress(step+1, cfg.Iterations)
		}
	}
	return t.centroids, nil
}

// sample returns m of the rows, in their order, each set of m rows with the same
// probability.
//
// Source: Knuth, The Art of Computer Programming 2, 3.4.2, algorithm S.
func sample(points vector.Matrix, m int, random *rand.Rand) vector.Matrix {
	out := vector.NewMatrix(m, points.Dim)
	taken := 0
	for i := 0; taken < m; i++ {
		if random.IntN(points.Rows-i) < m-taken {
			copy(out.Row(taken), points.Row(i))
			taken++
		}
	}
	return out
}

// scales returns what each point is multiplied by when it is added to a sum: 1 over its
// length for spherical k-means, nil for all ones. A point of length 0 counts for nothing.
func scales(points vector.Matrix, spherical bool) []float64 {
	if !spherical {
		return nil
	}
	scale := make([]float64, points.Rows)
	for i := range scale {
		if n := norm(points.Row(i)); n > 0 {
			scale[i] = 1 / n
		}
	}
	return scale
}

// norm is the length of v in float64, which neither overflows nor vanishes.
func norm(v []float32) float64 {
	var s float64
	for _, x := range v {
		s += float64(x) * float64(x)
	}
	return math.Sqrt(s)
}

// trainer holds the state of Lloyd's iteration.
type trainer struct {
	cfg       Config
	points    vector.Matrix
	scale     []float64
	centroids vector.Matrix
	owner     []uint32 // cell of each point
	order     []uint32 // points by cell, ascending within one
	start     []int    // cell c holds order[start[c]:start[c+1]]
}

// first returns k distinct points as the first centroids.
func (t *trainer) first(k int, random *rand.Rand) vector.Matrix {
	c := sample(t.points, k, random)
	if t.cfg.Spherical {
		for i := range k {
			direct(c.Row(i))
		}
	}
	return c
}

// direct scales v to length 1; a zero vector becomes the first axis.
func direct(v []float32) {
	n := norm(v)
	if n == 0 {
		if len(v) > 0 {
			v[0] = 1
		}
		return
	}
	for i, x := range v {
		v[i] = float32(float64(x) / n)
	}
}

// update moves every centroid to the mean of its points, and the centroids of empty cells
// into crowded ones.
func (t *trainer) update(ctx context.Context) error {
	t.start = ByCell(t.order, t.start, t.owner)
	err := Each(ctx, t.cfg.Workers, t.centroids.Rows, 16, func(lo, hi int) {
		sum := make([]float64, t.points.Dim)
		for c := lo; c < hi; c++ {
			t.mean(c, sum)
		}
	})
	if err != nil {
		return err
	}
	t.fillEmpty()
	return nil
}

// mean moves centroid c to the mean of its points.
func (t *trainer) mean(c int, sum []float64) {
	members := t.order[t.start[c]:t.start[c+1]]
	clear(sum)
	for _, p := range members {
		w := 1.0
		if t.scale != nil {
			w = t.scale[p]
		}
		add(sum, t.points.Row(int(p)), w)
	}
	center(t.centroids.Row(c), sum, len(members), t.cfg.Spherical)
}

func add(sum []float64, x []float32, w float64) {
	for j, v := range x {
		sum[j] += float64(w * float64(v))
	}
}

// center writes the mean of n points to row, given their sum; nothing if there is none.
func center(row []float32, sum []float64, n int, spherical bool) {
	if n == 0 {
		return
	}
	total := 0.0
	for _, s := range sum {
		total += float64(s * s)
	}
	by := 1 / float64(n)
	if spherical {
		if total == 0 {
			return
		}
		by = 1 / math.Sqrt(total)
	}
	for j, s := range sum {
		row[j] = float32(s * by)
	}
}

// Mean writes the centroid of n points to dst: their mean, or when spherical the direction
// of the sum of their directions. If there is none, dst stays as it is.
func Mean(dst []float32, n int, points func(i int) []float32, spherical bool) {
	sum := make([]float64, len(dst))
	for i := range n {
		x, w := points(i), 1.0
		if spherical {
			if w = 0; norm(x) > 0 {
				w = 1 / norm(x)
			}
		}
		add(sum, x, w)
	}
	center(dst, sum, n, spherical)
}

// fillEmpty gives each empty cell half of the cell that is most crowded by then, by
// moving both centroids a little apart.
func (t *trainer) fillEmpty() {
	size := make([]int, t.centroids.Rows)
	for c := range size {
		size[c] = t.start[c+1] - t.start[c]
	}
	for c, n := range size {
		if n > 0 {
			continue
		}
		from := 0
		for other, m := range size {
			if m > size[from] {
				from = other
			}
		}
		if size[from] < 2 {
			return
		}
		apart(t.centroids.Row(c), t.centroids.Row(from))
		if t.cfg.Spherical {
			direct(t.centroids.Row(c))
			direct(t.centroids.Row(from))
		}
		size[c] = size[from] / 2
		size[from] -= size[c]
	}
}

// apart makes a and b two points next to b.
func apart(a, b []float32) {
	const eps = 1.0 / 1024
	for j, x := range b {
		if j%2 == 0 {
			a[j], b[j] = x*(1+eps), x*(1-eps)
		} else {
			a[j], b[j] = x*(1-eps), x*(1+eps)
		}
	}
}

// halfNorms returns half of the squared length of each centroid, what a product must be
// reduced by so that the greatest means the nearest; nil for directions.
func halfNorms(centroids vector.Matrix, spherical bool) []float32 {
	if spherical {
		return nil
	}
	half := make([]float32, centroids.Rows)
	for i := range half {
		half[i] = simd.Dot(centroids.Row(i), centroids.Row(i)) / 2
	}
	return half
}
