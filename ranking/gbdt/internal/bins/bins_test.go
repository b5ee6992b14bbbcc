package bins_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/ranking/gbdt/internal/bins"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

var (
	nan    = float32(math.NaN())
	inf    = float32(math.Inf(1))
	denorm = math.Float32frombits(1)
)

// column makes a table of one column.
func column(t *testing.T, cfg bins.Config, categorical bool, values ...float32) *bins.Table {
	t.Helper()
	tb, err := bins.New(context.Background(), input(categorical, values...), cfg)
	require.NoError(t, err)
	return tb
}

func input(categorical bool, values ...float32) bins.Input {
	return bins.Input{Rows: len(values), Features: []tree.Feature{{Name: "x", Categorical: categorical}}, Values: values}
}

// kinds are columns that are hard in one way each.
func kinds(r *rand.Rand, n int) map[string][]float32 {
	normal, few, steps, wide := make([]float32, n), make([]float32, n), make([]float32, n), make([]float32, n)
	missing, zeros, edges := make([]float32, n), make([]float32, n), make([]float32, n)
	extremes := []float32{
		nan, inf, -inf, 0, float32(math.Copysign(0, -1)), denorm, -denorm, 1e-36, -1e-36, 1e-35, 1.1e-35,
		math.MaxFloat32, -math.MaxFloat32, 1, math.Nextafter32(1, 2),
	}
	for i := range n {
		normal[i] = float32(r.NormFloat64())
		few[i] = float32(r.IntN(5)) - 2
		steps[i] = float32(math.Floor(r.ExpFloat64() * 40))
		wide[i] = math.Float32frombits(uint32(r.Uint64()))
		missing[i], zeros[i] = normal[i], normal[i]
		if r.IntN(3) == 0 {
			missing[i] = nan
		}
		if r.IntN(10) > 0 {
			zeros[i] = 0
		}
		edges[i] = extremes[r.IntN(len(extremes))]
	}
	return map[string][]float32{
		"normal": normal, "few values": few, "steps": steps, "any bits": wide, "missing": missing, "zeros": zeros, "edges": edges,
	}
}

// naive returns the bin by the definition: the first whose end is not below x.
func naive(f *bins.Feature, x float32) int {
	v := float64(x)
	isMissing := f.Missing == tree.MissingNaN && math.IsNaN(v) ||
		f.Missing == tree.MissingZero && (math.IsNaN(v) || math.Abs(v) <= tree.ZeroThreshold)
	if isMissing {
		return f.MissingBin
	}
	if math.IsNaN(v) {
		v = 0
	}
	for b, c := range f.Cuts {
		if v <= c {
			return b
		}
	}
	return len(f.Cuts)
}

func TestBinHoldsWhatItsCutsSay(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for name, values := range kinds(r, 3000) {
		for _, cfg := range []bins.Config{{}, {Bins: 16}, {Bins: 2}, {Bins: 3, MinRowsPerBin: 1}, {ZeroAsMissing: true}, {MinRowsPerBin: 200}} {
			tb := column(t, cfg, false, values...)
			f := &tb.Features[0]
			require.True(t, slices.IsSorted(f.Cuts), name)
			for i := 1; i < len(f.Cuts); i++ {
				require.Less(t, f.Cuts[i-1], f.Cuts[i], name)
			}
			limit := cfg.Bins
			if limit == 0 {
				limit = 255
			}
			require.LessOrEqual(t, f.Bins, limit, name)
			probes := slices.Clone(values)
			for _, c := range f.Cuts {
				x := float32(c)
				probes = append(probes, x, math.Nextafter32(x, inf), math.Nextafter32(x, -inf))
			}
			for _, x := range probes {
				require.EqualValues(t, naive(f, x), f.Bin(x), "%s %+v: %v", name, cfg, x)
			}
			if len(tb.Columns) == 0 {
				continue
			}
			for i, x := range values {
				require.Equal(t, f.Bin(x), tb.Columns[0][i], "%s: row %d", name, i)
			}
		}
	}
}

func TestBinsOfNumbersHaveEnoughRows(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 2))
	for name, values := range kinds(r, 5000) {
		for _, least := range []int{1, 3, 50, 900} {
			f := &column(t, bins.Config{MinRowsPerBin: least}, false, values...).Features[0]
			counts := make([]int, f.Bins)
			for _, x := range values {
				counts[f.Bin(x)]++
			}
			for b, n := range counts[:f.ValueBins()] {
				require.GreaterOrEqual(t, n, min(least, len(values)), "%s: bin %d of %d", name, b, len(counts))
			}
		}
	}
}

func TestEachOfFewValuesHasABin(t *testing.T) {
	f := &column(t, bins.Config{MinRowsPerBin: 1}, false, 3, 1, 2, 2, 1, 10).Features[0]
	require.Equal(t, []float64{1.5, 2.5, 6.5}, f.Cuts)
	require.Equal(t, tree.MissingNone, f.Missing)
	require.EqualValues(t, 0, f.Bin(nan), "NaN counts as 0 where none was seen")
}

func TestBinsOfManyValuesAreQuantiles(t *testing.T) {
	const n = 51_000
	values := make([]float32, n)
	for i := range values {
		values[i] = float32(i*7919%n) + 0.25
	}
	tb := column(t, bins.Config{}, false, values...)
	require.Equal(t, 255, tb.Features[0].Bins)
	counts := make([]int, 255)
	for _, b := range tb.Columns[0] {
		counts[b]++
	}
	for b, c := range counts {
		require.Equal(t, n/255, c, "bin %d", b)
	}
}

func TestAFrequentValueEndsItsBin(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	var values []float32
	others := 0
	for range 20_000 {
		x := float32(0)
		if r.IntN(4) == 0 {
			x = float32(r.NormFloat64())
			others++
		}
		values = append(values, x)
	}
	f := &column(t, bins.Config{Bins: 64}, false, values...).Features[0]
	beside := 0
	for _, x := range values {
		if x != 0 && f.Bin(x) == f.Bin(0) {
			require.Less(t, x, float32(0))
			beside++
		}
	}
	require.Less(t, beside, others/63/2+1, "half a bin of other values at most")
	require.Greater(t, f.Bins, 60, "the others share the rest")
}

func TestMissingValuesHaveTheLastBin(t *testing.T) {
	for _, c := range []struct {
		name   string
		cfg    bins.Config
		values []float32
		kind   tree.Missing
		bins   int
		used   bool
	}{
		{"none", bins.Config{MinRowsPerBin: 1}, []float32{1, 2}, tree.MissingNone, 2, true},
		{"NaN", bins.Config{MinRowsPerBin: 1}, []float32{1, 2, nan}, tree.MissingNaN, 3, true},
		{"NaN beside one value", bins.Config{}, []float32{5, 5, nan}, tree.MissingNaN, 2, true},
		{"all NaN", bins.Config{}, []float32{nan, nan}, tree.MissingNaN, 2, false},
		{"one row", bins.Config{}, []float32{7}, tree.MissingNone, 1, false},
		{"constant", bins.Config{}, []float32{7, 7, 7, 7}, tree.MissingNone, 1, false},
		{"zero", bins.Config{MinRowsPerBin: 1, ZeroAsMissing: true}, []float32{1, 2, 0}, tree.MissingZero, 3, true},
		{"zero and NaN", bins.Config{MinRowsPerBin: 1, ZeroAsMissing: true}, []float32{1, 2, 1e-36, nan}, tree.MissingZero, 3, true},
		{"no zero", bins.Config{MinRowsPerBin: 1, ZeroAsMissing: true}, []float32{1, 2}, tree.MissingNone, 2, true},
		{"infinities", bins.Config{MinRowsPerBin: 1}, []float32{inf, -inf, 0}, tree.MissingNone, 3, true},
		{"only infinities", bins.Config{MinRowsPerBin: 1}, []float32{inf, -inf}, tree.MissingNone, 2, true},
	} {
		tb := column(t, c.cfg, false, c.values...)
		f := &tb.Features[0]
		require.Equal(t, c.kind, f.Missing, c.name)
		require.Equal(t, c.bins, f.Bins, c.name)
		require.Equal(t, c.used, len(tb.Used) == 1, c.name)
		for _, cut := range f.Cuts {
			require.False(t, math.IsInf(cut, 0) || math.IsNaN(cut), c.name)
		}
		for i, x := range c.values {
			require.EqualValues(t, naive(f, x), f.Bin(x), "%s: %v", c.name, x)
			if c.used {
				require.Equal(t, f.Bin(x), tb.Columns[0][i], c.name)
			}
		}
	}
}

func TestANaNOutsideTheSampleStillCounts(t *testing.T) {
	values := make([]float32, 10_000)
	for i := range values {
		values[i] = float32(i)
	}
	rows := make([]bool, len(values))
	for i := range 100 {
		rows[bins.SampleRow(0, i, 100, len(values))] = true
	}
	at := slices.Index(rows, false)
	values[at] = nan
	tb := column(t, bins.Config{SampleRows: 100}, false, values...)
	require.Equal(t, tree.MissingNaN, tb.Features[0].Missing)
	require.EqualValues(t, tb.Features[0].MissingBin, tb.Columns[0][at])
}

func TestCategoriesTakeBinsByFrequency(t *testing.T) {
	values := []float32{7, 7, 7, 2, 2, 2, 100, 100, 100, 100, 5, 5, 9, -1, -0.5, 0.9, 0, nan, -inf}
	f := &column(t, bins.Config{Bins: 4, MinRowsPerBin: 1}, true, values...).Features[0]
	require.Equal(t, []int32{0, 2, 100}, f.Categories, "0, 2 and 7 are there 3 times: the largest gives way")
	require.Equal(t, 4, f.Bins)
	for x, want := range map[float32]uint8{
		0: 0, -0.5: 0, 0.9: 0, 2: 1, 2.7: 1, 100: 2, 7: 3, 5: 3, 9: 3, -1: 3, 101: 3, 1e7: 3, 1e30: 3, inf: 3, -inf: 3,
	} {
		require.Equal(t, want, f.Bin(x), "%v", x)
	}
	require.EqualValues(t, 3, f.Bin(nan))
	require.Equal(t, -1, f.MissingBin)

	f = &column(t, bins.Config{}, true, values...).Features[0]
	require.Equal(t, []int32{0, 2, 7, 100}, f.Categories, "three rows make a bin")
}

func TestCategoriesBeyondTheBinsAreOthers(t *testing.T) {
	var values []float32
	for c := range 400 {
		for range 3 + c%2 {
			values = append(values, float32(c))
		}
	}
	tb := column(t, bins.Config{}, true, values...)
	f := &tb.Features[0]
	require.Len(t, f.Categories, 254)
	require.Equal(t, 255, f.Bins)
	odd := 0
	for _, c := range f.Categories {
		odd += int(c % 2)
	}
	require.Equal(t, 200, odd, "all of the more frequent ones")
	for i, x := range values {
		want := slices.Index(f.Categories, int32(x))
		if want < 0 {
			want = 254
		}
		require.EqualValues(t, want, tb.Columns[0][i])
	}
}

func TestTableHasTheBinsByRowToo(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	for _, d := range []int{0, 1, 7, 8, 9, 16, 17, 33, 63, 64, 65, 130, 200} {
		const n = 1500
		in := bins.Input{Rows: n, Features: make([]tree.Feature, d), Values: make([]float32, n*d)}
		for j := range d {
			in.Features[j] = tree.Feature{Name: fmt.Sprint(j), Categorical: j%5 == 4}
		}
		for i := range in.Values {
			if in.Values[i] = float32(r.IntN(300)); i%d%7 == 3 {
				in.Values[i] = 4 // constant
			}
		}
		one, err := bins.New(context.Background(), in, bins.Config{Seed: 5, SampleRows: 1200})
		require.NoError(t, err)
		var bytes int64
		for _, b := range one.Blocks {
			require.Len(t, b.Data, n*b.Stride)
			bytes += int64(len(b.Data) + n*b.Columns)
			for c := range b.Stride {
				for row := range n {
					want := uint8(0)
					if c < b.Columns {
						want = one.Columns[b.First+c][row]
					}
					require.Equal(t, want, b.Data[row*b.Stride+c])
				}
			}
		}
		require.LessOrEqual(t, bytes, bins.Memory(n, d))
		for _, j := range one.Used {
			require.NotEqualValues(t, 3, j%7, "a constant column")
		}
		for _, workers := range []int{2, 3, 5} {
			many, err := bins.New(context.Background(), in, bins.Config{Seed: 5, SampleRows: 1200, Workers: workers})
			require.NoError(t, err)
			require.Equal(t, one.Features, many.Features, "%d workers", workers)
			require.Equal(t, one.Blocks, many.Blocks)
			require.Equal(t, one.Columns, many.Columns)
		}
		like, err := one.Like(context.Background(), in)
		require.NoError(t, err)
		require.Equal(t, one.Blocks, like.Blocks)
		require.Equal(t, one.Used, like.Used)
	}
}

func TestLikeKeepsTheBins(t *testing.T) {
	in := bins.Input{
		Rows: 6, Features: []tree.Feature{{Name: "x"}, {Name: "c", Categorical: true}},
		Values: []float32{1, 1, 2, 1, 3, 1, 4, 2, 5, 2, 6, 2},
	}
	tb, err := bins.New(context.Background(), in, bins.Config{MinRowsPerBin: 1})
	require.NoError(t, err)
	other := bins.Input{Rows: 2, Features: in.Features, Values: []float32{nan, 1e9, 100, 2}}
	like, err := tb.Like(context.Background(), other)
	require.NoError(t, err)
	require.Equal(t, [][]uint8{{0, 5}, {2, 1}}, like.Columns, "NaN is 0, an unknown category is another")
	other.Features = []tree.Feature{{Name: "x"}, {Name: "d", Categorical: true}}
	_, err = tb.Like(context.Background(), other)
	require.EqualError(t, err, "bins: the features are not those of the table")
}

func TestBadInputIsNamed(t *testing.T) {
	ctx := context.Background()
	_, err := bins.New(ctx, bins.Input{}, bins.Config{})
	require.EqualError(t, err, "bins: 0 rows; want 1 to 2147483647")
	in := input(false, 1, 2, 3)
	in.Rows = 2
	_, err = bins.New(ctx, in, bins.Config{})
	require.EqualError(t, err, "bins: 3 values; want 2 for 2 rows of 1 features")
	values := make([]float32, 5000)
	values[4000], values[1234] = 1e9, 1<<24
	for _, workers := range []int{1, 4} {
		_, err = bins.New(ctx, input(true, values...), bins.Config{Workers: workers})
		require.EqualError(t, err, `bins: row 1234 of "x" is 1.6777216e+07; want a category below 2^24: number the categories densely`)
	}
	for want, cfg := range map[string]bins.Config{
		"bins: Bins is 1; want >= 2 (0 means 255)":           {Bins: 1},
		"bins: Bins is 256; want at most 255":                {Bins: 256},
		"bins: MinRowsPerBin is -1; want >= 1 (0 means 3)":   {MinRowsPerBin: -1},
		"bins: SampleRows is -5; want >= 1 (0 means 200000)": {SampleRows: -5},
		"bins: Workers is -2; want >= 1 (0 means 1)":         {Workers: -2},
	} {
		_, err = bins.New(ctx, input(false, 1, 2), cfg)
		require.EqualError(t, err, want)
	}
}

func TestCancelledBinningStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := bins.New(ctx, input(false, 1, 2), bins.Config{})
	require.ErrorIs(t, err, context.Canceled)
}

func TestSampleHasEachRowOnceAtMost(t *testing.T) {
	for _, c := range [][2]int{{1, 1}, {5, 5}, {5, 7}, {999, 1000}, {100, 100_000}} {
		seen := map[int]bool{}
		other := 0
		for i := range c[0] {
			row := bins.SampleRow(1, i, c[0], c[1])
			require.True(t, row >= 0 && row < c[1] && !seen[row])
			seen[row] = true
			if row != bins.SampleRow(2, i, c[0], c[1]) {
				other++
			}
		}
		require.Equal(t, c[1] >= 2*c[0], other > 0, "another seed draws other rows")
	}
}

func TestKeysKeepTheOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	var values []float32
	for _, v := range kinds(r, 2000) {
		values = append(values, v...)
	}
	values = slices.DeleteFunc(values, func(x float32) bool { return x != x })
	var keys []uint32
	for _, x := range values {
		keys = append(keys, bins.KeyOf(x))
		require.Equal(t, x, bins.ValueOf(bins.KeyOf(x)))
	}
	keys = bins.SortKeys(keys)
	slices.Sort(values)
	for i, x := range values {
		require.Equal(t, x, bins.ValueOf(keys[i]))
	}
	require.Equal(t, bins.KeyOf(0), bins.KeyOf(float32(math.Copysign(0, -1))))
}
