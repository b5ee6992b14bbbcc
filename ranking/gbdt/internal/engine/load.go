package engine

// load writes the words of n rows from row first on, n <= lanes, side by side: word w of row
// first+i is dst[w*lanes+i]. Lanes without a row are left as they are.
func (l *layout) load(dst []int32, rows *Rows, first, n, lanes int) {
	for i := range l.columns {
		c := &l.columns[i]
		to := dst[i*lanes : i*lanes+n]
		from, stride := rows.column(int(c.feature), first)
		for k := range to {
			to[k] = c.word(from[k*stride])
		}
	}
	for i := range l.sets {
		s := &l.sets[i]
		from, stride := rows.column(int(s.feature), first)
		for k := range n {
			row := s.row(from[k*stride]) * s.words
			to := dst[s.word*lanes+k:]
			for w, bits := range s.table[row : row+s.words] {
				to[w*lanes] = int32(bits)
			}
		}
	}
}

// column returns feature j from row first on: every stride-th value.
func (r *Rows) column(j, first int) ([]float32, int) {
	if c := r.Columns[j]; c >= 0 {
		return r.Floats[first*r.Stride+int(c):], r.Stride
	}
	return r.Extra[^r.Columns[j]][first:], 1
}
