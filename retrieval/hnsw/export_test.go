package hnsw

// Unreachable returns how many live rows a walk at level 0 cannot come to.
func (x *Index) Unreachable() int {
	s := x.store.Load()
	set, _ := s.reached()
	n := 0
	for row := range uint32(s.rows.Limit()) {
		if s.rows.Live(row) && set[row>>6]>>(row&63)&1 == 0 {
			n++
		}
	}
	return n
}

// Limit returns how many rows were ever in use since the index was built.
func (x *Index) Limit() int { return x.store.Load().rows.Limit() }

// LinksToDead returns how many links of live rows lead to rows without an item.
func (x *Index) LinksToDead() int {
	s := x.store.Load()
	n := 0
	for row := range uint32(s.rows.Limit()) {
		for level := range s.level(row) + 1 {
			for _, r := range s.list(nil, row, level) {
				if s.rows.Live(row) && !s.rows.Live(r) {
					n++
				}
			}
		}
	}
	return n
}
