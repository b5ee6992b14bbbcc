package goapi

import (
	"go/ast"
	"go/token"
	"strings"
)

// declarations returns the exported symbols that f declares at package level, in
// source order, methods left out.
func declarations(f *ast.File) []decl {
	var decls []decl
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil && d.Name.IsExported() {
				decls = append(decls, newDecl(d.Name, Func, nil, d.Doc))
			}
		case *ast.GenDecl:
			decls = appendSpecs(decls, d)
		}
	}
	return decls
}

func appendSpecs(decls []decl, d *ast.GenDecl) []decl {
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			if spec.Name.IsExported() {
				decls = append(decls, newDecl(spec.Name, Type, d.Doc, spec.Doc, spec.Comment, d.Doc))
			}
		case *ast.ValueSpec:
			kind := Var
			if d.Tok == token.CONST {
				kind = Const
			}
			for _, name := range spec.Names {
				if name.IsExported() {
					decls = append(decls, newDecl(name, kind, d.Doc, spec.Doc, spec.Comment, d.Doc))
				}
			}
		}
	}
	return decls
}

// newDecl returns a declaration documented by the first of docs with a text, and
// deprecated by that or by the comment of its group.
func newDecl(name *ast.Ident, kind Kind, group *ast.CommentGroup, docs ...*ast.CommentGroup) decl {
	d := decl{name: name.Name, kind: kind}
	for _, doc := range docs {
		if d.doc = doc.Text(); d.doc != "" {
			break
		}
	}
	d.deprecated = deprecated(d.doc) || deprecated(group.Text())
	return d
}

// deprecated reports whether a paragraph of the doc comment text begins with the
// word that says so.
func deprecated(text string) bool {
	return strings.HasPrefix(text, "Deprecated: ") || strings.Contains(text, "\n\nDeprecated: ")
}
