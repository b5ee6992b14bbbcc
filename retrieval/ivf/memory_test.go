package ivf_test

import (
	"context"
	"flag"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/ivf"
	"github.com/recsyskit/recsys/retrieval/retrievaltest"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// What an index takes is a sum over items and lists, so that two sizes tell what ten million
// items will take: 4·√n lists, as Build makes by default.
func TestTenMillionFitInAGigabyte(t *testing.T) {
	race.SkipSequential(t)
	const target, dim = 10_000_000, 64
	for _, codes := range []ivf.Codes{ivf.Int8, ivf.PQ} {
		for _, m := range metrics {
			small, large := resident(t, m, codes, 2_500, dim), resident(t, m, codes, 5_000, dim)
			perItem := float64(large-small) / 2_500 // of a fixed number of lists
			list := float64(small) - 2_500*perItem
			total := target*perItem + list/5*4*math.Sqrt(target)
			want := map[ivf.Codes]float64{ivf.Int8: 0.92e9, ivf.PQ: 0.6e9}[codes]
			t.Logf("%v, %v: %.1f bytes an item, %.0f a list, %.3f GB in all", m, codes, perItem, list/5, total/1e9)
			if total > want {
				t.Errorf("%v, %v: ten million take %.3f GB; want %.2f", m, codes, total/1e9, want)
			}
		}
	}
}

func resident(t *testing.T, m retrieval.Metric, codes ivf.Codes, n, dim int) int {
	items, vectors := clustered(31, n, dim)
	ix := build(t, ivf.Config{Metric: m, Codes: codes, Lists: 5, Iterations: 2, Rescore: 4}, items, vectors)
	if ix.Bytes()-ix.Resident() != 4*n*dim {
		t.Errorf("%d bytes, of which %d are resident; want %d less", ix.Bytes(), ix.Resident(), 4*n*dim)
	}
	return ix.Resident()
}

var large = flag.Int("large", 0, "items of TestLarge")

// A large index with PQ is built, saved, and searched from the file: for numbers;
// run it with -large 10000000 -v.
func TestLarge(t *testing.T) {
	if *large == 0 {
		t.Skip("takes minutes; run with -large 10000000 -v")
	}
	const dim, k = 64, 10
	r := rand.New(rand.NewPCG(5, 5))
	centers := vector.NewMatrix(max(16, *large/500), dim)
	for i := range centers.Data {
		centers.Data[i] = float32(r.NormFloat64())
	}
	base := vector.NewMatrix(*large, dim)
	draw := func(x []float32) {
		c := centers.Row(r.IntN(centers.Rows))
		for j := range x {
			x[j] = c[j] + float32(0.6*r.NormFloat64())
		}
	}
	for i := range base.Rows {
		draw(base.Row(i))
	}
	queries := vector.NewMatrix(100, dim)
	for i := range queries.Rows {
		draw(queries.Row(i))
	}
	start := time.Now()
	ix, err := ivf.Build(context.Background(), ivf.Config{Metric: retrieval.Cosine, Codes: ivf.PQ}, numbered(*large), base)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d x %d: built in %v, %d lists, %.3f GB resident of %.3f", *large, dim, time.Since(start), ix.Lists(), float64(ix.Resident())/1e9, float64(ix.Bytes())/1e9)
	oracle, err := retrievaltest.NewExact(retrieval.Cosine, numbered(*large), base)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "index")
	if err := ix.Save(path); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	start = time.Now()
	opened, err := ivf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	t.Logf("file of %.3f GB opened in %v", float64(info.Size())/1e9, time.Since(start))
	got := recall(t, opened, oracle, queries, k, retrieval.SearchOptions{})
	t.Logf("recall %.4f", got)
	if got < 0.93 {
		t.Errorf("recall is %.4f; want 0.95 or so", got)
	}
	start = time.Now()
	var stats retrieval.SearchStats
	for i := range queries.Rows {
		if _, err := opened.Search(nil, queries.Row(i), k, retrieval.SearchOptions{Stats: &stats}); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%v a search, the last one of %+v", time.Since(start)/time.Duration(queries.Rows), stats)
}
