package flat

import (
	"math"

	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/code8"
)

// scan reads the segment block by block, then the added rows.
func (s *search) scan() string {
	s.scanSeed()
	for b := range s.main.blocks() {
		if done := s.scanBlock(b); done {
			break
		}
	}
	s.scanAdded()
	if s.main.codes != nil {
		return planCodes
	}
	return planScan
}

// scanSeed reads the block that promises most, so that the others meet a high floor. Under
// L2 it is the one with norms like the query's, since near vectors have near norms; else the
// first one is next anyway.
func (s *search) scanSeed() {
	if s.set.Metric != retrieval.L2 {
		return
	}
	lo, hi := 0, s.main.blocks()
	for lo+1 < hi {
		mid := (lo + hi) / 2
		if float64(s.main.norms[s.main.starts[mid]]) < s.query.Norm() {
			hi = mid
		} else {
			lo = mid
		}
	}
	if lo > 0 {
		s.scanBlock(lo)
		s.seeded = lo
	}
}

// scanBlock collects what is good enough in a block. It reports whether no later block has
// anything.
func (s *search) scanBlock(b int) (done bool) {
	if b == s.seeded {
		return false
	}
	start, end, m := s.main.block(b)
	n := end - start
	if !s.best.full {
		s.scored += n
		s.fill(start, n)
		return false
	}
	target := s.target(m.low)
	if s.query.Max(m.norm) < target {
		return s.set.Metric == retrieval.InnerProduct
	}
	if s.main.codes == nil {
		s.scored += n
		s.scanFloats(start, n, target, m)
		return false
	}
	threshold := s.query.Threshold(target, m.scale, m.norm, m.residual)
	if threshold == math.MaxInt32 {
		return false
	}
	s.scored += n
	stride := code8.Stride(s.set.Dim)
	kept := simd.DotInt8Above(s.ids[:], s.products[:], s.query.Codes(), s.main.codes[start*stride:], stride, n, threshold, uint32(start))
	if kept > 0 {
		s.rescore(s.ids[:kept])
	}
	return false
}

// target returns what the inner product of q and a row must reach for the row to be among
// the best. Under L2 it holds for rows of at least a norm.
func (s *search) target(low float32) float64 {
	if s.set.Metric == retrieval.L2 {
		return s.query.Product(-s.best.floor, low)
	}
	return float64(s.best.floor)
}

// fill offers every row of a run, while there are too few to compare with.
func (s *search) fill(start, n int) {
	stride := s.set.stride()
	s.scoreBatch(s.scores[:n], s.main.vectors[start*stride:])
	for i, score := range s.scores[:n] {
		s.offer(score, uint32(start+i))
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

// scanFloats collects from a run of rows by their inner products in float32.
func (s *search) scanFloats(start, n int, target float64, m bounds) {
	stride := s.set.stride()
	rows := s.main.vectors[start*stride:]
	if s.set.Metric == retrieval.L2 {
		threshold := below(float32(target - s.query.Slack(m.norm)))
		if kept := simd.DotAbove(s.ids[:], s.scores[:], s.exact, rows, stride, n, threshold, uint32(start)); kept > 0 {
			s.rescore(s.ids[:kept])
		}
		return
	}
	kept := simd.DotAbove(s.ids[:], s.scores[:], s.exact, rows, stride, n, below(s.best.floor), uint32(start))
	for i, row := range s.ids[:kept] {
		s.offer(s.scores[i], row)
	}
}

// below returns a number below v, so that what is above it includes v.
func below(v float32) float32 {
	return math.Nextafter32(math.Nextafter32(v, float32(math.Inf(-1))), float32(math.Inf(-1)))
}

// rescore offers rows of the segment by their exact scores.
func (s *search) rescore(ids []uint32) {
	if !s.open {
		kept := ids[:0]
		for _, row := range ids {
			if s.gate.Pass(row) || s.death(row) != 0 {
				kept = append(kept, row)
			}
		}
		ids = kept
	}
	s.rescored += len(ids)
	s.scoreGather(s.scores[:len(ids)], ids)
	for i, row := range ids {
		s.offer(s.scores[i], row)
	}
}

// scoreGather fills out with the scores of rows of the segment.
func (s *search) scoreGather(out []float32, ids []uint32) {
	if s.set.Metric == retrieval.L2 {
		simd.L2SqGather(out, s.exact, s.main.vectors, s.set.stride(), ids)
		negate(out)
		return
	}
	simd.DotGather(out, s.exact, s.main.vectors, s.set.stride(), ids)
}

// scanAdded offers the rows that were added since the segment was made.
func (s *search) scanAdded() {
	for at := 0; at < s.added; at += chunkRows {
		c := s.chunks[at/chunkRows].Load()
		n := min(chunkRows, s.added-at)
		if s.set.Metric != retrieval.L2 && s.best.full && s.query.Max(math.Float32frombits(c.top.Load())) < float64(s.best.floor) {
			continue
		}
		s.scored += n
		s.scoreBatch(s.scores[:n], c.vectors)
		for i, score := range s.scores[:n] {
			s.offer(score, uint32(s.main.rows+at+i))
		}
	}
}
