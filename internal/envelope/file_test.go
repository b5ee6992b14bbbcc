package envelope_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"testing"

	"github.com/recsyskit/recsys/internal/envelope"
)

func save(path string, c content) error { return envelope.WriteFile(path, c) }

func load(path string) (c content, err error) {
	err = envelope.ReadFile(path, &c)
	return c, err
}

func TestLoadGivesAReaderThatKnowsItsLength(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model")
	if err := save(path, sample(3)); err != nil {
		t.Fatal(err)
	}
	err := envelope.Load(path, func(r io.Reader) error {
		known, ok := r.(interface{ Len() int })
		for n := len(encoded(t, sample(3))); ; n-- {
			if !ok || known.Len() != n {
				return fmt.Errorf("Len = %v, %v; want %d", known, ok, n)
			}
			if _, err := r.Read(make([]byte, 1)); err == io.EOF {
				return nil
			}
		}
	})
	if err != nil {
		t.Error(err)
	}
}

// onlyFile fails unless the folder holds the one file.
func onlyFile(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != filepath.Base(path) {
			t.Errorf("%s was left behind", e.Name())
		}
	}
}

func TestSaveReplacesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model")
	for _, n := range []int{3, 50_000, 1} {
		want := sample(n)
		if err := save(path, want); err != nil {
			t.Fatal(err)
		}
		if got, err := load(path); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("n=%d: %v, or other contents", n, err)
		}
		onlyFile(t, path)
	}
}

func TestFailedSaveLeavesTheOldFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model")
	if err := save(path, sample(3)); err != nil {
		t.Fatal(err)
	}
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	boom := errors.New("boom")
	write := func(w io.Writer) error {
		if _, err := w.Write(make([]byte, 1<<20)); err != nil {
			return err
		}
		return boom
	}
	if err := envelope.Save(path, write); !errors.Is(err, boom) {
		t.Errorf("Save = %v; want boom", err)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("Save swallowed a panic")
			}
		}()
		envelope.Save(path, func(w io.Writer) error { w.Write(make([]byte, 1<<20)); panic("boom") })
	}()
	if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, old) {
		t.Errorf("the old file has changed: %v", err)
	}
	onlyFile(t, path)
}

func TestSaveReportsAFolderThatIsNotThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none", "model")
	if err := save(path, sample(1)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Save = %v; want os.ErrNotExist", err)
	}
	folder := t.TempDir()
	if err := save(folder, sample(1)); err == nil {
		t.Error("Save replaced a folder")
	}
}

func TestSaveKeepsPermissionsAndLinks(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no such permissions")
	}
	folder := t.TempDir()
	path, link := filepath.Join(folder, "model-7"), filepath.Join(folder, "current")
	if err := os.WriteFile(path, nil, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("model-7", link); err != nil {
		t.Fatal(err)
	}
	if err := save(link, sample(2)); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v, %v", info, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("the permissions are %v, %v; want 0640", info.Mode(), err)
	}
	if _, err := load(path); err != nil {
		t.Error(err)
	}
}

func TestConcurrentSavesLeaveOneWholeFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model")
	done := make(chan error)
	for n := range 8 {
		go func() { done <- save(path, sample(n*1000)) }()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if _, err := load(path); err != nil {
		t.Error(err)
	}
	onlyFile(t, path)
}

func TestLoadErrorsNameThePath(t *testing.T) {
	folder := t.TempDir()
	if _, err := load(filepath.Join(folder, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Load = %v; want os.ErrNotExist", err)
	}
	path := filepath.Join(folder, "model")
	file := encoded(t, sample(2))
	for name, c := range map[string]struct {
		file []byte
		want error
		text string
	}{
		"cut":      {file[:100], envelope.ErrTruncated, path + `: file is truncated: test.kind, section "config", byte 100: 28 more bytes expected here`},
		"too long": {append(file, 0), envelope.ErrCorrupt, path + ": file is corrupt: there are bytes after the end"},
	} {
		if err := os.WriteFile(path, c.file, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := load(path); !errors.Is(err, c.want) || err.Error() != c.text {
			t.Errorf("%s: %v\nwant %s", name, err, c.text)
		}
	}
}
