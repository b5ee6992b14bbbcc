package hnsw_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/hnsw"
)

func TestTruncatedFile(t *testing.T) {
	race.SkipSequential(t)
	c := newCatalogue(31, 70, 3, 1)
	file := written(t, c.build(t, hnsw.Config{Metric: retrieval.L2, M: 3}))
	path := filepath.Join(t.TempDir(), "index")
	for n := range file {
		if n > 2000 && n < len(file)-2000 && n%23 != 0 { // in between is the table of rows, nearly all zeros
			continue
		}
		x := new(hnsw.Index)
		if _, err := x.ReadFrom(bytes.NewReader(file[:n])); err == nil {
			t.Fatalf("%d of %d bytes are read without an error", n, len(file))
		}
		if n%16 != 0 {
			continue
		}
		if err := os.WriteFile(path, file[:n], 0o644); err != nil {
			t.Fatal(err)
		}
		if x, err := hnsw.Open(path); err == nil {
			x.Close()
			t.Fatalf("%d of %d bytes are opened without an error", n, len(file))
		}
	}
}

func TestFileOfAnotherKindOrVersion(t *testing.T) {
	for _, test := range []struct {
		kind    string
		version uint32
		want    error
	}{{"flat", 1, envelope.ErrKind}, {"hnsw", 2, envelope.ErrNewer}} {
		var b bytes.Buffer
		if _, err := envelope.NewWriter(&b, test.kind, test.version, 0).Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := new(hnsw.Index).ReadFrom(&b); !errors.Is(err, test.want) {
			t.Errorf("%s, version %d: error is %v; want %v", test.kind, test.version, err, test.want)
		}
	}
}

// A file that is opened is not checked: whatever its arrays hold, searches and changes must
// stay within them, and Verify must find it.
func TestDamagedFileThatIsOpened(t *testing.T) {
	race.SkipSequential(t)
	c := newCatalogue(32, 12000, 4, 3)
	for _, m := range metrics {
		file := written(t, c.build(t, hnsw.Config{Metric: m, M: 4, EfConstruction: 10}))
		path := filepath.Join(t.TempDir(), "index")
		r := rand.New(rand.NewPCG(1, 2))
		for round := range 30 {
			bad := bytes.Clone(file)
			for range 1 << (round % 14) {
				at := r.IntN(len(bad)-1024) + 512
				bad[at] ^= byte(1 + r.IntN(255))
			}
			if round%3 == 0 { // links, mostly
				for at := 110_000; at < 110_000+300_000; at++ {
					bad[at] = byte(r.Uint32())
				}
			}
			if err := os.WriteFile(path, bad, 0o644); err != nil {
				t.Fatal(err)
			}
			x, err := hnsw.Open(path)
			if err != nil {
				continue // a header was hit
			}
			for i := range c.queries.Rows {
				if _, err := x.Search(nil, c.queries.Row(i), 10, retrieval.SearchOptions{Effort: 20}); err != nil {
					t.Error(err)
				}
			}
			if err := x.Verify(); err == nil {
				t.Errorf("%v, round %d: Verify finds nothing", m, round)
			}
			for i := range 20 {
				_ = x.Insert(c.items[i]+1, c.vectors.Row(i))
				_ = x.Delete(c.items[i])
			}
			x.Close()
		}
	}
}

// The table of rows says which have an item, where each item is, and how many there are. In
// a damaged file one contradicts the other.
func TestDamagedTableOfRows(t *testing.T) {
	race.SkipSequential(t)
	c := newCatalogue(35, 400, 4, 1)
	x := c.build(t, hnsw.Config{Metric: retrieval.Cosine, M: 4, EfConstruction: 20})
	for _, item := range c.items[:30] {
		if err := x.Delete(item); err != nil {
			t.Fatal(err)
		}
	}
	file := written(t, x)
	table := bytes.Index(file, binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, 7), 10))
	live := table + 4096*8
	if table < 0 || file[live+13]&^3 != 0xfc {
		t.Fatal("the table of rows is not where it is looked for")
	}
	path := filepath.Join(t.TempDir(), "index")
	r := rand.New(rand.NewPCG(3, 4))
	for round := range 60 {
		bad := bytes.Clone(file)
		switch round {
		case 0: // rows that the table knows have no item
			clear(bad[live : live+24])
		case 1: // rows have one that the table does not know
			for i := range 50 {
				bad[live+i] = 0xff
			}
		default:
			for range 1 << (round % 7) {
				bad[live+r.IntN(50)] ^= byte(1 + r.IntN(255))
			}
			for range round % 8 { // items twice
				copy(bad[table+8*r.IntN(400):][:8], bad[table+8*r.IntN(400):])
			}
		}
		if err := os.WriteFile(path, bad, 0o644); err != nil {
			t.Fatal(err)
		}
		churn := func(f func(x *hnsw.Index)) {
			t.Helper()
			x, err := hnsw.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer x.Close()
			f(x)
			opt := retrieval.SearchOptions{Filter: retrieval.Where(all), Exclude: c.items[:5]}
			if got, err := x.Search(nil, c.queries.Row(0), 5, opt); err != nil || len(got) > 5 {
				t.Errorf("round %d: %d items, %v", round, len(got), err)
			}
		}
		churn(func(x *hnsw.Index) {
			for _, item := range c.items {
				_ = x.Delete(item)
			}
			for i := range 600 {
				if err := x.Insert(recsys.ItemID(10_000+i), c.vectors.Row(i%400)); err != nil {
					t.Errorf("round %d: %v", round, err)
				}
			}
			if _, err := x.WriteTo(io.Discard); err != nil {
				t.Errorf("round %d: %v", round, err)
			}
		})
		churn(func(x *hnsw.Index) {
			for i, item := range c.items {
				_ = x.Update(item, c.vectors.Row(i/2))
			}
		})
		churn(func(x *hnsw.Index) {
			if x.Compact(context.Background()) != nil {
				return // an item twice
			}
			if _, err := new(hnsw.Index).ReadFrom(bytes.NewReader(written(t, x))); err != nil {
				t.Errorf("round %d: after Compact, %v", round, err)
			}
		})
	}
}

func TestSaveKeepsTheOldFileWhenItFails(t *testing.T) {
	c := newCatalogue(33, 100, 4, 1)
	x := c.build(t, hnsw.Config{})
	path := filepath.Join(t.TempDir(), "index")
	if err := x.Save(path); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	full := errors.New("no space left")
	if err := envelope.Save(path, func(w io.Writer) error {
		_, err := x.WriteTo(&failing{left: len(before) / 2, err: full})
		return err
	}); !errors.Is(err, full) {
		t.Errorf("error is %v; want %v", err, full)
	}
	after, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the old file has changed (%v)", err)
	}
	y, err := hnsw.Load(path)
	if err != nil || y.Len() != 100 || y.Config().M != 16 {
		t.Errorf("Load = %v, %v", y, err)
	}
}

type failing struct {
	left int
	err  error
}

func (f *failing) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, f.err
	}
	return len(b), nil
}

func FuzzReadFrom(f *testing.F) {
	c := newCatalogue(34, 70, 3, 1)
	for _, m := range metrics {
		for _, quant := range []hnsw.Quant{hnsw.Int8, hnsw.None} {
			f.Add(written(f, c.build(f, hnsw.Config{Metric: m, Quant: quant, M: 2})))
		}
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		x := new(hnsw.Index)
		if _, err := x.ReadFrom(bytes.NewReader(file)); err != nil {
			return
		}
		if err := x.Verify(); err != nil {
			t.Fatalf("what was read is not sound: %v", err)
		}
		again := written(t, x)
		y := new(hnsw.Index)
		if _, err := y.ReadFrom(bytes.NewReader(again)); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(written(t, y), again) {
			t.Error("what was written and read is written as other bytes")
		}
		if _, err := x.Search(nil, make([]float32, x.Dim()), 3, retrieval.SearchOptions{}); err != nil {
			t.Error(err)
		}
	})
}
