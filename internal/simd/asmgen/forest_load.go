package main

// forestLoadFamily writes the kernels that turn rows of float32 into blocks for forests.
func forestLoadFamily() []*File {
	f := NewFile("forestload", "amd64")
	for _, s := range []isa{avx512, avx2} {
		forestTile(f, s)
		forestOrder(f, s)
		forestOrderRow(f, s)
	}
	forestRowValues(f)
	return []*File{f}
}

// forestTile turns 16 columns of 32 rows on their side.
func forestTile(f *File, s isa) {
	name := "forestTile" + s.suffix
	fn := f.Func(name, name+" writes to[32*j+i] = rows[stride*i+j], i < 32, j < 16, stride in bytes.", "to *float32, rows *float32, stride int", "")
	fn.Op("MOVQ", fn.Arg("to"), DI)
	fn.Op("MOVQ", fn.Arg("rows"), SI)
	fn.Op("MOVQ", fn.Arg("stride"), AX)
	if s.is512() {
		for half := range 2 {
			for i := range 16 {
				fn.Op("VMOVUPS", Ptr(SI, 0), Z(i))
				fn.Op("ADDQ", AX, SI)
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
		fn.Op("MOVQ", SI, DX)
		for half := range 2 {
			fn.Op("MOVQ", DX, SI)
			for i := range 8 {
				fn.Op("VMOVUPS", Ptr(SI, 32*half), Y(i))
				fn.Op("ADDQ", AX, SI)
			}
			turn2(fn)
			for j := range 8 {
				fn.Op("VMOVUPS", Y(j), Ptr(DI, 128*(8*half+j)+32*group))
			}
		}
	}
	fn.Ret()
}

// turn512 transposes the 16x16 words of registers 0 to 15, by way of 16 to 31.
func turn512(fn *Func) {
	for i := 0; i < 16; i += 2 {
		fn.Op("VUNPCKLPS", Z(i+1), Z(i), Z(16+i))
		fn.Op("VUNPCKHPS", Z(i+1), Z(i), Z(17+i))
	}
	for g := 0; g < 16; g += 4 { // column 4l+k of rows g to g+3 is part l of register g+k
		fn.Op("VUNPCKLPD", Z(18+g), Z(16+g), Z(g))
		fn.Op("VUNPCKHPD", Z(18+g), Z(16+g), Z(g+1))
		fn.Op("VUNPCKLPD", Z(19+g), Z(17+g), Z(g+2))
		fn.Op("VUNPCKHPD", Z(19+g), Z(17+g), Z(g+3))
	}
	even, odd := Imm(0x88), Imm(0xdd)
	for k := range 4 {
		a := 16 + 4*k
		fn.Op("VSHUFF32X4", even, Z(4+k), Z(k), Z(a))
		fn.Op("VSHUFF32X4", odd, Z(4+k), Z(k), Z(a+1))
		fn.Op("VSHUFF32X4", even, Z(12+k), Z(8+k), Z(a+2))
		fn.Op("VSHUFF32X4", odd, Z(12+k), Z(8+k), Z(a+3))
	}
	for k := range 4 {
		a := 16 + 4*k
		fn.Op("VSHUFF32X4", even, Z(a+2), Z(a), Z(k))
		fn.Op("VSHUFF32X4", even, Z(a+3), Z(a+1), Z(4+k))
		fn.Op("VSHUFF32X4", odd, Z(a+2), Z(a), Z(8+k))
		fn.Op("VSHUFF32X4", odd, Z(a+3), Z(a+1), Z(12+k))
	}
}

// turn2 transposes the 8x8 words of registers 0 to 7, by way of 8 to 15.
func turn2(fn *Func) {
	for i := 0; i < 8; i += 2 {
		fn.Op("VUNPCKLPS", Y(i+1), Y(i), Y(8+i))
		fn.Op("VUNPCKHPS", Y(i+1), Y(i), Y(9+i))
	}
	for g := 0; g < 8; g += 4 {
		fn.Op("VUNPCKLPD", Y(10+g), Y(8+g), Y(g))
		fn.Op("VUNPCKHPD", Y(10+g), Y(8+g), Y(g+1))
		fn.Op("VUNPCKLPD", Y(11+g), Y(9+g), Y(g+2))
		fn.Op("VUNPCKHPD", Y(11+g), Y(9+g), Y(g+3))
	}
	for k := range 4 {
		fn.Op("VPERM2F128", Imm(0x20), Y(4+k), Y(k), Y(8+k))
		fn.Op("VPERM2F128", Imm(0x31), Y(4+k), Y(k), Y(12+k))
	}
	for j := range 8 {
		fn.Op("VMOVAPS", Y(8+j), Y(j))
	}
}

// forestOrder turns columns of a tile into words that order as they do.
func forestOrder(f *File, s isa) {
	name := "forestOrder" + s.suffix
	fn := f.Func(name, name+" writes the words of 32 rows in count > 0 columns; from[i] is where column i begins in\nthe tile, in bytes.",
		"words *int32, tile *float32, columns *ForestColumn, from *uint32, count int", "")
	fn.Op("MOVQ", fn.Arg("words"), DI)
	fn.Op("MOVQ", fn.Arg("tile"), DX)
	fn.Op("MOVQ", fn.Arg("columns"), R8)
	fn.Op("MOVQ", fn.Arg("from"), SI)
	fn.Op("MOVQ", fn.Arg("count"), CX)
	s.orderMask(fn)
	first, span, missing := s.v(14), s.v(13), s.v(12)
	loop := fn.Label("column")
	fn.Place(loop)
	fn.Op("MOVL", Ptr(SI, 0), R11)
	fn.Op("VPBROADCASTD", Ptr(R8, 0), first)
	fn.Op("VPBROADCASTD", Ptr(R8, 4), span)
	fn.Op("VPBROADCASTD", Ptr(R8, 8), missing)
	for at := 0; at < 128; at += s.bytes {
		s.order(fn, PtrX(DX, R11, 1, at), Ptr(DI, at), first, span, missing)
	}
	fn.Op("ADDQ", Imm(128), DI)
	fn.Op("ADDQ", Imm(12), R8)
	fn.Op("ADDQ", Imm(4), SI)
	fn.Op("DECQ", CX)
	fn.Op("JNE", loop)
	fn.Ret()
}

// orderMask puts all bits but the sign in the lanes of register 15.
func (s isa) orderMask(fn *Func) {
	fn.Op("MOVL", Imm(0x7fffffff), AX)
	if s.is512() {
		fn.Op("VPBROADCASTD", AX, Z(15))
	} else {
		fn.Op("VMOVD", AX, X(15))
		fn.Op("VPBROADCASTD", X(15), Y(15))
	}
}

// order writes the words of a vector of values. The last three are as in ForestColumn, in registers.
func (s isa) order(fn *Func, from, to Mem, first, span, missing Operand) {
	load := "VMOVDQU"
	if s.is512() {
		load = "VMOVDQU32"
	}
	fn.Op(load, from, s.v(0))
	s.orderIn(fn, first, span, missing)
	fn.Op(load, s.v(2), to)
}

// orderIn is order from register 0 to 2.
func (s isa) orderIn(fn *Func, first, span, missing Operand) {
	and, xor := "VPAND", "VPXOR"
	if s.is512() {
		and, xor = "VPANDD", "VPXORD"
	}
	x, size, word := s.v(0), s.v(1), s.v(2)
	fn.Op(and, s.v(15), x, size)
	fn.Op("VPSUBD", first, size, size)
	fn.Op("VPSRAD", Imm(31), x, word)
	fn.Op("VPSRLD", Imm(1), word, word)
	fn.Op(xor, x, word, word)
	if s.is512() {
		fn.Op("VPCMPUD", Imm(5), span, size, K(1))
		fn.Op("VMOVDQA32", missing, K(1), word)
	} else {
		fn.Op("VPMAXUD", span, size, x)
		fn.Op("VPCMPEQD", x, size, x)
		fn.Op("VPBLENDVB", x, missing, word, word)
	}
}

// forestOrderRow turns values of columns of their own, 16 at a time, into words, in place.
func forestOrderRow(f *File, s isa) {
	name := "forestOrderRow" + s.suffix
	fn := f.Func(name, name+" turns the bits of 16 n > 0 values into words; of the columns, each 16 have what they take\nfor missing side by side.",
		"words *int32, columns *uint32, n int", "")
	fn.Op("MOVQ", fn.Arg("words"), DI)
	fn.Op("MOVQ", fn.Arg("columns"), R8)
	fn.Op("MOVQ", fn.Arg("n"), CX)
	s.orderMask(fn)
	load := "VMOVDQU"
	if s.is512() {
		load = "VMOVDQU32"
	}
	loop := fn.Label("values")
	fn.Place(loop)
	for at := 0; at < 64; at += s.bytes {
		fn.Op(load, Ptr(R8, at), s.v(14))
		fn.Op(load, Ptr(R8, at+64), s.v(13))
		fn.Op(load, Ptr(R8, at+128), s.v(12))
		s.order(fn, Ptr(DI, at), Ptr(DI, at), s.v(14), s.v(13), s.v(12))
	}
	fn.Op("ADDQ", Imm(64), DI)
	fn.Op("ADDQ", Imm(192), R8)
	fn.Op("DECQ", CX)
	fn.Op("JNE", loop)
	fn.Ret()
}

// forestRowValues takes the values of columns of their own, 16 at a time, from a row and turns them into
// words, as long as each 16 are near each other. Registers: DI where to write, DX the row, R12 its length,
// SI where features are, R8 columns, R9 and R10 features by window, CX groups to come, R13 and R15 32 and ones; 5 has 32 in each lane.
func forestRowValues(f *File) {
	name := "forestRowValuesAVX512"
	fn := f.Func(name, name+" writes the words of n > 0 groups of 16 columns, but returns when the values of a group are not\nwithin 32 of the row, and says how many groups are left.",
		"words *int32, packed *uint32, windows *uint32, places *uint32, n int, columns *int32, floats *float32, limit int", "left int")
	for _, a := range []struct {
		name string
		r    GP
	}{{"words", DI}, {"packed", R8}, {"windows", R9}, {"places", R10}, {"n", CX}, {"columns", SI}, {"floats", DX}, {"limit", R12}} {
		fn.Op("MOVQ", fn.Arg(a.name), a.r)
	}
	avx512.orderMask(fn)
	fn.Op("MOVQ", Imm(32), R13)
	fn.Op("VPBROADCASTD", R13, Z(5))
	fn.Op("MOVQ", Imm(-1), R15)
	group, done := fn.Label("group"), fn.Label("done")
	window := func(base, at GP) {
		fn.Op("KSHIFTRD", Imm(16), K(1), K(2))
		fn.Op("VMOVDQU32.Z", PtrX(base, at, 4, 0), K(1), Z(3))
		fn.Op("VMOVDQU32.Z", PtrX(base, at, 4, 64), K(2), Z(4))
		fn.Op("VPERMI2D", Z(4), Z(3), Z(0))
	}
	fn.Place(group)
	fn.Op("MOVL", Ptr(R9, 0), AX)
	fn.Op("KMOVD", Ptr(R9, 4), K(1)) // none: the features are far apart
	fn.Op("KORTESTD", K(1), K(1))
	fn.Op("JEQ", done)
	fn.Op("VMOVDQU32", Ptr(R10, 0), Z(0))
	window(SI, AX) // columns of the features
	fn.Op("VPBROADCASTD", X(0), Z(3))
	fn.Op("VMOVD", X(0), BX)
	fn.Op("VPSUBD", Z(3), Z(0), Z(0))
	fn.Op("VPCMPUD", Imm(5), Z(5), Z(0), K(1))
	fn.Op("KORTESTD", K(1), K(1))
	fn.Op("JNE", done)
	fn.Op("MOVLQSX", BX, BX)
	fn.Op("TESTQ", BX, BX)
	fn.Op("JLT", done)
	fn.Op("MOVQ", R12, R11)
	fn.Op("SUBQ", BX, R11)
	fn.Op("JLE", done)
	fn.Op("CMPQ", R11, R13)
	fn.Op("CMOVQGT", R13, R11)
	fn.Op("BZHIQ", R11, R15, R11)
	fn.Op("KMOVD", R11, K(1))
	window(DX, BX)
	for i := range 3 {
		fn.Op("VMOVDQU32", Ptr(R8, 64*i), Z(14-i))
	}
	avx512.orderIn(fn, Z(14), Z(13), Z(12))
	fn.Op("VMOVDQU32", Z(2), Ptr(DI, 0))
	fn.Op("ADDQ", Imm(64), DI)
	fn.Op("ADDQ", Imm(192), R8)
	fn.Op("ADDQ", Imm(8), R9)
	fn.Op("ADDQ", Imm(64), R10)
	fn.Op("DECQ", CX)
	fn.Op("JNE", group)
	fn.Place(done)
	fn.Op("MOVQ", CX, fn.Arg("left"))
	fn.Ret()
}
