package main

// The int8 kernels take 16 codes at a time: less the bias, they are signed bytes, whose
// products fit in words, which are added in pairs. Registers beside those of neonScan:
//
//	V0 … V3    partial sums of 4 rows
//	V16        16 elements of the query
//	V17        its last 16 elements, those before the tail zero
//	V20 … V26  a row and products
//	V31        the bias in every byte

func neonInt8Family() []*File {
	f := NewFile("int8", "arm64")
	var k neonInt8
	k.single(f)
	k.batch(f, false)
	k.batch(f, true)
	return []*File{f}
}

type neonInt8 struct{ fn *Func }

const (
	neonInt8Frame = 16
	neonInt8Tail  = "tail-16(SP)"
)

// enter sets the bias and the tail of the query, which has 16 elements at least.
func (k *neonInt8) enter() {
	fn := k.fn
	loop, done := fn.Label("blank"), fn.Label("entered")
	fn.Op("VMOVI", Imm(128), V(31).as("B16"))
	fn.Op("AND", Imm(15), neonDim, RL)
	fn.Op("CBZ", RL, done)
	fn.Op("ADD", neonDim, neonQuery, RK)
	fn.Op("SUB", Imm(16), RK)
	fn.Op("VLD1", Ptr(RK, 0), V(17).group(1, "B16"))
	fn.Op("MOVD", text("$"+neonInt8Tail), RM)
	fn.Op("VST1", V(17).group(1, "B16"), Ptr(RM, 0))
	fn.Op("MOVD", Imm(16), RK)
	fn.Op("SUB", RL, RK)
	fn.Place(loop)
	fn.Op("MOVB.P", text("ZR"), Ptr(RM, 1))
	fn.Op("SUBS", Imm(1), RK, RK)
	fn.Op("BNE", loop)
	fn.Op("MOVD", text("$"+neonInt8Tail), RM)
	fn.Op("VLD1", Ptr(RM, 0), V(17).group(1, "B16"))
	fn.Place(done)
}

// add accumulates the codes in V20 with the query in q.
func (k *neonInt8) add(acc, q V) {
	fn := k.fn
	fn.Op("VEOR", V(31).as("B16"), V(20).as("B16"), V(20).as("B16"))
	fn.word(0x0e20c000, "SMULL.8H", 24, q, 20)
	fn.word(0x4e20c000, "SMULL2.8H", 25, q, 20)
	fn.word(0x4e606800, "SADALP.4S", acc, 24, 0)
	fn.word(0x4e606800, "SADALP.4S", acc, 25, 0)
}

func (k *neonInt8) block(rows []GP) {
	fn := k.fn
	top, tail, end := fn.Label("chunks"), fn.Label("tail"), fn.Label("fold")
	for i := range V(len(rows)) {
		fn.zeroV(i)
	}
	fn.Op("MOVD", neonQuery, RK)
	fn.Op("LSR", Imm(4), neonDim, RN)
	fn.Place(top)
	fn.Op("VLD1.P", Ptr(RK, 16), V(16).group(1, "B16"))
	for i, r := range rows {
		fn.Op("VLD1.P", Ptr(r, 16), V(20).group(1, "B16"))
		k.add(V(i), 16)
	}
	fn.Op("SUBS", Imm(1), RN, RN)
	fn.Op("BNE", top)
	fn.Place(tail)
	fn.Op("AND", Imm(15), neonDim, RL)
	fn.Op("CBZ", RL, end)
	fn.Op("SUB", Imm(16), RL)
	for i, r := range rows {
		fn.Op("ADD", RL, r)
		fn.Op("VLD1", Ptr(r, 0), V(20).group(1, "B16"))
		k.add(V(i), 17)
	}
	fn.Place(end)
	pair := func(a, b V) { fn.Op("VADDP", b.as("S4"), a.as("S4"), a.as("S4")) }
	if len(rows) == 4 {
		pair(0, 1)
		pair(2, 3)
		pair(0, 2)
	} else {
		pair(0, 0)
		pair(0, 0)
	}
}

func (k *neonInt8) single(f *File) {
	fn := f.FuncFrame("dotInt8NEON", "dotInt8NEON returns the sum of q[i]*(row[i]-128), i < d. d is 16 at least.",
		"q *int8, row *uint8, d int", "ret int32", neonInt8Frame)
	k.fn = fn
	fn.Op("MOVD", fn.Arg("q"), neonQuery)
	fn.Op("MOVD", fn.Arg("row"), RA)
	fn.Op("MOVD", fn.Arg("d"), neonDim)
	k.enter()
	k.block(neonRows[:1])
	fn.Op("VMOV", text("V0.S[0]"), RK)
	fn.Op("MOVW", RK, fn.Arg("ret"))
	fn.Ret()
}

func (k *neonInt8) batch(f *File, gather bool) {
	kind, params, results, at := "Batch", "out *int32, q *int8, rows *uint8, d int, stride int, n int", "", "rows"
	doc := " sets out[i], i < n, to the sum of q[j]*(row[j]-128), j < d, where row is at\nrows + i*stride. d is 16 at least."
	if gather {
		kind, results, at = "Gather", "ok bool", "ids"
		params = "out *int32, q *int8, rows *uint8, d int, stride int, ids *uint32, n int, limit int, lines int"
		doc = " is dotInt8Batch of the rows at rows + ids[i]*stride. It reports whether no offset exceeds\n" +
			"limit, and fetches lines cache lines of rows ahead. d is 16 at least."
	}
	name := "dotInt8" + kind + "NEON"
	fn := f.FuncFrame(name, name+doc, params, results, neonInt8Frame)
	k.fn = fn
	s := &neonScan{fn: fn, gather: gather, done: fn.Label("done"), bad: fn.Label("bad")}
	s.enter(at)
	k.enter()
	s.loop(neonRows, k.block)
	s.leave()
}
