package goapi

import (
	"bytes"
	"cmp"
	"fmt"
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// source is what a file says on its own, before names of packages are known.
type source struct {
	path, dir string
	pkg       string // package clause
	bytes     int
	lines     int
	generated bool
	err       error // of the parser; then only path and dir are set

	imports []importName
	uses    []rawUse // in order of first use
	decls   []decl   // exported; empty unless the file declares items
}

// importName is an import declaration. The name is "" when it is the package's own.
type importName struct{ name, path string }

// rawUse is a selector qualifier.name, or a name alone when qualifier is "".
type rawUse struct {
	qualifier, name string
	count           int
}

// decl is a declaration of an exported symbol.
type decl struct {
	name       string
	kind       Kind
	doc        string
	deprecated bool
}

// readSource reads and parses the file at rel below src. The error is about
// reading; an error of the parser is kept in the source.
func readSource(src, rel string) (*source, error) {
	data, err := os.ReadFile(filepath.Join(src, filepath.FromSlash(rel)))
	if err != nil {
		return nil, fmt.Errorf("goapi: %w; make the file readable, or name another toolchain", err)
	}
	return parseSource(rel, data), nil
}

// parseSource parses a file. Comments are parsed only for documentation, and a
// generated file that declares no items is not parsed at all: such files are a
// fifth of the tree's bytes.
func parseSource(rel string, data []byte) *source {
	s := &source{path: rel, dir: path.Dir(rel)}
	declares := holdsItems(s.dir) && !isTest(rel)
	if !declares && generatedHeader(rel, data) {
		s.generated = true
		return s
	}
	mode := parser.Mode(0)
	if declares {
		mode = parser.ParseComments
	}
	f, err := parser.ParseFile(token.NewFileSet(), rel, data, mode)
	if err != nil {
		s.err = err
		return s
	}
	s.pkg = f.Name.Name
	s.bytes = len(data)
	s.lines = bytes.Count(data, []byte{'\n'})
	if n := len(data); n > 0 && data[n-1] != '\n' {
		s.lines++
	}
	s.generated = declares && ast.IsGenerated(f)
	if declares && s.pkg != "main" && !requiresIgnore(f) {
		s.decls = declarations(f)
	}
	dot := false
	for _, spec := range f.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil { // cannot be: the parser checks import paths
			continue
		}
		name := ""
		if spec.Name != nil {
			name = spec.Name.Name
		}
		dot = dot || name == "."
		s.imports = append(s.imports, importName{name, p})
	}
	if !s.generated && len(s.imports) > 0 {
		s.uses = collectUses(f, dot)
	}
	return s
}

// generatedHeader reports whether the file says before its package clause that it
// is generated.
func generatedHeader(name string, data []byte) bool {
	if !bytes.Contains(data, []byte("DO NOT EDIT.")) {
		return false
	}
	f, err := parser.ParseFile(token.NewFileSet(), name, data, parser.PackageClauseOnly|parser.ParseComments)
	return err == nil && ast.IsGenerated(f)
}

func isTest(path string) bool { return strings.HasSuffix(path, "_test.go") }

// requiresIgnore reports whether the build constraint of f cannot hold without
// the tag "ignore", which by convention no build sets.
func requiresIgnore(f *ast.File) bool {
	for _, group := range f.Comments {
		if group.Pos() > f.Package {
			break
		}
		for _, c := range group.List {
			if !constraint.IsGoBuild(c.Text) {
				continue
			}
			expr, err := constraint.Parse(c.Text)
			if err == nil && conjunct(expr, "ignore") {
				return true
			}
		}
	}
	return false
}

// conjunct reports whether expr is an "and" of terms one of which is tag.
func conjunct(expr constraint.Expr, tag string) bool {
	switch e := expr.(type) {
	case *constraint.TagExpr:
		return e.Tag == tag
	case *constraint.AndExpr:
		return conjunct(e.X, tag) || conjunct(e.Y, tag)
	}
	return false
}

// collectUses returns the selectors of f that may be qualified identifiers of
// exported symbols: the qualifier is not declared in f. The spec forbids that an
// import shares its name with a package-level declaration in another file, so
// what is declared in f is all that can hide an import. With dot set, lone exported
// names not declared in f are returned as well.
func collectUses(f *ast.File, dot bool) []rawUse {
	type occurrence struct {
		rawUse
		pos token.Pos
	}
	var found []occurrence
	at := make(map[rawUse]int)
	add := func(qualifier, name string, pos token.Pos) {
		key := rawUse{qualifier: qualifier, name: name}
		i, ok := at[key]
		if !ok {
			i = len(found)
			at[key] = i
			found = append(found, occurrence{key, pos})
		}
		found[i].count++
		found[i].pos = min(found[i].pos, pos)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.IsExported() {
			if x, ok := sel.X.(*ast.Ident); ok && x.Obj == nil {
				add(x.Name, sel.Sel.Name, x.Pos())
			}
		}
		return true
	})
	if dot {
		// Holds no selected names, field names or keys of composite literals.
		for _, id := range f.Unresolved {
			if id.IsExported() {
				add("", id.Name, id.Pos())
			}
		}
	}
	slices.SortFunc(found, func(a, b occurrence) int { return cmp.Compare(a.pos, b.pos) })
	uses := make([]rawUse, len(found))
	for i, o := range found {
		uses[i] = o.rawUse
	}
	return uses
}
