package frame_test

import (
	"bytes"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/features/frame"
)

const svmText = "2 qid:7 1:0.5 3:-1e2 # best\n\n# a comment\n0 qid:7 2:nan\n-1 qid:8\n"

func readSVM(t testing.TB, text string, cfg frame.LibSVMConfig) *frame.Frame {
	t.Helper()
	r, err := frame.NewLibSVMReader(strings.NewReader(text), cfg)
	require.NoError(t, err)
	f, err := frame.ReadAll(r)
	require.NoError(t, err)
	require.NoError(t, f.Validate())
	return f
}

func TestLibSVMColumns(t *testing.T) {
	for _, c := range []struct {
		cfg         frame.LibSVMConfig
		names, want string
	}{
		{frame.LibSVMConfig{}, "label qid f0 f1 f2 f3", "2 7 0 0.5 0 -100\n0 7 0 0 - 0\n-1 8 0 0 0 0\n"},
		{frame.LibSVMConfig{OneBased: true, Group: "g"}, "label g f1 f2 f3", "2 7 0.5 0 -100\n0 7 0 - 0\n-1 8 0 0 0\n"},
		{frame.LibSVMConfig{Columns: 5, AbsentIsMissing: true}, "label qid f0 f1 f2 f3 f4", "2 7 - 0.5 - -100 -\n0 7 - - - - -\n-1 8 - - - - -\n"},
		{frame.LibSVMConfig{OneBased: true, Vector: "v"}, "label qid v", "2 7 [0.5 0 -100]\n0 7 [0 NaN 0]\n-1 8 [0 0 0]\n"},
	} {
		for _, chunk := range []int{0, 1, 2} {
			c.cfg.ChunkRows = chunk
			f := readSVM(t, svmText, c.cfg)
			var names []string
			for _, x := range f.Fields() {
				names = append(names, x.Name)
			}
			require.Equal(t, c.names, strings.Join(names, " "))
			require.Equal(t, c.want, rows(f))
		}
	}
	require.Equal(t, "1\n", rows(readSVM(t, "1\n", frame.LibSVMConfig{Vector: "v"})))
	require.Zero(t, readSVM(t, "", frame.LibSVMConfig{}).Rows)
	require.Equal(t, "1 0\nNaN 0\n", strings.ReplaceAll(rows(readSVM(t, "1\nnan\n", frame.LibSVMConfig{Columns: 1})), "-", "NaN"))
}

func TestLibSVMErrors(t *testing.T) {
	for text, want := range map[string]string{
		"1 1:2\nx 1:2\n": `t.svm:2: field "label": "x": want a number`,
		"1 1:2 1:3\n":    `t.svm:1: field "index": "1": comes twice`,
		"1 qid:1\n1\n":   `t.svm:2: field "qid": some lines have one`,
		"1 9:1\n":        `t.svm:1: field "index:value": "9:1": want an index within 4 columns`,
	} {
		for _, columns := range []int{0, 4} {
			if columns == 0 && strings.Contains(want, "within") {
				continue
			}
			r, err := frame.NewLibSVMReader(strings.NewReader(text), frame.LibSVMConfig{Name: "t.svm", Columns: columns})
			if err == nil {
				_, err = frame.ReadAll(r)
			}
			require.ErrorContains(t, err, want, "%q", text)
		}
	}
	_, err := frame.NewLibSVMReader(strings.NewReader(""), frame.LibSVMConfig{Columns: -1})
	require.ErrorContains(t, err, "Columns is -1")
	_, err = frame.NewLibSVMReader(strings.NewReader("1 qid:2\n"), frame.LibSVMConfig{Label: "x", Group: "x"})
	require.ErrorContains(t, err, `column "x" comes twice`)
}

// A wide row must not make chunks of gigabytes.
func TestLibSVMChunksAreBounded(t *testing.T) {
	r, err := frame.NewLibSVMReader(strings.NewReader(strings.Repeat("1 1000000:1\n", 40)), frame.LibSVMConfig{})
	require.NoError(t, err)
	var chunk frame.Frame
	require.NoError(t, r.Next(&chunk))
	require.Equal(t, 16, chunk.Rows)
}

func TestLibSVMWrittenIsReadBack(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	f, err := frame.New(
		frame.Field{Name: "f1", Kind: frame.Float32}, frame.Field{Name: "g", Kind: frame.Uint64},
		frame.Field{Name: "y", Kind: frame.Float32}, frame.Field{Name: "f2", Kind: frame.Float32},
	)
	require.NoError(t, err)
	for range 200 {
		f.Columns[1].Uint64 = append(f.Columns[1].Uint64, rng.Uint64())
		for _, j := range []int{0, 2, 3} {
			c := &f.Columns[j]
			switch rng.IntN(4) {
			case 0:
				c.AppendMissing()
			case 1:
				c.Float32 = append(c.Float32, 0)
			case 2:
				c.Float32 = append(c.Float32, float32(math.Copysign(0, -1)))
			default:
				c.Float32 = append(c.Float32, rng.Float32()-0.5)
			}
		}
		f.Rows++
	}
	for _, absent := range []bool{false, true} {
		var b bytes.Buffer
		w, err := frame.NewLibSVMWriter(&b, f.Fields(), frame.LibSVMWriterConfig{Label: "y", Group: "g", OneBased: true, AbsentIsMissing: absent})
		require.NoError(t, err)
		_, err = frame.Copy(w, frame.NewReader(f, 0))
		require.NoError(t, err)
		got := readSVM(t, b.String(), frame.LibSVMConfig{Label: "y", Group: "g", OneBased: true, Columns: 2, AbsentIsMissing: absent})
		back, err := frame.Select(frame.NewReader(got, 0), "f1", "g", "y", "f2")
		require.NoError(t, err)
		all, err := frame.ReadAll(back)
		require.NoError(t, err)
		requireSame(t, f, all)
	}
}

// The bit says that a label is missing, whatever stands in its place.
func TestLibSVMWriterKnowsMissingLabelsByTheirBit(t *testing.T) {
	f, err := frame.New(frame.Field{Name: "label", Kind: frame.Float32}, frame.Field{Name: "x", Kind: frame.Float32})
	require.NoError(t, err)
	f.Columns[0].Float32, f.Columns[1].Float32, f.Rows = []float32{1, 1}, []float32{2, 3}, 2
	f.Columns[0].SetMissing(1)
	var b bytes.Buffer
	w, err := frame.NewLibSVMWriter(&b, f.Fields(), frame.LibSVMWriterConfig{})
	require.NoError(t, err)
	_, err = frame.Copy(w, frame.NewReader(f, 0))
	require.NoError(t, err)
	require.Equal(t, "1 0:2\nNaN 0:3\n", b.String())
}

func TestLibSVMWriterRefuses(t *testing.T) {
	label, group := frame.Field{Name: "label", Kind: frame.Float32}, frame.Field{Name: "g", Kind: frame.Uint64}
	_, err := frame.NewLibSVMWriter(io.Discard, []frame.Field{group}, frame.LibSVMWriterConfig{})
	require.ErrorContains(t, err, `no column "label" (columns: "g")`)
	_, err = frame.NewLibSVMWriter(io.Discard, []frame.Field{label, group}, frame.LibSVMWriterConfig{})
	require.ErrorContains(t, err, "column g uint64 cannot be libsvm")
	w, err := frame.NewLibSVMWriter(io.Discard, []frame.Field{label, group}, frame.LibSVMWriterConfig{Group: "g"})
	require.NoError(t, err)
	f, err := frame.New(label, group)
	require.NoError(t, err)
	f.Rows = 1
	f.Columns[0].Float32 = []float32{float32(math.Inf(1))}
	f.Columns[1].AppendMissing()
	require.ErrorContains(t, w.Write(f), `column "label", row 0 of the chunk: is infinite`)
	f.Columns[0].Float32[0] = 1
	require.ErrorContains(t, w.Write(f), `column "g", row 0 of the chunk: has no value`)
}
