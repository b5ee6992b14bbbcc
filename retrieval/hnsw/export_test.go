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
