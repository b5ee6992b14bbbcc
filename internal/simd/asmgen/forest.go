package main

// forestFamily writes the kernels of forests: every node of a tree is asked for 32 rows, and each
// yes strikes leaves out of the rows' bit vectors.
func forestFamily() []*File {
	f := NewFile("forest", "amd64")
	for _, s := range []isa{avx512, avx2} {
		for _, wide := range []bool{false, true} {
			for _, to := range []string{"Sum", "Sum32", "Find"} {
				k := &forestKernel{isa: s, wide: wide, to: to}
				if k.is512() {
					k.write512(f)
				} else {
					k.write2(f)
				}
			}
		}
	}
	return []*File{f}
}

// forestKernel is one of the kernels. Registers:
//
//	SI, CX   the tree, trees to come
//	R8       the next node
//	DX       the block
//	DI       sums, or where to write leaves
//	R10      the leaves of the tree
//	R9, R11  nodes to come, the place of a node's column
type forestKernel struct {
	isa
	wide bool
	to   string // Sum, Sum32, Find
	fn   *Func
}

const (
	forestNodeBytes = 12
	forestTreeBytes = 20
)

func (k *forestKernel) begin(f *File, frame int) {
	name := "forest" + k.to
	half := "32"
	if k.wide {
		name += "Wide"
		half = "64"
	}
	name += k.suffix
	var doc, params string
	switch k.to {
	case "Sum":
		doc, params = " adds the leaf of each of the 32 rows of the block to its sum, for count > 0 trees of\nup to "+half+" leaves.", "sums *float64, block *int32, trees *ForestTree, nodes *ForestNode, leaves *float64, count int"
	case "Sum32":
		doc, params = " adds the leaf of each of the 32 rows of the block to its sum, for count > 0 trees of\nup to "+half+" leaves.", "sums *float32, block *int32, trees *ForestTree, nodes *ForestNode, leaves *float32, count int"
	default:
		doc, params = " writes the leaf of each of the 32 rows of the block, for count > 0 trees of up to\n"+half+" leaves.", "found *uint32, block *int32, trees *ForestTree, nodes *ForestNode, count int"
	}
	k.fn = f.FuncFrame(name, name+doc, params, "", frame)
	fn := k.fn
	if k.to == "Find" {
		fn.Op("MOVQ", fn.Arg("found"), DI)
	} else {
		fn.Op("MOVQ", fn.Arg("sums"), DI)
		fn.Op("MOVQ", fn.Arg("leaves"), R10)
	}
	fn.Op("MOVQ", fn.Arg("block"), DX)
	fn.Op("MOVQ", fn.Arg("trees"), SI)
	fn.Op("MOVQ", fn.Arg("nodes"), R8)
	fn.Op("MOVQ", fn.Arg("count"), CX)
}

// slots is how many leaves each tree has room for.
func (k *forestKernel) slots() int {
	if k.wide {
		return 64
	}
	return 32
}

// nodes writes the loop over nodes of kind i, as ForestTree counts them.
func (k *forestKernel) nodes(i int, ask func()) {
	fn := k.fn
	loop, done := fn.Label("node"), fn.Label("done")
	fn.Op("MOVL", Ptr(SI, 4*i), R9)
	fn.Op("TESTL", R9, R9)
	fn.Op("JEQ", done)
	fn.Place(loop)
	fn.Op("MOVL", Ptr(R8, 4), R11)
	ask()
	fn.Op("ADDQ", Imm(forestNodeBytes), R8)
	fn.Op("DECL", R9)
	fn.Op("JNE", loop)
	fn.Place(done)
}

// next goes on with the next tree.
func (k *forestKernel) next(loop Label) {
	fn := k.fn
	fn.Op("ADDQ", Imm(forestTreeBytes), SI)
	switch k.to {
	case "Sum":
		fn.Op("ADDQ", Imm(8*k.slots()), R10)
	case "Sum32":
		fn.Op("ADDQ", Imm(4*k.slots()), R10)
	default:
		fn.Op("ADDQ", Imm(128), DI)
	}
	fn.Op("DECQ", CX)
	fn.Op("JNE", loop)
	fn.Ret()
}

// write512 writes a kernel for AVX-512. The leaves that are left are bits of registers 0
// and 1, of leaves 32 to 63 in 2 and 3.
func (k *forestKernel) write512(f *File) {
	k.begin(f, 0)
	fn := k.fn
	zero(fn, 31)
	k.constant(30, 127)
	k.constant(29, 32)
	k.constant(28, 16)
	tree := fn.Label("tree")
	fn.Place(tree)
	k.half512(0, 0)
	if k.wide {
		k.half512(2, 2)
	}
	k.lowest512()
	switch k.to {
	case "Sum":
		k.sum512()
	case "Sum32":
		k.single512()
	default:
		fn.Op("VMOVDQU32", Z(0), Ptr(DI, 0))
		fn.Op("VMOVDQU32", Z(1), Ptr(DI, 64))
	}
	k.next(tree)
}

// constant puts a number in all lanes of register r.
func (k *forestKernel) constant(r int, value int) {
	k.fn.Op("MOVL", Imm(value), AX)
	k.fn.Op("VPBROADCASTD", AX, Z(r))
}

// half512 asks the nodes of kinds i and i+1 for registers r and r+1.
func (k *forestKernel) half512(i, r int) {
	fn := k.fn
	fn.Op("VPTERNLOGD", Imm(255), Z(r), Z(r), Z(r))
	fn.Op("VMOVDQA64", Z(r), Z(r+1))
	column := PtrX(DX, R11, 1, 0)
	strike := func() {
		fn.Op("VPANDD", Z(5), Z(r), K(1), Z(r))
		fn.Op("VPANDD", Z(5), Z(r+1), K(2), Z(r+1))
	}
	load := func() {
		fn.Op("VPBROADCASTD", Ptr(R8, 0), Z(4))
		fn.Op("VPBROADCASTD", Ptr(R8, 8), Z(5))
	}
	k.nodes(i, func() {
		load()
		fn.Op("VPCMPD", Imm(2), column, Z(4), K(1))
		fn.Op("VPCMPD", Imm(2), column.Add(64), Z(4), K(2))
		strike()
	})
	k.nodes(i+1, func() {
		load()
		fn.Op("VPTESTMD", column, Z(4), K(1))
		fn.Op("VPTESTMD", column.Add(64), Z(4), K(2))
		strike()
	})
}

// lowest512 leaves the numbers of the lowest bits in registers 0 and 1.
func (k *forestKernel) lowest512() {
	for r := range 2 {
		if k.wide {
			k.lowestWide512(r, r+2)
		} else {
			k.number512(r)
		}
	}
}

// lowestWide512 leaves in r the number of the lowest bit of 64, the upper 32 of which are in hi.
func (k *forestKernel) lowestWide512(r, hi int) {
	k.fn.Op("VPTESTNMD", Z(r), Z(r), K(1))
	k.number512(r)
	k.number512(hi)
	k.fn.Op("VPADDD", Z(29), Z(hi), K(1), Z(r))
}

// number512 leaves in r the number of its lowest bit. That bit alone is a power of two, whose
// logarithm is the exponent of the float32 that it becomes.
func (k *forestKernel) number512(r int) {
	fn := k.fn
	fn.Op("VPSUBD", Z(r), Z(31), Z(6))
	fn.Op("VPANDD", Z(6), Z(r), Z(r))
	fn.Op("VCVTUDQ2PS", Z(r), Z(r))
	fn.Op("VPSRLD", Imm(23), Z(r), Z(r))
	fn.Op("VPSUBD", Z(30), Z(r), Z(r))
}

// sum512 looks the leaves up in registers, for eight rows at a time, and adds them.
func (k *forestKernel) sum512() {
	fn := k.fn
	for i := range k.slots() / 8 {
		fn.Op("VMOVUPD", Ptr(R10, 64*i), Z(8+i))
	}
	fn.Op("MOVL", Ptr(SI, 16), R11)
	fn.Op("VEXTRACTI64X4", Imm(1), Z(0), Y(2))
	fn.Op("VEXTRACTI64X4", Imm(1), Z(1), Y(3))
	for i, r := range []int{0, 2, 1, 3} {
		fn.Op("VPMOVZXDQ", Y(r), Z(r))
		fn.Op("VPTESTMQ", Z(28), Z(r), K(1)) // bit 4 of the number
		pairs := 2
		if k.wide {
			fn.Op("VPTESTMQ", Z(29), Z(r), K(2)) // bit 5
			pairs = 4
		}
		for p := range pairs {
			fn.Op("VMOVDQA64", Z(r), Z(16+p))
			fn.Op("VPERMI2PD", Z(9+2*p), Z(8+2*p), Z(16+p))
		}
		for p := 1; p < pairs; p += 2 {
			fn.Op("VMOVAPD", Z(16+p), K(1), Z(15+p))
		}
		if k.wide {
			fn.Op("VMOVAPD", Z(18), K(2), Z(16))
		}
		sum := PtrX(DI, R11, 1, 64*i)
		fn.Op("VADDPD", sum, Z(16), Z(16))
		fn.Op("VMOVUPD", Z(16), sum)
	}
}

// single512 is sum512 for float32, 16 rows at a time.
func (k *forestKernel) single512() {
	fn := k.fn
	for i := range k.slots() / 16 {
		fn.Op("VMOVUPS", Ptr(R10, 64*i), Z(8+i))
	}
	fn.Op("MOVL", Ptr(SI, 16), R11)
	for r := range 2 {
		fn.Op("VMOVDQA64", Z(r), Z(16))
		fn.Op("VPERMI2PS", Z(9), Z(8), Z(16))
		if k.wide {
			fn.Op("VPTESTMD", Z(29), Z(r), K(1)) // bit 5 of the number
			fn.Op("VMOVDQA64", Z(r), Z(17))
			fn.Op("VPERMI2PS", Z(11), Z(10), Z(17))
			fn.Op("VMOVAPS", Z(17), K(1), Z(16))
		}
		sum := PtrX(DI, R11, 1, 64*r)
		fn.Op("VADDPS", sum, Z(16), Z(16))
		fn.Op("VMOVUPS", Z(16), sum)
	}
}

// forestBits is where AVX2 puts the bit vectors of the rows: 32 of 4 or of 8 bytes.
const forestBits = "bits-256(SP)"

// write2 writes a kernel for AVX2. The leaves that are left are bits of registers 0 to 3,
// of leaves 32 to 63 in 10 to 13.
func (k *forestKernel) write2(f *File) {
	k.begin(f, 256)
	fn := k.fn
	fn.Op("LEAQ", text(forestBits), R13)
	zero(fn, 15)
	tree := fn.Label("tree")
	fn.Place(tree)
	k.half2(0, 0)
	if k.wide {
		k.half2(2, 10)
	}
	k.spill2()
	if k.to != "Find" {
		fn.Op("MOVL", Ptr(SI, 16), R11)
		fn.Op("ADDQ", DI, R11)
	}
	loop := fn.Label("row")
	fn.Op("XORL", R12, R12)
	fn.Place(loop)
	k.rows2()
	fn.Op("ADDQ", Imm(4), R12)
	fn.Op("CMPQ", R12, Imm(32))
	fn.Op("JLT", loop)
	k.next(tree)
}

// half2 asks the nodes of kinds i and i+1 for registers r to r+3.
func (k *forestKernel) half2(i, r int) {
	fn := k.fn
	for j := range 4 {
		fn.Op("VPCMPEQD", Y(r+j), Y(r+j), Y(r+j))
	}
	load := func() {
		fn.Op("VPBROADCASTD", Ptr(R8, 0), Y(4))
		fn.Op("VPBROADCASTD", Ptr(R8, 8), Y(5))
	}
	// strike keeps all leaves of the rows that said no: those whose lanes of 6 to 9 are ones.
	strike := func() {
		for j := range 4 {
			fn.Op("VPOR", Y(5), Y(6+j), Y(6+j))
		}
		for j := range 4 {
			fn.Op("VPAND", Y(6+j), Y(r+j), Y(r+j))
		}
	}
	k.nodes(i, func() {
		load()
		for j := range 4 {
			fn.Op("VPCMPGTD", PtrX(DX, R11, 1, 32*j), Y(4), Y(6+j))
		}
		strike()
	})
	k.nodes(i+1, func() {
		load()
		for j := range 4 {
			fn.Op("VPAND", PtrX(DX, R11, 1, 32*j), Y(4), Y(6+j))
		}
		for j := range 4 {
			fn.Op("VPCMPEQD", Y(15), Y(6+j), Y(6+j))
		}
		strike()
	})
}

// spill2 writes the bit vectors to memory, row by row.
func (k *forestKernel) spill2() {
	fn := k.fn
	for j := range 4 {
		if !k.wide {
			fn.Op("VMOVDQU", Y(j), Ptr(R13, 32*j))
			continue
		}
		fn.Op("VPUNPCKLDQ", Y(10+j), Y(j), Y(6)) // rows 0, 1 and 4, 5
		fn.Op("VPUNPCKHDQ", Y(10+j), Y(j), Y(7)) // rows 2, 3 and 6, 7
		fn.Op("VPERM2I128", Imm(0x20), Y(7), Y(6), Y(8))
		fn.Op("VPERM2I128", Imm(0x31), Y(7), Y(6), Y(9))
		fn.Op("VMOVDQU", Y(8), Ptr(R13, 64*j))
		fn.Op("VMOVDQU", Y(9), Ptr(R13, 64*j+32))
	}
}

// rows2 finishes rows R12 to R12+3.
func (k *forestKernel) rows2() {
	fn := k.fn
	for j := 0; j < 4; j += 2 {
		for i, r := range []GP{AX, BX} {
			if k.wide {
				fn.Op("TZCNTQ", PtrX(R13, R12, 8, 8*(j+i)), r)
			} else {
				fn.Op("TZCNTL", PtrX(R13, R12, 4, 4*(j+i)), r)
			}
		}
		switch k.to {
		case "Find":
			fn.Op("MOVL", AX, PtrX(DI, R12, 4, 4*j))
			fn.Op("MOVL", BX, PtrX(DI, R12, 4, 4*j+4))
		case "Sum32":
			for i, r := range []GP{AX, BX} {
				sum := PtrX(R11, R12, 4, 4*(j+i))
				fn.Op("VMOVSS", PtrX(R10, r, 4, 0), X(6+i))
				fn.Op("VADDSS", sum, X(6+i), X(6+i))
				fn.Op("VMOVSS", X(6+i), sum)
			}
		default:
			sum := PtrX(R11, R12, 8, 8*j)
			fn.Op("VMOVSD", PtrX(R10, AX, 8, 0), X(6))
			fn.Op("VMOVHPD", PtrX(R10, BX, 8, 0), X(6), X(6))
			fn.Op("VADDPD", sum, X(6), X(6))
			fn.Op("VMOVUPD", X(6), sum)
		}
	}
}
