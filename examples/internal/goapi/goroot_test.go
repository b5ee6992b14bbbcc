package goapi_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/recsyskit/recsys/examples/internal/goapi"
)

// toolchain returns the installed tree, or skips the test.
func toolchain(tb testing.TB) string {
	tb.Helper()
	root, err := goapi.FindRoot(context.Background())
	if errors.Is(err, goapi.ErrNoSource) {
		tb.Skip(err)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return root
}

// loaded is the data set of the toolchain, loaded once for the tests that share it.
var loaded = sync.OnceValues(func() (*goapi.Dataset, error) {
	return goapi.Load(context.Background(), goapi.Config{Workers: 2})
})

func TestToolchain(t *testing.T) {
	toolchain(t)
	d, err := loaded()
	if err != nil {
		t.Fatal(err)
	}
	t.Log(d.Stats)
	checkInvariants(t, d, 5)
	s := d.Stats
	if s.Users < 1000 || s.Items < 2000 || s.Events < 20000 || s.Median < 5 || s.Uses < s.Events {
		t.Errorf("too small: %v", s)
	}
	if 100*len(s.Unparsed) > s.Files {
		t.Errorf("%d of %d files do not parse, the first: %v", len(s.Unparsed), s.Files, s.Unparsed[0])
	}
	if 100*s.Unlisted > s.Uses {
		t.Errorf("%d uses of undeclared names beside %d uses", s.Unlisted, s.Uses)
	}
	tests, commands, ages := 0, 0, 0
	for _, u := range d.Users {
		if u.Test {
			tests++
		}
		if u.Cmd {
			commands++
		}
		if strings.Contains("/"+u.Path, "/testdata/") || strings.Contains("/"+u.Path, "/vendor/") {
			t.Errorf("user %s", u.Path)
		}
	}
	if tests < 100 || commands < 100 || tests+commands > 2*s.Users {
		t.Errorf("%d tests and %d commands among %d users", tests, commands, s.Users)
	}
	for _, it := range d.Items {
		if strings.HasPrefix(it.Package, "cmd/") || slices.Contains(strings.Split(it.Package, "/"), "internal") {
			t.Errorf("item %s", it.Name)
		}
		if it.HasSince {
			ages++
		}
	}
	if d.HasAge && 10*ages < 9*s.Items {
		t.Errorf("only %d of %d items have an age", ages, s.Items)
	}
	const unlisted = -1 // the release lists leave package unsafe out
	for _, want := range []struct {
		name  string
		kind  goapi.Kind
		since int
	}{
		{"fmt.Errorf", goapi.Func, 0},
		{"io.EOF", goapi.Var, 0},
		{"testing.T", goapi.Type, 0},
		{"os.O_RDONLY", goapi.Const, 0},
		{"unsafe.Pointer", goapi.Type, unlisted},
		{"syscall.EINVAL", goapi.Const, 0},
		{"strings.Builder", goapi.Type, 10},
		{"os.ReadFile", goapi.Func, 16},
		{"slices.Sort", goapi.Func, 21},
		{"math/rand/v2.IntN", goapi.Func, 22},
	} {
		it := item(t, d, want.name)
		since := it.Since
		if !it.HasSince {
			since = unlisted
		}
		if it.Kind != want.kind || d.HasAge && since != want.since {
			t.Errorf("%s: a %v of %d; want a %v of %d", it.Name, it.Kind, since, want.kind, want.since)
		}
	}
	for seed := range uint64(5) {
		a, b, c := d.Split(seed)
		for _, part := range [][]int{a, b, c} {
			if 20*len(part) < s.Users {
				t.Errorf("seed %d: parts of %d, %d and %d users", seed, len(a), len(b), len(c))
			}
		}
	}
}

// TestUsesAgreeWithTypeChecker compares the uses found by names with those that
// the type checker finds, on packages that it can check from source alone.
func TestUsesAgreeWithTypeChecker(t *testing.T) {
	if testing.Short() {
		t.Skip("checks the types of packages and all that they import")
	}
	root := toolchain(t)
	d, err := goapi.Load(context.Background(), goapi.Config{Root: root, MinItems: 1, Unused: true, Workers: 5})
	if err != nil {
		t.Fatal(err)
	}
	checkInvariants(t, d, 1)
	if !item(t, d, "io/ioutil.ReadFile").Deprecated {
		t.Error("io/ioutil.ReadFile is not deprecated")
	}
	got := make(map[string]string, len(d.Users))
	for _, u := range d.Users {
		got[u.Path] = formatUses(d, u.Uses)
	}
	few, err := loaded()
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range few.Users {
		if uses := formatUses(few, u.Uses); got[u.Path] != uses {
			t.Fatalf("%s: with more items, users and workers\ngot  %s\nwant %s", u.Path, got[u.Path], uses)
		}
	}
	fset := token.NewFileSet()
	imp := importer.ForCompiler(fset, "source", nil)
	files, uses := 0, 0
	for _, pkg := range []string{
		"math", "sort", "strings", "container/list", "text/template", "encoding/json", "archive/zip", "go/doc", "go/ast", "compress/flate",
	} {
		dir := filepath.Join(root, "src", filepath.FromSlash(pkg))
		info, err := build.ImportDir(dir, 0)
		if err != nil {
			t.Skip(err) // a toolchain that this platform's build context cannot see
		}
		for _, group := range [][]string{slices.Concat(info.GoFiles, info.TestGoFiles), info.XTestGoFiles} {
			for name, want := range checkedUses(t, d, fset, imp, dir, group) {
				file := path.Join(pkg, name)
				if want == "" {
					want = "no user"
				}
				have, ok := got[file]
				if !ok {
					have = "no user"
				}
				if have != want {
					t.Errorf("%s:\ngot  %s\nwant %s", file, have, want)
				}
				files++
				uses += strings.Count(want, "×")
			}
		}
	}
	t.Logf("%d files, %d events", files, uses)
	if files < 100 || uses < 500 {
		t.Errorf("compared %d files with %d events only", files, uses)
	}
}

// checkedUses type-checks the files of a package together and returns the uses of
// each by its name, in the form of usesOf. Uses that cannot be resolved, such as
// those of an export_test.go, are no items and do not matter.
func checkedUses(tb testing.TB, d *goapi.Dataset, fset *token.FileSet, imp types.Importer, dir string, names []string) map[string]string {
	tb.Helper()
	var files []*ast.File
	for _, name := range names {
		f, err := parser.ParseFile(fset, filepath.Join(dir, name), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			tb.Fatal(err)
		}
		files = append(files, f)
	}
	info := types.Info{Uses: make(map[*ast.Ident]types.Object)}
	conf := types.Config{Importer: imp, Error: func(error) {}}
	self, _ := conf.Check(filepath.ToSlash(dir), fset, files, &info)

	type occurrence struct {
		pos  token.Pos
		item string
	}
	found := make(map[string][]occurrence)
	for id, obj := range info.Uses {
		pkg := obj.Pkg()
		if pkg == nil && obj.Parent() == types.Unsafe.Scope() {
			pkg = types.Unsafe
		}
		if pkg == nil || pkg == self || obj.Parent() != pkg.Scope() {
			continue // universe, own package, or a method, field or local
		}
		name := pkg.Path() + "." + obj.Name()
		if _, ok := d.Lookup(name); ok {
			file := filepath.Base(fset.Position(id.Pos()).Filename)
			found[file] = append(found[file], occurrence{id.Pos(), name})
		}
	}
	uses := make(map[string]string)
	for i, name := range names {
		if ast.IsGenerated(files[i]) {
			continue
		}
		list := found[name]
		slices.SortFunc(list, func(a, b occurrence) int { return cmp.Compare(a.pos, b.pos) })
		count := make(map[string]int)
		var order []string
		for _, o := range list {
			if count[o.item]++; count[o.item] == 1 {
				order = append(order, o.item)
			}
		}
		for j, it := range order {
			order[j] = fmt.Sprintf("%s×%d", it, count[it])
		}
		uses[name] = strings.Join(order, " ")
	}
	return uses
}

func TestFindRootFallsBack(t *testing.T) {
	known := build.Default.GOROOT
	t.Cleanup(func() { build.Default.GOROOT = known })
	ctx := context.Background()
	t.Setenv("PATH", "") // no go command
	root := writeTree(t, library)

	t.Setenv("GOROOT", root)
	if got, err := goapi.FindRoot(ctx); got != root || err != nil {
		t.Errorf("by environment: got %s, %v, want %s", got, err, root)
	}
	if d, err := goapi.Load(ctx, goapi.Config{Unused: true}); err != nil || d.Root != root || len(d.Items) == 0 {
		t.Errorf("Load: got %v, %v", d, err)
	}
	none := filepath.Join(root, "none")
	t.Setenv("GOROOT", none)
	build.Default.GOROOT = root
	if got, err := goapi.FindRoot(ctx); got != root || err != nil {
		t.Errorf("by go/build: got %s, %v, want %s", got, err, root)
	}
	build.Default.GOROOT = ""
	_, err := goapi.FindRoot(ctx)
	if !errors.Is(err, goapi.ErrNoSource) || !strings.Contains(err.Error(), filepath.Join(none, "src")) {
		t.Errorf("got %v; want ErrNoSource that names %s", err, none)
	}
	t.Setenv("GOROOT", "")
	if _, err := goapi.FindRoot(ctx); !errors.Is(err, goapi.ErrNoSource) || !strings.Contains(err.Error(), "install Go") {
		t.Errorf("got %v; want ErrNoSource with a remedy", err)
	}
}

func TestFindRootAsksTheGoCommand(t *testing.T) {
	root := toolchain(t)
	if _, err := os.Stat(filepath.Join(root, "src", "fmt")); err != nil {
		t.Errorf("%s is no toolchain: %v", root, err)
	}
	t.Setenv("GOROOT", root)
	if again, err := goapi.FindRoot(context.Background()); again != root || err != nil {
		t.Errorf("got %s, %v; want %s", again, err, root)
	}
}
