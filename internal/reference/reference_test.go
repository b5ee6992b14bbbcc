package reference_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/internal/reference"
)

// recorder is a testing.TB that notes a skip instead of skipping.
type recorder struct {
	testing.TB
	skipped string
}

func (r *recorder) Helper() {}

func (r *recorder) Skipf(format string, args ...any) {
	r.skipped = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// skipMessage returns what f skips with, "" if it does not skip.
func skipMessage(t *testing.T, f func(tb testing.TB)) string {
	t.Helper()
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(r)
	}()
	<-done
	return r.skipped
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestDirPrefersTheEnvironment(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "golden", "x.txt"), "x")
	t.Setenv(reference.Variable, dir)
	if got, want := reference.Dir(t, "golden"), filepath.Join(dir, "golden"); got != want {
		t.Errorf("Dir = %s, want %s", got, want)
	}
}

func TestDirFindsSharedBesideAnyModuleRootAbove(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "shared", "golden", "x.txt"), "x")
	write(t, filepath.Join(dir, "mod", "go.mod"), "module m\n")
	write(t, filepath.Join(dir, "mod", "a", "go.mod"), "module m/a\n")
	write(t, filepath.Join(dir, "mod", "a", "b", "b.go"), "package b\n")
	t.Setenv(reference.Variable, "")
	t.Chdir(filepath.Join(dir, "mod", "a", "b"))
	if got, want := reference.Dir(t, "golden/x.txt"), filepath.Join(dir, "shared", "golden", "x.txt"); got != want {
		t.Errorf("Dir = %s, want %s", got, want)
	}
}

func TestAbsentIsASkipThatNamesIt(t *testing.T) {
	t.Setenv(reference.Variable, t.TempDir())
	got := skipMessage(t, func(tb testing.TB) { reference.Dir(tb, "golden", "nothing") })
	if want := filepath.Join("golden", "nothing"); !strings.Contains(got, want) {
		t.Errorf("skipped with %q, want a message naming %s", got, want)
	}
	t.Setenv(reference.Variable, "")
	t.Chdir(t.TempDir())
	got = skipMessage(t, func(tb testing.TB) { reference.Open(tb, "data/f.gz") })
	if !strings.Contains(got, "data/f.gz") || !strings.Contains(got, reference.Variable) {
		t.Errorf("skipped with %q, want a message naming the file and $%s", got, reference.Variable)
	}
}

func TestOpenReadsPlainAndGzip(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(reference.Variable, dir)
	var packed strings.Builder
	zw := gzip.NewWriter(&packed)
	io.WriteString(zw, "hello")
	zw.Close()
	// The content decides, not the name.
	for name, text := range map[string]string{"plain.gz": "hello", "packed.txt": packed.String()} {
		write(t, filepath.Join(dir, name), text)
		got, err := io.ReadAll(reference.Open(t, name))
		if err != nil || string(got) != "hello" {
			t.Errorf("%s: read %q, %v, want hello", name, got, err)
		}
	}
}
