package recsys

import "math"

// Merge says how the lists of the sources become one list. Items that several
// sources propose are one row with all its sources. Ties break by item ID.
type Merge uint8

const (
	// RRF is reciprocal rank fusion: the sum over the sources of w/(60+rank), rank
	// from 1 (Cormack, Clarke and Büttcher, SIGIR 2009). It needs no comparable scores.
	RRF Merge = iota
	// WeightedScore is the sum of w times the source's score, scaled to [0, 1] within the source's list.
	WeightedScore
	// MaxScore is the largest w times the source's score, scaled to [0, 1] within the source's list.
	MaxScore
	// RoundRobin takes the best of each source in turn, in the order of declaration: a
	// row's score is 1/(1+turn), where turn is the first at which a source proposes it.
	RoundRobin

	merges
)

// rrfK is the constant of reciprocal rank fusion.
const rrfK = 60

// merger holds the memory of a merge.
type merger struct {
	table idTable
	seen  []int32 // row -> 1 + last source that counted it: doubles within a source count once
	order []int32
	keep  Bits
	sorter
}

// merge adds the proposals of the sinks to c, in declaration order, and scores them.
// A source that must not count has an empty sink.
func (m *merger) merge(how Merge, c *Candidates, sinks []*Sink, weights []float32) {
	total := 0
	for _, s := range sinks {
		total += len(s.ids)
	}
	m.table.reset(total)
	m.seen = resize(m.seen, total)
	clear(m.seen)
	turns := how == RoundRobin
	for si, s := range sinks {
		lo, scale := float32(0), float32(0)
		if how == WeightedScore || how == MaxScore {
			lo, scale = minMax(s.scores)
		}
		w, bit := weights[si], uint64(1)<<uint(si)
		S := len(sinks)
		for rank, id := range s.ids {
			row, fresh := m.table.put(id, int32(len(c.ids)))
			if fresh {
				c.addRow(id)
			}
			if m.seen[row] == int32(si+1) {
				continue
			}
			m.seen[row] = int32(si + 1)
			c.masks[row] |= bit
			c.ranks[int(row)*S+si] = int32(rank)
			c.recall[int(row)*S+si] = s.scores[rank]
			switch {
			case how == RRF:
				c.merged[row] += w / float32(rrfK+1+rank)
			case turns:
				c.merged[row] = max(c.merged[row], 1/float32(1+rank))
			default:
				v := float32(0)
				if x := s.scores[rank]; x == x {
					v = float32(w * unit(x, lo, scale))
				}
				if how == WeightedScore {
					c.merged[row] += v
				} else {
					c.merged[row] = max(c.merged[row], v)
				}
			}
		}
	}
}

// minMax returns the lowest finite score and what scales the range to 1; 0 for a flat list.
func minMax(scores []float32) (lo, scale float32) {
	lo, hi := float32(math.Inf(1)), float32(math.Inf(-1))
	for _, x := range scores {
		if x-x == 0 {
			lo, hi = min(lo, x), max(hi, x)
		}
	}
	if !(hi > lo) {
		return lo, 0
	}
	return lo, 1 / (hi - lo)
}

// unit scales x to [0, 1]; all of a flat list is 1.
func unit(x, lo, scale float32) float32 {
	if scale == 0 {
		return 1
	}
	return min(max((x-lo)*scale, 0), 1)
}

// cut keeps the n best rows by merged score, in table order, and marks nothing else:
// the IDs of the rows cut are appended to gone when the request explains.
func (m *merger) cut(c *Candidates, n int, gone []ItemID, explain bool) []ItemID {
	if len(c.ids) <= n {
		return gone
	}
	m.order = m.top(m.order[:0], c.merged, c.ids, nil, n)
	m.keep = resizeBits(m.keep, len(c.ids))
	keep := m.keep
	for _, row := range m.order {
		keep.Set(int(row))
	}
	S, to := len(c.schema.sources), 0
	for row := range c.ids {
		if !keep.Has(row) {
			if explain {
				gone = append(gone, c.ids[row])
			}
			continue
		}
		c.ids[to], c.masks[to], c.merged[to] = c.ids[row], c.masks[row], c.merged[row]
		copy(c.ranks[to*S:(to+1)*S], c.ranks[row*S:(row+1)*S])
		copy(c.recall[to*S:(to+1)*S], c.recall[row*S:(row+1)*S])
		to++
	}
	c.ids, c.masks, c.merged = c.ids[:to], c.masks[:to], c.merged[:to]
	c.ranks, c.recall = c.ranks[:to*S], c.recall[:to*S]
	return gone
}
