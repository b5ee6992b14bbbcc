package retrieval

import (
	"math/bits"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/recsyskit/recsys"
)

// Filter says which items a search may return. It is made once, by [AllowItems],
// [DenyItems], [BitmapFilter], [Where], [AllOf], [AnyOf] or [Not], and used for many
// searches on any number of indexes. The first search of an index resolves it to the rows
// that match, in the time of one call of the condition per item; later ones only look at
// what the index has changed since.
//
// A filter is safe for concurrent use. Whether it matches an item must never change:
// when attributes change, make a new filter. A nil filter matches everything. A filter
// remembers the rows of the last eight indexes that it was used on.
type Filter struct {
	match func(recsys.ItemID) bool
	items []recsys.ItemID // ascending: all that can match; nil when they are not known

	mu    sync.Mutex // serialises resolving
	known atomic.Pointer[[]resolved]
}

// resolved is a selection of the rows that a token stands for. The token keeps the rows
// themselves from being kept alive by a filter that outlives their index.
type resolved struct {
	rows      *rowsToken
	selection *Selection
}

// maxResolved is how many indexes a filter remembers.
const maxResolved = 8

// AllowItems returns a filter that matches the given items. It copies them.
func AllowItems(items ...recsys.ItemID) *Filter {
	sorted := sortedSet(items)
	return &Filter{items: sorted, match: func(item recsys.ItemID) bool {
		_, ok := slices.BinarySearch(sorted, item)
		return ok
	}}
}

// DenyItems returns a filter that matches all items but the given ones. It copies them.
func DenyItems(items ...recsys.ItemID) *Filter { return Not(AllowItems(items...)) }

// BitmapFilter returns a filter that matches item first+i when bit i is set. It copies
// the bits.
func BitmapFilter(first recsys.ItemID, set recsys.Bits) *Filter {
	set = slices.Clone(set)
	n := uint64(len(set)) * 64
	return Where(func(item recsys.ItemID) bool {
		i := uint64(item - first)
		return item >= first && i < n && set.Has(int(i))
	})
}

// Where returns a filter that matches the items for which a function is true. The
// function is called by several goroutines at once, must give the same answer for an item
// each time, and must not call the index. Where panics if it is nil.
func Where(match func(recsys.ItemID) bool) *Filter {
	if match == nil {
		panic("retrieval: Where(nil)")
	}
	return &Filter{match: match}
}

// AllOf returns a filter that matches the items that all filters match; every item when
// there are none. A nil filter among them changes nothing.
func AllOf(filters ...*Filter) *Filter {
	filters = slices.DeleteFunc(slices.Clone(filters), func(f *Filter) bool { return f == nil })
	f := Where(func(item recsys.ItemID) bool {
		for _, part := range filters {
			if !part.match(item) {
				return false
			}
		}
		return true
	})
	for _, part := range filters {
		if part.items != nil && (f.items == nil || len(part.items) < len(f.items)) {
			f.items = part.items
		}
	}
	return f
}

// AnyOf returns a filter that matches the items that at least one of the filters
// matches; none when there are none, and every item when one of them is nil.
func AnyOf(filters ...*Filter) *Filter {
	filters = slices.Clone(filters)
	f := Where(func(item recsys.ItemID) bool {
		for _, part := range filters {
			if part.Match(item) {
				return true
			}
		}
		return false
	})
	items := []recsys.ItemID{}
	for _, part := range filters {
		if part == nil || part.items == nil {
			return f
		}
		items = append(items, part.items...)
	}
	f.items = sortedSet(items)
	return f
}

// Not returns a filter that matches the items that f does not: none when f is nil, since a
// nil filter matches everything.
func Not(f *Filter) *Filter {
	return Where(func(item recsys.ItemID) bool { return !f.Match(item) })
}

// Match reports whether the filter matches an item.
func (f *Filter) Match(item recsys.ItemID) bool { return f == nil || f.match(item) }

// sortedSet returns the items ascending, each once; never nil.
func sortedSet(items []recsys.ItemID) []recsys.ItemID {
	sorted := append(make([]recsys.ItemID, 0, len(items)), items...)
	slices.Sort(sorted)
	return slices.Compact(sorted)
}

// Selection is the set of an index's rows that a filter matches, as of one version of
// its [Rows]. It is immutable.
type Selection struct {
	version uint64
	count   int
	bits    recsys.Bits

	listed sync.Once
	list   []uint32
}

// Version returns the version of the rows that was resolved. A row that changed later may
// hold another item than the one that matched: a search that saw [Rows.Version] move must
// check the items that it returns with [Filter.Match].
func (s *Selection) Version() uint64 { return s.version }

// Count returns the number of rows.
func (s *Selection) Count() int { return s.count }

// Bits returns the rows as a set, which covers the rows below Rows.Limit at the version.
// It must not be modified.
func (s *Selection) Bits() recsys.Bits { return s.bits }

// Has reports whether a row is in the selection; rows beyond its version's limit are not.
func (s *Selection) Has(row uint32) bool {
	w := int(row >> 6)
	return w < len(s.bits) && s.bits[w]>>(row&63)&1 != 0
}

// List returns the rows ascending. It is made by the first call, in the time of one pass
// over the bits. It must not be modified.
func (s *Selection) List() []uint32 {
	s.listed.Do(func() {
		s.list = make([]uint32, 0, s.count)
		for w, word := range s.bits {
			for ; word != 0; word &= word - 1 {
				s.list = append(s.list, uint32(w<<6+bits.TrailingZeros64(word)))
			}
		}
	})
	return s.list
}

// Select returns the rows that match; f must not be nil. It is safe for concurrent use and allocates only
// when the rows have changed since the last call for them.
func (f *Filter) Select(rows *Rows) *Selection {
	if s := f.resolved(rows); s != nil && s.version == rows.Version() {
		return s
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	old := f.resolved(rows)
	if old != nil && old.version == rows.Version() {
		return old
	}
	s := f.advance(old, rows)
	f.remember(rows, s)
	return s
}

func (f *Filter) resolved(rows *Rows) *Selection {
	if known := f.known.Load(); known != nil {
		token := rows.token.Load()
		for _, k := range *known {
			if k.rows == token {
				return k.selection
			}
		}
	}
	return nil
}

// remember puts s at the front of what is known and drops the oldest of too many.
func (f *Filter) remember(rows *Rows, s *Selection) {
	token := rows.token.Load()
	if token == nil {
		rows.token.CompareAndSwap(nil, new(rowsToken))
		token = rows.token.Load()
	}
	known := []resolved{{token, s}}
	if old := f.known.Load(); old != nil {
		for _, k := range *old {
			if k.rows != token && len(known) < maxResolved {
				known = append(known, k)
			}
		}
	}
	f.known.Store(&known)
}

// advance resolves the filter, from scratch or from an older selection.
func (f *Filter) advance(old *Selection, rows *Rows) *Selection {
	if old != nil {
		if changed, version, ok := rows.Changes(nil, old.version); ok {
			s := &Selection{version: version, count: old.count, bits: make(recsys.Bits, max(len(old.bits), (rows.Limit()+63)/64))}
			copy(s.bits, old.bits)
			for _, row := range changed {
				s.put(row, rows.Live(row) && f.match(rows.Item(row)))
			}
			return s
		}
	}
	// The version is read first: a change that comes later is seen again next time.
	version := rows.Version()
	s := &Selection{version: version, bits: recsys.MakeBits(rows.Limit())}
	if f.items != nil {
		for _, row := range rows.FindAll(nil, f.items) {
			if int(row) < len(s.bits)*64 && f.match(rows.Item(row)) {
				s.put(row, true)
			}
		}
		return s
	}
	for w := range s.bits {
		for word := rows.liveWord(w); word != 0; word &= word - 1 {
			if row := uint32(w<<6 + bits.TrailingZeros64(word)); f.match(rows.Item(row)) {
				s.put(row, true)
			}
		}
	}
	return s
}

func (s *Selection) put(row uint32, in bool) {
	if in != s.Has(row) {
		s.bits[row>>6] ^= 1 << (row & 63)
		if in {
			s.count++
		} else {
			s.count--
		}
	}
}
