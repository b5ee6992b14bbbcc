package goapi_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/examples/internal/goapi"
)

func TestParseAPILine(t *testing.T) {
	sym := func(pkg, platform string, kind goapi.Kind, name string) goapi.APISymbol {
		return goapi.APISymbol{Package: pkg, Platform: platform, Kind: kind, Name: name}
	}
	for line, want := range map[string]goapi.APISymbol{
		"pkg net/http, func Get(string) (*Response, error)":                             sym("net/http", "", goapi.Func, "Get"),
		"pkg slices, func Sort[$0 interface{ ~[]$1 }, $1 cmp.Ordered]($0) #60091":       sym("slices", "", goapi.Func, "Sort"),
		"pkg archive/tar, const TypeBlock = 52":                                         sym("archive/tar", "", goapi.Const, "TypeBlock"),
		"pkg archive/tar, const TypeBlock ideal-char":                                   sym("archive/tar", "", goapi.Const, "TypeBlock"),
		"pkg io, var EOF error":                                                         sym("io", "", goapi.Var, "EOF"),
		"pkg sync, type Mutex struct":                                                   sym("sync", "", goapi.Type, "Mutex"),
		"pkg sync/atomic, type Pointer[$0 interface{}] struct #50860":                   sym("sync/atomic", "", goapi.Type, "Pointer"),
		"pkg crypto/tls, type Config struct, Rand io.Reader":                            sym("crypto/tls", "", goapi.Type, "Config"),
		"pkg syscall (linux-386-cgo), const AF_ALG = 38":                                sym("syscall", "linux-386-cgo", goapi.Const, "AF_ALG"),
		"pkg syscall (windows-386), func Accept(Handle) (Handle, Sockaddr, error)":      sym("syscall", "windows-386", goapi.Func, "Accept"),
		"  pkg go/types, func Ünïcode_9(int)\r\n":                                       sym("go/types", "", goapi.Func, "Ünïcode_9"),
		"pkg math, const MaxFloat64 = 1.79769e+308  // 179769313486231570814527423":     sym("math", "", goapi.Const, "MaxFloat64"),
		"pkg text/template, const X = \"a, b //deprecated or so\"":                      sym("text/template", "", goapi.Const, "X"),
		"pkg encoding, type TextAppender interface { AppendText } #62384":               sym("encoding", "", goapi.Type, "TextAppender"),
		"pkg unique, func Make[$0 comparable]($0) Handle[$0] #62483":                    sym("unique", "", goapi.Func, "Make"),
		"pkg go/ast, type Visitor interface, Visit(Node) Visitor":                       sym("go/ast", "", goapi.Type, "Visitor"),
		"pkg syscall (openbsd-amd64), type Timespec struct, Pad_cgo_0 [4]uint8":         sym("syscall", "openbsd-amd64", goapi.Type, "Timespec"),
		"pkg log/slog, func Group(string, ...interface{}) Attr #59204":                  sym("log/slog", "", goapi.Func, "Group"),
		"pkg os, var Args []string":                                                     sym("os", "", goapi.Var, "Args"),
		"pkg time, const RFC3339Nano = \"2006-01-02T15:04:05.999999999Z07:00\" #999999": sym("time", "", goapi.Const, "RFC3339Nano"),
	} {
		if got, ok, err := goapi.ParseAPILine(line); got != want || !ok || err != nil {
			t.Errorf("%s:\ngot  %+v, %v, %v\nwant %+v", line, got, ok, err, want)
		}
	}
}

func TestParseAPILineWithoutSymbol(t *testing.T) {
	for _, line := range []string{
		"", "   \n", "# CL 134210043 archive/zip: add Writer.Flush",
		"pkg bytes, method (*Buffer) Peek(int) ([]uint8, error) #73794",
		"pkg syscall (freebsd-arm64), func BpfBuflen //deprecated",
		"pkg crypto/tls, type ConnectionState struct, TLSUnique //deprecated",
	} {
		if got, ok, err := goapi.ParseAPILine(line); got != (goapi.APISymbol{}) || ok || err != nil {
			t.Errorf("%q: got %+v, %v, %v; want nothing", line, got, ok, err)
		}
	}
}

func TestParseAPILineMalformed(t *testing.T) {
	for line, want := range map[string]string{
		"package os, var Args []string":      `no "pkg "`,
		"pkg os var Args []string":           `no ", "`,
		"pkg , func X()":                     `package path ""`,
		"pkg a b, func X()":                  `package path "a b"`,
		"pkg os (linux-386, func X()":        `no ")"`,
		"pkg os, macro X":                    `unknown kind "macro"`,
		"pkg os, func":                       `no name after "func"`,
		"pkg os, const = 1":                  `no name after "const"`,
		"pkg os, type 9T struct":             `no name after "type"`,
		"pkg os, var \xff\xfe":               `no name after "var"`,
		"<html>404: not found, sorry</html>": `no "pkg "`,
	} {
		got, ok, err := goapi.ParseAPILine(line)
		if err == nil || ok || got != (goapi.APISymbol{}) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %+v, %v, %v; want an error with %s", line, got, ok, err, want)
		}
	}
}

// apiFiles are the release lists of the small library.
var apiFiles = map[string]string{
	"api/README":      "pkg fmt, func Print() in no release list\n",
	"api/except.txt":  "pkg fmt, func Print(...interface{})\n",
	"api/go2.txt":     "pkg fmt, func Errorf()\n",
	"api/go1.007.txt": "pkg fmt, func Errorf()\n",
	"api/go1.txt":     "pkg fmt, func Print(...interface{})\npkg fmt, method (T) Printf()\n",
	"api/go1.9.txt":   "pkg os (linux-386), const O_RDONLY = 0\npkg os, const O_WRONLY = 1\n",
	"api/go1.10.txt":  "# later\n\npkg os, const O_RDONLY = 0\npkg fmt, func Print() //deprecated\npkg math/rand/v2, func IntN(int) int #1\n",
	"api/go1.21.txt":  "pkg fmt, type Stringer interface { String } #60091\n",
}

func TestAgeIsTheFirstReleaseThatListsTheSymbol(t *testing.T) {
	d := load(t, with(apiFiles), goapi.Config{Unused: true})
	if !d.HasAge || len(d.Notes) != 0 {
		t.Fatalf("ages %v, notes %q", d.HasAge, d.Notes)
	}
	got := make(map[string]int)
	for _, it := range d.Items {
		if it.HasSince {
			got[it.Name] = it.Since
		}
	}
	want := map[string]int{"fmt.Print": 0, "os.O_RDONLY": 9, "os.O_WRONLY": 9, "math/rand/v2.IntN": 10, "fmt.Stringer": 21}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestWithoutAPIFolderOnlyTheAgeIsMissing(t *testing.T) {
	user := map[string]string{"src/p/p.go": "package p\nimport \"fmt\"\nfunc f() { fmt.Print(); fmt.Println() }\n"}
	files := with(user)
	without := load(t, files, goapi.Config{})
	for name, text := range apiFiles {
		files[name] = text
	}
	present := load(t, files, goapi.Config{})
	if !present.HasAge || without.HasAge {
		t.Fatalf("ages with the folder: %v, without: %v", present.HasAge, without.HasAge)
	}
	if len(without.Notes) != 1 || !strings.Contains(without.Notes[0], "age of items is missing") {
		t.Errorf("got %q; want a note on the age", without.Notes)
	}
	for i := range present.Items {
		present.Items[i].Since, present.Items[i].HasSince = 0, false
	}
	present.HasAge, present.Notes, present.Root = false, without.Notes, without.Root
	present.Stats.Elapsed = without.Stats.Elapsed
	if !reflect.DeepEqual(present, without) {
		t.Errorf("more than the age differs:\n%+v\n%+v", present, without)
	}
	// A folder with none of the files is as good as none.
	files = with(map[string]string{"api/README": "x"})
	if d := load(t, files, goapi.Config{}); d.HasAge || len(d.Notes) != 1 {
		t.Errorf("empty api folder: ages %v, notes %q", d.HasAge, d.Notes)
	}
}

func TestLinesNotUnderstoodAreNoted(t *testing.T) {
	d := load(t, with(map[string]string{
		"api/go1.3.txt": "pkg fmt, func Print(...interface{})\nnonsense\npkg fmt, macro X\npkg os, func Exit(int)\n",
	}), goapi.Config{Unused: true})
	if it := item(t, d, "os.Exit"); it.Since != 3 || !it.HasSince {
		t.Errorf("got %d, %v for a line after a bad one; want 3", it.Since, it.HasSince)
	}
	if len(d.Notes) != 1 || !strings.Contains(d.Notes[0], `go1.3.txt: 2 lines not understood and left out, the first: line 2: no "pkg "`) {
		t.Errorf("got notes %q", d.Notes)
	}
}

func FuzzParseAPILine(f *testing.F) {
	for _, line := range []string{
		"pkg slices, func Sort[$0 interface{ ~[]$1 }, $1 cmp.Ordered]($0) #60091", "pkg syscall (linux-386), const AF_ALG = 38",
		"pkg sync, type Mutex struct", "pkg io, var EOF error", "pkg bytes, method (*Buffer) Peek(int)", "# x", "pkg os (", "pkg , type \xff",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		s, ok, err := goapi.ParseAPILine(line)
		if !ok {
			if s != (goapi.APISymbol{}) {
				t.Errorf("%q: got %+v besides ok = false", line, s)
			}
			return
		}
		if err != nil || s.Package == "" || s.Name == "" || !strings.Contains(line, s.Name) {
			t.Errorf("%q: got %+v, %v", line, s, err)
		}
		platform := ""
		if s.Platform != "" {
			platform = " (" + s.Platform + ")"
		}
		again := fmt.Sprintf("pkg %s%s, %v %s", s.Package, platform, s.Kind, s.Name)
		if got, ok, err := goapi.ParseAPILine(again); got != s || !ok || err != nil {
			t.Errorf("%q: got %+v, %v, %v; want %+v again", again, got, ok, err, s)
		}
	})
}
