package main

// fmFamily writes the kernels of factorisation machines. AVX2 does for AVX-512 as well: a
// row waits for the cells that it gathers, not for arithmetic.
func fmFamily() []*File {
	f := NewFile("fm", "amd64")
	half := f.Data("fmHalf", 0x3f000000)
	fmSum(f)
	fmScores(f, half)
	for _, m := range []fmMethod{fmAdaGrad, fmAdam, fmFTRL} {
		m.write(f)
		m.writePairs(f)
	}
	ffmScore(f)
	return []*File{f}
}

// The registers that all of them use.
const (
	fmCells, fmLinear       = SI, DI
	fmCellBytes, fmLinBytes = R8, R9
	fmSlots, fmValues       = R12, R13
	fmX, fmProduct          = 7, 3
	fmS, fmQ, fmZ, fmTotal  = 0, 1, 5, 6
	fmTable                 = "cells *float32, linear *float32, cellBytes int, linBytes int, slots *int32, values *float32"
	fmBlockBytes            = 32
)

func fmLoadTable(fn *Func) {
	for i, name := range []string{"cells", "linear", "cellBytes", "linBytes", "slots", "values"} {
		fn.Op("MOVQ", fn.Arg(name), []GP{fmCells, fmLinear, fmCellBytes, fmLinBytes, fmSlots, fmValues}[i])
	}
}

// fmEntry adds entry at of a row to a block of the sums, and with linear its weight to z.
func fmEntry(fn *Func, at GP, linear bool) {
	fn.Op("VBROADCASTSS", PtrX(fmValues, at, 4, 0), Y(fmX))
	fn.Op("MOVLQSX", PtrX(fmSlots, at, 4, 0), AX)
	fn.Op("IMULQ", fmCellBytes, AX)
	fn.Op("VMULPS", PtrX(fmCells, AX, 1, 0), Y(fmX), Y(fmProduct))
	fn.Op("VADDPS", Y(fmProduct), Y(fmS), Y(fmS))
	fn.Op("VMULPS", Y(fmProduct), Y(fmProduct), Y(fmProduct))
	fn.Op("VADDPS", Y(fmProduct), Y(fmQ), Y(fmQ))
	if linear {
		fn.Op("MOVLQSX", PtrX(fmSlots, at, 4, 0), AX)
		fn.Op("IMULQ", fmLinBytes, AX)
		fn.Op("VMULSS", PtrX(fmLinear, AX, 1, 0), X(fmX), X(fmX))
		fn.Op("VADDSS", X(fmX), X(fmZ), X(fmZ))
	}
}

// fmEntries goes through entries at to end, which may be none.
func fmEntries(fn *Func, at, end GP, linear bool) {
	loop, done := fn.Label("entry"), fn.Label("summed")
	fn.Op("CMPQ", at, end)
	fn.Op("JGE", done)
	fn.Place(loop)
	fmEntry(fn, at, linear)
	fn.Op("INCQ", at)
	fn.Op("CMPQ", at, end)
	fn.Op("JLT", loop)
	fn.Place(done)
}

func fmSum(f *File) {
	fn := f.Func("fmSumAVX2", "fmSumAVX2 adds n entries of a row to its sums: for each entry with value x and cell v, x*v\nto state[:k] and its square to state[k:2k], and x times the weight to state[2k]; k is a multiple of 8.",
		"state *float32, k int, "+fmTable+", n int", "")
	state, bytes, at, n, left := BX, R11, CX, DX, R10
	fmLoadTable(fn)
	fn.Op("MOVQ", fn.Arg("state"), state)
	fn.Op("MOVQ", fn.Arg("k"), bytes)
	fn.Op("MOVQ", fn.Arg("n"), n)
	fn.Op("SHLQ", Imm(2), bytes)
	fn.Op("MOVQ", bytes, left)
	fn.Op("VMOVSS", PtrX(state, bytes, 2, 0), X(fmZ))
	block, rest, done := fn.Label("block"), fn.Label("rest"), fn.Label("done")
	body := func(linear bool) {
		fn.Op("VMOVUPS", Ptr(state, 0), Y(fmS))
		fn.Op("VMOVUPS", PtrX(state, bytes, 1, 0), Y(fmQ))
		fn.Op("XORL", at, at)
		fmEntries(fn, at, n, linear)
		fn.Op("VMOVUPS", Y(fmS), Ptr(state, 0))
		fn.Op("VMOVUPS", Y(fmQ), PtrX(state, bytes, 1, 0))
	}
	body(true)
	fn.Op("VMOVSS", X(fmZ), PtrX(state, bytes, 2, 0))
	fn.Op("JMP", rest)
	fn.Place(block)
	body(false)
	fn.Place(rest)
	fn.Op("ADDQ", Imm(fmBlockBytes), state)
	fn.Op("ADDQ", Imm(fmBlockBytes), fmCells)
	fn.Op("SUBQ", Imm(fmBlockBytes), left)
	fn.Op("JGT", block)
	fn.Place(done)
	fn.Ret()
}

func fmScores(f *File, half Sym) {
	fn := f.Func("fmScoresAVX2", "fmScoresAVX2 writes the score of each of n > 0 rows: the sums of state with those of entries starts[i] to\nstarts[i+1], folded; k is a multiple of 8.",
		"dst *float32, state *float32, k int, "+fmTable+", starts *int32, n int", "")
	state, bytes, at, end, starts, dst, left := R15, R11, CX, DX, BX, R10, AX
	fmLoadTable(fn)
	fn.Op("MOVQ", fn.Arg("k"), bytes)
	fn.Op("MOVQ", fn.Arg("starts"), starts)
	fn.Op("SHLQ", Imm(2), bytes)
	row, block, folded := fn.Label("row"), fn.Label("block"), fn.Label("folded")
	body := func(linear bool) {
		fn.Op("MOVLQSX", Ptr(starts, 0), at)
		fn.Op("MOVLQSX", Ptr(starts, 4), end)
		fn.Op("VMOVUPS", Ptr(state, 0), Y(fmS))
		fn.Op("VMOVUPS", PtrX(state, bytes, 1, 0), Y(fmQ))
		fmEntries(fn, at, end, linear)
		fn.Op("VMULPS", Y(fmS), Y(fmS), Y(fmS))
		fn.Op("VSUBPS", Y(fmQ), Y(fmS), Y(fmS))
		fn.Op("VADDPS", Y(fmS), Y(fmTotal), Y(fmTotal))
		fn.Op("ADDQ", Imm(fmBlockBytes), state)
		fn.Op("ADDQ", Imm(fmBlockBytes), fmCells)
		fn.Op("MOVQ", fn.Arg("state"), left)
		fn.Op("ADDQ", bytes, left)
		fn.Op("CMPQ", state, left)
		fn.Op("JGE", folded)
	}
	fn.Place(row)
	fn.Op("MOVQ", fn.Arg("state"), state)
	fn.Op("VMOVSS", PtrX(state, bytes, 2, 0), X(fmZ))
	zero(fn, fmTotal)
	body(true)
	fn.Place(block)
	body(false)
	fn.Op("JMP", block)
	fn.Place(folded)
	fn.Op("MOVQ", fn.Arg("cells"), fmCells)
	fn.Op("VEXTRACTF128", Imm(1), Y(fmTotal), X(0))
	fn.Op("VADDPS", X(0), X(fmTotal), X(fmTotal))
	avx2.foldLower(fn, floats, fmTotal, 0)
	fn.Op("VMULSS", half, X(fmTotal), X(fmTotal))
	fn.Op("VADDSS", X(fmTotal), X(fmZ), X(fmZ))
	fn.Op("MOVQ", fn.Arg("dst"), dst)
	fn.Op("VMOVSS", X(fmZ), Ptr(dst, 0))
	fn.Op("ADDQ", Imm(4), dst)
	fn.Op("MOVQ", dst, fn.Arg("dst"))
	fn.Op("ADDQ", Imm(4), starts)
	fn.Op("DECQ", fn.Arg("n"))
	fn.Op("JNE", row)
	fn.Ret()
}

// fmMethod writes the step of one method of descent. Its step takes the gradient in register
// 0 and the parameter in 1, and leaves the parameter in 1; a and b are what the method keeps
// of it. It may use registers up to 5; constant i is register 8+i.
type fmMethod struct {
	name, doc string
	step      func(l fmLanes, a, b Operand)
}

// fmLanes are the lanes that a step works on: eight factors, or one weight.
type fmLanes struct {
	fn     *Func
	packed bool
}

func (l fmLanes) r(i int) Operand {
	if l.packed {
		return Y(i)
	}
	return X(i)
}

// op appends an instruction on float32s.
func (l fmLanes) op(name string, operands ...Operand) {
	if l.packed {
		l.fn.Op(name+"PS", operands...)
	} else {
		l.fn.Op(name+"SS", operands...)
	}
}

func (l fmLanes) move(from, to Operand) {
	if l.packed {
		l.fn.Op("VMOVUPS", from, to)
	} else {
		l.fn.Op("VMOVSS", from, to)
	}
}

func (l fmLanes) sqrt(r Operand) {
	if l.packed {
		l.fn.Op("VSQRTPS", r, r)
	} else {
		l.fn.Op("VSQRTSS", r, r, r)
	}
}

var fmAdaGrad = fmMethod{"fmAdaGrad", "AdaGrad; c holds the L2 strength, the rate and epsilon", func(l fmLanes, a, _ Operand) {
	r := l.r
	l.move(a, r(3))
	l.op("VMUL", r(0), r(0), r(2))
	l.op("VADD", r(2), r(3), r(3))
	l.move(r(3), a)
	l.sqrt(r(3))
	l.op("VADD", r(10), r(3), r(3))
	l.op("VMUL", r(0), r(9), r(2))
	l.op("VDIV", r(3), r(2), r(2))
	l.op("VSUB", r(2), r(1), r(1))
}}

var fmAdam = fmMethod{"fmAdam", "Adam; c holds the L2 strength, beta1, 1-beta1, beta2, 1-beta2, the root of\nthe second correction inverted, epsilon and the corrected rate", func(l fmLanes, a, b Operand) {
	r := l.r
	l.move(a, r(2))
	l.move(b, r(3))
	l.op("VMUL", r(9), r(2), r(2))
	l.op("VMUL", r(10), r(0), r(4))
	l.op("VADD", r(4), r(2), r(2))
	l.move(r(2), a)
	l.op("VMUL", r(0), r(0), r(4))
	l.op("VMUL", r(12), r(4), r(4))
	l.op("VMUL", r(11), r(3), r(3))
	l.op("VADD", r(4), r(3), r(3))
	l.move(r(3), b)
	l.sqrt(r(3))
	l.op("VMUL", r(13), r(3), r(3))
	l.op("VADD", r(14), r(3), r(3))
	l.op("VMUL", r(15), r(2), r(2))
	l.op("VDIV", r(3), r(2), r(2))
	l.op("VSUB", r(2), r(1), r(1))
}}

var fmFTRL = fmMethod{"fmFTRL", "FTRL-Proximal; c holds 0, 1/alpha, beta, L1 of weights, L2, -0 and 0", func(l fmLanes, a, b Operand) {
	r := l.r
	l1 := 11
	if l.packed {
		l1 = 14
	}
	l.move(b, r(2))
	l.op("VMUL", r(0), r(0), r(4))
	l.op("VADD", r(2), r(4), r(4))
	l.sqrt(r(2))
	l.move(r(4), b)
	l.sqrt(r(4))
	l.op("VSUB", r(2), r(4), r(3))
	l.op("VMUL", r(9), r(3), r(3)) // sigma
	l.op("VMUL", r(1), r(3), r(3))
	l.move(a, r(2))
	l.op("VADD", r(0), r(2), r(2))
	l.op("VSUB", r(3), r(2), r(2))
	l.move(r(2), a) // z
	l.fn.Op("VANDNPS", r(2), r(13), r(3))
	l.op("VSUB", r(l1), r(3), r(3))
	l.op("VMAX", r(14), r(3), r(3))
	l.op("VADD", r(10), r(4), r(4))
	l.op("VMUL", r(9), r(4), r(4))
	l.op("VADD", r(12), r(4), r(4))
	l.op("VDIV", r(4), r(3), r(3))
	l.fn.Op("VANDPS", r(2), r(13), r(2))
	l.fn.Op("VXORPS", r(13), r(2), r(2))
	l.fn.Op("VORPS", r(2), r(3), r(1))
}}

func (m fmMethod) write(f *File) {
	name := m.name + "AVX2"
	fn := f.Func(name, name+" takes a step for each of n > 0 entries of a row with sums s and slope g, by\n"+m.doc+".",
		"s *float32, slope float32, c *float32, k int, "+fmTable+", n int", "")
	s, n, bytes, cell, at, a, b := BX, CX, R11, DX, R10, R15, AX
	fmLoadTable(fn)
	fn.Op("MOVQ", fn.Arg("c"), AX)
	for i := range 8 {
		fn.Op("VBROADCASTSS", Ptr(AX, 4*i), Y(8+i))
	}
	fn.Op("MOVQ", fn.Arg("s"), s)
	fn.Op("MOVQ", fn.Arg("n"), n)
	fn.Op("MOVQ", fn.Arg("k"), bytes)
	fn.Op("SHLQ", Imm(2), bytes)
	entry, block := fn.Label("entry"), fn.Label("block")
	fn.Place(entry)
	fn.Op("VBROADCASTSS", Ptr(fmValues, 0), Y(7))
	fn.Op("VBROADCASTSS", fn.Arg("slope"), Y(6))
	fn.Op("VMULPS", Y(7), Y(6), Y(6)) // g*x

	one := fmLanes{fn, false}
	fn.Op("MOVLQSX", Ptr(fmSlots, 0), at)
	fn.Op("IMULQ", fmLinBytes, at)
	fn.Op("ADDQ", fmLinear, at)
	one.move(Ptr(at, 0), X(1))
	one.op("VMUL", X(1), X(8), X(0))
	one.op("VADD", X(0), X(6), X(0))
	m.step(one, Ptr(at, 4), Ptr(at, 8))
	one.move(X(1), Ptr(at, 0))

	all := fmLanes{fn, true}
	fn.Op("MOVLQSX", Ptr(fmSlots, 0), cell)
	fn.Op("IMULQ", fmCellBytes, cell)
	fn.Op("ADDQ", fmCells, cell)
	fn.Op("LEAQ", PtrX(cell, bytes, 1, 0), a)
	fn.Op("LEAQ", PtrX(cell, bytes, 2, 0), b)
	fn.Op("XORL", at, at)
	fn.Place(block)
	all.move(PtrX(cell, at, 1, 0), Y(1))
	all.op("VMUL", Y(1), Y(7), Y(0))
	all.move(PtrX(s, at, 1, 0), Y(2))
	all.op("VSUB", Y(0), Y(2), Y(0))
	all.op("VMUL", Y(6), Y(0), Y(0))
	all.op("VMUL", Y(1), Y(8), Y(2))
	all.op("VADD", Y(2), Y(0), Y(0))
	m.step(all, PtrX(a, at, 1, 0), PtrX(b, at, 1, 0))
	all.move(Y(1), PtrX(cell, at, 1, 0))
	fn.Op("ADDQ", Imm(fmBlockBytes), at)
	fn.Op("CMPQ", at, bytes)
	fn.Op("JLT", block)

	fn.Op("ADDQ", Imm(4), fmSlots)
	fn.Op("ADDQ", Imm(4), fmValues)
	fn.Op("DECQ", n)
	fn.Op("JNE", entry)
	fn.Ret()
}
