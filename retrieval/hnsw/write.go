package hnsw

import (
	"fmt"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// writer is what changes of an index need and searches do not.
type writer struct {
	linker  linker
	unit    []float32
	inlinks []uint32 // how many rows link to each at level 0; nil until the first change
	dead    []uint32 // rows of deleted items that no sweep has begun to unlink
	sweep   sweep
	retired []retired
	kept    []uint32 // scratch
	around  []uint32 // scratch
	old     []uint32 // scratch
	offers  []entry  // scratch
	changed bool     // since the index was built, read or written
}

// Insert adds an item; see [retrieval.MutableIndex]. It costs a search with a pool of
// EfConstruction, the choice of links, and a share of unlinking what was deleted.
func (x *Index) Insert(item recsys.ItemID, vec []float32) error {
	return x.change(item, vec, false)
}

// Update replaces the vector of an item; see [retrieval.MutableIndex]. The cost is that of
// Insert. Searches see the item with the one vector or with the other.
func (x *Index) Update(item recsys.ItemID, vec []float32) error {
	return x.change(item, vec, true)
}

func (x *Index) change(item recsys.ItemID, vec []float32, update bool) error {
	if err := x.checkVector(vec); err != nil {
		return fmt.Errorf("hnsw: item %d: %w", item, err)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	s, w := x.store.Load(), &x.writer
	row, found := s.rows.Find(item)
	switch {
	case update && !found:
		return fmt.Errorf("hnsw: item %d: %w", item, retrieval.ErrNotFound)
	case !update && found:
		return fmt.Errorf("hnsw: item %d at row %d: %w", item, row, retrieval.ErrDuplicate)
	}
	if x.cfg.Metric == retrieval.Cosine {
		w.unit = append(w.unit[:0], vec...)
		vector.Normalize(w.unit)
		vec = w.unit
	}
	x.sweepSome(s)
	row, err := s.rows.Reserve()
	if err != nil {
		return fmt.Errorf("hnsw: item %d: %w", item, err)
	}
	s = x.fit(s, row, vec)
	for level := range s.level(row) + 1 {
		s.setLinks(row, level, nil)
	}
	w.inlinks[row] = 0
	copy(s.vector(row), vec)
	s.put(row)
	x.link(s, row)
	w.changed = true
	if update {
		old, err := s.rows.Move(item, row)
		w.dead = append(w.dead, old)
		return err
	}
	return s.rows.Insert(item, row)
}

// Delete removes an item; see [retrieval.MutableIndex]. It only marks the row: later
// changes and Compact unlink it, and until then walks pass through it.
func (x *Index) Delete(item recsys.ItemID) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	row, err := x.store.Load().rows.Delete(item, false)
	if err != nil {
		return fmt.Errorf("hnsw: item %d: %w", item, retrieval.ErrNotFound)
	}
	x.writer.dead = append(x.writer.dead, row)
	x.writer.changed = true
	return nil
}

// fit returns a store with room for a row and codes that reach to its vector.
func (x *Index) fit(s *store, row uint32, vec []float32) *store {
	w, old := &x.writer, s
	if int(row) >= s.capacity {
		s = s.grown(&x.cfg, max(64, s.capacity+s.capacity/2))
	}
	if p := peak(vec); s.codes != nil && p > s.scale {
		s = s.rescaled(p + p/4)
	}
	if s != old {
		x.store.Store(s)
	}
	w.count(s)
	return s
}

// count makes w.inlinks fit the store.
func (w *writer) count(s *store) {
	if w.inlinks == nil {
		w.inlinks = make([]uint32, s.capacity)
		for row := range uint32(s.rows.Limit()) {
			w.linker.rows = s.list(w.linker.rows[:0], row, 0)
			for _, r := range w.linker.rows {
				w.inlinks[r]++
			}
		}
	}
	if more := s.capacity - len(w.inlinks); more > 0 {
		w.inlinks = append(w.inlinks, make([]uint32, more)...)
	}
}

// link links a row that has a vector but no links yet.
//
// Source: Malkov and Yashunin, algorithm 1.
func (x *Index) link(s *store, row uint32) {
	start := s.entry.Load()
	if int(start) >= s.capacity || s.rows.Len() == 0 {
		s.entry.Store(row)
		return
	}
	w, l := &x.writer, &x.writer.linker
	walk := &l.walker
	walk.query.set(s, s.vector(row), true)
	top, level := s.level(start), s.level(row)
	walk.start(x.cfg.EfConstruction)
	at := walk.descend(start, top, level)
	for i := min(level, top); i >= 0; i-- {
		walk.start(x.cfg.EfConstruction)
		walk.seed(at)
		walk.walk(i)
		at = rowOf(walk.pool[0])
		candidates := slices.DeleteFunc(walk.pool, func(e entry) bool { return !s.rows.Live(rowOf(e)) })
		w.kept = l.prune(s, row, w.kept[:0], candidates, x.cfg.M, fill(x.cfg.M))
		s.setLinks(row, i, w.kept)
		for _, to := range w.kept {
			if i == 0 {
				w.inlinks[to]++
			}
			x.linkBack(s, to, row, i)
		}
		if i == 0 {
			x.introduce(s, row, w.kept)
		}
		if i == 0 && w.inlinks[row] == 0 {
			w.force(s, row)
		}
	}
	if level > top {
		s.entry.Store(row)
	}
}

// linkBack links from one row to a new one, if that is among the best for it.
func (x *Index) linkBack(s *store, row, to uint32, level int) {
	w, l := &x.writer, &x.writer.linker
	l.rows = append(s.list(l.rows[:0], row, level), to)
	if room := len(s.neighbours(row, level)); len(l.rows) > room {
		l.rank(s, row, l.rows)
		w.old = append(w.old[:0], l.rows...)
		l.rows = l.prune(s, row, l.rows[:0], l.offers, room, fill(room))
		if level == 0 {
			l.rows = w.spare(w.old, l.rows, to, room)
		}
	} else if level == 0 {
		w.inlinks[to]++
	}
	s.setLinks(row, level, l.rows)
}

// introduced is how many rows, beside those that a new row links to, are offered a link
// to it.
const introduced = 32

// introduce links to a new row, which links to kept, from rows around it that would have
// linked to it had it been there before them. In a graph that is built at once, a row finds
// all of larger norm there; without this, what comes late is found the worse the larger its
// norm is (recall .909 in place of .917 with a pool of 32 when half of 30,000 vectors come
// later; .941 when they are built at once).
func (x *Index) introduce(s *store, row uint32, kept []uint32) {
	w, l := &x.writer, &x.writer.linker
	w.around = w.around[:0]
	for _, near := range kept {
		w.around = s.list(w.around, near, 0)
	}
	slices.Sort(w.around)
	w.around = slices.Compact(w.around)
	w.around = slices.DeleteFunc(w.around, func(r uint32) bool { return r == row || slices.Contains(kept, r) || !s.rows.Live(r) })
	l.rank(s, row, w.around)
	w.offers = append(w.offers[:0], l.offers...)
	if s.metric == retrieval.InnerProduct {
		for i, e := range w.offers {
			cosine := keyFloat(keyOf(e)) / rowNorm(s, rowOf(e))
			w.offers[i] = makeEntry(floatKey(cosine), rowOf(e))
		}
		slices.Sort(w.offers)
		slices.Reverse(w.offers)
	}
	for _, e := range w.offers[:min(len(w.offers), introduced)] {
		if near := rowOf(e); l.wants(s, near, row) {
			x.linkBack(s, near, row, 0)
		}
	}
}

// wants reports whether prune would keep a candidate among the links that a row has.
func (l *linker) wants(s *store, row, candidate uint32) bool {
	l.rows = append(s.list(l.rows[:0], row, 0), candidate)
	l.rank(s, row, l.rows)
	nearer, norm := l.rows[:0], float32(1)
	l.norms = l.norms[:0]
	if s.metric == retrieval.InnerProduct {
		norm = rowNorm(s, row)
	}
	for _, e := range l.offers {
		if rowOf(e) == candidate {
			return !l.covered(s, e, norm, nearer)
		}
		nearer = append(nearer, rowOf(e))
		if s.metric == retrieval.InnerProduct {
			l.norms = append(l.norms, rowNorm(s, rowOf(e)))
		}
	}
	return false
}

// spare takes rows of old that nothing else links to back into kept, and counts what has
// changed. to is new in old.
func (w *writer) spare(old, kept []uint32, to uint32, room int) []uint32 {
	for _, r := range old {
		if r == to || slices.Contains(kept, r) || w.inlinks[r] > 1 {
			continue
		}
		if len(kept) < room {
			kept = append(kept, r)
			continue
		}
		for i := len(kept) - 1; i >= 0; i-- {
			if k := kept[i]; k == to || w.inlinks[k] > 1 {
				kept[i] = r
				break
			}
		}
	}
	for _, r := range old {
		if r != to && !slices.Contains(kept, r) {
			w.inlinks[r]--
		}
	}
	if slices.Contains(kept, to) {
		w.inlinks[to]++
	}
	return kept
}

// force links to a row that nothing links to, from the nearest that it links to and that
// can spare a link, else from the entry.
func (w *writer) force(s *store, row uint32) {
	from := s.list(nil, row, 0)
	if len(from) > 0 {
		w.linker.rank(s, row, from)
		for i, e := range w.linker.offers {
			from[i] = rowOf(e)
		}
	}
	for _, near := range append(from, s.entry.Load()) {
		if near == row || !s.rows.Live(near) && near != s.entry.Load() {
			continue
		}
		rows := s.list(nil, near, 0)
		if len(rows) < s.degree {
			s.setLinks(near, 0, append(rows, row))
			w.inlinks[row]++
			return
		}
		for i := len(rows) - 1; i >= 0; i-- {
			if w.inlinks[rows[i]] > 1 {
				w.inlinks[rows[i]]--
				rows[i] = row
				s.setLinks(near, 0, rows)
				w.inlinks[row]++
				return
			}
		}
	}
}
