package flat_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/flat"
	"github.com/recsyskit/recsys/retrieval/vector"
)

var update = flag.Bool("update", false, "rewrite testdata")

// small is the index in testdata.
func small(t testing.TB) (*flat.Index, *oracle) {
	t.Helper()
	rng := rand.New(rand.NewPCG(5, 6))
	m := vector.NewMatrix(70, 5)
	each(m, func(int, int) float64 { return float64(rng.IntN(21)-10) / 4 })
	items := itemsOf(rng, 70)
	x, err := flat.New(flat.Config{Quantize: flat.Int8}, items, m)
	if err != nil {
		t.Fatal(err)
	}
	return x, newOracle(retrieval.InnerProduct, items, m)
}

func encoded(t testing.TB, x *flat.Index) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := x.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestFilesOfVersion1StayReadable(t *testing.T) {
	x, o := small(t)
	path := filepath.Join("testdata", "v1.flat")
	if *update {
		if err := x.Save(path); err != nil {
			t.Fatal(err)
		}
	}
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(old, encoded(t, x)) {
		t.Error("the index is written as other bytes than before")
	}
	loaded, err := flat.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := flat.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	q := []float32{1, -2, 0.5, 3, 0}
	for _, x := range []*flat.Index{loaded, opened} {
		if err := x.Verify(); err != nil {
			t.Error(err)
		}
		mustSame(t, "read", search(t, x, q, 20, retrieval.SearchOptions{}), o.search(q, 20, nil))
	}
}

func TestFileDependsOnTheContentsAlone(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	m := vector.NewMatrix(3000, 40)
	kinds[1].make(rng, m)
	copy(m.Row(8), m.Row(9)) // equal norms
	items := itemsOf(rng, m.Rows)
	for _, metric := range metrics {
		var want []byte
		for _, workers := range []int{1, 2, 7} {
			x, err := flat.New(flat.Config{Metric: metric, Workers: workers}, items, m)
			if err != nil {
				t.Fatal(err)
			}
			if file := encoded(t, x); want == nil {
				want = file
			} else if !bytes.Equal(file, want) {
				t.Errorf("%v: %d workers write other bytes", metric, workers)
			}
		}
		// The same items, one after the other, with detours.
		x, err := flat.New(flat.Config{Metric: metric}, nil, vector.Matrix{Dim: 40, Stride: 40})
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range rng.Perm(m.Rows) {
			if err := x.Insert(items[i], m.Row(0)); err != nil {
				t.Fatal(err)
			}
			if i%5 == 0 {
				err = errors.Join(x.Delete(items[i]), x.Insert(items[i], m.Row(i)))
			} else {
				err = x.Update(items[i], m.Row(i))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(encoded(t, x), want) {
			t.Errorf("%v: items that were inserted are written as other bytes", metric)
		}
	}
}

func TestTwoWritersOfOneFileLeaveAWholeOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.flat")
	var wg sync.WaitGroup
	for n := range 2 {
		wg.Go(func() {
			x, err := flat.New(flat.Config{}, []recsys.ItemID{recsys.ItemID(n)}, vector.NewMatrix(1, 64))
			if err != nil {
				t.Error(err)
				return
			}
			for range 20 {
				if err := x.Save(path); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	x, err := flat.Load(path)
	if err != nil || x.Len() != 1 {
		t.Errorf("%v", err)
	}
}

func TestFailedSaveKeepsTheOldFile(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("there is no /dev/full")
	}
	x, _ := small(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "x.flat")
	if err := x.Save(path); err != nil {
		t.Fatal(err)
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	if err := x.Insert(1, make([]float32, 5)); err != nil {
		t.Fatal(err)
	}
	if _, err := x.WriteTo(full); err == nil {
		t.Error("a full disk is no error")
	}
	if old, err := flat.Load(path); err != nil || old.Len() != 70 {
		t.Errorf("the old file: %v", err)
	}
}

// rewrite returns the file with a change to the payload of a section, its checks in order.
func rewrite(t testing.TB, file []byte, section string, change func(payload []byte)) []byte {
	t.Helper()
	file = slices.Clone(file)
	castagnoli := crc32.MakeTable(crc32.Castagnoli)
	checks := crc32.New(castagnoli)
	checks.Write(file[60:64])
	for at := 64; at < len(file); {
		head := file[at : at+64]
		if head[0] == 0xff {
			binary.LittleEndian.PutUint32(head[56:], checks.Sum32())
			binary.LittleEndian.PutUint32(head[60:], crc32.Checksum(head[:60], castagnoli))
			return file
		}
		checks.Write(head[60:64])
		size := int(binary.LittleEndian.Uint64(head[16:]))
		end := at + 64 + (size+4+63)/64*64
		payload := file[at+64 : end-4]
		if strings.TrimRight(string(head[24:60]), "\x00") == section {
			change(payload[:size])
		}
		binary.LittleEndian.PutUint32(file[end-4:], crc32.Checksum(payload, castagnoli))
		checks.Write(file[end-4 : end])
		at = end
	}
	t.Fatal("no end")
	return nil
}

func TestContradictionsAreFound(t *testing.T) {
	x, _ := small(t)
	file := encoded(t, x)
	setFloat := func(i int, v float32) func([]byte) {
		return func(b []byte) { binary.LittleEndian.PutUint32(b[4*i:], math.Float32bits(v)) }
	}
	for _, c := range []struct {
		section, text string
		change        func([]byte)
	}{
		{"vectors", "row 0 is not finite", setFloat(1, float32(math.Inf(1)))},
		{"vectors", "row 0 has norm", setFloat(1, 1e9)},
		{"norms", "row 3 has norm 0", setFloat(3, 0)},
		{"bounds", "block 0 has bounds", setFloat(0, 1e9)},
		{"bounds", "block 0 has bounds", setFloat(1, 0)},
		{"bounds", "codes", setFloat(2, 7)},
		{"bounds", "block 0 has bounds", setFloat(3, 0)},
		{"codes", "row 1 has other codes", func(b []byte) { b[16] ^= 1 }},
		{"codes", "row 0 has other codes", func(b []byte) { b[15] = 0 }},
		{"items", "rows 0 and 1: item is in the index already", func(b []byte) { copy(b[8:16], b[:8]) }},
		{"items", "69 items; want 70", func(b []byte) { b[8*4096] ^= 1 }},
		{"config", "metric", func(b []byte) { copy(b, bytes.Replace(b, []byte("ip"), []byte("iq"), 1)) }},
		{"config", "norms", func(b []byte) { copy(b, bytes.Replace(b, []byte(`"rows":70`), []byte(`"rows":71`), 1)) }},
		{"config", "vectors", func(b []byte) { copy(b, bytes.Replace(b, []byte(`"dim":5`), []byte(`"dim":6`), 1)) }},
		{"config", "dimension is 0", func(b []byte) { copy(b, bytes.Replace(b, []byte(`"dim":5`), []byte(`"dim":0`), 1)) }},
	} {
		bad := rewrite(t, file, c.section, c.change)
		got := new(flat.Index)
		_, err := got.ReadFrom(bytes.NewReader(bad))
		if !errors.Is(err, envelope.ErrCorrupt) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v; want %q", c.section, err, c.text)
		}
		// Verify finds the same in a mapped file, if Open has not.
		path := filepath.Join(t.TempDir(), "x.flat")
		if err := os.WriteFile(path, bad, 0o644); err != nil {
			t.Fatal(err)
		}
		opened, err := flat.Open(path)
		if err == nil {
			err = opened.Verify()
			opened.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s, opened: %v; want %q", c.section, err, c.text)
		}
	}
	same := rewrite(t, file, "", nil)
	if !bytes.Equal(same, file) {
		t.Error("rewriting nothing changes the file")
	}
}

func TestReadSaysWhatTheFileIs(t *testing.T) {
	var newer, other bytes.Buffer
	if _, err := envelope.NewWriter(&newer, "flat", 2, 0).Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := envelope.NewWriter(&other, "als", 1, 0).Close(); err != nil {
		t.Fatal(err)
	}
	x, _ := small(t)
	for name, c := range map[string]struct {
		file []byte
		want error
	}{
		"newer":     {newer.Bytes(), envelope.ErrNewer},
		"other":     {other.Bytes(), envelope.ErrKind},
		"nothing":   {nil, envelope.ErrTruncated},
		"truncated": {encoded(t, x)[:1000], envelope.ErrTruncated},
	} {
		if _, err := x.ReadFrom(bytes.NewReader(c.file)); !errors.Is(err, c.want) || !strings.HasPrefix(fmt.Sprint(err), "flat: ") {
			t.Errorf("%s: %v; want %v", name, err, c.want)
		}
		path := filepath.Join(t.TempDir(), "x.flat")
		if err := os.WriteFile(path, c.file, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := flat.Open(path); !errors.Is(err, c.want) || !strings.Contains(fmt.Sprint(err), path) {
			t.Errorf("%s, opened: %v; want %v", name, err, c.want)
		}
		if x.Len() != 70 {
			t.Fatalf("%s: %d items are left", name, x.Len())
		}
	}
}

func FuzzReadFrom(f *testing.F) {
	x, _ := small(f)
	file := encoded(f, x)
	f.Add(file)
	f.Add(file[:200])
	empty, err := flat.New(flat.Config{Metric: retrieval.Cosine}, nil, vector.Matrix{Dim: 3, Stride: 3})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(encoded(f, empty))
	f.Add(rewrite(f, file, "codes", func(b []byte) { b[3]++ }))
	f.Fuzz(func(t *testing.T, data []byte) {
		got := new(flat.Index)
		n, err := got.ReadFrom(bytes.NewReader(data))
		if err != nil {
			return
		}
		if !bytes.Equal(encoded(t, got), data[:n]) {
			t.Fatal("what was read is written as other bytes")
		}
		search(t, got, make([]float32, got.Dim()), 10, retrieval.SearchOptions{})
	})
}

// FuzzOpen is about files whose checks hold and whose contents do not: nothing may panic.
func FuzzOpen(f *testing.F) {
	x, _ := small(f)
	file := encoded(f, x)
	f.Add("bounds", 3, byte(200))
	f.Add("items", 9, byte(1))
	f.Add("norms", 3, byte(0x7f))
	f.Add("vectors", 3, byte(0x7f))
	f.Fuzz(func(t *testing.T, section string, at int, value byte) {
		bad := rewrite(t, file, section, func(b []byte) {
			if at >= 0 && at < len(b) {
				b[at] = value
			}
		})
		path := filepath.Join(t.TempDir(), "x.flat")
		if err := os.WriteFile(path, bad, 0o644); err != nil {
			t.Fatal(err)
		}
		x, err := flat.Open(path)
		if err != nil {
			return
		}
		defer x.Close()
		q := []float32{1, 2, 3, 4, 5}
		few := retrieval.Where(func(i recsys.ItemID) bool { return i%9 == 0 })
		for _, opt := range []retrieval.SearchOptions{{}, {Filter: few}, {Allow: []recsys.ItemID{3, 6}}} {
			search(t, x, q, 10, opt)
		}
		_, _ = x.Vector(nil, 3)
		_ = x.Insert(1, q)
		_ = x.Update(1, q)
		_ = x.Delete(1)
		_ = x.Verify()
	})
}
