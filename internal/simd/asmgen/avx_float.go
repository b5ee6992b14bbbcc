package main

// Vectors of fewer than wideDim elements have 16 partial sums, others 32: one FMA after
// another takes four cycles each, which is all the time of a long vector on its own.
// The Go reference holds the same number.
const wideDim = 256

func distanceFamily() []*File {
	f := NewFile("distance", "amd64")
	tab := newTables(f)
	for _, s := range []isa{avx512, avx2} {
		for _, m := range []metric{dot, l2sq} {
			single(f, s, tab, m)
			long(f, s, tab, m)
			batch(f, s, tab, m, false, false)
			batch(f, s, tab, m, true, false)
		}
		batch(f, s, tab, dot, false, true)
		cosine(f, s, tab)
	}
	return []*File{f}
}

// metric is what is summed of a pair of elements.
type metric struct{ name, doc string }

var (
	dot  = metric{"dot", "a[i]*b[i]"}
	l2sq = metric{"l2sq", "(a[i]-b[i])^2"}
)

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

// A pairing accumulates one vector at SI with those at rows, with groups*16 partial sums
// each: accumulator group g, part p of row r is register r*groups*parts + g*parts + p, with
// AVX-512 r + len(rows)*g.
type pairing struct {
	fn     *Func
	isa    isa
	m      metric
	rows   []GP
	groups int
	temps  []int // registers for loads: the query's first
}

func (p *pairing) acc(row, group, part int) int {
	if p.isa.is512() {
		return row + len(p.rows)*group
	}
	return (row*p.groups+group)*p.isa.parts() + part
}

// clear zeroes the partial sums.
func (p *pairing) clear() {
	for r := range len(p.rows) * p.groups * p.isa.parts() {
		zero(p.fn, r)
	}
}

// add accumulates a chunk.
func (p *pairing) add(c chunk) {
	for part := range p.isa.parts() {
		if part == 1 && c.bytes > 0 {
			// Nothing but zeros, which make +0 of -0.
			t := p.isa.v(p.temps[1])
			zero(p.fn, p.temps[1])
			for i := range p.rows {
				acc := p.isa.v(p.acc(i, c.group, part))
				p.fn.Op("VADDPS", t, acc, acc)
			}
			continue
		}
		q := p.temps[0] + part
		if p.isa.is512() {
			q += c.group
		}
		disp := c.disp + part*p.isa.bytes
		loadFloats(p.fn, p.isa, PtrX(SI, DX, 1, disp), c, part, q)
		for i, row := range p.rows {
			p.pair(p.isa.v(q), PtrX(row, DX, 1, disp), p.acc(i, c.group, part), i, c, part)
		}
	}
}

// pair accumulates the elements in q with those in memory.
func (p *pairing) pair(q Operand, mem Mem, acc, row int, c chunk, part int) {
	fn, v := p.fn, p.isa.v
	t := p.temps[1+row%(len(p.temps)-1)]
	var from Operand = mem
	if c.tail {
		loadFloats(fn, p.isa, mem, c, part, t)
		from = v(t)
	}
	if p.m == dot {
		fn.Op("VFMADD231PS", from, q, v(acc))
		return
	}
	fn.Op("VSUBPS", from, q, v(t))
	fn.Op("VFMADD231PS", v(t), v(t), v(acc))
}

// join adds the second group of partial sums to the first: w = 16.
func (p *pairing) join() {
	if p.groups == 1 {
		return
	}
	for r := range p.rows {
		for part := range p.isa.parts() {
			a, b := p.isa.v(p.acc(r, 0, part)), p.isa.v(p.acc(r, 1, part))
			p.fn.Op("VADDPS", b, a, a)
		}
	}
}

// loadFloats loads a register; of a tail, what the mask of the part allows, and zeros.
func loadFloats(fn *Func, s isa, mem Mem, c chunk, part, to int) {
	switch {
	case !c.tail:
		fn.Op("VMOVUPS", mem, s.v(to))
	case c.bytes == 4:
		fn.Op("VMOVSS", mem, X(to))
	case s.is512() && c.bytes == 16:
		fn.Op("VMOVUPS.Z", mem, K(1), X(to))
	case s.is512() && c.bytes == 32:
		fn.Op("VMOVUPS.Z", mem, K(1), Y(to))
	case s.is512():
		fn.Op("VMOVUPS.Z", mem, K(1), Z(to))
	case c.bytes == 16:
		fn.Op("VMASKMOVPS", mem, X(10+part), X(to))
	default:
		fn.Op("VMASKMOVPS", mem, Y(10+part), Y(to))
	}
}

// temps lists the registers that batches use beside the partial sums.
func (s isa) temps() []int {
	if s.is512() {
		return []int{16, 24, 25, 26, 27}
	}
	return []int{8, 12, 13, 14, 15}
}

// single emits the sum over one pair of vectors.
func single(f *File, s isa, tab tables, m metric) {
	fn := f.Func(m.name+s.suffix, m.name+s.suffix+" returns the sum of "+m.doc+", i < n.",
		"a *float32, b *float32, n int", "ret float32")
	fn.Op("MOVQ", fn.Arg("a"), SI)
	fn.Op("MOVQ", fn.Arg("b"), DI)
	p := &pairing{fn: fn, isa: s, m: m, rows: []GP{DI}, groups: 1, temps: s.temps()}
	w := &walk{fn: fn, isa: s, tab: tab, len: fn.Arg("n"), do: p.add, once: true}
	wide, fold, last, tiny := fn.Label("wide"), fn.Label("fold"), fn.Label("last"), fn.Label("tiny")
	fn.Op("MOVQ", fn.Arg("n"), CX)
	fn.Op("CMPQ", CX, Imm(wideDim))
	fn.Op("JGE", wide)
	p.clear()
	fn.Op("CMPQ", CX, Imm(4))
	fn.Op("JLE", tiny)
	w.narrow(4)
	fn.Place(fold)
	s.foldUpper(fn, floats, 0, 1)
	fn.Place(last)
	s.foldLower(fn, floats, 0, 1)
	fn.Op("VMOVSS", X(0), fn.Arg("ret"))
	fn.Ret()
	fn.Place(tiny) // up to 4 elements: the other partial sums are zero
	one := fn.Label("one")
	fn.Op("XORL", DX, DX)
	fn.Op("CMPQ", CX, Imm(1))
	fn.Op("JEQ", one)
	if s.is512() {
		fn.Op("LEAQ", tab.low, AX)
		fn.Op("KMOVW", PtrX(AX, CX, 4, 0), K(1))
	} else {
		fn.Op("LEAQ", tab.mask.At(64), BX)
		fn.Op("SHLQ", Imm(2), CX)
		fn.Op("SUBQ", CX, BX)
		fn.Op("VMOVDQU", Ptr(BX, 0), X(10))
	}
	p.add(chunk{tail: true, bytes: 16})
	zero(fn, 1)
	fn.Op("VADDPS", X(1), X(0), X(0))
	fn.Op("JMP", last)
	fn.Place(one)
	p.add(chunk{tail: true, bytes: 4})
	zero(fn, 1)
	fn.Op("VADDSS", X(1), X(0), X(0))
	fn.Op("VMOVSS", X(0), fn.Arg("ret"))
	fn.Ret()
	fn.Place(wide)
	p.groups = 2
	p.clear()
	w.wide(2)
	p.join()
	fn.Op("JMP", fold)
}

// long emits the accumulation of a piece of a long pair of vectors into partial sums that
// the caller keeps.
func long(f *File, s isa, tab tables, m metric) {
	name := m.name + "Long" + s.suffix
	fn := f.Func(name, name+" adds "+m.doc+", i < n, to the 32 partial sums.",
		"acc *float32, a *float32, b *float32, n int", "")
	fn.Op("MOVQ", fn.Arg("acc"), R8)
	fn.Op("MOVQ", fn.Arg("a"), SI)
	fn.Op("MOVQ", fn.Arg("b"), DI)
	p := &pairing{fn: fn, isa: s, m: m, rows: []GP{DI}, groups: 2, temps: s.temps()}
	w := &walk{fn: fn, isa: s, tab: tab, len: fn.Arg("n"), do: p.add, once: true}
	regs := 2 * s.parts()
	for i := range regs {
		fn.Op("VMOVUPS", Ptr(R8, i*s.bytes), s.v(i))
	}
	w.wide(2)
	for i := range regs {
		fn.Op("VMOVUPS", s.v(i), Ptr(R8, i*s.bytes))
	}
	fn.Ret()
}

// cosine emits the three sums of a cosine.
func cosine(f *File, s isa, tab tables) {
	name := "cosineSums" + s.suffix
	fn := f.Func(name, name+" returns the sums of a[i]*b[i], a[i]*a[i] and b[i]*b[i], i < n.",
		"a *float32, b *float32, n int", "ab float32, aa float32, bb float32")
	fn.Op("MOVQ", fn.Arg("a"), SI)
	fn.Op("MOVQ", fn.Arg("b"), DI)
	// Sum k, group g, part i is register parts*(k + 3g) + i.
	parts := s.parts()
	clear := func(groups int) {
		for r := range 3 * groups * parts {
			zero(fn, r)
		}
	}
	a, b := 12, 13
	if s.is512() {
		a, b = 16, 17
	}
	add := func(c chunk) {
		for part := range parts {
			disp := c.disp + part*s.bytes
			at := func(sum int) Operand { return s.v(parts*(sum+3*c.group) + part) }
			if s.is512() || !c.tail {
				loadFloats(fn, s, PtrX(SI, DX, 1, disp), c, part, a)
				loadFloats(fn, s, PtrX(DI, DX, 1, disp), c, part, b)
			} else { // registers 10 and 11 hold sums
				fn.Op("VMOVDQU", Ptr(BX, 32*part), Y(14))
				fn.Op("VMASKMOVPS", PtrX(SI, DX, 1, disp), Y(14), Y(a))
				fn.Op("VMASKMOVPS", PtrX(DI, DX, 1, disp), Y(14), Y(b))
			}
			fn.Op("VFMADD231PS", s.v(a), s.v(b), at(0))
			fn.Op("VFMADD231PS", s.v(a), s.v(a), at(1))
			fn.Op("VFMADD231PS", s.v(b), s.v(b), at(2))
		}
	}
	w := &walk{fn: fn, isa: s, tab: tab, len: fn.Arg("n"), do: add, once: true, maskAtBX: true}
	wide, fold := fn.Label("wide"), fn.Label("fold")
	fn.Op("CMPQ", fn.Arg("n"), Imm(wideDim))
	fn.Op("JGE", wide)
	clear(1)
	w.narrow(2)
	fn.Place(fold)
	for k, to := range []string{"ab", "aa", "bb"} {
		s.foldOne(fn, floats, parts*k, 15)
		fn.Op("VMOVSS", X(parts*k), fn.Arg(to))
	}
	fn.Ret()
	fn.Place(wide)
	clear(2)
	w.wide(1)
	for r := range 3 * parts {
		fn.Op("VADDPS", s.v(r+3*parts), s.v(r), s.v(r))
	}
	fn.Op("JMP", fold)
}

// exactDims have a path without a mask in batches: prefetching ahead of masked loads is poor,
// which shows when half of the loads have a mask (4.0 instead of 5.2 times vek at 32).
var exactDims = []int{16, 32}

// maxFixed is the number of chunks up to which AVX-512 has a path for each: the query stays
// in registers and nothing is counted.
const maxFixed = 8

// batchRows returns how many rows a batch with AVX-512 takes at a time if they have so many
// chunks of 64 bytes. They are read in order, and no instruction reads more than 1 KiB after
// its last reading: beyond, Zen 5 does not recognize the stride and brings no lines from the
// second level cache ahead (120 instead of 180 to 230 GB/s).
func batchRows(chunks int) int {
	switch {
	case chunks <= 2:
		return 8
	case chunks <= 4:
		return 4
	case chunks <= maxFixed:
		return 2
	}
	return 1
}

// batch emits the scores of many rows: of the next ones, of those that ids names, or, of
// the next ones, those above a threshold.
func batch(f *File, s isa, tab tables, m metric, gather, above bool) {
	kind, params, results := "Batch", "out *float32, q *float32, rows *float32, d int, stride int, n int", ""
	doc := " sets out[i], i < n, to the sum over d elements of q and the row at rows + i*stride bytes\nof " + m.doc + "."
	switch {
	case gather:
		kind, results = "Gather", "ok bool"
		params = "out *float32, q *float32, rows *float32, d int, stride int, ids *uint32, n int, limit int, lines int"
		doc = " is " + m.name + "Batch of the rows at rows + ids[i]*stride bytes. It reports whether no\n" +
			"offset exceeds limit, and fetches lines cache lines of rows ahead."
	case above:
		kind, results = "Above", "kept int"
		params = "ids *uint32, scores *float32, q *float32, rows *float32, d int, stride int, n int, threshold float32, base uint32"
		doc = " is " + m.name + "Batch of n rows that keeps the scores above threshold, and i+base."
	}
	name := m.name + kind + s.suffix
	fn := f.Func(name, name+doc, params, results)
	sc := &scan{fn: fn, isa: s, gather: gather, above: above, num: floats, tab: tab}
	w := &walk{fn: fn, isa: s, tab: tab, len: fn.Arg("d")}
	w.tailMasks()
	sc.enter()
	block := func(groups, unroll int) func(rows []GP) {
		return func(rows []GP) {
			p := &pairing{fn: fn, isa: s, m: m, rows: rows, groups: groups, temps: s.temps()}
			w.do = p.add
			p.clear()
			if groups == 2 {
				w.wide(unroll)
			} else {
				w.narrow(unroll)
			}
			p.join()
			p.fold()
		}
	}
	// fixed holds the query in registers 16 and up; the last chunk may have a mask.
	fixed := func(chunks int, masked bool) func(rows []GP) {
		return func(rows []GP) {
			p := &pairing{fn: fn, isa: s, m: m, rows: rows, groups: 1, temps: s.temps()}
			p.clear()
			for r, row := range rows {
				for c := range chunks {
					p.pair(Z(16+c), Ptr(row, 64*c), r, r, chunk{tail: masked && c == chunks-1}, 0)
				}
			}
			p.fold()
		}
	}
	query := func(chunks int) {
		for c := range chunks {
			loadFloats(fn, s, Ptr(SI, 64*c), chunk{tail: c == chunks-1}, 0, 16+c)
		}
	}
	wide := fn.Label("wide")
	fn.Op("MOVQ", fn.Arg("d"), CX)
	fn.Op("CMPQ", CX, Imm(wideDim))
	fn.Op("JGE", wide)
	switch {
	case s.is512():
		exact := make([]Label, len(exactDims))
		if !gather {
			for i, d := range exactDims {
				exact[i] = fn.Label("exact")
				fn.Op("CMPQ", CX, Imm(d))
				fn.Op("JEQ", exact[i])
			}
		}
		paths := make([]Label, maxFixed+1)
		for chunks := 1; chunks <= maxFixed; chunks++ {
			paths[chunks] = fn.Label("fixed")
			fn.Op("CMPQ", CX, Imm(16*chunks))
			fn.Op("JLE", paths[chunks])
		}
		// A batch leaves rows of more elements to the processor's prefetching, one after
		// another; a gather brings them itself and profits from the sums side by side.
		big, small := 1, 1
		if gather {
			big, small = 8, 4
		}
		sc.loop(big, small, 0, block(1, 4))
		for chunks := 1; chunks <= maxFixed; chunks++ {
			fn.Place(paths[chunks])
			query(chunks)
			if !gather {
				big, small = batchRows(chunks), min(batchRows(chunks), 4)
			}
			sc.loop(big, small, chunks, fixed(chunks, true))
		}
		if !gather {
			for i, d := range exactDims {
				fn.Place(exact[i])
				query(d / 16)
				sc.loop(batchRows(d/16), 4, 0, fixed(d/16, false))
			}
		}
		fn.Place(wide)
		if !gather {
			big, small = 1, 1
		}
		sc.loop(big, small, 0, block(2, 2))
	default:
		sc.loop(0, 4, 0, block(1, 2))
		fn.Place(wide)
		if gather {
			sc.loop(0, 2, 0, block(2, 2))
		} else {
			sc.loop(1, 1, 0, block(2, 2))
		}
	}
	sc.leave()
}

// fold leaves the sums of the rows in register 0, in order.
func (p *pairing) fold() {
	if p.isa.is512() {
		fold512(p.fn, floats, len(p.rows), Z(31))
		return
	}
	for r := range p.rows { // w = 8
		a, b := Y(p.acc(r, 0, 0)), Y(p.acc(r, 0, 1))
		p.fn.Op("VADDPS", b, a, a)
	}
	foldAVX2(p.fn, floats, len(p.rows), p.acc(1, 0, 0), 12)
}
