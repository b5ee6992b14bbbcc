package main

// forestLoadFamily writes the kernels that turn rows of float32 into blocks for forests.
func forestLoadFamily() []*File {
	f := NewFile("forestload", "amd64")
	for _, s := range []isa{avx512, avx2} {
		forestTile(f, s)
		forestOrder(f, s)
		forestOrderRow(f, s)
	}
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
	and, xor, load := "VPAND", "VPXOR", "VMOVDQU"
	if s.is512() {
		and, xor, load = "VPANDD", "VPXORD", "VMOVDQU32"
	}
	x, size, word := s.v(0), s.v(1), s.v(2)
	fn.Op(load, from, x)
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
	fn.Op(load, word, to)
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
