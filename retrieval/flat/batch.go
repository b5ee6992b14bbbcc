package flat

import (
	"fmt"
	"slices"

	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// planBatch is the plan of SearchBatch in [retrieval.SearchStats].
const planBatch = "batch"

// batch is the memory of a batch search.
type batch struct {
	searches   []*search
	active     []*search // those that have rows to read
	block      simd.QueryBlock
	codes      codeBatch
	set        bool      // block, or that of codes, holds the queries of active
	queries    []float32 // of active
	thresholds []float32
	hits       []simd.BlockHit
}

// SearchBatch searches for the rows of queries, all with the same options, and returns the
// neighbours of queries.Row(i) in the i-th list: what Search gives, to the bit. It grows dst
// to queries.Rows lists if need be and reuses the memory of those that are there, their
// contents excluded.
//
// All queries see the index as it is at one moment. A block of rows is read for up to 64
// queries while it is in the cache, and compared with all of them at the speed of a matrix
// product; under L2 without codes, with one after the other. With opt.Stats, the numbers
// are those of all queries together.
//
// It fails as Search does, names the query, and leaves dst alone then.
func (x *Index) SearchBatch(dst [][]retrieval.Neighbor, queries vector.Matrix, k int, opt retrieval.SearchOptions) ([][]retrieval.Neighbor, error) {
	e := x.epoch.Load()
	if e.closed {
		return dst, closed("search")
	}
	for i := range queries.Rows {
		if err := x.checkVector(queries.Row(i)); err != nil {
			return dst, fmt.Errorf("flat: query %d: %w", i, err)
		}
	}
	if missing := queries.Rows - len(dst); missing > 0 {
		dst = append(dst, make([][]retrieval.Neighbor, missing)...)
	}
	dst = dst[:queries.Rows]
	stats := retrieval.SearchStats{Plan: planBatch}
	b := x.batches.Get().(*batch)
	v := e.view()
	for i := 0; i < queries.Rows; i += simd.MaxQueries {
		n := min(simd.MaxQueries, queries.Rows-i)
		b.begin(x, v, queries.Slice(i, i+n), k, opt)
		b.run()
		for j, s := range b.searches {
			dst[i+j] = s.best.result(dst[i+j][:0])
			stats.Scored += s.scored
			stats.Rescored += s.rescored
		}
		b.end(x)
	}
	x.batches.Put(b)
	if opt.Stats != nil {
		*opt.Stats = stats
	}
	return dst, nil
}

func (b *batch) begin(x *Index, v view, queries vector.Matrix, k int, opt retrieval.SearchOptions) {
	b.searches = b.searches[:0]
	for i := range queries.Rows {
		s := x.scratch.Get().(*search)
		s.door = &s.own
		if i > 0 {
			s.door = b.searches[0].door
		}
		s.begin(x, v, queries.Row(i), k)
		b.searches = append(b.searches, s)
	}
	b.searches[0].opt = opt
}

func (b *batch) end(x *Index) {
	for _, s := range b.searches {
		s.end()
		x.scratch.Put(s)
	}
	clear(b.searches)
	clear(b.active[:cap(b.active)])
}

// run collects the best rows of each search.
func (b *batch) run() {
	first := b.searches[0]
	if first.best.k == 0 {
		return
	}
	rows, listed := first.pass()
	b.active, b.set = b.active[:0], false
	for _, s := range b.searches {
		if s.bounded = !listed && s.query.Safe(s.maxNorm()); !s.bounded {
			s.run(rows, listed)
			continue
		}
		s.scanSeed()
		b.active = append(b.active, s)
	}
	for i := 0; i < first.read.main.blocks() && len(b.active) > 0; i++ {
		switch {
		case !b.full() || first.set.Metric == retrieval.L2 && !first.set.Codes:
			b.active = slices.DeleteFunc(b.active, func(s *search) bool { return s.scanBlock(s.read.main, i) })
		case first.set.Codes:
			b.scanCodes(i)
		default:
			b.scanProduct(i)
		}
	}
	for _, s := range b.searches {
		if s.bounded {
			s.scanAdded()
		}
	}
}

// full reports whether all active searches have thresholds.
func (b *batch) full() bool {
	return !slices.ContainsFunc(b.active, func(s *search) bool { return !s.best.full })
}

// narrow drops the searches for which no later block has anything, and reports whether some
// are left.
func (b *batch) narrow(m bounds) bool {
	n := len(b.active)
	if b.active[0].set.Metric == retrieval.InnerProduct {
		b.active = slices.DeleteFunc(b.active, func(s *search) bool { return s.query.Max(m.norm) < s.target(m.low) })
	}
	b.set = b.set && n == len(b.active)
	return len(b.active) > 0
}

// scanProduct reads a block for all active searches at once.
func (b *batch) scanProduct(i int) {
	main := b.active[0].read.main
	start, end, m := main.block(i)
	if !b.narrow(m) {
		return
	}
	set := b.active[0].set
	if !b.set {
		b.queries = b.queries[:0]
		for _, s := range b.active {
			b.queries = append(b.queries, s.exact...)
		}
		b.block.Set(b.queries, set.Dim, len(b.active), set.Dim)
		b.set = true
	}
	b.thresholds = b.thresholds[:0]
	for _, s := range b.active {
		s.scored += end - start
		b.thresholds = append(b.thresholds, below(s.best.floor))
	}
	rows := main.vectors[start*set.stride():]
	b.hits = b.block.Above(b.hits[:0], rows, set.stride(), end-start, uint32(start), b.thresholds)
	for _, h := range b.hits {
		b.active[h.Query].offer(h.Score, main.id(int(h.Row)))
	}
}
