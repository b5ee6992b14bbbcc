package rerank

import (
	"math"

	"github.com/recsyskit/recsys"
)

// mmrWork is the memory of one call.
type mmrWork struct {
	marginal[float32]
	rows    []int32     // of the items of marginal
	open    recsys.Bits // rows considered and not picked
	chosen  []int32
	taken   recsys.Bits
	ladder  []float32
	lo, hi  float64 // range of utility that is mapped to [0, 1]
	scaled  bool
	vectors []float32 // all rows of the table
	dim     int
	unknown recsys.Bits
	inverse []float32 // of the items of marginal
	ids     [][]uint64
	missing []recsys.Bits // parallel to ids

	byVector, byAttributes func(i, j int32) float32 // the methods, made into values once
}

func newMMRWork() *mmrWork {
	w := new(mmrWork)
	w.byVector, w.byAttributes = w.cosine, w.shared
	return w
}

// release drops what belongs to the pipeline.
func (w *mmrWork) release() {
	w.vectors, w.unknown, w.sim = nil, nil, nil
	clear(w.ids)
	clear(w.missing)
	w.ids, w.missing = w.ids[:0], w.missing[:0]
}

// read takes the rows to consider.
func (w *mmrWork) read(m *boundMMR, c *recsys.Candidates, order []int32) {
	low := float32(0)
	if len(m.attributes) == 0 {
		low = -1
		w.vectors, w.dim = c.Vectors(m.vector.Index)
		w.unknown = c.Missing(m.vector.Group)
		w.sim = w.byVector
	} else {
		for _, a := range m.attributes {
			ids, missing := a.of(c)
			w.ids, w.missing = append(w.ids, ids), append(w.missing, missing)
		}
		w.sim = w.byAttributes
	}
	w.reset(float32(m.Lambda), low)
	w.rows, w.chosen, w.inverse = w.rows[:0], w.chosen[:0], w.inverse[:0]
	w.open, w.taken = emptyBits(w.open, c.Len()), emptyBits(w.taken, c.Len())

	utility := c.Utility()
	for _, row := range order[:min(m.Depth, len(order))] {
		if utility[row] > float32(math.Inf(-1)) {
			w.rows = append(w.rows, row)
			w.open.Set(int(row))
		}
	}
	w.scale(m.Relevance, utility)
	for _, row := range w.rows {
		w.consider(row, w.relevanceOf(utility[row]))
	}
}

// scale finds the range of the utilities considered.
func (w *mmrWork) scale(r Relevance, utility []float32) {
	w.lo, w.hi, w.scaled = math.Inf(1), math.Inf(-1), r == MinMax
	for _, row := range w.rows {
		if u := float64(utility[row]); !math.IsInf(u, 0) {
			w.lo, w.hi = min(w.lo, u), max(w.hi, u)
		}
	}
}

// relevanceOf returns the relevance of a utility. An infinite utility counts as the best or the worst of the others.
func (w *mmrWork) relevanceOf(u float32) float32 {
	x := min(max(float64(u), w.lo), w.hi) // lo > hi if no utility is finite: all are equal then
	switch {
	case !w.scaled && w.lo <= w.hi:
		return float32(x)
	case w.lo < w.hi:
		return float32((x - w.lo) / (w.hi - w.lo))
	}
	return 0
}

// consider adds a row to the items of marginal.
func (w *mmrWork) consider(row int32, relevance float32) {
	w.add(relevance)
	if w.vectors == nil {
		return
	}
	inverse := float32(0)
	if !w.unknown.Has(int(row)) {
		inverse = inverseNorm(w.vectorOf(row))
	}
	w.inverse = append(w.inverse, inverse)
}

func (w *mmrWork) vectorOf(row int32) []float32 {
	at := int(row) * w.dim
	return w.vectors[at : at+w.dim : at+w.dim]
}

// cosine is the similarity of two items by their vectors.
func (w *mmrWork) cosine(i, j int32) float32 {
	return cosine(w.vectorOf(w.rows[i]), w.vectorOf(w.rows[j]), w.inverse[i], w.inverse[j])
}

// shared is the similarity of two items by their attributes.
func (w *mmrWork) shared(i, j int32) float32 {
	a, b := int(w.rows[i]), int(w.rows[j])
	n := 0
	for k, ids := range w.ids {
		if ids[a] == ids[b] && !w.missing[k].Has(a) && !w.missing[k].Has(b) {
			n++
		}
	}
	return float32(n) / float32(len(w.ids))
}

// fill chooses the rows of the top: K places under constraints, then those beyond.
func (w *mmrWork) fill(q *recsys.Query, c *recsys.Candidates, order []int32, top int) error {
	if top == 0 {
		top = q.K
	}
	s := c.Slate(q.K, order)
	for len(w.chosen) < top && s.Next() {
		i, _ := w.best(w.rows, s.Admissible())
		if i < 0 { // none of the rows considered may come
			row := s.Best()
			i = len(w.rows)
			w.rows = append(w.rows, row)
			w.consider(row, w.relevanceOf(c.Utility()[row]))
		}
		s.Pick(w.rows[i], 1)
		w.take(i)
	}
	if err := s.Err(); err != nil {
		return err
	}
	if len(w.chosen) < q.K { // a dead end: what follows stays as it was
		return nil
	}
	for len(w.chosen) < top {
		i, _ := w.best(w.rows, w.open)
		if i < 0 {
			break
		}
		w.take(i)
	}
	return nil
}

func (w *mmrWork) take(i int) {
	row := w.rows[i]
	w.pick(i)
	w.chosen = append(w.chosen, row)
	w.open.Clear(int(row))
	w.taken.Set(int(row))
}

// write puts the chosen rows first and deals the utilities out again.
func (w *mmrWork) write(c *recsys.Candidates, order []int32) {
	same := true
	for i, row := range w.chosen {
		same = same && order[i] == row
	}
	if same {
		return
	}
	utility := c.Utility()
	w.ladder = w.ladder[:0]
	step := float32(math.Inf(1))
	for _, row := range order {
		if u := utility[row]; u != u {
			step = float32(math.Inf(-1))
		} else {
			step = min(step, u) // a list that was not sorted is levelled
		}
		w.ladder = append(w.ladder, step)
	}
	at := len(order)
	for i := len(order) - 1; i >= 0; i-- { // from below, since chosen rows move up
		if row := order[i]; !w.taken.Has(int(row)) {
			at--
			order[at] = row
		}
	}
	copy(order, w.chosen)
	for i, row := range order {
		utility[row] = w.ladder[i]
	}
}

// emptyBits returns an empty set for n rows, in b's memory where it is large enough.
func emptyBits(b recsys.Bits, n int) recsys.Bits {
	words := (n + 63) / 64
	if cap(b) < words {
		return make(recsys.Bits, words, words+words/4)
	}
	b = b[:words]
	clear(b)
	return b
}
