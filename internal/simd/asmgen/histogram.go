package main

// histogramFamily writes the kernel that sums values by bin, in integer registers, since no
// vector instruction adds to scattered memory faster. An addition is a load of the bin and one
// instruction that loads, adds and stores: it takes the cycle that a store takes (Zen 5:
// 0.30 ns, the sums being in the first or second level of the cache). What it saves over Go are
// checks of bounds and waiting: the row 16 places ahead is fetched meanwhile.
func histogramFamily() []*File {
	f := NewFile("histogram", "amd64")
	histogramScalar(f)
	return []*File{f}
}

const (
	histogramAhead = 16 // rows
	histogramSums  = 256 * 8
)

// histogramScalar has a loop for each number of whole words, and at the end of a row as many
// columns of one word more as are left: branches that always go the same way.
func histogramScalar(f *File) {
	fn := f.Func("histogramScalar",
		"histogramScalar adds values[row] to sums[c*256+bins[row*stride+c]] for n > 0 rows and the columns c below columns, 1 to 64.",
		"sums *int64, bins *uint8, stride int, columns int, rows *int32, n int, values *int64", "")
	sums, bins, stride, rows, left, values, tail := R10, DI, CX, SI, R15, R8, R12
	fn.Op("MOVQ", fn.Arg("sums"), sums)
	fn.Op("MOVQ", fn.Arg("bins"), bins)
	fn.Op("MOVQ", fn.Arg("stride"), stride)
	fn.Op("MOVQ", fn.Arg("rows"), rows)
	fn.Op("MOVQ", fn.Arg("n"), left)
	fn.Op("MOVQ", fn.Arg("values"), values)
	fn.Op("MOVQ", fn.Arg("columns"), AX)
	fn.Op("MOVQ", AX, tail)
	fn.Op("ANDQ", Imm(7), tail)
	fn.Op("SHRQ", Imm(3), AX)
	var loops [9]Label
	for words := range loops {
		loops[words] = fn.Label("words")
		fn.Op("CMPQ", AX, Imm(words))
		fn.Op("JEQ", loops[words])
	}
	fn.Op("RET")
	for words := range loops {
		fn.Place(loops[words])
		at, value, next, done := AX, R9, BX, fn.Label("row")
		// The row to fetch is at most the last one: nothing is read behind rows.
		fn.Op("MOVQ", Imm(histogramAhead), DX)
		fn.Op("CMPQ", left, DX)
		fn.Op("CMOVQLE", left, DX)
		fn.Op("MOVLQSX", PtrX(rows, DX, 4, -4), next)
		fn.Op("PREFETCHT0", PtrX(values, next, 8, 0))
		fn.Op("IMULQ", stride, next)
		fn.Op("PREFETCHT0", PtrX(bins, next, 1, 0))
		fn.Op("MOVLQSX", Ptr(rows, 0), at)
		fn.Op("ADDQ", Imm(4), rows)
		fn.Op("MOVQ", PtrX(values, at, 8, 0), value)
		fn.Op("IMULQ", stride, at)
		fn.Op("ADDQ", bins, at)
		add := func(c int) {
			bin := [4]GP{BX, DX, R11, R13}[c%4]
			fn.Op("MOVBLZX", Ptr(at, c), bin)
			fn.Op("ADDQ", value, PtrX(sums, bin, 8, c*histogramSums))
		}
		for c := range 8 * words {
			add(c)
		}
		for i := range 7 {
			if words == len(loops)-1 {
				break
			}
			fn.Op("CMPQ", tail, Imm(i))
			fn.Op("JEQ", done)
			add(8*words + i)
		}
		fn.Place(done)
		fn.Op("DECQ", left)
		fn.Op("JNE", loops[words])
		fn.Op("RET")
	}
}
