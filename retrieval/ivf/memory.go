package ivf

// Bytes returns the memory that vectors, codes and tables take.
func (ix *Index) Bytes() int {
	s := ix.state.Load()
	return ix.Resident() + 4*(len(s.base)+len(s.tail))
}

// Resident returns the part of Bytes that searches of an opened index keep in use: all
// but the float vectors, of which they read a few rows.
func (ix *Index) Resident() int {
	s := ix.state.Load()
	lists := s.coarse.centroids.Rows
	n := 4*(len(s.coarse.centroids.Data)+5*lists) + 12*s.rows.Limit() // 8 bytes for the item, 4 for the list
	for c := range uint32(lists) {
		l := s.lists.at(c)
		n += 4*len(l.rows) + len(l.codes) + 4*len(l.biases) + 16*len(l.segments)
	}
	return n
}
