package nearest

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
)

// Interests searches with several vectors at once: a user who likes jazz and gardening is
// not served by the mean of the two. An item's score is its best over the vectors.
//
// It is safe for concurrent use and allocates nothing in steady state.
type Interests struct {
	// Balanced makes the vectors take turns: the best item of each, then the second best of
	// each, and so on, until there are k items. So a vector that scores low everywhere has
	// its places too. Otherwise the k items with the best scores are found. Either way they
	// come in the order of their scores.
	Balanced bool

	pool sync.Pool // of *merger
}

// merger is the memory of one search.
type merger struct {
	lists  []retrieval.Neighbor // of all vectors, one behind the other
	ends   []int                // of the lists
	claims []claim
	items  []recsys.ItemID
	score  []float32
	buf    []float32
}

// Search appends the k best items to dst, best first, equal scores by the smaller item, and
// returns it: [retrieval.Index.Search] for len(queries)/ix.Dim() vectors, one behind the
// other. Without vectors it appends nothing. Stats are those of all searches together.
//
// It fails as the search of the index does, and with [retrieval.ErrDimension] when
// len(queries) is no multiple of ix.Dim(); dst is then returned as it was.
func (s *Interests) Search(dst []retrieval.Neighbor, ix retrieval.Index, queries []float32, k int, opt retrieval.SearchOptions) ([]retrieval.Neighbor, error) {
	dim := ix.Dim()
	switch {
	case len(queries) == 0:
		return dst, nil
	case dim == 0 || len(queries)%dim != 0:
		return dst, fmt.Errorf("nearest: %d values; want a multiple of %d: %w", len(queries), dim, retrieval.ErrDimension)
	case len(queries) == dim:
		return ix.Search(dst, queries, k, opt)
	}
	m, ok := s.pool.Get().(*merger)
	if !ok {
		m = new(merger)
	}
	defer s.pool.Put(m)
	if err := m.searchAll(ix, queries, k, opt); err != nil {
		return dst, err
	}
	limit := math.MaxInt
	if s.Balanced {
		limit = max(k, 0)
	}
	m.takeTurns(limit)
	// The search with one vector says nothing of the others.
	n := len(m.items)
	m.score, m.buf = slices.Grow(m.score[:0], n)[:n], slices.Grow(m.buf[:0], n)[:n]
	if err := best(m.score, m.buf, ix, queries, m.items); err != nil {
		return dst, err
	}
	base := len(dst)
	for i, item := range m.items {
		if score := m.score[i]; score == score { // NaN: deleted since it was found
			dst = append(dst, retrieval.Neighbor{Item: item, Score: score})
		}
	}
	slices.SortFunc(dst[base:], func(a, b retrieval.Neighbor) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Item, b.Item))
	})
	return dst[:min(len(dst), base+max(k, 0))], nil
}

func (m *merger) searchAll(ix retrieval.Index, queries []float32, k int, opt retrieval.SearchOptions) (err error) {
	m.lists, m.ends = m.lists[:0], m.ends[:0]
	total, stats := retrieval.SearchStats{}, opt.Stats
	for dim := ix.Dim(); len(queries) > 0; queries = queries[dim:] {
		if m.lists, err = ix.Search(m.lists, queries[:dim], k, opt); err != nil {
			return err
		}
		m.ends = append(m.ends, len(m.lists))
		if stats != nil {
			total.Plan = stats.Plan
			total.Scored += stats.Scored
			total.Rescored += stats.Rescored
		}
	}
	if stats != nil {
		*stats = total
	}
	return nil
}

// claim is an item that a search found, and its turn: all firsts, all seconds, and so on.
type claim struct {
	item recsys.ItemID
	turn int
}

// takeTurns makes m.items the items of the lists, each once: the first limit by turn.
func (m *merger) takeTurns(limit int) {
	m.claims = m.claims[:0]
	start := 0
	for j, end := range m.ends {
		for place, n := range m.lists[start:end] {
			m.claims = append(m.claims, claim{n.Item, place*len(m.ends) + j})
		}
		start = end
	}
	slices.SortFunc(m.claims, func(a, b claim) int { return cmp.Or(cmp.Compare(a.item, b.item), cmp.Compare(a.turn, b.turn)) })
	m.claims = slices.CompactFunc(m.claims, func(a, b claim) bool { return a.item == b.item })
	if len(m.claims) > limit {
		slices.SortFunc(m.claims, func(a, b claim) int { return cmp.Compare(a.turn, b.turn) })
		m.claims = m.claims[:limit]
	}
	m.items = m.items[:0]
	for _, c := range m.claims {
		m.items = append(m.items, c.item)
	}
}

// best writes the best score of each item over the vectors, NaN for an item that is not in
// the index.
func best(dst, buf []float32, ix retrieval.Index, queries []float32, items []recsys.ItemID) error {
	for dim, first := ix.Dim(), true; len(queries) > 0; queries = queries[dim:] {
		to := buf
		if first {
			to = dst
		}
		if err := ix.Score(to, queries[:dim], items); err != nil {
			return err
		}
		for i, score := range buf {
			if !first && (score > dst[i] || dst[i] != dst[i]) {
				dst[i] = score
			}
		}
		first = false
	}
	return nil
}
