package ivf_test

import (
	"cmp"
	"math"
	"slices"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/ivf"
	"github.com/recsyskit/recsys/retrieval/retrievaltest"
)

// decoded returns what the file of an index of PQ stands for, item by item: the vectors as
// their codes say.
func decoded(t *testing.T, ix *ivf.Index, m retrieval.Metric, sub int) map[recsys.ItemID][]float64 {
	t.Helper()
	c, dim := parse(t, written(t, ix)), ix.Dim()
	centroids, book := c.centroids.([]float32), c.codebook.([]float32)
	codes, rows, biases := c.codes.([]uint8), c.rows.([]uint32), c.biases.([]float32)
	pairs := ((dim+sub-1)/sub + 1) / 2
	out := map[recsys.ItemID][]float64{}
	for list := range ix.Lists() {
		slots := int(c.sizes.([]uint32)[2*list])
		for slot := range slots {
			x := make([]float64, dim)
			length := 1.0
			if m == retrieval.InnerProduct {
				length = float64(biases[slot])
			}
			for j := range x {
				part := j / sub
				code := codes[slot/64*64*pairs+part/2*64+slot%64] >> (part % 2 * 4) & 15
				x[j] = length * (float64(centroids[list*dim+j]) + float64(book[(part*16+int(code))*sub+j%sub]))
			}
			out[recsys.ItemID(c.items.([]uint64)[rows[slot]])] = x
		}
		rows, codes = rows[slots:], codes[(slots+63)/64*64*pairs:]
		if m == retrieval.InnerProduct {
			biases = biases[slots:]
		}
	}
	return out
}

// The scan must propose what a sum over the decoded vectors proposes, but for the rounding
// of its tables: an entry is off by half a step at most, a step is a 127th of the widest
// range of products.
func TestPQProposesWhatItsCodesSay(t *testing.T) {
	race.SkipSequential(t)
	const k, rescore = 5, 8
	for _, m := range []retrieval.Metric{retrieval.InnerProduct, retrieval.Cosine} {
		for _, shape := range []struct{ dim, sub int }{{16, 1}, {17, 1}, {16, 2}, {33, 4}, {30, 8}} {
			items, vectors := clustered(21, 3000, shape.dim)
			ix := build(t, ivf.Config{Metric: m, Codes: ivf.PQ, SubDim: shape.sub, Rescore: rescore, Lists: 20}, items, vectors)
			naive := decoded(t, ix, m, shape.sub)
			if len(naive) != len(items) {
				t.Fatalf("%d items in the file; want %d", len(naive), len(items))
			}
			oracle, err := retrievaltest.NewExact(m, items, vectors)
			if err != nil {
				t.Fatal(err)
			}
			queries := mixtures(vectors, 30)
			sure := 0
			for i := range queries.Rows {
				q := queries.Row(i)
				approx := map[recsys.ItemID]float64{}
				var ranked []float64
				longest := 0.0
				for item, x := range naive {
					s := 0.0
					for j, v := range x {
						s += float64(q[j]) * v
					}
					approx[item] = s
					ranked = append(ranked, s)
				}
				for j := range vectors.Rows {
					longest = max(longest, math.Sqrt(float64(vectorDot(vectors.Row(j), vectors.Row(j)))))
				}
				if m == retrieval.Cosine {
					longest = 1
				}
				slices.SortFunc(ranked, func(a, b float64) int { return cmp.Compare(b, a) })
				slack := 2 * longest * tableError(parse(t, written(t, ix)).codebook.([]float32), q, shape.sub)
				floor := ranked[max(32, k*rescore)-1] + slack
				got, err := ix.Search(nil, q, k, retrieval.SearchOptions{Effort: ix.Lists()})
				if err != nil {
					t.Fatal(err)
				}
				want, _ := oracle.Search(nil, q, k, retrieval.SearchOptions{})
				for _, n := range want {
					if approx[n.Item] <= floor {
						continue
					}
					sure++
					if !slices.Contains(got, n) {
						t.Errorf("%v, %+v, query %d: item %d is not found; its codes say %v, candidates reach down to %v", m, shape, i, n.Item, approx[n.Item], floor)
					}
				}
			}
			if sure < queries.Rows {
				t.Errorf("%v, %+v: only %d of %d neighbours are above the floor: the test says little", m, shape, sure, queries.Rows*k)
			}
		}
	}
}

func vectorDot(a, b []float32) float32 {
	var s float32
	for i, x := range a {
		s += x * b[i]
	}
	return s
}

// tableError bounds what the tables of a query are off by, in all.
func tableError(book, q []float32, sub int) float64 {
	subspaces := len(book) / 16 / sub
	widest := 0.0
	for m := range subspaces {
		lo, hi := math.Inf(1), math.Inf(-1)
		for w := range 16 {
			s := 0.0
			for j := range sub {
				if m*sub+j < len(q) {
					s += float64(q[m*sub+j]) * float64(book[(m*16+w)*sub+j])
				}
			}
			lo, hi = min(lo, s), max(hi, s)
		}
		widest = max(widest, hi-lo)
	}
	return (0.5*float64(subspaces) + 1) * widest / 127
}

func TestPQFindsWithFewerBits(t *testing.T) {
	race.SkipSequential(t)
	items, vectors := clustered(22, 4000, 32)
	queries := mixtures(vectors, 60)
	for _, m := range metrics {
		oracle, err := retrievaltest.NewExact(m, items, vectors)
		if err != nil {
			t.Fatal(err)
		}
		last := math.MaxInt
		for _, sub := range []int{1, 2, 4} {
			ix := build(t, ivf.Config{Metric: m, Codes: ivf.PQ, SubDim: sub}, items, vectors)
			if got := recall(t, ix, oracle, queries, 10, retrieval.SearchOptions{}); got < 0.93 {
				t.Errorf("%v, SubDim %d: recall is %.4f; want 0.95 or so", m, sub, got)
			}
			if r := ix.Resident(); r >= last {
				t.Errorf("%v, SubDim %d takes %d bytes, half of that %d", m, sub, r, last)
			} else {
				last = r
			}
		}
	}
}
