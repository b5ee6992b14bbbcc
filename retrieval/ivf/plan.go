package ivf

// allowed returns the rows that may be returned, if there are so few of them that scoring
// each exactly takes less time than looking for them in the lists.
//
// A filter that keeps the share s of the items makes the k best of them the k/s best of
// all, more or less: lists are read until the k-th score is as low as that. What that
// takes grows as the root of 1/s, as measured on real factors and on clusters.
func (r *search) allowed(k int) (rows []uint32, ok bool) {
	if !r.gated {
		return nil, false
	}
	if rows, ok := r.gate.List(); ok {
		return rows, true
	}
	selection := r.gate.Selection()
	if selection == nil || selection.Count() > r.fewRows() {
		return nil, false
	}
	r.found.rows = r.found.rows[:0]
	for _, row := range selection.List() {
		if r.gate.Pass(row) {
			r.found.rows = append(r.found.rows, row)
		}
	}
	return r.found.rows, true
}

// fewRows returns how many rows are scored in the time that it takes to look for them
// in the lists.
func (r *search) fewRows() int {
	n := r.state.items
	share := float64(r.gate.Count()) / float64(max(1, n))
	scanned := min(1, float64(r.state.tuning.Scanned)/max(share, 1e-9)*1)
	return max(1000, int(scanned*float64(n)/4))
}
