package main

// The 16 partial sums of a row are four registers, the 32 of a wide one eight. Registers:
//
//	V0 … V15   partial sums: of 4 rows, or of 2 wide ones
//	V16 … V19  a chunk of the query
//	V20 … V23  a chunk of a row
//	R0 … R3    the rows of a block, which the walk moves on
//	R4 query, R5 next row or id, R6 stride, R7 rows to come, R8 out, R9 elements
//	R10, R11, R12, R13, R14, R15, R16 free
//
// The frame holds the tails of the query and of a row, padded with zeros.
const (
	neonQuery  = RE
	neonAt     = RF
	neonStride = RG
	neonLeft   = RH
	neonOut    = RI
	neonDim    = RJ
)

const (
	neonFrame   = 128
	neonQueryAt = "tails-128(SP)"
	neonRowAt   = "tails-64(SP)"
)

var neonRows = []GP{RA, RB, RC, RD}

func neonFamily() []*File {
	f := NewFile("distance", "arm64")
	for _, m := range []metric{dot, l2sq} {
		k := &neonKernel{m: m}
		k.single(f)
		k.long(f)
		k.batch(f, false)
		k.batch(f, true)
	}
	return []*File{f}
}

type neonKernel struct {
	fn *Func
	m  metric
}

// enter prepares the tail of the query.
func (k *neonKernel) enter() {
	fn := k.fn
	fn.zeroV(16)
	for _, at := range []string{neonQueryAt, neonRowAt} {
		fn.Op("MOVD", text("$"+at), RK)
		for range 4 {
			fn.Op("VST1.P", V(16).group(1, "B16"), text("16(R10)"))
		}
	}
	fn.Op("AND", text("$~15"), neonDim, RK)
	fn.Op("LSL", Imm(2), RK, RK)
	fn.Op("ADD", neonQuery, RK, RK)
	k.copyTail(RK, neonQueryAt)
}

// copyTail copies the last elements, dim mod 16, from r to the buffer. It moves r and
// clobbers R11, R12 and V24, V25.
func (k *neonKernel) copyTail(r GP, to string) {
	fn := k.fn
	fn.Op("MOVD", text("$"+to), RL)
	for bit := 3; bit >= 0; bit-- {
		skip := fn.Label("skip")
		fn.Op("TBZ", Imm(bit), neonDim, skip)
		switch bit {
		case 3:
			fn.Op("VLD1.P", Ptr(r, 32), V(24).group(2, "S4"))
			fn.Op("VST1.P", V(24).group(2, "S4"), Ptr(RL, 32))
		case 2:
			fn.Op("VLD1.P", Ptr(r, 16), V(24).group(1, "S4"))
			fn.Op("VST1.P", V(24).group(1, "S4"), Ptr(RL, 16))
		case 1:
			fn.Op("MOVD.P", Ptr(r, 8), RM)
			fn.Op("MOVD.P", RM, Ptr(RL, 8))
		case 0:
			fn.Op("MOVWU.P", Ptr(r, 4), RM)
			fn.Op("MOVW.P", RM, Ptr(RL, 4))
		}
		fn.Place(skip)
	}
}

// add accumulates the chunk in V20 … V23 of a row: acc is the first of four registers.
func (k *neonKernel) add(acc V) {
	for i := range V(4) {
		row, q := 20+i, 16+i
		if k.m == l2sq {
			k.fn.fsub4(row, q, row)
			q = row
		}
		k.fn.fmla4(acc+i, q, row)
	}
}

// chunk accumulates the next chunk of each row in group g of groups.
func (k *neonKernel) chunk(rows []GP, groups, g int) {
	fn := k.fn
	fn.Op("VLD1.P", Ptr(RK, 64), V(16).group(4, "S4"))
	for i, r := range rows {
		fn.Op("VLD1.P", Ptr(r, 64), V(20).group(4, "S4"))
		k.add(V(4 * (i*groups + g)))
	}
}

// tail accumulates the last elements of each row in group g.
func (k *neonKernel) tail(rows []GP, groups, g int) {
	fn := k.fn
	fn.Op("MOVD", text("$"+neonQueryAt), RK)
	fn.Op("VLD1", Ptr(RK, 0), V(16).group(4, "S4"))
	for i, r := range rows {
		k.copyTail(r, neonRowAt)
		fn.Op("MOVD", text("$"+neonRowAt), RL)
		fn.Op("VLD1", Ptr(RL, 0), V(20).group(4, "S4"))
		k.add(V(4 * (i*groups + g)))
	}
}

func (k *neonKernel) clear(rows, groups int) {
	for i := range V(4 * rows * groups) {
		k.fn.zeroV(i)
	}
}

// walk accumulates rows, with 16 partial sums or, in two groups, 32.
func (k *neonKernel) walk(rows []GP, groups int) {
	fn := k.fn
	top, rest, tail, end := fn.Label("chunks"), fn.Label("rest"), fn.Label("tail"), fn.Label("fold")
	left := RN
	fn.Op("MOVD", neonQuery, RK)
	fn.Op("LSR", Imm(4), neonDim, left)
	fn.Op("SUBS", Imm(groups), left, left)
	fn.Op("BLT", rest)
	fn.Place(top)
	for g := range groups {
		k.chunk(rows, groups, g)
	}
	fn.Op("SUBS", Imm(groups), left, left)
	fn.Op("BGE", top)
	fn.Place(rest)
	if groups == 2 {
		fn.Op("TBZ", Imm(4), neonDim, tail)
		k.chunk(rows, groups, 0)
		fn.Op("TST", Imm(15), neonDim)
		fn.Op("BEQ", end)
		k.tail(rows, groups, 1)
		fn.Op("JMP", end)
	}
	fn.Place(tail)
	fn.Op("TST", Imm(15), neonDim)
	fn.Op("BEQ", end)
	k.tail(rows, groups, 0)
	fn.Place(end)
}

// fold leaves the sums of the rows in the lanes of V0, in order.
func (k *neonKernel) fold(rows, groups int) {
	fn := k.fn
	for r := range V(rows) {
		acc := 4 * r * V(groups)
		if groups == 2 { // w = 16
			for i := range V(4) {
				fn.fadd4(acc+i, acc+i, acc+4+i)
			}
		}
		fn.fadd4(acc, acc, acc+2) // w = 8
		fn.fadd4(acc+1, acc+1, acc+3)
		fn.fadd4(acc, acc, acc+1) // w = 4
	}
	step := 4 * V(groups)
	// pair leaves [a0+a2 a1+a3 b0+b2 b1+b3] in a: w = 2.
	pair := func(a, b V) {
		fn.Op("VZIP1", b.as("D2"), a.as("D2"), V(16).as("D2"))
		fn.Op("VZIP2", b.as("D2"), a.as("D2"), V(17).as("D2"))
		fn.fadd4(a, 16, 17)
	}
	switch rows { // w = 1 adds neighbours
	case 1:
		pair(0, 0)
		fn.faddp4(0, 0, 0)
	case 2:
		pair(0, step)
		fn.faddp4(0, 0, 0)
	case 4:
		pair(0, step)
		pair(2*step, 3*step)
		fn.faddp4(0, 0, 2*step)
	}
}

func (k *neonKernel) single(f *File) {
	name := k.m.name + "NEON"
	fn := f.FuncFrame(name, name+" returns the sum of "+k.m.doc+", i < n.", "a *float32, b *float32, n int", "ret float32", neonFrame)
	k.fn = fn
	fn.Op("MOVD", fn.Arg("a"), neonQuery)
	fn.Op("MOVD", fn.Arg("b"), RA)
	fn.Op("MOVD", fn.Arg("n"), neonDim)
	fn.Op("TST", Imm(15), neonDim)
	whole, wide, done := fn.Label("whole"), fn.Label("wide"), fn.Label("done")
	fn.Op("BEQ", whole)
	k.enter()
	fn.Place(whole)
	fn.Op("CMP", Imm(wideDim), neonDim)
	fn.Op("BGE", wide)
	k.clear(1, 1)
	k.walk(neonRows[:1], 1)
	k.fold(1, 1)
	fn.Place(done)
	fn.Op("FMOVS", text("F0"), fn.Arg("ret"))
	fn.Ret()
	fn.Place(wide)
	k.clear(1, 2)
	k.walk(neonRows[:1], 2)
	k.fold(1, 2)
	fn.Op("JMP", done)
}

func (k *neonKernel) long(f *File) {
	name := k.m.name + "LongNEON"
	fn := f.FuncFrame(name, name+" adds "+k.m.doc+", i < n, to the 32 partial sums.", "acc *float32, a *float32, b *float32, n int", "", neonFrame)
	k.fn = fn
	fn.Op("MOVD", fn.Arg("a"), neonQuery)
	fn.Op("MOVD", fn.Arg("b"), RA)
	fn.Op("MOVD", fn.Arg("n"), neonDim)
	k.enter()
	fn.Op("MOVD", fn.Arg("acc"), RO)
	fn.Op("VLD1.P", Ptr(RO, 64), V(0).group(4, "S4"))
	fn.Op("VLD1", Ptr(RO, 0), V(4).group(4, "S4"))
	k.walk(neonRows[:1], 2)
	fn.Op("MOVD", fn.Arg("acc"), RO)
	fn.Op("VST1.P", V(0).group(4, "S4"), Ptr(RO, 64))
	fn.Op("VST1", V(4).group(4, "S4"), Ptr(RO, 0))
	fn.Ret()
}

func (k *neonKernel) batch(f *File, gather bool) {
	kind, params, results := "Batch", "out *float32, q *float32, rows *float32, d int, stride int, n int", ""
	doc := " sets out[i], i < n, to the sum over d elements of q and the row at rows + i*stride bytes\nof " + k.m.doc + "."
	if gather {
		kind, results = "Gather", "ok bool"
		params = "out *float32, q *float32, rows *float32, d int, stride int, ids *uint32, n int, limit int, lines int"
		doc = " is " + k.m.name + "Batch of the rows at rows + ids[i]*stride bytes. It reports whether no\n" +
			"offset exceeds limit, and fetches lines cache lines of rows ahead."
	}
	name := k.m.name + kind + "NEON"
	fn := f.FuncFrame(name, name+doc, params, results, neonFrame)
	k.fn = fn
	at := "rows"
	if gather {
		at = "ids"
	}
	s := &neonScan{fn: fn, gather: gather, done: fn.Label("done"), bad: fn.Label("bad")}
	s.enter(at)
	k.enter()
	wide := fn.Label("wide")
	fn.Op("CMP", Imm(wideDim), neonDim)
	fn.Op("BGE", wide)
	block := func(groups int) func(rows []GP) {
		return func(rows []GP) {
			k.clear(len(rows), groups)
			k.walk(rows, groups)
			k.fold(len(rows), groups)
		}
	}
	s.loop(neonRows, block(1))
	fn.Place(wide)
	s.loop(neonRows[:2], block(2))
	s.leave()
}
