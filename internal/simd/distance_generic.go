package simd

// lanes is the number of partial sums of a dot product or distance: one AVX-512 register.
const lanes = 16

// accum holds the partial sums of one dot product or distance. Its methods are the
// reference for all float kernels.
type accum [lanes]float32

// dot adds the products of a and b, of equal length. A multiple of lanes elements must
// have been added before.
func (acc *accum) dot(a, b []float32) {
	b = b[:len(a)]
	for len(a) >= lanes {
		x, y := (*[lanes]float32)(a), (*[lanes]float32)(b)
		for j := range acc {
			acc[j] = fma32(x[j], y[j], acc[j])
		}
		a, b = a[lanes:], b[lanes:]
	}
	for j := range a {
		acc[j] = fma32(a[j], b[j], acc[j])
	}
}

// l2sq adds the squared differences of a and b, as dot does products.
func (acc *accum) l2sq(a, b []float32) {
	b = b[:len(a)]
	for len(a) >= lanes {
		x, y := (*[lanes]float32)(a), (*[lanes]float32)(b)
		for j := range acc {
			t := x[j] - y[j]
			acc[j] = fma32(t, t, acc[j])
		}
		a, b = a[lanes:], b[lanes:]
	}
	for j := range a {
		t := a[j] - b[j]
		acc[j] = fma32(t, t, acc[j])
	}
}

// sum folds the partial sums in halves.
func (acc *accum) sum() float32 {
	for w := lanes / 2; w > 0; w /= 2 {
		for j := range w {
			acc[j] += acc[j+w]
		}
	}
	return acc[0]
}

func dotGeneric(a, b []float32) float32 {
	var acc accum
	acc.dot(a, b)
	return acc.sum()
}

func l2sqGeneric(a, b []float32) float32 {
	var acc accum
	acc.l2sq(a, b)
	return acc.sum()
}

func dotBatchGeneric(out, q, rows []float32, stride int) {
	for i := range out {
		out[i] = dotGeneric(q, rows[i*stride:i*stride+len(q)])
	}
}

func l2sqBatchGeneric(out, q, rows []float32, stride int) {
	for i := range out {
		out[i] = l2sqGeneric(q, rows[i*stride:i*stride+len(q)])
	}
}

func dotGatherGeneric(out, q, rows []float32, stride int, ids []uint32) {
	for i, id := range ids {
		row, ok := gathered(rows, stride, len(q), id)
		if !ok {
			panic(errID)
		}
		out[i] = dotGeneric(q, row)
	}
}

func l2sqGatherGeneric(out, q, rows []float32, stride int, ids []uint32) {
	for i, id := range ids {
		row, ok := gathered(rows, stride, len(q), id)
		if !ok {
			panic(errID)
		}
		out[i] = l2sqGeneric(q, row)
	}
}

// selectAboveGeneric appends to ids and dst, which hold n already, and returns how many
// they hold then.
func selectAboveGeneric(ids []uint32, dst, scores []float32, threshold float32, base uint32, n int) int {
	for i, s := range scores {
		if s > threshold {
			ids[n], dst[n] = base+uint32(i), s
			n++
		}
	}
	return n
}

func dotAboveGeneric(ids []uint32, scores, q, rows []float32, stride, n int, threshold float32, base uint32) int {
	kept := 0
	for i := range n {
		if s := dotGeneric(q, rows[i*stride:i*stride+len(q)]); s > threshold {
			ids[kept], scores[kept] = base+uint32(i), s
			kept++
		}
	}
	return kept
}
