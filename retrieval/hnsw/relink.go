package hnsw

import "slices"

// tend links anew the next live rows in turn: each change to the index does it for tended
// rows. What comes late is linked to by few of those that were there before, most of all
// under inner product, where a build links in descending order of norm; and what links to
// deleted rows is repaired from what those linked to alone. Both are made good when a row is
// linked anew. On 15,000 vectors after two turnovers, with a pool of 32 under inner product,
// recall falls short of a new graph by 2.1 points with one row for each change and by 1.0
// with two; linking all anew at the end leaves nothing to gain. Offering a late row to 32 rows
// around it costs more than linking one anew and gains a third as much.
func (x *Index) tend(s *store) {
	w := &x.writer
	limit := uint32(s.rows.Limit())
	for done, seen := 0, 0; done < tended && seen < tendReach; seen++ {
		if w.next >= limit {
			w.next = 0
		}
		if row := w.next; row < limit && s.live(row) && !s.isBehind(row) {
			x.relink(s, row)
			done++
		}
		w.next++
	}
}

const (
	tended    = 2  // rows that a change links anew
	tendReach = 64 // rows that it looks at for them
)

// relink chooses the links of a row at level 0 again, from a walk that starts at it with
// half the pool of an insert, and links back from those that are new. What it linked to
// before stays as far as there is room, since that may be reached from nowhere else.
func (x *Index) relink(s *store, row uint32) {
	w, l := &x.writer, &x.writer.linker
	walk := &l.walker
	walk.query.set(s, s.vector(row), false)
	walk.start(x.wide(s, max(x.cfg.EfConstruction/2, x.cfg.M)))
	walk.seed(row)
	walk.walk(0)
	candidates := slices.DeleteFunc(l.exact(s, row), func(e entry) bool { return !w.serves(s, rowOf(e)) })
	w.kept = l.prune(s, row, w.kept[:0], candidates, x.cfg.M, fill(x.cfg.M))
	w.old = s.list(w.old[:0], row, 0)
	l.rows = append(l.rows[:0], w.kept...)
	for _, r := range w.old {
		if w.serves(s, r) && !slices.Contains(w.kept, r) {
			l.rows = append(l.rows, r)
		}
	}
	if len(l.rows) > s.degree {
		l.rank(s, row, l.rows)
		l.rows = l.prune(s, row, l.rows[:0], l.offers, s.degree, fill(s.degree))
	}
	l.rows = w.settle(s, w.old, l.rows)
	s.setLinks(row, 0, l.rows)
	for _, to := range w.kept {
		if l.rows = s.list(l.rows[:0], to, 0); !slices.Contains(l.rows, row) {
			x.linkBack(s, to, row, 0)
		}
	}
}

// wide returns a pool in which about ef rows are live, as far as the dead are not more than
// three of four.
func (x *Index) wide(s *store, ef int) int {
	live, dead := s.linked(), int(s.deadRows.Load())
	return min(ef+ef*dead/max(live, 1), 4*ef)
}

// settle returns the links that a row gets in place of old: kept, but for rows that nothing
// else links to, which are taken back in. It counts what has changed.
func (w *writer) settle(s *store, old, kept []uint32) []uint32 {
	for _, r := range old {
		if w.inlinks[r] > 1 || s.isDead(r) || slices.Contains(kept, r) {
			continue
		}
		if len(kept) < s.degree {
			kept = append(kept, r)
			continue
		}
		for i := len(kept) - 1; i >= 0; i-- {
			if k := kept[i]; w.inlinks[k] > 1 || !slices.Contains(old, k) {
				kept[i] = r
				break
			}
		}
	}
	for _, r := range old {
		if !slices.Contains(kept, r) {
			w.inlinks[r]--
		}
	}
	for _, r := range kept {
		if !slices.Contains(old, r) {
			w.inlinks[r]++
		}
	}
	return kept
}
