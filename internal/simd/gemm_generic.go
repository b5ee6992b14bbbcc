package simd

// runGeneric computes C = A·B, C + A·B or C - A·B for mr rows and w columns, 4 × 4 sums at
// a time: they stay in registers, and each element that is loaded counts four times.
func (t *tile) runGeneric(mr int, a, c []float32) {
	for i := 0; i < mr; i += 4 {
		for j := 0; j < t.w; j += 4 {
			if i+4 <= mr && j+4 <= t.w {
				t.square(a[i*t.rs:], t.b[j:], c[i*t.ldc+j:])
				continue
			}
			for y := i; y < min(i+4, mr); y++ {
				for x := j; x < min(j+4, t.w); x++ {
					var sum float32
					for p := range t.k {
						sum += float32(a[y*t.rs+p*t.cs] * t.b[p*t.ldb+x])
					}
					t.put(c[y*t.ldc+x:], sum)
				}
			}
		}
	}
}

// square computes 4 rows of 4 columns.
func (t *tile) square(a, b, c []float32) {
	var (
		s00, s01, s02, s03 float32
		s10, s11, s12, s13 float32
		s20, s21, s22, s23 float32
		s30, s31, s32, s33 float32
	)
	a1, a2, a3 := a[t.rs:], a[2*t.rs:], a[3*t.rs:]
	for p, x, y := 0, 0, 0; p < t.k; p, x, y = p+1, x+t.cs, y+t.ldb {
		v := (*[4]float32)(b[y:])
		u := a[x]
		s00 += float32(u * v[0])
		s01 += float32(u * v[1])
		s02 += float32(u * v[2])
		s03 += float32(u * v[3])
		u = a1[x]
		s10 += float32(u * v[0])
		s11 += float32(u * v[1])
		s12 += float32(u * v[2])
		s13 += float32(u * v[3])
		u = a2[x]
		s20 += float32(u * v[0])
		s21 += float32(u * v[1])
		s22 += float32(u * v[2])
		s23 += float32(u * v[3])
		u = a3[x]
		s30 += float32(u * v[0])
		s31 += float32(u * v[1])
		s32 += float32(u * v[2])
		s33 += float32(u * v[3])
	}
	t.put(c, s00, s01, s02, s03)
	t.put(c[t.ldc:], s10, s11, s12, s13)
	t.put(c[2*t.ldc:], s20, s21, s22, s23)
	t.put(c[3*t.ldc:], s30, s31, s32, s33)
}

// put combines sums with the elements of C that they belong to.
func (t *tile) put(c []float32, sums ...float32) {
	for j, s := range sums {
		switch t.mode {
		case tileSet:
			c[j] = s
		case tileAdd:
			c[j] += s
		case tileSub:
			c[j] -= s
		}
	}
}
