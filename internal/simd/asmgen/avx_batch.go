package main

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

// A batcher emits the scores of many rows: of the next ones, of those that ids names, or, of
// the next ones, those above a threshold.
type batcher struct {
	fn     *Func
	isa    isa
	m      metric
	scan   *scan
	walk   *walk
	gather bool
}

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
	fn := f.Func(name, name+doc+" d is 1 at least.", params, results)
	b := &batcher{
		fn: fn, isa: s, m: m, gather: gather,
		scan: &scan{fn: fn, isa: s, gather: gather, above: above, num: floats, tab: tab},
		walk: &walk{fn: fn, isa: s, tab: tab, len: fn.Arg("d")},
	}
	b.walk.tailMasks()
	b.scan.enter()
	fn.Op("MOVQ", fn.Arg("d"), CX)
	if s.is512() {
		b.paths512()
	} else {
		b.pathsAVX2()
	}
	b.scan.leave()
}

// paths512 emits a path for each number of chunks up to maxFixed, and one each for longer
// rows with 16 and with 32 partial sums. A batch leaves longer rows to the processor's
// prefetching, one after another; a gather brings them itself and profits from the sums
// side by side.
func (b *batcher) paths512() {
	fn := b.fn
	big, small := 1, 1
	if b.gather {
		big, small = 8, 4
	}
	wide := fn.Label("wide")
	fn.Op("CMPQ", CX, Imm(wideDim))
	fn.Op("JGE", wide)
	var exact, fixed []Label
	if !b.gather {
		for _, d := range exactDims {
			exact = append(exact, fn.Label("exact"))
			fn.Op("CMPQ", CX, Imm(d))
			fn.Op("JEQ", exact[len(exact)-1])
		}
	}
	for chunks := 1; chunks <= maxFixed; chunks++ {
		fixed = append(fixed, fn.Label("fixed"))
		fn.Op("CMPQ", CX, Imm(16*chunks))
		fn.Op("JLE", fixed[chunks-1])
	}
	b.scan.loop(big, small, 0, b.counted(1, 4))
	for i, l := range fixed {
		fn.Place(l)
		rows := batchRows(i + 1)
		if b.gather {
			rows = big
		}
		b.query(i + 1)
		b.scan.loop(rows, min(rows, 4), i+1, b.fixed(i+1, true))
	}
	for i, l := range exact {
		fn.Place(l)
		chunks := exactDims[i] / 16
		b.query(chunks)
		b.scan.loop(batchRows(chunks), 4, 0, b.fixed(chunks, false))
	}
	fn.Place(wide)
	if b.gather {
		b.scan.loop(big, small, 0, b.counted(2, 2))
	} else {
		b.scan.loop(big, small, 0, b.counted(2, 4))
	}
}

// pathsAVX2 emits the paths for 16 and for 32 partial sums. There are registers for four
// rows of the first kind, two of the second.
func (b *batcher) pathsAVX2() {
	fn := b.fn
	wide := fn.Label("wide")
	fn.Op("CMPQ", CX, Imm(wideDim))
	fn.Op("JGE", wide)
	b.scan.loop(0, 4, 0, b.counted(1, 2))
	fn.Place(wide)
	if b.gather {
		b.scan.loop(0, 2, 0, b.counted(2, 2))
	} else {
		b.scan.loop(1, 1, 0, b.counted(2, 2))
	}
}

// counted returns what scores a block of rows in a loop over their elements.
func (b *batcher) counted(groups, unroll int) func(rows []GP) {
	return func(rows []GP) {
		p := &pairing{fn: b.fn, isa: b.isa, m: b.m, rows: rows, groups: groups, temps: b.isa.temps()}
		b.walk.do = p.add
		p.clear()
		if groups == 2 {
			b.walk.wide(unroll)
		} else {
			b.walk.narrow(unroll)
		}
		p.join()
		p.fold()
	}
}

// fixed returns what scores a block of rows of so many chunks, row by row, with the query in
// registers 16 and up. The last chunk may have a mask.
func (b *batcher) fixed(chunks int, masked bool) func(rows []GP) {
	return func(rows []GP) {
		p := &pairing{fn: b.fn, isa: b.isa, m: b.m, rows: rows, groups: 1, temps: b.isa.temps()}
		p.clear()
		for r, row := range rows {
			for c := range chunks {
				p.pair(Z(16+c), Ptr(row, 64*c), r, r, chunk{tail: masked && c == chunks-1}, 0)
			}
		}
		p.fold()
	}
}

// query loads the query for fixed.
func (b *batcher) query(chunks int) {
	for c := range chunks {
		loadFloats(b.fn, b.isa, Ptr(SI, 64*c), chunk{tail: c == chunks-1}, 0, 16+c)
	}
}
