package session

import (
	"context"
	"errors"
	"fmt"
	"sort"

	"github.com/recsyskit/recsys/retrieval"
)

// sequences holds the items of all sequences, one after the other.
type sequences struct {
	start []int64 // one more than there are sequences
	items []int32
}

// newSequences returns the histories of in, in the order of its users or the given one. The
// error wraps the cause of ctx, when that ends first.
func newSequences(ctx context.Context, in *retrieval.Interactions, order []int) (sequences, error) {
	s := sequences{start: []int64{0}}
	n := in.NumUsers()
	if order != nil {
		n = len(order)
	}
	for i := range n {
		if i%4096 == 0 && ctx.Err() != nil {
			return s, stopped(ctx)
		}
		u := i
		if order != nil {
			u = order[i]
		}
		s.items = in.AppendItemRows(s.items, u)
		s.start = append(s.start, int64(len(s.items)))
	}
	return s, nil
}

// stopped returns the error of a training whose context has ended.
func stopped(ctx context.Context) error {
	return fmt.Errorf("session: training stopped: %w", context.Cause(ctx))
}

func (s *sequences) len() int { return len(s.start) - 1 }

// at returns a sequence.
func (s *sequences) at(i int) []int32 {
	a, b := s.start[i], s.start[i+1]
	return s.items[a:b:b]
}

// around returns what comes before and after an event in its sequence.
func (s *sequences) around(place int32) (before, after []int32) {
	i := sort.Search(s.len(), func(i int) bool { return s.start[i+1] > int64(place) })
	return s.items[s.start[i]:place], s.items[place+1 : s.start[i+1]]
}

// places returns where the items from 0 to n-1 stand: the events of item i are
// places[first[i]:first[i+1]], ascending.
func (s *sequences) places(n int) (first []int64, places []int32) {
	first, places = make([]int64, n+1), make([]int32, len(s.items))
	for _, i := range s.items {
		first[i+1]++
	}
	for i := range n {
		first[i+1] += first[i]
	}
	next := append([]int64(nil), first[:n]...)
	for p, i := range s.items {
		places[next[i]] = int32(p)
		next[i]++
	}
	return first, places
}

// check says how s breaks the description of sequences of the items from 0 to n-1.
func (s *sequences) check(n int) error {
	switch {
	case len(s.start) == 0:
		return errors.New("no start of sessions")
	case s.start[0] != 0 || s.start[s.len()] != int64(len(s.items)):
		return errors.New("the sessions do not cover the events")
	}
	for i := range s.len() {
		if s.start[i] > s.start[i+1] {
			return fmt.Errorf("session %d ends before it starts", i)
		}
	}
	for p, i := range s.items {
		if i < 0 || int(i) >= n {
			return fmt.Errorf("event %d: item %d of %d", p, i, n)
		}
	}
	return nil
}
