package hnsw

import "slices"

// sweep takes links to rows of deleted items out of the graph, a few rows at a time: each
// change to the index pays for a part. When it has seen all rows, nothing leads to those of
// the deleted items any more.
//
// Source: Singh et al., "FreshDiskANN", 2021, algorithm 4: a row that linked to a deleted
// one is offered what that one linked to.
type sweep struct {
	rows []uint32 // being unlinked; nil when there is no sweep
	mask []uint64 // as bits
	at   uint32   // the next row to look at
	end  uint32
	done int // of rows, those that are unlinked
}

// retired rows are unlinked since an epoch.
type retired struct {
	rows  []uint32
	epoch uint64
}

// A sweep begins when 1 of sweepShare rows is dead, and not for fewer than sweepMin: under
// steady change 2 % to 4 % of the rows that walks compare are dead. With 1 of 25, sweeps repair
// each row less often, but searches lose more than that saves.
const (
	sweepShare = 50
	sweepMin   = 64
	sweepRows  = 16 // rows looked at for a change, at least
)

// sweepSome does the part of one change: it looks at twice as many rows as is needed to
// keep up, at most about 2·sweepShare, or at sweepRows.
func (x *Index) sweepSome(s *store) {
	w := &x.writer
	w.free(s, x.epochs.advance())
	if w.sweep.rows == nil {
		dead := s.deadRows.Load()
		few := dead < sweepMin || int(dead) < s.linked()/sweepShare
		if few && len(w.dead) < s.rows.Limit()/sweepShare+sweepMin || !x.adopt(s, adopted) {
			return
		}
		w.begin(s)
	}
	n := max(2*s.rows.Limit()/len(w.sweep.rows)+1, sweepRows)
	if w.step(s, n) {
		x.retire(s, 2*n)
	}
}

// purge unlinks all dead rows.
func (x *Index) purge(s *store) {
	w := &x.writer
	x.adopt(s, max(len(w.orphans), 1))
	for w.sweep.rows != nil || len(w.dead) > 0 {
		if w.sweep.rows == nil {
			w.begin(s)
		}
		w.step(s, s.rows.Limit())
		x.retire(s, len(w.sweep.rows))
	}
}

// free gives rows back that no search can hold any more.
func (w *writer) free(s *store, epoch uint64) {
	for len(w.retired) > 0 && w.retired[0].epoch+2 <= epoch {
		for _, row := range w.retired[0].rows {
			s.rows.Free(row)
		}
		w.retired = w.retired[1:]
	}
}

func (w *writer) begin(s *store) {
	w.count(s)
	w.sweep = sweep{rows: w.dead, mask: make([]uint64, s.capacity/64), end: uint32(s.rows.Limit())}
	w.dead = nil
	for _, row := range w.sweep.rows {
		w.sweep.mask[row>>6] |= 1 << (row & 63)
	}
	if entry := s.entry.Load(); w.sweep.has(entry) {
		s.entry.Store(s.tallest())
	}
}

func (p *sweep) has(row uint32) bool {
	word := int(row >> 6)
	return word < len(p.mask) && p.mask[word]>>(row&63)&1 != 0
}

// tallest returns the first live row in the graph of the highest level, none if there is none.
func (s *store) tallest() uint32 {
	best, level := none, -1
	for row := range uint32(s.rows.Limit()) {
		if l := s.level(row); l > level && s.live(row) && !s.isBehind(row) {
			best, level = row, l
		}
	}
	return best
}

// step repairs the links of the next n rows and reports whether all are done.
func (w *writer) step(s *store, n int) bool {
	p := &w.sweep
	for ; n > 0 && p.at < p.end; n-- {
		if row := p.at; !p.has(row) {
			p.unchain(s, row)
			for level := range s.level(row) + 1 {
				w.repair(s, row, level)
			}
		}
		p.at++
	}
	return p.at == p.end
}

// repair replaces the links of a row to rows that are being unlinked.
func (w *writer) repair(s *store, row uint32, level int) {
	l, p := &w.linker, &w.sweep
	all := s.list(l.kept[:0], row, level)
	l.kept = all
	if !slices.ContainsFunc(all, p.has) {
		return
	}
	l.rows = l.rows[:0]
	for _, r := range all {
		if p.has(r) {
			l.rows = s.list(l.rows, r, level)
		}
	}
	kept := slices.DeleteFunc(all, p.has)
	slices.Sort(l.rows)
	l.rows = slices.Compact(l.rows)
	l.rows = slices.DeleteFunc(l.rows, func(r uint32) bool {
		return r == row || !s.live(r) || slices.Contains(kept, r)
	})
	old := len(kept)
	l.rank(s, row, l.rows)
	kept = l.prune(s, row, kept, l.offers, len(s.neighbours(row, level)), len(all))
	if level == 0 {
		for _, r := range kept[old:] {
			w.inlinks[r]++
		}
	}
	s.setLinks(row, level, kept)
	l.kept = kept
}

// retire takes up to n rows out of the sweep that no row links to any more, and makes sure
// that those that only they linked to can be reached.
func (x *Index) retire(s *store, n int) {
	w := &x.writer
	p := &w.sweep
	if p.done == 0 {
		s.dropHubs(p)
	}
	rows := p.rows[p.done:min(p.done+n, len(p.rows))]
	for _, row := range rows {
		w.around = s.list(w.around[:0], row, 0)
		for level := range s.level(row) + 1 {
			s.setLinks(row, level, nil)
		}
		for _, r := range w.around {
			if w.inlinks[r]--; w.inlinks[r] == 0 && s.live(r) && r != s.entry.Load() {
				w.force(s, r)
			}
		}
		s.bury(row)
	}
	w.retired = append(w.retired, retired{rows: rows, epoch: x.epochs.now.Load()})
	if p.done += len(rows); p.done == len(p.rows) {
		w.sweep = sweep{}
	}
}
