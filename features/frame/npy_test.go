package frame_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/features/frame"
)

// array returns a .npy file as numpy writes it.
func array(descr string, fortran bool, shape string, values ...any) []byte {
	order := "False"
	if fortran {
		order = "True"
	}
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': %s, 'shape': %s, }", descr, order, shape)
	for (10+len(header)+1)%64 != 0 {
		header += " "
	}
	b := []byte("\x93NUMPY\x01\x00")
	b = binary.LittleEndian.AppendUint16(b, uint16(len(header)+1))
	b = append(append(b, header...), '\n')
	w := bytes.NewBuffer(b)
	for _, v := range values {
		var to binary.ByteOrder = binary.LittleEndian
		if descr[0] == '>' {
			to = binary.BigEndian
		}
		if err := binary.Write(w, to, v); err != nil {
			panic(err)
		}
	}
	return w.Bytes()
}

func TestNPYTypes(t *testing.T) {
	for _, c := range []struct {
		data []byte
		cfg  frame.NPYConfig
		kind frame.Kind
		want string
	}{
		{array("<f8", false, "(3,)", []float64{0.1, math.NaN(), math.Inf(1)}), frame.NPYConfig{Column: "x"}, frame.Float64, "0.1\n-\n+Inf\n"},
		{array(">f4", false, "(1,)", []float32{1.5}), frame.NPYConfig{}, frame.Float32, "1.5\n"},
		{array("|i1", false, "(2,)", []int8{-1, 5}), frame.NPYConfig{}, frame.Int64, "-1\n5\n"},
		{array("<i2", false, "(1,)", []int16{-2}), frame.NPYConfig{}, frame.Int64, "-2\n"},
		{array(">i4", false, "(1,)", []int32{-3}), frame.NPYConfig{}, frame.Int64, "-3\n"},
		{array("<i8", false, "()", []int64{math.MinInt64}), frame.NPYConfig{}, frame.Int64, "-9223372036854775808\n"},
		{array("|b1", false, "(2,)", []bool{true, false}), frame.NPYConfig{}, frame.Uint64, "1\n0\n"},
		{array("<u2", false, "(1,)", []uint16{65535}), frame.NPYConfig{}, frame.Uint64, "65535\n"},
		{array("<u4", false, "(1,)", []uint32{1 << 31}), frame.NPYConfig{}, frame.Uint64, "2147483648\n"},
		{array("<u8", false, "(1,)", []uint64{math.MaxUint64}), frame.NPYConfig{}, frame.Uint64, "18446744073709551615\n"},
		{array("<M8[ns]", false, "(2,)", []int64{1700000000123456789, math.MinInt64}), frame.NPYConfig{}, frame.Time, "2023-11-14T22:13:20.123456789Z\n-\n"},
		{array("<M8[D]", false, "(1,)", []int64{19675}), frame.NPYConfig{}, frame.Time, "2023-11-14T00:00:00Z\n"},
		{array("<U3", false, "(2,)", []int32{'n', 'a', 'ï', 'x', 0, 0}), frame.NPYConfig{}, frame.String, "\"naï\"\n\"x\"\n"},
		{array("|S3", false, "(2,)", []byte("abcd\x00\x00")), frame.NPYConfig{}, frame.String, "\"abc\"\n\"d\"\n"},
		{array("<f4", false, "(2, 3)", []float32{1, 2, 3, 4, 5, 6}), frame.NPYConfig{}, frame.Vector, "[1 2 3]\n[4 5 6]\n"},
		{array("<f8", true, "(2, 3)", []float64{1, 4, 2, 5, 3, 6}), frame.NPYConfig{}, frame.Vector, "[1 2 3]\n[4 5 6]\n"},
		{array("<f8", true, "(2, 3)", []float64{1, 4, 2, 5, 3, 6}), frame.NPYConfig{Columns: []string{"a", "b", "c"}}, frame.Float64, "1 2 3\n4 5 6\n"},
		{array("<i8", false, "(2, 1)", []int64{1, 2}), frame.NPYConfig{Columns: []string{"a"}}, frame.Int64, "1\n2\n"},
		{array("<f4", true, "(2,)", []float32{1, 2}), frame.NPYConfig{}, frame.Float32, "1\n2\n"},
		{array("<f4", false, "(0, 3)"), frame.NPYConfig{}, frame.Vector, ""},
	} {
		for _, chunk := range []int{0, 1} {
			c.cfg.ChunkRows = chunk
			r, err := frame.NewNPYReader(bytes.NewReader(c.data), c.cfg)
			require.NoError(t, err, "%q", c.data)
			f, err := frame.ReadAll(r)
			require.NoError(t, err, "%q", c.data)
			require.NoError(t, f.Validate())
			require.Equal(t, c.want, rows(f))
			require.Equal(t, c.kind, f.Columns[0].Kind)
		}
	}
}

func TestNPYErrors(t *testing.T) {
	six := []float32{1, 2, 3, 4, 5, 6}
	for want, c := range map[string]struct {
		data []byte
		cfg  frame.NPYConfig
	}{
		"t.npy: npy: the array starts with":                        {[]byte("PK\x03\x04....."), frame.NPYConfig{}},
		"t.npy:2: npy: the array ends within the values":           {array("<f4", false, "(2, 3)", six[:5]), frame.NPYConfig{}},
		"npy: the array ends within the values":                    {array("<f4", true, "(2, 3)", six[:5]), frame.NPYConfig{}},
		"npy: the array goes on after its 6 values":                {array("<f4", false, "(2, 3)", six, []byte{0}), frame.NPYConfig{}},
		`npy: values of type "<c8"`:                                {array("<c8", false, "(2,)"), frame.NPYConfig{}},
		`npy: values of type "<M8[Y]"`:                             {array("<M8[Y]", false, "(2,)"), frame.NPYConfig{}},
		`npy: values of type "x"`:                                  {array("x", false, "(2,)"), frame.NPYConfig{}},
		"an array of 3 dimensions; want 1 or 2":                    {array("<f4", false, "(1, 2, 3)", six), frame.NPYConfig{}},
		"NPYConfig.Columns is for matrices":                        {array("<f4", false, "(6,)", six), frame.NPYConfig{Columns: []string{"a"}}},
		"a matrix of 3 columns; NPYConfig.Columns names 1":         {array("<f4", false, "(2, 3)", six), frame.NPYConfig{Columns: []string{"a"}}},
		`a matrix of type "<i4" is no vector of floats`:            {array("<i4", false, "(2, 3)", six), frame.NPYConfig{}},
		"a matrix without columns":                                 {array("<f4", false, "(2, 0)"), frame.NPYConfig{}},
		"a matrix of 2000000 columns; want at most 1048576":        {array("<f4", false, "(1, 2000000)"), frame.NPYConfig{}},
		"shape [2 3] is more than MaxBytes, 23":                    {array("<f4", true, "(2, 3)", six), frame.NPYConfig{MaxBytes: 23}},
		"t.npy:1: column 0: want a time from 1677 to 2262":         {array("<M8[D]", false, "(1,)", []int64{1 << 40}), frame.NPYConfig{}},
		"t.npy:2: column 1: want a number within the range of its": {array("<f8", false, "(2, 2)", []float64{1, 2, 3, 1e300}), frame.NPYConfig{}},
		"ChunkRows is -1":                                          {nil, frame.NPYConfig{ChunkRows: -1}},
	} {
		c.cfg.Name = "t.npy"
		r, err := frame.NewNPYReader(bytes.NewReader(c.data), c.cfg)
		if err == nil {
			_, err = frame.ReadAll(r)
		}
		require.ErrorContains(t, err, want)
	}
}

// A header that claims what does not come takes no memory.
func TestNPYMemoryGrowsWithWhatArrives(t *testing.T) {
	for _, fortran := range []bool{false, true} {
		r, err := frame.NewNPYReader(bytes.NewReader(array("<f4", fortran, "(60000, 1000)")), frame.NPYConfig{})
		if err == nil {
			_, err = frame.ReadAll(r)
		}
		require.ErrorContains(t, err, "ends within the values")
	}
}

func TestNPYWrittenIsReadBack(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	all := random(rng, 500)
	for j := range all.Columns {
		c := all.Columns[j]
		if c.Kind == frame.String {
			continue
		}
		if c.Kind == frame.Int64 || c.Kind == frame.Uint64 || c.Kind == frame.Vector {
			c.Missing = nil
		}
		c.Name = "value"
		want := &frame.Frame{Columns: []frame.Column{c}, Rows: all.Rows}
		file, err := os.Create(filepath.Join(t.TempDir(), "t.npy"))
		require.NoError(t, err)
		defer file.Close()
		_, err = file.WriteString("before")
		require.NoError(t, err)
		w, err := frame.NewNPYWriter(file, c.Field)
		require.NoError(t, err)
		_, err = frame.Copy(w, frame.NewReader(want, 64))
		require.NoError(t, err)
		_, err = file.Seek(6, io.SeekStart)
		require.NoError(t, err)
		r, err := frame.NewNPYReader(file, frame.NPYConfig{ChunkRows: 33})
		require.NoError(t, err)
		got, err := frame.ReadAll(r)
		require.NoError(t, err)
		requireSame(t, want, got)
	}
}

func TestNPYWriterRefuses(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "t.npy"))
	require.NoError(t, err)
	defer file.Close()
	_, err = frame.NewNPYWriter(file, frame.Field{Name: "s", Kind: frame.String})
	require.ErrorContains(t, err, "column s string has no form as .npy")
	w, err := frame.NewNPYWriter(file, frame.Field{Name: "i", Kind: frame.Int64})
	require.NoError(t, err)
	f, err := frame.New(frame.Field{Name: "i", Kind: frame.Int64})
	require.NoError(t, err)
	f.Columns[0].AppendMissing()
	f.Rows = 1
	require.ErrorContains(t, w.Write(f), `column "i", row 0 of the chunk: has no value`)
}
