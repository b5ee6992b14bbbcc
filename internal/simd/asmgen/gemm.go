package main

import "fmt"

// gemmFamily writes the kernels in which a tile of sums stays in registers: matrix products
// and the scan of many queries at once.
func gemmFamily() []*File {
	f := NewFile("gemm", "amd64")
	tail := f.Data("tailMask", append(repeat(16, 0xffffffff), repeat(16, 0)...)...)
	gemmTile512(f, 2)
	gemmTile512(f, 1)
	gemmTile2(f, tail)
	gemmTileMasked2(f, tail)
	above512(f, 2)
	above512(f, 1)
	aboveCodes512(f, 2)
	aboveCodes512(f, 1)
	above2(f)
	maxSquares512(f)
	maxSquares2(f, tail)
	return []*File{f}
}

func repeat(n int, w uint32) []uint32 {
	words := make([]uint32, n)
	for i := range words {
		words[i] = w
	}
	return words
}

const tileParams = "mr int, k int, a *float32, rs int, cs int, b *float32, ldb int, c *float32, ldc int, w int, mode int"

const tileComment = `computes a tile: C = A·B if mode is 0, C += A·B if it is 1, C -= A·B if it is 2,
where A is mr × k with element (i, p) at byte i*rs + p*cs of a, B is k × w with rows ldb
bytes apart, C is mr × w with rows ldc bytes apart.`

// rowPtrs are pointers to rows 0, 3, 6, 9 and 12 of A; DX holds the distance of two rows.
var rowPtrs = []GP{R8, R9, R10, R11, R12}

// aRow returns where element (i, p) of A is.
func aRow(i int) Mem {
	if i%3 == 0 {
		return Ptr(rowPtrs[i/3], 0)
	}
	return PtrX(rowPtrs[i/3], DX, i%3, 0)
}

// setRows points rowPtrs at mr rows from R8 on.
func setRows(fn *Func, mr int) {
	for i := 3; i < mr; i += 3 {
		fn.Op("LEAQ", PtrX(rowPtrs[i/3-1], DX, 2, 0), rowPtrs[i/3])
		fn.Op("ADDQ", DX, rowPtrs[i/3])
	}
}

// nextColumn moves rowPtrs to the next element of each of mr rows.
func nextColumn(fn *Func, mr int, step Operand) {
	for i := 0; i < mr; i += 3 {
		fn.Op("ADDQ", step, rowPtrs[i/3])
	}
}

// splits returns how many sets of sums a tile with n registers of sums has: few sums would
// wait for each other, an FMA takes 4 cycles and two start in each.
func splits(n int) int { return max(1, min(4, 8/n)) }

// product says how a tile multiplies and adds.
type product struct{ broadcast, multiply, add string }

var (
	floatProduct = product{"VBROADCASTSS", "VFMADD231PS", "VADDPS"}
	// Four bytes of a row, unsigned, with four of each query, signed.
	codeProduct = product{"VPBROADCASTD", "VPDPBUSD", "VPADDD"}
)

// sums512 leaves the sums of a tile of mr rows and cols registers, 1 or 2, in Z(0) to
// Z(mr*cols-1), row by row. It takes R8, DX, DI (b), CX (k > 0); step moves A and next
// moves B. before runs once for each p.
func sums512(fn *Func, kind product, mr, cols int, step Operand, loadB func(to []Z), next func(), before func()) {
	sets := splits(mr * cols)
	for r := range cols * mr * sets {
		fn.Op("VPXORD", Z(r), Z(r), Z(r))
	}
	setRows(fn, mr)
	one := func(set int) {
		b := []Z{28, 29}[:cols]
		before()
		loadB(b)
		for i := range mr {
			x := Z(30 + i%2)
			fn.Op(kind.broadcast, aRow(i), x)
			for j, y := range b {
				fn.Op(kind.multiply, y, x, Z(cols*(set*mr+i)+j))
			}
		}
		nextColumn(fn, mr, step)
		next()
	}
	if sets > 1 {
		loop, rest, done := fn.Label("wide"), fn.Label("rest"), fn.Label("fold")
		fn.Op("SUBQ", Imm(sets), CX)
		fn.Op("JLT", rest)
		fn.Place(loop)
		for set := range sets {
			one(set)
		}
		fn.Op("SUBQ", Imm(sets), CX)
		fn.Op("JGE", loop)
		fn.Place(rest)
		fn.Op("ADDQ", Imm(sets), CX)
		fn.Op("JEQ", done)
		tail := fn.Label("one")
		fn.Place(tail)
		one(0)
		fn.Op("DECQ", CX)
		fn.Op("JNE", tail)
		fn.Place(done)
		for set := 1; set < sets; set++ {
			for r := range cols * mr {
				fn.Op(kind.add, Z(cols*mr*set+r), Z(r), Z(r))
			}
		}
		return
	}
	loop := fn.Label("loop")
	fn.Place(loop)
	one(0)
	fn.Op("DECQ", CX)
	fn.Op("JNE", loop)
}

// dispatch writes body once for each number of rows from most down to 1; AX holds it.
func dispatch(fn *Func, most int, body func(mr int)) {
	for mr := most; mr > 1; mr-- {
		next := fn.Label("not")
		fn.Op("CMPQ", AX, Imm(mr))
		fn.Op("JNE", next)
		body(mr)
		fn.Place(next)
	}
	body(1)
}

func gemmTile512(f *File, cols int) {
	name, widths := "gemmTileAVX512", "1 to 32"
	if cols == 1 {
		name, widths = "gemmTileNarrowAVX512", "1 to 16"
	}
	fn := f.Func(name, name+" "+tileComment+" mr is 1 to 14, w "+widths+", k > 0.", tileParams, "")
	fn.Op("MOVQ", fn.Arg("w"), CX)
	fn.Op("MOVL", Imm(-1), AX)
	fn.Op("BZHIL", CX, AX, AX)
	fn.Op("KMOVW", AX, K(1))
	fn.Op("SHRL", Imm(16), AX)
	fn.Op("KMOVW", AX, K(2))
	// What C held counts unless mode is 0: K3 and K4 load it, or zeros. The sign of the
	// product is flipped if mode is 2.
	fn.Op("KXORW", K(3), K(3), K(3))
	fn.Op("KXORW", K(4), K(4), K(4))
	fn.Op("MOVQ", fn.Arg("mode"), AX)
	ready := fn.Label("ready")
	fn.Op("TESTQ", AX, AX)
	fn.Op("JEQ", ready)
	fn.Op("KMOVW", K(1), K(3))
	fn.Op("KMOVW", K(2), K(4))
	fn.Place(ready)
	fn.Op("SHRL", Imm(1), AX)
	fn.Op("SHLL", Imm(31), AX)
	fn.Op("MOVL", AX, R15)
	fn.Op("MOVQ", fn.Arg("k"), CX)
	fn.Op("MOVQ", fn.Arg("a"), R8)
	fn.Op("MOVQ", fn.Arg("rs"), DX)
	fn.Op("MOVQ", fn.Arg("cs"), R13)
	fn.Op("MOVQ", fn.Arg("b"), DI)
	fn.Op("MOVQ", fn.Arg("ldb"), BX)
	fn.Op("MOVQ", fn.Arg("c"), SI)
	fn.Op("MOVQ", fn.Arg("mr"), AX)
	dispatch(fn, 14, func(mr int) {
		load := func(to []Z) {
			for j, y := range to {
				fn.Op("VMOVUPS.Z", Ptr(DI, 64*j), K(1+j), y)
			}
		}
		sums512(fn, floatProduct, mr, cols, R13, load, func() { fn.Op("ADDQ", BX, DI) }, func() {})
		fn.Op("MOVQ", fn.Arg("ldc"), DX)
		fn.Op("VPBROADCASTD", R15, Z(30))
		for r := range cols * mr {
			j := r % cols
			fn.Op("VPXORD", Z(30), Z(r), Z(r))
			fn.Op("VMOVUPS.Z", Ptr(SI, 64*j), K(3+j), Z(28+j))
			fn.Op("VADDPS", Z(r), Z(28+j), Z(r))
			fn.Op("VMOVUPS", Z(r), K(1+j), Ptr(SI, 64*j))
			if j == cols-1 && r < cols*mr-1 {
				fn.Op("ADDQ", DX, SI)
			}
		}
		fn.Ret()
	})
}

// sums2 leaves the sums of a tile of mr × 16 in Y(0) to Y(2mr-1); B passes through Y(12)
// and Y(13), A through y. See sums512.
func sums2(fn *Func, mr int, y []Y, step Operand, loadB func(lo, hi Y), next func()) {
	for r := range 2 * mr {
		zero(fn, r)
	}
	setRows(fn, mr)
	loop := fn.Label("loop")
	fn.Place(loop)
	loadB(Y(12), Y(13))
	for i := range mr {
		x := y[i%len(y)]
		fn.Op("VBROADCASTSS", aRow(i), x)
		fn.Op("VFMADD231PS", Y(12), x, Y(2*i))
		fn.Op("VFMADD231PS", Y(13), x, Y(2*i+1))
	}
	nextColumn(fn, mr, step)
	next()
	fn.Op("DECQ", CX)
	fn.Op("JNE", loop)
}

func loadTileArgs2(fn *Func) {
	fn.Op("MOVQ", fn.Arg("k"), CX)
	fn.Op("MOVQ", fn.Arg("a"), R8)
	fn.Op("MOVQ", fn.Arg("rs"), DX)
	fn.Op("MOVQ", fn.Arg("cs"), R13)
	fn.Op("MOVQ", fn.Arg("b"), DI)
	fn.Op("MOVQ", fn.Arg("ldb"), BX)
	fn.Op("MOVQ", fn.Arg("c"), SI)
	fn.Op("MOVQ", fn.Arg("mr"), AX)
}

// storeTile2 combines the sums with C as mode says; load and store move one register.
func storeTile2(fn *Func, mr int, load func(half int, y Y), store func(y Y, half int)) {
	set, add := fn.Label("set"), fn.Label("add")
	fn.Op("MOVQ", fn.Arg("ldc"), DX)
	fn.Op("MOVQ", fn.Arg("mode"), AX)
	each := func(combine func(y Y)) {
		for r := range 2 * mr {
			combine(Y(r))
			store(Y(r), r%2)
			if r%2 == 1 && r < 2*mr-1 {
				fn.Op("ADDQ", DX, SI)
			}
		}
		fn.Ret()
	}
	fn.Op("CMPQ", AX, Imm(1))
	fn.Op("JLT", set)
	fn.Op("JEQ", add)
	each(func(y Y) {
		load(int(y)%2, Y(12))
		fn.Op("VSUBPS", y, Y(12), y)
	})
	fn.Place(add)
	each(func(y Y) {
		load(int(y)%2, Y(12))
		fn.Op("VADDPS", y, Y(12), y)
	})
	fn.Place(set)
	each(func(Y) {})
}

func gemmTile2(f *File, _ Sym) {
	fn := f.Func("gemmTileAVX2", "gemmTileAVX2 "+tileComment+" mr is 1 to 6, w is 16, k > 0.", tileParams, "")
	loadTileArgs2(fn)
	dispatch(fn, 6, func(mr int) {
		load := func(lo, hi Y) {
			fn.Op("VMOVUPS", Ptr(DI, 0), lo)
			fn.Op("VMOVUPS", Ptr(DI, 32), hi)
		}
		sums2(fn, mr, []Y{14, 15}, R13, load, func() { fn.Op("ADDQ", BX, DI) })
		storeTile2(fn, mr,
			func(half int, y Y) { fn.Op("VMOVUPS", Ptr(SI, 32*half), y) },
			func(y Y, half int) { fn.Op("VMOVUPS", y, Ptr(SI, 32*half)) })
	})
}

func gemmTileMasked2(f *File, tail Sym) {
	fn := f.Func("gemmTileMaskedAVX2", "gemmTileMaskedAVX2 "+tileComment+" mr is 1 to 4, w 1 to 16, k > 0.", tileParams, "")
	lo, hi := Y(14), Y(15)
	fn.Op("MOVQ", fn.Arg("w"), CX)
	fn.Op("LEAQ", tail.At(64), AX)
	fn.Op("SHLQ", Imm(2), CX)
	fn.Op("SUBQ", CX, AX)
	fn.Op("VMOVDQU", Ptr(AX, 0), lo)
	fn.Op("VMOVDQU", Ptr(AX, 32), hi)
	masks := []Y{lo, hi}
	loadTileArgs2(fn)
	dispatch(fn, 4, func(mr int) {
		load := func(a, b Y) {
			fn.Op("VMASKMOVPS", Ptr(DI, 0), lo, a)
			fn.Op("VMASKMOVPS", Ptr(DI, 32), hi, b)
		}
		sums2(fn, mr, []Y{10, 11}, R13, load, func() { fn.Op("ADDQ", BX, DI) })
		storeTile2(fn, mr,
			func(half int, y Y) { fn.Op("VMASKMOVPS", Ptr(SI, 32*half), masks[half], y) },
			func(y Y, half int) { fn.Op("VMASKMOVPS", y, masks[half], Ptr(SI, 32*half)) })
	})
}

const aboveParams = "tiles int, k int, a *float32, rs int, b *float32, thresholds *float32, masks *uint32"

const aboveComment = `multiplies tiles of %d rows each, rs bytes apart, by a panel of k × 32 packed
queries until a product is not <= the threshold of its query. It returns how many tiles
it passed before that one, whose products it marks: bit j of masks[i] for row i and query j.
tiles and k are positive.%s`

func above512(f *File, cols int) {
	name, count := "aboveAVX512", ""
	if cols == 1 {
		name, count = "aboveNarrowAVX512", " Only the first 16 queries count."
	}
	fn := f.Func(name, name+" "+fmt.Sprintf(aboveComment, 14, count), aboveParams, "passed int")
	aboveTiles512(fn, floatProduct, cols, func(threshold, sum Z, k K) {
		const notLessOrEqual = 0x16
		fn.Op("VCMPPS", Imm(notLessOrEqual), threshold, sum, k)
	})
}

// aboveCodes512 does the same with codes.
func aboveCodes512(f *File, cols int) {
	name, count := "aboveCodesAVX512", ""
	if cols == 1 {
		name, count = "aboveCodesNarrowAVX512", " Only the first 16 queries count."
	}
	fn := f.Func(name, name+fmt.Sprintf(` multiplies tiles of 14 rows of 4k bytes each, rs bytes apart, by a panel of 4k × 32
packed coded queries until a product is above the threshold of its query. It returns how
many tiles it passed before that one, whose products it marks: bit j of masks[i] for row i
and query j. tiles and k are positive.%s`, count),
		"tiles int, k int, a *uint8, rs int, b *int8, thresholds *int32, masks *uint32", "passed int")
	aboveTiles512(fn, codeProduct, cols, func(threshold, sum Z, k K) { fn.Op("VPCMPGTD", threshold, sum, k) })
}

// aboveTiles512 writes the loop over tiles; above compares 16 sums with as many thresholds.
func aboveTiles512(fn *Func, kind product, cols int, above func(threshold, sum Z, k K)) {
	const mr = 14
	fn.Op("MOVQ", fn.Arg("rs"), DX)
	fn.Op("MOVQ", fn.Arg("a"), SI)
	fn.Op("IMUL3Q", Imm(mr), DX, R15) // bytes of a tile
	again, hit := fn.Label("tile"), fn.Label("hit")
	fn.Op("MOVQ", fn.Arg("tiles"), BX)
	fn.Place(again)
	fn.Op("MOVQ", SI, R8)
	fn.Op("LEAQ", PtrX(SI, R15, 1, 0), R13)
	fn.Op("MOVQ", fn.Arg("b"), DI)
	fn.Op("MOVQ", fn.Arg("k"), CX)
	load := func(to []Z) {
		for j, y := range to {
			fn.Op("VMOVUPS", Ptr(DI, 64*j), y)
		}
	}
	// One line of the next tile for each p: it has mr*k/16 of them.
	fetch := func() {
		fn.Op("PREFETCHT0", Ptr(R13, 0))
		fn.Op("ADDQ", Imm(64), R13)
	}
	sums512(fn, kind, mr, cols, Imm(4), load, func() { fn.Op("ADDQ", Imm(128), DI) }, fetch)
	fn.Op("MOVQ", fn.Arg("thresholds"), DI)
	for j := range cols {
		fn.Op("VMOVUPS", Ptr(DI, 64*j), Z(28+j))
	}
	fn.Op("MOVQ", fn.Arg("masks"), DI)
	fn.Op("XORL", R8, R8)
	for i := range mr {
		above(Z(28), Z(cols*i), K(1))
		if cols == 2 {
			above(Z(29), Z(cols*i+1), K(2))
			fn.Op("KUNPCKWD", K(1), K(2), K(1))
		}
		fn.Op("KMOVD", K(1), CX)
		fn.Op("MOVL", CX, Ptr(DI, 4*i))
		fn.Op("ORL", CX, R8)
	}
	fn.Op("TESTL", R8, R8)
	fn.Op("JNE", hit)
	fn.Op("ADDQ", R15, SI)
	fn.Op("DECQ", BX)
	fn.Op("JNE", again)
	fn.Place(hit)
	fn.Op("MOVQ", fn.Arg("tiles"), AX)
	fn.Op("SUBQ", BX, AX)
	fn.Op("MOVQ", AX, fn.Arg("passed"))
	fn.Ret()
}

// above2 handles 16 queries at a time: the panel is 32 wide all the same.
func above2(f *File) {
	const mr = 6
	fn := f.Func("aboveAVX2", "aboveAVX2 "+fmt.Sprintf(aboveComment, mr, " Only the first 16 queries count."), aboveParams, "passed int")
	fn.Op("MOVQ", fn.Arg("rs"), DX)
	fn.Op("MOVQ", fn.Arg("a"), SI)
	fn.Op("IMUL3Q", Imm(mr), DX, R15)
	again, hit := fn.Label("tile"), fn.Label("hit")
	fn.Op("MOVQ", fn.Arg("tiles"), BX)
	fn.Place(again)
	fn.Op("MOVQ", SI, R8)
	fn.Op("MOVQ", fn.Arg("b"), DI)
	fn.Op("MOVQ", fn.Arg("k"), CX)
	load := func(lo, hi Y) {
		fn.Op("VMOVUPS", Ptr(DI, 0), lo)
		fn.Op("VMOVUPS", Ptr(DI, 32), hi)
	}
	sums2(fn, mr, []Y{14, 15}, Imm(4), load, func() { fn.Op("ADDQ", Imm(128), DI) })
	fn.Op("MOVQ", fn.Arg("thresholds"), DI)
	fn.Op("VMOVUPS", Ptr(DI, 0), Y(12))
	fn.Op("VMOVUPS", Ptr(DI, 32), Y(13))
	fn.Op("MOVQ", fn.Arg("masks"), DI)
	fn.Op("XORL", R8, R8)
	const notLessOrEqual = 0x16
	for i := range mr {
		fn.Op("VCMPPS", Imm(notLessOrEqual), Y(12), Y(2*i), Y(14))
		fn.Op("VCMPPS", Imm(notLessOrEqual), Y(13), Y(2*i+1), Y(15))
		fn.Op("VMOVMSKPS", Y(14), CX)
		fn.Op("VMOVMSKPS", Y(15), R9)
		fn.Op("SHLL", Imm(8), R9)
		fn.Op("ORL", R9, CX)
		fn.Op("MOVL", CX, Ptr(DI, 4*i))
		fn.Op("ORL", CX, R8)
	}
	fn.Op("TESTL", R8, R8)
	fn.Op("JNE", hit)
	fn.Op("ADDQ", R15, SI)
	fn.Op("DECQ", BX)
	fn.Op("JNE", again)
	fn.Place(hit)
	fn.Op("MOVQ", fn.Arg("tiles"), AX)
	fn.Op("SUBQ", BX, AX)
	fn.Op("MOVQ", AX, fn.Arg("passed"))
	fn.Ret()
}

const maxSquaresParams = "out *float32, rows *float32, rs int, d int, n int"

const maxSquaresComment = `raises out[j], j < 16, to the largest sum of squares of the elements
j, j+16, … of one row, over n > 0 rows of d > 0 elements, rs bytes apart.`

func maxSquares512(f *File) {
	fn := f.Func("maxSquaresAVX512", "maxSquaresAVX512 "+maxSquaresComment, maxSquaresParams, "")
	fn.Op("MOVQ", fn.Arg("out"), DI)
	fn.Op("MOVQ", fn.Arg("rows"), SI)
	fn.Op("MOVQ", fn.Arg("rs"), DX)
	fn.Op("MOVQ", fn.Arg("d"), BX)
	fn.Op("MOVQ", fn.Arg("n"), R9)
	fn.Op("MOVL", Imm(-1), AX)
	fn.Op("MOVQ", BX, CX)
	fn.Op("ANDQ", Imm(15), CX)
	fn.Op("BZHIL", CX, AX, AX)
	fn.Op("KMOVW", AX, K(1))
	fn.Op("SHRQ", Imm(4), BX)
	fn.Op("VMOVUPS", Ptr(DI, 0), Z(2))
	row, loop, tail := fn.Label("row"), fn.Label("loop"), fn.Label("tail")
	fn.Place(row)
	zero(fn, 0)
	fn.Op("MOVQ", SI, R8)
	fn.Op("MOVQ", BX, CX)
	fn.Op("TESTQ", CX, CX)
	fn.Op("JEQ", tail)
	fn.Place(loop)
	fn.Op("VMOVUPS", Ptr(R8, 0), Z(1))
	fn.Op("VFMADD231PS", Z(1), Z(1), Z(0))
	fn.Op("ADDQ", Imm(64), R8)
	fn.Op("DECQ", CX)
	fn.Op("JNE", loop)
	fn.Place(tail)
	fn.Op("VMOVUPS.Z", Ptr(R8, 0), K(1), Z(1))
	fn.Op("VFMADD231PS", Z(1), Z(1), Z(0))
	fn.Op("VMAXPS", Z(2), Z(0), Z(2))
	fn.Op("ADDQ", DX, SI)
	fn.Op("DECQ", R9)
	fn.Op("JNE", row)
	fn.Op("VMOVUPS", Z(2), Ptr(DI, 0))
	fn.Ret()
}

func maxSquares2(f *File, mask Sym) {
	fn := f.Func("maxSquaresAVX2", "maxSquaresAVX2 "+maxSquaresComment, maxSquaresParams, "")
	fn.Op("MOVQ", fn.Arg("out"), DI)
	fn.Op("MOVQ", fn.Arg("rows"), SI)
	fn.Op("MOVQ", fn.Arg("rs"), DX)
	fn.Op("MOVQ", fn.Arg("d"), BX)
	fn.Op("MOVQ", fn.Arg("n"), R9)
	fn.Op("MOVQ", BX, CX)
	fn.Op("ANDQ", Imm(15), CX)
	fn.Op("SHLQ", Imm(2), CX)
	fn.Op("LEAQ", mask.At(64), AX)
	fn.Op("SUBQ", CX, AX)
	fn.Op("VMOVDQU", Ptr(AX, 0), Y(6))
	fn.Op("VMOVDQU", Ptr(AX, 32), Y(7))
	fn.Op("SHRQ", Imm(4), BX)
	fn.Op("VMOVUPS", Ptr(DI, 0), Y(4))
	fn.Op("VMOVUPS", Ptr(DI, 32), Y(5))
	row, loop, tail := fn.Label("row"), fn.Label("loop"), fn.Label("tail")
	fn.Place(row)
	zero(fn, 0)
	zero(fn, 1)
	fn.Op("MOVQ", SI, R8)
	fn.Op("MOVQ", BX, CX)
	fn.Op("TESTQ", CX, CX)
	fn.Op("JEQ", tail)
	fn.Place(loop)
	for h := range 2 {
		fn.Op("VMOVUPS", Ptr(R8, 32*h), Y(2+h))
		fn.Op("VFMADD231PS", Y(2+h), Y(2+h), Y(h))
	}
	fn.Op("ADDQ", Imm(64), R8)
	fn.Op("DECQ", CX)
	fn.Op("JNE", loop)
	fn.Place(tail)
	for h := range 2 {
		fn.Op("VMASKMOVPS", Ptr(R8, 32*h), Y(6+h), Y(2+h))
		fn.Op("VFMADD231PS", Y(2+h), Y(2+h), Y(h))
		fn.Op("VMAXPS", Y(4+h), Y(h), Y(4+h))
	}
	fn.Op("ADDQ", DX, SI)
	fn.Op("DECQ", R9)
	fn.Op("JNE", row)
	fn.Op("VMOVUPS", Y(4), Ptr(DI, 0))
	fn.Op("VMOVUPS", Y(5), Ptr(DI, 32))
	fn.Ret()
}
