package main

// lookupFamily writes the kernel that sums entries of small tables: a table of 16 bytes
// is a register, and one shuffle looks up a register full of nibbles.
func lookupFamily() []*File {
	f := NewFile("lookup", "amd64")
	low := f.Data("lookupLow", repeat(16, 0x0f0f0f0f)...)
	lookupAtLeast512(f, low)
	lookupAtLeast2(f, low)
	return []*File{f}
}

const (
	lookupParams = "sums *uint16, kept *uint64, table *uint8, codes *uint8, pairs int, blocks int, threshold uint16"
	lookupDoc    = " sums the entries that each of the 64 rows of a block names, for all blocks; pairs > 0 and\nblocks > 0. Of a block without a sum at or above the threshold it writes no sums."
)

// addPair adds the entries for a byte of each row: the sum of two entries is a byte, since
// entries are below 128. Accumulator even gets pairs of bytes as they are, odd the upper
// bytes alone, so that 256 times odd is to be taken off even at the end.
func (s isa) addPair(fn *Func, codes, table Mem, low, even, odd Operand, v func(int) Operand) {
	spread := "VBROADCASTI128"
	and := "VPAND"
	if s.is512() {
		spread, and = "VBROADCASTI32X4", "VPANDQ"
	}
	load := "VMOVDQU"
	if s.is512() {
		load = "VMOVDQU64"
	}
	fn.Op(load, codes, v(0))
	fn.Op(spread, table, v(1))
	fn.Op(spread, table.Add(16), v(2))
	fn.Op("VPSRLW", Imm(4), v(0), v(3))
	fn.Op(and, low, v(0), v(0))
	fn.Op(and, low, v(3), v(3))
	fn.Op("VPSHUFB", v(0), v(1), v(1))
	fn.Op("VPSHUFB", v(3), v(2), v(2))
	fn.Op("VPADDB", v(1), v(2), v(2))
	fn.Op("VPADDW", v(2), even, even)
	fn.Op("VPSRLW", Imm(8), v(2), v(2))
	fn.Op("VPADDW", v(2), odd, odd)
}

func lookupAtLeast512(f *File, low Sym) {
	fn := f.Func("lookupAtLeastAVX512", "lookupAtLeastAVX512"+lookupDoc, lookupParams, "")
	sums, kept, table, codes, pairs, blocks := DI, SI, R8, R9, CX, DX
	bits, mask, spread := AX, BX, R11
	even, odd, nibbles, threshold := Z(8), Z(9), Z(10), Z(11)
	block, pair, next := fn.Label("block"), fn.Label("pair"), fn.Label("next")
	fn.Op("MOVQ", fn.Arg("sums"), sums)
	fn.Op("MOVQ", fn.Arg("kept"), kept)
	fn.Op("MOVQ", fn.Arg("codes"), codes)
	fn.Op("MOVQ", fn.Arg("blocks"), blocks)
	fn.Op("VMOVDQU64", low, nibbles)
	fn.Op("MOVWLZX", fn.Arg("threshold"), bits)
	fn.Op("VPBROADCASTW", bits, threshold)
	fn.Op("MOVQ", Imm(0x5555555555555555), spread)
	fn.Place(block)
	fn.Op("MOVQ", fn.Arg("table"), table)
	fn.Op("MOVQ", fn.Arg("pairs"), pairs)
	zero(fn, 8)
	zero(fn, 9)
	fn.Place(pair)
	avx512.addPair(fn, Ptr(codes, 0), Ptr(table, 0), nibbles, even, odd, func(i int) Operand { return Z(i) })
	fn.Op("ADDQ", Imm(64), codes)
	fn.Op("ADDQ", Imm(32), table)
	fn.Op("DECQ", pairs)
	fn.Op("JNE", pair)
	fn.Op("VPSLLW", Imm(8), odd, Z(0))
	fn.Op("VPSUBW", Z(0), even, even)
	fn.Op("VPCMPUW", Imm(5), threshold, even, K(1))
	fn.Op("VPCMPUW", Imm(5), threshold, odd, K(2))
	fn.Op("KMOVD", K(1), bits)
	fn.Op("KMOVD", K(2), mask)
	fn.Op("PDEPQ", spread, bits, bits)
	fn.Op("PDEPQ", spread, mask, mask)
	fn.Op("LEAQ", PtrX(bits, mask, 2, 0), bits)
	fn.Op("MOVQ", bits, Ptr(kept, 0))
	fn.Op("TESTQ", bits, bits)
	fn.Op("JEQ", next)
	fn.Op("VPUNPCKLWD", odd, even, Z(0))
	fn.Op("VPUNPCKHWD", odd, even, Z(1))
	for lane := range 4 {
		fn.Op("VEXTRACTI32X4", Imm(lane), Z(0), Ptr(sums, 32*lane))
		fn.Op("VEXTRACTI32X4", Imm(lane), Z(1), Ptr(sums, 32*lane+16))
	}
	fn.Place(next)
	fn.Op("ADDQ", Imm(8), kept)
	fn.Op("ADDQ", Imm(128), sums)
	fn.Op("DECQ", blocks)
	fn.Op("JNE", block)
	fn.Ret()
}

// lookupAtLeast2 takes the rows of a block in two halves, side by side.
func lookupAtLeast2(f *File, low Sym) {
	fn := f.Func("lookupAtLeastAVX2", "lookupAtLeastAVX2"+lookupDoc, lookupParams, "")
	sums, kept, table, codes, pairs, blocks := DI, SI, R8, R9, CX, DX
	bits, half := AX, BX
	nibbles, threshold := Y(14), Y(15)
	block, pair, next := fn.Label("block"), fn.Label("pair"), fn.Label("next")
	fn.Op("MOVQ", fn.Arg("sums"), sums)
	fn.Op("MOVQ", fn.Arg("kept"), kept)
	fn.Op("MOVQ", fn.Arg("codes"), codes)
	fn.Op("MOVQ", fn.Arg("blocks"), blocks)
	fn.Op("VMOVDQU", low, nibbles)
	fn.Op("VPBROADCASTW", fn.Arg("threshold"), threshold)
	fn.Place(block)
	fn.Op("MOVQ", fn.Arg("table"), table)
	fn.Op("MOVQ", fn.Arg("pairs"), pairs)
	for i := range 4 {
		zero(fn, 8+i) // even and odd of the lower half, then of the upper
	}
	fn.Place(pair)
	for h := range 2 {
		avx2.addPair(fn, Ptr(codes, 32*h), Ptr(table, 0), nibbles, Y(8+2*h), Y(9+2*h), func(i int) Operand { return Y(i + 4*h) })
	}
	fn.Op("ADDQ", Imm(64), codes)
	fn.Op("ADDQ", Imm(32), table)
	fn.Op("DECQ", pairs)
	fn.Op("JNE", pair)
	for h := range 2 {
		even, odd := Y(8+2*h), Y(9+2*h)
		fn.Op("VPSLLW", Imm(8), odd, Y(0))
		fn.Op("VPSUBW", Y(0), even, even)
		fn.Op("VPMAXUW", even, threshold, Y(0))
		fn.Op("VPMAXUW", odd, threshold, Y(1))
		fn.Op("VPCMPEQW", even, Y(0), Y(0))
		fn.Op("VPCMPEQW", odd, Y(1), Y(1))
		fn.Op("VPSRLW", Imm(8), Y(0), Y(0))
		fn.Op("VPSLLW", Imm(8), Y(1), Y(1))
		fn.Op("VPOR", Y(0), Y(1), Y(0))
		to := bits
		if h == 1 {
			to = half
		}
		fn.Op("VPMOVMSKB", Y(0), to)
	}
	fn.Op("SHLQ", Imm(32), half)
	fn.Op("ORQ", half, bits)
	fn.Op("MOVQ", bits, Ptr(kept, 0))
	fn.Op("TESTQ", bits, bits)
	fn.Op("JEQ", next)
	for h := range 2 {
		even, odd := Y(8+2*h), Y(9+2*h)
		fn.Op("VPUNPCKLWD", odd, even, Y(0))
		fn.Op("VPUNPCKHWD", odd, even, Y(1))
		fn.Op("VPERM2I128", Imm(0x20), Y(1), Y(0), Y(2))
		fn.Op("VPERM2I128", Imm(0x31), Y(1), Y(0), Y(3))
		fn.Op("VMOVDQU", Y(2), Ptr(sums, 64*h))
		fn.Op("VMOVDQU", Y(3), Ptr(sums, 64*h+32))
	}
	fn.Place(next)
	fn.Op("ADDQ", Imm(8), kept)
	fn.Op("ADDQ", Imm(128), sums)
	fn.Op("DECQ", blocks)
	fn.Op("JNE", block)
	fn.Ret()
}
