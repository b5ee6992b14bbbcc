package itemsim

import (
	"fmt"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval/internal/itemindex"
)

// Update gives one item, which may be a new one, all its weights afresh.
type Update struct {
	Item recsys.ItemID

	// Proposes holds the weights from the item, ProposedBy those to it, in any order; what
	// is not there is 0. The items are such that the model knows or that an update of the
	// same call adds. The weight from the item to itself stands in Proposes.
	Proposes, ProposedBy []Neighbor

	// Saturation is the item's, of models with [Saturating] alone.
	Saturation float32
}

// WithItems returns a model in which the items of the updates have other weights. The
// updates are applied in order, so where two speak of one weight the later has the last word.
// m stays as it is and may be in use; the models share the rows that no update changes. A
// service swaps the new one in by recsys.Live.
//
// It takes time in proportion to the items, times the logarithm of the weights per item, for
// each update: some milliseconds for 100,000 items, where no training is that short. A new
// item whose ID is not above all others moves the places of the items after it, and each call
// that adds such items copies all weights.
//
// The error names the item or weight that is out of its domain: an unknown neighbour, one that
// stands twice, a weight that is not finite.
func (m *Model) WithItems(updates ...Update) (*Model, error) {
	mat, saturation, err := m.withRoom(updates)
	if err != nil {
		return nil, fmt.Errorf("itemsim: %w", err)
	}
	for i := range updates {
		u := &updates[i]
		at := mat.items.Find(u.Item)
		proposes, err := mat.read(u.Proposes)
		if err != nil {
			return nil, fmt.Errorf("itemsim: Update of item %d: Proposes: %w", u.Item, err)
		}
		by, err := mat.read(u.ProposedBy)
		switch {
		case err != nil:
			return nil, fmt.Errorf("itemsim: Update of item %d: ProposedBy: %w", u.Item, err)
		case by.at(at) != 0:
			return nil, fmt.Errorf("itemsim: Update of item %d: ProposedBy has the item itself; that weight stands in Proposes", u.Item)
		case m.header.Damping != Saturating && u.Saturation != 0:
			return nil, fmt.Errorf("itemsim: Update of item %d: Saturation is %v in a model without", u.Item, u.Saturation)
		case !saturates(u.Saturation):
			return nil, fmt.Errorf("itemsim: Update of item %d: Saturation is %v; want a finite number >= 0", u.Item, u.Saturation)
		case m.header.Damping == Saturating:
			saturation[at] = u.Saturation
		}
		mat.replaceColumn(at, by)
		mat.rows[at] = proposes
		if mat.dense != nil {
			if mat.base == nil {
				mat.base = mat.bases()
			}
			mat.base[at] = -1
		}
	}
	return newModel(m.header, mat, saturation)
}

// withRoom returns a matrix with the items of m and the updates whose table of rows may be
// written to, and the saturation.
func (m *Model) withRoom(updates []Update) (*matrix, []float32, error) {
	ids := m.Items()
	var added []recsys.ItemID
	for i := range updates {
		if id := updates[i].Item; m.matrix.items.Find(id) < 0 {
			added = append(added, id)
		}
	}
	if len(added) == 0 {
		mat := newMatrix(m.matrix.items, slices.Clone(m.matrix.rows))
		mat.dense, mat.base = m.matrix.dense, slices.Clone(m.matrix.base)
		return mat, slices.Clone(m.saturation), nil
	}
	all := slices.Concat(ids, added)
	slices.Sort(all)
	all = slices.Compact(all)
	items, err := itemindex.New(all)
	if err != nil {
		return nil, nil, err
	}
	places := make([]int32, len(ids)) // new place by old
	moved := false
	for i, id := range ids {
		places[i] = items.Find(id)
		moved = moved || places[i] != int32(i)
	}
	rows := make([]row, len(all))
	var saturation []float32
	if m.header.Damping == Saturating {
		saturation = make([]float32, len(all))
	}
	for i, r := range m.matrix.rows {
		if moved {
			to := make([]int32, len(r.to))
			for k, c := range r.to {
				to[k] = places[c]
			}
			r.to = to
		}
		rows[places[i]] = r
		if saturation != nil {
			saturation[places[i]] = m.saturation[i]
		}
	}
	mat := newMatrix(items, rows)
	if mat.dense = m.matrix.dense; mat.dense != nil {
		mat.base = slices.Repeat([]int32{-1}, len(all))
		for i, b := range m.matrix.bases() {
			mat.base[places[i]] = b
		}
	}
	return mat, saturation, nil
}

// read returns neighbours as a row.
func (m *matrix) read(neighbors []Neighbor) (row, error) {
	type entry struct {
		item   int32
		weight float32
	}
	entries := make([]entry, 0, len(neighbors))
	for _, n := range neighbors {
		at := m.items.Find(n.Item)
		switch {
		case at < 0:
			return row{}, fmt.Errorf("item %d is unknown", n.Item)
		case n.Weight-n.Weight != 0:
			return row{}, fmt.Errorf("the weight of item %d is %v; want a finite number", n.Item, n.Weight)
		}
		entries = append(entries, entry{at, n.Weight})
	}
	slices.SortFunc(entries, func(a, b entry) int { return int(a.item) - int(b.item) })
	var r row
	for k, e := range entries {
		if k > 0 && entries[k-1].item == e.item {
			return row{}, fmt.Errorf("item %d stands twice", m.items.IDs()[e.item])
		}
		if e.weight != 0 {
			r.to, r.weights = append(r.to, e.item), append(r.weights, e.weight)
		}
	}
	return r, nil
}

// replaceColumn makes column the weights to an item.
func (m *matrix) replaceColumn(item int32, column row) {
	for from := range m.rows {
		weight := float32(0)
		if len(column.to) > 0 && column.to[0] == int32(from) {
			weight = column.weights[0]
			column.to, column.weights = column.to[1:], column.weights[1:]
		}
		m.rows[from] = m.rows[from].with(item, weight)
	}
}

// with returns the row with the weight to an item, none if it is 0. What r holds stays as it is.
func (r row) with(item int32, weight float32) row {
	k, has := slices.BinarySearch(r.to, item)
	switch {
	case weight == 0 && !has:
		return r
	case weight == 0:
		return row{slices.Concat(r.to[:k], r.to[k+1:]), slices.Concat(r.weights[:k], r.weights[k+1:])}
	}
	rest := k
	if has {
		rest++
	}
	return row{
		slices.Concat(r.to[:k], []int32{item}, r.to[rest:]),
		slices.Concat(r.weights[:k], []float32{weight}, r.weights[rest:]),
	}
}
