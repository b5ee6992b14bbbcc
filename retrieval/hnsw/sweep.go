package hnsw

import (
	"slices"
)

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
}

// retired rows are unlinked since an epoch.
type retired struct {
	rows  []uint32
	epoch uint64
}

// A sweep begins when 1 of sweepShare rows is dead, and not for fewer than sweepMin.
const (
	sweepShare = 50
	sweepMin   = 64
)

// sweepSome does the part of one change.
func (x *Index) sweepSome(s *store) {
	w := &x.writer
	w.free(s, x.epochs.advance())
	if len(w.dead)*4 > s.rows.Limit() && len(w.dead) >= sweepMin {
		x.purge(s) // so many at once that walks for links would find little else
		return
	}
	if w.sweep.rows == nil {
		if len(w.dead) < sweepMin || len(w.dead) < s.rows.Limit()/sweepShare {
			return
		}
		w.begin(s)
	}
	w.step(s, 2*s.rows.Limit()/len(w.sweep.rows)+1)
	x.retire(s)
}

// purge unlinks all dead rows.
func (x *Index) purge(s *store) {
	w := &x.writer
	for w.sweep.rows != nil || len(w.dead) > 0 {
		if w.sweep.rows == nil {
			w.begin(s)
		}
		w.step(s, s.rows.Limit())
		x.retire(s)
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

// tallest returns the first live row of the highest level, none if there is none.
func (s *store) tallest() uint32 {
	best, level := none, -1
	for row := range uint32(s.rows.Limit()) {
		if s.rows.Live(row) {
			if l := s.level(row); l > level {
				best, level = row, l
			}
		}
	}
	return best
}

// step repairs the links of the next n rows.
func (w *writer) step(s *store, n int) {
	p := &w.sweep
	for ; n > 0 && p.at < p.end; n-- {
		if row := p.at; !p.has(row) {
			for level := range s.level(row) + 1 {
				w.repair(s, row, level)
			}
		}
		p.at++
	}
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
		return r == row || !s.rows.Live(r) || slices.Contains(kept, r)
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

// retire ends a sweep that has seen all rows.
func (x *Index) retire(s *store) {
	w := &x.writer
	p := &w.sweep
	if p.rows == nil || p.at < p.end {
		return
	}
	var lost []uint32
	for _, row := range p.rows {
		for _, r := range s.list(nil, row, 0) {
			if w.inlinks[r]--; w.inlinks[r] == 0 && !p.has(r) {
				lost = append(lost, r)
			}
		}
		for level := range s.level(row) + 1 {
			s.setLinks(row, level, nil)
		}
	}
	for _, row := range lost {
		if w.inlinks[row] == 0 && s.rows.Live(row) && row != s.entry.Load() {
			w.force(s, row)
		}
	}
	w.retired = append(w.retired, retired{rows: p.rows, epoch: x.epochs.now.Load()})
	w.sweep = sweep{}
}
