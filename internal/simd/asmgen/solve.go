package main

// solveFamily writes what triangular solves need beside products.
func solveFamily() []*File {
	f := NewFile("solve", "amd64")
	tail := f.Data("solveTail", append(repeat(8, 0xffffffff), repeat(8, 0)...)...)
	for _, s := range []isa{avx512, avx2} {
		trsm8(f, s, tail)
		gemvT(f, s, tail)
	}
	return []*File{f}
}

// columns writes a loop over n columns (in CX), whole registers first; DX counts bytes.
// body gets a load and a store that leave out what is beyond the last column.
func columns(fn *Func, s isa, table Sym, body func(load func(m Mem, r int), store func(r int, m Mem))) {
	loop, tail, end := fn.Label("loop"), fn.Label("tail"), fn.Label("end")
	floats := s.bytes / 4
	fn.Op("XORL", DX, DX)
	fn.Op("SUBQ", Imm(floats), CX)
	fn.Op("JLT", tail)
	fn.Place(loop)
	body(func(m Mem, r int) { fn.Op("VMOVUPS", m, s.v(r)) }, func(r int, m Mem) { fn.Op("VMOVUPS", s.v(r), m) })
	fn.Op("ADDQ", Imm(s.bytes), DX)
	fn.Op("SUBQ", Imm(floats), CX)
	fn.Op("JGE", loop)
	fn.Place(tail)
	fn.Op("ADDQ", Imm(floats), CX)
	fn.Op("JEQ", end)
	if s.is512() {
		lowMask(fn, CX, AX, K(1))
		body(
			func(m Mem, r int) { fn.Op("VMOVUPS.Z", m, K(1), s.v(r)) },
			func(r int, m Mem) { fn.Op("VMOVUPS", s.v(r), K(1), m) })
	} else {
		maskTail2(fn, table, Y(15))
		body(
			func(m Mem, r int) { fn.Op("VMASKMOVPS", m, Y(15), s.v(r)) },
			func(r int, m Mem) { fn.Op("VMASKMOVPS", s.v(r), Y(15), m) })
	}
	fn.Place(end)
	fn.Ret()
}

// trsm8 keeps a strip of all eight rows in registers, so that a row is divided and taken
// off the ones below without passing through memory.
func trsm8(f *File, s isa, table Sym) {
	name := "trsm8" + s.suffix
	fn := f.Func(name, name+` solves uᵀ·X = B in place for the 8 × n matrix at b, rows ldb bytes apart:
for each t, row t *= u[8t+t], then row s -= u[8t+s]*row t for s > t. u is 8 × 8 with the
inverses of the diagonal in the diagonal.`, "b *float32, ldb int, n int, u *float32", "")
	rows := []GP{SI, DI, R8, R9, R10, R11, R12, R13}
	fn.Op("MOVQ", fn.Arg("b"), SI)
	fn.Op("MOVQ", fn.Arg("ldb"), BX)
	fn.Op("MOVQ", fn.Arg("n"), CX)
	for i := 1; i < 8; i++ {
		fn.Op("LEAQ", PtrX(rows[i-1], BX, 1, 0), rows[i])
	}
	fn.Op("MOVQ", fn.Arg("u"), BX)
	columns(fn, s, table, func(load func(m Mem, r int), store func(r int, m Mem)) {
		for i, p := range rows {
			load(PtrX(p, DX, 1, 0), i)
		}
		for t := range 8 {
			factor := func(i int) Operand {
				m := Ptr(BX, 4*(8*t+i))
				fn.Op("VBROADCASTSS", m, s.v(8+i%4))
				return s.v(8 + i%4)
			}
			fn.Op("VMULPS", factor(t), s.v(t), s.v(t))
			for i := t + 1; i < 8; i++ {
				fn.Op("VFNMADD231PS", factor(i), s.v(t), s.v(i))
			}
		}
		for i, p := range rows {
			store(i, PtrX(p, DX, 1, 0))
		}
	})
}

// gemvT keeps a register of y while the rows pass, four registers where there are as many.
func gemvT(f *File, s isa, table Sym) {
	name := "gemvT" + s.suffix
	fn := f.Func(name, name+` computes y[j] += x[i]*a[i][j] for each row i < k in turn and all j < n, rounding
twice; rows are lda bytes apart, k > 0.`, "y *float32, a *float32, lda int, k int, x *float32, n int", "")
	fn.Op("MOVQ", fn.Arg("y"), DI)
	fn.Op("MOVQ", fn.Arg("a"), SI)
	fn.Op("MOVQ", fn.Arg("lda"), BX)
	fn.Op("MOVQ", fn.Arg("x"), R8)
	fn.Op("MOVQ", fn.Arg("n"), CX)
	const regs = 4
	floats := s.bytes / 4
	wide, narrow := fn.Label("wide"), fn.Label("narrow")
	rows := func(step func()) {
		loop := fn.Label("row")
		fn.Op("MOVQ", fn.Arg("k"), R10)
		fn.Op("XORL", R11, R11)
		fn.Place(loop)
		fn.Op("VBROADCASTSS", PtrX(R8, R11, 4, 0), s.v(8))
		step()
		fn.Op("ADDQ", BX, R9)
		fn.Op("INCQ", R11)
		fn.Op("CMPQ", R11, R10)
		fn.Op("JLT", loop)
	}
	fn.Op("SUBQ", Imm(regs*floats), CX)
	fn.Op("JLT", narrow)
	fn.Place(wide)
	for i := range regs {
		fn.Op("VMOVUPS", Ptr(DI, s.bytes*i), s.v(i))
	}
	fn.Op("MOVQ", SI, R9)
	rows(func() {
		for i := range regs {
			fn.Op("VMULPS", Ptr(R9, s.bytes*i), s.v(8), s.v(4+i))
			fn.Op("VADDPS", s.v(4+i), s.v(i), s.v(i))
		}
	})
	for i := range regs {
		fn.Op("VMOVUPS", s.v(i), Ptr(DI, s.bytes*i))
	}
	fn.Op("ADDQ", Imm(regs*s.bytes), SI)
	fn.Op("ADDQ", Imm(regs*s.bytes), DI)
	fn.Op("SUBQ", Imm(regs*floats), CX)
	fn.Op("JGE", wide)
	fn.Place(narrow)
	fn.Op("ADDQ", Imm(regs*floats), CX)
	columns(fn, s, table, func(load func(m Mem, r int), store func(r int, m Mem)) {
		load(PtrX(DI, DX, 1, 0), 0)
		fn.Op("LEAQ", PtrX(SI, DX, 1, 0), R9)
		rows(func() {
			load(Ptr(R9, 0), 1)
			fn.Op("VMULPS", s.v(1), s.v(8), s.v(1))
			fn.Op("VADDPS", s.v(1), s.v(0), s.v(0))
		})
		store(0, PtrX(DI, DX, 1, 0))
	})
}
