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
	fn.Place(tiny)
	p.tiny(tab, last)
	fn.Place(wide)
	p.groups = 2
	p.clear()
	w.wide(2)
	p.join()
	fn.Op("JMP", fold)
}

// tiny emits the sum of CX elements, up to 4: the other partial sums are zero, and adding
// them makes +0 of -0. It goes to last for the rest of the fold.
func (p *pairing) tiny(tab tables, last Label) {
	fn := p.fn
	one := fn.Label("one")
	fn.Op("XORL", DX, DX)
	fn.Op("CMPQ", CX, Imm(1))
	fn.Op("JEQ", one)
	if p.isa.is512() {
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
