package flat

import (
	"math"
	"slices"
	"sort"

	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/code8"
)

// scan reads the layers, block by block, then the rows that are in none.
func (s *search) scan() string {
	s.scanSeed()
	s.openSegment(s.read.main)
	s.scanAdded()
	if s.set.Codes {
		return planCodes
	}
	return planScan
}

// cursor is the block of a segment that is to be read next, and a norm that its rows have
// at least.
type cursor struct {
	segment *segment
	block   int
	low     float32
}

// openSegment adds a segment to those that are being read.
func (s *search) openSegment(g *segment) {
	if g.blocks() > 0 {
		_, _, m := g.block(0)
		s.cursors = append(s.cursors, cursor{g, 0, m.low})
	}
}

// scanAdded reads the rows that were added since the epoch began, together with what is
// open. Of the segments it always reads the one that is the furthest back, in terms of
// norms, so that the best rows of all have been seen when it comes to those where it can
// stop.
func (s *search) scanAdded() {
	for _, run := range s.read.runs {
		s.openSegment(run)
	}
	for open := s.cursors; len(open) > 0; {
		at := 0
		for i := range open {
			if open[i].low > open[at].low {
				at = i
			}
		}
		c := &open[at]
		done := s.scanBlock(c.segment, c.block)
		if c.block++; done || c.block == c.segment.blocks() {
			open = slices.Delete(open, at, at+1)
			continue
		}
		_, _, m := c.segment.block(c.block)
		c.low = m.low
	}
	s.cursors = s.cursors[:0]
	s.scanTail()
}

// scanSeed reads the block that promises most, so that the others meet a high floor. Under
// L2 it is the one with norms like the query's, since near vectors have near norms; else the
// first one is next anyway.
func (s *search) scanSeed() {
	if s.set.Metric != retrieval.L2 {
		return
	}
	main := s.read.main
	lo, hi := 0, main.blocks()
	for lo+1 < hi {
		mid := (lo + hi) / 2
		if _, _, m := main.block(mid); float64(m.norm) < s.query.Norm() {
			hi = mid
		} else {
			lo = mid
		}
	}
	if lo > 0 {
		s.scanBlock(main, lo)
		s.seeded = lo
	}
}

// scanBlock collects what is good enough in a block of a segment. It reports whether no
// later block of it has anything.
func (s *search) scanBlock(g *segment, b int) (done bool) {
	if b == s.seeded && g == s.read.main {
		return false
	}
	start, end, m := g.block(b)
	if !s.best.full {
		s.fill(g, start, end-start)
		return false
	}
	target := s.target(m.low)
	if s.query.Max(m.norm) < target {
		return s.set.Metric == retrieval.InnerProduct
	}
	end, done = s.cut(g, start, end, target)
	if !s.set.Codes {
		s.scored += end - start
		s.scanFloats(g, start, end-start, target, m)
		return done
	}
	threshold := s.query.Threshold(target, m.scale, m.norm, m.residual)
	if threshold == math.MaxInt32 {
		return done
	}
	s.scored += end - start
	stride := code8.Stride(s.set.Dim)
	kept := simd.DotInt8Above(s.ids[:], s.products[:], s.query.Codes(), g.codes[start*stride:], stride, end-start, threshold, uint32(start))
	s.rescore(g, s.ids[:kept])
	return done
}

// cut returns the end of the places of a block whose norms let them reach a target, and
// whether some do not, and so none after them. It says nothing where norms do not descend.
func (s *search) cut(g *segment, start, end int, target float64) (_ int, done bool) {
	if s.set.Metric != retrieval.InnerProduct || start == end || s.query.Max(g.norms[end-1]) >= target {
		return end, false
	}
	return start + sort.Search(end-start, func(i int) bool { return s.query.Max(g.norms[start+i]) < target }), true
}

// target returns what the inner product of q and a row must reach for the row to be among
// the best. Under L2 it holds for rows of at least a norm.
func (s *search) target(low float32) float64 {
	if s.set.Metric == retrieval.L2 {
		return s.query.Product(-s.best.floor, low)
	}
	return float64(s.best.floor)
}

// fill offers every one of n places of a segment.
func (s *search) fill(g *segment, start, n int) {
	s.scored += n
	scores := s.scores[:n]
	if g.vectors != nil {
		s.scoreBatch(scores, g.vectors[start*s.set.stride():])
	} else {
		s.scoreGather(scores, g.store, g.ids[start:start+n])
	}
	for i, score := range scores {
		s.offer(score, g.first+g.id(start+i))
	}
}

// scoreBatch fills out with the scores of contiguous rows.
func (s *search) scoreBatch(out, rows []float32) {
	if s.set.Metric == retrieval.L2 {
		simd.L2SqBatch(out, s.exact, rows, s.set.stride())
		negate(out)
		return
	}
	simd.DotBatch(out, s.exact, rows, s.set.stride())
}

// scoreGather fills out with the scores of stored rows.
func (s *search) scoreGather(out, store []float32, ids []uint32) {
	if s.set.Metric == retrieval.L2 {
		simd.L2SqGather(out, s.exact, store, s.set.stride(), ids)
		negate(out)
		return
	}
	simd.DotGather(out, s.exact, store, s.set.stride(), ids)
}

func negate(v []float32) {
	for i := range v {
		v[i] = -v[i]
	}
}

// offer adds a row if its score is good enough and it may be returned.
func (s *search) offer(score float32, row uint32) {
	if score >= s.best.floor && s.admits(row) {
		s.best.add(score, row)
	}
}

// scanFloats collects from n places of a segment by their inner products in float32.
func (s *search) scanFloats(g *segment, start, n int, target float64, m bounds) {
	rows := g.vectors[start*s.set.stride():]
	if s.set.Metric == retrieval.L2 {
		threshold := below(float32(target - s.query.Slack(m.norm)))
		kept := simd.DotAbove(s.ids[:], s.scores[:], s.exact, rows, s.set.stride(), n, threshold, uint32(start))
		s.rescore(g, s.ids[:kept])
		return
	}
	kept := simd.DotAbove(s.ids[:], s.scores[:], s.exact, rows, s.set.stride(), n, below(s.best.floor), uint32(start))
	for i, place := range s.ids[:kept] {
		s.offer(s.scores[i], g.first+g.id(int(place)))
	}
}

// below returns a number below v, so that what is above it includes v.
func below(v float32) float32 {
	return math.Nextafter32(math.Nextafter32(v, float32(math.Inf(-1))), float32(math.Inf(-1)))
}

// rescore offers the rows at some places of a segment by their exact scores. It overwrites
// places.
func (s *search) rescore(g *segment, places []uint32) {
	kept := places[:0]
	for _, place := range places {
		id := g.id(int(place))
		if row := g.first + id; s.open || s.gate.Pass(row) || s.death(row) != 0 {
			kept = append(kept, id)
		}
	}
	if len(kept) == 0 {
		return
	}
	s.rescored += len(kept)
	scores := s.scores[:len(kept)]
	s.scoreGather(scores, g.store, kept)
	for i, id := range kept {
		s.offer(scores[i], g.first+id)
	}
}

// scanTail offers the rows that were added last and are in no segment. There are more than a
// few only if a writer has made a segment of them just now.
func (s *search) scanTail() {
	if s.read.covered >= s.added {
		return
	}
	first, a := uint32(s.main.rows), s.epoch.added.Load()
	for at := s.read.covered; at < s.added; {
		ids := s.ids[:0]
		for ; at < s.added && len(ids) < tailRows; at++ {
			if s.reaches(a.norms[at]) {
				ids = append(ids, uint32(at))
			}
		}
		s.scored += len(ids)
		scores := s.scores[:len(ids)]
		s.scoreGather(scores, a.vectors, ids)
		for i, id := range ids {
			s.offer(scores[i], first+id)
		}
	}
}

// reaches reports whether a row of a norm can be among the best.
func (s *search) reaches(norm float32) bool {
	return s.set.Metric != retrieval.InnerProduct || !s.best.full || s.query.Max(norm) >= float64(s.best.floor)
}
