package itemsim

import (
	"context"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval/internal/topk"
)

// Retrieve adds the items with the highest scores, all of them > 0, ties by ID. Without a
// history that counts, the anchors of the request stand in for it; see [retrieval.History].
//
// A history without known items proposes nothing. Retrieve does not look at ctx.
func (m *Model) Retrieve(_ context.Context, q *recsys.Query, out *recsys.Sink) error {
	if out.Room() <= 0 {
		return nil
	}
	s := m.read(q)
	defer m.matrix.release(s)
	m.matrix.accumulate(s)
	n := min(out.Room(), len(s.touched))
	if q.Explain {
		n *= 2 // the pipeline keeps as many again, to tell why not
	}
	if len(q.Allow) == 0 {
		n += len(q.Exclude) // which take no room
	}
	ids := m.Items()
	s.keys = s.keys[:0]
	for _, c := range s.touched {
		score := s.scores[c]
		if !(score > 0) || len(q.Allow) > 0 && !out.Accepts(ids[c]) {
			continue
		}
		s.scores[c] = 0 // one that stands twice counts once
		s.keys = append(s.keys, topk.Key(finite(score), c))
	}
	for _, key := range topk.Best(s.keys, n) {
		if !out.Add(ids[topk.Position(key)], topk.Score(key)) {
			break
		}
	}
	return nil
}

// ScoreItems writes the score of each item for the request into dst, which is as long as
// items: 0 for items that the model does not know or that nothing in the history speaks for
// or against.
func (m *Model) ScoreItems(_ context.Context, q *recsys.Query, items []recsys.ItemID, dst []float32) error {
	s := m.read(q)
	defer m.matrix.release(s)
	m.matrix.accumulate(s)
	for i, id := range items {
		dst[i] = 0
		if at := m.matrix.items.Find(id); at >= 0 {
			dst[i] = finite(s.scores[at])
		}
	}
	return nil
}

// read returns scratch memory with the damped profile of a request.
func (m *Model) read(q *recsys.Query) *scratch {
	s := m.matrix.acquire()
	s.profile = m.history.Read(s.profile, q, &m.matrix.items)
	m.damp(s.profile)
	return s
}
