package simd

// Syrk adds XᵀX to the upper triangle of C: C += Σ x_i x_iᵀ over the n rows x_i of X, each
// of d elements, ldx apart. C is d × d with rows ldc apart. Its strictly lower triangle is
// left alone. X must not overlap C.
//
// It is the normal matrix of least squares; for weights w_i scale row i by √w_i. The order
// of the sums depends on the tier, as with [Gemm].
func Syrk(c []float32, ldc, d int, x []float32, ldx, n int) {
	checkMatrix(len(c), d, d, ldc)
	checkMatrix(len(x), n, d, ldx)
	for ; n > 0 && d > 0; n -= min(n, gemmK) {
		syrk(c, ldc, d, x, ldx, min(n, gemmK))
		if n > gemmK {
			x = x[gemmK*ldx:]
		}
	}
}

// syrk is Syrk for at most gemmK rows.
func syrk(c []float32, ldc, d int, x []float32, ldx, n int) {
	var corner [14 * panel]float32
	height := min(tileHeight(panel), 14)
	height = (d + blocks(d, height) - 1) / blocks(d, height)
	for i := 0; i < d; i += height {
		mr := min(height, d-i)
		for j := i; j < d; j += panel {
			t := tile{k: n, rs: 1, cs: ldx, b: x[j:], ldb: ldx, ldc: ldc, w: min(panel, d-j), mode: tileAdd}
			if j > i {
				t.rows(mr, x[i:], c[i*ldc+j:])
				continue
			}
			// The tile on the diagonal has elements below it.
			t.ldc, t.mode = panel, tileSet
			t.rows(mr, x[i:], corner[:])
			for r := range mr {
				axpy(1, corner[r*panel+r:r*panel+t.w], c[(i+r)*ldc+i+r:(i+r)*ldc+i+t.w])
			}
		}
	}
}
