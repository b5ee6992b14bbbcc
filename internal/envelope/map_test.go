package envelope_test

import (
	"bytes"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/recsyskit/recsys/internal/envelope"
)

func write(t testing.TB, file []byte) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "model")
	if err := os.WriteFile(path, file, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// open maps a file of content.
func open(t testing.TB, path string) (*envelope.Mapped, content, error) {
	t.Helper()
	var c content
	m, err := envelope.Map(path, kind, version, c.sections)
	if err == nil {
		t.Cleanup(func() {
			if err := m.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	return m, c, err
}

func TestWhatIsWrittenIsMapped(t *testing.T) {
	for _, n := range []int{0, 1, 2, 15, 16, 17, 4097, 50_000} {
		want := sample(n)
		path := write(t, encoded(t, want))
		m, got, err := open(t, path)
		if err != nil {
			t.Fatalf("n=%d: %v", n, err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("n=%d: read something else", n)
		}
		if err := m.Verify(); err != nil {
			t.Errorf("n=%d: %v", n, err)
		}
		if info, _ := os.Stat(path); m.Size() != info.Size() {
			t.Errorf("n=%d: Size = %d; want %d", n, m.Size(), info.Size())
		}
	}
}

func TestArraysOfAMappingAreAlignedAndFull(t *testing.T) {
	_, c, err := open(t, write(t, encoded(t, sample(5))))
	if err != nil {
		t.Fatal(err)
	}
	check(t, "bytes", c.Bytes)
	check(t, "factors", c.Factors)
	check(t, "ids", c.IDs)
}

func check[T any](t *testing.T, name string, values []T) {
	t.Helper()
	if at := uintptr(unsafe.Pointer(unsafe.SliceData(values))); at%64 != 0 && len(values) > 0 {
		t.Errorf("%s lie at %#x; want a multiple of 64", name, at)
	}
	if cap(values) != len(values) {
		t.Errorf("%s have room for %d; an append would write into the next section", name, cap(values))
	}
}

func TestWhereFilesCannotBeMappedTheyAreRead(t *testing.T) {
	for _, n := range []int{0, 5, 50_000} {
		want := sample(n)
		path := write(t, encoded(t, want))
		var got content
		m, err := envelope.MapByReading(path, kind, version, got.sections)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("n=%d: read something else", n)
		}
		check(t, "ids", got.IDs)
		m.Advise("ids", envelope.Random)
		if err := errors.Join(m.Verify(), m.Close(), m.Close()); err != nil {
			t.Errorf("n=%d: %v", n, err)
		}
		if err := os.Truncate(path, 64); err != nil {
			t.Fatal(err)
		}
		if _, err := envelope.MapByReading(path, kind, version, got.sections); !errors.Is(err, envelope.ErrTruncated) {
			t.Errorf("n=%d, truncated: %v", n, err)
		}
	}
}

func TestMappingDoesNotLookAtArrays(t *testing.T) {
	var c content
	path := write(t, encoded(t, sample(100_000)))
	used := allocated(func() {
		m, err := envelope.Map(path, kind, version, func(r *envelope.Reader) {
			r.ReadJSON("config", &c.Config)
			c.IDs = envelope.Read[itemID](r, "ids")
			r.Fail("enough")
		})
		if err == nil || m != nil {
			t.Errorf("Map = %v, %v", m, err)
		}
	})
	if used > 200_000 {
		t.Errorf("allocated %d bytes for an array of 800,000", used)
	}
}

func TestWritesToAMappingStayPrivate(t *testing.T) {
	file := encoded(t, sample(1000))
	path := write(t, file)
	m, a, err := open(t, path)
	if err != nil {
		t.Fatal(err)
	}
	_, b, err := open(t, path)
	if err != nil {
		t.Fatal(err)
	}
	was := a.Factors[7]
	for i := range a.Factors {
		a.Factors[i] = 42
	}
	if b.Factors[7] != was {
		t.Error("another mapping has changed")
	}
	if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, file) {
		t.Errorf("the file has changed: %v", err)
	}
	if err := m.Verify(); err != nil {
		t.Errorf("Verify blames a change in memory: %v", err)
	}
}

func TestReplacedFileStaysMapped(t *testing.T) {
	want := sample(20_000)
	path := write(t, encoded(t, want))
	m, got, err := open(t, path)
	if err != nil {
		t.Fatal(err)
	}
	if err := save(path, sample(3)); err != nil {
		t.Fatal(err)
	}
	if err := m.Verify(); err != nil {
		t.Error(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Error("the arrays have changed with the file")
	}
	if _, now, err := open(t, path); err != nil || len(now.IDs) != 3 {
		t.Errorf("a second Map found %d items, %v; want those of the new file", len(now.IDs), err)
	}
}

func TestMapOfTruncationAtEveryByteIsTruncation(t *testing.T) {
	file := encoded(t, sample(5))
	path := write(t, nil)
	for n := range file {
		if err := os.WriteFile(path, file[:n], 0o644); err != nil {
			t.Fatal(err)
		}
		m, _, err := open(t, path)
		if !errors.Is(err, envelope.ErrTruncated) || m != nil || !strings.HasPrefix(err.Error(), path+": ") {
			t.Fatalf("of %d bytes: %v; want ErrTruncated", n, err)
		}
		if errors.Is(err, io.EOF) != (n == 0) {
			t.Errorf("of %d bytes: %v; only an empty file is io.EOF", n, err)
		}
	}
	if err := os.WriteFile(path, append(file, 0), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := open(t, path); !errors.Is(err, envelope.ErrCorrupt) {
		t.Errorf("with a byte after the end: %v; want ErrCorrupt", err)
	}
}

// Every flipped bit is found by Map, or, in an array's payload, by Verify.
func TestEveryFlippedBitOfAMappedFileIsFound(t *testing.T) {
	file := encoded(t, sample(5))
	payload := make([]bool, len(file)) // of arrays
	for _, name := range []string{"ids", "rows", "starts", "halves", "shorts", "words", "bytes", "codes", "factors", "sums", "bias"} {
		at := findSection(t, file, name)
		size := int(file[at+16]) + int(file[at+17])<<8
		for i := range size {
			payload[at+64+i] = true
		}
	}
	path := write(t, nil)
	for i := range file {
		for _, bit := range []int{i % 8, 7 - i%8} {
			file[i] ^= 1 << bit
			if err := os.WriteFile(path, file, 0o644); err != nil {
				t.Fatal(err)
			}
			file[i] ^= 1 << bit
			var c content
			m, err := envelope.Map(path, kind, version, c.sections)
			want := envelope.ErrCorrupt
			if i < 8 { // the magic bytes
				want = envelope.ErrKind
			}
			if !payload[i] {
				if !errors.Is(err, want) {
					t.Fatalf("bit %d of byte %d: Map = %v; want %v", bit, i, err, want)
				}
				continue
			}
			if err != nil {
				t.Fatalf("bit %d of byte %d: Map looked at an array: %v", bit, i, err)
			}
			if err := m.Verify(); !errors.Is(err, want) || !strings.HasPrefix(err.Error(), path+": ") {
				t.Fatalf("bit %d of byte %d: Verify = %v; want %v", bit, i, err, want)
			}
			if err := m.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestMapRefusesWhatReadRefuses(t *testing.T) {
	path := write(t, encoded(t, sample(5)))
	for name, c := range map[string]struct {
		read func(*envelope.Reader)
		want error
	}{
		"other schema":  {func(r *envelope.Reader) { r.CheckSchema(1) }, envelope.ErrSchema},
		"other section": {func(r *envelope.Reader) { envelope.Read[itemID](r, "ids") }, envelope.ErrCorrupt},
		"not all":       {func(*envelope.Reader) {}, envelope.ErrCorrupt},
		"other type": {func(r *envelope.Reader) {
			r.ReadJSON("config", new(config))
			envelope.Read[float32](r, "ids")
		}, envelope.ErrCorrupt},
		"other length": {func(r *envelope.Reader) {
			r.ReadJSON("config", new(config))
			envelope.ReadN[itemID](r, "ids", 6)
		}, envelope.ErrCorrupt},
	} {
		if _, err := envelope.Map(path, kind, version, c.read); !errors.Is(err, c.want) {
			t.Errorf("%s: %v; want %v", name, err, c.want)
		}
	}
	var c content
	if _, err := envelope.Map(path, kind, version-1, c.sections); !errors.Is(err, envelope.ErrNewer) {
		t.Errorf("a newer file: %v", err)
	}
	if _, err := envelope.Map(path, "other", version, c.sections); !errors.Is(err, envelope.ErrKind) {
		t.Errorf("another kind: %v", err)
	}
	if _, err := envelope.Map(path+"x", kind, version, c.sections); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if _, err := envelope.Map(filepath.Dir(path), kind, version, c.sections); err == nil {
		t.Error("a folder was mapped")
	}
}

func TestHintsAndSecondClose(t *testing.T) {
	m, c, err := open(t, write(t, encoded(t, sample(10_000))))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ids", "factors", "bias", "names", "none"} {
		m.Advise(name, envelope.Random)
		m.Advise(name, envelope.WillNeed)
	}
	if want := sample(10_000); !reflect.DeepEqual(c, want) {
		t.Error("a hint has changed the contents")
	}
	for range 2 {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
	m.Advise("ids", envelope.Random)
	if err := m.Verify(); err == nil {
		t.Error("a closed mapping was verified")
	}
}

func TestHugeLengthFieldsAreNotBelievedInAMapping(t *testing.T) {
	file := encoded(t, sample(3))
	path := write(t, nil)
	for _, count := range []uint64{1 << 32, 1<<60 - 1, 1 << 62, 1<<63 - 1, 1<<64 - 1} {
		for _, size := range []uint64{count, 4 * count, 8 * count, 1<<63 - 1, 1<<64 - 1} {
			bad := slices.Clone(file)
			at := findSection(t, bad, "ids")
			for i := range 8 {
				bad[at+8+i], bad[at+16+i] = byte(count>>(8*i)), byte(size>>(8*i))
			}
			seal(bad[at : at+64])
			if err := os.WriteFile(path, bad, 0o644); err != nil {
				t.Fatal(err)
			}
			if _, _, err := open(t, path); !errors.Is(err, envelope.ErrTruncated) && !errors.Is(err, envelope.ErrCorrupt) {
				t.Errorf("%d elements in %d bytes: %v", count, size, err)
			}
		}
	}
}

func TestWriteSeqWritesWhatWriteDoes(t *testing.T) {
	values := sample(40_000).Factors
	file := func(add func(w *envelope.Writer)) ([]byte, error) {
		var b bytes.Buffer
		w := envelope.NewWriter(&b, kind, 1, 0)
		add(w)
		_, err := w.Close()
		return b.Bytes(), err
	}
	want, err := file(func(w *envelope.Writer) { envelope.Write(w, "factors", values) })
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{1, 7, 8192, 40_000} {
		got, err := file(func(w *envelope.Writer) {
			envelope.WriteSeq(w, "factors", len(values), slices.Chunk(values, size))
		})
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("in pieces of %d: %v, or other bytes", size, err)
		}
	}
	for _, n := range []int{-1, 0, len(values) - 1, len(values) + 1, math.MaxInt} {
		if _, err := file(func(w *envelope.Writer) {
			envelope.WriteSeq(w, "factors", n, slices.Chunk(values, 1000))
		}); err == nil {
			t.Errorf("%d values for %d were accepted", len(values), n)
		}
	}
}

func FuzzMap(f *testing.F) {
	for _, n := range []int{0, 1, 40} {
		f.Add(encoded(f, sample(n)), true)
		f.Add(encoded(f, sample(n)), false)
	}
	f.Fuzz(func(t *testing.T, file []byte, mended bool) {
		file = slices.Clone(file)
		if mended {
			mend(file)
		}
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, file, 0o644); err != nil {
			t.Fatal(err)
		}
		var read, mapped content
		_, readErr := read.ReadFrom(bytes.NewReader(file))
		m, err := envelope.Map(path, kind, version, mapped.sections)
		if err == nil {
			defer m.Close()
			err = m.Verify()
			if err == nil && !slices.Equal(read.IDs, mapped.IDs) {
				t.Error("Map and Read give other values")
			}
		}
		// A reader leaves what follows the end alone.
		if (err == nil) != (readErr == nil) && !strings.Contains(err.Error(), "after the end") {
			t.Errorf("Map and Verify = %v; ReadFrom = %v", err, readErr)
		}
	})
}
