package kmeans_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/recsyskit/recsys/retrieval/internal/kmeans"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// around returns n points around k centers on a sphere of radius 10.
func around(seed uint64, n, k, dim int) vector.Matrix {
	r := rand.New(rand.NewPCG(seed, 1))
	centers, m := vector.NewMatrix(k, dim), vector.NewMatrix(n, dim)
	for i := range k {
		for j := range dim {
			centers.Row(i)[j] = float32(r.NormFloat64())
		}
		vector.Normalize(centers.Row(i))
	}
	for i := range n {
		for j, c := range centers.Row(i % k) {
			m.Row(i)[j] = 10*c + float32(0.2*r.NormFloat64())
		}
	}
	return m
}

// nearest is the naive search for the cell of a point.
func nearest(x []float32, centroids vector.Matrix, spherical bool) (cell uint32, value, second float64) {
	value, second = math.Inf(-1), math.Inf(-1)
	for c := range centroids.Rows {
		var s float64
		for j, v := range centroids.Row(c) {
			if spherical {
				s += float64(x[j]) * float64(v)
			} else {
				s -= (float64(x[j]) - float64(v)) * (float64(x[j]) - float64(v))
			}
		}
		if s > value {
			cell, value, second = uint32(c), s, value
		} else {
			second = max(second, s)
		}
	}
	return cell, value, second
}

func train(t *testing.T, cfg kmeans.Config, points vector.Matrix) vector.Matrix {
	t.Helper()
	c, err := kmeans.Train(context.Background(), cfg, points)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAssignFindsTheNearest(t *testing.T) {
	for _, spherical := range []bool{false, true} {
		for _, n := range []int{1, 127, 128, 129, 700} {
			for _, dim := range []int{1, 3, 16, 33} {
				points := around(uint64(n), n, 9, dim)
				centroids := train(t, kmeans.Config{K: 500, Spherical: spherical, Iterations: 2, Workers: 1}, points)
				got := make([]uint32, n)
				if err := kmeans.Assign(context.Background(), got, points, centroids, spherical, 2); err != nil {
					t.Fatal(err)
				}
				for i := range got {
					want, value, second := nearest(points.Row(i), centroids, spherical)
					if got[i] != want && value-second > 1e-3 {
						t.Fatalf("spherical %v, n=%d, dim=%d: point %d is in cell %d; want %d", spherical, n, dim, i, got[i], want)
					}
				}
			}
		}
	}
}

// Where there are clusters, as many as asked for, and a start in each, they are found.
func TestTrainLowersTheDistances(t *testing.T) {
	points := around(3, 2000, 20, 8)
	for _, spherical := range []bool{false, true} {
		last := math.Inf(1)
		for _, steps := range []int{1, 3, 20} {
			c := train(t, kmeans.Config{K: 20, Spherical: spherical, Iterations: steps, Seed: 2, Workers: 2}, points)
			sum := 0.0
			for i := range points.Rows {
				_, v, _ := nearest(points.Row(i), c, spherical)
				sum -= v
			}
			if sum > last {
				t.Errorf("spherical %v: %d steps leave %v; fewer steps %v", spherical, steps, sum, last)
			}
			last = sum
		}
	}
}

func TestTrainIsTheSameForAnyWorkers(t *testing.T) {
	points := around(4, 3000, 30, 17)
	for _, spherical := range []bool{false, true} {
		cfg := kmeans.Config{K: 50, Spherical: spherical, Iterations: 5, PerCell: 20, Seed: 9, Workers: 1}
		want := train(t, cfg, points)
		for _, cfg.Workers = range []int{2, 8} {
			if got := train(t, cfg, points); !slices.Equal(got.Data, want.Data) {
				t.Errorf("spherical %v: %d workers find other centroids", spherical, cfg.Workers)
			}
		}
		cfg.Seed = 10
		if got := train(t, cfg, points); slices.Equal(got.Data, want.Data) {
			t.Errorf("spherical %v: the seed does not matter", spherical)
		}
	}
}

func TestDegenerateCells(t *testing.T) {
	same := vector.NewMatrix(40, 4) // all points equal, and all zero
	for _, spherical := range []bool{false, true} {
		for _, k := range []int{1, 7, 40, 100} {
			c := train(t, kmeans.Config{K: k, Spherical: spherical, Iterations: 4, Workers: 2}, same)
			if c.Rows != min(k, 40) || !vector.Finite(c.Data) {
				t.Errorf("spherical %v: %d centroids of 40 equal points for K = %d: %v", spherical, c.Rows, k, c.Data)
			}
		}
		for i := range 40 { // two points, twenty times each
			same.Row(i)[i%2] = 3
		}
		c := train(t, kmeans.Config{K: 10, Spherical: spherical, Iterations: 4, Workers: 1}, same)
		if !vector.Finite(c.Data) {
			t.Errorf("spherical %v: %v", spherical, c.Data)
		}
	}
}

func TestByCellOrdersPoints(t *testing.T) {
	owner := []uint32{2, 0, 2, 3, 0, 2}
	order := make([]uint32, len(owner))
	start := kmeans.ByCell(order, []int{9, 9, 9, 9, 9, 9}, owner)
	if !slices.Equal(order, []uint32{1, 4, 0, 2, 5, 3}) || !slices.Equal(start, []int{0, 2, 2, 5, 6, 6}) {
		t.Errorf("%v from %v", order, start)
	}
}

func TestMeanIsACentroid(t *testing.T) {
	points := vector.From([]float32{3, 4, 0, 0, 6, -8}, 2)
	for name, c := range map[string]struct {
		spherical bool
		n         int
		want      []float32
	}{
		"mean":      {false, 3, []float32{3, -4. / 3}},
		"direction": {true, 3, []float32{1, 0}}, // of (.6, .8), nothing, (.6, -.8)
		"none":      {false, 0, []float32{7, 7}},
		"none, too": {true, 0, []float32{7, 7}},
	} {
		got := []float32{7, 7}
		kmeans.Mean(got, c.n, points.Row, c.spherical)
		for j := range got {
			if math.Abs(float64(got[j]-c.want[j])) > 1e-6 {
				t.Errorf("%s: %v; want %v", name, got, c.want)
			}
		}
	}
}

func TestTrainEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	steps := 0
	_, err := kmeans.Train(ctx, kmeans.Config{K: 5, Iterations: 9, Workers: 1, Progress: func(done, total int) {
		if steps = done; done == 2 {
			cancel()
		}
	}}, around(5, 400, 40, 6))
	if !errors.Is(err, context.Canceled) || steps != 2 {
		t.Errorf("%v after %d steps", err, steps)
	}
}
