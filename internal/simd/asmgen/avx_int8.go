package main

// The int8 kernels multiply biased codes c = v+128, unsigned bytes, by the signed bytes q of
// the query: Σ q·v = Σ q·c - Σ 128·q. The second sum is taken once per call and the partial
// sums start from minus it, lane by lane. Integers wrap around, so any order gives the same.
//
// With VNNI, VPDPBUSD adds four products to a lane, exactly. Without, bytes are widened to
// words for VPMADDWD; VPMADDUBSW would do with bytes, but saturates.

func int8Family() []*File {
	f := NewFile("int8", "amd64")
	tab := newTables(f)
	words := make([]uint32, 16)
	for i := 8; i < 16; i++ {
		words[i] = ^uint32(0)
	}
	wordMask := f.Data("int8Words", words...) // 16 words of zeros, then 16 of ones
	bias := make([]uint32, 8)
	for i := range bias {
		bias[i] = 128<<16 | 128
	}
	biasWords := f.Data("int8Bias", bias...)
	for _, s := range []isa{avx512, avx2} {
		k := &int8Kernel{isa: s, tab: tab, wordMask: wordMask, biasWords: biasWords}
		k.single(f)
		k.batch(f, false, false)
		k.batch(f, true, false)
		k.batch(f, false, true)
	}
	return []*File{f}
}

// Registers of the int8 kernels beside the partial sums, 0 to 7, and those of scan.
const (
	int8Start512 = 28 // minus the lanes of 128·q, with AVX-512
	int8Query512 = 16 // the query, up to 23
	int8Temp512  = 24 // 4 for loads
	int8Start2   = 10 // as above, with AVX2
	int8Query2   = 8
	int8Tail2    = 9 // the last 16 words of the query, those before the tail zero
	int8Temp2    = 12
)

// int8Kernel emits the kernels of one instruction set.
type int8Kernel struct {
	fn                  *Func
	isa                 isa
	tab                 tables
	wordMask, biasWords Sym
}

// step is how many elements a chunk has.
func (k *int8Kernel) step() int {
	if k.isa.is512() {
		return 64
	}
	return 16
}

// enter prepares the tail and the start of the partial sums. It clobbers CX and DX. SI is
// the query.
func (k *int8Kernel) enter() {
	fn := k.fn
	fn.Op("MOVQ", fn.Arg("d"), CX)
	fn.Op("MOVQ", CX, DX)
	top, tail, end := fn.Label("query"), fn.Label("querytail"), fn.Label("start")
	if k.isa.is512() {
		start, q, bias := Z(int8Start512), Z(int8Query512), Z(int8Temp512)
		fn.Op("DECQ", CX)
		fn.Op("ANDL", Imm(63), CX)
		fn.Op("INCQ", CX)
		fn.Op("MOVQ", Imm(-1), R8)
		fn.Op("BZHIQ", CX, R8, R8)
		fn.Op("KMOVQ", R8, K(1))
		fn.Op("MOVL", Imm(0x80808080), R8)
		fn.Op("VPBROADCASTD", R8, bias)
		zero(fn, int8Start512)
		fn.Op("XORL", CX, CX)
		fn.Op("SUBQ", Imm(64), DX)
		fn.Op("JLT", tail)
		fn.Place(top)
		fn.Op("VPDPBUSD", PtrX(SI, CX, 1, 0), bias, start)
		fn.Op("ADDQ", Imm(64), CX)
		fn.Op("SUBQ", Imm(64), DX)
		fn.Op("JGE", top)
		fn.Place(tail)
		fn.Op("ADDQ", Imm(64), DX)
		fn.Op("JEQ", end)
		fn.Op("VMOVDQU8.Z", PtrX(SI, CX, 1, 0), K(1), q)
		fn.Op("VPDPBUSD", q, bias, start)
		fn.Place(end)
		zero(fn, int8Query512)
		fn.Op("VPSUBD", start, q, start)
		return
	}
	start, q, t := Y(int8Start2), Y(int8Query2), Y(int8Tail2)
	fn.Op("VPMOVSXBW", PtrX(SI, DX, 1, -16), t)
	fn.Op("ANDL", Imm(15), CX)
	fn.Op("LEAQ", k.wordMask, BX)
	fn.Op("VPAND", PtrX(BX, CX, 2, 0), t, t)
	fn.Op("VPMADDWD", k.biasWords, t, start)
	fn.Op("XORL", CX, CX)
	fn.Op("SUBQ", Imm(16), DX)
	fn.Place(top)
	fn.Op("VPMOVSXBW", PtrX(SI, CX, 1, 0), q)
	fn.Op("VPMADDWD", k.biasWords, q, q)
	fn.Op("VPADDD", q, start, start)
	fn.Op("ADDQ", Imm(16), CX)
	fn.Op("SUBQ", Imm(16), DX)
	fn.Op("JGE", top)
	zero(fn, int8Query2)
	fn.Op("VPSUBD", start, q, start)
}

// begin sets the partial sums of n rows to the start.
func (k *int8Kernel) begin(n int) {
	for i := range n {
		if k.isa.is512() {
			k.fn.Op("VMOVDQA32", Z(int8Start512), Z(i))
		} else {
			k.fn.Op("VMOVDQA", Y(int8Start2), Y(i))
		}
	}
}

// load loads a chunk with AVX-512.
func (k *int8Kernel) load(mem Mem, to Z, tail bool) {
	if tail {
		k.fn.Op("VMOVDQU8.Z", mem, K(1), to)
	} else {
		k.fn.Op("VMOVDQU64", mem, to)
	}
}

// add accumulates the chunk at mem of a row.
func (k *int8Kernel) add(mem Mem, row, query int, tail bool) {
	fn := k.fn
	if k.isa.is512() {
		t := Z(int8Temp512 + row%4)
		k.load(mem, t, tail)
		fn.Op("VPDPBUSD", Z(query), t, Z(row))
		return
	}
	t := Y(int8Temp2 + row%4)
	fn.Op("VPMOVZXBW", mem, t)
	fn.Op("VPMADDWD", Y(query), t, t)
	fn.Op("VPADDD", t, Y(row), Y(row))
}

// walk accumulates rows of any dimension (with AVX2, of 16 at least).
func (k *int8Kernel) walk(rows []GP) {
	fn := k.fn
	top, rest, tail, end := fn.Label("chunks"), fn.Label("chunk"), fn.Label("tail"), fn.Label("fold")
	step := k.step()
	chunk := func(disp int) {
		k.query(disp)
		for i, r := range rows {
			k.add(PtrX(r, DX, 1, disp), i, k.queryReg(), false)
		}
	}
	k.begin(len(rows))
	fn.Op("MOVQ", fn.Arg("d"), CX)
	fn.Op("XORL", DX, DX)
	fn.Op("SUBQ", Imm(2*step), CX)
	fn.Op("JLT", rest)
	fn.Place(top)
	chunk(0)
	chunk(step)
	fn.Op("ADDQ", Imm(2*step), DX)
	fn.Op("SUBQ", Imm(2*step), CX)
	fn.Op("JGE", top)
	fn.Place(rest)
	fn.Op("ADDQ", Imm(step), CX)
	fn.Op("JLT", tail)
	chunk(0)
	fn.Op("ADDQ", Imm(step), DX)
	fn.Op("SUBQ", Imm(step), CX)
	fn.Place(tail)
	fn.Op("ADDQ", Imm(step), CX)
	fn.Op("JEQ", end)
	if k.isa.is512() {
		k.load(PtrX(SI, DX, 1, 0), Z(int8Query512), true)
		for i, r := range rows {
			k.add(PtrX(r, DX, 1, 0), i, k.queryReg(), true)
		}
	} else {
		fn.Op("ADDQ", CX, DX) // the last 16 elements, some of them a second time, by zero
		for i, r := range rows {
			k.add(PtrX(r, DX, 1, -16), i, int8Tail2, true)
		}
	}
	fn.Place(end)
}

// query loads a whole chunk of the query at DX+disp.
func (k *int8Kernel) query(disp int) {
	mem := PtrX(SI, DX, 1, disp)
	if k.isa.is512() {
		k.load(mem, Z(int8Query512), false)
	} else {
		k.fn.Op("VPMOVSXBW", mem, Y(int8Query2))
	}
}

func (k *int8Kernel) queryReg() int {
	if k.isa.is512() {
		return int8Query512
	}
	return int8Query2
}

func (k *int8Kernel) fold(rows int) {
	if k.isa.is512() {
		fold512(k.fn, ints, rows, Z(31))
	} else {
		foldAVX2(k.fn, ints, rows, 1, 12)
	}
}

func (k *int8Kernel) single(f *File) {
	name := "dotInt8" + k.isa.suffix
	fn := f.Func(name, name+" returns the sum of q[i]*(row[i]-128), i < d."+k.atLeast(),
		"q *int8, row *uint8, d int", "ret int32")
	k.fn = fn
	fn.Op("MOVQ", fn.Arg("q"), SI)
	k.enter()
	fn.Op("MOVQ", fn.Arg("row"), R8)
	k.walk([]GP{R8})
	if k.isa.is512() {
		k.isa.fold1(fn, ints)
	} else {
		zero(fn, 1)
		k.isa.foldOne(fn, ints, 0, 1)
	}
	fn.Op("VMOVSS", X(0), fn.Arg("ret"))
	fn.Ret()
}

func (k *int8Kernel) atLeast() string {
	if k.isa.is512() {
		return ""
	}
	return " d is 16 at least."
}

// maxFixedInt8 is the number of chunks up to which AVX-512 has a path for each.
const maxFixedInt8 = 4

func (k *int8Kernel) batch(f *File, gather, above bool) {
	kind, params, results := "Batch", "out *int32, q *int8, rows *uint8, d int, stride int, n int", ""
	doc := " sets out[i], i < n, to the sum of q[j]*(row[j]-128), j < d, where row is at\nrows + i*stride."
	switch {
	case gather:
		kind, results = "Gather", "ok bool"
		params = "out *int32, q *int8, rows *uint8, d int, stride int, ids *uint32, n int, limit int, lines int"
		doc = " is dotInt8Batch of the rows at rows + ids[i]*stride. It reports whether no offset exceeds\n" +
			"limit, and fetches lines cache lines of rows ahead."
	case above:
		kind, results = "Above", "kept int"
		params = "ids *uint32, scores *int32, q *int8, rows *uint8, d int, stride int, n int, threshold int32, base uint32"
		doc = " is dotInt8Batch of n rows that keeps the scores above threshold, and i+base."
	}
	name := "dotInt8" + kind + k.isa.suffix
	fn := f.Func(name, name+doc+k.atLeast(), params, results)
	k.fn = fn
	sc := &scan{fn: fn, isa: k.isa, gather: gather, above: above, num: ints, tab: k.tab}
	fn.Op("MOVQ", fn.Arg("q"), SI)
	k.enter()
	sc.enter()
	block := func(rows []GP) {
		k.walk(rows)
		k.fold(len(rows))
	}
	if !k.isa.is512() {
		sc.loop(0, 4, 0, block)
		sc.leave()
		return
	}
	paths := make([]Label, maxFixedInt8+1)
	fn.Op("MOVQ", fn.Arg("d"), CX)
	for chunks := 1; chunks <= maxFixedInt8; chunks++ {
		paths[chunks] = fn.Label("fixed")
		fn.Op("CMPQ", CX, Imm(64*chunks))
		fn.Op("JLE", paths[chunks])
	}
	big, small := 1, 1
	if gather {
		big, small = 8, 4
	}
	sc.loop(big, small, 0, block)
	for chunks := 1; chunks <= maxFixedInt8; chunks++ {
		fn.Place(paths[chunks])
		for c := range chunks {
			k.load(Ptr(SI, 64*c), Z(int8Query512+c), c == chunks-1)
		}
		if !gather {
			big, small = batchRows(chunks), 4
		}
		sc.loop(big, small, chunks, func(rows []GP) {
			k.begin(len(rows))
			for r, row := range rows {
				for c := range chunks {
					k.add(Ptr(row, 64*c), r, int8Query512+c, c == chunks-1)
				}
			}
			k.fold(len(rows))
		})
	}
	sc.leave()
}
