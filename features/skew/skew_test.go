package skew_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/features/frame"
	"github.com/recsyskit/recsys/features/skew"
)

var fields = []frame.Field{
	{Name: "id", Kind: frame.Uint64},
	{Name: "price", Kind: frame.Float32},
	{Name: "ctr", Kind: frame.Float64},
	{Name: "clicks", Kind: frame.Int64},
	{Name: "at", Kind: frame.Time},
	{Name: "brand", Kind: frame.String},
	{Name: "creator", Kind: frame.Uint64},
	{Name: "vec", Kind: frame.Vector, Dim: 4},
}

// table returns rows; plant may change each before it is added.
func table(rows int, plant func(f *frame.Frame, i int, rng *rand.Rand)) *frame.Frame {
	rng, other := rand.New(rand.NewPCG(1, 2)), rand.New(rand.NewPCG(3, 4))
	f, err := frame.New(fields...)
	if err != nil {
		panic(err)
	}
	for i := range rows {
		missing := rng.IntN(10) == 0
		for j := range f.Columns {
			c := &f.Columns[j]
			x := rng.ExpFloat64()
			if missing && j == 1 {
				c.AppendMissing()
				continue
			}
			switch c.Kind {
			case frame.Float64:
				c.Float64 = append(c.Float64, x)
			case frame.Float32:
				c.Float32 = append(c.Float32, float32(x))
			case frame.Int64, frame.Time:
				c.Int64 = append(c.Int64, int64(x*100))
			case frame.String:
				c.String = append(c.String, string(rune('a'+int(x*3)%20)))
			case frame.Uint64:
				if j == 0 {
					x = float64(i)
				}
				c.Uint64 = append(c.Uint64, uint64(x*7))
			case frame.Vector:
				for range 4 {
					c.Float32 = append(c.Float32, rng.Float32())
				}
			}
		}
		f.Rows++
		if plant != nil {
			plant(f, i, other)
		}
	}
	return f
}

const rows = 20_000

func compare(t testing.TB, logged, rejoined *frame.Frame, cfg skew.Config) *skew.Report {
	t.Helper()
	r, err := skew.Compare(context.Background(), frame.NewReader(logged, 97), frame.NewReader(rejoined, 1000), cfg)
	require.NoError(t, err)
	return r
}

func column(t testing.TB, r *skew.Report, name string) skew.Column {
	t.Helper()
	for _, c := range r.Columns {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("no column %q", name)
	return skew.Column{}
}

func TestNoSkewIsZeroEverywhere(t *testing.T) {
	r := compare(t, table(rows, nil), table(rows, nil), skew.Config{Keys: []string{"id"}})
	require.Equal(t, skew.OK, r.Verdict)
	require.EqualValues(t, rows, r.Rows)
	require.Len(t, r.Columns, len(fields)-1)
	for _, c := range r.Columns {
		require.Zero(t, c.Mismatch, c.Name)
		require.Zero(t, c.PSI, c.Name)
		require.Zero(t, c.MaxDiff, c.Name)
		require.True(t, c.KS == 0 || math.IsNaN(c.KS), c.Name)
		require.Equal(t, c.LoggedMissing, c.RejoinedMissing, c.Name)
		require.Nil(t, c.Example, c.Name)
		require.Empty(t, c.Reasons, c.Name)
	}
	require.InDelta(t, 0.1, column(t, r, "price").LoggedMissing, 0.01)
}

func TestPlantedSkewIsFoundWhereItIs(t *testing.T) {
	for name, c := range map[string]struct {
		column string
		plant  func(f *frame.Frame, i int, rng *rand.Rand)
		check  func(t *testing.T, c skew.Column)
	}{
		"a scale": {
			"price", func(f *frame.Frame, i int, _ *rand.Rand) { f.Columns[1].Float32[i] *= 1.5 },
			func(t *testing.T, c skew.Column) {
				require.InDelta(t, 0.9, c.Mismatch, 0.01)
				require.Greater(t, c.KS, 0.1)
				require.Greater(t, c.PSI, 0.05)
				require.Equal(t, c.LoggedMissing, c.RejoinedMissing)
			},
		},
		"rows that are shifted keep their distribution": {
			"ctr", func(f *frame.Frame, i int, _ *rand.Rand) {
				if i > 0 {
					f.Columns[2].Float64[i], f.Columns[2].Float64[i-1] = f.Columns[2].Float64[i-1], f.Columns[2].Float64[i]
				}
			},
			func(t *testing.T, c skew.Column) {
				require.Greater(t, c.Mismatch, 0.99)
				require.Less(t, c.PSI, 0.02)
				require.Less(t, c.KS, 0.02)
			},
		},
		"values that get lost": {
			"clicks", func(f *frame.Frame, i int, rng *rand.Rand) {
				if rng.IntN(5) == 0 {
					f.Columns[3].Int64[i] = 0
					f.Columns[3].SetMissing(i)
				}
			},
			func(t *testing.T, c skew.Column) {
				require.Zero(t, c.LoggedMissing)
				require.InDelta(t, 0.2, c.RejoinedMissing, 0.01)
				require.InDelta(t, 0.2, c.Mismatch, 0.01)
				require.Less(t, c.PSI, 0.01, "those that are there have moved little")
			},
		},
		"a leak of a few rows": {
			"at", func(f *frame.Frame, i int, rng *rand.Rand) {
				if rng.IntN(200) == 0 {
					f.Columns[4].Int64[i]++
				}
			},
			func(t *testing.T, c skew.Column) {
				require.InDelta(t, 0.005, c.Mismatch, 0.002)
				require.Equal(t, 1.0, c.MaxDiff)
				require.NotNil(t, c.Example)
			},
		},
		"another vocabulary": {
			"brand", func(f *frame.Frame, i int, _ *rand.Rand) {
				f.Columns[5].String[i] = strings.ToUpper(f.Columns[5].String[i])
			},
			func(t *testing.T, c skew.Column) {
				require.Equal(t, 1.0, c.Mismatch)
				require.Greater(t, c.PSI, 1.0)
				require.True(t, math.IsNaN(c.KS))
			},
		},
		"another hash": {
			"creator", func(f *frame.Frame, i int, _ *rand.Rand) { f.Columns[6].Uint64[i] += 1 << 40 },
			func(t *testing.T, c skew.Column) { require.Greater(t, c.PSI, 1.0) },
		},
		"one component of a vector": {
			"vec", func(f *frame.Frame, i int, _ *rand.Rand) { f.Columns[7].VectorRow(i)[2] += 2 },
			func(t *testing.T, c skew.Column) {
				require.Equal(t, 1.0, c.Mismatch)
				require.InDelta(t, 2, c.MaxDiff, 1e-6)
				require.Greater(t, c.KS, 0.9)
			},
		},
		"a constant": {
			"ctr", func(f *frame.Frame, i int, _ *rand.Rand) { f.Columns[2].Float64[i] = 0.5 },
			func(t *testing.T, c skew.Column) { require.Greater(t, c.PSI, 1.0) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := compare(t, table(rows, nil), table(rows, c.plant), skew.Config{Keys: []string{"id"}})
			require.Equal(t, skew.Skew, r.Verdict)
			require.Equal(t, c.column, r.Columns[0].Name, "the worst comes first")
			require.NotEmpty(t, r.Columns[0].Reasons)
			c.check(t, r.Columns[0])
			for _, other := range r.Columns[1:] {
				require.Equal(t, skew.OK, other.Verdict, other.Name)
			}
			again := compare(t, table(rows, nil), table(rows, c.plant), skew.Config{Keys: []string{"id"}})
			var a, b bytes.Buffer
			require.NoError(t, r.WriteHTML(&a))
			require.NoError(t, again.WriteHTML(&b))
			require.Equal(t, a.String(), b.String())
		})
	}
}

func TestToleranceIsRelativeAboveOne(t *testing.T) {
	field := frame.Field{Name: "x", Kind: frame.Float64}
	a := &frame.Frame{Columns: []frame.Column{{Field: field, Float64: []float64{1000, 0.5, math.Inf(1), math.NaN()}}}, Rows: 4}
	b := &frame.Frame{Columns: []frame.Column{{Field: field, Float64: []float64{1000.9, 0.5009, math.Inf(1), math.NaN()}}}, Rows: 4}
	for _, c := range []struct {
		tolerance, want float64
	}{{0.001, 0}, {0.0008, 0.5}, {0, 0.5}} {
		require.Equal(t, c.want, compare(t, a, b, skew.Config{Tolerance: c.tolerance}).Columns[0].Mismatch)
	}
	r := compare(t, a, b, skew.Config{Tolerance: 1, Tolerances: map[string]float64{"x": 0}})
	require.Equal(t, 0.5, r.Columns[0].Mismatch)
	require.Equal(t, 0.25, r.Columns[0].LoggedMissing, "NaN is no value")
}

// one returns a table of a single column, x.
func one(c frame.Column, rows int) *frame.Frame {
	c.Name = "x"
	return &frame.Frame{Columns: []frame.Column{c}, Rows: rows}
}

// A file that was read back may have int64 where there was uint64. IDs are still equal or not, and near IDs are not equal.
func TestIntegersOfBothSignsMustBeEqual(t *testing.T) {
	const id = 4_000_000_000
	logged := one(frame.Column{Field: frame.Field{Kind: frame.Uint64}, Uint64: []uint64{id, id, math.MaxUint64, 5}}, 4)
	rejoined := one(frame.Column{Field: frame.Field{Kind: frame.Int64}, Int64: []int64{id, id + 3, -1, 5}}, 4)
	for _, r := range []*skew.Report{compare(t, logged, rejoined, skew.Config{}), compare(t, rejoined, logged, skew.Config{})} {
		c := r.Columns[0]
		require.Equal(t, 0.5, c.Mismatch)
		require.Equal(t, int64(1), c.Example.Row)
		require.Equal(t, float64(1<<64), c.MaxDiff)
	}
}

// Nanoseconds since 1970 are beyond what floats tell apart.
func TestLargestDifferenceOfTimesIsExact(t *testing.T) {
	const now = 1_700_000_000_000_000_000
	at := func(v ...int64) *frame.Frame {
		return one(frame.Column{Field: frame.Field{Kind: frame.Time}, Int64: v}, len(v))
	}
	require.Equal(t, 7.0, compare(t, at(now, -now), at(now+1, -now+7), skew.Config{}).Columns[0].MaxDiff)
	require.Equal(t, 12.0, compare(t, at(-5), at(7), skew.Config{}).Columns[0].MaxDiff)
}

func TestNaNInAVectorDoesNotHideTheLargestDifference(t *testing.T) {
	vectors := func(v ...float32) *frame.Frame {
		return one(frame.Column{Field: frame.Field{Kind: frame.Vector, Dim: 2}, Float32: v}, len(v)/2)
	}
	nan := float32(math.NaN())
	c := compare(t, vectors(1, 2, 1, 2), vectors(1, nan, 1, 5), skew.Config{}).Columns[0]
	require.Equal(t, 1.0, c.Mismatch)
	require.Equal(t, 3.0, c.MaxDiff)
}

func TestToleranceOfNoColumnIsAnError(t *testing.T) {
	f := table(3, nil)
	_, err := skew.Compare(context.Background(), frame.NewReader(f, 0), frame.NewReader(f, 0), skew.Config{Tolerances: map[string]float64{"prise": 1, "price": 1}})
	require.EqualError(t, err, `skew: Config.Tolerances names "prise", which neither the log nor the re-join has`)
}

func TestDriftIsBelowSkew(t *testing.T) {
	plant := func(f *frame.Frame, i int, _ *rand.Rand) {
		if i%2000 == 0 {
			f.Columns[3].Int64[i]++
		}
	}
	r := compare(t, table(rows, nil), table(rows, plant), skew.Config{Keys: []string{"id"}})
	require.Equal(t, skew.Drift, r.Verdict)
	require.Equal(t, 0.0005, r.Columns[0].Mismatch)
	r = compare(t, table(rows, nil), table(rows, plant), skew.Config{Keys: []string{"id"}, Mismatch: 0.01})
	require.Equal(t, skew.OK, r.Verdict)
}

// Worked by hand: deciles of 1..10; all values of the other side are above them.
func TestPSIAndKSByHand(t *testing.T) {
	field := frame.Field{Name: "x", Kind: frame.Float64}
	a := &frame.Frame{Columns: []frame.Column{{Field: field, Float64: []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}}}, Rows: 10}
	b := &frame.Frame{Columns: []frame.Column{{Field: field, Float64: []float64{1, 2, 3, 4, 5, 16, 17, 18, 19, 20}}}, Rows: 10}
	c := compare(t, a, b, skew.Config{}).Columns[0]
	require.Equal(t, 0.5, c.KS)
	require.Len(t, c.Bins, 12)
	// Smoothed counts, of 16: 6..10 have 1.5 and 0.5, above 10 there are 0.5 and 5.5.
	want := 5*(1.0/16)*math.Log(3) + (5.0/16)*math.Log(11)
	require.InDelta(t, want, c.PSI, 1e-12)
}

func TestRowsThatDoNotCorrespondAreAnError(t *testing.T) {
	long, short := table(300, nil), table(299, nil)
	run := func(a, b *frame.Frame, keys ...string) error {
		_, err := skew.Compare(context.Background(), frame.NewReader(a, 50), frame.NewReader(b, 60), skew.Config{Keys: keys})
		return err
	}
	require.EqualError(t, run(long, short), "skew: row 299: a row in the log, the end in the re-join; want the same rows in the same order")
	require.EqualError(t, run(short, long), "skew: row 299: the end in the log, a row in the re-join; want the same rows in the same order")
	moved := table(300, nil)
	moved.Columns[0].Uint64[7] = 5
	var typed *skew.RowError
	err := run(long, moved, "id")
	require.ErrorAs(t, err, &typed)
	require.EqualError(t, err, `skew: row 7: key "id" is 49 in the log, 5 in the re-join; want the same rows in the same order`)
}

func TestErrors(t *testing.T) {
	f := table(5, nil)
	run := func(cfg skew.Config, other *frame.Frame) error {
		_, err := skew.Compare(context.Background(), frame.NewReader(f, 0), frame.NewReader(other, 0), cfg)
		return err
	}
	for want, cfg := range map[string]skew.Config{
		"Tolerance is -1":                        {Tolerance: -1},
		"PSI is NaN":                             {PSI: math.NaN()},
		"Sample is -1":                           {Sample: -1},
		`Tolerances["x"] is -1`:                  {Tolerances: map[string]float64{"x": -1}},
		`skew: the log: no column "x"`:           {Keys: []string{"x"}},
		`skew: the log: no column "y" (columns:`: {Columns: []string{"y"}},
	} {
		require.ErrorContains(t, run(cfg, f), want)
	}
	g, err := frame.New(frame.Field{Name: "price", Kind: frame.String}, frame.Field{Name: "new"})
	require.NoError(t, err)
	require.ErrorContains(t, run(skew.Config{}, g), `column "price" is price float32 in the log and price string in the re-join`)
	require.ErrorContains(t, run(skew.Config{Columns: []string{"ctr"}}, g), `skew: the re-join: no column "ctr"`)

	broken := errors.New("broken")
	_, err = skew.Compare(context.Background(), failing{frame.NewReader(f, 2), broken}, frame.NewReader(f, 0), skew.Config{})
	require.ErrorIs(t, err, broken)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = skew.Compare(ctx, frame.NewReader(f, 0), frame.NewReader(f, 0), skew.Config{})
	require.ErrorIs(t, err, context.Canceled)
}

// failing gives one chunk and then an error.
type failing struct {
	frame.Reader
	err error
}

func (r failing) Next(chunk *frame.Frame) error {
	if chunk.Rows > 0 {
		chunk.Reset()
		return r.err
	}
	return r.Reader.Next(chunk)
}

// endless makes rows without holding them.
type endless struct{ left int }

func (r *endless) Fields() []frame.Field { return []frame.Field{{Name: "x", Kind: frame.Float64}} }

func (r *endless) Next(chunk *frame.Frame) error {
	if len(chunk.Columns) == 0 {
		chunk.Columns = []frame.Column{{Field: r.Fields()[0]}}
	}
	chunk.Reset()
	if r.left == 0 {
		return io.EOF
	}
	for ; r.left > 0 && chunk.Rows < 1000; r.left-- {
		chunk.Columns[0].Float64 = append(chunk.Columns[0].Float64, float64(r.left%97))
		chunk.Rows++
	}
	return nil
}

func TestMemoryIsBounded(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r, err := skew.Compare(context.Background(), &endless{left: 1_000_000}, &endless{left: 1_000_000}, skew.Config{Sample: 1000})
	require.NoError(t, err)
	runtime.ReadMemStats(&after)
	require.EqualValues(t, 1_000_000, r.Rows)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20), "a column of a million rows is 8 MB")
}

// The sample is of all rows, not of the first ones.
func TestSampleCoversTheTable(t *testing.T) {
	field := frame.Field{Name: "x", Kind: frame.Float64}
	a, b := &frame.Frame{Columns: []frame.Column{{Field: field}}, Rows: 50_000}, &frame.Frame{Columns: []frame.Column{{Field: field}}, Rows: 50_000}
	for i := range a.Rows {
		a.Columns[0].Float64 = append(a.Columns[0].Float64, float64(i))
		b.Columns[0].Float64 = append(b.Columns[0].Float64, float64(i)+float64(i/25_000*100_000))
	}
	c := compare(t, a, b, skew.Config{Sample: 2000}).Columns[0]
	require.InDelta(t, 0.5, c.KS, 4*math.Sqrt(0.25/2000))
}

func TestReportsEscapeNamesAndAreWellFormed(t *testing.T) {
	const evil = "<script>alert(1)</script>\"'&\n\x00"
	f, err := frame.New(frame.Field{Name: evil, Kind: frame.String})
	require.NoError(t, err)
	f.Columns[0].String, f.Rows = []string{evil}, 1
	g, err := frame.New(frame.Field{Name: evil, Kind: frame.String}, frame.Field{Name: "only", Kind: frame.String})
	require.NoError(t, err)
	g.Columns[0].String, g.Columns[1].String, g.Rows = []string{"y"}, []string{""}, 1
	r := compare(t, f, g, skew.Config{})
	require.Equal(t, []string{"only"}, r.OnlyRejoined)
	var page, text bytes.Buffer
	require.NoError(t, r.WriteHTML(&page))
	require.NotContains(t, page.String(), "<script")
	require.NotContains(t, page.String(), "http")
	require.Contains(t, page.String(), "&lt;script&gt;")
	body := page.String()
	d := xml.NewDecoder(strings.NewReader(body[strings.Index(body, "<body>"):strings.Index(body, "</html>")]))
	for {
		if _, err := d.Token(); err == io.EOF {
			break
		} else {
			require.NoError(t, err)
		}
	}
	require.NoError(t, r.WriteText(&text))
	require.Equal(t, 4, strings.Count(text.String(), "\n"), "%s", text.String())
}

// A threshold belongs to what it parts from the rest: from there on, to the last row.
func TestThresholdsHoldFromTheirValueOn(t *testing.T) {
	numbers := func(missing, different int) *frame.Frame {
		c := frame.Column{Field: frame.Field{Kind: frame.Float64}}
		for i := range 1000 {
			switch {
			case i < missing:
				c.AppendMissing()
			case i < missing+different:
				c.Float64 = append(c.Float64, float64(i%10)+1e-3)
			default:
				c.Float64 = append(c.Float64, float64(i%10))
			}
		}
		return one(c, 1000)
	}
	for _, c := range []struct {
		missing, different int
		cfg                skew.Config
		want               skew.Verdict
		reason             string
	}{
		{110, 0, skew.Config{Mismatch: 1}, skew.Skew, "missing 0.01 (skew: 0.01)"}, // 0.11 - 0.1 is less than 0.01
		{109, 0, skew.Config{Mismatch: 1}, skew.Drift, "missing 0.009 (skew: 0.01)"},
		{104, 0, skew.Config{Mismatch: 1}, skew.Drift, "missing 0.004 (skew: 0.01)"},
		{103, 0, skew.Config{Mismatch: 1}, skew.OK, ""},
		{100, 20, skew.Config{Mismatch: 0.02, KS: 1}, skew.Skew, "mismatch 0.02 (skew: 0.02)"},
		{100, 19, skew.Config{Mismatch: 0.02, KS: 1}, skew.Drift, "mismatch 0.019 (skew: 0.02)"},
		{100, 7, skew.Config{Mismatch: 0.02, KS: 1}, skew.OK, ""},
	} {
		col := compare(t, numbers(100, 0), numbers(c.missing, c.different), c.cfg).Columns[0]
		require.Equal(t, c.want, col.Verdict, "%+v: %q", c, col.Reasons)
		require.Contains(t, strings.Join(append(col.Reasons, ""), "\n"), c.reason)
	}
}

func TestLongTextIsCutBetweenCharacters(t *testing.T) {
	text := func(s string) *frame.Frame {
		return one(frame.Column{Field: frame.Field{Kind: frame.String}, String: []string{s}}, 1)
	}
	for n := range 4 {
		r := compare(t, text(strings.Repeat("x", n)+strings.Repeat("\u20ac", 30)), text(""), skew.Config{})
		var page, plain bytes.Buffer
		require.NoError(t, r.WriteHTML(&page))
		require.NoError(t, r.WriteText(&plain))
		require.True(t, utf8.Valid(page.Bytes()), "%q", page.Bytes())
		require.True(t, utf8.Valid(plain.Bytes()), "%q", plain.Bytes())
	}
}

// Where nothing was compared nothing is said to be in order: not in a report, nor in a column of it.
func TestNothingToCompareIsNotOK(t *testing.T) {
	numbers := func(values ...float64) *frame.Frame {
		c := frame.Column{Field: frame.Field{Kind: frame.Float64}}
		for _, v := range values {
			if v < 0 {
				c.AppendMissing()
			} else {
				c.Float64 = append(c.Float64, v)
			}
		}
		return one(c, len(values))
	}
	check := func(r *skew.Report, reason string) {
		t.Helper()
		require.Equal(t, skew.Empty, r.Verdict)
		require.NotEqual(t, skew.OK, r.Verdict)
		var page, text bytes.Buffer
		require.NoError(t, r.WriteHTML(&page))
		require.NoError(t, r.WriteText(&text))
		require.Contains(t, page.String(), `<h1>Feature skew: <span class="empty">nothing to compare</span></h1>`)
		require.True(t, strings.HasPrefix(text.String(), "nothing to compare: "), "%s", text.String())
		if reason != "" {
			require.Contains(t, page.String(), reason)
			require.Equal(t, []string{reason}, r.Columns[0].Reasons)
			require.Equal(t, skew.Empty, r.Columns[0].Verdict)
		}
	}
	check(compare(t, table(0, nil), table(0, nil), skew.Config{}), "there are no rows")
	check(compare(t, numbers(-1, -1), numbers(-1, -1), skew.Config{}), "no value on either side in 2 rows")
	check(compare(t, numbers(math.NaN()), numbers(-1), skew.Config{}), "no value on either side in 1 rows")
	check(compare(t, numbers(1), numbers(1), skew.Config{Columns: []string{}}), "")

	require.Equal(t, skew.Skew, compare(t, numbers(-1, -1), numbers(-1, 1), skew.Config{}).Verdict, "a value on one side is a difference")
	require.Equal(t, skew.OK, compare(t, numbers(-1, 1), numbers(-1, 1), skew.Config{}).Verdict)
}
