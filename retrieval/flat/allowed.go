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
	// are looked at again; firstRun is that until there is something to compare with.
	listRun  = 256
	firstRun = 64
	// listCodes is how many components the listed vectors must have together for the codes
	// to be read first: vectors that fit the cache nearly are as fast themselves.
	listCodes = 1 << 16
)

// allowed offers the rows of an ascending list, all of which pass.
func (s *search) allowed(list []uint32) string {
	inMain, _ := slices.BinarySearch(list, uint32(s.main.rows))
	added := list[inMain:]
	list = list[:inMain]
	plan, useCodes := planAllowed, false
	if s.main.codes != nil && len(list)*s.set.Dim >= listCodes {
		plan, useCodes = planGather, true
	}
	for block := 0; len(list) > 0; {
		run := list[:min(len(list), firstRun)]
		if s.best.full {
			run = list[:min(len(list), listRun)]
			if s.set.Metric == retrieval.InnerProduct && s.query.Max(s.main.norms[run[0]]) < float64(s.best.floor) {
				break
			}
		}
		list = list[len(run):]
		s.scored += len(run)
		if useCodes && s.best.full {
			run, block = s.gatherCodes(run, block)
			s.rescored += len(run)
		}
		s.scoreGather(s.scores[:len(run)], s.main.store, run)
		for i, row := range run {
			if score := s.scores[i]; score >= s.best.floor && s.named(row) {
				s.best.add(score, row)
			}
		}
	}
	s.allowedAdded(added)
	return plan
}

// allowedAdded offers rows of a list that were added since the epoch began. They are in
// order of arrival, and their norms are looked at one by one.
func (s *search) allowedAdded(list []uint32) {
	if len(list) == 0 {
		return
	}
	first, a := uint32(s.main.rows), s.epoch.added.Load()
	for len(list) > 0 {
		run := list[:min(len(list), listRun)]
		list = list[len(run):]
		ids := s.ids[:0]
		for _, row := range run {
			if s.reaches(a.norms[row-first]) {
				ids = append(ids, row-first)
			}
		}
		s.scored += len(ids)
		scores := s.scores[:len(ids)]
		s.scoreGather(scores, a.vectors, ids)
		for i, id := range ids {
			if row := first + id; scores[i] >= s.best.floor && s.named(row) {
				s.best.add(scores[i], row)
			}
		}
	}
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
