package annset_test

import (
	"context"
	"errors"
	"math"
	"runtime"
	"slices"
	"testing"

	"github.com/recsyskit/recsys/examples/internal/annset"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/vector"
)

func TestSyntheticDoesNotDependOnWorkers(t *testing.T) {
	s := annset.Synthetic{Rows: 1000, Dim: 24, Queries: 130, Seed: 7}
	base, queries, err := s.Make(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	base3, queries3, err := s.Make(t.Context(), 3)
	if err != nil || !slices.Equal(base.Data, base3.Data) || !slices.Equal(queries.Data, queries3.Data) {
		t.Errorf("three workers made another set (%v)", err)
	}
	s.Seed++
	other, _, _ := s.Make(t.Context(), 1)
	if slices.Equal(base.Data, other.Data) {
		t.Error("another seed made the same set")
	}
}

// TestSyntheticIsClusteredAndSkewed checks what the doc comment says of the set.
func TestSyntheticIsClusteredAndSkewed(t *testing.T) {
	s := annset.Synthetic{Rows: 4000, Dim: 64, Queries: 200, Seed: 1}
	base, queries, err := s.Make(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	if base.Rows != s.Rows || base.Dim != s.Dim || queries.Rows != s.Queries || queries.Dim != s.Dim {
		t.Fatalf("%d×%d and %d×%d", base.Rows, base.Dim, queries.Rows, queries.Dim)
	}
	if err := errors.Join(base.Check(), queries.Check()); err != nil {
		t.Fatal(err)
	}
	for i := range queries.Rows {
		if n := norm(queries.Row(i)); math.Abs(n-1) > 1e-5 {
			t.Fatalf("query %d has norm %v", i, n)
		}
	}
	// log-normal with σ = .35: the logarithms' deviation, the cluster's part included
	var sum, squares float64
	for i := range base.Rows {
		l := math.Log(norm(base.Row(i)))
		sum += l
		squares += l * l
	}
	n := float64(base.Rows)
	if sigma := math.Sqrt(squares/n - sum*sum/n/n); math.Abs(sigma-0.35) > 0.03 {
		t.Errorf("norms have σ = %.3f, want .35", sigma)
	}
	// Neighbours in a cluster are near by angle; independent directions in 64 dimensions
	// have |cos| around 1/8 and seldom above .5.
	dirs := vector.NewMatrix(base.Rows, base.Dim)
	for i := range base.Rows {
		x := norm(base.Row(i))
		for j, v := range base.Row(i) {
			dirs.Row(i)[j] = v / float32(x)
		}
	}
	probes := dirs.Slice(0, 200)
	best, err := annset.Truth(t.Context(), dirs, probes, retrieval.InnerProduct, 2, 2, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	near := 0
	for i := range probes.Rows {
		dot := 0.0
		for j, v := range dirs.Row(int(best.Row(i)[1])) {
			dot += float64(v) * float64(probes.Row(i)[j])
		}
		if dot > 0.5 {
			near++
		}
	}
	if near < 150 {
		t.Errorf("%d of 200 items have a neighbour with a cosine above .5, want most", near)
	}
}

func norm(x []float32) float64 {
	sum := 0.0
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum)
}

func TestSyntheticStops(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	s := annset.Synthetic{Rows: 10, Dim: 2, Queries: 1}
	if _, _, err := s.Make(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
}

func TestClocksAdvanceWithWork(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	clock, watch := annset.StartClock(), annset.StartStopwatch()
	x := 0.0
	for i := range 1 << 22 {
		x += math.Sqrt(float64(i))
	}
	thread := clock.Elapsed()
	if wall, cpu := watch.Seconds(); x == 0 || thread <= 0 || wall <= 0 || cpu <= 0 {
		t.Errorf("four million roots took %v of the thread, %v s of the process and %v s; want more than nothing of each", thread, cpu, wall)
	}
}
