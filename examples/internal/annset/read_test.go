package annset_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/examples/internal/annset"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// words returns numbers as little-endian words: float32 as their bits, ints as they are.
func words(numbers ...any) []byte {
	var b []byte
	for _, n := range numbers {
		switch n := n.(type) {
		case float64:
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(n)))
		case int:
			b = binary.LittleEndian.AppendUint32(b, uint32(int32(n)))
		}
	}
	return b
}

func file(t *testing.T, data []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(name, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func pack(data []byte) []byte {
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	zw.Write(data)
	zw.Close()
	return b.Bytes()
}

func TestReadVectors(t *testing.T) {
	prefixed := words(2, 1.0, 2.0, 2, 3.0, 4.0, 2, 5.0, 6.0)
	plain := words(1.0, 2.0, 3.0, 4.0, 5.0, 6.0)
	padded := words(2, math.NaN(), 2.0, 2, 3.0, 4.0, 2, math.Inf(1), 6.0)
	tests := []struct {
		name string
		data []byte
		dim  int
		in   annset.Range
		want []float32
	}{
		{"fvecs", prefixed, 0, annset.Range{}, []float32{1, 2, 3, 4, 5, 6}},
		{"fvecs gzip", pack(prefixed), 0, annset.Range{}, []float32{1, 2, 3, 4, 5, 6}},
		{"raw", plain, 2, annset.Range{}, []float32{1, 2, 3, 4, 5, 6}},
		{"raw gzip", pack(plain), 2, annset.Range{}, []float32{1, 2, 3, 4, 5, 6}},
		{"range", prefixed, 0, annset.Range{From: 1, To: 3}, []float32{3, 4, 5, 6}},
		{"range of raw", plain, 2, annset.Range{From: 0, To: 1}, []float32{1, 2}},
		{"outside a range nothing is checked", padded, 0, annset.Range{From: 1, To: 2}, []float32{3, 4}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v, total, err := annset.ReadVectors(file(t, tt.data), tt.dim, tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if v.Dim != 2 || !slices.Equal(v.Data, tt.want) || total != 3 || v.Rows != len(tt.want)/2 {
				t.Errorf("%d rows of %d: %v of %d, want %v of 3", v.Rows, v.Dim, v.Data, total, tt.want)
			}
		})
	}
}

func TestVectorErrorsNameFileRowAndReason(t *testing.T) {
	good := words(2, 1.0, 2.0, 2, 3.0, 4.0)
	packed := pack(bytes.Repeat(good, 1000))
	tests := []struct {
		name string
		data []byte
		dim  int
		in   annset.Range
		want string
	}{
		{"empty", nil, 0, annset.Range{}, "no rows"},
		{"empty raw", nil, 2, annset.Range{}, "no rows"},
		{"nan", words(2, 1.0, 2.0, 2, 3.0, math.NaN()), 0, annset.Range{}, "row 1: value 1 is NaN"},
		{"infinity", words(math.Inf(-1), 1.0), 2, annset.Range{}, "row 0: value 0 is -Inf"},
		{"other length", words(2, 1.0, 2.0, 3, 1.0, 2.0, 3.0), 0, annset.Range{}, "row 1: length 3, but row 0 has 2"},
		{"length zero", words(0), 0, annset.Range{}, "row 0: length 0, want 1 to"},
		{"negative length", words(-2, 1.0), 0, annset.Range{}, "row 0: length -2, want 1 to"},
		{"huge length", words(1<<30, 1.0), 0, annset.Range{}, "row 0: length 1073741824, want 1 to"},
		{"cut in a row", good[:15], 0, annset.Range{}, "row 1: the file ends after 3 of the 4 bytes of its length"},
		{"cut after a length", good[:16], 0, annset.Range{}, "row 1: the file ends after 0 of the 8 bytes of its values"},
		{"cut in values", good[:21], 0, annset.Range{}, "row 1: the file ends after 5 of the 8 bytes of its values"},
		{"raw of another length", good, 4, annset.Range{}, "row 1: the file ends after 8 of the 16 bytes of its values"},
		{"range beyond", good, 0, annset.Range{From: 1, To: 3}, "2 rows; want rows 1:3"},
		{"range after", good, 0, annset.Range{From: 7, To: 8}, "2 rows; want rows 7:8"},
		{"cut gzip", packed[:len(packed)-9], 0, annset.Range{}, "the file ends"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			name := file(t, tt.data)
			v, _, err := annset.ReadVectors(name, tt.dim, tt.in)
			checkInput(t, err, name, tt.want)
			if v.Rows != 0 || v.Data != nil {
				t.Errorf("%d rows came back with the error", v.Rows)
			}
		})
	}
}

func checkInput(t *testing.T, err error, file, want string) {
	t.Helper()
	if err == nil || !strings.HasPrefix(err.Error(), file+": ") || !strings.Contains(err.Error(), want) {
		t.Fatalf("error %v, want one of file %s with %q", err, file, want)
	}
	if code := cli.ExitCode(err); code != 2 {
		t.Errorf("exit code %d, want 2", code)
	}
}

func TestReadLists(t *testing.T) {
	for name, tt := range map[string]struct {
		data  []byte
		lists int
	}{
		"ivecs":      {words(3, 1, 2, 3, 3, 4, 5, 6), 0},
		"ivecs gzip": {pack(words(3, 1, 2, 3, 3, 4, 5, 6)), 0},
		"raw":        {words(1, 2, 3, 4, 5, 6), 2},
	} {
		l, err := annset.ReadLists(file(t, tt.data), tt.lists, 7)
		if err != nil || l.Width != 3 || l.Len() != 2 || !slices.Equal(l.Row(1), []int32{4, 5, 6}) {
			t.Errorf("%s: %+v, %v", name, l, err)
		}
	}
}

func TestListErrorsNameFileRowAndReason(t *testing.T) {
	for name, tt := range map[string]struct {
		data  []byte
		lists int
		want  string
	}{
		"empty":      {nil, 0, "no rows"},
		"empty raw":  {nil, 2, "0 ids are not 2 lists of one length"},
		"no lists":   {words(1, 2, 3), 2, "3 ids are not 2 lists of one length"},
		"too large":  {words(2, 1, 7), 0, "row 0: id 7, want ids in [0, 7)"},
		"negative":   {words(1, -1), 2, "row 1: id -1, want ids in [0, 7)"},
		"cut":        {words(2, 1, 2)[:9], 0, "row 0: the file ends after 5 of the 8 bytes"},
		"cut raw":    {words(1, 2)[:7], 2, "row 1: the file ends after 3 of the 4 bytes"},
		"two widths": {words(1, 1, 2, 1, 2), 0, "row 1: length 2, but row 0 has 1"},
	} {
		t.Run(name, func(t *testing.T) {
			f := file(t, tt.data)
			_, err := annset.ReadLists(f, tt.lists, 7)
			checkInput(t, err, f, tt.want)
		})
	}
}

func TestMissingFilesAreInputErrors(t *testing.T) {
	name := filepath.Join(t.TempDir(), "none")
	_, _, err := annset.ReadVectors(name, 0, annset.Range{})
	checkInput(t, err, name, "no such file")
	_, err = annset.ReadLists(name, 0, 1)
	checkInput(t, err, name, "no such file")
}

// errReader fails after some bytes.
type errReader struct{ data []byte }

var errDisk = errors.New("disk is broken")

func (r *errReader) Read(p []byte) (int, error) {
	if len(r.data) == 0 {
		return 0, errDisk
	}
	n := copy(p, r.data)
	r.data = r.data[n:]
	return n, nil
}

func TestReadErrorsArePassedOn(t *testing.T) {
	for cut := range 24 {
		_, _, err := annset.DecodeVectors(&errReader{words(2, 1.0, 2.0, 2, 3.0, 4.0)[:cut]}, 0, annset.Range{})
		if !errors.Is(err, errDisk) {
			t.Errorf("after %d bytes: %v", cut, err)
		}
	}
}

func FuzzDecodeVectors(f *testing.F) {
	f.Add(words(2, 1.0, 2.0, 2, 3.0, 4.0), 0, 0, 0)
	f.Add(words(2, 1.0, 2.0, 2, 3.0, 4.0)[:21], 0, 0, 0)
	f.Add(words(1.0, 2.0, 3.0, 4.0), 2, 1, 2)
	f.Add(words(1<<30, math.NaN()), 0, 0, 0)
	f.Fuzz(func(t *testing.T, data []byte, dim, from, to int) {
		if dim < 0 || dim > 1<<10 || from < 0 || to < from || to > 1<<20 {
			t.Skip()
		}
		in := annset.Range{From: from, To: to}
		if to == 0 {
			in = annset.Range{}
		}
		v, total, err := annset.DecodeVectors(bytes.NewReader(data), dim, in)
		if err != nil {
			return
		}
		if err := v.Check(); err != nil || v.Rows < 1 || v.Rows > total {
			t.Fatalf("%d rows of %d: %v", v.Rows, total, err)
		}
		var b bytes.Buffer
		if err := annset.EncodeVectors(&b, v); err != nil {
			t.Fatal(err)
		}
		if dim == 0 && in == (annset.Range{}) && !bytes.Equal(b.Bytes(), data) {
			t.Fatalf("decode and encode made %x of %x", b.Bytes(), data)
		}
		again, _, err := annset.DecodeVectors(&b, 0, annset.Range{})
		if err != nil || again.Dim != v.Dim || !slices.EqualFunc(again.Data, v.Data, sameBits) {
			t.Fatalf("encode and decode made %v of %v, %v", again.Data, v.Data, err)
		}
	})
}

func sameBits(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }

func FuzzDecodeLists(f *testing.F) {
	f.Add(words(2, 1, 2, 2, 3, 4), 0)
	f.Add(words(1, 2, 3, 4), 2)
	f.Add(words(1<<30, 1), 0)
	f.Fuzz(func(t *testing.T, data []byte, lists int) {
		if lists < 0 {
			t.Skip()
		}
		l, err := annset.DecodeLists(bytes.NewReader(data), lists, 1<<20)
		if err != nil {
			return
		}
		if lists > 0 && l.Len() != lists {
			t.Fatalf("%d lists, want %d", l.Len(), lists)
		}
		var b bytes.Buffer
		if err := annset.EncodeLists(&b, l); err != nil {
			t.Fatal(err)
		}
		again, err := annset.DecodeLists(bytes.NewReader(b.Bytes()), 0, 1<<20)
		if l.Width > 1<<16 {
			return // a list that no reader of ivecs takes
		}
		if err != nil || again.Width != l.Width || !slices.Equal(again.IDs, l.IDs) {
			t.Fatalf("encode and decode made %v of %v, %v", again, l, err)
		}
		if lists == 0 && !bytes.Equal(b.Bytes(), data) {
			t.Fatalf("decode and encode made %x of %x", b.Bytes(), data)
		}
	})
}

func TestWriteErrorsComeBack(t *testing.T) {
	w := &fullDisk{}
	if err := annset.EncodeVectors(w, vector.NewMatrix(10, 1000)); !errors.Is(err, errDisk) {
		t.Errorf("vectors: %v", err)
	}
	if err := annset.EncodeLists(w, annset.Lists{Width: 1, IDs: make([]int32, 5000)}); !errors.Is(err, errDisk) {
		t.Errorf("lists: %v", err)
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errDisk }
