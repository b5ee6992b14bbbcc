package simd

// runGeneric computes C = A·B, C + A·B or C - A·B for mr rows and w columns.
func (t *tile) runGeneric(mr int, a, c []float32) {
	for i := range mr {
		var sums [panel]float32
		for p := range t.k {
			x := a[i*t.rs+p*t.cs]
			for j, y := range t.b[p*t.ldb : p*t.ldb+t.w] {
				sums[j&(panel-1)] += float32(x * y)
			}
		}
		to := c[i*t.ldc : i*t.ldc+t.w]
		switch t.mode {
		case tileSet:
			copy(to, sums[:])
		case tileAdd:
			for j := range to {
				to[j] += sums[j]
			}
		case tileSub:
			for j := range to {
				to[j] -= sums[j]
			}
		}
	}
}
