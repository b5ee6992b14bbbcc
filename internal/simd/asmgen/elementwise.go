package main

// elementwiseFamily writes the kernels that walk slices of one length side by side.
func elementwiseFamily() []*File {
	f := NewFile("elementwise", "amd64")
	tail := f.Data("elementTail", append(repeat(8, 0xffffffff), repeat(8, 0)...)...)
	for _, wide := range []bool{true, false} {
		s := &sweep{f: f, tail: tail, wide: wide}
		s.axpy()
		s.scale()
		s.sum()
		s.adam()
		s.adaGrad()
	}
	return []*File{f}
}

// A sweep writes one kernel that goes through slices of n elements. The pointers to them
// are SI, DI, R8 and R9, DX counts elements, CX what is left of n.
type sweep struct {
	f      *File
	tail   Sym
	wide   bool // AVX-512, else AVX2
	fn     *Func
	masked bool // in the last, incomplete step
	at     int  // elements from DX on
}

func (s *sweep) width() int {
	if s.wide {
		return 16
	}
	return 8
}

// r returns vector register i. Register 15 holds the mask of AVX2.
func (s *sweep) r(i int) Operand {
	if s.wide {
		return Z(i)
	}
	return Y(i)
}

func (s *sweep) start(name, comment, params, results string, pointers ...string) {
	suffix := "AVX2"
	if s.wide {
		suffix = "AVX512"
	}
	s.fn = s.f.Func(name+suffix, name+suffix+" "+comment, params, results)
	for i, p := range pointers {
		s.fn.Op("MOVQ", s.fn.Arg(p), sweepPtrs[i])
	}
	s.fn.Op("MOVQ", s.fn.Arg("n"), CX)
	s.fn.Op("XORL", DX, DX)
}

var sweepPtrs = []GP{SI, DI, R8, R9}

// float32s returns the elements of slice p.
func (s *sweep) float32s(p int) Mem { return PtrX(sweepPtrs[p], DX, 4, 4*s.at) }

// uint16s returns the elements of slice p.
func (s *sweep) uint16s(p int) Mem { return PtrX(sweepPtrs[p], DX, 2, 2*s.at) }

func (s *sweep) load(p int, to Operand) {
	switch {
	case !s.masked:
		s.fn.Op("VMOVUPS", s.float32s(p), to)
	case s.wide:
		s.fn.Op("VMOVUPS.Z", s.float32s(p), K(1), to)
	default:
		s.fn.Op("VMASKMOVPS", s.float32s(p), Y(15), to)
	}
}

func (s *sweep) store(from Operand, p int) {
	switch {
	case !s.masked:
		s.fn.Op("VMOVUPS", from, s.float32s(p))
	case s.wide:
		s.fn.Op("VMOVUPS", from, K(1), s.float32s(p))
	default:
		s.fn.Op("VMASKMOVPS", from, Y(15), s.float32s(p))
	}
}

// loop writes the step for unroll registers at a time, for one, and for what is left;
// step uses registers from 8*i on in round i, so that unroll is at most 2 on AVX2, and at
// most 4 on AVX-512.
func (s *sweep) loop(unroll int, step func(round int)) {
	fn, size := s.fn, s.width()
	one, rest, tail, end := fn.Label("one"), fn.Label("rest"), fn.Label("tail"), fn.Label("end")
	if unroll > 1 {
		many := fn.Label("many")
		fn.Op("SUBQ", Imm(unroll*size), CX)
		fn.Op("JLT", rest)
		fn.Place(many)
		for i := range unroll {
			s.at = i * size
			step(i)
		}
		s.at = 0
		fn.Op("ADDQ", Imm(unroll*size), DX)
		fn.Op("SUBQ", Imm(unroll*size), CX)
		fn.Op("JGE", many)
		fn.Place(rest)
		fn.Op("ADDQ", Imm((unroll-1)*size), CX)
	} else {
		fn.Op("SUBQ", Imm(size), CX)
	}
	fn.Op("JLT", tail)
	fn.Place(one)
	step(0)
	fn.Op("ADDQ", Imm(size), DX)
	fn.Op("SUBQ", Imm(size), CX)
	fn.Op("JGE", one)
	fn.Place(tail)
	fn.Op("ADDQ", Imm(size), CX)
	fn.Op("JEQ", end)
	s.masked = true
	if s.wide {
		lowMask(fn, CX, AX, K(1))
	} else {
		maskTail2(fn, s.tail, Y(15))
	}
	step(0)
	s.masked = false
	fn.Place(end)
}

func (s *sweep) axpy() {
	s.start("axpy", "computes y[i] += alpha*x[i], rounding twice.", "alpha float32, x *float32, y *float32, n int", "", "x", "y")
	s.fn.Op("VBROADCASTSS", s.fn.Arg("alpha"), s.r(7))
	s.loop(2, func(i int) {
		x, y := s.r(2*i), s.r(2*i+1)
		s.load(0, x)
		s.load(1, y)
		s.fn.Op("VMULPS", x, s.r(7), x)
		s.fn.Op("VADDPS", x, y, y)
		s.store(y, 1)
	})
	s.fn.Ret()
}

func (s *sweep) scale() {
	s.start("scale", "computes x[i] *= alpha.", "alpha float32, x *float32, n int", "", "x")
	s.fn.Op("VBROADCASTSS", s.fn.Arg("alpha"), s.r(7))
	s.loop(2, func(i int) {
		s.load(0, s.r(i))
		s.fn.Op("VMULPS", s.r(i), s.r(7), s.r(i))
		s.store(s.r(i), 0)
	})
	s.fn.Ret()
}

// sum goes by 16 elements on AVX2 as well: two registers of partial sums.
func (s *sweep) sum() {
	s.start("sum", "adds x[i] to acc[i%16].", "acc *float32, x *float32, n int", "", "x", "acc")
	fn := s.fn
	if s.wide {
		fn.Op("VMOVUPS", Ptr(DI, 0), Z(0))
		s.loop(1, func(int) {
			s.load(0, Z(1))
			fn.Op("VADDPS", Z(1), Z(0), Z(0))
		})
		fn.Op("VMOVUPS", Z(0), Ptr(DI, 0))
		fn.Ret()
		return
	}
	fn.Op("VMOVUPS", Ptr(DI, 0), Y(0))
	fn.Op("VMOVUPS", Ptr(DI, 32), Y(1))
	loop, rest, tail, end := fn.Label("loop"), fn.Label("rest"), fn.Label("tail"), fn.Label("end")
	fn.Op("SUBQ", Imm(16), CX)
	fn.Op("JLT", rest)
	fn.Place(loop)
	fn.Op("VADDPS", PtrX(SI, DX, 4, 0), Y(0), Y(0))
	fn.Op("VADDPS", PtrX(SI, DX, 4, 32), Y(1), Y(1))
	fn.Op("ADDQ", Imm(16), DX)
	fn.Op("SUBQ", Imm(16), CX)
	fn.Op("JGE", loop)
	fn.Place(rest)
	fn.Op("ADDQ", Imm(16), CX)
	fn.Op("CMPQ", CX, Imm(8))
	fn.Op("JLT", tail)
	fn.Op("VADDPS", PtrX(SI, DX, 4, 0), Y(0), Y(0))
	fn.Op("SUBQ", Imm(8), CX)
	fn.Op("JEQ", end)
	maskTail2(fn, s.tail, Y(15))
	fn.Op("VMASKMOVPS", PtrX(SI, DX, 4, 32), Y(15), Y(2))
	fn.Op("VADDPS", Y(2), Y(1), Y(1))
	fn.Op("JMP", end)
	fn.Place(tail)
	fn.Op("TESTQ", CX, CX)
	fn.Op("JEQ", end)
	maskTail2(fn, s.tail, Y(15))
	fn.Op("VMASKMOVPS", PtrX(SI, DX, 4, 0), Y(15), Y(2))
	fn.Op("VADDPS", Y(2), Y(0), Y(0))
	fn.Place(end)
	fn.Op("VMOVUPS", Y(0), Ptr(DI, 0))
	fn.Op("VMOVUPS", Y(1), Ptr(DI, 32))
	fn.Ret()
}

// constants broadcasts count values at the address in AX to registers from first on.
func (s *sweep) constants(arg string, first, count int) {
	s.fn.Op("MOVQ", s.fn.Arg(arg), AX)
	for i := range count {
		s.fn.Op("VBROADCASTSS", Ptr(AX, 4*i), s.r(first+i))
	}
}

func (s *sweep) adam() {
	s.start("adam", `computes a step of Adam, each operation rounded once; c holds beta1, 1-beta1, beta2,
1-beta2, the root of the second correction inverted, epsilon, the corrected rate, and
what decay leaves of s.`,
		"w *float32, grad *float32, m *float32, v *float32, n int, c *float32", "", "w", "grad", "m", "v")
	const c = 7 // to 14
	s.constants("c", c, 8)
	op := s.fn.Op
	s.loop(1, func(int) {
		r := s.r
		s.load(1, r(0))
		s.load(2, r(1))
		s.load(3, r(2))
		s.load(0, r(3))
		op("VMULPS", r(1), r(c), r(1))
		op("VMULPS", r(0), r(c+1), r(4))
		op("VADDPS", r(4), r(1), r(1)) // m
		op("VMULPS", r(0), r(0), r(0))
		op("VMULPS", r(2), r(c+2), r(2))
		op("VMULPS", r(0), r(c+3), r(0))
		op("VADDPS", r(0), r(2), r(2)) // v
		s.store(r(1), 2)
		s.store(r(2), 3)
		op("VSQRTPS", r(2), r(2))
		op("VMULPS", r(2), r(c+4), r(2))
		op("VADDPS", r(2), r(c+5), r(2))
		op("VMULPS", r(1), r(c+6), r(1))
		op("VDIVPS", r(2), r(1), r(1))
		op("VMULPS", r(3), r(c+7), r(3))
		op("VSUBPS", r(1), r(3), r(3))
		s.store(r(3), 0)
	})
	s.fn.Ret()
}

func (s *sweep) adaGrad() {
	s.start("adaGrad", "computes a step of AdaGrad, each operation rounded once; c holds the rate and epsilon.",
		"w *float32, grad *float32, s *float32, n int, c *float32", "", "w", "grad", "s")
	const c = 7
	s.constants("c", c, 2)
	op := s.fn.Op
	s.loop(1, func(int) {
		r := s.r
		s.load(1, r(0))
		s.load(2, r(1))
		s.load(0, r(2))
		op("VMULPS", r(0), r(0), r(3))
		op("VADDPS", r(3), r(1), r(1))
		s.store(r(1), 2)
		op("VSQRTPS", r(1), r(1))
		op("VADDPS", r(1), r(c+1), r(1))
		op("VMULPS", r(0), r(c), r(0))
		op("VDIVPS", r(1), r(0), r(0))
		op("VSUBPS", r(0), r(2), r(2))
		s.store(r(2), 0)
	})
	s.fn.Ret()
}
