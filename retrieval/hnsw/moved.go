package hnsw

import (
	"slices"

	"github.com/recsyskit/recsys/retrieval"
)

// An update gives an item another row, so that a search beside it may pass where the new row
// comes before that is there, and find the old one without an item. What the options let
// through is known by row as well. As long as nothing changes, rows are all that a search
// asks for. When something has, it is unsure: it looks at the rows that have changed, takes
// the row that an item has now, and asks the options about items.

// open makes ready for a search with options, and returns how many rows pass at most.
func (sc *scratch) open(x *Index, s *store, opt *retrieval.SearchOptions) (passing int) {
	sc.opt, sc.unsure = *opt, false
	sc.moves, sc.version = x.moves.Load(), s.rows.Version()
	sc.gate.Open(s.rows, opt)
	sc.list, sc.listed = sc.gate.List()
	if sc.calm(x) {
		return sc.gate.Count()
	}
	if !sc.listed {
		// A filter that is resolved from scratch may miss a row that moves. The second time,
		// it looks only at what has changed.
		sc.gate.Open(s.rows, opt)
		return sc.gate.Count()
	}
	sc.found = s.rows.FindAll(sc.found[:0], opt.Allow)
	slices.Sort(sc.found)
	sc.found = slices.DeleteFunc(slices.Compact(sc.found), func(row uint32) bool { return !sc.admitsItem(s, row) })
	sc.list = sc.found
	return len(sc.list)
}

// close lets go of what the options referred to.
func (sc *scratch) close() {
	sc.gate.Close()
	sc.opt = retrieval.SearchOptions{}
}

// calm reports whether no row has got or lost an item since the search began.
func (sc *scratch) calm(x *Index) bool { return sc.moves&1 == 0 && x.moves.Load() == sc.moves }

// settle fills sc.rows with the first n rows of the pool that are live and pass, and returns
// how many they are.
func (sc *scratch) settle(x *Index, s *store, n int) int {
	if !sc.unsure {
		found := sc.take(s, n)
		if sc.calm(x) {
			return found
		}
		sc.unsure = true
	}
	if !sc.listed {
		sc.offerChanged(s)
	}
	return sc.take(s, n)
}

// offerChanged puts the rows that have changed since the search began into the pool.
func (sc *scratch) offerChanged(s *store) {
	sc.changed, _, _ = s.rows.Changes(sc.changed[:0], sc.version)
	w, n := &sc.walker, 0
	for _, row := range sc.changed {
		if int(row) >= s.capacity || !s.rows.Live(row) {
			continue
		}
		w.fresh[n] = row
		if n++; n == len(w.fresh) {
			w.offer(n)
			n = 0
		}
	}
	w.offer(n)
}

// take does the work of settle as far as nothing changes meanwhile. For a row that has lost
// its item it takes the row that the item has now, which links may not lead to as well as to
// those that it had before.
func (sc *scratch) take(s *store, n int) int {
	sc.rows = sc.rows[:0]
	moved := false
	for _, e := range sc.walker.pool {
		if len(sc.rows) >= n {
			break
		}
		row := rowOf(e)
		if !s.live(row) {
			if int(row) >= s.rows.Limit() {
				continue
			}
			now, ok := s.rows.Find(s.rows.Item(row))
			if !ok || int(now) >= s.capacity {
				continue
			}
			row, moved = now, true
		}
		if sc.admits(s, row) {
			sc.rows = append(sc.rows, row)
		}
	}
	if moved || sc.unsure {
		slices.Sort(sc.rows)
		sc.rows = slices.Compact(sc.rows)
	}
	return len(sc.rows)
}

// admits reports whether a row of the pool passes. All that are listed do.
func (sc *scratch) admits(s *store, row uint32) bool {
	switch {
	case sc.listed:
		return true
	case sc.unsure:
		return sc.admitsItem(s, row)
	}
	return sc.gate.Pass(row)
}

func (sc *scratch) admitsItem(s *store, row uint32) bool {
	item := s.rows.Item(row)
	return sc.opt.Filter.Match(item) && !slices.Contains(sc.opt.Exclude, item)
}
