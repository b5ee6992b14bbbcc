package ivf_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/ivf"
)

// small returns a small index of each kind that has been changed since it was built.
func small(t testing.TB, m retrieval.Metric, codes ivf.Codes) *ivf.Index {
	t.Helper()
	items, vectors := clustered(9, 300, 6)
	ix := build(t, ivf.Config{Metric: m, Codes: codes, Lists: 5}, items, vectors)
	for i := range 20 {
		if err := errors.Join(ix.Delete(items[3*i]), ix.Insert(recsys.ItemID(1e6+i), vectors.Row(100+i)), ix.Update(items[200+i], vectors.Row(i))); err != nil {
			t.Fatal(err)
		}
	}
	return ix
}

func TestEveryTruncationIsNoticed(t *testing.T) {
	file := written(t, small(t, retrieval.L2, ivf.PQ))
	path := filepath.Join(t.TempDir(), "index")
	for n := range file {
		if n > 2000 && n%97 != 0 && n < len(file)-200 {
			continue
		}
		var ix ivf.Index
		if _, err := ix.ReadFrom(bytes.NewReader(file[:n])); !errors.Is(err, envelope.ErrTruncated) {
			t.Fatalf("ReadFrom of %d of %d bytes: %v", n, len(file), err)
		}
		if n%61 == 0 {
			if err := os.WriteFile(path, file[:n], 0o644); err != nil {
				t.Fatal(err)
			}
			if _, err := ivf.Open(path); !errors.Is(err, envelope.ErrTruncated) {
				t.Fatalf("Open of %d of %d bytes: %v", n, len(file), err)
			}
		}
	}
}

func TestEveryFlippedBitIsNoticed(t *testing.T) {
	file := written(t, small(t, retrieval.InnerProduct, ivf.Int8))
	path := filepath.Join(t.TempDir(), "index")
	for i := 0; i < len(file); i += 1 + i/300 {
		file[i] ^= 1 << (i % 8)
		var ix ivf.Index
		if _, err := ix.ReadFrom(bytes.NewReader(file)); err == nil {
			t.Fatalf("ReadFrom takes a file with a flipped bit in byte %d of %d", i, len(file))
		}
		if i%11 == 0 {
			if err := os.WriteFile(path, file, 0o644); err != nil {
				t.Fatal(err)
			}
			if opened, err := ivf.Open(path); err == nil {
				if opened.Verify() == nil {
					t.Fatalf("Verify does not see a flipped bit in byte %d of %d", i, len(file))
				}
				opened.Close()
			}
		}
		file[i] ^= 1 << (i % 8)
	}
}

func TestOtherFilesAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		kind    string
		version uint32
		is      error
	}{
		"kind":    {"flat", 1, envelope.ErrKind},
		"version": {"ivf", 2, envelope.ErrNewer},
		"nothing": {"ivf", 1, envelope.ErrCorrupt},
	} {
		var b bytes.Buffer
		if _, err := envelope.NewWriter(&b, c.kind, c.version, 0).Close(); err != nil {
			t.Fatal(err)
		}
		ix := small(t, retrieval.Cosine, ivf.Int8)
		before := written(t, ix)
		if _, err := ix.ReadFrom(&b); !errors.Is(err, c.is) {
			t.Errorf("%s: %v; want %v", name, err, c.is)
		}
		if !bytes.Equal(written(t, ix), before) {
			t.Errorf("%s: the index has changed", name)
		}
	}
}

func TestAFullDiskLeavesTheOldFile(t *testing.T) {
	ix := small(t, retrieval.L2, ivf.Int8)
	path := filepath.Join(t.TempDir(), "index")
	if err := ix.Save(path); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	full := errors.New("disk full")
	err = envelope.Save(path, func(w io.Writer) error {
		_, err := ix.WriteTo(&limited{w, 5000, full})
		return err
	})
	after, _ := os.ReadFile(path)
	if !errors.Is(err, full) || !bytes.Equal(before, after) {
		t.Errorf("Save to a full disk: %v; the file is as before: %v", err, bytes.Equal(before, after))
	}
}

// limited fails after so many bytes.
type limited struct {
	w    io.Writer
	left int
	err  error
}

func (l *limited) Write(b []byte) (int, error) {
	if len(b) > l.left {
		return 0, l.err
	}
	l.left -= len(b)
	return l.w.Write(b)
}

func TestAnOpenedIndexTakesChangesAndLeavesItsFile(t *testing.T) {
	for _, codes := range []ivf.Codes{ivf.Int8, ivf.PQ} {
		path := filepath.Join(t.TempDir(), "index")
		if err := small(t, retrieval.InnerProduct, codes).Save(path); err != nil {
			t.Fatal(err)
		}
		before, _ := os.ReadFile(path)
		ix, err := ivf.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		items, vectors := clustered(10, 100, 6)
		for i := range items {
			if err := ix.Insert(items[i]+1<<40, vectors.Row(i)); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 50 {
			if err := ix.Delete(items[i] + 1<<40); err != nil {
				t.Fatal(err)
			}
		}
		if err := ix.Verify(); err != nil {
			t.Errorf("%v: after changes: %v", codes, err)
		}
		got, err := ix.Search(nil, vectors.Row(70), 1, retrieval.SearchOptions{Allow: items[:0]})
		if err != nil || len(got) > 0 {
			t.Errorf("%v: %v, %v", codes, got, err)
		}
		again := written(t, ix)
		if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
			t.Errorf("%v: changes have reached the file", codes)
		}
		if err := ix.Close(); err != nil || ix.Len() != 0 {
			t.Errorf("%v: Close: %v; %d items", codes, err, ix.Len())
		}
		var back ivf.Index
		if _, err := back.ReadFrom(bytes.NewReader(again)); err != nil || back.Len() != 350 {
			t.Errorf("%v: %v; %d items", codes, err, back.Len())
		}
	}
}

// Deleted vectors do not go into a file.
func TestDeletedVectorsAreNotWritten(t *testing.T) {
	items, vectors := clustered(9, 300, 6)
	ix := build(t, ivf.Config{Lists: 5}, items, vectors)
	secret := []float32{1.5e-7, 2.5e-7, 3.5e-7, 4.5e-7, 5.5e-7, 6.5e-7}
	if err := errors.Join(ix.Insert(1, secret), ix.Delete(1)); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w := envelope.NewWriter(&b, "x", 1, 0)
	envelope.Write(w, "secret", secret)
	if _, err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(written(t, ix), b.Bytes()[128:128+24]) {
		t.Error("the vector of a deleted item is in the file")
	}
}

func FuzzReadFrom(f *testing.F) {
	for _, m := range metrics {
		for _, codes := range []ivf.Codes{ivf.Int8, ivf.PQ} {
			items, vectors := clustered(9, 30, 3)
			f.Add(written(f, build(f, ivf.Config{Metric: m, Codes: codes, Lists: 3}, items, vectors)))
		}
	}
	items, vectors := clustered(9, 300, 3)
	f.Add(written(f, build(f, ivf.Config{Codes: ivf.PQ, SubDim: 2, Lists: 3}, items, vectors)))
	f.Add(written(f, build(f, ivf.Config{}, nil, vectors.Slice(0, 0))))
	f.Fuzz(func(t *testing.T, file []byte) {
		var ix ivf.Index
		if _, err := ix.ReadFrom(bytes.NewReader(file)); err != nil {
			var typed *envelope.Error
			if !errors.As(err, &typed) {
				t.Fatalf("error without a type: %v", err)
			}
			return
		}
		again := written(t, &ix)
		var back ivf.Index
		if _, err := back.ReadFrom(bytes.NewReader(again)); err != nil {
			t.Fatal(err)
		}
		q := make([]float32, ix.Dim())
		for i := range q {
			q[i] = float32(i) - 1
		}
		got, err := ix.Search(nil, q, 5, retrieval.SearchOptions{})
		want, err2 := back.Search(nil, q, 5, retrieval.SearchOptions{})
		if fmt.Sprint(got, err) != fmt.Sprint(want, err2) {
			t.Fatalf("%v, %v; then %v, %v", got, err, want, err2)
		}
		if err := ix.Insert(1<<50, q); err != nil {
			t.Fatal(err)
		}
	})
}
