package itemitem

import (
	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval/internal/profile"
	"github.com/recsyskit/recsys/retrieval/internal/topk"
)

// Scratch is the memory of one call.
type Scratch struct {
	Profile []profile.Entry // free for the caller's use

	scores  []float32 // by column, all zero between calls
	touched []int32   // columns whose score may not be zero; a column may stand twice
	keys    []uint64
}

// Acquire returns scratch memory for one call; give it back with Release.
func (m *Matrix) Acquire() *Scratch {
	if s, ok := m.pool.Get().(*Scratch); ok {
		return s
	}
	return &Scratch{scores: make([]float32, m.Items.Len())}
}

// Release gives scratch memory back.
func (m *Matrix) Release(s *Scratch) {
	if len(s.touched) < len(s.scores)/8 {
		for _, c := range s.touched {
			s.scores[c] = 0
		}
	} else {
		clear(s.scores)
	}
	s.touched = s.touched[:0]
	m.pool.Put(s)
}

// accumulate adds up the rows of the profile.
func (m *Matrix) accumulate(s *Scratch) {
	scores, touched := s.scores, s.touched
	for _, e := range s.Profile {
		columns, weights := m.Row(e.Item)
		weights = weights[:len(columns)]
		for k, c := range columns {
			old := scores[c]
			if old == 0 {
				touched = append(touched, c)
			}
			scores[c] = old + float32(e.Weight*weights[k])
		}
	}
	s.touched = touched
}

// Propose adds to out the items with a positive score for s.Profile, best first, ties
// by item ID, until out is full.
func (m *Matrix) Propose(s *Scratch, q *recsys.Query, out *recsys.Sink) {
	if out.Room() <= 0 {
		return
	}
	m.accumulate(s)
	n := min(out.Room(), len(s.touched))
	if q.Explain {
		n *= 2 // the pipeline keeps as many again, to tell why not
	}
	if len(q.Allow) == 0 {
		n += len(q.Exclude) // which take no room
	}
	ids := m.Items.IDs()
	s.keys = s.keys[:0]
	for _, c := range s.touched {
		score := s.scores[c]
		if !(score > 0) || len(q.Allow) > 0 && !out.Accepts(ids[c]) {
			continue
		}
		s.scores[c] = 0 // a column that stands twice counts once
		s.keys = append(s.keys, topk.Key(finite(score), c))
	}
	for _, key := range topk.Best(s.keys, n) {
		if !out.Add(ids[topk.Position(key)], topk.Score(key)) {
			return
		}
	}
}

// Score writes the score of each item for s.Profile into dst, 0 for items that the
// model does not know.
func (m *Matrix) Score(s *Scratch, items []recsys.ItemID, dst []float32) {
	m.accumulate(s)
	for i, id := range items {
		dst[i] = 0
		if at := m.Items.Find(id); at >= 0 {
			dst[i] = finite(s.scores[at])
		}
	}
}
