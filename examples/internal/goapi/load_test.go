package goapi_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/examples/internal/goapi"
)

func TestUses(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{
			"source order and counts",
			`import ("fmt"; "os")
			func f() { os.Exit(1); fmt.Println(os.Args); fmt.Print(); fmt.Println() }
			var x fmt.Stringer`,
			"os.Exit×1 fmt.Println×2 os.Args×1 fmt.Print×1 fmt.Stringer×1",
		},
		{
			"nested calls count from the left",
			`import ("fmt"; "os")
			func f() { fmt.Println(fmt.Errorf("x", os.Args)); var _ map[fmt.Stringer]struct{} }`,
			"fmt.Println×1 fmt.Errorf×1 os.Args×1 fmt.Stringer×1",
		},
		{
			"aliases",
			`import (f "fmt"; fmt "os")
			func g() { f.Println(); fmt.Exit(1) }`,
			"fmt.Println×1 os.Exit×1",
		},
		{
			"one package under two names is one item",
			`import ("fmt"; f "fmt")
			func g() { f.Println(); fmt.Print(); fmt.Println() }`,
			"fmt.Println×2 fmt.Print×1",
		},
		{
			"blank import",
			`import (_ "fmt"; "os")
			var fmt T
			func g() { fmt.Println(); _ = os.Args }`,
			"os.Args×1",
		},
		{
			"name of the package clause, not of the path",
			`import ("math/rand/v2"; "deep/folder")
			func g() { rand.IntN(1); other.B(); folder.A(); v2.N() }`,
			"math/rand/v2.IntN×1 deep/folder.B×1",
		},
		{
			"dot import",
			`import (. "fmt"; "os")
			type Errorf int
			func g(Print int) { Print(); Println(os.Args); Errorf(1); x.Printf(); Unknown(); _ = T{Stringer: 1}; Println() }`,
			"fmt.Println×2 os.Args×1",
		},
		{
			"no import, unknown import, cgo",
			`import ("C"; "example.com/fmt"; "os")
			func g() { C.Println(); fmt.Println(); bytes.Equal(); _ = os.Env }`,
			"os.Env×1",
		},
		{
			"fields, methods and deeper selectors",
			`import "os"
			func g() { x.os.Exit(); (os).Exit(); os.Args.Exit(); y().Exit() }`,
			"os.Args×1",
		},
		{
			"in type arguments, labels, closures and constants",
			`import ("fmt"; "os")
			const c = os.O_RDONLY | os.O_WRONLY
			func g[T fmt.Stringer]() { fmt: for { break fmt }; func() { defer os.Exit(h[fmt.Stringer]()) }() }`,
			"os.O_RDONLY×1 os.O_WRONLY×1 fmt.Stringer×2 os.Exit×1",
		},
		{
			"names that only tests declare",
			`import "fmt"
			func g() { fmt.Secret(); fmt.Print() }`,
			"fmt.Print×1",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := load(t, with(map[string]string{
				"src/p/p.go":             "package p\n" + tt.text,
				"src/fmt/export_test.go": "package fmt\n\nfunc Secret() {}\n",
			}), goapi.Config{})
			if got := usesOf(d, "src/p/p.go"[4:]); got != tt.want {
				t.Errorf("got  %s\nwant %s\nof %s", got, tt.want, tt.text)
			}
		})
	}
}

func TestShadowedImportIsNoUse(t *testing.T) {
	for name, body := range map[string]string{
		"parameter":      `func f(fmt T) { fmt.Print() }`,
		"result":         `func f() (fmt T) { fmt.Print(); return }`,
		"receiver":       `func (fmt T) f() { fmt.Print() }`,
		"type parameter": `func f[fmt any]() { var _ fmt.Print }`,
		"variable":       `func f() { var fmt T; fmt.Print() }`,
		"constant":       `func f() { const fmt = 1; fmt.Print() }`,
		"type":           `func f() { type fmt T; fmt.Print(1) }`,
		"definition":     `func f() { fmt := x; fmt.Print() }`,
		"if":             `func f() { if fmt := x; fmt.Print() {} else { fmt.Print() } }`,
		"for":            `func f() { for fmt := x; fmt.Print(); fmt.Print() { fmt.Print() } }`,
		"range":          `func f() { for _, fmt := range x { fmt.Print() } }`,
		"switch":         `func f() { switch fmt := x; fmt.Print() { case fmt.Print(): } }`,
		"type switch":    `func f() { switch fmt := x.(type) { case int: fmt.Print() } }`,
		"select":         `func f() { select { case fmt := <-x: fmt.Print() } }`,
		"closure":        `func f() { fmt := x; func() { go func() { fmt.Print() }() }() }`,
	} {
		t.Run(name, func(t *testing.T) {
			// Println is used where nothing shadows: the scope ends with the function.
			text := "package p\nimport \"fmt\"\n" + body + "\nfunc after() { fmt.Println() }\n"
			d := load(t, with(map[string]string{"src/p/p.go": text}), goapi.Config{})
			if got, want := usesOf(d, "p/p.go"), "fmt.Println×1"; got != want {
				t.Errorf("got %s, want %s of %s", got, want, text)
			}
		})
	}
}

func TestImportIsUsedUpToItsShadow(t *testing.T) {
	d := load(t, with(map[string]string{"src/p/p.go": `package p
import "fmt"
func f() {
	fmt.Print()
	{
		fmt := fmt.Errorf("")
		fmt.Printf()
	}
	fmt.Println()
}`}), goapi.Config{})
	if got, want := usesOf(d, "p/p.go"), "fmt.Print×1 fmt.Errorf×1 fmt.Println×1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestItemsAreExportedSymbolsOfImportablePackages(t *testing.T) {
	d := load(t, map[string]string{
		"src/pkg/a.go":                 "package pkg\n\nconst C, c = 1, 2\n\nvar V, _ = 1, 2\n\ntype T[E any] struct{ F int }\n\nfunc F[E any]() { const Local = 1 }\n\nfunc (T[E]) M() {}\n\nfunc g() {}\n",
		"src/pkg/a_test.go":            "package pkg\n\nfunc Test() {}\n",
		"src/pkg/x_test.go":            "package pkg_test\n\nfunc External() {}\n",
		"src/pkg/gen.go":               "//go:build ignore\n\npackage main\n\nfunc Generator() {}\n",
		"src/pkg/types.go":             "// Copyright\n\n//go:build ignore && linux\n\npackage pkg\n\nfunc Ignored() {}\n",
		"src/pkg/maybe.go":             "//go:build !ignore || linux\n\npackage pkg\n\nfunc Maybe() {}\n",
		"src/pkg/stray.go":             "package documentation\n\nfunc Stray() {}\n",
		"src/pkg/_off.go":              "package pkg\n\nfunc Off() {}\n",
		"src/pkg/.off.go":              "package pkg\n\nfunc Off() {}\n",
		"src/pkg/testdata/a.go":        "package pkg\n\nfunc Data() {}\n",
		"src/pkg/internal/deep/a.go":   "package deep\n\nfunc Internal() {}\n",
		"src/pkg/sub/a.go":             "package sub\n\nfunc Sub() {}\n",
		"src/pkg/sub/notes.txt":        "package sub\n\nfunc Text() {}\n",
		"src/internal/a.go":            "package internal\n\nfunc Internal() {}\n",
		"src/vendor/x.org/y/a.go":      "package y\n\nfunc Vendored() {}\n",
		"src/cmd/lib/a.go":             "package lib\n\nfunc Command() {}\n",
		"src/builtin/builtin.go":       "package builtin\n\ntype Type int\n",
		"src/loose.go":                 "package src\n\nfunc Loose() {}\n",
		"src/_gen/a.go":                "package gen\n\nfunc Gen() {}\n",
		"src/pkg/prefix-sorts-last.go": "package pkg\n",
	}, goapi.Config{Unused: true})
	want := "pkg.C pkg.F pkg.Maybe pkg.T pkg.V pkg/sub.Sub"
	if got := names(d); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for name, kind := range map[string]goapi.Kind{"pkg.C": goapi.Const, "pkg.F": goapi.Func, "pkg.T": goapi.Type, "pkg.V": goapi.Var} {
		if got := item(t, d, name).Kind; got != kind {
			t.Errorf("%s is a %v, want %v", name, got, kind)
		}
	}
	if got := d.Stats.Ignored; got != 5 { // testdata, vendor, _gen, _off.go, .off.go
		t.Errorf("%d ignored, want 5", got)
	}
}

func TestUnusedSymbolsAreItemsOnRequest(t *testing.T) {
	files := with(map[string]string{
		"src/p/p.go": "package p\nimport \"fmt\"\nfunc f() { fmt.Print(); fmt.Println() }\n",
		"src/q/q.go": "package q\nimport \"os\"\nfunc f() { os.Exit(1) }\n",
	})
	few := load(t, files, goapi.Config{MinItems: 2})
	if got, want := names(few), "fmt.Print fmt.Println"; got != want {
		t.Errorf("got %s, want %s: a file that is no user uses nothing", got, want)
	}
	all := load(t, files, goapi.Config{MinItems: 2, Unused: true})
	if len(all.Items) != all.Stats.Declared || all.Stats.Declared != few.Stats.Declared {
		t.Errorf("%d items with Unused, %d declared, %d without it", len(all.Items), all.Stats.Declared, few.Stats.Declared)
	}
	if few.Stats.FewItems != all.Stats.FewItems || len(few.Users) != 1 || usesOf(few, "p/p.go") != usesOf(all, "p/p.go") {
		t.Errorf("Unused changes the users: %v, %v", few.Stats, all.Stats)
	}
}

func TestVariantsAreOneItem(t *testing.T) {
	d := load(t, with(map[string]string{
		"src/os/a_linux.go":     "package os\n\nconst DevNull, Tie = \"/dev/null\", 1\n",
		"src/os/b_windows.go":   "package os\n\n// DevNull is documented here.\nvar DevNull, Tie = \"NUL\", 1\n\nfunc OnlyHere() {}\n",
		"src/os/c_plan9.go":     "package os\n\n// DevNull is documented too late.\nvar DevNull = \"NUL\"\n",
		"src/p/p_windows.go":    "package p\nimport \"os\"\nvar _ = os.DevNull\nfunc f() { os.OnlyHere() }\n",
		"src/p/p_linux_test.go": "package p\nimport \"os\"\nvar _ = os.DevNull\n",
	}), goapi.Config{Unused: true})
	it := item(t, d, "os.DevNull")
	if it.Kind != goapi.Var || it.Variants != 3 || it.Summary != "DevNull is documented here." {
		t.Errorf("got %+v; want the kind of most files, the comment of the first with one, 3 variants", it)
	}
	if it := item(t, d, "os.Tie"); it.Kind != goapi.Const || it.Variants != 2 {
		t.Errorf("got %+v; want the kind of the first file on a tie, 2 variants", it)
	}
	if got, want := usesOf(d, "p/p_windows.go"), "os.DevNull×1 os.OnlyHere×1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestGeneratedFilesDeclareButAreNoUsers(t *testing.T) {
	const header = "// Code generated by a program; DO NOT EDIT.\n\n"
	const body = "import \"fmt\"\n\nfunc Table() { fmt.Print() }\n"
	d := load(t, with(map[string]string{
		"src/p/a.go":          header + "package p\n" + body,
		"src/cmd/c/a.go":      header + "package c\n" + body,
		"src/cmd/c/broken.go": header + "package c\n func {", // not a user anyway
		"src/cmd/c/late.go":   "package c\n" + header + body,
		"src/cmd/c/cited.go":  "// A \"Code generated by x; DO NOT EDIT.\" header.\npackage c\n" + body,
		"src/cmd/c/b.go":      "package c\nimport \"p\"\nfunc f() { p.Table() }\n",
	}), goapi.Config{})
	if got := usesOf(d, "p/a.go") + ", " + usesOf(d, "cmd/c/a.go"); got != "no user, no user" {
		t.Errorf("generated files are users: %s", got)
	}
	if got := usesOf(d, "cmd/c/b.go"); got != "p.Table×1" {
		t.Errorf("got %s, want the use of a generated declaration", got)
	}
	for _, path := range []string{"cmd/c/late.go", "cmd/c/cited.go"} {
		if got := usesOf(d, path); got != "fmt.Print×1" {
			t.Errorf("%s: got %s; want a user, since its header is none", path, got)
		}
	}
	if d.Stats.Generated != 3 {
		t.Errorf("%d generated, want 3", d.Stats.Generated)
	}
}

func TestItemFeaturesFromComments(t *testing.T) {
	d := load(t, with(map[string]string{
		"src/p/p.go": "package p\n\n// Old names.\n//\n// Deprecated: all of them.\nconst (\n\tOne = 1\n\t// Two is two.\n\tTwo = 2\n)\n",
	}), goapi.Config{Unused: true})
	for _, tt := range []struct {
		name, summary string
		words, chars  int
		deprecated    bool
	}{
		{"fmt.Stringer", "Stringer has a name.", 9, 46, false},
		{"fmt.Printf", "", 0, 0, false},
		{"os.O_RDONLY", "read only", 2, 9, false},
		{"os.O_WRONLY", "Flags of files.", 3, 15, false},
		{"os.Args", "Args are the arguments.", 4, 23, false},
		{"os.Env", "Args are the arguments.", 4, 23, false},
		{"os.Old", "Old is old.", 6, 34, true},
		{"p.One", "Old names.", 6, 36, true},
		{"p.Two", "Two is two.", 3, 11, true},
	} {
		it := item(t, d, tt.name)
		if it.Summary != tt.summary || it.DocWords != tt.words || it.DocChars != tt.chars || it.Deprecated != tt.deprecated {
			t.Errorf("%s: got %q, %d words, %d chars, deprecated %v; want %q, %d, %d, %v", tt.name,
				it.Summary, it.DocWords, it.DocChars, it.Deprecated, tt.summary, tt.words, tt.chars, tt.deprecated)
		}
	}
}

func TestUserFeatures(t *testing.T) {
	text := "package main_test\n\nimport (\n\t\"fmt\"\n\t_ \"os\"\n)\n\nvar _ = fmt.Print"
	d := load(t, with(map[string]string{
		"src/cmd/tool/x_test.go": text,
		"src/p-a/x.go":           "package p\nimport \"fmt\"\nvar _ = fmt.Print\n",
		"src/p/x.go":             "package p\nimport \"fmt\"\nvar _ = fmt.Print\n",
		"src/cmdline.go":         "package src\nimport \"fmt\"\nvar _ = fmt.Print\n",
	}), goapi.Config{})
	id, _ := d.Lookup("fmt.Print")
	want := goapi.User{
		Path: "cmd/tool/x_test.go", Dir: "cmd/tool", Package: "main_test", Bytes: len(text), Lines: 8, Imports: 2,
		Test: true, Cmd: true, Uses: []goapi.Use{{Item: id, Count: 1}},
	}
	if !reflect.DeepEqual(d.Users[0], want) {
		t.Errorf("got  %+v\nwant %+v", d.Users[0], want)
	}
	var paths []string
	for _, u := range d.Users {
		paths = append(paths, u.Path)
	}
	if got, want := strings.Join(paths, " "), "cmd/tool/x_test.go cmdline.go p-a/x.go p/x.go"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if u := d.Users[1]; u.Dir != "." || u.Cmd || u.Test || u.Lines != 3 {
		t.Errorf("got %+v for a file in src itself", u)
	}
}

func TestFileThatDoesNotParseIsListed(t *testing.T) {
	d := load(t, with(map[string]string{
		"src/p/bad.go":   "package p\nimport \"fmt\"\nfunc f() { fmt.Print( }\n",
		"src/p/empty.go": "",
		"src/p/good.go":  "package p\nimport \"fmt\"\nfunc f() { fmt.Print() }\n",
	}), goapi.Config{})
	if len(d.Users) != 1 || len(d.Stats.Unparsed) != 2 {
		t.Fatalf("%d users, unparsed %v; want 1 and 2", len(d.Users), d.Stats.Unparsed)
	}
	got := d.Stats.Unparsed[0].Error()
	if !strings.HasPrefix(got, "p/bad.go: p/bad.go:3:23: ") {
		t.Errorf("got %q; want path, line and reason", got)
	}
	if line := d.Stats.String(); !strings.Contains(line, "2 unparsed") || strings.Contains(line, "\n") {
		t.Errorf("got %q; want one line that says so", line)
	}
}

func TestSameResultForAnyNumberOfWorkers(t *testing.T) {
	root := writeTree(t, manyFiles(300))
	var want *goapi.Dataset
	for _, workers := range []int{1, 2, 3, 8, 1000, 0} {
		d, err := goapi.Load(context.Background(), goapi.Config{Root: root, Workers: workers, MinItems: 1})
		if err != nil {
			t.Fatal(err)
		}
		d.Stats.Elapsed = 0
		if want == nil {
			want = d
		}
		if !reflect.DeepEqual(d, want) {
			t.Errorf("workers = %d: another result than with 1", workers)
		}
	}
}

// manyFiles returns the library and n users.
func manyFiles(n int) map[string]string {
	files := with(nil)
	for i := range n {
		files[fmt.Sprintf("src/p%d/x%d.go", i%7, i)] = fmt.Sprintf(
			"package p\nimport (\"fmt\"; \"os\")\nfunc f%d() { %s; os.Exit(%d) }\n", i, strings.Repeat("fmt.Print(); ", i%5), i)
	}
	return files
}

func TestProgressIncreasesToTotal(t *testing.T) {
	const n = 600
	var calls []int
	root := writeTree(t, manyFiles(n))
	_, err := goapi.Load(context.Background(), goapi.Config{Root: root, Workers: 4, Progress: func(done, total int) {
		if total != n+4 {
			t.Errorf("total = %d, want %d", total, n+4)
		}
		calls = append(calls, done)
	}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(calls), "[256 512 604]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestCancelStopsLoad(t *testing.T) {
	root := writeTree(t, manyFiles(600))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	d, err := goapi.Load(ctx, goapi.Config{Root: root, Workers: 2, Progress: func(done, total int) {
		cancel()
		if done > 300 {
			t.Errorf("still at work at %d of %d", done, total)
		}
	}})
	if !errors.Is(err, context.Canceled) || d != nil {
		t.Errorf("got %v, %v; want no data set and context.Canceled", d, err)
	}
	for _, cfg := range []goapi.Config{{Root: root}, {}} { // with "", FindRoot meets it
		if _, err := goapi.Load(ctx, cfg); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled before the start: got %v", err)
		}
	}
}

func TestLoadErrorsNamePathAndRemedy(t *testing.T) {
	good := writeTree(t, library)
	dangling := writeTree(t, library)
	if err := os.Symlink(filepath.Join(dangling, "nowhere"), filepath.Join(dangling, "src", "fmt", "gone.go")); err != nil {
		t.Skip("no symbolic links:", err)
	}
	for _, tt := range []struct {
		name string
		cfg  goapi.Config
		is   error
		want []string
	}{
		{"negative workers", goapi.Config{Root: good, Workers: -2}, nil, []string{"Config.Workers is -2", "want >= 0"}},
		{"negative items", goapi.Config{Root: good, MinItems: -3}, nil, []string{"Config.MinItems is -3", "want >= 0"}},
		{"no root", goapi.Config{Root: filepath.Join(good, "none")}, goapi.ErrNoSource, []string{filepath.Join(good, "none", "src"), "set Config.Root"}},
		{"src is a file", goapi.Config{Root: writeTree(t, map[string]string{"src": "x"})}, goapi.ErrNoSource, []string{"src: not a folder", "install"}},
		{"dangling link", goapi.Config{Root: dangling}, fs.ErrNotExist, []string{"gone.go", "make the file readable"}},
		{"api is a file", goapi.Config{Root: writeTree(t, with(map[string]string{"api": "x"}))}, nil, []string{"api", "make the folder readable"}},
		{"api file is a folder", goapi.Config{Root: writeTree(t, with(map[string]string{"api/go1.txt/x": "x"}))}, nil, []string{"go1.txt", "make the file readable"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, err := goapi.Load(context.Background(), tt.cfg)
			if err == nil || d != nil {
				t.Fatalf("got %v, %v; want an error alone", d, err)
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("%v is no %v", err, tt.is)
			}
			for _, want := range append(tt.want, "goapi: ") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q lacks %q", err, want)
				}
			}
		})
	}
}

func TestUnreadableFolderIsAnError(t *testing.T) {
	root := writeTree(t, library)
	dir := filepath.Join(root, "src", "fmt")
	if err := os.Chmod(dir, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(dir, 0o755) })
	if _, err := os.ReadDir(dir); err == nil {
		t.Skip("this user may read everything")
	}
	_, err := goapi.Load(context.Background(), goapi.Config{Root: root})
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %v; want a permission error that names %s", err, dir)
	}
}

func TestSourceBehindALink(t *testing.T) {
	real, root := writeTree(t, library), t.TempDir()
	if err := os.Symlink(filepath.Join(real, "src"), filepath.Join(root, "src")); err != nil {
		t.Skip("no symbolic links:", err)
	}
	d, err := goapi.Load(context.Background(), goapi.Config{Root: root, Unused: true})
	if err != nil || d.Stats.Files != 4 || d.Stats.Declared == 0 || d.Version != "" {
		t.Errorf("got %+v, %v; want the 4 files of the linked tree, without a version", d, err)
	}
}

func TestEmptyTreeIsAnEmptyDataSet(t *testing.T) {
	d := load(t, map[string]string{"src/README": ""}, goapi.Config{})
	if len(d.Users) != 0 || len(d.Items) != 0 || d.Stats.Density != 0 || d.Stats.Median != 0 {
		t.Errorf("got %+v", d.Stats)
	}
	if _, ok := d.Lookup("fmt.Print"); ok {
		t.Error("found an item in an empty data set")
	}
}

// FuzzSource feeds bytes as a source file that declares, and one that does not.
func FuzzSource(f *testing.F) {
	for _, text := range library {
		f.Add([]byte(text))
	}
	f.Add([]byte("//go:build ignore\npackage p\nimport . \"fmt\"\nvar _, X = Print, T{Print: 1}"))
	f.Add([]byte("// Code generated x DO NOT EDIT.\npackage p\nimport fmt \"os\"\nconst A = fmt.Args"))
	f.Fuzz(func(t *testing.T, data []byte) {
		texts := map[string]string{"p/p.go": string(data), "cmd/p/p.go": string(data)}
		for path, text := range library {
			if rel, ok := strings.CutPrefix(path, "src/"); ok {
				texts[rel] = text
			}
		}
		d := goapi.FromText(texts, goapi.Config{MinItems: 1, Unused: true})
		checkInvariants(t, d, 1)
		for _, u := range d.Users {
			if u.Bytes != len(data) || len(u.Uses) > len(data) {
				t.Errorf("got %+v of %d bytes", u, len(data))
			}
		}
	})
}
