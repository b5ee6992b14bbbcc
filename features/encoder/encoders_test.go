package encoder_test

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/encoder"
)

var (
	nan = float32(math.NaN())
	inf = float32(math.Inf(1))
	x   = []recsys.Column{{Name: "x"}}
	id  = []recsys.Column{{Name: "x", Kind: recsys.ID}}
)

func vec(name string, dim int) recsys.Column {
	return recsys.Column{Name: name, Kind: recsys.Vector, Dim: dim}
}

// requireFloats compares with NaN equal to NaN.
func requireFloats(t *testing.T, want, got []float32) {
	t.Helper()
	require.Len(t, got, len(want))
	for i := range want {
		if want[i] != got[i] && (want[i] == want[i] || got[i] == got[i]) {
			t.Errorf("value %d is %v; want %v", i, got[i], want[i])
		}
	}
}

func TestLog1pIsSymmetricAndFinite(t *testing.T) {
	in := []float32{0, 1, -1, 1e3, -1e3, 1e30, math.MaxFloat32, inf, -inf, nan}
	var want []float32
	for _, v := range in {
		m := min(math.Abs(float64(v)), math.MaxFloat32)
		want = append(want, float32(math.Copysign(math.Log1p(m), float64(v))))
	}
	requireFloats(t, want, single(t, encoder.Log1p{}, x, floats(in...)).Values[0].Floats)
	requireFloats(t, []float32{float32(math.Log1p(100)), -float32(math.Log1p(100)), float32(math.Log1p(99)), nan},
		single(t, encoder.Log1p{Max: 100}, x, floats(1e9, -inf, 99, nan)).Values[0].Floats)
}

func TestBucketsAreIntervalsClosedBelow(t *testing.T) {
	e := encoder.Buckets{Boundaries: []float32{-1, 0, 2.5}}
	require.Equal(t, []uint64{0, 1, 1, 2, 2, 3, 3, 4, 4, 4},
		single(t, e, x, floats(nan, -inf, -1.5, -1, -0.5, 0, 2, 2.5, 3, inf)).Values[0].IDs)
	rng := rand.New(rand.NewPCG(1, 1))
	for n := range 40 {
		e := encoder.Buckets{Boundaries: []float32{}}
		for range n {
			e.Boundaries = append(e.Boundaries, float32(rng.IntN(30)))
		}
		slices.Sort(e.Boundaries)
		e.Boundaries = slices.Compact(e.Boundaries)
		var in []float32
		var want []uint64
		for range 100 {
			v, below := float32(rng.IntN(64))/2, uint64(0)
			for _, b := range e.Boundaries {
				if b <= v {
					below++
				}
			}
			in, want = append(in, v), append(want, 1+below)
		}
		require.Equal(t, want, single(t, e, x, floats(in...)).Values[0].IDs)
	}
}

func fit(t *testing.T, e encoder.Encoder, columns []recsys.Column, values ...encoder.Values) encoder.Encoder {
	t.Helper()
	set, err := encoder.NewSet(encoder.Config{Inputs: columns, Steps: []encoder.Step{{Name: "out", From: encoder.Names(columns), Encoder: e}}})
	require.NoError(t, err)
	require.False(t, set.Fitted())
	n := max(len(values[0].Floats)/max(columns[0].Dim, 1), len(values[0].IDs))
	set, err = set.Fit(t.Context(), encoder.One(&encoder.Rows{Len: n, Columns: columns, Values: values}), encoder.FitConfig{})
	require.NoError(t, err)
	require.True(t, set.Fitted())
	return set.Steps()[0].Encoder
}

// Source: numpy.quantile([1, 2, 3, 4, 10], [0.25, 0.5, 0.75]) is [2, 3, 4] (Hyndman and Fan's definition 7).
func TestBucketsFitQuantiles(t *testing.T) {
	require.Equal(t, encoder.Buckets{Count: 4, Boundaries: []float32{2, 3, 4}},
		fit(t, encoder.Buckets{Count: 4}, x, floats(10, 3, nan, 2, inf, 4, 1, -inf)))
	require.Equal(t, encoder.Buckets{Count: 4, Boundaries: []float32{1.75, 2.5, 3.25}}, fit(t, encoder.Buckets{Count: 4}, x, floats(4, 1, 3, 2)))
	require.Equal(t, encoder.Buckets{Boundaries: []float32{7}}, fit(t, encoder.Buckets{}, x, floats(7, 7, 7)), "equal quantiles count once")
	var all []float32
	for i := range 1001 {
		all = append(all, float32(i))
	}
	require.Equal(t, []float32{100, 200, 300, 400, 500, 600, 700, 800, 900}, fit(t, encoder.Buckets{}, x, floats(all...)).(encoder.Buckets).Boundaries)
}

func TestStandardFitsMomentsAsTwoPassesDo(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	columns := []recsys.Column{vec("x", 3)}
	var in []float32
	for range 5000 {
		in = append(in, 1e4+rng.Float32(), odd(rng), 5)
	}
	e := fit(t, encoder.Standard{}, columns, floats(in...)).(encoder.Standard)
	for j := range 3 {
		var n, sum, squares float64
		for i := j; i < len(in); i += 3 {
			if v := float64(in[i]); v-v == 0 {
				n, sum = n+1, sum+v
			}
		}
		for i := j; i < len(in); i += 3 {
			if v := float64(in[i]); v-v == 0 {
				squares += (v - sum/n) * (v - sum/n)
			}
		}
		require.InEpsilon(t, sum/n, e.Mean[j], 1e-12)
		if j == 2 {
			require.Equal(t, 1.0, e.Deviation[j], "a constant column has deviation 1")
			continue
		}
		require.InEpsilon(t, math.Sqrt(squares/n), e.Deviation[j], 1e-10)
	}
}

func TestScalesOfOddNumbers(t *testing.T) {
	in := floats(3, 7, 1, nan, inf, -inf, math.MaxFloat32)
	requireFloats(t, []float32{0, 2, -1, nan, nan, nan, math.MaxFloat32 / 2},
		single(t, encoder.Standard{Mean: []float64{3}, Deviation: []float64{2}}, x, in).Values[0].Floats)
	requireFloats(t, []float32{0, 1.5, -1, nan, 1.5, -1.5, 1.5},
		single(t, encoder.Standard{Mean: []float64{3}, Deviation: []float64{2}, Clip: 1.5}, x, in).Values[0].Floats)
	requireFloats(t, []float32{0, 1.5, -1, nan, 1.5, -1.5, 1.5},
		single(t, encoder.Robust{Median: []float64{3}, Range: []float64{2}, Clip: 1.5}, x, in).Values[0].Floats)
	requireFloats(t, []float32{math.MaxFloat32, -math.MaxFloat32},
		single(t, encoder.Standard{Mean: []float64{0}, Deviation: []float64{1e-30}}, x, floats(1e20, -1e20)).Values[0].Floats)
	requireFloats(t, []float32{0.5, 1, 0, nan, 1, 0, 1},
		single(t, encoder.MinMax{Min: []float64{1}, Max: []float64{5}}, x, in).Values[0].Floats)
	requireFloats(t, []float32{0, 1, 0, nan, 1, 0, 1},
		single(t, encoder.MinMax{Min: []float64{3}, Max: []float64{3}}, x, in).Values[0].Floats)
}

func TestMinMaxAndRobustFit(t *testing.T) {
	columns := []recsys.Column{vec("x", 2)}
	in := floats(1, 7, 2, 7, 3, nan, inf, 7, 10, 7, 4, -inf)
	require.Equal(t, encoder.MinMax{Min: []float64{1, 7}, Max: []float64{10, 7}}, fit(t, encoder.MinMax{}, columns, in))
	require.Equal(t, encoder.Robust{Median: []float64{3, 7}, Range: []float64{2, 1}}, fit(t, encoder.Robust{}, columns, in))
}

func TestOneHotAndMultiHot(t *testing.T) {
	in := ids(5, 9, 0, 7)
	require.Equal(t, []float32{1, 0, 0, 1, 0, 0, 0, 0}, single(t, encoder.OneHot{Categories: []uint64{5, 9}}, id, in).Values[0].Floats)
	require.Equal(t, []float32{1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1},
		single(t, encoder.OneHot{Categories: []uint64{5, 9}, Other: true}, id, in).Values[0].Floats)

	tags := encoder.List("tag", 3)
	got := single(t, encoder.MultiHot{Categories: []uint64{5, 9, 2}, Other: true}, tags, ids(5, 0, 7), ids(5, 0, 9), ids(2, 0, 1<<63))
	require.Equal(t, []float32{
		1, 0, 1, 0, // 5 twice and 2
		0, 0, 0, 0, // empty
		0, 1, 0, 1, // 9 and two others
	}, got.Values[0].Floats)
	got = single(t, encoder.MultiHot{Buckets: 4, Seed: 6}, []recsys.Column{vec("words", 3)}, floats(0, 8, 1, 0, 0, 0))
	want := make([]float32, 8)
	want[encoder.Bucket(encoder.HashIDs(6, 7), 4)] = 1
	want[encoder.Bucket(encoder.HashIDs(6, 0), 4)] = 1
	require.Equal(t, want, got.Values[0].Floats)
}

func TestHotEncodersFitTheMostFrequent(t *testing.T) {
	require.Equal(t, encoder.OneHot{Max: 3, Categories: []uint64{9, 0, 4}}, fit(t, encoder.OneHot{Max: 3}, id, ids(5, 9, 9, 4, 0, 0, 9, 4, 5)),
		"4 and 5 are as frequent as 0: the smaller ID first")
	require.Equal(t, encoder.MultiHot{Max: 5, Categories: []uint64{3, 1}}, fit(t, encoder.MultiHot{Max: 5}, encoder.List("t", 2), ids(3, 0, 3), ids(0, 0, 1)))
	got := single(t, encoder.OneHot{Max: 3, Other: true}, id, ids(5, 5, 6))
	require.Equal(t, []float32{1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0}, got.Values[0].Floats, "a component stays empty")
}

func TestEmbeddingOfUnknownIDs(t *testing.T) {
	table, err := encoder.NewTable([]uint64{7, 0, 9}, []float32{1, 2, 3, 4, 8, 9}, 2)
	require.NoError(t, err)
	in := ids(9, 0, 5)
	for _, c := range []struct {
		e    encoder.Embedding
		want []float32
	}{
		{encoder.Embedding{Table: table}, []float32{8, 9, 3, 4, 0, 0}},
		{encoder.Embedding{Table: table, Unknown: encoder.UnknownMean}, []float32{8, 9, 3, 4, 4, 5}},
		{encoder.Embedding{Table: table, Unknown: encoder.UnknownRow, UnknownID: 7}, []float32{8, 9, 3, 4, 1, 2}},
	} {
		require.Equal(t, c.want, single(t, c.e, id, in).Values[0].Floats, c.e.Unknown.String())
	}
	dense, err := encoder.NewTable(nil, []float32{1, 2, 3, 4}, 2)
	require.NoError(t, err)
	require.Equal(t, []float32{3, 4, 0, 0, 0, 0}, single(t, encoder.Embedding{Table: dense}, id, ids(1, 2, 1<<63)).Values[0].Floats)
}

// naivePool is Pooling over lists, in float64.
func naivePool(e encoder.Pooling, lists [][]uint64, weights [][]float32) []float32 {
	var all []float32
	for i, list := range lists {
		sum, total, none := make([]float64, e.Table.Dim()), 0.0, true
		for j, v := range list {
			w := 1.0
			if e.Weighted {
				w = float64(weights[i][j])
			}
			row := e.Table.Row(v - 1)
			if v == 0 || !(w > 0 && w <= math.MaxFloat32) {
				continue
			}
			if row == nil {
				switch e.Unknown {
				case encoder.UnknownZero:
					continue
				case encoder.UnknownRow:
					row = e.Table.Row(e.UnknownID)
				case encoder.UnknownMean:
					row = make([]float32, e.Table.Dim())
					for k := range row {
						m := 0.0
						for r := range e.Table.Len() {
							m += float64(e.Table.Row(uint64(r))[k])
						}
						row[k] = float32(m / float64(e.Table.Len()))
					}
				}
			}
			total += w
			for k, x := range row {
				if e.Pool == encoder.PoolMax {
					sum[k] = cmp.Or(max(sum[k], float64(x)), 0)
					if none {
						sum[k] = float64(x)
					}
				} else {
					sum[k] += w * float64(x)
				}
			}
			none = false
		}
		for k := range sum {
			if e.Pool == encoder.PoolMean && total > 0 {
				sum[k] /= total
			}
			all = append(all, float32(sum[k]))
		}
	}
	return all
}

func TestPoolingIsThatOfANaiveLoop(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	dense := table(t, nil, 20, 5)
	for _, pool := range []encoder.Pool{encoder.PoolMean, encoder.PoolSum, encoder.PoolMax} {
		for _, unknown := range []encoder.Unknown{encoder.UnknownZero, encoder.UnknownMean, encoder.UnknownRow} {
			for _, weighted := range []bool{false, true} {
				if weighted && pool == encoder.PoolMax {
					continue
				}
				e := encoder.Pooling{Table: dense, Pool: pool, Weighted: weighted, Unknown: unknown, UnknownID: 3}
				const n, places = 200, 6
				var lists [][]uint64
				var weights [][]float32
				var flat, flatWeights []float32
				for range n {
					list, ws := make([]uint64, places), make([]float32, places)
					for j := range list {
						list[j], ws[j] = rng.Uint64N(25), rng.Float32()*2
						if rng.IntN(6) == 0 {
							ws[j] = odd(rng)
						}
						if ws[j] > 1e3 && ws[j] < inf {
							ws[j] = 1e3
						}
						flat, flatWeights = append(flat, float32(list[j])), append(flatWeights, ws[j])
					}
					lists, weights = append(lists, list), append(weights, ws)
				}
				columns, values := []recsys.Column{vec("ids", places)}, []encoder.Values{floats(flat...)}
				if weighted {
					columns, values = append(columns, vec("w", places)), append(values, floats(flatWeights...))
				}
				want := naivePool(e, lists, weights)
				for i, got := range single(t, e, columns, values...).Values[0].Floats {
					require.InDelta(t, want[i], got, 1e-5*(1+math.Abs(float64(want[i]))), "%v %v %v value %d", pool, unknown, weighted, i)
				}
			}
		}
	}
}

func TestPoolingOfIDColumns(t *testing.T) {
	table, err := encoder.NewTable([]uint64{7, 1 << 60, 9}, []float32{1, 2, 3, 4, 8, 9}, 2)
	require.NoError(t, err)
	columns := append(encoder.List("t", 2), recsys.Column{Name: "w0"}, recsys.Column{Name: "w1"})
	got := single(t, encoder.Pooling{Table: table, Weighted: true}, columns,
		ids(7, 0, 9, 7), ids(1<<60, 9, 9, 5), floats(1, 1, 3, 2), floats(3, 2, 1, 9))
	require.Equal(t, []float32{2.5, 3.5, 8, 9, 8, 9, 1, 2}, got.Values[0].Floats)
}

func TestPoolingThatRunsOverIsClipped(t *testing.T) {
	table, err := encoder.NewTable(nil, []float32{math.MaxFloat32, -math.MaxFloat32}, 2)
	require.NoError(t, err)
	set, err := encoder.NewSet(encoder.Config{Inputs: encoder.List("t", 2), Steps: []encoder.Step{
		{Name: "sum", From: []string{"t.0", "t.1"}, Encoder: encoder.Pooling{Table: table, Pool: encoder.PoolSum, Unknown: encoder.UnknownRow}},
	}})
	require.NoError(t, err)
	out := apply(t, set, &encoder.Rows{Len: 1, Columns: encoder.List("t", 2), Values: []encoder.Values{ids(1), ids(1)}})
	require.Equal(t, []float32{math.MaxFloat32, -math.MaxFloat32}, out.Values[0].Floats)
	require.Equal(t, encoder.Counts{Rows: 1, Unknown: 2, Clipped: 2}, set.Stats()["sum"])
}

func TestRateOfCounts(t *testing.T) {
	columns := []recsys.Column{{Name: "s"}, {Name: "n"}}
	set, err := encoder.NewSet(encoder.Config{Inputs: columns, Steps: []encoder.Step{
		{Name: "rate", From: []string{"s", "n"}, Encoder: encoder.Rate{Alpha: 1, Beta: 3}},
	}})
	require.NoError(t, err)
	out := apply(t, set, &encoder.Rows{Len: 8, Columns: columns, Values: []encoder.Values{
		floats(0, 5, 0.5, nan, 9, inf, -2, 3), floats(0, 16, 4, nan, 4, 16, 4, -1),
	}})
	requireFloats(t, []float32{0.25, 0.3, 1.5 / 8, 0.25, 5. / 8, 1. / 20, 1. / 8, 0.25}, out.Values[0].Floats)
	// 9 of 4 and 3 of -1 are clipped, the latter in both counts.
	require.Equal(t, encoder.Counts{Rows: 8, NaN: 2, Inf: 1, Clipped: 4}, set.Stats()["rate"])
}

func TestRateFitsTheCountsOfItsRows(t *testing.T) {
	s, n := counts(t, tumors)
	var a, b []float32
	for i := range s {
		a, b = append(a, float32(s[i])), append(b, float32(n[i]))
	}
	a, b = append(a, nan, 1), append(b, 5, 0)
	columns := []recsys.Column{{Name: "s"}, {Name: "n"}}
	for method, want := range map[encoder.RateMethod]func(s, n []float64) (float64, float64, error){
		encoder.MaximumLikelihood: encoder.FitBeta, encoder.Moments: encoder.FitBetaMoments,
	} {
		e := fit(t, encoder.Rate{Method: method}, columns, floats(a...), floats(b...)).(encoder.Rate)
		// A NaN stands for no successes, as it does at serving; without trials nothing is said.
		alpha, beta, err := want(append(slices.Clone(s), 0), append(slices.Clone(n), 5))
		require.NoError(t, err)
		require.Equal(t, encoder.Rate{Alpha: alpha, Beta: beta, Method: method}, e)
	}
}

func TestCyclicIsWhatTheCalendarSays(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	columns := []recsys.Column{{Name: "t", Kind: recsys.ID}}
	for _, offset := range []time.Duration{0, time.Hour, -14 * time.Hour, 14 * time.Hour, 5*time.Hour + 45*time.Minute} {
		var in []uint64
		for range 400 {
			in = append(in, uint64(rng.Int64N(18e9)-9e9))
		}
		for _, at := range []string{"2024-02-29T23:59:59Z", "2024-12-31T00:00:00Z", "2000-01-01T00:00:00Z", "1900-03-01T00:00:00Z", "1969-12-31T23:59:59Z"} {
			v, err := time.Parse(time.RFC3339, at)
			require.NoError(t, err)
			in = append(in, uint64(v.Unix()))
		}
		for _, period := range []encoder.Period{encoder.Day, encoder.Week, encoder.Year} {
			out := single(t, encoder.Cyclic{Period: period, Offset: offset}, columns, ids(in...))
			for i, sec := range in {
				at := time.Unix(int64(sec), 0).In(time.FixedZone("", int(offset.Seconds())))
				var part float64
				switch period {
				case encoder.Day:
					part = float64(at.Hour()*3600+at.Minute()*60+at.Second()) / 86400
				case encoder.Week:
					part = float64((at.Weekday()+6)%7) / 7
				case encoder.Year:
					part = float64(at.YearDay()-1) / float64(time.Date(at.Year(), 12, 31, 0, 0, 0, 0, time.UTC).YearDay())
				}
				s, c := math.Sincos(2 * math.Pi * part)
				require.InDelta(t, s, out.Values[0].Floats[i], 1e-7, "%v %v", period, at)
				require.InDelta(t, c, out.Values[1].Floats[i], 1e-7, "%v %v", period, at)
			}
		}
	}
}

func TestCyclicOfTimesThatCannotBeTold(t *testing.T) {
	columns := []recsys.Column{{Name: "t", Kind: recsys.ID}}
	out := single(t, encoder.Cyclic{Unit: time.Nanosecond}, columns, ids(1<<63, math.MaxInt64, 1<<63+1))
	requireFloats(t, []float32{nan}, out.Values[0].Floats[:1])
	require.True(t, out.Values[0].Floats[1] == out.Values[0].Floats[1] && out.Values[0].Floats[2] == out.Values[0].Floats[2])
	out = single(t, encoder.Cyclic{Offset: 14 * time.Hour}, columns, ids(1e10, math.MaxInt64))
	requireFloats(t, []float32{nan, nan}, out.Values[0].Floats)
}

// With the names hour and weekday the columns are those of features.RequestTime.
// The edge of what nanoseconds tell is the same day offline as at serving.
func TestCyclicOfTheFirstAndLastTimesIsAsServed(t *testing.T) {
	set, err := encoder.NewSet(encoder.Config{Steps: []encoder.Step{{Name: "day", Encoder: encoder.Cyclic{}}}})
	require.NoError(t, err)
	for at, told := range map[time.Time]bool{
		time.Date(1677, 12, 31, 23, 59, 59, 999_999_999, time.UTC): false,
		time.Date(1678, 1, 1, 0, 0, 0, 0, time.UTC):                true,
		time.Date(2261, 12, 31, 23, 59, 59, 0, time.UTC):           true,
		time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC):                false,
	} {
		offline := encoder.NewRows(set.Columns(), 1)
		require.NoError(t, set.Apply(context.Background(), offline, &encoder.Rows{Len: 1, Time: []int64{at.UnixNano()}}))
		source, err := set.Bind(new(recsys.Schema))
		require.NoError(t, err)
		online := recsys.NewBlock(set.Columns(), recsys.PerRequest, 1)
		require.NoError(t, source.Hydrate(context.Background(), recsys.NewQuery(&recsys.Request{Now: at, K: 1}, nil, "set"), nil, online))
		for j, v := range online.FloatRow(0) {
			require.Equal(t, math.Float32bits(v), math.Float32bits(offline.Values[j].Floats[0]), "%v", at)
			require.Equal(t, told, v == v, "%v", at)
		}
	}
}

func TestCyclicIsRequestTime(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for _, offset := range []time.Duration{0, time.Hour, -13 * time.Hour, 14 * time.Hour} {
		set, err := encoder.NewSet(encoder.Config{Steps: []encoder.Step{
			{Name: "hour", Encoder: encoder.Cyclic{Offset: offset}},
			{Name: "weekday", Encoder: encoder.Cyclic{Period: encoder.Week, Offset: offset}},
		}})
		require.NoError(t, err)
		source := features.RequestTime{Offset: offset}
		require.Equal(t, source.Columns(), set.Columns())
		schema, err := recsys.NewSchema(recsys.SchemaConfig{})
		require.NoError(t, err)
		bound, err := set.Bind(schema)
		require.NoError(t, err)
		for i := range 500 {
			now := time.Unix(0, rng.Int64()-1<<62)
			if i == 0 {
				now = time.Time{}
			}
			q := recsys.NewQuery(&recsys.Request{K: 1, Now: now}, schema, "test")
			want, got := recsys.NewBlock(set.Columns(), recsys.PerRequest, 1), recsys.NewBlock(set.Columns(), recsys.PerRequest, 1)
			require.NoError(t, source.Hydrate(t.Context(), q, nil, want))
			require.NoError(t, bound.Hydrate(t.Context(), q, nil, got))
			requireFloats(t, want.Float, got.Float)
		}
	}
}
