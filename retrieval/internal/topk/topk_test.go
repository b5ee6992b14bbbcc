package topk_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/recsyskit/recsys/retrieval/internal/topk"
)

func TestKeysOrderByScoreThenPosition(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	// Best first.
	want := []struct {
		score    float32
		position int32
	}{
		{inf, 3},
		{math.MaxFloat32, 9},
		{1, 4},
		{1, 5},
		{0.5, 0},
		{math.SmallestNonzeroFloat32, 1},
		{float32(math.Copysign(0, -1)), 1},
		{0, 2},
		{-math.SmallestNonzeroFloat32, 0},
		{-1, 7},
		{-inf, 8},
		{nan, 0},
		{float32(math.Copysign(math.NaN(), -1)), math.MaxInt32},
	}
	for i, w := range want {
		key := topk.Key(w.score, w.position)
		if i > 0 && key <= topk.Key(want[i-1].score, want[i-1].position) {
			t.Errorf("%v at %d does not come after %v at %d", w.score, w.position, want[i-1].score, want[i-1].position)
		}
		if got := topk.Position(key); got != w.position {
			t.Errorf("position of %v is %d, want %d", w.score, got, w.position)
		}
		if got := topk.Score(key); got != w.score && (got == got || w.score == w.score) {
			t.Errorf("score comes back as %v, want %v", got, w.score)
		}
	}
}

func TestBestIsTheFrontOfTheSortedKeys(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	patterns := map[string]func(n, i int) float32{
		"random":     func(int, int) float32 { return float32(rnd.NormFloat64()) },
		"ties":       func(int, int) float32 { return float32(rnd.IntN(3)) },
		"equal":      func(int, int) float32 { return 1 },
		"ascending":  func(_, i int) float32 { return float32(i) },
		"descending": func(_, i int) float32 { return -float32(i) },
		"organ pipe": func(n, i int) float32 { return float32(min(i, n-i)) },
		"sawtooth":   func(_, i int) float32 { return float32(i % 17) },
		"interleaved": func(n, i int) float32 { // the median of first, middle and last is a poor pivot
			if i%2 == 0 {
				return float32(i)
			}
			return float32(n - i)
		},
	}
	for name, score := range patterns {
		for _, n := range []int{0, 1, 2, 31, 32, 33, 34, 64, 1000, 5000} {
			keys := make([]uint64, n)
			for i := range keys {
				keys[i] = topk.Key(score(n, i), int32(i))
			}
			rnd.Shuffle(n, func(i, j int) {
				if name == "random" || name == "ties" {
					keys[i], keys[j] = keys[j], keys[i]
				}
			})
			sorted := slices.Sorted(slices.Values(keys))
			for _, k := range []int{-1, 0, 1, 2, n / 3, n - 1, n, n + 1} {
				got := topk.Best(slices.Clone(keys), k)
				if want := sorted[:min(max(k, 0), n)]; slices.Compare(got, want) != 0 {
					t.Fatalf("%s: best %d of %d differ from the sorted keys", name, k, n)
				}
			}
		}
	}
}

func TestBestDoesNotAllocate(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	keys := make([]uint64, 3000)
	n := testing.AllocsPerRun(20, func() {
		for i := range keys {
			keys[i] = topk.Key(rnd.Float32(), int32(i))
		}
		topk.Best(keys, 400)
	})
	if n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func BenchmarkBest(b *testing.B) {
	rnd := rand.New(rand.NewPCG(1, 2))
	keys := make([]uint64, 3000)
	for i := range keys {
		keys[i] = topk.Key(rnd.Float32(), int32(i))
	}
	scratch := make([]uint64, len(keys))
	for b.Loop() {
		copy(scratch, keys)
		topk.Best(scratch, 400)
	}
}
