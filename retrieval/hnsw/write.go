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
	orphans []uint32 // dead rows in the graph for which adopt has not looked for an heir
	heads   headTable
	sweep   sweep
	retired []retired
	coded   int      // changes since codes were chosen
	kept    []uint32 // scratch
	around  []uint32 // scratch
	old     []uint32 // scratch
	next    uint32   // row that tend has come to
	changed bool     // since the index was built, read or written
}

// Insert adds an item; see [retrieval.MutableIndex]. It costs a search with a pool of
// EfConstruction and the choice of links, and what keeps the graph as good as one that is
// built: the links of two other items are chosen again, each from a walk with half that
// pool, and a share of the links to deleted items is taken out. Together that is three to
// five times what an item costs in a build. The first change counts all links.
func (x *Index) Insert(item recsys.ItemID, vec []float32) error {
	return x.change(item, vec, false)
}

// Update replaces the vector of an item; see [retrieval.MutableIndex]. The cost is that of
// Insert. Searches see the item with the one vector or with the other.
func (x *Index) Update(item recsys.ItemID, vec []float32) error {
	return x.change(item, vec, true)
}

func (x *Index) change(item recsys.ItemID, vec []float32, update bool) error {
	switch {
	case x.closed && update:
		return closed("update")
	case x.closed:
		return closed("insert")
	}
	if err := x.checkVector(vec); err != nil {
		return fmt.Errorf("hnsw: item %d: %w", item, err)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	s, w := x.store.Load(), &x.writer
	row, found := s.rows.Find(item)
	switch {
	case update && !(found && s.rows.Live(row)): // a damaged file may lead to a row without an item
		return fmt.Errorf("hnsw: item %d: %w", item, retrieval.ErrNotFound)
	case !update && found:
		return fmt.Errorf("hnsw: item %d: %w; Update replaces it", item, retrieval.ErrDuplicate)
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
	s.setFollower(row, none)
	s.setBehind(row, false)
	copy(s.vector(row), vec)
	s.put(row)
	if !x.chain(s, row, item) {
		x.join(s, row)
	}
	x.tend(s)
	w.changed = true
	x.moves.Add(1)
	defer x.moves.Add(1)
	if update {
		old, err := s.rows.Move(item, row)
		w.dead = append(w.dead, old)
		if !s.isBehind(old) {
			w.orphans = append(w.orphans, old)
		}
		s.die(old)
		return err
	}
	return s.rows.Insert(item, row)
}

// Delete removes an item; see [retrieval.MutableIndex]. It only marks the row, in less than
// a microsecond: later inserts and updates unlink it, a bounded number of rows each, and
// WriteTo and Compact unlink all. Until then walks pass through it: after deleting a share
// of the items without inserting any, searches compare that share of rows in vain. Call
// Compact when that is much.
func (x *Index) Delete(item recsys.ItemID) error {
	if x.closed {
		return closed("delete")
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.moves.Add(1)
	defer x.moves.Add(1)
	row, err := x.store.Load().rows.Delete(item, false)
	if err != nil {
		return fmt.Errorf("hnsw: item %d: %w", item, retrieval.ErrNotFound)
	}
	s := x.store.Load()
	x.writer.dead = append(x.writer.dead, row)
	if !s.isBehind(row) {
		x.writer.orphans = append(x.writer.orphans, row)
	}
	s.die(row)
	x.writer.changed = true
	return nil
}

// fit returns a store with room for a row and codes that suit its vector.
func (x *Index) fit(s *store, row uint32, vec []float32) *store {
	w, old := &x.writer, s
	if int(row) >= s.capacity {
		s = s.grown(&x.cfg, max(64, s.capacity+s.capacity/2))
	}
	w.coded++
	if s.codes != nil && (s.units == nil && peak(vec) > s.scale || w.coded > s.rows.Len()/recodeShare) {
		s, w.coded = s.recoded(vec), 0
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
	walk.query.set(s, s.vector(row), false)
	top, level := s.level(start), s.level(row)
	walk.start(x.cfg.EfConstruction)
	at := walk.descend(start, top, level)
	for i := min(level, top); i >= 0; i-- {
		walk.start(x.wide(s, x.cfg.EfConstruction))
		walk.seed(at)
		if i == 0 {
			walk.seedHubs()
		}
		walk.walk(i)
		at = rowOf(walk.pool[0])
		candidates := slices.DeleteFunc(l.exact(s, row), func(e entry) bool { return !w.serves(s, rowOf(e)) })
		w.kept = l.prune(s, row, w.kept[:0], candidates, x.cfg.M, fill(x.cfg.M))
		s.setLinks(row, i, w.kept)
		for _, to := range w.kept {
			if i == 0 {
				w.inlinks[to]++
			}
			x.linkBack(s, to, row, i)
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
		w.old = s.list(w.old[:0], row, level)
		l.rows = l.prune(s, row, l.rows[:0], l.offers, room, fill(room))
		if level == 0 {
			l.rows = w.settle(s, w.old, l.rows)
		}
	} else if level == 0 {
		w.inlinks[to]++
	}
	s.setLinks(row, level, l.rows)
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
		if near == row || !s.live(near) && near != s.entry.Load() {
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
