package ivf

// What takes how long, in units of a row that a search under a filter plans to read in a list:
// the exact product with a row that passes, read on its own; the promise of a list. The unit is
// more than an int8 product, since more rows are read than planned, and the fewer pass, the
// more are compared again before there are k good ones. By BenchmarkPlans on 41,000 rows of 32,
// 64 and 128 values the unit was 7.7, 8.4 and 12 ns, the product 6.5, 7.9 and 11.5, a
// promise 12.
const (
	costExact   = 0.9
	costPromise = 1.5
)

// leastRows is how many rows a search without an Effort reads at least, on average: it
// costs next to nothing, and what was measured on small lists says little.
const leastRows = 256

// thinned returns how many times as many items there were when the lists were measured,
// at least 1: where some are gone, the nearest are further apart.
func (t *tuning) thinned(items int) float64 {
	return max(1, float64(t.Items)/float64(items))
}

// effort is how many lists a search reads: at least lists of those that hold an item that
// passes.
type effort struct {
	lists    int
	filtered bool
	near     float64 // k/s
	share    float64 // s
	passed   float64 // of the rows in the lists read, about how many pass
	rows     int     // in the lists read
}

// plan chooses how to search. When few rows pass, it returns them, and each is scored
// exactly; else how many lists to read.
//
// A filter that keeps the share s of the items makes the k best of them some of the k/s
// best of all, if it has nothing to do with the query. If it has, the items that pass are in
// other lists, so lists without any do not count, and the share is corrected by what the
// lists read so far hold. And it may keep the short vectors alone, so lists are read
// while they promise more than the k-th score, up to four times as many.
func (r *search) plan(k, lists int) (rows []uint32, e effort) {
	t := &r.state.tuning
	n := r.state.items
	all := r.state.coarse.centroids.Rows
	least := (leastRows*all + n - 1) / n
	if !r.gated || r.gate.Everything() {
		if lists <= 0 {
			lists = max(least, listsFor(&t.Lists, float64(k+r.excluded())*t.thinned(n)))
		}
		return nil, effort{lists: min(lists, all)}
	}
	if rows, ok := r.gate.List(); ok {
		return rows, e
	}
	if e = r.filtered(k, lists); r.listPays(&e) {
		return r.passed(), effort{}
	}
	return nil, e
}

// filtered returns the lists to read under a filter, at least so many.
func (r *search) filtered(k, least int) effort {
	t := &r.state.tuning
	n, all, count := r.state.items, r.state.coarse.centroids.Rows, r.gate.Count()
	near := float64(k) * float64(n) / float64(max(1, count)) * t.thinned(n)
	need := min(all, max(least, (leastRows*all+n-1)/n, listsFor(&t.Filtered, near)))
	if near > float64(levels[len(levels)-1]) {
		need = all
	}
	return effort{lists: need, filtered: true, near: near, share: float64(count) / float64(n)}
}

// listPays reports whether to score all rows that pass rather than to read lists.
func (r *search) listPays(e *effort) bool {
	n, all := float64(r.state.items), float64(r.state.coarse.centroids.Rows)
	return e.share*n*costExact <= float64(e.lists)/all*n+costPromise*all
}

// passed returns the rows that pass a filter.
func (r *search) passed() []uint32 {
	r.found.rows = r.found.rows[:0]
	for _, row := range r.gate.Selection().List() {
		if r.gate.Pass(row) {
			r.found.rows = append(r.found.rows, row)
		}
	}
	return r.found.rows
}

// excluded returns how many items are excluded by name.
func (r *search) excluded() int {
	if !r.gated {
		return 0
	}
	return r.gate.Excluded()
}

// samplePass is how many rows of a list are asked whether they pass.
const samplePass = 16

// passes reports whether an item of a list passes, and counts about how many do.
func (r *search) passes(e *effort, l *list) bool {
	step, hits, asked := max(1, len(l.rows)/samplePass), 0, 0
	for slot := 0; slot < len(l.rows); slot += step {
		asked++
		if row := l.row(uint32(slot)); row != dead && r.gate.Pass(row) {
			hits++
		}
	}
	e.rows += len(l.rows)
	e.passed += float64(hits) / float64(asked) * float64(len(l.rows))
	if hits > 0 {
		return true
	}
	for slot := range l.rows {
		if row := l.row(uint32(slot)); row != dead && r.gate.Pass(row) {
			return true
		}
	}
	return false
}

// enough reports whether a filtered search that has read as many lists as planned can end
// before the next list. If fewer rows pass here than elsewhere, it plans anew.
func (r *search) enough(e *effort, k, done int, next uint32) bool {
	if here := e.passed / float64(max(1, e.rows)); here < e.share {
		near := e.near * e.share / max(here, 1/float64(e.rows+1))
		if need := listsFor(&r.state.tuning.Filtered, near); done < need {
			return false
		}
	}
	if done >= 4*e.lists {
		return true
	}
	promise := float64(r.order.promise[next])
	if !r.ix.l2() {
		promise *= r.length
	}
	return promise < float64(r.found.floor)
}
