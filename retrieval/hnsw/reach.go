package hnsw

// reached returns the set of rows that a walk at level 0 can come to from the entry, as
// bits, and the rows in the order of a search in breadth.
func (s *store) reached() (set []uint64, order []uint32) {
	set = make([]uint64, s.capacity/64)
	if entry := s.entry.Load(); int(entry) < s.capacity {
		order = s.spread(set, nil, entry)
	}
	return set, order
}

// spread adds a row and all that can be come to from it, by links or behind others, to set, and appends those that are
// new to order.
func (s *store) spread(set []uint64, order []uint32, row uint32) []uint32 {
	at := len(order)
	set[row>>6] |= 1 << (row & 63)
	for order = append(order, row); at < len(order); at++ {
		for _, r := range s.neighbours(order[at], 0) {
			if int(r) >= s.capacity {
				break
			}
			if set[r>>6]>>(r&63)&1 == 0 {
				set[r>>6] |= 1 << (r & 63)
				order = append(order, r)
			}
		}
		if r, ok := s.follower(order[at]); ok && set[r>>6]>>(r&63)&1 == 0 {
			set[r>>6] |= 1 << (r & 63)
			order = append(order, r)
		}
	}
	return order
}

// attachAll links to all live rows that a walk cannot come to from one that it can: the
// nearest with room, searched among those that the row links to, and then on from there.
// It returns how many links it took.
func (s *store) attachAll(cfg *Config, l *linker) int {
	set, order := s.reached()
	n := 0
	for row := range uint32(s.rows.Limit()) {
		if set[row>>6]>>(row&63)&1 != 0 || !s.live(row) || s.isBehind(row) {
			continue
		}
		if from, ok := s.anchor(cfg, l, set, row); ok {
			l.rows = append(s.list(l.rows[:0], from, 0), row)
			s.setLinks(from, 0, l.rows)
			order = s.spread(set, order[:0], row)
			n++
		}
	}
	return n
}

// anchor returns a row in set with room for a link, near to a row.
func (s *store) anchor(cfg *Config, l *linker, set []uint64, row uint32) (uint32, bool) {
	free := func(rows []uint32) (uint32, bool) {
		l.rank(s, row, rows)
		for _, e := range l.offers {
			r := rowOf(e)
			if set[r>>6]>>(r&63)&1 != 0 && s.neighbours(r, 0)[s.degree-1] == none && s.live(r) && !s.isBehind(r) {
				return r, true
			}
		}
		return 0, false
	}
	l.rows = s.list(l.rows[:0], row, 0)
	if r, ok := free(l.rows); ok {
		return r, true
	}
	for _, near := range l.rows[:len(l.rows):len(l.rows)] {
		l.rows = s.list(l.rows, near, 0)
	}
	if r, ok := free(l.rows); ok {
		return r, true
	}
	w := &l.walker
	w.query.set(s, s.vector(row), true)
	w.start(4 * cfg.EfConstruction)
	entry := s.entry.Load()
	at := w.descend(entry, s.level(entry), 0)
	w.seed(at)
	w.walk(0)
	l.rows = l.rows[:0]
	for _, e := range w.pool {
		l.rows = append(l.rows, rowOf(e))
	}
	if r, ok := free(l.rows); ok {
		return r, true
	}
	// No room anywhere near: take any.
	for r := range uint32(s.rows.Limit()) {
		if set[r>>6]>>(r&63)&1 != 0 && s.neighbours(r, 0)[s.degree-1] == none && s.live(r) && !s.isBehind(r) {
			return r, true
		}
	}
	return 0, false
}
