package main

// A scan scores many rows against one query. It owns the loop over the rows; what happens
// to a block of rows is the caller's. Registers during a block:
//
//	SI            the query
//	AX            bytes from row to row
//	rowRegs       the rows of the block
//	CX, DX        free
//	DI            next place in out; of a gather, next id; of a selection, how many are kept
//	Z29, Z30      of a selection with AVX-512: the threshold; 0, 1, 2, …
//	Z31           with AVX-512: order of fold512
//	n (argument)  rows to come; those of a big block are already taken off
type scan struct {
	fn     *Func
	isa    isa
	gather bool // rows are those that ids names, not the next ones
	above  bool // keep what exceeds a threshold, instead of all
	num    arith
	tab    tables
	done   Label
	bad    Label
}

// rowRegs hold the addresses of a block's rows. R14 is g and stays untouched.
var rowRegs = []GP{R8, R9, R10, R11, R12, R13, BX, R15}

const (
	scanQuery  = SI
	scanStride = AX
	scanAt     = DI
)

// enter loads what the loops need.
func (s *scan) enter() {
	fn := s.fn
	s.done, s.bad = fn.Label("done"), fn.Label("bad")
	fn.Op("MOVQ", fn.Arg("q"), scanQuery)
	fn.Op("MOVQ", fn.Arg("stride"), scanStride)
	switch {
	case s.gather:
		fn.Op("MOVQ", fn.Arg("ids"), scanAt)
	case s.above:
		fn.Op("XORL", scanAt, scanAt)
	default:
		fn.Op("MOVQ", fn.Arg("out"), scanAt)
	}
	if s.isa.is512() {
		fn.Op("VMOVUPS", s.tab.order, Z(31))
		if s.above {
			fn.Op("VBROADCASTSS", fn.Arg("threshold"), Y(29))
			fn.Op("VMOVDQU32", s.tab.iota, Y(30))
		}
	}
	if !s.gather {
		fn.Op("MOVQ", fn.Arg("rows"), R8)
	}
}

// leave ends the function: here all paths meet.
func (s *scan) leave() {
	fn := s.fn
	fn.Place(s.done)
	switch {
	case s.gather:
		fn.Op("MOVB", Imm(1), fn.Arg("ok"))
	case s.above:
		fn.Op("MOVQ", scanAt, fn.Arg("kept"))
	}
	fn.Ret()
	if s.gather {
		fn.Place(s.bad)
		fn.Op("MOVB", Imm(0), fn.Arg("ok"))
		fn.Ret()
	}
}

// loop emits the loop over the rows: blocks of big rows, then, for those that remain, of
// small ones (8, 4, 2 or 1; as many as big or fewer; big may be 0), the last of which may have
// rows that repeat. block emits the scoring of the rows in the given registers and leaves
// their scores in the low lanes of vector register 0. lines is how many cache lines of a row
// a gather fetches ahead, 0 if only the argument says.
func (s *scan) loop(big, small, lines int, block func(rows []GP)) {
	fn := s.fn
	n := fn.Arg("n")
	if big > 0 {
		rest, top := fn.Label("rest"), fn.Label("rows")
		rows := rowRegs[:big]
		fn.Op("SUBQ", Imm(big), n)
		fn.Op("JLT", rest)
		if !s.gather {
			s.chain(rows)
		}
		fn.Place(top)
		if s.gather {
			s.prefetch(big, lines, true)
			for i, r := range rows {
				s.locate(i, r)
			}
		}
		block(rows)
		s.sink(big, false)
		if s.gather {
			fn.Op("ADDQ", Imm(4*big), scanAt)
		} else {
			for _, r := range rows {
				fn.Op("LEAQ", PtrX(r, scanStride, big, 0), r)
			}
		}
		fn.Op("SUBQ", Imm(big), n)
		fn.Op("JGE", top)
		fn.Place(rest)
		fn.Op("ADDQ", Imm(big), n)
		fn.Op("JEQ", s.done)
		if big == 1 {
			return
		}
	}
	rows := rowRegs[:small]
	top, some, partial := fn.Label("few"), fn.Label("block"), fn.Label("last")
	if big != small {
		fn.Op("CMPQ", n, Imm(small))
		fn.Op("JLT", partial)
		fn.Place(top)
		if s.gather {
			if big == 0 {
				s.prefetch(small, lines, false)
			}
			for i, r := range rows {
				s.locate(i, r)
			}
		} else {
			s.chain(rows)
		}
	} else {
		fn.Op("JMP", partial)
	}
	fn.Place(some)
	block(rows)
	s.sink(small, true)
	if big != small {
		if s.gather {
			fn.Op("ADDQ", Imm(4*small), scanAt)
		} else {
			fn.Op("LEAQ", PtrX(R8, scanStride, small, 0), R8)
		}
		fn.Op("SUBQ", Imm(small), n)
		fn.Op("JLE", s.done)
		fn.Op("CMPQ", n, Imm(small))
		fn.Op("JGE", top)
	} else {
		fn.Op("JMP", s.done)
	}
	fn.Place(partial)
	if big == 0 {
		fn.Op("CMPQ", n, Imm(0))
		fn.Op("JEQ", s.done)
	}
	if s.gather {
		s.locate(0, R8)
	}
	for _, r := range rows[1:] {
		fn.Op("MOVQ", R8, r)
	}
	for i := 1; i < small-1; i++ {
		fn.Op("CMPQ", n, Imm(i+1))
		fn.Op("JLT", some)
		if s.gather {
			s.locate(i, rows[i])
		} else {
			fn.Op("LEAQ", PtrX(R8, scanStride, i, 0), rows[i])
		}
	}
	fn.Op("JMP", some)
}

// chain sets all rows but the first from the one before.
func (s *scan) chain(rows []GP) {
	for i := 1; i < len(rows); i++ {
		s.fn.Op("LEAQ", PtrX(rows[i-1], scanStride, 1, 0), rows[i])
	}
}

// locate sets r to the row of the i-th next id, and leaves if it is out of range: limit is
// the offset of the last row that fits.
func (s *scan) locate(i int, r GP) {
	fn := s.fn
	fn.Op("MOVL", Ptr(scanAt, 4*i), r)
	fn.Op("IMULQ", scanStride, r)
	fn.Op("CMPQ", r, fn.Arg("limit"))
	fn.Op("JHI", s.bad)
	fn.Op("ADDQ", fn.Arg("rows"), r)
}

// prefetch fetches the rows of the count ids after this block, or of those that are left.
// They are not checked: fetching from a wrong address does nothing. counted says that the
// argument n does not hold the rows of this block any more.
func (s *scan) prefetch(count, lines int, counted bool) {
	fn := s.fn
	some, id, line, fetched := fn.Label("some"), fn.Label("id"), fn.Label("line"), fn.Label("fetched")
	next := func(i int, r GP) {
		fn.Op("MOVL", Ptr(scanAt, 4*(count+i)), r)
		fn.Op("IMULQ", scanStride, r)
		fn.Op("ADDQ", fn.Arg("rows"), r)
	}
	left, ids := CX, DX
	fn.Op("MOVQ", fn.Arg("n"), left)
	if !counted {
		fn.Op("SUBQ", Imm(count), left)
	}
	fn.Op("CMPQ", left, Imm(count))
	fn.Op("JLT", some)
	if lines > 0 {
		for i := range count {
			r := rowRegs[i%2]
			next(i, r)
			for l := range lines {
				fn.Op("PREFETCHT0", Ptr(r, 64*l))
			}
		}
	} else {
		for i, r := range rowRegs[:count] {
			next(i, r)
		}
		fn.Op("MOVQ", fn.Arg("lines"), CX)
		all := fn.Label("lines")
		fn.Place(all)
		for _, r := range rowRegs[:count] {
			fn.Op("PREFETCHT0", Ptr(r, 0))
			fn.Op("ADDQ", Imm(64), r)
		}
		fn.Op("DECQ", CX)
		fn.Op("JGT", all)
	}
	fn.Op("JMP", fetched)
	fn.Place(some)
	fn.Op("LEAQ", Ptr(scanAt, 4*count), ids)
	fn.Op("TESTQ", left, left)
	fn.Op("JLE", fetched)
	fn.Place(id)
	row, lineCount := R8, R9
	fn.Op("MOVL", Ptr(ids, 0), row)
	fn.Op("IMULQ", scanStride, row)
	fn.Op("ADDQ", fn.Arg("rows"), row)
	fn.Op("MOVQ", fn.Arg("lines"), lineCount)
	fn.Place(line)
	fn.Op("PREFETCHT0", Ptr(row, 0))
	fn.Op("ADDQ", Imm(64), row)
	fn.Op("DECQ", lineCount)
	fn.Op("JGT", line)
	fn.Op("ADDQ", Imm(4), ids)
	fn.Op("DECQ", left)
	fn.Op("JNE", id)
	fn.Place(fetched)
}

// sink does what the scan is for with the scores of a block of rows. If the block may be
// partial, as many count as there are rows to come.
func (s *scan) sink(rows int, partial bool) {
	fn := s.fn
	if s.above {
		s.keep(rows, partial)
		return
	}
	n := fn.Arg("n")
	to := scanAt
	if s.gather {
		to = CX
		fn.Op("MOVQ", fn.Arg("out"), to)
	}
	part, stored := fn.Label("part"), fn.Label("stored")
	if partial {
		fn.Op("CMPQ", n, Imm(rows))
		fn.Op("JLT", part)
	}
	switch rows {
	case 8:
		fn.Op("VMOVUPS", Y(0), Ptr(to, 0))
	case 4:
		fn.Op("VMOVUPS", X(0), Ptr(to, 0))
	case 2:
		fn.Op("VMOVLPS", X(0), Ptr(to, 0))
	case 1:
		fn.Op("VMOVSS", X(0), Ptr(to, 0))
	}
	fn.Op("ADDQ", Imm(4*rows), to)
	if s.gather {
		fn.Op("MOVQ", to, fn.Arg("out"))
	}
	if !partial {
		return
	}
	fn.Op("JMP", stored)
	fn.Place(part)
	fn.Op("VMOVSS", X(0), Ptr(to, 0))
	for i := 1; i < rows-1; i++ {
		fn.Op("CMPQ", n, Imm(i+1))
		fn.Op("JLT", s.done)
		fn.Op("VEXTRACTPS", Imm(i), X(0), Ptr(to, 4*i))
	}
	fn.Op("JMP", s.done)
	fn.Place(stored)
}

// keep appends the scores above the threshold, and the numbers of their rows. Almost every
// block of a long scan has none: that case is a comparison and a branch.
func (s *scan) keep(rows int, partial bool) {
	fn := s.fn
	none, all := fn.Label("none"), fn.Label("all")
	set, ptr := CX, DX
	if s.isa.is512() {
		var scores, threshold Operand = Y(0), Y(29)
		if rows <= 4 {
			scores, threshold = X(0), X(29)
		}
		if s.num == ints {
			fn.Op("VPCMPD", Imm(6), threshold, scores, K(2))
		} else {
			fn.Op("VCMPPS", Imm(0x1e), threshold, scores, K(2))
		}
		fn.Op("KMOVW", K(2), set)
		if rows < 4 {
			fn.Op("ANDL", Imm(1<<rows-1), set)
			fn.Op("KMOVW", set, K(2))
		}
	} else {
		fn.Op("VBROADCASTSS", fn.Arg("threshold"), X(1))
		if s.num == ints {
			fn.Op("VPCMPGTD", X(1), X(0), X(1))
		} else {
			fn.Op("VCMPPS", Imm(0x1e), X(1), X(0), X(1))
		}
		fn.Op("VMOVMSKPS", X(1), set)
		if rows < 4 {
			fn.Op("ANDL", Imm(1<<rows-1), set)
		}
	}
	if partial {
		fn.Op("MOVQ", fn.Arg("n"), ptr)
		fn.Op("CMPQ", ptr, Imm(rows))
		fn.Op("JGE", all)
		fn.Op("BZHIL", ptr, set, set)
		if s.isa.is512() {
			fn.Op("KMOVW", set, K(2))
		}
		fn.Place(all)
	}
	fn.Op("TESTL", set, set)
	fn.Op("JEQ", none)
	if s.isa.is512() {
		fn.Op("VBROADCASTSS", fn.Arg("base"), Y(1))
		fn.Op("VPADDD", Y(30), Y(1), Y(1))
		fn.Op("VPCOMPRESSD.Z", Y(1), K(2), Y(1))
		fn.Op("VCOMPRESSPS.Z", Y(0), K(2), Y(0))
		fn.Op("MOVQ", fn.Arg("ids"), ptr)
		fn.Op("VMOVDQU", Y(1), PtrX(ptr, scanAt, 4, 0))
		fn.Op("MOVQ", fn.Arg("scores"), ptr)
		fn.Op("VMOVDQU", Y(0), PtrX(ptr, scanAt, 4, 0))
	} else {
		fn.Op("VBROADCASTSS", fn.Arg("base"), X(1))
		fn.Op("VPADDD", s.tab.iota, X(1), X(1))
		packX(fn, s.tab, set, ptr, X(0), X(1))
		fn.Op("MOVQ", fn.Arg("ids"), ptr)
		fn.Op("VMOVDQU", X(1), PtrX(ptr, scanAt, 4, 0))
		fn.Op("MOVQ", fn.Arg("scores"), ptr)
		fn.Op("VMOVDQU", X(0), PtrX(ptr, scanAt, 4, 0))
	}
	fn.Op("POPCNTL", set, set)
	fn.Op("ADDQ", set, scanAt)
	fn.Place(none)
	fn.Op("ADDL", Imm(rows), fn.Arg("base"))
}

// packX moves the lanes in set, a set of four, to the front of a and of b. It clobbers
// ptr, R12 and register 2.
func packX(fn *Func, tab tables, set, ptr GP, a, b X) {
	fn.Op("LEAQ", tab.pack, ptr)
	fn.Op("MOVL", set, R12)
	fn.Op("SHLL", Imm(4), R12)
	fn.Op("VMOVDQU", PtrX(ptr, R12, 1, 0), X(2))
	fn.Op("VPSHUFB", X(2), a, a)
	fn.Op("VPSHUFB", X(2), b, b)
}
