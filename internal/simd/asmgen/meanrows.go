package main

// meanRowsFamily writes the float64 kernels of weighted means: sums over the rows of two
// matrices, one element of each row, and the spread of a slice. AVX2 does for AVX-512 as well: rows are short, and long
// ones wait for memory.
func meanRowsFamily() []*File {
	f := NewFile("meanrows", "amd64")
	ones := f.Data("meanTail", append(repeat(6, 0xffffffff), repeat(8, 0)...)...)
	ones32 := f.Data("meanTail32", append(repeat(3, 0xffffffff), repeat(3, 0)...)...)
	weightedRows(f, "weightedRows64AVX2", "float64", ones)
	weightedRows(f, "weightedRows32AVX2", "float32", ones32)
	sum64(f)
	spread64(f)
	bounds := f.Data("meanBounds", 0, 0x3ff00000, 0xffffffff, 0x7fefffff) // 1, the largest number
	importance(f, "importance64AVX2", "float64", bounds)
	importance(f, "importance32AVX2", "float32", bounds)
	pick(f, "pick64AVX2", "float64")
	pick(f, "pick32AVX2", "float32")
	return []*File{f}
}

// weightedRows writes the sums over rows of d elements of float64 or float32. Registers 0 and 1
// hold the four partial sums of weights and products, 2 the least weights.
func weightedRows(f *File, name, typ string, tail Sym) {
	fn := f.Func(name, name+` computes for each of n > 0 rows of d > 0 elements sums[i] = Σ_j w[i][j] and
products[i] = Σ_j w[i][j]*v[i][j], and returns the least w, or 0 if that is less. Element j goes to
partial sum j mod 4; these are added 0 to 1, 2 to 3, and both.`,
		"sums *float64, products *float64, w *"+typ+", v *"+typ+", d int, n int", "least float64")
	const s, p, least, x, y, mask = 0, 1, 2, 3, 4, 15
	w, v, sums, products, n, full, rest, k := SI, DI, R8, R9, CX, R10, R11, DX
	size := 8
	if typ == "float32" {
		size = 4
	}
	for i, a := range []string{"w", "v", "sums", "products", "n", "d"} {
		fn.Op("MOVQ", fn.Arg(a), []GP{w, v, sums, products, n, rest}[i])
	}
	fn.Op("MOVQ", rest, full)
	fn.Op("ANDQ", Imm(3), rest)
	fn.Op("SUBQ", rest, full)
	zero(fn, least)
	row, four, tailed, folded := fn.Label("row"), fn.Label("four"), fn.Label("tail"), fn.Label("folded")
	// The mask has ones in the last of its first three elements.
	fn.Op("LEAQ", tail.At(3*size), AX)
	fn.Op("MOVQ", rest, BX)
	fn.Op("IMULQ", Imm(size), BX)
	fn.Op("SUBQ", BX, AX)
	if size == 8 {
		fn.Op("VMOVUPD", Ptr(AX, 0), Y(mask))
	} else {
		// Three ones and three zeros: the fourth element is of the first three, never used.
		fn.Op("VMOVQ", Ptr(AX, 0), X(mask))
		fn.Op("VPINSRD", Imm(2), Ptr(AX, 8), X(mask), X(mask))
	}
	add := func() {
		fn.Op("VADDPD", Y(x), Y(s), Y(s))
		fn.Op("VMINPD", Y(x), Y(least), Y(least))
		fn.Op("VMULPD", Y(y), Y(x), Y(x))
		fn.Op("VADDPD", Y(x), Y(p), Y(p))
	}
	fn.Place(row)
	zero(fn, s)
	zero(fn, p)
	fn.Op("XORL", k, k)
	fn.Op("CMPQ", k, full)
	fn.Op("JGE", tailed)
	fn.Place(four)
	if size == 8 {
		fn.Op("VMOVUPD", PtrX(w, k, 8, 0), Y(x))
		fn.Op("VMOVUPD", PtrX(v, k, 8, 0), Y(y))
	} else {
		fn.Op("VCVTPS2PD", PtrX(w, k, 4, 0), Y(x))
		fn.Op("VCVTPS2PD", PtrX(v, k, 4, 0), Y(y))
	}
	add()
	fn.Op("ADDQ", Imm(4), k)
	fn.Op("CMPQ", k, full)
	fn.Op("JLT", four)
	fn.Place(tailed)
	fn.Op("TESTQ", rest, rest)
	fn.Op("JEQ", folded)
	if size == 8 {
		fn.Op("VMASKMOVPD", PtrX(w, k, 8, 0), Y(mask), Y(x))
		fn.Op("VMASKMOVPD", PtrX(v, k, 8, 0), Y(mask), Y(y))
	} else {
		fn.Op("VMASKMOVPS", PtrX(w, k, 4, 0), X(mask), X(x))
		fn.Op("VMASKMOVPS", PtrX(v, k, 4, 0), X(mask), X(y))
		fn.Op("VCVTPS2PD", X(x), Y(x))
		fn.Op("VCVTPS2PD", X(y), Y(y))
	}
	add()
	fn.Op("ADDQ", rest, k)
	fn.Place(folded)
	fn.Op("VHADDPD", Y(p), Y(s), Y(s)) // s0+s1, p0+p1, s2+s3, p2+p3
	fn.Op("VEXTRACTF128", Imm(1), Y(s), X(p))
	fn.Op("VADDPD", X(p), X(s), X(s))
	fn.Op("VMOVLPD", X(s), Ptr(sums, 0))
	fn.Op("VMOVHPD", X(s), Ptr(products, 0))
	fn.Op("ADDQ", Imm(8), sums)
	fn.Op("ADDQ", Imm(8), products)
	fn.Op("LEAQ", PtrX(w, k, size, 0), w)
	fn.Op("LEAQ", PtrX(v, k, size, 0), v)
	fn.Op("DECQ", n)
	fn.Op("JNE", row)
	fn.Op("VEXTRACTF128", Imm(1), Y(least), X(x))
	fn.Op("VMINPD", X(x), X(least), X(least))
	fn.Op("VPERMILPD", Imm(1), X(least), X(x))
	fn.Op("VMINSD", X(x), X(least), X(least))
	fn.Op("VMOVSD", X(least), fn.Arg("least"))
	fn.Ret()
}

func sum64(f *File) {
	fn := f.Func("sum64AVX2", "sum64AVX2 adds x[i] to acc[i%8]; n > 0 is a multiple of 8.", "acc *float64, x *float64, n int", "")
	loop := fn.Label("loop")
	fn.Op("MOVQ", fn.Arg("acc"), DI)
	fn.Op("MOVQ", fn.Arg("x"), SI)
	fn.Op("MOVQ", fn.Arg("n"), CX)
	fn.Op("VMOVUPD", Ptr(DI, 0), Y(0))
	fn.Op("VMOVUPD", Ptr(DI, 32), Y(1))
	fn.Place(loop)
	fn.Op("VADDPD", Ptr(SI, 0), Y(0), Y(0))
	fn.Op("VADDPD", Ptr(SI, 32), Y(1), Y(1))
	fn.Op("ADDQ", Imm(64), SI)
	fn.Op("SUBQ", Imm(8), CX)
	fn.Op("JGT", loop)
	fn.Op("VMOVUPD", Y(0), Ptr(DI, 0))
	fn.Op("VMOVUPD", Y(1), Ptr(DI, 32))
	fn.Ret()
}

func spread64(f *File) {
	fn := f.Func("spread64AVX2", `spread64AVX2 adds (x[i]-mean)² to acc[i%8], and makes acc[8+i%8] and acc[16+i%8] at most and at
least x[i]; n > 0 is a multiple of 8.`, "acc *float64, x *float64, mean float64, n int", "")
	loop := fn.Label("loop")
	fn.Op("MOVQ", fn.Arg("acc"), DI)
	fn.Op("MOVQ", fn.Arg("x"), SI)
	fn.Op("MOVQ", fn.Arg("n"), CX)
	fn.Op("VBROADCASTSD", fn.Arg("mean"), Y(15))
	for i := range 6 {
		fn.Op("VMOVUPD", Ptr(DI, 32*i), Y(i))
	}
	fn.Place(loop)
	for i := range 2 {
		x := Y(6 + i)
		fn.Op("VMOVUPD", Ptr(SI, 32*i), x)
		fn.Op("VMINPD", x, Y(2+i), Y(2+i))
		fn.Op("VMAXPD", x, Y(4+i), Y(4+i))
		fn.Op("VSUBPD", Y(15), x, x)
		fn.Op("VMULPD", x, x, x)
		fn.Op("VADDPD", x, Y(i), Y(i))
	}
	fn.Op("ADDQ", Imm(64), SI)
	fn.Op("SUBQ", Imm(8), CX)
	fn.Op("JGT", loop)
	for i := range 6 {
		fn.Op("VMOVUPD", Y(i), Ptr(DI, 32*i))
	}
	fn.Ret()
}

// pickAhead is how many rows ahead an element is prefetched. Of 16 to 2048, 64 is the fastest,
// at half the time of none: a table of 160 MB with rows of 20, EPYC.
const pickAhead = 64

func pick(f *File, name, typ string) {
	fn := f.Func(name, name+` writes the element in column[i] of each of n > 0 rows of d elements, until a column is
not below d, and returns how many it wrote. It prefetches for the first have rows; have >= n.`,
		"dst *float64, table *"+typ+", column *int32, d int, n int, have int", "wrote int")
	dst, table, column, d, n, i, ahead, row, far := DI, SI, DX, R8, CX, R9, R10, R11, R12
	size := 8
	if typ == "float32" {
		size = 4
	}
	for k, a := range []string{"dst", "table", "column", "d", "n", "have"} {
		fn.Op("MOVQ", fn.Arg(a), []GP{dst, table, column, d, n, ahead}[k])
	}
	fn.Op("MOVQ", d, row)
	fn.Op("IMULQ", Imm(size), row)
	fn.Op("MOVQ", row, far)
	fn.Op("IMULQ", Imm(pickAhead), far)
	fn.Op("ADDQ", table, far)
	fn.Op("XORL", i, i)
	fn.Op("SUBQ", Imm(pickAhead), ahead) // rows to prefetch for
	fn.Op("CMPQ", ahead, n)
	loop, near, done := fn.Label("far"), fn.Label("near"), fn.Label("done")
	fn.Op("CMOVQGT", n, ahead)
	take := func() {
		fn.Op("MOVL", PtrX(column, i, 4, 0), BX)
		fn.Op("CMPQ", BX, d)
		fn.Op("JGE", done)
		if size == 8 {
			fn.Op("MOVQ", PtrX(table, BX, 8, 0), BX)
			fn.Op("MOVQ", BX, PtrX(dst, i, 8, 0))
		} else {
			fn.Op("VMOVSS", PtrX(table, BX, 4, 0), X(0))
			fn.Op("VCVTSS2SD", X(0), X(0), X(0))
			fn.Op("VMOVSD", X(0), PtrX(dst, i, 8, 0))
		}
		fn.Op("ADDQ", row, table)
		fn.Op("INCQ", i)
	}
	fn.Op("CMPQ", i, ahead)
	fn.Op("JGE", near)
	fn.Place(loop)
	fn.Op("MOVLQSX", PtrX(column, i, 4, 4*pickAhead), AX)
	fn.Op("PREFETCHT0", PtrX(far, AX, size, 0))
	fn.Op("ADDQ", row, far)
	take()
	fn.Op("CMPQ", i, ahead)
	fn.Op("JLT", loop)
	fn.Op("CMPQ", i, n)
	fn.Op("JGE", done)
	fn.Place(near)
	take()
	fn.Op("CMPQ", i, n)
	fn.Op("JLT", near)
	fn.Place(done)
	fn.Op("MOVQ", i, fn.Arg("wrote"))
	fn.Ret()
}

func importance(f *File, name, typ string, bounds Sym) {
	fn := f.Func(name, name+` computes w[i] = t[i]/p[i] and copies r to x, for n > 0 elements, a multiple of 4. It
returns whether all of 0 < p <= 1, 0 <= t <= 1, w finite and r finite hold, and whether a p is 1.`,
		"w *float64, x *float64, t *float64, p *"+typ+", r *"+typ+", n int", "good int, one int")
	const t, p, r, w, m, good, ones, zeros, one, largest = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9
	const equal, atMost, atLeast, above = 0x00, 0x12, 0x1d, 0x1e // ordered, quiet
	size := 8
	if typ == "float32" {
		size = 4
	}
	for i, a := range []string{"w", "x", "t", "p", "r", "n"} {
		fn.Op("MOVQ", fn.Arg(a), []GP{DI, SI, R8, R9, R10, CX}[i])
	}
	zero(fn, zeros)
	zero(fn, ones)
	fn.Op("VPCMPEQD", Y(good), Y(good), Y(good))
	fn.Op("VBROADCASTSD", bounds, Y(one))
	fn.Op("VBROADCASTSD", bounds.At(8), Y(largest))
	load := func(from GP, to Y) {
		if size == 8 {
			fn.Op("VMOVUPD", PtrX(from, DX, 8, 0), to)
		} else {
			fn.Op("VCVTPS2PD", PtrX(from, DX, 4, 0), to)
		}
	}
	check := func(predicate Imm, bound, value Y) {
		fn.Op("VCMPPD", predicate, bound, value, Y(m))
		fn.Op("VANDPD", Y(m), Y(good), Y(good))
	}
	loop := fn.Label("loop")
	fn.Op("XORL", DX, DX)
	fn.Place(loop)
	fn.Op("VMOVUPD", PtrX(R8, DX, 8, 0), Y(t))
	load(R9, p)
	load(R10, r)
	fn.Op("VDIVPD", Y(p), Y(t), Y(w))
	check(above, zeros, p)
	check(atMost, one, p)
	check(atLeast, zeros, t)
	check(atMost, one, t)
	fn.Op("VCMPPD", Imm(equal), Y(one), Y(p), Y(m))
	fn.Op("VORPD", Y(m), Y(ones), Y(ones))
	fn.Op("VMOVUPD", Y(r), PtrX(SI, DX, 8, 0))
	fn.Op("VSUBPD", Y(r), Y(r), Y(r))
	check(equal, zeros, r)
	check(atMost, largest, w)
	fn.Op("VMOVUPD", Y(w), PtrX(DI, DX, 8, 0))
	fn.Op("ADDQ", Imm(4), DX)
	fn.Op("CMPQ", DX, CX)
	fn.Op("JLT", loop)
	fn.Op("VMOVMSKPD", Y(good), AX)
	fn.Op("VMOVMSKPD", Y(ones), BX)
	fn.Op("MOVQ", AX, fn.Arg("good"))
	fn.Op("MOVQ", BX, fn.Arg("one"))
	fn.Ret()
}
