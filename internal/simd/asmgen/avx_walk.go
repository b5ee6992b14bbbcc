package main

// A chunk is 16 elements, DX+disp bytes from the start of the vectors. Those of group g go
// to partial sums 16g to 16g+15. Of a tail fewer than 16 exist, the rest counts as zeros.
type chunk struct {
	disp  int
	group int
	tail  bool
	bytes int // of a tail, if fewer than 64 suffice: 32, 16, or 4 for one element
}

// A walk goes through vectors in chunks, with DX as the offset in bytes. CX is clobbered.
type walk struct {
	fn  *Func
	isa isa
	tab tables
	len Operand // elements
	do  func(c chunk)
	// once computes the mask of a tail when it comes to it, not before.
	once bool
	// maskAtBX leaves the masks of AVX2 in memory at BX.
	maskAtBX bool
}

// tailMasks prepares the mask of the last chunk, before the loop over rows: of as many
// elements as it has, all 16 if there is no tail.
func (w *walk) tailMasks() {
	if w.isa.is512() {
		fn := w.fn
		fn.Op("MOVQ", w.len, CX)
		fn.Op("DECQ", CX)
		fn.Op("ANDL", Imm(15), CX)
		fn.Op("INCQ", CX)
		lowMask(fn, CX, DX, K(1))
	}
}

// tail calls do for a tail of CX elements, CX in 1 to 15. With AVX2 registers 10 and 11
// hold the masks of both halves.
func (w *walk) tail(group int) {
	fn := w.fn
	if w.isa.is512() {
		if w.once {
			fn.Op("LEAQ", w.tab.low, AX)
			fn.Op("KMOVW", PtrX(AX, CX, 4, 0), K(1))
		}
	} else {
		fn.Op("LEAQ", w.tab.mask.At(64), BX)
		for range 4 {
			fn.Op("SUBQ", CX, BX)
		}
		if !w.maskAtBX {
			fn.Op("VMOVDQU", Ptr(BX, 0), Y(10))
			fn.Op("VMOVDQU", Ptr(BX, 32), Y(11))
		}
	}
	if !w.once || w.maskAtBX {
		w.do(chunk{group: group, tail: true})
		return
	}
	// A load waits for stores to the bytes that its mask leaves out, too, which may be the
	// caller's next variables on the stack: short tails take short registers.
	half, quarter, end := fn.Label("half"), fn.Label("quarter"), fn.Label("added")
	fn.Op("CMPQ", CX, Imm(8))
	fn.Op("JLE", half)
	w.do(chunk{group: group, tail: true})
	fn.Op("JMP", end)
	fn.Place(half)
	fn.Op("CMPQ", CX, Imm(4))
	fn.Op("JLE", quarter)
	w.do(chunk{group: group, tail: true, bytes: 32})
	fn.Op("JMP", end)
	fn.Place(quarter)
	w.do(chunk{group: group, tail: true, bytes: 16})
	fn.Place(end)
}

// narrow walks with 16 partial sums, unroll chunks (a power of two) at a time.
func (w *walk) narrow(unroll int) {
	fn := w.fn
	top, rest, end := fn.Label("chunks"), fn.Label("rest"), fn.Label("fold")
	fn.Op("MOVQ", w.len, CX)
	fn.Op("XORL", DX, DX)
	fn.Op("SUBQ", Imm(16*unroll), CX)
	fn.Op("JLT", rest)
	fn.Place(top)
	for i := range unroll {
		w.do(chunk{disp: 64 * i})
	}
	fn.Op("ADDQ", Imm(64*unroll), DX)
	fn.Op("SUBQ", Imm(16*unroll), CX)
	fn.Op("JGE", top)
	fn.Place(rest) // the low bits of CX are those of the length
	for n := unroll / 2; n > 0; n /= 2 {
		skip := fn.Label("skip")
		fn.Op("TESTL", Imm(16*n), CX)
		fn.Op("JEQ", skip)
		for i := range n {
			w.do(chunk{disp: 64 * i})
		}
		fn.Op("ADDQ", Imm(64*n), DX)
		fn.Place(skip)
	}
	fn.Op("ANDL", Imm(15), CX)
	fn.Op("JEQ", end)
	w.tail(0)
	fn.Place(end)
}

// wide walks with 32 partial sums, unroll pairs of chunks at a time.
func (w *walk) wide(unroll int) {
	fn := w.fn
	top, rest, odd, tail0, end := fn.Label("pairs"), fn.Label("pair"), fn.Label("odd"), fn.Label("tail"), fn.Label("fold")
	fn.Op("MOVQ", w.len, CX)
	fn.Op("XORL", DX, DX)
	pairs := func(n int) {
		for i := range n {
			w.do(chunk{disp: 128 * i})
			w.do(chunk{disp: 128*i + 64, group: 1})
		}
		fn.Op("ADDQ", Imm(128*n), DX)
		fn.Op("SUBQ", Imm(32*n), CX)
	}
	fn.Op("SUBQ", Imm(32*unroll), CX)
	fn.Op("JLT", rest)
	fn.Place(top)
	pairs(unroll)
	fn.Op("JGE", top)
	fn.Place(rest)
	fn.Op("ADDQ", Imm(32*unroll-32), CX)
	fn.Op("JLT", odd)
	pair := fn.Label("pair")
	fn.Place(pair)
	pairs(1)
	fn.Op("JGE", pair)
	fn.Place(odd)
	fn.Op("ADDQ", Imm(32), CX)
	fn.Op("JEQ", end)
	fn.Op("SUBQ", Imm(16), CX)
	fn.Op("JLT", tail0)
	w.do(chunk{})
	fn.Op("ADDQ", Imm(64), DX)
	fn.Op("TESTQ", CX, CX)
	fn.Op("JEQ", end)
	w.tail(1)
	fn.Op("JMP", end)
	fn.Place(tail0)
	fn.Op("ADDQ", Imm(16), CX)
	w.tail(0)
	fn.Place(end)
}
