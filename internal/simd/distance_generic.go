package simd

// A vector of fewer than wideDim elements has 16 partial sums, others 32. One FMA waits
// for the one before: with 16 lanes a long vector on its own is no faster than that.
const wideDim = 256

// accum holds the partial sums of one dot product or distance. Its methods are the
// reference for all float kernels.
type accum [32]float32

// lanes returns the partial sums that chunk k of 16 elements of a vector is added to.
func (acc *accum) lanes(k int, wide bool) *[16]float32 {
	if wide && k%2 == 1 {
		return (*[16]float32)(acc[16:])
	}
	return (*[16]float32)(acc[:16])
}

// dot adds the products of a and b, of equal length. Only the last piece of a vector may
// have a length that is no multiple of 32.
func (acc *accum) dot(a, b []float32, wide bool) {
	b = b[:len(a)]
	for k := 0; len(a) > 0; k++ {
		x, y := padded(a), padded(b)
		s := acc.lanes(k, wide)
		for j := range s {
			s[j] = fma32(x[j], y[j], s[j])
		}
		a, b = a[min(16, len(a)):], b[min(16, len(b)):]
	}
}

// l2sq adds the squared differences of a and b, as dot does products.
func (acc *accum) l2sq(a, b []float32, wide bool) {
	b = b[:len(a)]
	for k := 0; len(a) > 0; k++ {
		x, y := padded(a), padded(b)
		s := acc.lanes(k, wide)
		for j := range s {
			t := x[j] - y[j]
			s[j] = fma32(t, t, s[j])
		}
		a, b = a[min(16, len(a)):], b[min(16, len(b)):]
	}
}

// padded returns the first 16 elements of v, with zeros for those that it lacks.
func padded(v []float32) [16]float32 {
	if len(v) >= 16 {
		return [16]float32(v)
	}
	var p [16]float32
	copy(p[:], v)
	return p
}

// sum folds the partial sums in halves.
func (acc *accum) sum(wide bool) float32 {
	w := 8
	if wide {
		w = 16
	}
	for ; w > 0; w /= 2 {
		for j := range w {
			acc[j] += acc[j+w]
		}
	}
	return acc[0]
}

func dotGeneric(a, b []float32) float32 {
	var acc accum
	wide := len(a) >= wideDim
	acc.dot(a, b, wide)
	return acc.sum(wide)
}

func l2sqGeneric(a, b []float32) float32 {
	var acc accum
	wide := len(a) >= wideDim
	acc.l2sq(a, b, wide)
	return acc.sum(wide)
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
		out[i] = dotGeneric(q, gathered(rows, stride, len(q), id))
	}
}

func l2sqGatherGeneric(out, q, rows []float32, stride int, ids []uint32) {
	for i, id := range ids {
		out[i] = l2sqGeneric(q, gathered(rows, stride, len(q), id))
	}
}

func selectAboveGeneric(ids []uint32, dst, scores []float32, threshold float32, base uint32) int {
	kept := 0
	for i, s := range scores {
		if s > threshold {
			ids[kept], dst[kept] = base+uint32(i), s
			kept++
		}
	}
	return kept
}

// dotAboveRows is dotAbove a row at a time.
func dotAboveRows(ids []uint32, scores, q, rows []float32, stride, n int, threshold float32, base uint32) int {
	kept := 0
	for i := range n {
		if s := dot(q, rows[i*stride:i*stride+len(q)]); s > threshold {
			ids[kept], scores[kept] = base+uint32(i), s
			kept++
		}
	}
	return kept
}
