package ivf

import "unsafe"

// Bytes returns the memory that vectors, codes and tables take.
func (ix *Index) Bytes() int {
	s := ix.state.Load()
	return ix.Resident() + 4*(len(s.base)+len(s.tail))
}

// Resident returns the part of Bytes that searches of an opened index keep in use: all
// but the float vectors, of which they read a few rows. The map of the items is not in it,
// see the documentation of the package.
func (ix *Index) Resident() int {
	s := ix.state.Load()
	lists := s.coarse.centroids.Rows
	// Of a list the centroid, its code, what coarse keeps, the list itself; of a row the item, a
	// bit that says whether it is there, and the list.
	n := lists*(5*ix.dim+6*4+int(unsafe.Sizeof(list{}))+8) + s.rows.Limit()*12 + s.rows.Limit()/8
	for c := range uint32(lists) {
		l := s.lists.at(c)
		n += 4*len(l.rows) + len(l.codes) + 4*len(l.biases) + 16*len(l.segments)
	}
	return n + 4*len(s.codec.book) + 4*len(ix.sample.Data)
}
