package engine

import (
	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

// treeLanes take a row through 16 trees at once, by bit vectors: see [simd.ForestRow].
type treeLanes struct {
	forest *simd.ForestRow
	values *leafValues
}

func newLanes(f *tree.Forest, l *layout, tests [][]test) *treeLanes {
	trees := make([][]simd.RowNode, len(f.Trees))
	wide := false
	orders := make([][]int32, len(f.Trees))
	for i := range f.Trees {
		t := &f.Trees[i]
		wide = wide || len(t.Leaves) > maxBits/2
		var ruled []uint64
		orders[i], ruled = orderLeaves(t)
		trees[i] = make([]simd.RowNode, len(t.Nodes))
		for j, q := range tests[i] {
			trees[i][j] = simd.RowNode{Word: uint32(q.word), Set: t.Nodes[j].Categorical, Below: q.threshold + 1, Keep: ^ruled[j]}
			if t.Nodes[j].Categorical {
				trees[i][j].Below = int32(q.mask)
			}
		}
	}
	b := &treeLanes{values: newLeafValues(f, orders)}
	leaves := make([][]float64, len(f.Trees))
	for i, first := range b.values.first {
		leaves[i] = b.values.values[first:][:len(orders[i])]
	}
	b.forest = simd.NewForestRow(trees, leaves, l.words, wide)
	b.values.values = b.forest.Leaves()
	return b
}

// leafValues are the leaves of all trees in one run, in an order of their own.
type leafValues struct {
	values []float64
	first  []int32 // of each tree
	output []int32
	order  []int32 // the tree's own number of a leaf
}

// newLeafValues takes the leaves in the given order.
func newLeafValues(f *tree.Forest, orders [][]int32) *leafValues {
	v := &leafValues{}
	for i := range f.Trees {
		t := &f.Trees[i]
		v.first = append(v.first, int32(len(v.values)))
		v.output = append(v.output, int32(t.Output))
		for _, leaf := range orders[i] {
			v.values = append(v.values, t.Leaves[leaf])
			v.order = append(v.order, leaf)
		}
	}
	return v
}

// row adds what row i got in the trees from first on.
func (t *task) row(v *leafValues, found []uint32, i, first int) {
	f := t.e.f
	switch {
	case t.leaves != nil || t.e.linear:
		for j, slot := range found {
			leaf := [1]int32{v.order[v.first[first+j]+int32(slot)]}
			t.take(leaf[:], i, first+j)
		}
	case f.Float32:
		sums := t.sums[i*f.Outputs : (i+1)*f.Outputs]
		for j, slot := range found {
			at := &sums[v.output[first+j]]
			*at = float64(float32(*at) + float32(v.values[v.first[first+j]+int32(slot)]))
		}
	case f.Outputs == 1:
		sum, starts := t.sums[i], v.first[first:first+len(found)]
		for j, slot := range found {
			sum += v.values[starts[j]+int32(slot)]
		}
		t.sums[i] = sum
	default:
		sums := t.sums[i*f.Outputs : (i+1)*f.Outputs]
		for j, slot := range found {
			sums[v.output[first+j]] += v.values[v.first[first+j]+int32(slot)]
		}
	}
}

// lanes takes the rows one by one.
func (t *task) lanes(s *Scratch) {
	b := t.e.lanes
	if len(s.aligned) < b.forest.Words() {
		s.aligned = simd.Aligned[int32](b.forest.Words())
	}
	const groups = 64 // at once
	plain := t.leaves == nil && !t.e.linear && !t.e.f.Float32 && t.e.f.Outputs == 1
	s.found = grown(s.found, max(groups*simd.RowTrees, len(s.found)))
	for i := range t.rows.N {
		t.e.layout.loadRow(s.aligned, t.rows, i, s)
		for at := t.from / simd.RowTrees; at*simd.RowTrees < t.to; at += groups {
			first, end := at*simd.RowTrees, min((at+groups)*simd.RowTrees, t.to)
			if plain && t.whole(first, end) {
				t.sums[i] = b.forest.Sum(t.sums[i], s.aligned, at, (end+simd.RowTrees-1)/simd.RowTrees)
				continue
			}
			b.forest.Find(s.found, s.aligned, at, (end+simd.RowTrees-1)/simd.RowTrees)
			from := max(first, t.from)
			t.row(b.values, s.found[from-first:end-first], i, from)
		}
	}
}

// whole tells whether trees first to end-1, the first of which begins a group, are in the task and are whole
// groups, the last as full as it can be.
func (t *task) whole(first, end int) bool {
	return first >= t.from && (end%simd.RowTrees == 0 || end == len(t.e.f.Trees))
}

// linear tells whether any tree has models in its leaves.
func linear(f *tree.Forest) bool {
	for i := range f.Trees {
		if len(f.Trees[i].Linear) > 0 {
			return true
		}
	}
	return false
}

// identity numbers the leaves of each tree as they are.
func identity(f *tree.Forest) [][]int32 {
	most := 0
	for i := range f.Trees {
		most = max(most, len(f.Trees[i].Leaves))
	}
	all := make([]int32, most)
	for i := range all {
		all[i] = int32(i)
	}
	orders := make([][]int32, len(f.Trees))
	for i := range orders {
		orders[i] = all[:len(f.Trees[i].Leaves)]
	}
	return orders
}
