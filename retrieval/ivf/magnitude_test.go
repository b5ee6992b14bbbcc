package ivf_test

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/ivf"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// accepted checks that an index is right by its own account, and as a file.
func accepted(t *testing.T, ix *ivf.Index, name string) {
	t.Helper()
	if err := ix.Verify(); err != nil {
		t.Errorf("%s: Verify: %v", name, err)
	}
	if _, err := new(ivf.Index).ReadFrom(bytes.NewReader(written(t, ix))); err != nil {
		t.Errorf("%s: ReadFrom what WriteTo wrote: %v", name, err)
	}
}

// Bounds are rounded up also where float32 has few bits left.
func TestVectorsBelowTheNormalRangeAreWritten(t *testing.T) {
	for _, m := range metrics {
		for _, codes := range []ivf.Codes{ivf.Int8, ivf.PQ} {
			items, vectors := clustered(21, 270, 6)
			tiny := func(i int) []float32 {
				x := make([]float32, 6)
				for j := range 3 {
					x[j] = []float32{1e-37, 1e-38, 3e-39, 1e-40, 1e-41, 1e-42, 1e-43, 1e-44, 1e-45}[i%9] * float32(1+j*i)
				}
				return x
			}
			for i := range 18 {
				copy(vectors.Row(i), tiny(i))
			}
			ix := build(t, ivf.Config{Metric: m, Codes: codes, Lists: 8}, items, vectors)
			accepted(t, ix, fmt.Sprint(m, codes, " built"))
			for i := range 40 {
				if err := ix.Update(items[50+i], tiny(i)); err != nil {
					t.Fatal(err)
				}
				if i < 9 {
					accepted(t, ix, fmt.Sprint(m, codes, " updated ", i))
				}
			}
			accepted(t, ix, fmt.Sprint(m, codes, " updated"))
		}
	}
}

// scaled returns vectors and queries of normal components times a scale.
func scaled(n, d int, scale float64) (vectors, queries vector.Matrix) {
	r := rand.New(rand.NewPCG(22, 22))
	m := vector.NewMatrix(n+10, d)
	for i := range m.Data {
		m.Data[i] = float32(min(max(r.NormFloat64(), -3.4), 3.4) * scale)
	}
	return m.Slice(0, n), m.Slice(n, n+10)
}

func TestVectorsOfAnyLengthAreWritten(t *testing.T) {
	race.SkipSequential(t)
	for _, m := range metrics {
		for _, codes := range []ivf.Codes{ivf.Int8, ivf.PQ} {
			for _, scale := range []float64{1e-42, 1e-30, 1e-19, 1e18, 1e19, 1e30, 1e38} {
				items, _ := clustered(22, 300, 1)
				vectors, more := scaled(300, 8, scale)
				ix := build(t, ivf.Config{Metric: m, Codes: codes, Lists: 6}, items, vectors)
				name := fmt.Sprint(m, codes, scale)
				accepted(t, ix, name)
				for i := range more.Rows {
					if err := ix.Update(items[i], more.Row(i)); err != nil {
						t.Fatal(err)
					}
				}
				accepted(t, ix, name+" changed")
			}
		}
	}
}

// compared returns what comparing all items gives: NaN comes last.
func compared(ix *ivf.Index, items []recsys.ItemID, q []float32, k int, opt *retrieval.SearchOptions) []retrieval.Neighbor {
	scores := make([]float32, len(items))
	if err := ix.Score(scores, q, items); err != nil {
		panic(err)
	}
	var all []retrieval.Neighbor
	for i, item := range items {
		if opt.Filter.Match(item) && (opt.Allow == nil || slices.Contains(opt.Allow, item)) {
			all = append(all, retrieval.Neighbor{Item: item, Score: scores[i]})
		}
	}
	slices.SortFunc(all, func(a, b retrieval.Neighbor) int { // Compare has NaN first
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Item, b.Item))
	})
	return all[:min(k, len(all))]
}

// What float32 makes of scores decides, also where it makes little of them.
func TestReadingAllListsIsExactAtAnyScale(t *testing.T) {
	race.SkipSequential(t)
	even := retrieval.Where(func(item recsys.ItemID) bool { return item%2 == 0 })
	for _, m := range metrics {
		ip := m == retrieval.InnerProduct
		for _, codes := range []ivf.Codes{ivf.Int8, ivf.PQ} {
			for _, scale := range []struct {
				vectors, query float64
				always         bool // exact with PQ as well
			}{
				{1e-42, 1e-42, ip},
				{1e-30, 1e-30, ip},
				{1e-22, 1e-22, ip},
				{1e-19, 1e-19, false},
				{1e-44, 1, false},
				{1, 1e-44, ip},
				{1e-30, 1e15, false},
				{1e15, 1e-30, ip},
				{1, 1, false},
				{1e15, 1e15, false},
				{1e18, 1e18, true},
				{1e19, 1e19, true},
				{1e30, 1e30, true},
				{1e38, 1e38, true},
				{1, 1e30, true},
				{1e30, 1, true},
			} {
				if codes == ivf.PQ && (!scale.always || m == retrieval.Cosine) {
					continue
				}
				items, _ := clustered(23, 400, 1)
				vectors, _ := scaled(400, 8, scale.vectors)
				_, queries := scaled(400, 8, scale.query)
				ix := build(t, ivf.Config{Metric: m, Codes: codes, Lists: 12}, items[:350], vectors.Slice(0, 350))
				for i := 350; i < 400; i++ {
					if err := ix.Insert(items[i], vectors.Row(i)); err != nil {
						t.Fatal(err)
					}
				}
				for i := range queries.Rows {
					for _, opt := range []retrieval.SearchOptions{{Effort: 1 << 20}, {Effort: 1 << 20, Filter: even}, {Allow: items[:60]}} {
						for _, k := range []int{1, 10, 100} {
							got, err := ix.Search(nil, queries.Row(i), k, opt)
							want := compared(ix, items, queries.Row(i), k, &opt)
							if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
								t.Fatalf("%v, %v, vectors of %v, query %d of %v, k = %d: %v\n%v\nwant\n%v", m, codes, scale.vectors, i, scale.query, k, err, got, want)
							}
						}
					}
				}
			}
		}
	}
}
