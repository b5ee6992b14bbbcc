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
	table  idTable
	order  []int32
	keep   Bits
	gains  []float32
	absent []int32 // a run of -1, to copy from
	sorter
}

// rrfGains returns w/(60+rank) for the ranks of one source.
func rrfGains(w float32, quota int) []float32 {
	gains := make([]float32, quota)
	for i := range gains {
		gains[i] = w / float32(rrfK+1+i)
	}
	return gains
}

// gain fills m.gains with what each rank of one source's list is worth.
func (m *merger) gain(how Merge, scores []float32, w float32) []float32 {
	m.gains = resize(m.gains, len(scores))
	lo, span := minMax(scores)
	for i, x := range scores {
		switch {
		case how == RoundRobin:
			m.gains[i] = 1 / float32(1+i)
		case x != x:
			m.gains[i] = 0
		default:
			m.gains[i] = float32(w * unit(x, lo, span))
		}
	}
	return m.gains
}

// merge makes the rows of c from the proposals of the sinks, in declaration order,
// and scores them. rrf holds what each rank is worth, by source. An item that a source
// proposes twice counts at its first rank.
func (m *merger) merge(how Merge, c *Candidates, sinks []*Sink, weights []float32, rrf [][]float32) {
	total, S := 0, len(sinks)
	for _, s := range sinks {
		total += len(s.ids)
	}
	m.table.reset(total)
	ids, masks, merged := resize(c.ids, total), resize(c.masks, total), resize(c.merged, total)
	ranks, recall := resize(c.ranks, total*S), resize(c.recall, total*S)
	clear(masks)
	clear(merged)
	clear(recall)
	for len(m.absent) < len(ranks) {
		m.absent = append(m.absent, -1)
	}
	copy(ranks, m.absent)
	n := int32(0)
	takesMax := how == MaxScore || how == RoundRobin
	for si, s := range sinks {
		bit := uint64(1) << uint(si)
		gains := rrf[si]
		if how != RRF {
			gains = m.gain(how, s.scores, weights[si])
		}
		for rank, id := range s.ids {
			row, fresh := m.table.put(id, n)
			if fresh {
				ids[row] = id
				n++
			}
			if masks[row]&bit != 0 {
				continue
			}
			masks[row] |= bit
			at := int(row)*S + si
			ranks[at], recall[at] = int32(rank), s.scores[rank]
			if takesMax {
				merged[row] = max(merged[row], gains[rank])
			} else {
				merged[row] += gains[rank]
			}
		}
	}
	c.ids, c.masks, c.merged = ids[:n], masks[:n], merged[:n]
	c.ranks, c.recall = ranks[:int(n)*S], recall[:int(n)*S]
}

// minMax returns the lowest finite score and the range, 0 for a flat list.
func minMax(scores []float32) (lo, span float64) {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, x := range scores {
		if x-x == 0 {
			lo, hi = min(lo, float64(x)), max(hi, float64(x))
		}
	}
	return lo, max(hi-lo, 0)
}

// unit scales x to [0, 1]; infinite scores are the ends, all of a flat list is 1.
func unit(x float32, lo, span float64) float32 {
	switch {
	case math.IsInf(float64(x), 1):
		return 1
	case math.IsInf(float64(x), -1):
		return 0
	case span == 0:
		return 1
	}
	return float32((float64(x) - lo) / span)
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
