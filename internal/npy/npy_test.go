package npy_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/internal/npy"
	"github.com/recsyskit/recsys/internal/reference"
)

// file returns a .npy file as numpy writes it: the header padded with spaces to a multiple
// of 64 bytes, ending in a newline.
func file(major byte, header string, values ...any) []byte {
	var b bytes.Buffer
	b.WriteString("\x93NUMPY")
	b.Write([]byte{major, 0})
	length := 2
	if major > 1 {
		length = 4
	}
	for (8+length+len(header)+1)%64 != 0 {
		header += " "
	}
	header += "\n"
	size := make([]byte, 4)
	binary.LittleEndian.PutUint32(size, uint32(len(header)))
	b.Write(size[:length])
	b.WriteString(header)
	for _, v := range values {
		var order binary.ByteOrder = binary.LittleEndian
		if strings.Contains(header, "'>") {
			order = binary.BigEndian
		}
		binary.Write(&b, order, v)
	}
	return b.Bytes()
}

func TestReadEveryLayout(t *testing.T) {
	for name, c := range map[string]struct {
		data []byte
		want npy.Array
	}{
		"float32": {
			file(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", []float32{1, 2, 3, 4, 5, 6}),
			npy.Array{Shape: []int{2, 3}, Data: []float32{1, 2, 3, 4, 5, 6}},
		},
		"float64, version 2": {
			file(2, "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }", []float64{1.5, math.Inf(1)}),
			npy.Array{Shape: []int{2}, Data: []float32{1.5, float32(math.Inf(1))}},
		},
		"big endian": {
			file(1, "{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }", []float32{1.5}),
			npy.Array{Shape: []int{1}, Data: []float32{1.5}},
		},
		"big endian float64, version 3, other order and quotes": {
			file(3, `{"shape": (1,) , 'fortran_order':True, "descr":'>f8'}`, []float64{-2}),
			npy.Array{Shape: []int{1}, Data: []float32{-2}},
		},
		"a single value": {
			file(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (), }", []float32{7}),
			npy.Array{Shape: []int{}, Data: []float32{7}},
		},
		"nothing": {
			file(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 1000000000000), }"),
			npy.Array{Shape: []int{0, 1000000000000}},
		},
		"columns first": {
			file(1, "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", []float32{1, 4, 2, 5, 3, 6}),
			npy.Array{Shape: []int{2, 3}, Data: []float32{1, 2, 3, 4, 5, 6}},
		},
		"three dimensions, the first one fastest": {
			file(1, "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2, 2), }", []float32{0, 4, 2, 6, 1, 5, 3, 7}),
			npy.Array{Shape: []int{2, 2, 2}, Data: []float32{0, 1, 2, 3, 4, 5, 6, 7}},
		},
	} {
		got, err := npy.Read(bytes.NewReader(c.data), 1<<20)
		require.NoError(t, err, name)
		require.Equal(t, c.want, got, name)
	}
}

func TestReadSaysWhatIsWrong(t *testing.T) {
	const good = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"
	six := []float32{1, 2, 3, 4, 5, 6}
	header := func(h string) []byte { return file(1, h, six) }
	for want, data := range map[string][]byte{
		"ends within the header":      {},
		"starts with \"PK\\x03\\x04":  []byte("PK\x03\x04........."),
		"format version 9.0":          file(9, good, six),
		"header of 4294967295 bytes":  []byte("\x93NUMPY\x02\x00\xff\xff\xff\xff"),
		"ends within the values":      file(1, good, six[:5]),
		"goes on after its 6 values":  file(1, good, six, []byte{0}),
		"values of type \"<i8\"":      header("{'descr': '<i8', 'fortran_order': False, 'shape': (3,), }"),
		"values of type \"|O\"":       header("{'descr': '|O', 'fortran_order': False, 'shape': (3,), }"),
		"records for values":          header("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3,), }"),
		"lacks \"shape\"":             header("{'descr': '<f4', 'fortran_order': False}"),
		"names \"descr\" twice":       header("{'descr': '<f4', 'descr': '<f4', }"),
		"has the field \"more\"":      header("{'more': '<f4', }"),
		"where a size should be":      header("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }"),
		"where \"False\" should be":   header("{'descr': '<f4', 'fortran_order': None, 'shape': (1,), }"),
		"which no memory holds":       header("{'descr': '<f4', 'fortran_order': False, 'shape': (4000000000, 4000000000, 4000000000), }"),
		"4000000000 values, of which": header("{'descr': '<f4', 'fortran_order': False, 'shape': (4000000000,), }"),
		"more than 32 dimensions":     header("{'descr': '<f4', 'fortran_order': False, 'shape': (" + strings.Repeat("1,", 33) + "), }"),
		"goes on with \"import":       header(good + " import"),
		"has \"\" where a string":     header("{"),
		"99999999999999999999,), }":   header("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }"),
		"where \"}\" should be":       header("{'descr': '<f4' 'shape': (1,)}"),
		"where a string should be":    header("{'descr"),
	} {
		_, err := npy.Read(bytes.NewReader(data), 1<<20)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "npy: ")
	}
}

// archive returns a .npz file.
func archive(t testing.TB, method uint16, files ...any) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		w, err := z.CreateHeader(&zip.FileHeader{Name: files[i].(string), Method: method})
		require.NoError(t, err)
		_, err = w.Write(files[i+1].([]byte))
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	return b.Bytes()
}

func TestArchives(t *testing.T) {
	one := file(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", []float32{1})
	two := file(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", []float32{2, 3})
	for _, method := range []uint16{zip.Store, zip.Deflate} {
		data := archive(t, method, "a.b.npy", one, "c.npy", two)
		path := filepath.Join(t.TempDir(), "weights.npz")
		require.NoError(t, os.WriteFile(path, data, 0o644))
		got, err := npy.Open(path, 12)
		require.NoError(t, err)
		require.Equal(t, map[string]npy.Array{"a.b": {Shape: []int{1}, Data: []float32{1}}, "c": {Shape: []int{2}, Data: []float32{2, 3}}}, got)
		_, err = npy.Open(path, 11)
		require.ErrorContains(t, err, path+`: npy: "c" has the shape [2]: 2 values, of which 7 bytes are not enough`)
		for n := range data {
			_, err := npy.ReadArchive(bytes.NewReader(data[:n]), int64(n), 1<<20)
			require.Error(t, err, "%d of %d bytes", n, len(data))
		}
	}
	for want, files := range map[string][]any{
		`"a" is there twice`:            {"a.npy", one, "a", one},
		`"a" ends within the values`:    {"a.npy", two[:len(two)-1]},
		`"readme.txt" starts with "hel`: {"readme.txt", []byte("hello, world")},
	} {
		data := archive(t, zip.Deflate, files...)
		_, err := npy.ReadArchive(bytes.NewReader(data), int64(len(data)), 1<<20)
		require.ErrorContains(t, err, want)
	}
	_, err := npy.Open(filepath.Join(t.TempDir(), "none"), 1)
	require.ErrorIs(t, err, os.ErrNotExist)
	damaged := archive(t, zip.Store, "a.npy", two)
	damaged[bytes.Index(damaged, []byte{0, 0, 64, 64})] ^= 1 // of a value
	_, err = npy.ReadArchive(bytes.NewReader(damaged), int64(len(damaged)), 1<<20)
	require.ErrorIs(t, err, zip.ErrChecksum)
}

// An archive of a few KB that unfolds to gigabytes must not take that memory.
func TestMemoryStaysWithinTheLimit(t *testing.T) {
	const claimed = 1 << 24 // values: 64 MiB, which deflate makes 64 KB
	bomb := append(file(1, fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%d,), }", claimed)), make([]byte, 4*claimed)...)
	data := archive(t, zip.Deflate, "a.npy", bomb)
	require.Less(t, len(data), 1<<17)
	bomb = nil
	allocated := func(data []byte, limit int64) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := npy.ReadArchive(bytes.NewReader(data), int64(len(data)), limit)
		require.Error(t, err)
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	require.Less(t, allocated(data, 1<<20), uint64(1<<20))
	// A header that claims what does not come.
	empty := archive(t, zip.Deflate, "a.npy", file(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (250000000000,), }"))
	require.Less(t, allocated(empty, 1<<40), uint64(1<<20))
}

func FuzzReadArchive(f *testing.F) {
	f.Add(archive(f, zip.Store, "a.npy", file(1, "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 1), }", []float32{1, 2}), "b.npy", file(2, "{'descr': '>f8', 'fortran_order': False, 'shape': (), }", []float64{1})))
	f.Add(archive(f, zip.Deflate, "a.npy", file(3, "{'descr': '<f8', 'fortran_order': False, 'shape': (0, 9), }")))
	f.Fuzz(func(t *testing.T, data []byte) {
		const limit = 1 << 20
		arrays, err := npy.ReadArchive(bytes.NewReader(data), int64(len(data)), limit)
		if err != nil {
			return
		}
		total := 0
		for name, a := range arrays {
			n := 1
			for _, d := range a.Shape {
				n *= d
			}
			require.Len(t, a.Data, n, name)
			total += 4 * n
		}
		require.LessOrEqual(t, total, limit)
	})
}

func FuzzRead(f *testing.F) {
	f.Add(file(1, "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 1), }", []float32{1, 2}))
	f.Add(file(2, "{'descr': '>f8', 'fortran_order': False, 'shape': (), }", []float64{1}))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := npy.Read(bytes.NewReader(data), 1<<16)
		if err != nil {
			return
		}
		// What was read, written again, is read again.
		shape := strings.NewReplacer("[", "(", "]", ",)", " ", ", ").Replace(fmt.Sprint(a.Shape))
		if len(a.Shape) == 0 {
			shape = "()"
		}
		again, err := npy.Read(bytes.NewReader(file(1, "{'descr': '<f4', 'fortran_order': False, 'shape': "+shape+", }", a.Data)), 1<<16)
		require.NoError(t, err)
		require.Equal(t, a.Shape, again.Shape)
		require.Len(t, again.Data, len(a.Data))
		for i, x := range a.Data {
			if x == x {
				require.Equal(t, x, again.Data[i])
			}
		}
	})
}

func TestGoldenCheckpoint(t *testing.T) {
	arrays, err := npy.Open(reference.Dir(t, "data", "seq-beauty", "iclrec_beauty_weights.npz"), 1<<30)
	require.NoError(t, err)
	require.Len(t, arrays, 20)
	require.Equal(t, []int{12103, 64}, arrays["item_embeddings.weight"].Shape)
	require.Equal(t, []int{50, 64}, arrays["position_embeddings.weight"].Shape)
}
