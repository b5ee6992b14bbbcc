package frame_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/features/frame"
)

// What is read is written and read again as the same.
func FuzzCSV(f *testing.F) {
	f.Add([]byte("a,b\n1,\"x\r\n\"\"y\"\n,NA\n"), byte(','), false)
	f.Add([]byte("\ufeffid\tat\tv\n18446744073709551615\t2023-11-14 10:00:00\t0.5\n007\t\t1e3\n"), byte('\t'), false)
	f.Add([]byte("1;2;\" 3\"\n"), byte(';'), true)
	f.Fuzz(func(t *testing.T, text []byte, comma byte, noHeader bool) {
		cfg := frame.CSVConfig{Comma: comma, NoHeader: noHeader, MaxRecord: 1 << 12, ChunkRows: 3}
		want, err := readErr(text, cfg)
		if err != nil {
			require.Nil(t, want)
			return
		}
		require.NoError(t, want.Validate())
		var b bytes.Buffer
		w, err := frame.NewCSVWriter(&b, want.Fields(), frame.CSVWriterConfig{Comma: comma})
		require.NoError(t, err)
		_, err = frame.Copy(w, frame.NewReader(want, 2))
		require.NoError(t, err)
		for j := range want.Columns { // that a NaN comes back as missing is said in the doc
			c := &want.Columns[j]
			for i, v := range c.Float64 {
				if v != v {
					c.SetMissing(i)
				}
			}
		}
		got, err := readErr(b.Bytes(), frame.CSVConfig{Comma: comma, Fields: want.Fields()})
		require.NoError(t, err, "%q", b.Bytes())
		require.Equal(t, want.Fields(), got.Fields())
		require.Equal(t, rows(want), rows(got), "%q", b.Bytes())
	})
}

func FuzzLibSVM(f *testing.F) {
	f.Add([]byte(svmText), true)
	f.Add([]byte("1 0:1\n"), false)
	f.Fuzz(func(t *testing.T, text []byte, vector bool) {
		cfg := frame.LibSVMConfig{Columns: 64}
		if vector {
			cfg.Vector = "v"
		}
		r, err := frame.NewLibSVMReader(bytes.NewReader(text), cfg)
		if err != nil {
			return
		}
		want, err := frame.ReadAll(r)
		if err != nil {
			return
		}
		require.NoError(t, want.Validate())
		out := frame.LibSVMWriterConfig{}
		if want.Columns[1].Kind == frame.Uint64 {
			out.Group = "qid"
		}
		var b bytes.Buffer
		w, err := frame.NewLibSVMWriter(&b, want.Fields(), out)
		require.NoError(t, err)
		_, err = frame.Copy(w, frame.NewReader(want, 2))
		require.NoError(t, err)
		r, err = frame.NewLibSVMReader(&b, cfg)
		require.NoError(t, err)
		got, err := frame.ReadAll(r)
		require.NoError(t, err)
		if want.Rows > 0 { // without rows nothing tells that there are groups
			require.Equal(t, rows(want), rows(got))
		}
	})
}

func FuzzNPY(f *testing.F) {
	f.Add(array("<f8", true, "(2, 3)", []float64{1, 4, 2, 5, 3, 6}))
	f.Add(array("<U3", false, "(2,)", []int32{'n', 'a', 'ï', 'x', 0, 0}))
	f.Add(array("<M8[s]", false, "(1,)", []int64{5}))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := frame.NewNPYReader(bytes.NewReader(data), frame.NPYConfig{MaxBytes: 1 << 20})
		if err != nil {
			return
		}
		got, err := frame.ReadAll(r)
		if err != nil {
			return
		}
		require.NoError(t, got.Validate())
		require.LessOrEqual(t, got.Rows, len(data))
	})
}

// The generator of the round trips makes what it says.
func TestRandomFramesHaveEveryKindAndMissingRows(t *testing.T) {
	f := random(rand.New(rand.NewPCG(9, 9)), 100)
	require.NoError(t, f.Validate())
	for j := range f.Columns {
		require.NotZero(t, f.Columns[j].MissingRows())
		require.Less(t, f.Columns[j].MissingRows(), 100)
	}
}
