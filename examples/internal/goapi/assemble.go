package goapi

import (
	"fmt"
	"go/doc"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/recsyskit/recsys"
)

// library is what the standard library declares.
type library struct {
	names   map[string]string             // import path to package name
	symbols map[string]map[string]*symbol // import path to symbols by name
	count   int
}

// symbol is the union of the declarations of an exported name.
type symbol struct {
	decl     // of the first file by path, with the comment of the first that has one
	pkg      string
	kinds    [Var + 1]int // declarations of each kind
	variants int          // declarations of any kind
	used     bool
	id       recsys.ItemID // place in the catalogue, once that is known
}

// assemble joins the sources, which are sorted by path. A nil since means that
// nothing is known about ages.
func assemble(sources []*source, since releases, cfg Config) *Dataset {
	lib := newLibrary(sources)
	d := &Dataset{Root: cfg.Root, HasAge: since != nil}
	d.Stats.Files = len(sources)
	d.Stats.Declared = lib.count

	// The IDs are known only when all users are, so uses keep symbols meanwhile.
	var used [][]symbolUse
	for _, s := range sources {
		switch {
		case s.err != nil:
			d.Stats.Unparsed = append(d.Stats.Unparsed, FileError{s.path, s.err})
			continue
		case s.generated:
			d.Stats.Generated++
			continue
		}
		uses, unlisted := lib.resolve(s)
		if len(uses) < cfg.MinItems {
			d.Stats.FewItems++
			continue
		}
		d.Stats.Unlisted += unlisted
		for _, u := range uses {
			u.symbol.used = true
		}
		used = append(used, uses)
		d.Users = append(d.Users, s.user())
	}
	d.Items = lib.catalogue(since, cfg.Unused)
	for i, uses := range used {
		d.Users[i].Uses = make([]Use, len(uses))
		for j, u := range uses {
			d.Users[i].Uses[j] = Use{Item: u.symbol.id, Count: u.count}
		}
	}
	if !d.HasAge {
		d.Notes = append(d.Notes, fmt.Sprintf("goapi: %s has no release lists (go1.txt, …); the age of items is missing",
			filepath.Join(cfg.Root, "api")))
	}
	d.Stats.count(d.Users, d.Items)
	return d
}

// user returns the features of a source.
func (s *source) user() User {
	return User{
		Path: s.path, Dir: s.dir, Package: s.pkg,
		Bytes: s.bytes, Lines: s.lines, Imports: len(s.imports),
		Test: isTest(s.path), Cmd: strings.HasPrefix(s.path, "cmd/"),
	}
}

// newLibrary collects the declarations of all packages. A folder's package is the
// one that most of its declaring files name, the smaller name on a tie.
func newLibrary(sources []*source) *library {
	lib := &library{names: make(map[string]string), symbols: make(map[string]map[string]*symbol)}
	votes := make(map[string]map[string]int)
	for _, s := range sources {
		if len(s.decls) == 0 {
			continue
		}
		if votes[s.dir] == nil {
			votes[s.dir] = make(map[string]int)
		}
		votes[s.dir][s.pkg]++
	}
	for dir, v := range votes {
		names := slices.Sorted(maps.Keys(v))
		lib.names[dir] = slices.MaxFunc(names, func(a, b string) int { return v[a] - v[b] })
		lib.symbols[dir] = make(map[string]*symbol)
	}
	for _, s := range sources {
		if len(s.decls) > 0 && s.pkg == lib.names[s.dir] {
			lib.declare(s)
		}
	}
	return lib
}

// declare enters the declarations of a file.
func (lib *library) declare(s *source) {
	symbols := lib.symbols[s.dir]
	for _, d := range s.decls {
		known := symbols[d.name]
		if known == nil {
			known = &symbol{decl: d, pkg: s.dir}
			symbols[d.name] = known
			lib.count++
		}
		if known.doc == "" {
			known.doc, known.deprecated = d.doc, known.deprecated || d.deprecated
		}
		if known.kinds[d.kind]++; known.kinds[d.kind] > known.kinds[known.kind] {
			known.kind = d.kind
		}
		known.variants++
	}
}

// symbolUse is a use before items have their IDs.
type symbolUse struct {
	symbol *symbol
	count  int
}

// resolve returns the symbols that a file uses, in order of first use, and how
// often it uses a name that its package should have, and no file declares.
func (lib *library) resolve(s *source) (uses []symbolUse, unlisted int) {
	byName := make(map[string]string, len(s.imports)) // to import path
	var dots []string
	for _, im := range s.imports {
		own, ok := lib.names[im.path]
		switch {
		case !ok || im.name == "_":
		case im.name == ".":
			dots = append(dots, im.path)
		case im.name == "":
			byName[own] = im.path
		default:
			byName[im.name] = im.path
		}
	}
	at := make(map[*symbol]int) // a package may be imported under two names
	for _, u := range s.uses {
		var sym *symbol
		if u.qualifier == "" {
			sym = lib.lookup(dots, u.name)
		} else if pkg, ok := byName[u.qualifier]; ok {
			if sym = lib.symbols[pkg][u.name]; sym == nil {
				unlisted += u.count
			}
		}
		if sym == nil {
			continue
		}
		if i, ok := at[sym]; ok {
			uses[i].count += u.count
			continue
		}
		at[sym] = len(uses)
		uses = append(uses, symbolUse{sym, u.count})
	}
	return uses, unlisted
}

// lookup returns the symbol called name of the first of the packages that has
// one, or nil. In a file that compiles no two dot imports share a name.
func (lib *library) lookup(packages []string, name string) *symbol {
	for _, pkg := range packages {
		if sym := lib.symbols[pkg][name]; sym != nil {
			return sym
		}
	}
	return nil
}

// catalogue returns the items, sorted by name, and sets the IDs of the symbols.
func (lib *library) catalogue(since releases, unused bool) []Item {
	byName := make(map[string]*symbol)
	for pkg, symbols := range lib.symbols {
		for name, sym := range symbols {
			if sym.used || unused {
				byName[pkg+"."+name] = sym
			}
		}
	}
	items := make([]Item, 0, len(byName))
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		sym := byName[name]
		sym.id = recsys.ItemID(len(items))
		it := sym.item(name)
		it.Since, it.HasSince = since[name]
		items = append(items, it)
	}
	return items
}

// item returns the features of a symbol, but for its age.
func (s *symbol) item(name string) Item {
	return Item{
		Name:       name,
		Package:    s.pkg,
		Symbol:     s.name,
		Kind:       s.kind,
		Depth:      strings.Count(s.pkg, "/") + 1,
		Variants:   s.variants,
		DocChars:   utf8.RuneCountInString(strings.TrimSpace(s.doc)),
		DocWords:   len(strings.Fields(s.doc)),
		Summary:    new(doc.Package).Synopsis(s.doc),
		Deprecated: s.deprecated,
	}
}
