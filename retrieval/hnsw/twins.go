package hnsw

import (
	"cmp"
	"math/bits"
	"slices"
	"sync/atomic"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
)

// Of the rows of equal vectors one, the head, is in the graph, and the others follow it in a
// chain: a search that finds the head has found all. In the graph they would be nearest to
// each other and equally far from others, so that links lead from them to more of them and
// a walk that meets some fills its pool with them: on 20,000 vectors under inner product of
// which 2 of 5 are zero, recall was .45.
//
// Chains are in the order of item IDs, at least for the first sortedTwins, so that a search
// for k takes k. A row that loses its item stays in its chain until it is swept. So does a
// head: before a sweep begins, the first behind each such orphan that has an item comes into
// the graph beside it.

const (
	sortedTwins = 1 << 12 // how far an insert goes along a chain to find its place
	adopted     = 2       // orphans that get an heir in one change
	twinShare   = 8       // rows that are scored again with followers, for one without
)

// follower returns the row that follows another; ok is false if none does.
func (s *store) follower(row uint32) (next uint32, ok bool) {
	next = atomic.LoadUint32(&s.twins[row]) - 1
	return next, int(next) < s.capacity
}

// setFollower makes next, which may be none, follow a row.
func (s *store) setFollower(row, next uint32) {
	atomic.StoreUint32(&s.twins[row], next+1)
}

// isBehind reports whether a row follows another and is not in the graph.
func (s *store) isBehind(row uint32) bool {
	return atomic.LoadUint64(&s.behind[row>>6])>>(row&63)&1 != 0
}

// setBehind says what isBehind reports.
func (s *store) setBehind(row uint32, behind bool) {
	word := s.behind[row>>6] &^ (1 << (row & 63))
	if behind {
		word |= 1 << (row & 63)
	}
	atomic.StoreUint64(&s.behind[row>>6], word)
}

// linked returns how many items have rows in the graph.
func (s *store) linked() int { return max(s.rows.Len()-int(s.followers.Load()), 0) }

// linkedOf returns how many selected rows are in the graph.
func (s *store) linkedOf(selection *retrieval.Selection) int {
	n := selection.Count()
	for i, word := range selection.Bits()[:min(len(selection.Bits()), len(s.behind))] {
		n -= bits.OnesCount64(atomic.LoadUint64(&s.behind[i]) & word)
	}
	return n
}

// fold puts all rows that equal an earlier one behind that and returns the others.
func (s *store) fold(order []uint32) []uint32 {
	var t headTable
	t.reset(len(order))
	type pair struct{ head, row uint32 }
	var pairs []pair
	heads := order[:0]
	for _, row := range order {
		if head, ok := t.find(s, s.vector(row)); ok {
			pairs = append(pairs, pair{head, row})
			continue
		}
		t.add(s, row)
		heads = append(heads, row)
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		return cmp.Or(cmp.Compare(a.head, b.head), cmp.Compare(s.rows.Item(a.row), s.rows.Item(b.row)))
	})
	for i, p := range pairs {
		at := p.head
		if i > 0 && pairs[i-1].head == p.head {
			at = pairs[i-1].row
		}
		s.setFollower(at, p.row)
		s.setBehind(p.row, true)
	}
	s.followers.Add(int64(len(pairs)))
	return heads
}

// chain puts a new row of an item behind the head that its vector equals, and reports
// whether there is one. No row follows it that is being swept: the sweep may be past it.
func (x *Index) chain(s *store, row uint32, item recsys.ItemID) bool {
	w := &x.writer
	w.index(s)
	at, ok := w.heads.find(s, s.vector(row))
	if !ok {
		return false
	}
	next, ok := s.follower(at)
	for hops := 0; ok && hops < sortedTwins && int(next) < s.rows.Limit() && s.rows.Item(next) < item; hops++ {
		at = next
		next, ok = s.follower(at)
	}
	s.setFollower(row, w.sweep.skip(s, next, ok))
	s.setBehind(row, true)
	s.followers.Add(1)
	s.setFollower(at, row)
	return true
}

// skip returns the first of a row and its followers that is not being swept, none if there
// is none.
func (p *sweep) skip(s *store, row uint32, ok bool) uint32 {
	for n := s.capacity; ok && n > 0 && p.has(row); n-- {
		row, ok = s.follower(row)
	}
	if !ok {
		return none
	}
	return row
}

// unchain takes out of the chain of a row those behind it that are being swept.
func (p *sweep) unchain(s *store, row uint32) {
	first, ok := s.follower(row)
	if !ok {
		return
	}
	if next := p.skip(s, first, true); next != first {
		s.setFollower(row, next)
	}
}

// serves reports whether a row in the graph is worth a link: it has an item, or rows with
// items behind it and no sweep that takes it out.
func (w *writer) serves(s *store, row uint32) bool {
	if s.live(row) {
		return true
	}
	_, ok := s.follower(row)
	return ok && s.isDead(row) && !w.sweep.has(row)
}

// adopt brings the first followers with an item of up to n orphans into the graph and reports
// whether that was all.
func (x *Index) adopt(s *store, n int) bool {
	w := &x.writer
	for seen := 0; n > 0 && seen < 64*n && len(w.orphans) > 0; seen++ {
		row := w.orphans[0]
		w.orphans = w.orphans[1:]
		heir, ok := s.follower(row)
		for hops := 0; ok && hops < s.capacity && !s.live(heir); hops++ {
			heir, ok = s.follower(heir)
		}
		if !ok || !s.live(heir) || !s.isBehind(heir) {
			w.heads.remove(s, row)
			continue
		}
		w.count(s)
		w.index(s)
		w.heads.remove(s, row)
		s.setBehind(heir, false)
		s.followers.Add(-1)
		x.join(s, heir)
		n--
	}
	return len(w.orphans) == 0
}

// join links a row and makes it the head of those that will equal it.
func (x *Index) join(s *store, row uint32) {
	x.link(s, row)
	s.offerHub(row)
	x.writer.heads.add(s, row)
}

// index makes w.heads, of all heads whose chains may grow, at the first change and when it
// has no room left.
func (w *writer) index(s *store) {
	t := &w.heads
	if 4*t.used < 3*len(t.slots) {
		return
	}
	t.reset(s.rows.Limit() + len(w.orphans) + 1) // a damaged file may have more rows with items than Len
	for row := range uint32(s.rows.Limit()) {
		if s.live(row) && !s.isBehind(row) {
			t.add(s, row)
		}
	}
	for _, row := range w.orphans {
		t.add(s, row)
	}
}
