package rerank

import "github.com/recsyskit/recsys"

// mmrWork is the memory of one call.
type mmrWork struct {
	list
	marginal[float32]
	scale   scale
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
	w.marginal.reset(float32(m.Lambda), low)
	w.inverse = w.inverse[:0]
	w.list.read(c, order, m.Depth)
	utility := c.Utility()
	w.scale = newScale(m.Relevance, w.rows, utility)
	for _, row := range w.rows {
		w.add(row, utility[row])
	}
}

// add appends an item to those of marginal.
func (w *mmrWork) add(row int32, utility float32) {
	w.marginal.add(float32(w.scale.of(utility)))
	if w.vectors == nil {
		return
	}
	inverse := float32(0)
	if !w.unknown.Has(int(row)) {
		inverse = inverseNorm(w.vectorOf(row))
	}
	w.inverse = append(w.inverse, inverse)
}

func (w *mmrWork) best(open recsys.Bits) int {
	i, _ := w.marginal.best(w.rows, open)
	return i
}

func (w *mmrWork) pick(i int) { w.marginal.pick(i) }

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
