package main

// neonGemmFamily writes the tile of matrix products for arm64.
func neonGemmFamily() []*File {
	f := NewFile("gemm", "arm64")
	gemmTileNEON(f)
	return []*File{f}
}

// gemmTileNEON keeps the sums of 6 rows of 16 columns in V0 to V23. B passes through V24 to
// V27, A through V28 and V29.
func gemmTileNEON(f *File) {
	fn := f.Func("gemmTileNEON", "gemmTileNEON "+tileComment+" mr is 1 to 6, w is 16, k > 0.", tileParams, "")
	rows := []GP{RA, RB, RC, RD, RE, RF}
	const (
		cs, b, ldb, k = RG, RH, RI, RJ
		c, ldc, mode  = RK, RL, RM
	)
	sums := func(i int) Operand { return V(4*i).group(4, "S4") }
	was := V(24).group(4, "S4")
	fn.Op("MOVD", fn.Arg("a"), RA)
	fn.Op("MOVD", fn.Arg("rs"), RN)
	for i := 1; i < len(rows); i++ {
		fn.Op("ADD", RN, rows[i-1], rows[i])
	}
	fn.Op("MOVD", fn.Arg("cs"), cs)
	fn.Op("MOVD", fn.Arg("b"), b)
	fn.Op("MOVD", fn.Arg("ldb"), ldb)
	fn.Op("MOVD", fn.Arg("k"), k)
	fn.Op("MOVD", fn.Arg("c"), c)
	fn.Op("MOVD", fn.Arg("ldc"), ldc)
	fn.Op("MOVD", fn.Arg("mode"), mode)
	fn.Op("MOVD", fn.Arg("mr"), RO)
	tile := func(mr int) {
		for r := range V(4 * mr) {
			fn.zeroV(r)
		}
		loop := fn.Label("loop")
		fn.Place(loop)
		fn.Op("VLD1", Ptr(b, 0), was)
		fn.Op("ADD", ldb, b, b)
		for i := range mr {
			x := V(28 + i%2)
			fn.Op("VLD1R", Ptr(rows[i], 0), x.group(1, "S4"))
			fn.Op("ADD", cs, rows[i], rows[i])
			for j := range V(4) {
				fn.fmla4(V(4*i)+j, 24+j, x)
			}
		}
		fn.Op("SUBS", Imm(1), k, k)
		fn.Op("BNE", loop)
		set, add := fn.Label("set"), fn.Label("add")
		each := func(combine func(d, n, m V)) {
			for i := range mr {
				if combine != nil {
					fn.Op("VLD1", Ptr(c, 0), was)
					for j := range V(4) {
						combine(V(4*i)+j, 24+j, V(4*i)+j)
					}
				}
				fn.Op("VST1", sums(i), Ptr(c, 0))
				fn.Op("ADD", ldc, c, c)
			}
			fn.Ret()
		}
		fn.Op("CMP", Imm(1), mode)
		fn.Op("BLT", set)
		fn.Op("BEQ", add)
		each(fn.fsub4)
		fn.Place(add)
		each(fn.fadd4)
		fn.Place(set)
		each(nil)
	}
	for mr := len(rows); mr > 1; mr-- {
		next := fn.Label("not")
		fn.Op("CMP", Imm(mr), RO)
		fn.Op("BNE", next)
		tile(mr)
		fn.Place(next)
	}
	tile(1)
}
