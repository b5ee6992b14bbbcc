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

// settle fills sc.rows with the first n rows of the pool that are live and pass, with up to k
// for each that follow it, and returns how many they are.
func (sc *scratch) settle(x *Index, s *store, n, k int) int {
	if !sc.unsure {
		found := sc.take(s, n, k)
		if sc.calm(x) {
			return found
		}
		sc.unsure = true
	}
	if !sc.listed {
		sc.offerChanged(s)
	}
	return sc.take(s, n, k)
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

// take does the work of settle as far as nothing changes meanwhile.
func (sc *scratch) take(s *store, n, k int) int {
	sc.rows = sc.rows[:0]
	distinct, unsorted := 0, sc.unsure
	for _, e := range sc.walker.pool {
		if distinct >= n || len(sc.rows) >= twinShare*n {
			break
		}
		from, row := len(sc.rows), rowOf(e)
		unsorted = sc.takeRow(s, row) || unsorted
		if k > 0 {
			unsorted = sc.takeFollowers(s, row, k) || unsorted
		}
		if len(sc.rows) > from {
			distinct++
		}
	}
	if unsorted {
		slices.Sort(sc.rows)
		sc.rows = slices.Compact(sc.rows)
	}
	return len(sc.rows)
}

// takeRow appends a row to sc.rows if it passes. For one that has lost its item it takes the
// row that the item has now, and reports so: links may lead to that as well.
func (sc *scratch) takeRow(s *store, row uint32) (moved bool) {
	if !s.live(row) {
		if int(row) >= s.rows.Limit() {
			return false
		}
		now, ok := s.rows.Find(s.rows.Item(row))
		if !ok || int(now) >= s.capacity {
			return false
		}
		row, moved = now, true
	}
	if sc.admits(s, row) {
		sc.rows = append(sc.rows, row)
	}
	return moved
}

// takeFollowers takes up to k of the rows behind one, and reports whether there are any: an
// heir is behind a dead row and in the graph.
func (sc *scratch) takeFollowers(s *store, row uint32, k int) bool {
	next, ok := s.follower(row)
	if !ok {
		return false
	}
	for hops := 0; ok && k > 0 && hops < s.capacity; hops++ {
		if live := s.live(next); live || sc.unsure {
			from := len(sc.rows)
			sc.takeRow(s, next)
			if live {
				k -= len(sc.rows) - from
			}
		}
		next, ok = s.follower(next)
	}
	return true
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
