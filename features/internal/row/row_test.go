package row_test

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/internal/row"
	"github.com/recsyskit/recsys/internal/race"
)

var at = time.Unix(1_700_000_000, 123456789).UTC()

func newView() *features.View {
	return &features.View{Name: "item.stats", Columns: []features.Column{
		{Name: "ctr", Default: new(float32(3))},
		{Name: "emb", Kind: recsys.Vector, Dim: 70},
		{Name: "creator", Kind: recsys.ID},
		{Name: "price"},
		{Name: "brand", Kind: recsys.ID},
	}}
}

func newCodec(t testing.TB, f row.Format) *row.Codec {
	c, err := row.New(newView(), f)
	require.NoError(t, err)
	return c
}

// random returns a row whose numbers half precision holds exactly.
func random(src *rand.Rand) features.Row {
	r := features.Row{Key: src.Uint64(), Time: at.Add(time.Duration(src.Int64N(1e18))), IDs: []uint64{src.Uint64(), src.Uint64()}}
	if src.IntN(4) == 0 {
		r.Time = time.Time{}
	}
	for range 2 {
		r.Floats = append(r.Floats, float32(src.IntN(4001)-2000)/8)
	}
	if src.IntN(4) == 0 {
		r.Floats[src.IntN(2)] = float32(math.NaN())
	}
	for range 70 {
		r.Vectors = append(r.Vectors, float32(src.IntN(4001)-2000)/1024)
	}
	return r
}

func bitsOf(v []float32) []uint32 {
	out := make([]uint32, len(v))
	for i, x := range v {
		if out[i] = math.Float32bits(x); x != x {
			out[i] = 0x7fc00000
		}
	}
	return out
}

func requireSame(t testing.TB, want, got features.Row) {
	require.Equal(t, want.Key, got.Key)
	require.True(t, want.Time.Equal(got.Time))
	require.Equal(t, want.IDs, got.IDs)
	require.Equal(t, bitsOf(want.Floats), bitsOf(got.Floats))
	require.Equal(t, bitsOf(want.Vectors), bitsOf(got.Vectors))
}

func pack(t testing.TB, c *row.Codec, r *features.Row) []byte {
	nano, err := c.Check(r)
	require.NoError(t, err)
	return c.Append(nil, r, nano)
}

func TestRowsComeBackInEitherFormat(t *testing.T) {
	src := rand.New(rand.NewPCG(1, 2))
	codecs := []*row.Codec{newCodec(t, row.Float32), newCodec(t, row.Float16)}
	for range 300 {
		want := random(src)
		for _, w := range codecs {
			b := pack(t, w, &want)
			require.Len(t, b, w.Size())
			for _, c := range codecs { // a reader takes both formats
				var got features.Row
				require.Equal(t, row.OK, c.Row(want.Key, b, &got))
				requireSame(t, want, got)

				out := recsys.NewBlock(newView().Served(), recsys.PerItem, 3)
				nano, s := c.Read(want.Key, b, out, 1)
				require.Equal(t, row.OK, s)
				if want.Time.IsZero() {
					require.EqualValues(t, row.Undated, nano)
				} else {
					require.Equal(t, want.Time.UnixNano(), nano)
				}
				require.Equal(t, bitsOf(want.Floats), bitsOf(out.FloatRow(1)))
				require.Equal(t, bitsOf(want.Vectors), bitsOf(out.VectorAt(0, 1)))
				require.Equal(t, want.IDs, []uint64{out.ID[0][1], out.ID[1][1]})
				clean := recsys.NewBlock(newView().Served(), recsys.PerItem, 3)
				for _, i := range []int{0, 2} {
					require.Equal(t, bitsOf(clean.FloatRow(i)), bitsOf(out.FloatRow(i)), "the rows beside are untouched")
					require.Equal(t, clean.VectorAt(0, i), out.VectorAt(0, i))
				}
			}
		}
	}
}

// The bytes of format 1 and 2 never change: rows that are stored must stay readable.
func TestPackedBytesStayWhatTheyWere(t *testing.T) {
	v := &features.View{Name: "v", Columns: []features.Column{{Name: "a"}, {Name: "b", Kind: recsys.ID}}}
	for f, want := range map[row.Format]string{
		row.Float32: "f701" + goldenHash + "15cd853dfe9c9717" + "5f30" + "0700000000000000" + "0000c03f",
		row.Float16: "f702" + goldenHash + "15cd853dfe9c9717" + "184f" + "0700000000000000" + "003e",
	} {
		c, err := row.New(v, f)
		require.NoError(t, err)
		b := pack(t, c, &features.Row{Key: 42, Time: at, Floats: []float32{1.5}, IDs: []uint64{7}})
		require.Equal(t, want, hex.EncodeToString(b))
	}
}

const goldenHash = "fb77a69997afd2a1"

func TestForeignBytesAreNamedAndNotRead(t *testing.T) {
	c := newCodec(t, row.Float32)
	r := random(rand.New(rand.NewPCG(3, 4)))
	good := pack(t, c, &r)
	change := func(f func(b []byte) []byte) []byte { return f(slices.Clone(good)) }
	other := *newView()
	other.Columns = other.Columns[1:]
	another, err := row.New(&other, row.Float32)
	require.NoError(t, err)
	r2 := r
	r2.Floats = r.Floats[:1]
	for name, test := range map[string]struct {
		b    []byte
		want row.Status
	}{
		"nothing":         {nil, row.Foreign},
		"text":            {[]byte(`{"ctr": 0.1, "creator": 12, "price": 3}`), row.Foreign},
		"head alone":      {good[:row.HeadBytes-1], row.Foreign},
		"other columns":   {pack(t, another, &r2), row.OtherVersion},
		"format to come":  {change(func(b []byte) []byte { b[1] = 3; return b }), row.Newer},
		"other format":    {change(func(b []byte) []byte { b[1] = 2; return b }), row.Corrupt},
		"cut":             {good[:len(good)-1], row.Corrupt},
		"longer":          {append(slices.Clone(good), 0), row.Corrupt},
		"other time":      {change(func(b []byte) []byte { b[row.TimeStart]++; return b }), row.Corrupt},
		"flip in a float": {change(func(b []byte) []byte { b[len(b)-1] ^= 1; return b }), row.Corrupt},
		"flip in the sum": {change(func(b []byte) []byte { b[row.TimeEnd] ^= 1; return b }), row.Corrupt},
	} {
		t.Run(name, func(t *testing.T) {
			out := recsys.NewBlock(newView().Served(), recsys.PerItem, 1)
			_, s := c.Read(r.Key, test.b, out, 0)
			require.Equal(t, test.want, s, s.String())
			require.Equal(t, recsys.NewBlock(newView().Served(), recsys.PerItem, 1).ID, out.ID)
			var got features.Row
			require.Equal(t, test.want, c.Row(r.Key, test.b, &got))
			require.Zero(t, got)
		})
	}
	out := recsys.NewBlock(newView().Served(), recsys.PerItem, 1)
	_, s := c.Read(r.Key+1, good, out, 0)
	require.Equal(t, row.Corrupt, s, "a row under another key")
}

func TestHalfPrecisionRefusesWhatItCannotHold(t *testing.T) {
	c := newCodec(t, row.Float16)
	r := random(rand.New(rand.NewPCG(5, 6)))
	r.Floats[1] = 65519
	b := pack(t, c, &r)
	var got features.Row
	require.Equal(t, row.OK, c.Row(r.Key, b, &got))
	require.EqualValues(t, 65504, got.Floats[1])
	for _, v := range []float32{65520, -65520, math.MaxFloat32} {
		r.Floats[1] = v
		_, err := c.Check(&r)
		var bad *features.RowError
		require.ErrorAs(t, err, &bad)
		require.Equal(t, "price", bad.Column)
		r.Floats[1] = 0
		r.Vectors[69] = v
		_, err = c.Check(&r)
		require.ErrorAs(t, err, &bad)
		require.Equal(t, "emb", bad.Column)
		r.Vectors[69] = 0
	}
	_, err := newCodec(t, row.Float32).Check(&features.Row{Key: 1})
	require.Error(t, err)
}

func TestVerifiedRowsReadAsOthersDo(t *testing.T) {
	src := rand.New(rand.NewPCG(11, 12))
	c := newCodec(t, row.Float32)
	for _, f := range []row.Format{row.Float32, row.Float16} {
		for range 100 {
			r := random(src)
			b := pack(t, newCodec(t, f), &r)
			require.Equal(t, row.OK, c.Verify(r.Key, b))
			require.Equal(t, row.Corrupt, c.Verify(r.Key+1, b))
			want := recsys.NewBlock(newView().Served(), recsys.PerItem, 2)
			got := recsys.NewBlock(newView().Served(), recsys.PerItem, 2)
			at, _ := c.Read(r.Key, b, want, 1)
			require.Equal(t, at, c.ReadVerified(b, got, 1))
			require.Equal(t, bitsOf(want.Float), bitsOf(got.Float))
			require.Equal(t, want.ID, got.ID)
			require.Equal(t, want.Vector, got.Vector)
		}
	}
	require.Equal(t, row.Foreign, c.Verify(1, nil))
}

func TestReadAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	for _, f := range []row.Format{row.Float32, row.Float16} {
		c := newCodec(t, f)
		r := random(rand.New(rand.NewPCG(7, 8)))
		b := pack(t, c, &r)
		out := recsys.NewBlock(newView().Served(), recsys.PerItem, 1)
		require.Zero(t, testing.AllocsPerRun(100, func() { c.Read(r.Key, b, out, 0) }))
		buf := make([]byte, 0, c.Size())
		require.Zero(t, testing.AllocsPerRun(100, func() { c.Append(buf[:0], &r, 1) }))
	}
}

// What reads is written back to the same bytes, and nothing panics.
func FuzzRow(f *testing.F) {
	c := newCodec(f, row.Float32)
	half := newCodec(f, row.Float16)
	r := random(rand.New(rand.NewPCG(9, 10)))
	f.Add(r.Key, pack(f, c, &r))
	f.Add(r.Key, pack(f, half, &r))
	f.Add(uint64(1), []byte{row.Magic})
	f.Fuzz(func(t *testing.T, key uint64, b []byte) {
		out := recsys.NewBlock(newView().Served(), recsys.PerItem, 1)
		nano, s := c.Read(key, b, out, 0)
		var got features.Row
		if s2 := c.Row(key, b, &got); s2 != s {
			t.Fatalf("Read says %v, Row says %v", s, s2)
		}
		if s != row.OK {
			return
		}
		w := c
		if b[row.FormatAt] == byte(row.Float16) {
			w = half
		}
		again := w.Append(nil, &got, int64(binary.LittleEndian.Uint64(b[row.TimeStart:])))
		for i := row.HeadBytes; i < len(b); i++ { // a NaN may lose its payload in half precision
			if again[i] != b[i] && w == c {
				t.Fatalf("byte %d is %x; was %x", i, again[i], b[i])
			}
		}
		if int64(binary.LittleEndian.Uint64(again[row.TimeStart:])) != nano {
			t.Fatal("time")
		}
	})
}
