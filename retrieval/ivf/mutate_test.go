package ivf_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/ivf"
	"github.com/recsyskit/recsys/retrieval/retrievaltest"
	"github.com/recsyskit/recsys/retrieval/vector"
)

func TestRecallOutlivesTurnovers(t *testing.T) {
	race.SkipSequential(t)
	for _, codes := range []ivf.Codes{ivf.Int8, ivf.PQ} {
		for _, m := range []retrieval.Metric{retrieval.InnerProduct, retrieval.Cosine} {
			items, vectors := clustered(11, 12000, 16)
			at := func(i int) []float32 { return vectors.Row(i) }
			ix := build(t, ivf.Config{Metric: m, Codes: codes}, items[:3000], vectors.Slice(0, 3000))
			for i := 3000; i < 12000; i++ { // three turnovers
				if err := errors.Join(ix.Insert(items[i], at(i)), ix.Delete(items[i-3000])); err != nil {
					t.Fatal(err)
				}
			}
			r := rand.New(rand.NewPCG(1, 1))
			live := r.Perm(3000)[:1500]
			gone := map[int]bool{}
			for _, i := range live {
				gone[9000+i] = true
				if err := ix.Delete(items[9000+i]); err != nil {
					t.Fatal(err)
				}
			}
			oracle := oracleOf(t, m, items, vectors, func(i int) bool { return i >= 9000 && !gone[i] })
			if err := ix.Verify(); err != nil {
				t.Fatal(err)
			}
			queries := mixtures(vectors.Slice(9000, 12000), 100)
			churned := recall(t, ix, oracle, queries, 10, retrieval.SearchOptions{})
			if err := ix.Compact(context.Background()); err != nil {
				t.Fatal(err)
			}
			if err := ix.Verify(); err != nil {
				t.Fatal(err)
			}
			compact := recall(t, ix, oracle, queries, 10, retrieval.SearchOptions{})
			if churned < 0.93 || compact < 0.93 {
				t.Errorf("%v, %v: recall is %.4f after turnovers, %.4f when compact; want 0.95 or so", codes, m, churned, compact)
			}
		}
	}
}

func oracleOf(t *testing.T, m retrieval.Metric, items []recsys.ItemID, vectors vector.Matrix, in func(i int) bool) *retrievaltest.Exact {
	t.Helper()
	var some []recsys.ItemID
	var data []float32
	for i := range items {
		if in(i) {
			some = append(some, items[i])
			data = append(data, vectors.Row(i)...)
		}
	}
	oracle, err := retrievaltest.NewExact(m, some, vector.From(data, vectors.Dim))
	if err != nil {
		t.Fatal(err)
	}
	return oracle
}

// An index that starts empty is one list. Compact makes of it what Build makes.
func TestCompactSplitsWhatHasGrown(t *testing.T) {
	race.SkipSequential(t)
	for _, codes := range []ivf.Codes{ivf.Int8, ivf.PQ} {
		for _, m := range metrics {
			items, vectors := clustered(12, 4000, 16)
			ix := build(t, ivf.Config{Metric: m, Codes: codes}, nil, vector.Matrix{Dim: 16, Stride: 16})
			for i := range items {
				if err := ix.Insert(items[i], vectors.Row(i)); err != nil {
					t.Fatal(err)
				}
			}
			if ix.Lists() != 1 {
				t.Errorf("%d lists before Compact; want 1", ix.Lists())
			}
			if err := ix.Compact(context.Background()); err != nil {
				t.Fatal(err)
			}
			if err := ix.Verify(); err != nil {
				t.Fatal(err)
			}
			oracle := oracleOf(t, m, items, vectors, func(int) bool { return true })
			queries := mixtures(vectors, 100)
			var stats retrieval.SearchStats
			got := recall(t, ix, oracle, queries, 10, retrieval.SearchOptions{})
			if _, err := ix.Search(nil, queries.Row(0), 10, retrieval.SearchOptions{Stats: &stats}); err != nil {
				t.Fatal(err)
			}
			if ix.Lists() < 100 || got < 0.93 || stats.Scored == 0 || stats.Scored > 3000 {
				t.Errorf("%v, %v: %d lists, recall %.4f, %d rows read", codes, m, ix.Lists(), got, stats.Scored)
			}
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			if err := ix.Compact(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("Compact of an ended context: %v", err)
			}
			if err := ix.Verify(); err != nil {
				t.Errorf("after a cancelled Compact: %v", err)
			}
		}
	}
}

// Compact makes what Build makes of the items in the order of their rows, byte by byte,
// with the sample queries that Build was given, also when a file lies between.
func TestCompactIsBuild(t *testing.T) {
	for _, codes := range []ivf.Codes{ivf.Int8, ivf.PQ} {
		for _, m := range []retrieval.Metric{retrieval.InnerProduct, retrieval.L2} {
			items, vectors := clustered(15, 2400, 12)
			cfg := ivf.Config{Metric: m, Codes: codes, Seed: 3, Queries: mixtures(vectors, 40)}
			ix := build(t, cfg, items[:2000], vectors.Slice(0, 2000))
			for i := range 400 {
				if err := errors.Join(ix.Delete(items[3*i]), ix.Insert(items[2000+i], vectors.Row(2000+i)), ix.Update(items[1500+i], vectors.Row(i))); err != nil {
					t.Fatal(err)
				}
			}
			read := new(ivf.Index)
			if _, err := read.ReadFrom(bytes.NewReader(written(t, ix))); err != nil {
				t.Fatal(err)
			}
			var rows []recsys.ItemID
			now := vector.Matrix{Dim: 12, Stride: 12}
			c := parse(t, written(t, ix))
			table := c.items.([]uint64) // 4,096 items, then a bit for each that says whether it is there
			for row := range 4096 {
				if table[4096+row/64]>>(row%64)&1 == 0 {
					continue
				}
				v, _ := ix.Vector(nil, recsys.ItemID(table[row]))
				rows, now.Data, now.Rows = append(rows, recsys.ItemID(table[row])), append(now.Data, v...), now.Rows+1
			}
			if len(rows) != 2000 {
				t.Fatalf("%d items; want 2000", len(rows))
			}
			for _, x := range []*ivf.Index{ix, read} {
				if err := x.Compact(context.Background()); err != nil {
					t.Fatal(err)
				}
				if err := x.Verify(); err != nil {
					t.Fatal(err)
				}
			}
			compact := written(t, ix)
			if !bytes.Equal(compact, written(t, read)) {
				t.Errorf("%v, %v: Compact makes another index of the same file", codes, m)
			}
			if err := ix.Compact(context.Background()); err != nil || !bytes.Equal(compact, written(t, ix)) {
				t.Errorf("%v, %v: Compact changes what is compact: %v", codes, m, err)
			}
			if !bytes.Equal(compact, written(t, build(t, cfg, rows, now))) {
				t.Errorf("%v, %v: Compact makes something else than Build", codes, m)
			}
		}
	}
}

// Rows of deleted items are used again: a catalogue that turns over does not grow.
func TestRowsAreUsedAgain(t *testing.T) {
	items, vectors := clustered(13, 500, 8)
	ix := build(t, ivf.Config{}, items, vectors)
	for i := range 5000 {
		if err := ix.Update(items[i%500], vectors.Row((i+7)%500)); err != nil {
			t.Fatal(err)
		}
	}
	size := len(written(t, ix))
	fresh := len(written(t, build(t, ivf.Config{}, items, vectors)))
	if size > fresh*3/2 {
		t.Errorf("after ten turnovers the file has %d bytes; a fresh one %d", size, fresh)
	}
}

// While it is searched, saved and compacted, an index is changed; what is searched for is
// found throughout if it was there throughout.
func TestSearchesSeeWholeStates(t *testing.T) {
	for _, codes := range []ivf.Codes{ivf.Int8, ivf.PQ} {
		items, vectors := clustered(14, 600, 8)
		// The codes of PQ alone do not find a vector that lies far from all others.
		ix := build(t, ivf.Config{Metric: retrieval.L2, Codes: codes, Lists: 12, Rescore: len(items)}, items[:400], vectors.Slice(0, 400))
		done := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			defer close(done)
			for turn := range 15 {
				for i := 400; i < 600; i++ {
					if err := ix.Insert(items[i], vectors.Row(i)); err != nil {
						t.Error(err)
					}
				}
				// The same vector again: a search must find it before, after and meanwhile.
				for i := range 100 {
					if err := ix.Update(items[i], vectors.Row(i)); err != nil {
						t.Error(err)
					}
				}
				for i := 400; i < 600; i++ {
					if err := ix.Delete(items[i]); err != nil {
						t.Error(err)
					}
				}
				if turn%5 == 0 {
					if err := ix.Compact(context.Background()); err != nil {
						t.Error(err)
					}
				}
				written(t, ix)
			}
		})
		even := retrieval.Where(func(item recsys.ItemID) bool { return item < items[400] })
		for w := range 3 {
			wg.Go(func() {
				opt := retrieval.SearchOptions{Effort: 1 << 20}
				for i := w; ; i++ {
					select {
					case <-done:
						return
					default:
					}
					p := i % 100
					if opt.Filter = nil; i%3 == 0 {
						opt.Filter = even
					}
					got, err := ix.Search(nil, vectors.Row(p), 1, opt)
					if err != nil || len(got) != 1 || got[0].Item != items[p] || got[0].Score != 0 {
						t.Errorf("search of item %d: %v, %v", items[p], got, err)
						return
					}
					var score [1]float32
					if err := ix.Score(score[:], vectors.Row(p), items[p:p+1]); err != nil || score[0] != 0 {
						t.Errorf("score of item %d: %v, %v", items[p], score, err)
					}
					if _, ok := ix.Vector(nil, items[p]); !ok {
						t.Errorf("item %d has no vector", items[p])
					}
				}
			})
		}
		wg.Wait()
	}
}

// A search whose filter panics gives up its hold on the rows, as any other.
func TestAPanickingFilterLeavesNothingBehind(t *testing.T) {
	items, vectors := clustered(16, 300, 8)
	ix := build(t, ivf.Config{}, items, vectors)
	calls := 0
	bad := retrieval.Where(func(recsys.ItemID) bool {
		if calls++; calls > 100 {
			panic("a filter")
		}
		return true
	})
	for range 3 {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic did not come through")
				}
			}()
			_, err := ix.Search(nil, vectors.Row(0), 5, retrieval.SearchOptions{Filter: bad})
			t.Errorf("Search returned %v", err)
		}()
	}
	before := ix.Bytes()
	for i := range 3000 {
		if err := ix.Update(items[5], vectors.Row(i%300)); err != nil {
			t.Fatal(err)
		}
	}
	if after := ix.Bytes(); after > before*3/2 {
		t.Errorf("3000 updates of an item took the index from %d to %d bytes", before, after)
	}
	even := retrieval.Where(func(item recsys.ItemID) bool { return item%2 == 0 })
	if got, err := ix.Search(nil, vectors.Row(7), 300, retrieval.SearchOptions{Filter: even}); err != nil || len(got) != 150 {
		t.Errorf("a search found %d items, %v; want 150", len(got), err)
	}
}

// An item that is updated all the time is there in its old or its new state, whichever way
// a search asks for it.
func TestAnUpdatedItemIsNeverMissing(t *testing.T) {
	items, vectors := clustered(17, 500, 8)
	for _, codes := range []ivf.Codes{ivf.Int8, ivf.PQ} {
		ix := build(t, ivf.Config{Codes: codes}, items, vectors)
		item := items[5]
		q, far := make([]float32, 8), make([]float32, 8)
		for i := range q {
			q[i], far[i] = 1, 100
		}
		if err := ix.Update(item, far); err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		var writers, readers sync.WaitGroup
		for w := range 2 {
			writers.Go(func() {
				x := append([]float32(nil), far...)
				for i := range 2500 {
					x[w] = 100 + float32(i%7)
					if err := ix.Update(item, x); err != nil {
						t.Error(err)
					}
				}
			})
		}
		odd := item & 1
		options := map[string]retrieval.SearchOptions{
			"all":            {},
			"filter":         {Filter: retrieval.Where(func(i recsys.ItemID) bool { return i&1 == odd })},
			"narrow filter":  {Filter: retrieval.AllowItems(item, items[7])},
			"allow":          {Allow: []recsys.ItemID{item}},
			"filtered allow": {Allow: items[:9], Filter: retrieval.DenyItems(items[3])},
			"exclude":        {Exclude: items[6:20]},
		}
		for name, opt := range options {
			readers.Go(func() {
				for {
					select {
					case <-done:
						return
					default:
					}
					if got, err := ix.Search(nil, q, 3, opt); err != nil || len(got) == 0 || got[0].Item != item || got[0].Score < 800 {
						t.Errorf("%v, %s: %v, %v; want item %d first", codes, name, got, err, item)
						return
					}
					var score [1]float32
					if err := ix.Score(score[:], q, []recsys.ItemID{item}); err != nil || !(score[0] >= 800) {
						t.Errorf("%v: score %v, %v", codes, score, err)
						return
					}
					if v, ok := ix.Vector(nil, item); !ok || v[7] != 100 {
						t.Errorf("%v: vector %v, %v", codes, v, ok)
						return
					}
				}
			})
		}
		writers.Wait()
		close(done)
		readers.Wait()
	}
}
