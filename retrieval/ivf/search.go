package ivf

import (
	"fmt"
	"math"
	"sync/atomic"

	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/gate"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// scanRows is how many slots are scanned with one threshold.
const scanRows = 256

// leastRescored is how many candidates of PQ are compared at full precision at least.
const leastRescored = 32

// scratch is the memory of one search.
type scratch struct {
	pinned atomic.Uint64 // epoch, see readers

	gate  gate.Gate
	query []float32
	order order
	found candidates
	best  best

	coded  coded
	tables tables // of PQ
	scores []float32
	slots  [scanRows + 16]uint32
	ints   [scanRows + 16]int32
}

// search is one search on its way.
type search struct {
	*scratch
	ix    *Index
	state *state
	q     []float32
	gated bool
	limit uint32 // rows below it have vectors, those in the lists of a damaged file may not

	length  float64 // of q
	slack   float64
	tiny    float64 // bound of what a score loses below the normal range, and its bounds
	scanned int
}

// Search appends the k best items to dst; see [retrieval.Index].
//
// Of the lists that it reads the answer is exact with Int8. The Effort is how many lists
// it reads, the most promising first; more when they hold fewer than k items that pass. A
// list, or the rest of one, that cannot hold a better item counts but is skipped. Without
// an Effort it reads as many as Build has found to be enough for Config.Recall. With a
// filter it reads more, or scores every item that passes, whichever takes less time, and
// an Effort is only a lower bound.
//
// Where q or a vector is longer than 2^61, or q under the inner product shorter than 2^-61,
// scores may overflow or vanish. Such a search compares all vectors, or all that pass; a score
// may then be infinite, or NaN, which comes last.
func (ix *Index) Search(dst []retrieval.Neighbor, q []float32, k int, opt retrieval.SearchOptions) ([]retrieval.Neighbor, error) {
	if ix.closed {
		return dst, closed("search")
	}
	if err := ix.checkVector(q); err != nil {
		return dst, fmt.Errorf("ivf: query: %w", err)
	}
	s := ix.readers.enter()
	defer ix.readers.leave(s) // a filter may panic
	run := search{scratch: s, ix: ix, gated: opt.Filter != nil || opt.Allow != nil || len(opt.Exclude) > 0}
	run.state = ix.open(s, &opt, run.gated)
	run.limit = run.state.limit(ix.dim)
	return run.do(dst, q, min(k, run.state.items), &opt), nil
}

// open loads the state, and resolves the options on the same version of the rows.
func (ix *Index) open(s *scratch, opt *retrieval.SearchOptions, gated bool) *state {
	st := ix.state.Load()
	if !gated {
		return st
	}
	for range 2 {
		s.gate.Open(st.rows, opt)
		if st.rows.Version() == st.version {
			return st
		}
		st = ix.state.Load()
	}
	ix.mu.Lock()
	defer ix.mu.Unlock()
	st = ix.state.Load()
	s.gate.Open(st.rows, opt)
	return st
}

// prepare returns the query as the metric takes it.
func (s *scratch) prepare(q []float32, m retrieval.Metric) []float32 {
	if m != retrieval.Cosine {
		return q
	}
	s.query = append(s.query[:0], q...)
	vector.Normalize(s.query)
	return s.query
}

func (r *search) do(dst []retrieval.Neighbor, q []float32, k int, opt *retrieval.SearchOptions) []retrieval.Neighbor {
	stats := retrieval.SearchStats{Plan: "none"}
	if k > 0 {
		stats.Plan = r.answer(r.prepare(q, r.ix.metric), k, opt)
		stats.Scored = r.scanned
		stats.Rescored = len(r.found.rows)
		dst = r.best.appendTo(dst)
	}
	if opt.Stats != nil {
		*opt.Stats = stats
	}
	return dst
}

// answer searches for q, as the metric takes it, and returns by which plan; the result is
// in r.best.
func (r *search) answer(q []float32, k int, opt *retrieval.SearchOptions) string {
	r.begun(q, k)
	rows, e := r.plan(k, opt.Effort)
	switch {
	case e.lists == 0:
		r.allowed(rows)
		return "allowed"
	case !r.safe():
		r.everything()
		return "all"
	}
	r.read(k, e)
	return "probe"
}

// begun makes ready for the k best for q.
func (r *search) begun(q []float32, k int) {
	r.q, r.length, r.slack = q, norm(q), slack(r.ix.dim)
	r.tiny = float64(r.ix.dim+16) * 0x1p-149
	r.best.reset(k)
}

// allowed scores rows.
func (r *search) allowed(rows []uint32) {
	r.found.rows = append(r.found.rows[:0], rows...)
	r.scanned = len(rows)
	r.rescore()
}

// read reads lists, and scores the candidates.
func (r *search) read(k int, e effort) {
	r.probe(k, e)
	r.found.settle()
	r.rescore()
}

// Where lengths are between short and long, products do not overflow, and what products with
// centroids lose is little beside the query's length.
const (
	long  = 0x1p61
	short = 0x1p-61
)

// safe reports whether the bounds hold for the query.
func (r *search) safe() bool {
	return r.length <= long && r.state.longest <= long && (r.ix.l2() || r.length == 0 || r.length >= short)
}

// everything compares the query with every vector.
func (r *search) everything() {
	for id := range uint32(r.state.coarse.centroids.Rows) {
		r.found.rows = r.found.rows[:0]
		l := r.state.lists.at(id)
		for slot := range l.rows {
			if row := l.row(uint32(slot)); r.passing(row) {
				r.found.rows = append(r.found.rows, row)
			}
		}
		r.scanned += len(l.rows)
		r.rescore()
	}
}

// probe reads lists and leaves candidates for the k best in r.found.
func (r *search) probe(k int, e effort) {
	need := k
	if r.state.codec.pq {
		need = min(r.state.items, max(leastRescored, k*r.state.tuning.Rescore))
	}
	r.found.reset(need)
	r.begin()
	r.order.reset(r.state.coarse, r.q, &r.coded, r.length, e.lists)
	for done := 0; ; {
		planned := done >= e.lists && len(r.found.heap) >= k
		if planned && !e.filtered {
			return
		}
		id, ok := r.order.take()
		if !ok || planned && r.enough(&e, k, done, id) {
			return
		}
		l := r.state.lists.at(id)
		if len(l.rows) == 0 || e.filtered && !r.passes(&e, l) {
			continue
		}
		done++
		r.scan(l, id)
	}
}

// begin quantises the query.
func (r *search) begin() {
	r.coded.set(r.q)
	if r.state.codec.pq {
		r.tables.fill(r.state.codec, r.q)
	}
}

// scan looks at the vectors of a list.
func (r *search) scan(l *list, id uint32) {
	dot := r.order.dots[id]
	bound := l.shape.bound(float64(dot), r.length, r.ix.l2(), r.slack, r.tiny)
	if r.ix.l2() && bound < float64(r.found.floor) {
		return
	}
	if r.state.codec.pq {
		r.scanPQ(l, id, bound)
		return
	}
	if r.ix.l2() {
		r.scanL2(l)
		return
	}
	d := r.ix.dim
	at := uint32(0)
	for i := range l.segments {
		g := &l.segments[i]
		if bound*float64(g.Norm)+r.tiny < float64(r.found.floor) {
			at = g.End
			continue
		}
		step := float64(g.Scale) * float64(r.coded.scale)
		off := r.errorOf(g)
		for at < g.End {
			n := min(int(g.End-at), scanRows)
			threshold := thresholdOf((float64(r.found.floor) - off) / step)
			kept := simd.DotInt8Above(r.slots[:], r.ints[:], r.coded.codes, l.codes[int(at)*d:int(g.End)*d], d, n, threshold, at)
			for j, slot := range r.slots[:kept] {
				v := float64(r.ints[j]) * step
				r.consider(l, slot, v-off, v+off)
			}
			r.scanned += n
			at += uint32(n)
		}
	}
}

// errorOf bounds how far the product of the codes is from the score, for the vectors of
// a segment. With q = q' + e and x = x' + f, where ' is what the codes stand for,
//
//	|q·x - q'·x'| = |q·f + e·x'| <= |q| |f| + |e| (|x| + |f|).
func (r *search) errorOf(g *segment) float64 {
	norm, lost := float64(g.Norm), float64(g.Error)
	return (r.length*lost+r.coded.lost*(norm+lost)+r.slack*r.length*norm)*(1+1e-6) + r.tiny
}

// thresholdOf returns an int32 that every integer at or above x exceeds; a NaN is below
// everything.
func thresholdOf(x float64) int32 {
	switch {
	case !(x >= math.MinInt32+2):
		return math.MinInt32
	case x >= math.MaxInt32:
		return math.MaxInt32
	}
	return int32(math.Floor(x)) - 1
}

// scanL2 is scan for distances: -|q-x|² = 2 q·x - |q|² - |x|².
func (r *search) scanL2(l *list) {
	d := r.ix.dim
	square := r.length * r.length
	at := uint32(0)
	for i := range l.segments {
		g := &l.segments[i]
		step := 2 * float64(g.Scale) * float64(r.coded.scale)
		sum := r.length + float64(g.Norm)
		off := 2*r.errorOf(g) + 4*r.slack*sum*sum
		for at < g.End {
			n := min(int(g.End-at), scanRows)
			simd.DotInt8Batch(r.ints[:n], r.coded.codes, l.codes[int(at)*d:int(g.End)*d], d)
			for j, dot := range r.ints[:n] {
				slot := at + uint32(j)
				v := float64(dot)*step - square - float64(l.biases[slot])
				if v+off < float64(r.found.floor) {
					continue
				}
				r.consider(l, slot, v-off, v+off)
			}
			r.scanned += n
			at += uint32(n)
		}
	}
}

// consider makes the item of a slot a candidate if it may be returned.
func (r *search) consider(l *list, slot uint32, lower, upper float64) {
	if row := l.row(slot); r.passing(row) {
		r.found.add(row, toward(lower, -1), toward(upper, 1))
	}
}

// passing reports whether what a slot says is a row that may be returned.
func (r *search) passing(row uint32) bool {
	return row < r.limit && (!r.gated || r.gate.Pass(row)) // dead is above limit
}

// toward returns a float32 at or beyond x in a direction.
func toward(x float64, sign float64) float32 {
	return float32(x + sign*math.Abs(x)*0x1p-23)
}

// rescore scores the rows of r.found exactly and keeps the best.
func (r *search) rescore() {
	rows := r.found.rows
	r.scores = grow(r.scores, len(rows))
	r.state.scores(r.scores, r.q, rows, r.ix.l2())
	for i, row := range rows {
		r.best.add(r.scores[i], row, r.state.rows)
	}
}

// grow returns a slice of length n, s's memory if that is enough.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, n+n/4)
	}
	return s[:n]
}
