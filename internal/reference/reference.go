// Package reference finds reference files for tests: data sets, and outputs of
// other implementations, that are too large for the repository.
//
// They are looked for in the folder that $RECSYS_REFERENCE names, else in the
// folder "shared" beside the module root (for a nested module, beside any
// module root above it). A test that asks for something absent is skipped with
// a message that names it.
//
// Only tests import this package, since it imports testing.
package reference

import (
	"bufio"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// Variable is the environment variable that names the reference folder.
const Variable = "RECSYS_REFERENCE"

// Dir returns the path of a folder or file below the reference folder;
// elem is joined as by [filepath.Join]. It skips the test when that path does
// not exist.
func Dir(tb testing.TB, elem ...string) string {
	tb.Helper()
	want := filepath.Join(elem...)
	root := root()
	if root == "" {
		tb.Skipf("reference: %s is absent: no folder shared beside the module root, and $%s is not set", want, Variable)
	}
	path := filepath.Join(root, want)
	if _, err := os.Stat(path); err != nil {
		tb.Skipf("reference: %s is absent from %s", want, root)
	}
	return path
}

// Open opens a file below the reference folder and decompresses it if it is
// gzip, whatever its name. It skips the test when the file does not exist and
// fails it when the file cannot be read. The file is closed when the test ends.
func Open(tb testing.TB, elem ...string) io.Reader {
	tb.Helper()
	path := Dir(tb, elem...)
	f, err := os.Open(path)
	if err != nil {
		tb.Fatalf("reference: %v", err)
	}
	tb.Cleanup(func() { f.Close() })
	br := bufio.NewReader(f)
	if magic, _ := br.Peek(2); len(magic) < 2 || magic[0] != 0x1f || magic[1] != 0x8b {
		return br
	}
	zr, err := gzip.NewReader(br)
	if err != nil {
		tb.Fatalf("reference: %s: %v", path, err)
	}
	return zr
}

// root returns the reference folder, or "" if there is none.
func root() string {
	if dir := os.Getenv(Variable); dir != "" {
		return dir
	}
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			shared := filepath.Join(filepath.Dir(dir), "shared")
			if st, err := os.Stat(shared); err == nil && st.IsDir() {
				return shared
			}
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}
