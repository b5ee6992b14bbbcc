package main

// symmetricFamily writes the float64 kernels of symmetric matrices in tiles, and of vectors.
//
// A matrix of 8·nb rows is stored as tiles of 8 × 8, row-major, 512 bytes each: (0,0), (1,0),
// (1,1), (2,0), … (nb-1,nb-1), so that a kernel reads memory from start to end. Those on the
// diagonal are whole.
func symmetricFamily() []*File {
	f := NewFile("symmetric", "amd64")
	order := f.Data("symmetricOrder", 0, 0, 2, 0, 4, 0, 6, 0, 1, 0, 3, 0, 5, 0, 7, 0)
	for _, s := range []isa{avx512, avx2} {
		t := &tiles{isa: s, f: f, order: order}
		t.quadForm()
		t.symv()
		t.rank1()
		dot64(f, s)
		axpy64(f, s)
	}
	return []*File{f}
}

// tiles writes the kernels that walk tiles. Eight rows of eight columns are eight registers
// with AVX-512. AVX2 takes four rows, of two registers each, and passes over a row of tiles
// twice; every element sees the same operations in the same order.
type tiles struct {
	isa
	f     *File
	fn    *Func
	order Sym
}

// rows is how many rows of a tile are in registers at once, parts how many registers a row is.
func (t *tiles) rows() int  { return t.bytes / 8 }
func (t *tiles) parts() int { return 64 / t.bytes }

// row returns the memory of part p of row r of the tile at SI.
func (t *tiles) row(r, p int) Mem { return Ptr(SI, 64*r+t.bytes*p) }

// walk loads the arguments and calls body for each row of tiles, with BX the offset in bytes
// of its eight elements in a vector, SI at its first tile and DX at 0. body leaves SI behind
// the last tile.
func (t *tiles) walk(body func()) {
	fn := t.fn
	loop := fn.Label("tiles")
	fn.Op("MOVQ", fn.Arg("m"), SI)
	fn.Op("MOVQ", fn.Arg("nb"), CX)
	fn.Op("SHLQ", Imm(6), CX)
	fn.Op("XORL", BX, BX)
	fn.Place(loop)
	body()
	fn.Op("ADDQ", Imm(64), BX)
	fn.Op("CMPQ", BX, CX)
	fn.Op("JLT", loop)
}

// passes calls pass for each group of rows that fits; SI goes back to the first tile in between.
func (t *tiles) passes(pass func(first int)) {
	for first := 0; first < 8; first += t.rows() {
		if first > 0 {
			t.fn.Op("MOVQ", R9, SI)
		} else if t.rows() < 8 {
			t.fn.Op("MOVQ", SI, R9)
		}
		pass(first)
	}
}

// left writes a loop over the tiles left of the diagonal: DX is the offset of the columns in
// a vector. After it SI is at the tile on the diagonal.
func (t *tiles) left(body func()) {
	fn := t.fn
	loop, end := fn.Label("left"), fn.Label("diagonal")
	fn.Op("XORL", DX, DX)
	fn.Op("CMPQ", DX, BX)
	fn.Op("JGE", end)
	fn.Place(loop)
	body()
	fn.Op("ADDQ", Imm(512), SI)
	fn.Op("ADDQ", Imm(64), DX)
	fn.Op("CMPQ", DX, BX)
	fn.Op("JLT", loop)
	fn.Place(end)
}

// vector loads or stores the eight elements of a vector in registers from r on.
func (t *tiles) vector(base, offset GP, r int, store bool) {
	for p := range t.parts() {
		m := PtrX(base, offset, 1, t.bytes*p)
		if store {
			t.fn.Op("VMOVUPD", t.v(r+p), m)
		} else {
			t.fn.Op("VMOVUPD", m, t.v(r+p))
		}
	}
}

// fold adds the eight lanes in register r (and r+1), by halves, into lane 0 of r.
func (t *tiles) fold(r, tmp int) {
	op := t.fn.Op
	if t.is512() {
		op("VEXTRACTF64X4", Imm(1), Z(r), Y(tmp))
		op("VADDPD", Y(tmp), Y(r), Y(r))
	} else {
		op("VADDPD", Y(r+1), Y(r), Y(r))
	}
	op("VEXTRACTF128", Imm(1), Y(r), X(tmp))
	op("VADDPD", X(tmp), X(r), X(r))
	op("VPERMILPD", Imm(1), X(r), X(tmp))
	op("VADDSD", X(tmp), X(r), X(r))
}

func (t *tiles) quadForm() {
	name := "quadForm" + t.suffix
	t.fn = t.f.Func(name, name+` returns Σ x[i]*v[i] and Σ x[i]*m[i][j]*x[j] for a matrix of nb > 0 rows of tiles.`,
		"m *float64, v *float64, x *float64, nb int", "dot float64, s float64")
	fn, n, parts := t.fn, t.rows(), t.parts()
	x, even, odd, one := n*parts, n*parts+parts, n*parts+2*parts, n*parts+3*parts
	fn.Op("MOVQ", fn.Arg("x"), DI)
	t.dot(even, x)
	for r := even; r < one; r++ {
		zero(fn, r)
	}
	t.walk(func() {
		t.passes(func(first int) {
			for r := range n * parts {
				zero(fn, r)
			}
			tile := func(at GP) {
				t.vector(DI, at, x, false)
				for r := range n {
					for p := range parts {
						fn.Op("VFMADD231PD", t.row(first+r, p), t.v(x+p), t.v(r*parts+p))
					}
				}
			}
			t.left(func() { tile(DX) })
			for r := range n * parts { // the other half of the matrix
				fn.Op("VADDPD", t.v(r), t.v(r), t.v(r))
			}
			tile(BX)
			fn.Op("ADDQ", Imm(512), SI)
			for r := range n {
				total := even
				if r%2 == 1 {
					total = odd
				}
				fn.Op("VBROADCASTSD", PtrX(DI, BX, 1, 8*(first+r)), t.v(one))
				for p := range parts {
					fn.Op("VFMADD231PD", t.v(r*parts+p), t.v(one), t.v(total+p))
				}
			}
		})
	})
	for p := range parts {
		fn.Op("VADDPD", t.v(odd+p), t.v(even+p), t.v(even+p))
	}
	t.fold(even, one)
	fn.Op("VMOVSD", X(even), fn.Arg("s"))
	fn.Ret()
}

// dot returns the product of the vectors at DI and v, with eight partial sums in register sum.
func (t *tiles) dot(sum, tmp int) {
	fn := t.fn
	loop := fn.Label("dot")
	fn.Op("MOVQ", fn.Arg("v"), R8)
	fn.Op("MOVQ", fn.Arg("nb"), CX)
	fn.Op("XORL", BX, BX)
	for p := range t.parts() {
		zero(fn, sum+p)
	}
	fn.Place(loop)
	t.vector(DI, BX, tmp, false)
	for p := range t.parts() {
		fn.Op("VFMADD231PD", PtrX(R8, BX, 1, t.bytes*p), t.v(tmp+p), t.v(sum+p))
	}
	fn.Op("ADDQ", Imm(64), BX)
	fn.Op("DECQ", CX)
	fn.Op("JNE", loop)
	t.fold(sum, tmp)
	fn.Op("VMOVSD", X(sum), fn.Arg("dot"))
}

func (t *tiles) symv() {
	name := "symv" + t.suffix
	t.fn = t.f.Func(name, name+` computes y[i] = Σ m[i][j]*x[j] for a matrix of nb > 0 rows of tiles.`,
		"y *float64, m *float64, x *float64, nb int", "")
	fn, n, parts := t.fn, t.rows(), t.parts()
	x := n * parts
	y, xs := x+parts, x+2*parts
	fn.Op("MOVQ", fn.Arg("x"), DI)
	fn.Op("MOVQ", fn.Arg("y"), R8)
	if t.is512() {
		fn.Op("VMOVUPD", t.order, Z(31))
	}
	t.walk(func() {
		t.passes(func(first int) {
			for r := range n * parts {
				zero(fn, r)
			}
			for r := range n {
				fn.Op("VBROADCASTSD", PtrX(DI, BX, 1, 8*(first+r)), t.v(xs+r))
			}
			dots := func(r int) {
				for p := range parts {
					fn.Op("VFMADD231PD", t.row(first+r, p), t.v(x+p), t.v(r*parts+p))
				}
			}
			t.left(func() {
				t.vector(DI, DX, x, false)
				t.vector(R8, DX, y, false)
				for r := range n {
					dots(r)
					for p := range parts {
						fn.Op("VFMADD231PD", t.row(first+r, p), t.v(xs+r), t.v(y+p))
					}
				}
				t.vector(R8, DX, y, true)
			})
			t.vector(DI, BX, x, false)
			for r := range n {
				dots(r)
			}
			fn.Op("ADDQ", Imm(512), SI)
			t.foldRows(first)
		})
	})
	fn.Ret()
}

// foldRows folds the rows in registers 0 on, by halves, and stores the sums at R8+BX.
func (t *tiles) foldRows(first int) {
	op := t.fn.Op
	if !t.is512() {
		for r := range 4 {
			op("VADDPD", Y(2*r+1), Y(2*r), Y(2*r))
		}
		for r := 0; r < 4; r += 2 { // lanes of two rows: 0 0 1 1 after the next shuffle
			op("VPERM2F128", Imm(0x20), Y(2*r+2), Y(2*r), Y(8))
			op("VPERM2F128", Imm(0x31), Y(2*r+2), Y(2*r), Y(9))
			op("VADDPD", Y(9), Y(8), Y(r))
		}
		op("VUNPCKLPD", Y(2), Y(0), Y(8))
		op("VUNPCKHPD", Y(2), Y(0), Y(9))
		op("VADDPD", Y(9), Y(8), Y(0))       // rows 0 2 1 3
		op("VPERMPD", Imm(0xd8), Y(0), Y(0)) // 0 1 2 3
		op("VMOVUPD", Y(0), PtrX(R8, BX, 1, 8*first))
		return
	}
	halve := func(pairs int, lo, hi Imm) {
		for i := range pairs {
			op("VSHUFF64X2", lo, Z(2*i+1), Z(2*i), Z(8))
			op("VSHUFF64X2", hi, Z(2*i+1), Z(2*i), Z(9))
			op("VADDPD", Z(9), Z(8), Z(i))
		}
	}
	halve(4, 0x44, 0xee) // a row per 256 bits
	halve(2, 0x88, 0xdd) // a row per 128 bits
	op("VUNPCKLPD", Z(1), Z(0), Z(8))
	op("VUNPCKHPD", Z(1), Z(0), Z(9))
	op("VADDPD", Z(9), Z(8), Z(0)) // rows 0 4 1 5 2 6 3 7
	op("VPERMPD", Z(0), Z(31), Z(0))
	op("VMOVUPD", Z(0), PtrX(R8, BX, 1, 0))
}

func (t *tiles) rank1() {
	name := "rank1" + t.suffix
	t.fn = t.f.Func(name, name+` computes m[i][j] += (alpha*x[i])*x[j], the inner product rounded, the sum fused, for a
matrix of nb > 0 rows of tiles.`, "m *float64, alpha float64, x *float64, nb int", "")
	fn, parts := t.fn, t.parts()
	const alpha, x, element = 8, 9, 11
	fn.Op("MOVQ", fn.Arg("x"), DI)
	fn.Op("VBROADCASTSD", fn.Arg("alpha"), t.v(alpha))
	t.walk(func() {
		for r := range 8 {
			fn.Op("VBROADCASTSD", PtrX(DI, BX, 1, 8*r), t.v(r))
			fn.Op("VMULPD", t.v(alpha), t.v(r), t.v(r))
		}
		tile := func(at GP) {
			t.vector(DI, at, x, false)
			for r := range 8 {
				for p := range parts {
					fn.Op("VMOVUPD", t.row(r, p), t.v(element+p))
					fn.Op("VFMADD231PD", t.v(x+p), t.v(r), t.v(element+p))
					fn.Op("VMOVUPD", t.v(element+p), t.row(r, p))
				}
			}
		}
		t.left(func() { tile(DX) })
		tile(BX)
		fn.Op("ADDQ", Imm(512), SI)
	})
	fn.Ret()
}

// dot64 keeps 16 partial sums.
func dot64(f *File, s isa) {
	name := "dot64" + s.suffix
	fn := f.Func(name, name+` returns Σ x[i]*y[i] for n elements, a positive multiple of 8, with 16 partial sums.`,
		"x *float64, y *float64, n int", "s float64")
	parts := 128 / s.bytes
	fn.Op("MOVQ", fn.Arg("x"), SI)
	fn.Op("MOVQ", fn.Arg("y"), DI)
	fn.Op("MOVQ", fn.Arg("n"), CX)
	for p := range parts {
		zero(fn, p)
	}
	step := func(parts int) {
		for p := range parts {
			fn.Op("VMOVUPD", Ptr(SI, s.bytes*p), s.v(4+p))
			fn.Op("VFMADD231PD", Ptr(DI, s.bytes*p), s.v(4+p), s.v(p))
		}
	}
	loop, rest, end := fn.Label("loop"), fn.Label("rest"), fn.Label("end")
	fn.Op("SUBQ", Imm(16), CX)
	fn.Op("JLT", rest)
	fn.Place(loop)
	step(parts)
	fn.Op("ADDQ", Imm(128), SI)
	fn.Op("ADDQ", Imm(128), DI)
	fn.Op("SUBQ", Imm(16), CX)
	fn.Op("JGE", loop)
	fn.Place(rest)
	fn.Op("ADDQ", Imm(16), CX)
	fn.Op("JEQ", end)
	step(parts / 2)
	fn.Place(end)
	for p := range parts / 2 {
		fn.Op("VADDPD", s.v(parts/2+p), s.v(p), s.v(p))
	}
	t := tiles{isa: s, f: f, fn: fn}
	t.fold(0, 4)
	fn.Op("VMOVSD", X(0), fn.Arg("s"))
	fn.Ret()
}

func axpy64(f *File, s isa) {
	name := "axpy64" + s.suffix
	fn := f.Func(name, name+` computes y[i] += alpha*x[i], fused, for n elements, a positive multiple of 16.`,
		"alpha float64, x *float64, y *float64, n int", "")
	fn.Op("VBROADCASTSD", fn.Arg("alpha"), s.v(8))
	fn.Op("MOVQ", fn.Arg("x"), SI)
	fn.Op("MOVQ", fn.Arg("y"), DI)
	fn.Op("MOVQ", fn.Arg("n"), CX)
	loop := fn.Label("loop")
	fn.Place(loop)
	for p := range 128 / s.bytes {
		fn.Op("VMOVUPD", Ptr(DI, s.bytes*p), s.v(p))
		fn.Op("VFMADD231PD", Ptr(SI, s.bytes*p), s.v(8), s.v(p))
		fn.Op("VMOVUPD", s.v(p), Ptr(DI, s.bytes*p))
	}
	fn.Op("ADDQ", Imm(128), SI)
	fn.Op("ADDQ", Imm(128), DI)
	fn.Op("SUBQ", Imm(16), CX)
	fn.Op("JGT", loop)
	fn.Ret()
}
