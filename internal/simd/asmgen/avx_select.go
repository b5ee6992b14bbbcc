package main

func selectFamily() []*File {
	f := NewFile("select", "amd64")
	tab := newTables(f)
	selectAbove512(f, tab)
	selectAbove2(f, tab)
	return []*File{f}
}

const (
	selectParams = "ids *uint32, dst *float32, scores *float32, n int, threshold float32, base uint32"
	selectDoc    = " appends the scores above threshold to dst, and i+base to ids, and returns how many.\nIt may write 16 elements more."
)

// selectAbove512 compares 64 scores per branch: most often none of them is kept.
func selectAbove512(f *File, tab tables) {
	fn := f.Func("selectAboveAVX512", "selectAboveAVX512"+selectDoc, selectParams, "kept int")
	ids, dst, scores, n, kept, set := SI, DI, R8, CX, AX, DX
	threshold, numbers, step := Z(29), Z(30), Z(28)
	top, rest, one, tail, done := fn.Label("four"), fn.Label("rest"), fn.Label("one"), fn.Label("tail"), fn.Label("done")
	fn.Op("MOVQ", fn.Arg("ids"), ids)
	fn.Op("MOVQ", fn.Arg("dst"), dst)
	fn.Op("MOVQ", fn.Arg("scores"), scores)
	fn.Op("MOVQ", fn.Arg("n"), n)
	fn.Op("XORL", kept, kept)
	fn.Op("VBROADCASTSS", fn.Arg("threshold"), threshold)
	fn.Op("VBROADCASTSS", fn.Arg("base"), numbers)
	fn.Op("VPADDD", tab.iota, numbers, numbers)
	fn.Op("MOVL", Imm(16), set)
	fn.Op("VPBROADCASTD", set, step)
	// keep appends the lanes of v that mask m holds.
	keep := func(v Z, m K) {
		fn.Op("KMOVW", m, set)
		fn.Op("VCOMPRESSPS.Z", v, m, Z(8))
		fn.Op("VPCOMPRESSD.Z", numbers, m, Z(9))
		fn.Op("VMOVUPS", Z(8), PtrX(dst, kept, 4, 0))
		fn.Op("VMOVUPS", Z(9), PtrX(ids, kept, 4, 0))
		fn.Op("POPCNTL", set, set)
		fn.Op("ADDQ", set, kept)
	}
	none := fn.Label("none")
	fn.Op("SUBQ", Imm(64), n)
	fn.Op("JLT", rest)
	fn.Place(top)
	for i := range 4 {
		fn.Op("VMOVUPS", Ptr(scores, 64*i), Z(i))
		fn.Op("VCMPPS", Imm(0x1e), threshold, Z(i), K(1+i))
	}
	fn.Op("KORW", K(1), K(2), K(5))
	fn.Op("KORW", K(3), K(4), K(6))
	fn.Op("KORTESTW", K(5), K(6))
	fn.Op("JEQ", none)
	for i := range 4 {
		keep(Z(i), K(1+i))
		fn.Op("VPADDD", step, numbers, numbers)
	}
	next := fn.Label("next")
	fn.Op("JMP", next)
	fn.Place(none)
	fn.Op("VPSLLD", Imm(2), step, Z(9))
	fn.Op("VPADDD", Z(9), numbers, numbers)
	fn.Place(next)
	fn.Op("ADDQ", Imm(256), scores)
	fn.Op("SUBQ", Imm(64), n)
	fn.Op("JGE", top)
	fn.Place(rest)
	fn.Op("ADDQ", Imm(48), n)
	fn.Op("JLT", tail)
	fn.Place(one)
	fn.Op("VMOVUPS", Ptr(scores, 0), Z(0))
	fn.Op("VCMPPS", Imm(0x1e), threshold, Z(0), K(1))
	keep(Z(0), K(1))
	fn.Op("VPADDD", step, numbers, numbers)
	fn.Op("ADDQ", Imm(64), scores)
	fn.Op("SUBQ", Imm(16), n)
	fn.Op("JGE", one)
	fn.Place(tail)
	fn.Op("ADDQ", Imm(16), n)
	fn.Op("JEQ", done)
	lowMask(fn, n, set, K(2))
	fn.Op("VMOVUPS.Z", Ptr(scores, 0), K(2), Z(0))
	fn.Op("VCMPPS", Imm(0x1e), threshold, Z(0), K(2), K(1))
	keep(Z(0), K(1))
	fn.Place(done)
	fn.Op("MOVQ", kept, fn.Arg("kept"))
	fn.Ret()
}

// selectAbove2 compares 16 scores per branch and packs four at a time.
func selectAbove2(f *File, tab tables) {
	fn := f.Func("selectAboveAVX2", "selectAboveAVX2"+selectDoc+" n is a multiple of 16.", selectParams, "kept int")
	ids, dst, scores, n, kept, set, ptr := SI, DI, R8, CX, AX, DX, BX
	threshold, numbers := Y(15), X(14)
	top, next, done := fn.Label("scores"), fn.Label("next"), fn.Label("done")
	fn.Op("MOVQ", fn.Arg("ids"), ids)
	fn.Op("MOVQ", fn.Arg("dst"), dst)
	fn.Op("MOVQ", fn.Arg("scores"), scores)
	fn.Op("MOVQ", fn.Arg("n"), n)
	fn.Op("XORL", kept, kept)
	fn.Op("VBROADCASTSS", fn.Arg("threshold"), threshold)
	fn.Op("TESTQ", n, n)
	fn.Op("JEQ", done)
	fn.Place(top)
	for i := range 2 {
		fn.Op("VMOVUPS", Ptr(scores, 32*i), Y(3+i))
		fn.Op("VCMPPS", Imm(0x1e), threshold, Y(3+i), Y(5+i))
	}
	fn.Op("VORPS", Y(5), Y(6), Y(7))
	fn.Op("VMOVMSKPS", Y(7), set)
	fn.Op("TESTL", set, set)
	fn.Op("JEQ", next)
	fn.Op("VBROADCASTSS", fn.Arg("base"), numbers)
	fn.Op("VPADDD", tab.iota, numbers, numbers)
	for i := range 4 {
		fn.Op("VMOVUPS", Ptr(scores, 16*i), X(0))
		fn.Op("VCMPPS", Imm(0x1e), X(15), X(0), X(1))
		fn.Op("VMOVMSKPS", X(1), set)
		fn.Op("VMOVDQA", numbers, X(1))
		packX(fn, tab, set, ptr, X(0), X(1))
		fn.Op("VMOVUPS", X(0), PtrX(dst, kept, 4, 0))
		fn.Op("VMOVUPS", X(1), PtrX(ids, kept, 4, 0))
		fn.Op("POPCNTL", set, set)
		fn.Op("ADDQ", set, kept)
		fn.Op("VPADDD", tab.four, numbers, numbers)
	}
	fn.Place(next)
	fn.Op("ADDL", Imm(16), fn.Arg("base"))
	fn.Op("ADDQ", Imm(64), scores)
	fn.Op("SUBQ", Imm(16), n)
	fn.Op("JGT", top)
	fn.Place(done)
	fn.Op("MOVQ", kept, fn.Arg("kept"))
	fn.Ret()
}
