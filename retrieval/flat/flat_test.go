package flat_test

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/flat"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// kinds are the sets of vectors that answers must be exact for.
var kinds = []struct {
	name string
	make func(rng *rand.Rand, m vector.Matrix)
}{
	{"normal", func(rng *rand.Rand, m vector.Matrix) { each(m, func(int, int) float64 { return rng.NormFloat64() }) }},
	{"skewed norms", func(rng *rand.Rand, m vector.Matrix) {
		for i := range m.Rows {
			norm := math.Exp(rng.NormFloat64())
			for j := range m.Row(i) {
				m.Row(i)[j] = float32(norm * rng.NormFloat64())
			}
		}
	}},
	{"far from the origin", func(rng *rand.Rand, m vector.Matrix) {
		each(m, func(int, int) float64 { return 10 + 0.01*rng.NormFloat64() })
	}},
	{"duplicates", func(rng *rand.Rand, m vector.Matrix) {
		each(m, func(i, j int) float64 { return float64((i*i+j*j)%7) - 3 })
	}},
	{"small integers", func(rng *rand.Rand, m vector.Matrix) {
		each(m, func(int, int) float64 { return float64(rng.IntN(3) - 1) })
	}},
	{"all equal", func(_ *rand.Rand, m vector.Matrix) { each(m, func(int, int) float64 { return 0.3 }) }},
	{"zeros among them", func(rng *rand.Rand, m vector.Matrix) {
		each(m, func(i, _ int) float64 { return float64(i%2) * rng.NormFloat64() })
	}},
	{"all zero", func(_ *rand.Rand, m vector.Matrix) { clear(m.Data) }},
	{"one coordinate dominates", func(rng *rand.Rand, m vector.Matrix) {
		each(m, func(i, j int) float64 {
			if j == i%m.Dim {
				return 1e4 * rng.NormFloat64()
			}
			return rng.NormFloat64()
		})
	}},
	{"denormal", func(rng *rand.Rand, m vector.Matrix) {
		each(m, func(int, int) float64 { return float64(rng.IntN(200)-100) * 0x1p-149 })
	}},
	{"huge range", func(rng *rand.Rand, m vector.Matrix) {
		each(m, func(int, int) float64 { return math.Ldexp(rng.NormFloat64(), rng.IntN(70)-50) })
	}},
	{"overflow", func(rng *rand.Rand, m vector.Matrix) {
		each(m, func(int, int) float64 { return 3e38 * (2*rng.Float64() - 1) })
	}},
	{"overflow now and then", func(rng *rand.Rand, m vector.Matrix) {
		each(m, func(i, _ int) float64 { return math.Pow(10, float64(i%60)/2) * rng.NormFloat64() })
	}},
}

func each(m vector.Matrix, value func(i, j int) float64) {
	for i := range m.Rows {
		for j := range m.Row(i) {
			m.Row(i)[j] = float32(value(i, j))
		}
	}
}

// itemsOf returns n distinct items in no order.
func itemsOf(rng *rand.Rand, n int) []recsys.ItemID {
	items := make([]recsys.ItemID, n)
	for i, v := range rng.Perm(n) {
		items[i] = recsys.ItemID(v * 3)
	}
	return items
}

// oracle compares every vector.
type oracle struct {
	metric retrieval.Metric
	vec    map[recsys.ItemID][]float32
}

func newOracle(metric retrieval.Metric, items []recsys.ItemID, m vector.Matrix) *oracle {
	o := &oracle{metric, map[recsys.ItemID][]float32{}}
	for i, item := range items {
		o.put(item, m.Row(i))
	}
	return o
}

func (o *oracle) put(item recsys.ItemID, v []float32) {
	v = slices.Clone(v)
	if o.metric == retrieval.Cosine {
		vector.Normalize(v)
	}
	o.vec[item] = v
}

func (o *oracle) search(q []float32, k int, pass func(recsys.ItemID) bool) []retrieval.Neighbor {
	q = slices.Clone(q)
	if o.metric == retrieval.Cosine {
		vector.Normalize(q)
	}
	var all []retrieval.Neighbor
	for item, v := range o.vec {
		if pass != nil && !pass(item) {
			continue
		}
		n := retrieval.Neighbor{Item: item}
		if o.metric == retrieval.L2 {
			n.Score = -simd.L2Sq(q, v)
		} else {
			n.Score = simd.Dot(q, v)
		}
		all = append(all, n)
	}
	slices.SortFunc(all, func(a, b retrieval.Neighbor) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Item, b.Item))
	})
	return all[:min(max(k, 0), len(all))]
}

// same reports whether two lists have the same items and bits.
func same(a, b []retrieval.Neighbor) bool {
	return slices.EqualFunc(a, b, func(a, b retrieval.Neighbor) bool {
		return a.Item == b.Item && (math.Float32bits(a.Score) == math.Float32bits(b.Score) || a.Score != a.Score && b.Score != b.Score)
	})
}

func mustSame(t *testing.T, what string, got, want []retrieval.Neighbor) {
	t.Helper()
	if same(got, want) {
		return
	}
	for i := range min(len(got), len(want)) {
		if !same(got[i:i+1], want[i:i+1]) {
			t.Fatalf("%s: place %d of %d is %v; want %v", what, i, len(want), got[i], want[i])
		}
	}
	t.Fatalf("%s: %d neighbours; want %d", what, len(got), len(want))
}

var (
	metrics   = []retrieval.Metric{retrieval.InnerProduct, retrieval.Cosine, retrieval.L2}
	quantizes = []flat.Quantize{flat.None, flat.Int8}
)

// forIndexes calls check with an index of every metric, quantisation and kind of set.
func forIndexes(t *testing.T, dims []int, n int, check func(t *testing.T, rng *rand.Rand, x *flat.Index, o *oracle, m vector.Matrix)) {
	for _, metric := range metrics {
		for _, quantize := range quantizes {
			for _, kind := range kinds {
				t.Run(fmt.Sprintf("%v/%v/%s", metric, quantize, kind.name), func(t *testing.T) {
					t.Parallel()
					for _, d := range dims {
						rng := rand.New(rand.NewPCG(uint64(d), 1))
						m := vector.NewMatrix(n, d)
						kind.make(rng, m)
						items := itemsOf(rng, n)
						x, err := flat.New(flat.Config{Metric: metric, Quantize: quantize}, items, m)
						if err != nil {
							t.Fatal(err)
						}
						check(t, rng, x, newOracle(metric, items, m), m)
					}
				})
			}
		}
	}
}

func search(t *testing.T, x *flat.Index, q []float32, k int, opt retrieval.SearchOptions) []retrieval.Neighbor {
	t.Helper()
	got, err := x.Search(nil, q, k, opt)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// query returns a random query, a row, or a zero.
func query(rng *rand.Rand, m vector.Matrix) []float32 {
	q := slices.Clone(m.Row(rng.IntN(m.Rows)))
	switch rng.IntN(6) {
	case 0:
		clear(q)
	case 1, 2:
		for i := range q {
			q[i] = float32(rng.NormFloat64())
		}
	}
	return q
}

func TestAnswersEqualBruteForceToTheBit(t *testing.T) {
	dims := []int{1, 2, 8, 15, 16, 17, 33, 64, 100, 200}
	if testing.Short() {
		dims = []int{1, 16, 33, 64}
	}
	forIndexes(t, dims, 1100, func(t *testing.T, rng *rand.Rand, x *flat.Index, o *oracle, m vector.Matrix) {
		for _, k := range []int{1, 10, 65, 300, 5000} {
			q := query(rng, m)
			mustSame(t, fmt.Sprintf("d=%d k=%d", m.Dim, k), search(t, x, q, k, retrieval.SearchOptions{}), o.search(q, k, nil))
		}
	})
}

func TestEverySizeOfIndex(t *testing.T) {
	for _, n := range []int{0, 1, 2, 9, 10, 11, 63, 64, 65, 127, 128, 129, 255, 256, 257, 600} {
		for _, quantize := range quantizes {
			for _, metric := range metrics {
				rng := rand.New(rand.NewPCG(uint64(n), 2))
				m := vector.NewMatrix(n, 20)
				kinds[0].make(rng, m)
				items := itemsOf(rng, n)
				x, err := flat.New(flat.Config{Metric: metric, Quantize: quantize}, items, m)
				if err != nil {
					t.Fatal(err)
				}
				o := newOracle(metric, items, m)
				q := make([]float32, 20)
				q[3] = 1
				for _, k := range []int{-1, 0, 1, 10, n, n + 1} {
					mustSame(t, fmt.Sprintf("n=%d k=%d", n, k), search(t, x, q, k, retrieval.SearchOptions{}), o.search(q, k, nil))
				}
			}
		}
	}
}

func TestFilteredAnswersEqualBruteForce(t *testing.T) {
	forIndexes(t, []int{20, 64}, 1500, func(t *testing.T, rng *rand.Rand, x *flat.Index, o *oracle, m vector.Matrix) {
		for _, share := range []float64{0.9, 0.3, 0.02, 0} {
			in := map[recsys.ItemID]bool{}
			var allowed []recsys.ItemID
			for item := range o.vec {
				if rng.Float64() < share {
					in[item] = true
					allowed = append(allowed, item)
				}
			}
			exclude := []recsys.ItemID{0, 3, 6, 12_345_678}
			notExcluded := func(item recsys.ItemID) bool { return !slices.Contains(exclude, item) }
			pass := func(item recsys.ItemID) bool { return in[item] }
			even := retrieval.Where(func(item recsys.ItemID) bool { return item%2 == 0 })
			listed := append([]recsys.ItemID{99_999_999, 0, 0}, allowed...)
			for _, c := range []struct {
				name string
				opt  retrieval.SearchOptions
				pass func(recsys.ItemID) bool
			}{
				{"filter", retrieval.SearchOptions{Filter: retrieval.Where(pass)}, pass},
				{"allow", retrieval.SearchOptions{Allow: listed}, func(i recsys.ItemID) bool { return pass(i) || i == 0 }},
				{"exclude", retrieval.SearchOptions{Exclude: exclude}, notExcluded},
				{"filter and exclude", retrieval.SearchOptions{Filter: retrieval.Where(pass), Exclude: exclude}, func(i recsys.ItemID) bool { return pass(i) && notExcluded(i) }},
				{"all three", retrieval.SearchOptions{Filter: even, Allow: listed, Exclude: exclude}, func(i recsys.ItemID) bool { return (pass(i) || i == 0) && i%2 == 0 && notExcluded(i) }},
				{"allow nothing", retrieval.SearchOptions{Allow: []recsys.ItemID{}}, func(recsys.ItemID) bool { return false }},
			} {
				q := query(rng, m)
				for _, k := range []int{10, 200} {
					mustSame(t, fmt.Sprintf("%s %v d=%d k=%d", c.name, share, m.Dim, k), search(t, x, q, k, c.opt), o.search(q, k, c.pass))
				}
			}
		}
	})
}

func TestAnswersStayExactThroughChanges(t *testing.T) {
	forIndexes(t, []int{24}, 700, func(t *testing.T, rng *rand.Rand, x *flat.Index, o *oracle, m vector.Matrix) {
		filter := retrieval.Where(func(item recsys.ItemID) bool { return item%3 == 1 || item%2 == 0 })
		for step := range 1500 {
			item := recsys.ItemID(rng.IntN(2800))
			v := query(rng, m)
			_, there := o.vec[item]
			var err, want error
			switch op := rng.IntN(3); {
			case op == 0:
				if err = x.Insert(item, v); there {
					want = retrieval.ErrDuplicate
				}
			case op == 1:
				if err = x.Update(item, v); !there {
					want = retrieval.ErrNotFound
				}
			case op == 2:
				if err = x.Delete(item); !there {
					want = retrieval.ErrNotFound
				} else {
					delete(o.vec, item)
				}
				v = nil
			}
			if !errors.Is(err, want) || want == nil && err != nil {
				t.Fatalf("step %d, item %d: %v; want %v", step, item, err, want)
			}
			if want == nil && v != nil {
				o.put(item, v)
			}
			if step%1000 == 999 {
				if err := x.Compact(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if step%25 != 0 {
				continue
			}
			if x.Len() != len(o.vec) {
				t.Fatalf("step %d: Len = %d; want %d", step, x.Len(), len(o.vec))
			}
			q := query(rng, m)
			opt := retrieval.SearchOptions{Exclude: []recsys.ItemID{item, item + 1}}
			pass := func(i recsys.ItemID) bool { return i != item && i != item+1 }
			mustSame(t, fmt.Sprintf("step %d", step), search(t, x, q, 10, opt), o.search(q, 10, pass))
			opt = retrieval.SearchOptions{Filter: filter}
			mustSame(t, fmt.Sprintf("step %d, filtered", step), search(t, x, q, 10, opt), o.search(q, 10, filter.Match))
		}
	})
}

func TestScoreAndVectorAreThoseOfSearch(t *testing.T) {
	forIndexes(t, []int{1, 33, 64}, 300, func(t *testing.T, rng *rand.Rand, x *flat.Index, o *oracle, m vector.Matrix) {
		for range 50 {
			item := recsys.ItemID(3 * rng.IntN(300))
			v := query(rng, m)
			if err := x.Update(item, v); err != nil {
				t.Fatal(err)
			}
			o.put(item, v)
		}
		q := query(rng, m)
		found := search(t, x, q, 300, retrieval.SearchOptions{})
		items := []recsys.ItemID{1}
		for _, n := range found {
			items = append(items, n.Item)
		}
		scores := make([]float32, len(items))
		if err := x.Score(scores, q, items); err != nil {
			t.Fatal(err)
		}
		if scores[0] == scores[0] {
			t.Errorf("an absent item scores %v; want NaN", scores[0])
		}
		for i, n := range found {
			got := retrieval.Neighbor{Item: n.Item, Score: scores[i+1]}
			if !same([]retrieval.Neighbor{got}, found[i:i+1]) {
				t.Fatalf("Score of item %d is %v; Search found %v", n.Item, got.Score, n.Score)
			}
			v, ok := x.Vector(nil, n.Item)
			if !ok || !slices.Equal(v, o.vec[n.Item]) {
				t.Fatalf("Vector of item %d is %v, %v; want %v", n.Item, v, ok, o.vec[n.Item])
			}
		}
		if _, ok := x.Vector(nil, 1); ok {
			t.Error("an absent item has a vector")
		}
	})
}
