package main

// forestRowFamily writes the kernels that take a single row through 16 trees at once, a
// tree to each lane.
func forestRowFamily() []*File {
	f := NewFile("forestrow", "amd64")
	for _, wide := range []bool{false, true} {
		for _, sets := range []bool{false, true} {
			forestRow(f, wide, sets, false)
			forestRow(f, wide, sets, true)
		}
	}
	return []*File{f}
}

// forestRow writes one kernel. Registers: SI the number of pairs of steps of each group, those that
// ask for numbers and those that ask for sets, CX groups to come, R8 the next step, R10 its places and
// windows, R9 pairs to come, DX the row, DI where to write; 0 and 1 the leaves that are left. To add up leaves, one tree after the other while the next groups are asked:
// BX the leaves, R12 where those of each tree begin, 8 the sum, AX, R11 and R13.
func forestRow(f *File, wide, sets, sum bool) {
	name := "forestRow"
	if sum {
		name += "Sum"
	}
	if wide {
		name += "Wide"
	}
	if sets {
		name += "Sets"
	}
	name += avx512.suffix
	doc, params, results := name+" writes the leaf of a row in each of 16 trees, for groups > 0 such groups.",
		"found *uint32, row *int32, steps *uint32, places *uint32, counts *int32, groups int", ""
	if sum {
		doc = name + " adds the leaf of a row in each of 16 trees to sum, for groups > 0 such groups."
		params, results = "row *int32, steps *uint32, places *uint32, counts *int32, groups int, leaves *float64, first *uint32, sum float64", "ret float64"
	}
	fn := f.Func(name, doc, params, results)
	k := &forestKernel{isa: avx512, wide: wide, fn: fn}
	fn.Op("MOVQ", fn.Arg("row"), DX)
	fn.Op("MOVQ", fn.Arg("steps"), R8)
	fn.Op("MOVQ", fn.Arg("places"), R10)
	fn.Op("MOVQ", fn.Arg("counts"), SI)
	fn.Op("MOVQ", fn.Arg("groups"), CX)
	if sum {
		fn.Op("MOVQ", fn.Arg("leaves"), BX)
		fn.Op("MOVQ", fn.Arg("first"), R12)
		fn.Op("VMOVSD", fn.Arg("sum"), X(8))
	} else {
		fn.Op("MOVQ", fn.Arg("found"), DI)
	}
	zero(fn, 31)
	k.constant(30, 127)
	k.constant(29, 32)
	group := fn.Label("group")
	fn.Place(group)
	for r := range k.slots() / 32 {
		fn.Op("VPTERNLOGD", Imm(255), Z(r), Z(r), Z(r))
	}
	k.steps(0, func(below Mem, word Z) { fn.Op("VPCMPD", Imm(5), below, word, K(1)) })
	if sets {
		k.steps(1, func(mask Mem, word Z) { fn.Op("VPTESTMD", mask, word, K(1)) })
	}
	if wide {
		k.lowestWide512(0, 1)
	} else {
		k.number512(0)
	}
	if sum {
		forestRowAdd(fn)
	} else {
		fn.Op("VMOVDQU32", Z(0), Ptr(DI, 0))
		fn.Op("ADDQ", Imm(64), DI)
	}
	fn.Op("ADDQ", Imm(8), SI)
	fn.Op("DECQ", CX)
	fn.Op("JNE", group)
	if sum {
		fn.Op("VMOVSD", X(8), fn.Arg("ret"))
	}
	fn.Ret()
}

// steps writes the loop over pairs of steps of kind i, as ForestRow counts them.
func (k *forestKernel) steps(i int, ask func(node Mem, word Z)) {
	fn := k.fn
	step, done := fn.Label("step"), fn.Label("done")
	fn.Op("MOVL", Ptr(SI, 4*i), R9)
	fn.Op("TESTL", R9, R9)
	fn.Op("JEQ", done)
	fn.Place(step)
	// What stands above the low 5 bits of a place does not matter.
	fn.Op("VPMOVZXWD", Ptr(R10, 0), Z(2))
	fn.Op("VPSRLD", Imm(8), Z(2), Z(4))
	size := 64 + 2*k.slots()
	for i, place := range []Z{2, 4} {
		fn.Op("MOVL", Ptr(R10, 32+4*i), R11)
		fn.Op("VMOVDQU32", PtrX(DX, R11, 4, 0), Z(3))
		fn.Op("VPERMI2D", PtrX(DX, R11, 4, 64), Z(3), place)
		ask(Ptr(R8, size*i), place)
		for r := range k.slots() / 32 {
			fn.Op("VPANDD", Ptr(R8, size*i+64+64*r), Z(r), K(1), Z(r))
		}
	}
	fn.Op("ADDQ", Imm(2*size), R8)
	fn.Op("ADDQ", Imm(40), R10)
	fn.Op("DECL", R9)
	fn.Op("JNE", step)
	fn.Place(done)
}

// forestRowAdd adds up 16 leaves. Their numbers go by way of general registers: a load of a part of what has
// just been written would wait.
func forestRowAdd(fn *Func) {
	fn.Op("VPADDD", Ptr(R12, 0), Z(0), Z(0))
	fn.Op("ADDQ", Imm(64), R12)
	for q := range 4 {
		fn.Op("VEXTRACTI32X4", Imm(q), Z(0), X(9))
		fn.Op("VMOVQ", X(9), AX)
		fn.Op("VPEXTRQ", Imm(1), X(9), R13)
		for _, r := range []GP{AX, R13} {
			fn.Op("MOVL", r, R11)
			fn.Op("VADDSD", PtrX(BX, R11, 8, 0), X(8), X(8))
			fn.Op("SHRQ", Imm(32), r)
			fn.Op("VADDSD", PtrX(BX, r, 8, 0), X(8), X(8))
		}
	}
}
