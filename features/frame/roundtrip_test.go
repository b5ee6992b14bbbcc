package frame_test

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/features/frame"
)

var allKinds = []frame.Field{
	{Name: "f64", Kind: frame.Float64},
	{Name: "f32", Kind: frame.Float32},
	{Name: "i", Kind: frame.Int64},
	{Name: "u", Kind: frame.Uint64},
	{Name: "s", Kind: frame.String},
	{Name: "t", Kind: frame.Time},
	{Name: "v", Kind: frame.Vector, Dim: 3},
	{Name: ` odd, "name"`, Kind: frame.String},
}

var strange = []string{
	"", "NA", "NaN", "null", "?", "a,b", `"`, `""`, " x", "x\t", "\r", "\n", "\r\n", "\ufeffx", "x;y", "naïve", "\x00", "\xff", "-",
}

// random returns rows of every kind with missing values, extreme numbers and strange text.
func random(rng *rand.Rand, rows int) *frame.Frame {
	f, err := frame.New(allKinds...)
	if err != nil {
		panic(err)
	}
	for range rows {
		for j := range f.Columns {
			c := &f.Columns[j]
			if rng.IntN(4) == 0 {
				c.AppendMissing()
				continue
			}
			bits := rng.Uint64() >> (rng.UintN(2) * rng.UintN(64))
			x := math.Float64frombits(bits)
			if math.IsNaN(x) {
				x = math.Inf(1 - 2*int(bits&1))
			}
			switch c.Kind {
			case frame.Float64:
				c.Float64 = append(c.Float64, x)
			case frame.Float32:
				c.Float32 = append(c.Float32, float32(x))
			case frame.Int64, frame.Time:
				c.Int64 = append(c.Int64, int64(bits))
			case frame.Uint64:
				c.Uint64 = append(c.Uint64, bits)
			case frame.String:
				c.String = append(c.String, strange[rng.IntN(len(strange))])
			case frame.Vector:
				c.Float32 = append(c.Float32, float32(x), 0, -1.5)
			}
		}
		f.Rows++
	}
	return f
}

func TestCSVWrittenIsReadBackToTheBit(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, comma := range []byte{0, '\t', ';', '.', '-', '1', 'N'} {
		for _, n := range []int{0, 1, 2, 300} {
			want := random(rng, n)
			var b bytes.Buffer
			w, err := frame.NewCSVWriter(&b, want.Fields(), frame.CSVWriterConfig{Comma: comma})
			require.NoError(t, err)
			written, err := frame.Copy(w, frame.NewReader(want, 7))
			require.NoError(t, err)
			require.EqualValues(t, n, written)
			r, err := frame.NewCSVReader(&b, frame.CSVConfig{Comma: comma, Fields: want.Fields(), ChunkRows: 13})
			require.NoError(t, err, "%q", comma)
			got, err := frame.ReadAll(r)
			require.NoError(t, err, "%q", comma)
			requireSame(t, want, got)
		}
	}
}

// requireSame compares what both frames say, to the bit.
func requireSame(t testing.TB, want, got *frame.Frame) {
	t.Helper()
	require.NoError(t, got.Validate())
	require.Equal(t, want.Fields(), got.Fields())
	require.Equal(t, want.Rows, got.Rows)
	require.Equal(t, rows(want), rows(got))
	for j := range want.Columns {
		w, g := &want.Columns[j], &got.Columns[j]
		for i := range w.Float64 {
			require.Equal(t, math.Float64bits(w.Float64[i]), math.Float64bits(g.Float64[i]))
		}
		for i := range w.Float32 {
			require.Equal(t, math.Float32bits(w.Float32[i]), math.Float32bits(g.Float32[i]))
		}
	}
}

func TestCSVOfOneColumnKeepsMissingRows(t *testing.T) {
	f, err := frame.New(frame.Field{Name: "", Kind: frame.String})
	require.NoError(t, err)
	c := &f.Columns[0]
	c.AppendMissing()
	c.String = append(c.String, "", "x")
	f.Rows = 3
	var b bytes.Buffer
	w, err := frame.NewCSVWriter(&b, f.Fields(), frame.CSVWriterConfig{})
	require.NoError(t, err)
	_, err = frame.Copy(w, frame.NewReader(f, 0))
	require.NoError(t, err)
	require.Equal(t, "\"\"\nNA\n\"\"\nx\n", b.String())
	r, err := frame.NewCSVReader(&b, frame.CSVConfig{})
	require.NoError(t, err)
	got, err := frame.ReadAll(r)
	require.NoError(t, err)
	requireSame(t, f, got)
}

func TestCSVWriterRefusesWhatIsNoTableOfItsColumns(t *testing.T) {
	a, b := frame.Field{Name: "a"}, frame.Field{Name: "b"}
	var out bytes.Buffer
	w, err := frame.NewCSVWriter(&out, []frame.Field{a}, frame.CSVWriterConfig{})
	require.NoError(t, err)
	for want, f := range map[string]*frame.Frame{
		`column 0 is b float64; want a float64`:                 {Columns: []frame.Column{{Field: b}}},
		`rows of 0 columns (none) where there are 1 ("a")`:      {},
		`column "a", float64, has 0 values for 1 rows; want 1`:  {Columns: []frame.Column{{Field: a}}, Rows: 1},
		`column "a" is float64 and has 1 values of kind string`: {Columns: []frame.Column{{Field: a, String: []string{""}}}},
		`column "a": row 70 of 0 is marked as missing`:          {Columns: []frame.Column{{Field: a, Missing: []uint64{0, 1 << 6}}}},
		`Rows is -1; want >= 0`:                                 {Rows: -1},
	} {
		require.ErrorContains(t, w.Write(f), want)
	}
	_, err = frame.NewCSVWriter(&out, nil, frame.CSVWriterConfig{})
	require.ErrorContains(t, err, "without columns")
	_, err = frame.NewCSVWriter(&out, []frame.Field{a}, frame.CSVWriterConfig{Comma: ' '})
	require.ErrorContains(t, err, "Comma is ' '")
}
