package main

// forestSetFamily writes the kernels that copy the words of categories.
func forestSetFamily() []*File {
	f := NewFile("forestset", "amd64")
	for _, s := range []isa{avx512, avx2} {
		forestPlaces(f, s)
		forestSetTile(f, s)
		forestRowWords(f, s)
	}
	return []*File{f}
}

// places turns the values of register 0 into where their rows of the table begin, in words, in register 1.
// Lowest, Known and Words are in registers 12 to 14, ones in 15.
func (s isa) places(fn *Func) {
	x, row := s.v(0), s.v(1)
	lowest, known, words := s.v(12), s.v(13), s.v(14)
	fn.Op("VCVTTPS2DQ", x, row) // 1<<31 if it does not fit, as all numbers below 0 are above Known
	fn.Op("VPMINUD", known, row, row)
	fn.Op("VPSUBD", s.v(15), known, s.v(2)) // 1 more
	if s.is512() {
		fn.Op("VCMPPS", Imm(2), lowest, x, K(1)) // x <= lowest
		fn.Op("VCMPPS", Imm(3), x, x, K(2))
		fn.Op("VMOVDQA32", known, K(1), row)
		fn.Op("VMOVDQA32", s.v(2), K(2), row)
	} else {
		fn.Op("VCMPPS", Imm(2), lowest, x, s.v(3))
		fn.Op("VPBLENDVB", s.v(3), known, row, row)
		fn.Op("VCMPPS", Imm(3), x, x, s.v(3))
		fn.Op("VPBLENDVB", s.v(3), s.v(2), row, row)
	}
	fn.Op("VPMULLD", words, row, row)
}

// ones fills register 15.
func (s isa) ones(fn *Func) {
	if s.is512() {
		fn.Op("VPTERNLOGD", Imm(255), Z(15), Z(15), Z(15))
	} else {
		fn.Op("VPCMPEQD", Y(15), Y(15), Y(15))
	}
}

func (s isa) moveWords() string {
	if s.is512() {
		return "VMOVDQU32"
	}
	return "VMOVDQU"
}

// forestPlaces finds the rows of 32 values in one table.
func forestPlaces(f *File, s isa) {
	name := "forestPlaces" + s.suffix
	fn := f.Func(name, name+" writes where the rows of 32 values begin in the table, in words.", "places *uint32, x *float32, set *ForestSet", "")
	fn.Op("MOVQ", fn.Arg("places"), DI)
	fn.Op("MOVQ", fn.Arg("x"), SI)
	fn.Op("MOVQ", fn.Arg("set"), DX)
	s.ones(fn)
	for i := range 3 {
		fn.Op("VPBROADCASTD", Ptr(DX, 4*i), s.v(12+i))
	}
	for at := 0; at < 128; at += s.bytes {
		fn.Op(s.moveWords(), Ptr(SI, at), s.v(0))
		s.places(fn)
		fn.Op(s.moveWords(), s.v(1), Ptr(DI, at))
	}
	fn.Ret()
}

// forestSetTile turns 16 columns of 32 rows that stand anywhere.
func forestSetTile(f *File, s isa) {
	name := "forestSetTile" + s.suffix
	fn := f.Func(name, name+" writes to[32*j+i] = table[places[i]+j], i < 32, j < 16.", "to *int32, table *int32, places *uint32", "")
	fn.Op("MOVQ", fn.Arg("to"), DI)
	fn.Op("MOVQ", fn.Arg("table"), SI)
	fn.Op("MOVQ", fn.Arg("places"), DX)
	if s.is512() {
		for half := range 2 {
			for i := range 16 {
				fn.Op("MOVL", Ptr(DX, 64*half+4*i), AX)
				fn.Op("VMOVUPS", PtrX(SI, AX, 4, 0), Z(i))
			}
			turn512(fn)
			for j := range 16 {
				fn.Op("VMOVUPS", Z(j), Ptr(DI, 128*j+64*half))
			}
		}
		fn.Ret()
		return
	}
	for group := range 4 {
		for half := range 2 {
			for i := range 8 {
				fn.Op("MOVL", Ptr(DX, 32*group+4*i), AX)
				fn.Op("VMOVUPS", PtrX(SI, AX, 4, 32*half), Y(i))
			}
			turn2(fn)
			for j := range 8 {
				fn.Op("VMOVUPS", Y(j), Ptr(DI, 128*(8*half+j)+32*group))
			}
		}
	}
	fn.Ret()
}

// forestRowWords copies the words of a row, 16 at a time. Registers: DI where to write, SI values, R8 the sets'
// packed numbers, R9 the sets, CX sets to come, R10 those of this 16, R11 and R12 from and to, BX words to come.
func forestRowWords(f *File, s isa) {
	name := "forestRowWords" + s.suffix
	fn := f.Func(name, name+" writes the words of a row in n > 0 sets, one set after the other, and up to 15 more; each 16 sets\nhave Lowest, Known and Words side by side. It returns how many words there are.",
		"words *int32, x *float32, packed *uint32, sets *rowSet, n int", "written int")
	fn.Op("MOVQ", fn.Arg("words"), DI)
	fn.Op("MOVQ", fn.Arg("x"), SI)
	fn.Op("MOVQ", fn.Arg("packed"), R8)
	fn.Op("MOVQ", fn.Arg("sets"), R9)
	fn.Op("MOVQ", fn.Arg("n"), CX)
	s.ones(fn)
	group, set, piece := fn.Label("group"), fn.Label("set"), fn.Label("piece")
	fn.Place(group)
	for at := 0; at < 64; at += s.bytes {
		for i := range 3 {
			fn.Op(s.moveWords(), Ptr(R8, at+64*i), s.v(12+i))
		}
		fn.Op(s.moveWords(), Ptr(SI, at), s.v(0))
		s.places(fn)
		fn.Op(s.moveWords(), s.v(1), Ptr(SI, at))
	}
	fn.Op("ADDQ", Imm(192), R8)
	fn.Op("MOVQ", Imm(16), R10)
	fn.Op("CMPQ", CX, R10)
	fn.Op("CMOVQLT", CX, R10)
	fn.Op("SUBQ", R10, CX)
	fn.Place(set)
	fn.Op("MOVL", Ptr(SI, 0), AX)
	fn.Op("MOVQ", Ptr(R9, 0), R11)
	fn.Op("LEAQ", PtrX(R11, AX, 4, 0), R11)
	fn.Op("MOVQ", Ptr(R9, 8), BX)
	fn.Op("MOVQ", DI, R12)
	fn.Op("LEAQ", PtrX(DI, BX, 4, 0), DI)
	fn.Place(piece)
	for at := 0; at < 64; at += s.bytes {
		fn.Op(s.moveWords(), Ptr(R11, at), s.v(0))
		fn.Op(s.moveWords(), s.v(0), Ptr(R12, at))
	}
	fn.Op("ADDQ", Imm(64), R11)
	fn.Op("ADDQ", Imm(64), R12)
	fn.Op("SUBQ", Imm(16), BX)
	fn.Op("JGT", piece)
	fn.Op("ADDQ", Imm(24), R9)
	fn.Op("ADDQ", Imm(4), SI)
	fn.Op("DECQ", R10)
	fn.Op("JNE", set)
	fn.Op("TESTQ", CX, CX)
	fn.Op("JNE", group)
	fn.Op("SUBQ", fn.Arg("words"), DI)
	fn.Op("SHRQ", Imm(2), DI)
	fn.Op("MOVQ", DI, fn.Arg("written"))
	fn.Ret()
}
