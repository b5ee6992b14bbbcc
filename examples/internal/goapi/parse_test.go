package goapi_test

import (
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
			if got := usesOf(d, "p/p.go"); got != tt.want {
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
