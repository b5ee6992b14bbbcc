package flat_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/flat"
	"github.com/recsyskit/recsys/retrieval/vector"
)

func TestClosedIndexRefusesEverything(t *testing.T) {
	memory, _ := small(t)
	path := filepath.Join(t.TempDir(), "x.flat")
	if err := memory.Save(path); err != nil {
		t.Fatal(err)
	}
	file := encoded(t, memory)
	opened, err := flat.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]*flat.Index{"opened": opened, "in memory": memory} {
		for range 2 {
			if err := x.Close(); err != nil {
				t.Fatal(err)
			}
		}
		q := make([]float32, 5)
		dst := []retrieval.Neighbor{{Item: 1}}
		for call, f := range map[string]func() error{
			"search": func() error {
				got, err := x.Search(dst, q, 3, retrieval.SearchOptions{})
				if len(got) != 1 {
					t.Errorf("%s: found %v", name, got)
				}
				return err
			},
			"search: ": func() error {
				_, err := x.SearchBatch(nil, vector.From(q, 5), 3, retrieval.SearchOptions{})
				return err
			},
			"score":   func() error { return x.Score(make([]float32, 1), q, []recsys.ItemID{1}) },
			"insert":  func() error { return x.Insert(1e6, q) },
			"update":  func() error { return x.Update(1, q) },
			"delete":  func() error { return x.Delete(1) },
			"compact": func() error { return x.Compact(context.Background()) },
			"save":    func() error { return x.Save(path) },
			"write":   func() error { _, err := x.WriteTo(io.Discard); return err },
			"verify":  x.Verify,
		} {
			want := "flat: " + strings.TrimSuffix(call, ": ") + ": index is closed"
			if err := f(); !errors.Is(err, retrieval.ErrClosed) || err.Error() != want {
				t.Errorf("%s: %s: %v; want %s", name, call, err, want)
			}
		}
		if _, ok := x.Vector(nil, 1); ok || x.Len() != 0 || x.Dim() != 5 {
			t.Errorf("%s: %d items of dimension %d; vector found: %v", name, x.Len(), x.Dim(), ok)
		}
		if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, file) {
			t.Fatalf("%s: the file has changed to %d bytes: %v", name, len(now), err)
		}
		if _, err := x.ReadFrom(bytes.NewReader(file)); err != nil || x.Len() != 70 || !bytes.Equal(encoded(t, x), file) {
			t.Errorf("%s: read again: %v, %d items", name, err, x.Len())
		}
	}
}

func TestErrorsOfFilesNamePackageThenPath(t *testing.T) {
	folder := t.TempDir()
	other, missing := filepath.Join(folder, "other"), filepath.Join(folder, "missing")
	err := envelope.Save(other, func(w io.Writer) error {
		_, err := envelope.NewWriter(w, "als", 1, 0).Close()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		other:   "flat: " + other + ": ",
		missing: "flat: open " + missing + ": ",
	} {
		_, load := flat.Load(path)
		_, open := flat.Open(path)
		if load == nil || open == nil || load.Error() != open.Error() || !strings.HasPrefix(load.Error(), want) {
			t.Errorf("Load says %v, Open %v; want %s…", load, open, want)
		}
	}
	x, _ := small(t)
	if err := x.Save(filepath.Join(missing, "x")); err == nil || !strings.HasPrefix(err.Error(), "flat: open "+missing) {
		t.Errorf("Save says %v", err)
	}
}

// A pipeline recovers a stage that panics and goes on.
func TestPanicOfAFilterLeavesTheIndexUsable(t *testing.T) {
	x, o := small(t)
	q := []float32{1, -2, 0.5, 3, 0}
	blow := true
	moody := retrieval.Where(func(item recsys.ItemID) bool {
		if blow && item%2 == 0 {
			panic("the user's function")
		}
		return true
	})
	panics := func(what string, call func() error) {
		t.Helper()
		defer func() {
			if recover() == nil {
				t.Errorf("%s does not panic", what)
			}
		}()
		_ = call()
	}
	for i := range 20 {
		blow = true
		opt := retrieval.SearchOptions{Filter: moody}
		if i%2 == 0 {
			opt.Allow = nil
			for item := range o.vec {
				opt.Allow = append(opt.Allow, item)
			}
		}
		panics("Search", func() error { _, err := x.Search(nil, q, 5, opt); return err })
		panics("SearchBatch", func() error {
			_, err := x.SearchBatch(nil, vector.From(append(q[:5:5], q...), 5), 5, opt)
			return err
		})
		blow = false
		mustSame(t, "after a panic", search(t, x, q, 20, retrieval.SearchOptions{}), o.search(q, 20, nil))
		mustSame(t, "with the filter", search(t, x, q, 20, retrieval.SearchOptions{Filter: moody}), o.search(q, 20, nil))
		if err := errors.Join(x.Insert(1<<40, q), x.Delete(1<<40), x.Compact(context.Background())); err != nil {
			t.Fatal(err)
		}
	}
	if err := x.Verify(); err != nil {
		t.Error(err)
	}
}
