package ivf

// What a comparison takes in units of one int8 product, about: a product of floats at
// a row that is read on its own, a promise of a list, a row that a list proposes but a
// filter may refuse.
const (
	costExact   = 5
	costPromise = 2
)

// effort is how many lists a search reads: at least lists of those that hold an item that
// passes.
type effort struct {
	lists    int
	filtered bool
}

// plan chooses how to search. When few rows pass, it returns them, and each is scored
// exactly; else how many lists to read.
//
// A filter that keeps the share s of the items makes the k best of them some of the k/s
// best of all, if it has nothing to do with the query. If it has, the items that pass are in
// other lists: so lists without any do not count.
func (r *search) plan(k, lists int) (rows []uint32, e effort) {
	t := &r.state.tuning
	if !r.gated || r.gate.Everything() {
		if lists <= 0 {
			lists = listsFor(&t.Lists, float64(k+r.excluded()))
		}
		return nil, effort{lists: lists}
	}
	if rows, ok := r.gate.List(); ok {
		return rows, e
	}
	n, count := r.state.items, r.gate.Count()
	all := r.state.coarse.centroids.Rows
	near := float64(k) * float64(n) / float64(max(1, count))
	need := max(lists, listsFor(&t.Filtered, near))
	if near > float64(levels[len(levels)-1]) {
		need = all
	}
	probe := min(1, float64(need)/float64(all))*float64(n) + costPromise*float64(all)
	if float64(count)*costExact > probe {
		return nil, effort{lists: need, filtered: true}
	}
	r.found.rows = r.found.rows[:0]
	for _, row := range r.gate.Selection().List() {
		if r.gate.Pass(row) {
			r.found.rows = append(r.found.rows, row)
		}
	}
	return r.found.rows, e
}

// excluded returns how many items are excluded by name.
func (r *search) excluded() int {
	if !r.gated {
		return 0
	}
	return r.gate.Excluded()
}
