package itemsim

import (
	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/topk"
)

// Neighbor is an item with a weight from it or to it.
type Neighbor struct {
	Item   recsys.ItemID
	Weight float32
}

// Neighbors appends to dst the items that an item proposes, those with a weight > 0, the
// largest first, ties by ID, at most n. Nothing is appended for an item that the model does
// not know. It allocates only to grow dst.
//
// A trainer that keeps for each item the best of those that propose it, as package itemknn
// does by default, may leave the nearest neighbours of an item out here.
func (m *Model) Neighbors(dst []Neighbor, item recsys.ItemID, n int) []Neighbor {
	at := m.matrix.items.Find(item)
	if at < 0 || n <= 0 {
		return dst
	}
	s := m.matrix.acquire()
	defer m.matrix.release(s)
	s.keys = s.keys[:0]
	s.wide = m.matrix.each(at, s.wide, func(to int32, w float32) {
		if w > 0 {
			s.keys = append(s.keys, topk.Key(w, to))
		}
	})
	ids := m.Items()
	for _, key := range topk.Best(s.keys, n) {
		dst = append(dst, Neighbor{ids[topk.Position(key)], topk.Score(key)})
	}
	return dst
}

// Explain appends to dst what each item of the request's history adds to the score of an
// item: the largest first, ties by ID, what is 0 left out. Together they make the score that
// [Model.ScoreItems] gives, but for rounding. Nothing is appended for an item that the model
// does not know. It allocates only to grow dst; the error is nil.
//
// [recsys.NewQuery] makes a query of a request.
func (m *Model) Explain(dst []retrieval.Contribution, q *recsys.Query, item recsys.ItemID) ([]retrieval.Contribution, error) {
	at := m.matrix.items.Find(item)
	if at < 0 {
		return dst, nil
	}
	s := m.read(q)
	defer m.matrix.release(s)
	s.keys = s.keys[:0]
	for _, e := range s.profile {
		if add := finite(e.Weight * m.matrix.at(e.Item, at)); add != 0 {
			s.keys = append(s.keys, topk.Key(add, e.Item))
		}
	}
	ids := m.Items()
	for _, key := range topk.Best(s.keys, len(s.keys)) {
		dst = append(dst, retrieval.Contribution{Item: ids[topk.Position(key)], Score: topk.Score(key)})
	}
	return dst, nil
}
