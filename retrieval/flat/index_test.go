package flat_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/flat"
	"github.com/recsyskit/recsys/retrieval/vector"
)

func TestNewRefusesWhatCannotBeStored(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(-1))
	two := []recsys.ItemID{7, 9}
	for _, c := range []struct {
		cfg     flat.Config
		items   []recsys.ItemID
		vectors vector.Matrix
		want    error
		text    string
	}{
		{flat.Config{}, two, vector.From([]float32{1, 2, 3, nan}, 2), retrieval.ErrNotFinite, "flat: item 9, row 1 has NaN in column 1: vector is not finite"},
		{flat.Config{}, two, vector.From([]float32{inf, 2, 3, 4}, 2), retrieval.ErrNotFinite, "flat: item 7, row 0 has -Inf in column 0: vector is not finite"},
		{flat.Config{}, []recsys.ItemID{7, 7}, vector.NewMatrix(2, 2), retrieval.ErrDuplicate, "flat: item 7 at rows 0 and 1: item is in the index already"},
		{flat.Config{}, two, vector.NewMatrix(3, 2), retrieval.ErrDimension, "flat: 2 items with 3 vectors: wrong dimension"},
		{flat.Config{}, nil, vector.Matrix{}, retrieval.ErrDimension, "flat: the dimension is 0; want 1 to 131071: wrong dimension"},
		{flat.Config{}, two, vector.Matrix{Rows: 2, Dim: 2, Stride: 2}, retrieval.ErrDimension, "flat: vector: Matrix.Data has 0 values"},
		{flat.Config{Metric: 3}, two, vector.NewMatrix(2, 2), nil, "flat: Config.Metric is Metric(3); want InnerProduct, Cosine or L2"},
		{flat.Config{Quantize: 3}, two, vector.NewMatrix(2, 2), nil, "flat: Config.Quantize is Quantize(3); want Auto, None or Int8"},
		{flat.Config{Workers: -1}, two, vector.NewMatrix(2, 2), nil, "flat: Config.Workers is -1; want >= 0 (0 means all cores)"},
		{flat.Config{Metric: 3, Quantize: 3, Workers: -1}, nil, vector.Matrix{}, retrieval.ErrDimension, `flat: Config.Quantize is Quantize(3); want Auto, None or Int8
flat: Config.Workers is -1; want >= 0 (0 means all cores)
flat: Config.Metric is Metric(3); want InnerProduct, Cosine or L2
flat: the dimension is 0; want 1 to 131071: wrong dimension`},
	} {
		x, err := flat.New(c.cfg, c.items, c.vectors)
		if x != nil || err == nil || !strings.HasPrefix(err.Error(), c.text) || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("New = %v, %v; want %s", x, err, c.text)
		}
	}
}

func TestWritersRefuseAndChangeNothing(t *testing.T) {
	x, o := small(t)
	nan := []float32{1, 2, 3, 4, float32(math.NaN())}
	for _, c := range []struct {
		err  error
		want error
		text string
	}{
		{x.Insert(1, nan), retrieval.ErrNotFinite, "flat: item 1: component 4 is NaN: vector is not finite"},
		{x.Update(3, nan), retrieval.ErrNotFinite, "flat: item 3: component 4 is NaN: vector is not finite"},
		{x.Insert(1, nan[:4]), retrieval.ErrDimension, "flat: item 1: a vector of length 4; the index has 5: wrong dimension"},
		{x.Update(3, nil), retrieval.ErrDimension, "flat: item 3: a vector of length 0; the index has 5: wrong dimension"},
		{x.Insert(3, nan[:5:5]), retrieval.ErrNotFinite, "flat: item 3: component 4 is NaN: vector is not finite"},
		{x.Update(1, make([]float32, 5)), retrieval.ErrNotFound, "flat: item 1: item is not in the index"},
		{x.Delete(1), retrieval.ErrNotFound, "flat: item 1: item is not in the index"},
		{x.Insert(3, make([]float32, 5)), retrieval.ErrDuplicate, "flat: item 3: item is in the index already; Update replaces it"},
	} {
		if !errors.Is(c.err, c.want) || c.err.Error() != c.text {
			t.Errorf("%v; want %s", c.err, c.text)
		}
	}
	if err := x.Insert(3, make([]float32, 5)); !errors.Is(err, retrieval.ErrDuplicate) {
		t.Errorf("Insert of an item that is there: %v", err)
	}
	q := []float32{1, 2, 3, 4, 5}
	mustSame(t, "afterwards", search(t, x, q, 100, retrieval.SearchOptions{}), o.search(q, 100, nil))
}

func TestSearchRefusesAndLeavesDst(t *testing.T) {
	x, _ := small(t)
	old := []retrieval.Neighbor{{Item: 4}}
	for _, c := range []struct {
		q    []float32
		want error
	}{
		{make([]float32, 4), retrieval.ErrDimension},
		{nil, retrieval.ErrDimension},
		{[]float32{0, 0, 0, 0, float32(math.Inf(1))}, retrieval.ErrNotFinite},
	} {
		got, err := x.Search(old, c.q, 3, retrieval.SearchOptions{})
		if !errors.Is(err, c.want) || !slices.Equal(got, old) {
			t.Errorf("Search(%v) = %v, %v; want %v", c.q, got, err, c.want)
		}
		if err := x.Score(make([]float32, 1), c.q, []recsys.ItemID{3}); !errors.Is(err, c.want) {
			t.Errorf("Score(%v) = %v; want %v", c.q, err, c.want)
		}
	}
	if err := x.Score(nil, make([]float32, 5), []recsys.ItemID{3}); !errors.Is(err, retrieval.ErrDimension) {
		t.Errorf("Score without room: %v", err)
	}
}

func TestZeroIndexOnlyReads(t *testing.T) {
	x, _ := small(t)
	var zero flat.Index
	file := encoded(t, x)
	if _, err := zero.ReadFrom(strings.NewReader(string(file))); err != nil || zero.Len() != 70 {
		t.Errorf("%d items, %v", zero.Len(), err)
	}
}

// Source: Teflioudi, Gemulla and Mykytiuk, LEMP: fast retrieval of large entries in a matrix
// product, SIGMOD 2015, §3: vectors sorted by length need to be read only while the
// length can exceed the threshold over the query's length.
func TestScanStopsAtTheNormThatCannotReachTheFloor(t *testing.T) {
	const n, d = 20_000, 32
	rng := rand.New(rand.NewPCG(8, 8))
	m := vector.NewMatrix(n, d)
	for i := range n {
		each(m.Slice(i, i+1), func(int, int) float64 { return rng.NormFloat64() })
		vector.Normalize(m.Row(i))
		norm := float32(math.Pow(float64(i+1), -0.5))
		for j := range m.Row(i) {
			m.Row(i)[j] *= norm
		}
	}
	q := slices.Clone(m.Row(0))
	for _, quantize := range quantizes {
		x, err := flat.New(flat.Config{Quantize: quantize}, itemsOf(rng, n), m)
		if err != nil {
			t.Fatal(err)
		}
		var stats retrieval.SearchStats
		found := search(t, x, q, 10, retrieval.SearchOptions{Stats: &stats})
		// Row i has norm (i+1)^-½: the rows that count are those with |q||x| >= the floor.
		need := int(math.Pow(1/float64(found[9].Score), 2))
		if stats.Scored < need-1 || stats.Scored > need+need/8+64 {
			t.Errorf("%v: %d rows were scored; want %d, and an eighth more at most", quantize, stats.Scored, need)
		}
	}
}

func TestScanGoesOnWhileTheNormCanReachTheFloor(t *testing.T) {
	// All but the last ten score 0.9 by norms from 2 down to 1; those have norm 1 and score 1.
	const n = 6000
	m := vector.NewMatrix(n, 2)
	items := make([]recsys.ItemID, n)
	for i := range n {
		items[i] = recsys.ItemID(i)
		norm := 2 - float64(i)/n
		if i >= n-10 {
			m.Row(i)[0] = 1
		} else {
			m.Row(i)[0], m.Row(i)[1] = 0.9, float32(math.Sqrt(norm*norm-0.81))
		}
	}
	q := vector.From([]float32{1, 0}, 2)
	for _, quantize := range quantizes {
		x, err := flat.New(flat.Config{Quantize: quantize}, items, m)
		if err != nil {
			t.Fatal(err)
		}
		for name, opt := range map[string]retrieval.SearchOptions{
			"scan":    {},
			"allowed": {Allow: items[1000:]},
			"filter":  {Filter: retrieval.Where(func(i recsys.ItemID) bool { return i%50 == 0 || i >= n-10 })},
		} {
			found := search(t, x, q.Row(0), 10, opt)
			many, err := x.SearchBatch(nil, q, 10, opt)
			if err != nil {
				t.Fatal(err)
			}
			for _, found := range [][]retrieval.Neighbor{found, many[0]} {
				if len(found) != 10 || found[0] != (retrieval.Neighbor{Item: n - 10, Score: 1}) || found[9].Score != 1 {
					t.Errorf("%v, %s: %v", quantize, name, found)
				}
			}
		}
	}
}

func TestPlansAreNamed(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 9))
	m := vector.NewMatrix(20_000, 16)
	kinds[0].make(rng, m)
	items := itemsOf(rng, m.Rows)
	share := func(p float64) *retrieval.Filter {
		return retrieval.Where(func(i recsys.ItemID) bool { return float64(i) < 60_000*p })
	}
	for _, c := range []struct {
		quantize flat.Quantize
		opt      retrieval.SearchOptions
		want     string
	}{
		{flat.None, retrieval.SearchOptions{}, "scan"},
		{flat.Int8, retrieval.SearchOptions{}, "scan int8"},
		{flat.Auto, retrieval.SearchOptions{}, "scan"}, // of 16 dimensions
		{flat.Int8, retrieval.SearchOptions{Filter: share(0.9)}, "scan int8"},
		{flat.Int8, retrieval.SearchOptions{Filter: share(0.25)}, "allowed int8"},
		{flat.None, retrieval.SearchOptions{Filter: share(0.3)}, "allowed"},
		{flat.Int8, retrieval.SearchOptions{Filter: share(0.01)}, "allowed"},
		{flat.Int8, retrieval.SearchOptions{Allow: items[:100]}, "allowed"},
	} {
		x, err := flat.New(flat.Config{Quantize: c.quantize}, items, m)
		if err != nil {
			t.Fatal(err)
		}
		var stats retrieval.SearchStats
		c.opt.Stats = &stats
		for range 2 { // a long list is made for a selection that is met again
			search(t, x, m.Row(3), 10, c.opt)
		}
		if stats.Plan != c.want || stats.Scored == 0 || stats.Scored > 20_000 {
			t.Errorf("%v, %+v: %+v; want %s", c.quantize, c.opt.Filter, stats, c.want)
		}
	}
	huge := []float32{3e38, 3e38}
	x, err := flat.New(flat.Config{}, []recsys.ItemID{1}, vector.From(huge, 2))
	if err != nil {
		t.Fatal(err)
	}
	var stats retrieval.SearchStats
	if found := search(t, x, huge, 1, retrieval.SearchOptions{Stats: &stats}); stats.Plan != "all" || !math.IsInf(float64(found[0].Score), 1) {
		t.Errorf("%v by %+v; want +Inf by all", found, stats)
	}
}

func TestSearchAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("sync.Pool drops items under the race detector")
	}
	rng := rand.New(rand.NewPCG(8, 10))
	m := vector.NewMatrix(5000, 48)
	kinds[1].make(rng, m)
	items := itemsOf(rng, m.Rows)
	half := retrieval.Where(func(i recsys.ItemID) bool { return i%2 == 0 })
	some := retrieval.Where(func(i recsys.ItemID) bool { return i%9 == 0 })
	dst := make([]retrieval.Neighbor, 0, 500)
	lists := make([][]retrieval.Neighbor, 3)
	for i := range lists {
		lists[i] = make([]retrieval.Neighbor, 0, 10)
	}
	var stats retrieval.SearchStats
	scores := make([]float32, 100)
	vec := make([]float32, 0, 48)
	for _, metric := range metrics {
		for _, quantize := range quantizes {
			x, err := flat.New(flat.Config{Metric: metric, Quantize: quantize}, items, m)
			if err != nil {
				t.Fatal(err)
			}
			if err := x.Update(items[0], m.Row(1)); err != nil {
				t.Fatal(err)
			}
			for name, f := range map[string]func() error{
				"Score":  func() error { return x.Score(scores, m.Row(5), items[:100]) },
				"Vector": func() error { vec, _ = x.Vector(vec[:0], items[7]); return nil },
				"SearchBatch": func() error {
					lists, err = x.SearchBatch(lists, m.Slice(0, 3), 10, retrieval.SearchOptions{})
					return err
				},
			} {
				if got := testing.AllocsPerRun(20, func() { err = errors.Join(err, f()) }); got != 0 || err != nil {
					t.Errorf("%v %v %s: %v allocations, %v", metric, quantize, name, got, err)
				}
			}
			for _, k := range []int{10, 500} {
				for name, opt := range map[string]retrieval.SearchOptions{
					"all": {}, "half": {Filter: half, Stats: &stats}, "some": {Filter: some},
					"exclude": {Exclude: items[:100]}, "allow": {Allow: items[:50], Exclude: items[3:5]},
				} {
					got := testing.AllocsPerRun(20, func() { dst, err = x.Search(dst[:0], m.Row(5), k, opt) })
					if got != 0 || err != nil {
						t.Errorf("%v %v %s k=%d: %v allocations, %v", metric, quantize, name, k, got, err)
					}
				}
			}
		}
	}
}

func TestCompactDropsWhatIsDead(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 11))
	m := vector.NewMatrix(2000, 32)
	kinds[0].make(rng, m)
	items := itemsOf(rng, m.Rows)
	x, err := flat.New(flat.Config{Metric: retrieval.Cosine}, items, m)
	if err != nil {
		t.Fatal(err)
	}
	scored := func() int {
		var stats retrieval.SearchStats
		search(t, x, m.Row(0), 10, retrieval.SearchOptions{Stats: &stats})
		return stats.Scored
	}
	for _, item := range items[:300] {
		if err := x.Delete(item); err != nil {
			t.Fatal(err)
		}
	}
	if got := scored(); got < 1700 || got > 1700+1700/32 {
		t.Errorf("%d rows are scored before compaction; want 1700 and a 32nd", got)
	}
	if err := x.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := scored(); got != 1700 {
		t.Errorf("%d rows are scored after compaction; want 1700", got)
	}
	for _, item := range items[300:1800] {
		if err := x.Delete(item); err != nil {
			t.Fatal(err)
		}
	}
	if got := scored(); got > 200+33 {
		t.Errorf("%d rows are scored for 200 items: Delete does not leave out what is dead", got)
	}
}

func TestQuantizeString(t *testing.T) {
	if got := fmt.Sprint(flat.Auto, flat.None, flat.Int8, flat.Quantize(9)); got != "auto none int8 Quantize(9)" {
		t.Error(got)
	}
}
