package simd

import "math/bits"

// leafOf returns the leaf of the row in the given lane.
func (f *Forest) leafOf(tree int, block []int32, lane int) int {
	n := &f.trees[tree].Nodes
	nodes := f.nodes[f.start[tree]:f.start[tree+1]]
	left := uint64(keep(nodes[:n[0]], nodes[n[0]:n[0]+n[1]], block, lane))
	nodes = nodes[n[0]+n[1]:]
	left |= uint64(keep(nodes[:n[2]], nodes[n[2]:], block, lane)) << 32
	return bits.TrailingZeros64(left) & (f.slots() - 1)
}

// keep returns which of 32 leaves the answers leave over.
func keep(numbers, sets []ForestNode, block []int32, lane int) uint32 {
	left := ^uint32(0)
	for i := range numbers {
		if n := &numbers[i]; block[int(n.Word/4)+lane] >= n.Below {
			left &= n.Keep
		}
	}
	for i := range sets {
		if n := &sets[i]; block[int(n.Word/4)+lane]&n.Below != 0 {
			left &= n.Keep
		}
	}
	return left
}

func (f *Forest) sumGeneric(sums []float64, block []int32, from, to int) {
	for t := from; t < to; t++ {
		leaves, at := f.leaves[t*f.slots():], f.trees[t].Output/8
		for i := range ForestLanes {
			sums[int(at)+i] += leaves[f.leafOf(t, block, i)]
		}
	}
}

func (f *Forest) sum32Generic(sums []float32, block []int32, from, to int) {
	for t := from; t < to; t++ {
		leaves, at := f.leaves32[t*f.slots():], f.trees[t].Output/4
		for i := range ForestLanes {
			sums[int(at)+i] += leaves[f.leafOf(t, block, i)]
		}
	}
}

func (f *Forest) findGeneric(found []uint32, block []int32, from, to int) {
	for t := from; t < to; t++ {
		for i := range ForestLanes {
			found[(t-from)*ForestLanes+i] = uint32(f.leafOf(t, block, i))
		}
	}
}
