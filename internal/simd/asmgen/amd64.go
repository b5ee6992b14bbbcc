package main

// isa is an instruction set of amd64: AVX-512, or AVX2 with FMA.
type isa struct {
	suffix string
	bytes  int // of a vector register
}

var (
	avx512 = isa{"AVX512", 64}
	avx2   = isa{"AVX2", 32}
)

func (s isa) is512() bool { return s.bytes == 64 }

// v returns vector register i in full width.
func (s isa) v(i int) Operand {
	if s.is512() {
		return Z(i)
	}
	return Y(i)
}

// parts is how many registers hold the 16 partial sums of one row.
func (s isa) parts() int { return 64 / s.bytes }

// zero clears the whole of vector register r. The processor knows the idiom and executes
// nothing; the form for the low part clears the rest, too.
func zero(fn *Func, r int) {
	if r < 16 {
		fn.Op("VPXOR", X(r), X(r), X(r))
	} else {
		fn.Op("VPXORD", Z(r), Z(r), Z(r))
	}
}

// arith holds the instructions of one kind of number that the reductions use.
type arith struct{ add, addOne string }

var (
	floats = arith{"VADDPS", "VADDSS"}
	ints   = arith{"VPADDD", "VPADDD"}
)

// The reductions below fold vectors of 16 partial sums in halves, for w = 8, 4, 2, 1 adding
// lane j+w to lane j, as the reference does. Those of several rows fold them together: a
// shuffle of two rows puts the lower halves of both in one register and the upper halves in
// another.

// fold1 leaves the sum of the row in register 0, which is of 16 lanes (two registers, 0 and
// 1, where they have 8), in lane 0. It clobbers register 1.
func (s isa) fold1(fn *Func, n arith) { s.foldOne(fn, n, 0, 1) }

// foldOne is fold1 for the row in register r (and r+1), clobbering t, which may be r+1.
func (s isa) foldOne(fn *Func, n arith, r, t int) {
	s.foldUpper(fn, n, r, t)
	s.foldLower(fn, n, r, t)
}

// foldUpper is foldOne for w = 8 and 4: it leaves four lanes.
func (s isa) foldUpper(fn *Func, n arith, r, t int) {
	if s.is512() {
		fn.Op("VEXTRACTF64X4", Imm(1), Z(r), Y(t))
		fn.Op(n.add, Y(t), Y(r), Y(r))
	} else {
		fn.Op(n.add, Y(r+1), Y(r), Y(r))
	}
	fn.Op("VEXTRACTF128", Imm(1), Y(r), X(t))
	fn.Op(n.add, X(t), X(r), X(r))
}

// foldLower is foldOne for w = 2 and 1.
func (s isa) foldLower(fn *Func, n arith, r, t int) {
	fn.Op("VPERMILPD", Imm(1), X(r), X(t))
	fn.Op(n.add, X(t), X(r), X(r))
	fn.Op("VMOVSHDUP", X(r), X(t))
	fn.Op(n.addOne, X(t), X(r), X(r))
}

// fold512 leaves the sums of the rows in registers 0 to rows-1, rows being 8, 4, 2 or 1, in
// the lanes of register 0, in order. It clobbers registers up to 15; order is what
// fold512Order loads.
func fold512(fn *Func, n arith, rows int, order Z) {
	if rows == 1 {
		avx512.fold1(fn, n)
		return
	}
	tmp := func(i int) Z { return Z(8 + i) }
	// halve folds pairs of registers; each of the masks takes one half of every 256 bits.
	halve := func(pairs int, lo, hi Imm) {
		for i := range pairs {
			fn.Op("VSHUFF64X2", lo, Z(2*i+1), Z(2*i), tmp(2*i))
			fn.Op("VSHUFF64X2", hi, Z(2*i+1), Z(2*i), tmp(2*i+1))
		}
		for i := range pairs {
			fn.Op(n.add, tmp(2*i+1), tmp(2*i), Z(i))
		}
	}
	halve(rows/2, 0x44, 0xee) // w = 8
	if rows == 2 {            // w = 4, in place: a row per 256 bits, its sums in the lower half
		fn.Op("VSHUFF64X2", Imm(0xb1), Z(0), Z(0), tmp(0))
		fn.Op(n.add, tmp(0), Z(0), Z(0))
		fn.Op("VEXTRACTF64X4", Imm(1), Z(0), Y(1))
		fn.Op("VUNPCKLPS", X(1), X(0), tmp2X(0))
		fn.Op("VUNPCKHPS", X(1), X(0), tmp2X(1))
		fn.Op(n.add, tmp2X(1), tmp2X(0), X(0)) // w = 2
		fn.Op("VPERMILPD", Imm(1), X(0), tmp2X(0))
		fn.Op(n.add, tmp2X(0), X(0), X(0)) // w = 1
		return
	}
	halve(rows/4, 0x88, 0xdd) // w = 4: a row per 128 bits
	if rows == 8 {            // w = 2
		fn.Op("VUNPCKLPS", Z(1), Z(0), tmp(0))
		fn.Op("VUNPCKHPS", Z(1), Z(0), tmp(1))
		fn.Op(n.add, tmp(1), tmp(0), Z(0))
		fn.Op("VPERMILPD", Imm(0x55), Z(0), tmp(0))
	} else {
		fn.Op("VPERMILPD", Imm(0x55), Z(0), tmp(0))
		fn.Op(n.add, tmp(0), Z(0), Z(0))
		fn.Op("VMOVSHDUP", Z(0), tmp(0))
	}
	fn.Op(n.add, tmp(0), Z(0), Z(0)) // w = 1
	fn.Op("VPERMPS", Z(0), order, Z(0))
}

func tmp2X(i int) X { return X(8 + i) }

// fold512Order are the lanes where fold512 finds the sums before it puts them in order.
var fold512Order = []uint32{0, 4, 8, 12, 1, 5, 9, 13, 0, 0, 0, 0, 0, 0, 0, 0}

// foldAVX2 leaves the sums of 4, 2 or 1 rows, row i in register i*step, where the 16 lanes are
// already 8 (w = 8 is done), in the lanes of register 0, in order. It clobbers t and t+1.
func foldAVX2(fn *Func, n arith, rows, step, t int) {
	if rows == 1 {
		fn.Op("VEXTRACTF128", Imm(1), Y(0), X(t))
		fn.Op(n.add, X(t), X(0), X(0))
		avx2.foldLower(fn, n, 0, t)
		return
	}
	pair := func(a, b int) { // w = 4
		fn.Op("VPERM2F128", Imm(0x20), Y(b), Y(a), Y(t))
		fn.Op("VPERM2F128", Imm(0x31), Y(b), Y(a), Y(t+1))
		fn.Op(n.add, Y(t+1), Y(t), Y(a))
	}
	pair(0, step)
	if rows == 4 {
		pair(2*step, 3*step)
		fn.Op("VUNPCKLPS", Y(2*step), Y(0), Y(t))
		fn.Op("VUNPCKHPS", Y(2*step), Y(0), Y(t+1))
		fn.Op(n.add, Y(t+1), Y(t), Y(0))
		fn.Op("VPERMILPD", Imm(5), Y(0), Y(t))
		fn.Op(n.add, Y(t), Y(0), Y(0))
	} else {
		fn.Op("VPERMILPD", Imm(5), Y(0), Y(t))
		fn.Op(n.add, Y(t), Y(0), Y(0))
		fn.Op("VMOVSHDUP", Y(0), Y(t))
		fn.Op(n.add, Y(t), Y(0), Y(0))
	}
	fn.Op("VEXTRACTF128", Imm(1), Y(0), X(t))
	fn.Op("VUNPCKLPS", X(t), X(0), X(0))
}

// tables are the constants of a file of kernels for amd64.
type tables struct {
	order Sym // fold512Order
	mask  Sym // 16 words of ones, then 16 of zeros
	iota  Sym // 0, 1, … 15
	low   Sym // the lowest i bits, i < 16
	four  Sym // 4, 4, 4, 4
	pack  Sym // for each set of 4 lanes, the shuffle of bytes that moves them to the front
}

func newTables(f *File) tables {
	var t tables
	prefix := f.name
	t.order = f.Data(prefix+"Order", fold512Order...)
	mask := make([]uint32, 32)
	count := make([]uint32, 16)
	for i := range 16 {
		mask[i] = ^uint32(0)
		count[i] = uint32(i)
	}
	t.mask = f.Data(prefix+"Mask", mask...)
	t.iota = f.Data(prefix+"Iota", count...)
	t.four = f.Data(prefix+"Four", 4, 4, 4, 4)
	low := make([]uint32, 16)
	for i := range low {
		low[i] = 1<<i - 1
	}
	t.low = f.Data(prefix+"Low", low...)
	var pack []uint32
	for set := range 16 {
		to := 0
		for lane := range 4 {
			if set>>lane&1 == 1 {
				pack = append(pack, 0x03020100+0x04040404*uint32(lane))
				to++
			}
		}
		for ; to < 4; to++ {
			pack = append(pack, 0x80808080)
		}
	}
	t.pack = f.Data(prefix+"Pack", pack...)
	return t
}

// lowMask sets mask register k to the low bits, as many as register n says, below 32. It
// clobbers t.
func lowMask(fn *Func, n, t GP, k K) {
	fn.Op("MOVL", Imm(-1), t)
	fn.Op("BZHIL", n, t, t)
	fn.Op("KMOVW", t, k)
}
