package goapi_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/recsyskit/recsys/examples/internal/goapi"
)

// A tree of three packages and a program. With Config{} it would be the whole
// toolchain that is installed.
func ExampleLoad() {
	root, err := os.MkdirTemp("", "goapi")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(root)
	for name, text := range map[string]string{
		"api/go1.txt":   "pkg fmt, func Println(...interface{}) (int, error)\npkg os, var Args []string\n",
		"api/go1.1.txt": "pkg os, func Exit(int)\n",
		"src/fmt/fmt.go": `package fmt

// Println writes a line. It ends it, too.
func Println(a ...any) {}
`,
		"src/os/os.go": "package os\n\nvar Args []string\n\nfunc Exit(code int) {}\n",
		"src/cmd/echo/main.go": `package main

import (
	"fmt"
	"os"
)

func main() {
	for _, arg := range os.Args {
		fmt.Println(arg)
	}
	fmt.Println()
	fmt.Println(len(os.Args))
	os.Exit(0)
}
`,
	} {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			log.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			log.Fatal(err)
		}
	}
	data, err := goapi.Load(context.Background(), goapi.Config{Root: root, MinItems: 2})
	if err != nil {
		log.Fatal(err)
	}
	for id, it := range data.Items {
		fmt.Printf("item %d: %s, a %v of go1.%d: %q\n", id, it.Name, it.Kind, it.Since, it.Summary)
	}
	for _, u := range data.Users {
		history, targets := goapi.Cut(u.Uses)
		fmt.Printf("%s, %d lines: %v then %v\n", u.Path, u.Lines, history, targets)
		for _, e := range goapi.Events(nil, u.Uses) {
			fmt.Println(" ", e.Time.Format("15:04:05"), e.Kind, data.Items[e.Item].Name)
		}
	}
	// Output:
	// item 0: fmt.Println, a func of go1.0: "Println writes a line."
	// item 1: os.Args, a var of go1.0: ""
	// item 2: os.Exit, a func of go1.1: ""
	// cmd/echo/main.go, 15 lines: [{1 2} {0 3}] then [{2 1}]
	//   23:00:00 click os.Args
	//   23:00:01 dwell fmt.Println
	//   23:00:02 click os.Exit
}

func ExamplePartOf() {
	for _, dir := range []string{"fmt", "net/http", "os", "cmd/go/internal/load"} {
		fmt.Println(goapi.PartOf(dir, 1), dir)
	}
	// Output:
	// C fmt
	// A net/http
	// A os
	// B cmd/go/internal/load
}

func ExampleParseAPILine() {
	s, ok, err := goapi.ParseAPILine("pkg slices, func Sort[$0 interface{ ~[]$1 }, $1 cmp.Ordered]($0) #60091")
	fmt.Println(s.Kind, s.Package, s.Name, ok, err)
	// Output:
	// func slices Sort true <nil>
}
