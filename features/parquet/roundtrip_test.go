package parquet_test

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/features/frame"
	"github.com/recsyskit/recsys/features/parquet"
)

var allKinds = []frame.Field{
	{Name: "z", Kind: frame.Float64},
	{Name: "f32", Kind: frame.Float32},
	{Name: "i", Kind: frame.Int64},
	{Name: "u", Kind: frame.Uint64},
	{Name: "s", Kind: frame.String},
	{Name: "t", Kind: frame.Time},
	{Name: "v", Kind: frame.Vector, Dim: 3},
	{Name: "A b.\"c\"", Kind: frame.Vector, Dim: 1},
}

// random returns rows of every kind, a quarter of the values missing.
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
			bits := rng.Uint64()
			switch c.Kind {
			case frame.Float64:
				c.Float64 = append(c.Float64, math.Float64frombits(bits))
			case frame.Float32:
				c.Float32 = append(c.Float32, math.Float32frombits(uint32(bits)))
			case frame.Int64, frame.Time:
				c.Int64 = append(c.Int64, int64(bits))
			case frame.Uint64:
				c.Uint64 = append(c.Uint64, bits)
			case frame.String:
				c.String = append(c.String, []string{"", "a\"b,\n", "naïve", fmt.Sprint(bits)}[bits%4])
			case frame.Vector:
				for range c.Dim {
					c.Float32 = append(c.Float32, rng.Float32())
				}
			}
		}
		f.Rows++
	}
	return f
}

func write(t testing.TB, f *frame.Frame, cfg parquet.WriterConfig, chunk int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := parquet.NewWriter(&b, f.Fields(), cfg)
	require.NoError(t, err)
	_, err = frame.Copy(w, frame.NewReader(f, chunk))
	require.NoError(t, err)
	return b.Bytes()
}

func read(data []byte, cfg parquet.ReaderConfig) (*frame.Frame, error) {
	r, err := parquet.NewReader(bytes.NewReader(data), int64(len(data)), cfg)
	if err != nil {
		return nil, err
	}
	return frame.ReadAll(r)
}

// requireSame compares what both frames say, to the bit.
func requireSame(t testing.TB, want, got *frame.Frame) {
	t.Helper()
	require.NoError(t, got.Validate())
	require.Equal(t, want.Fields(), got.Fields())
	require.Equal(t, want.Rows, got.Rows)
	for j := range want.Columns {
		w, g := &want.Columns[j], &got.Columns[j]
		for i := range want.Rows {
			require.Equal(t, w.IsMissing(i), g.IsMissing(i), "%s, row %d", w.Name, i)
		}
		for i := range w.Float64 {
			require.True(t, w.IsMissing(i) || math.Float64bits(w.Float64[i]) == math.Float64bits(g.Float64[i]), "%s, row %d", w.Name, i)
		}
		for i := range w.Float32 {
			row := i / max(1, w.Dim)
			require.True(t, w.IsMissing(row) || math.Float32bits(w.Float32[i]) == math.Float32bits(g.Float32[i]), "%s, value %d", w.Name, i)
		}
		require.Equal(t, append([]int64{}, w.Int64...), append([]int64{}, g.Int64...), w.Name)
		require.Equal(t, append([]uint64{}, w.Uint64...), append([]uint64{}, g.Uint64...), w.Name)
		require.Equal(t, append([]string{}, w.String...), append([]string{}, g.String...), w.Name)
	}
}

func TestWrittenIsReadBackToTheBit(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for codec := parquet.Snappy; codec <= parquet.Zstd; codec++ {
		for _, n := range []int{0, 1, 2, 3000} {
			want := random(rng, n)
			data := write(t, want, parquet.WriterConfig{Compression: codec, RowGroupRows: 700, DictionaryBytes: 2000}, 333)
			got, err := read(data, parquet.ReaderConfig{ChunkRows: 256})
			require.NoError(t, err, "%v, %d rows", codec, n)
			requireSame(t, want, got)
		}
	}
}

func TestProjectionAndDeclaredKinds(t *testing.T) {
	want := random(rand.New(rand.NewPCG(3, 4)), 100)
	for i := range want.Columns[2].Int64 {
		want.Columns[2].Int64[i] &= math.MaxInt64
	}
	data := write(t, want, parquet.WriterConfig{}, 0)
	got, err := read(data, parquet.ReaderConfig{
		Columns: []string{"s", "f32", "i"},
		Fields:  []frame.Field{{Name: "f32", Kind: frame.Float64}, {Name: "i", Kind: frame.Uint64}, {Name: "u", Kind: frame.Uint64}},
	})
	require.NoError(t, err)
	require.Len(t, got.Columns, 3)
	require.Equal(t, want.Columns[4].String, got.Columns[0].String)
	for i := range want.Rows {
		if !want.Columns[1].IsMissing(i) && want.Columns[1].Float32[i] == want.Columns[1].Float32[i] {
			require.Equal(t, float64(want.Columns[1].Float32[i]), got.Columns[1].Float64[i])
		}
		require.Equal(t, uint64(want.Columns[2].Int64[i]), got.Columns[2].Uint64[i])
	}
}

func TestErrorsAreTypedAndNameTheColumn(t *testing.T) {
	data := write(t, random(rand.New(rand.NewPCG(5, 6)), 50), parquet.WriterConfig{}, 0)
	_, err := read(data, parquet.ReaderConfig{Name: "t.parquet", Columns: []string{"s", "nope"}})
	var columns *frame.ColumnError
	require.ErrorAs(t, err, &columns)
	require.ErrorContains(t, err, `t.parquet: no column "nope" (columns: "z", "f32", "i", "u", "s", "t", "v"`)
	_, err = read(data, parquet.ReaderConfig{Name: "t.parquet", Fields: []frame.Field{{Name: "s", Kind: frame.Int64}}})
	var typed *parquet.TypeError
	require.ErrorAs(t, err, &typed)
	require.EqualError(t, err, `t.parquet: column "s" is optional BYTE_ARRAY (STRING); want s int64`)
	_, err = read(data, parquet.ReaderConfig{Fields: []frame.Field{{Name: "v", Kind: frame.Vector, Dim: 4}}})
	require.ErrorContains(t, err, `column "v": row group 0: `)
	require.ErrorContains(t, err, "a list of 3 values; want 4")
	_, err = read(data, parquet.ReaderConfig{Fields: []frame.Field{{Name: "v", Kind: frame.Vector, Dim: 2}}})
	require.ErrorContains(t, err, "a list of more than 2 values; want 2")
	_, err = read(data, parquet.ReaderConfig{Fields: []frame.Field{{Name: "i", Kind: frame.Uint64}}})
	require.ErrorContains(t, err, "a negative number")
	_, err = read(data, parquet.ReaderConfig{ChunkRows: -1})
	require.ErrorContains(t, err, "ChunkRows is -1")
}

func TestForeignAndDamagedBytesAreFormatErrors(t *testing.T) {
	data := write(t, random(rand.New(rand.NewPCG(7, 8)), 200), parquet.WriterConfig{}, 0)
	for _, bad := range [][]byte{
		nil, []byte("a,b\n1,2\n"), []byte("user,item\n1,2\n3,4\n5,6\n7,8\n"), bytes.Repeat([]byte{0xff}, 100),
		[]byte("PAR1\xff\xff\xff\x7fPAR1"), data[:len(data)/2], data[:len(data)-1], data[1:],
	} {
		_, err := read(bad, parquet.ReaderConfig{Name: "t.parquet"})
		var typed *parquet.FormatError
		require.ErrorAs(t, err, &typed)
		require.ErrorIs(t, err, parquet.ErrFormat)
		require.Equal(t, "t.parquet", typed.File)
	}
	damaged := bytes.Clone(data)
	for i := 50; i < len(damaged)/3; i++ {
		damaged[i] ^= 0x55
	}
	_, err := read(damaged, parquet.ReaderConfig{})
	require.ErrorIs(t, err, parquet.ErrFormat)
}

func TestWriterRefusesWhatItCannotKeep(t *testing.T) {
	a := frame.Field{Name: "a"}
	_, err := parquet.NewWriter(io.Discard, nil, parquet.WriterConfig{})
	require.ErrorContains(t, err, "without columns")
	_, err = parquet.NewWriter(io.Discard, []frame.Field{a, a}, parquet.WriterConfig{})
	require.ErrorContains(t, err, `column "a" comes twice`)
	_, err = parquet.NewWriter(io.Discard, []frame.Field{a}, parquet.WriterConfig{Compression: 9})
	require.ErrorContains(t, err, "Compression is 9")
	_, err = parquet.NewWriter(io.Discard, []frame.Field{a}, parquet.WriterConfig{RowGroupRows: -1})
	require.ErrorContains(t, err, "RowGroupRows is -1")
	w, err := parquet.NewWriter(io.Discard, []frame.Field{a}, parquet.WriterConfig{})
	require.NoError(t, err)
	require.ErrorContains(t, w.Write(random(rand.New(rand.NewPCG(1, 1)), 1)), "where the file has [a float64]")
}

// Chunks arrive before the file was read to its end.
func TestReadingStreams(t *testing.T) {
	data := write(t, random(rand.New(rand.NewPCG(9, 9)), 1000), parquet.WriterConfig{RowGroupRows: 300}, 0)
	r, err := parquet.NewReader(bytes.NewReader(data), int64(len(data)), parquet.ReaderConfig{ChunkRows: 200})
	require.NoError(t, err)
	require.EqualValues(t, 1000, r.Rows())
	var sizes []int
	for chunk, err := range frame.Chunks(r) {
		require.NoError(t, err)
		sizes = append(sizes, chunk.Rows)
	}
	require.Equal(t, []int{200, 100, 200, 100, 200, 100, 100}, sizes)
	require.NoError(t, r.Close())
	require.Equal(t, io.EOF, r.Next(new(frame.Frame)))
}

func FuzzReader(f *testing.F) {
	f.Add(write(f, random(rand.New(rand.NewPCG(1, 1)), 20), parquet.WriterConfig{}, 0))
	f.Add(write(f, random(rand.New(rand.NewPCG(2, 2)), 3), parquet.WriterConfig{Compression: parquet.Uncompressed}, 0))
	f.Add([]byte("PAR1\x00\x00\x00\x00PAR1"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := parquet.NewReader(bytes.NewReader(data), int64(len(data)), parquet.ReaderConfig{})
		if err != nil {
			return
		}
		defer r.Close()
		var chunk frame.Frame
		for range 4 {
			if r.Next(&chunk) != nil {
				require.Zero(t, chunk.Rows)
				return
			}
			require.NoError(t, chunk.Validate())
		}
	})
}
