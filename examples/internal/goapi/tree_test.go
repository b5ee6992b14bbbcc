package goapi_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/examples/internal/goapi"
)

// library is a small standard library.
var library = map[string]string{
	"VERSION": "go1.99.1\ntime 2026-01-02T03:04:05Z\n",
	"src/fmt/print.go": `// Package fmt formats.
package fmt

// Stringer has a name. It has a second sentence.
type Stringer interface{ String() string }

// Print prints.
func Print(a ...any) {}

func Printf(format string, a ...any) {}
func Println(a ...any)               {}
func Errorf(format string, a ...any) {}

func unexported() {}

type state struct{}

// Method is no item.
func (s state) Method() {}
`,
	"src/os/file.go": `package os

// Flags of files.
const (
	O_RDONLY = 0 // read only
	O_WRONLY = 1
	// The group says it, the line does not.
	o_internal = 2
)

// Args are the arguments.
var Args, Env []string

func Exit(code int) {}

// Old is old.
//
// Deprecated: use Exit.
func Old() {}
`,
	"src/math/rand/v2/rand.go": "package rand\n\nfunc IntN(n int) int { return 0 }\nfunc N(n int) int { return 0 }\n",
	"src/deep/folder/odd.go":   "package other\n\nfunc A() {}\nfunc B() {}\n",
}

// with returns the library and more files; a value of "-" removes a file.
func with(more map[string]string) map[string]string {
	files := maps.Clone(library)
	for name, text := range more {
		if text == "-" {
			delete(files, name)
			continue
		}
		files[name] = text
	}
	return files
}

// writeTree writes files below a new folder and returns the folder.
func writeTree(tb testing.TB, files map[string]string) string {
	tb.Helper()
	root := tb.TempDir()
	for name, text := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			tb.Fatal(err)
		}
	}
	return root
}

// load loads the tree of files with MinItems 1, unless cfg says more.
func load(tb testing.TB, files map[string]string, cfg goapi.Config) *goapi.Dataset {
	tb.Helper()
	cfg.Root = writeTree(tb, files)
	if cfg.MinItems == 0 {
		cfg.MinItems = 1
	}
	d, err := goapi.Load(context.Background(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	checkInvariants(tb, d, cfg.MinItems)
	return d
}

// usesOf returns the uses of the file at path in the form "fmt.Print×2 os.Exit×1",
// and "no user" when the file is none.
func usesOf(d *goapi.Dataset, path string) string {
	for _, u := range d.Users {
		if u.Path == path {
			return formatUses(d, u.Uses)
		}
	}
	return "no user"
}

func formatUses(d *goapi.Dataset, uses []goapi.Use) string {
	var parts []string
	for _, use := range uses {
		parts = append(parts, fmt.Sprintf("%s×%d", d.Items[use.Item].Name, use.Count))
	}
	return strings.Join(parts, " ")
}

// names returns the names of all items in one line.
func names(d *goapi.Dataset) string {
	var all []string
	for _, it := range d.Items {
		all = append(all, it.Name)
	}
	return strings.Join(all, " ")
}

// item returns the item called name.
func item(tb testing.TB, d *goapi.Dataset, name string) goapi.Item {
	tb.Helper()
	id, ok := d.Lookup(name)
	if !ok {
		tb.Fatalf("no item %s among %s", name, names(d))
	}
	return d.Items[id]
}

// checkInvariants checks what holds for every data set.
func checkInvariants(tb testing.TB, d *goapi.Dataset, minItems int) {
	tb.Helper()
	for i, it := range d.Items {
		if i > 0 && d.Items[i-1].Name >= it.Name {
			tb.Errorf("item %d is %s after %s; want ascending names", i, it.Name, d.Items[i-1].Name)
		}
		if id, ok := d.Lookup(it.Name); !ok || int(id) != i {
			tb.Errorf("Lookup(%s) = %d, %v; want %d", it.Name, id, ok, i)
		}
		if it.Name != it.Package+"."+it.Symbol || it.Variants < 1 || it.Depth != 1+strings.Count(it.Package, "/") {
			tb.Errorf("item %+v does not fit together", it)
		}
		if it.HasSince && !d.HasAge || !it.HasSince && it.Since != 0 {
			tb.Errorf("item %s has age %d, %v; data set has ages: %v", it.Name, it.Since, it.HasSince, d.HasAge)
		}
	}
	events, uses := 0, 0
	for i, u := range d.Users {
		if i > 0 && d.Users[i-1].Path >= u.Path {
			tb.Errorf("user %d is %s after %s; want ascending paths", i, u.Path, d.Users[i-1].Path)
		}
		if len(u.Uses) < minItems {
			tb.Errorf("user %s has %d items; want >= %d", u.Path, len(u.Uses), minItems)
		}
		seen := make(map[uint64]bool)
		for _, use := range u.Uses {
			if seen[uint64(use.Item)] || use.Count < 1 || int(use.Item) >= len(d.Items) {
				tb.Errorf("user %s has the use %+v", u.Path, use)
			}
			seen[uint64(use.Item)] = true
			uses += use.Count
		}
		events += len(u.Uses)
	}
	s := d.Stats
	if s.Events != events || s.Uses != uses || s.Users != len(d.Users) || s.Items != len(d.Items) {
		tb.Errorf("stats say %d events, %d uses, %d users, %d items; counted %d, %d, %d, %d",
			s.Events, s.Uses, s.Users, s.Items, events, uses, len(d.Users), len(d.Items))
	}
	if sum := s.Generated + len(s.Unparsed) + s.FewItems + s.Users; sum != s.Files {
		tb.Errorf("generated + unparsed + few + users = %d; want the %d files", sum, s.Files)
	}
	if s.Declared < s.Items {
		tb.Errorf("%d declared < %d items", s.Declared, s.Items)
	}
}
