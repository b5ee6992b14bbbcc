package main

// The kernels of field-aware machines take entry i of a row with the n > 0 entries behind it:
// cell (i, field of j) meets cell (j, field of i).

const ffmParams = "x float32, factors *float32, k int, cellBytes int, rowBytes int, at int, own int, slots *int32, fields *uint16, values *float32, n int"

// ffmPairs writes the loop over the entries behind entry i. body handles a pair: AX points to
// the factors of i, DX to those of j, and both move on by a block; register 6 is x_i x_j (of a step, times the slope)
// in all lanes.
func ffmPairs(fn *Func, body func()) {
	fn.Op("MOVQ", fn.Arg("factors"), SI)
	fn.Op("MOVQ", fn.Arg("fields"), DI)
	fn.Op("MOVQ", fn.Arg("cellBytes"), R8)
	fn.Op("MOVQ", fn.Arg("rowBytes"), R9)
	fn.Op("MOVQ", fn.Arg("at"), R10)
	fn.Op("MOVQ", fn.Arg("own"), R11)
	fn.Op("MOVQ", fn.Arg("slots"), R12)
	fn.Op("MOVQ", fn.Arg("values"), R13)
	fn.Op("MOVQ", fn.Arg("n"), CX)
	fn.Op("MOVQ", fn.Arg("k"), R15)
	fn.Op("SHLQ", Imm(2), R15)
	fn.Op("ADDQ", SI, R10) // the row of cells of i
	fn.Op("ADDQ", SI, R11) // in each row, the cell for the field of i
	pair, block := fn.Label("pair"), fn.Label("block")
	fn.Place(pair)
	fn.Op("MOVWLZX", Ptr(DI, 0), AX)
	fn.Op("IMULQ", R8, AX)
	fn.Op("ADDQ", R10, AX)
	fn.Op("MOVLQSX", Ptr(R12, 0), DX)
	fn.Op("IMULQ", R9, DX)
	fn.Op("ADDQ", R11, DX)
	fn.Op("VBROADCASTSS", Ptr(R13, 0), Y(7))
	fn.Op("VBROADCASTSS", fn.Arg("x"), Y(6))
	fn.Op("VMULPS", Y(7), Y(6), Y(6))
	fn.Op("MOVQ", R15, BX)
	fn.Place(block)
	body()
	fn.Op("ADDQ", Imm(fmBlockBytes), AX)
	fn.Op("ADDQ", Imm(fmBlockBytes), DX)
	fn.Op("SUBQ", Imm(fmBlockBytes), BX)
	fn.Op("JGT", block)
	fn.Op("ADDQ", Imm(2), DI)
	fn.Op("ADDQ", Imm(4), R12)
	fn.Op("ADDQ", Imm(4), R13)
	fn.Op("DECQ", CX)
	fn.Op("JNE", pair)
}

func ffmScore(f *File) {
	fn := f.Func("ffmScoreAVX2", "ffmScoreAVX2 adds to lane f mod 8 of total, for each of n > 0 entries, its value times x times the product of\nfactors f: those at the offset at, for its field, and its own at the offset own; k is a multiple of 8.",
		"total *float32, "+ffmParams, "")
	fn.Op("MOVQ", fn.Arg("total"), AX)
	fn.Op("VMOVUPS", Ptr(AX, 0), Y(0))
	ffmPairs(fn, func() {
		fn.Op("VMOVUPS", Ptr(AX, 0), Y(1))
		fn.Op("VMULPS", Ptr(DX, 0), Y(1), Y(1))
		fn.Op("VMULPS", Y(6), Y(1), Y(1))
		fn.Op("VADDPS", Y(1), Y(0), Y(0))
	})
	fn.Op("MOVQ", fn.Arg("total"), AX)
	fn.Op("VMOVUPS", Y(0), Ptr(AX, 0))
	fn.Ret()
}

// writePairs writes the step of both sides of a pair.
func (m fmMethod) writePairs(f *File) {
	name := "f" + m.name + "AVX2"
	fn := f.Func(name, name+" takes a step for each of n > 0 pairs, x being slope times value, by\n"+m.doc+".",
		"c *float32, "+ffmParams, "")
	fn.Op("MOVQ", fn.Arg("c"), AX)
	for i := range 8 {
		fn.Op("VBROADCASTSS", Ptr(AX, 4*i), Y(8+i))
	}
	all := fmLanes{fn, true}
	// slope leaves in register to the gradient of the factors at from, which meet those at other.
	slope := func(from, other GP, to int) {
		all.move(Ptr(from, 0), Y(1))
		all.op("VMUL", Ptr(other, 0), Y(6), Y(2))
		all.op("VMUL", Y(1), Y(8), Y(3))
		all.op("VADD", Y(3), Y(2), Y(to))
	}
	ffmPairs(fn, func() {
		slope(DX, AX, 5)
		slope(AX, DX, 0)
		m.step(all, PtrX(AX, R15, 1, 0), PtrX(AX, R15, 2, 0))
		all.move(Y(1), Ptr(AX, 0))
		all.move(Ptr(DX, 0), Y(1))
		fn.Op("VMOVAPS", Y(5), Y(0))
		m.step(all, PtrX(DX, R15, 1, 0), PtrX(DX, R15, 2, 0))
		all.move(Y(1), Ptr(DX, 0))
	})
	fn.Ret()
}
