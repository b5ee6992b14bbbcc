package goapi

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// APISymbol is what a line of the toolchain's api folder says about a symbol.
type APISymbol struct {
	Package  string // import path
	Platform string // "linux-amd64"; "" when the line holds for all
	Kind     Kind
	Name     string
}

// ParseAPILine reads a line of a file such as api/go1.21.txt:
//
//	pkg slices, func Sort[$0 interface{ ~[]$1 }, $1 cmp.Ordered]($0) #60091
//	pkg syscall (linux-386), const AF_ALG = 38
//
// The second result is false, with no error, for a line that introduces no item:
// blank, a comment, a method, a note of deprecation. Lines on the fields of a
// struct or the methods of an interface count as lines on the type. The error
// says what the line lacks. Nothing of the symbol's declaration but its name is read.
func ParseAPILine(line string) (APISymbol, bool, error) {
	line = strings.TrimSpace(line)
	if line == "" || line[0] == '#' {
		return APISymbol{}, false, nil
	}
	rest, ok := strings.CutPrefix(line, "pkg ")
	if !ok {
		return APISymbol{}, false, errors.New(`no "pkg " at the start`)
	}
	pkg, feature, ok := strings.Cut(rest, ", ")
	if !ok {
		return APISymbol{}, false, errors.New(`no ", " after the package`)
	}
	s := APISymbol{Package: pkg}
	if p, platform, ok := strings.Cut(pkg, " ("); ok {
		if s.Platform, ok = strings.CutSuffix(platform, ")"); !ok {
			return APISymbol{}, false, errors.New(`no ")" after the platform`)
		}
		s.Package = p
	}
	if s.Package == "" || strings.ContainsAny(s.Package, " ()") {
		return APISymbol{}, false, fmt.Errorf("package path %q", s.Package)
	}
	kind, decl, _ := strings.Cut(feature, " ")
	switch kind {
	case "func":
		s.Kind = Func
	case "type":
		s.Kind = Type
	case "const":
		s.Kind = Const
	case "var":
		s.Kind = Var
	case "method":
		return APISymbol{}, false, nil
	default:
		return APISymbol{}, false, fmt.Errorf("unknown kind %q", kind)
	}
	s.Name = identifier(decl)
	if s.Name == "" {
		return APISymbol{}, false, fmt.Errorf("no name after %q", kind)
	}
	if strings.HasSuffix(line, "//deprecated") {
		return APISymbol{}, false, nil
	}
	return s, true, nil
}

// identifier returns the longest Go identifier at the start of s, or "".
func identifier(s string) string {
	for i, r := range s {
		if r != '_' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r)) {
			return s[:i]
		}
	}
	return s
}

// releases maps the name of a symbol, as in Item.Name, to the minor number of
// the release that first listed it.
type releases map[string]int

// readAPI reads go1.txt, go1.1.txt, … of the folder dir. The result is nil when the folder
// does not exist or holds none of them. Notes name lines that could not be
// understood, which are passed over: the format grows with the releases.
func readAPI(dir string) (since releases, notes []string, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("goapi: %w; make the folder readable, or name another toolchain", err)
	}
	names := make(map[int]string)
	var minors []int
	for _, e := range entries {
		if minor, ok := apiRelease(e.Name()); ok {
			names[minor] = e.Name()
			minors = append(minors, minor)
		}
	}
	slices.Sort(minors) // so that the first mention of a symbol is its release
	for _, minor := range minors {
		if since == nil {
			since = make(releases, 1<<15)
		}
		path := filepath.Join(dir, names[minor])
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, nil, fmt.Errorf("goapi: %w; make the file readable, or name another toolchain", err)
		}
		bad, first := since.add(string(data), minor)
		if bad > 0 {
			notes = append(notes, fmt.Sprintf("goapi: %s: %d lines not understood and left out, the first: %v", path, bad, first))
		}
	}
	return since, notes, nil
}

// add enters the symbols of the text of a release that are not known yet. It
// returns the number of lines that it did not understand, and the first error.
func (r releases) add(text string, minor int) (bad int, first error) {
	n := 0
	for line := range strings.Lines(text) {
		n++
		s, ok, err := ParseAPILine(line)
		if err != nil {
			if bad++; bad == 1 {
				first = fmt.Errorf("line %d: %w", n, err)
			}
			continue
		}
		if !ok {
			continue
		}
		name := s.Package + "." + s.Name
		if _, known := r[name]; !known {
			r[name] = minor
		}
	}
	return bad, first
}

// apiRelease returns the minor number of the release that a file's name stands
// for, and whether it stands for one: 0 for go1.txt, 21 for go1.21.txt.
func apiRelease(name string) (int, bool) {
	mid, ok := strings.CutSuffix(name, ".txt")
	if !ok {
		return 0, false
	}
	if mid == "go1" {
		return 0, true
	}
	digits, ok := strings.CutPrefix(mid, "go1.")
	if !ok {
		return 0, false
	}
	minor, err := strconv.ParseUint(digits, 10, 16)
	return int(minor), err == nil && strconv.FormatUint(minor, 10) == digits // no "go1.021.txt"
}

// readVersion returns the first line of the toolchain's VERSION file, or "".
func readVersion(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	if !s.Scan() {
		return ""
	}
	return strings.TrimSpace(s.Text())
}
