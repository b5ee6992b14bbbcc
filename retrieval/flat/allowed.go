package flat

import (
	"math"
	"slices"

	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/code8"
)

const (
	// listRun is how many listed rows are compared at a time, and after which the bounds
	// are looked at again.
	listRun = 64
	// listCodes is how long a list must be for the codes to be read first.
	listCodes = 256
)

// allowed offers the rows of an ascending list, all of which pass.
func (s *search) allowed(list []uint32) string {
	plan, useCodes := planAllowed, false
	if s.main.codes != nil && len(list) >= listCodes {
		plan, useCodes = planGather, true
	}
	i, block := 0, 0
	for i < len(list) && list[i] < uint32(s.main.rows) {
		run := s.run64(list[i:])
		i += len(run)
		if s.best.full {
			if s.set.Metric != retrieval.L2 && s.query.Max(s.main.norms[run[0]]) < float64(s.best.floor) && s.set.byNorm() {
				rest, _ := slices.BinarySearch(list[i:], uint32(s.main.rows))
				i += rest
				break
			}
			if useCodes {
				s.scored += len(run)
				var kept []uint32
				kept, block = s.gatherCodes(run, block)
				s.rescored += len(kept)
				run = kept
			} else {
				s.scored += len(run)
			}
		} else {
			s.scored += len(run)
		}
		s.scoreGather(s.scores[:len(run)], run)
		for j, row := range run {
			if s.scores[j] >= s.best.floor {
				s.best.add(s.scores[j], row)
			}
		}
	}
	for _, row := range list[i:] {
		s.scored++
		if score := s.set.score(s.exact, s.vector(row)); score >= s.best.floor {
			s.best.add(score, row)
		}
	}
	return plan
}

// run64 returns the first rows of an ascending list that are in the segment, at most
// listRun.
func (s *search) run64(list []uint32) []uint32 {
	n := min(len(list), listRun)
	for n > 0 && list[n-1] >= uint32(s.main.rows) {
		n--
	}
	return list[:n]
}

// gatherCodes returns the rows of a run that their codes do not exclude. The run begins in
// a block or later; the block that it ends in is returned.
func (s *search) gatherCodes(run []uint32, block int) ([]uint32, int) {
	stride := code8.Stride(s.set.Dim)
	simd.DotInt8Gather(s.products[:len(run)], s.query.Codes(), s.main.codes, stride, run)
	n := 0
	end, threshold := uint32(0), int32(math.MinInt32)
	for j, row := range run {
		if row >= end {
			for s.main.starts[block+1] <= row {
				block++
			}
			end = s.main.starts[block+1]
			_, _, m := s.main.block(block)
			threshold = s.query.Threshold(s.target(m.low), m.scale, m.norm, m.residual)
		}
		if s.products[j] > threshold {
			s.ids[n] = row
			n++
		}
	}
	return s.ids[:n], block
}
