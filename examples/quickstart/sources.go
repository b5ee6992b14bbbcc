package main

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
)

// sameValue is a retriever of the program's own: the most used items of the packages
// (or what else the attribute is) in the history, each package in proportion to its
// share of the history, recent events counting more.
type sameValue struct {
	tallies *tallies
	items   [][]weighted // by value of the attribute, best first; weights sum to 1
	weight  []float32    // by item
	pool    sync.Pool    // of *[]weighted
}

type weighted struct {
	id     recsys.ItemID
	weight float32
}

var (
	_ recsys.Retriever  = (*sameValue)(nil)
	_ recsys.ItemScorer = (*sameValue)(nil)
)

func newSameValue(t *tallies, in *retrieval.Interactions) *sameValue {
	s := &sameValue{tallies: t, items: make([][]weighted, len(t.d.makers)), weight: make([]float32, len(t.d.items))}
	s.pool.New = func() any { return new([]weighted) }
	byItem := in.ByItem()
	for row, id := range in.Items() {
		users, _ := byItem.Row(row)
		maker := t.d.items[id].maker
		s.items[maker] = append(s.items[maker], weighted{id, float32(len(users))})
	}
	for _, list := range s.items {
		slices.SortFunc(list, better)
		sum := float32(0)
		for _, x := range list {
			sum += x.weight
		}
		for i := range list {
			list[i].weight /= sum
			s.weight[list[i].id] = list[i].weight
		}
	}
	return s
}

// better orders by falling weight, ties by item ID.
func better(a, b weighted) int {
	return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(a.id, b.id))
}

// Retrieve adds the best items of the history's packages.
func (s *sameValue) Retrieve(_ context.Context, q *recsys.Query, out *recsys.Sink) error {
	t := s.tallies.of(q.History)
	defer s.tallies.put(t)
	buf := s.pool.Get().(*[]weighted)
	defer s.pool.Put(buf)
	all := (*buf)[:0]
	for _, maker := range t.values {
		share, room := t.recent[maker]/t.weight, out.Room()
		for _, x := range s.items[maker] {
			if room == 0 {
				break // no package fills more than the quota
			}
			if out.Accepts(x.id) {
				all = append(all, weighted{x.id, share * x.weight})
				room--
			}
		}
	}
	slices.SortFunc(all, better)
	for _, x := range all {
		if !out.Add(x.id, x.weight) {
			break
		}
	}
	*buf = all
	return nil
}

// ScoreItems lets a blend ask what the source says of the candidates of others.
func (s *sameValue) ScoreItems(_ context.Context, q *recsys.Query, items []recsys.ItemID, dst []float32) error {
	t := s.tallies.of(q.History)
	defer s.tallies.put(t)
	for i, id := range items {
		dst[i] = 0
		if t.weight > 0 {
			dst[i] = t.recent[s.tallies.d.items[id].maker] / t.weight * s.weight[id]
		}
	}
	return nil
}
