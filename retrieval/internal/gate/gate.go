// Package gate turns the options of one search into what an index asks of a row.
package gate

import (
	"slices"

	"github.com/recsyskit/recsys/retrieval"
)

// Gate says which rows of an index one search may return. It belongs to the scratch
// memory of a search: Open fills it for each, without allocating in steady state.
type Gate struct {
	rows      *retrieval.Rows
	filter    *retrieval.Filter
	selection *retrieval.Selection // nil: no filter
	version   uint64

	listed   bool     // only rows of list pass
	list     []uint32 // ascending
	found    []uint32 // scratch of Open
	excluded table
}

// Open makes the gate ready for a search of rows with options.
func (g *Gate) Open(rows *retrieval.Rows, opt *retrieval.SearchOptions) {
	g.rows, g.filter, g.selection = rows, opt.Filter, nil
	g.version = rows.Version()
	if g.filter != nil {
		g.selection = g.filter.Select(rows)
		g.version = g.selection.Version()
	}
	g.found = rows.FindAll(g.found[:0], opt.Exclude)
	g.excluded.fill(g.found)
	if g.listed = opt.Allow != nil; g.listed {
		g.list = rows.FindAll(g.list[:0], opt.Allow)
		slices.Sort(g.list)
		g.list = slices.Compact(g.list)
		g.list = slices.DeleteFunc(g.list, func(row uint32) bool { return !g.Pass(row) })
	}
}

// Close lets go of what the options referred to.
func (g *Gate) Close() { g.rows, g.filter, g.selection = nil, nil, nil }

// Everything reports whether all rows pass but for a few that are excluded.
func (g *Gate) Everything() bool { return g.selection == nil && !g.listed }

// Pass reports whether a row that is live passes. With a list (see List) it answers for
// the other conditions alone.
func (g *Gate) Pass(row uint32) bool {
	return (g.selection == nil || g.selection.Has(row)) && !g.excluded.has(row)
}

// Excluded returns how many rows are excluded by name.
func (g *Gate) Excluded() int { return len(g.found) }

// Selection returns the rows that the filter selects, nil without a filter. Excluded rows
// are still in it.
func (g *Gate) Selection() *retrieval.Selection { return g.selection }

// List returns the rows that pass, ascending, when the search names the items that it
// allows; ok is false when it does not.
func (g *Gate) List() (rows []uint32, ok bool) { return g.list, g.listed }

// Count returns how many rows pass at most.
func (g *Gate) Count() int {
	switch {
	case g.listed:
		return len(g.list)
	case g.selection != nil:
		return g.selection.Count()
	}
	return g.rows.Len()
}

// Settle drops neighbours that a concurrent change has let slip through: a row that
// matched when the search began may hold another item by now.
func (g *Gate) Settle(found []retrieval.Neighbor, opt *retrieval.SearchOptions) []retrieval.Neighbor {
	if g.rows.Version() == g.version {
		return found
	}
	return slices.DeleteFunc(found, func(n retrieval.Neighbor) bool {
		return opt.Filter != nil && !opt.Filter.Match(n.Item) ||
			opt.Allow != nil && !slices.Contains(opt.Allow, n.Item) ||
			slices.Contains(opt.Exclude, n.Item)
	})
}

// table is a set of rows with open addressing; a slot holds row+1.
type table struct {
	slots []uint32
	shift uint
	n     int
}

func (t *table) fill(rows []uint32) {
	t.n = len(rows)
	if t.n == 0 {
		return
	}
	size, shift := 16, uint(28)
	for size < 2*len(rows) {
		size, shift = size*2, shift-1
	}
	t.shift = shift
	if cap(t.slots) < size {
		t.slots = make([]uint32, size)
	}
	t.slots = t.slots[:size]
	clear(t.slots)
	for _, row := range rows {
		p := row * 0x9e3779b1 >> t.shift
		for t.slots[p] != 0 && t.slots[p] != row+1 {
			p = (p + 1) & uint32(size-1)
		}
		t.slots[p] = row + 1
	}
}

func (t *table) has(row uint32) bool {
	if t.n == 0 {
		return false
	}
	for p := row * 0x9e3779b1 >> t.shift; ; p = (p + 1) & uint32(len(t.slots)-1) {
		switch t.slots[p] {
		case 0:
			return false
		case row + 1:
			return true
		}
	}
}
