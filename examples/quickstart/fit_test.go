package main

import (
	"io"
	"testing"

	"github.com/recsyskit/recsys/ranking"
)

// rows returns 200 lists of 10 candidates. Those with a large x are clicked, or those with a small one.
func rows(large bool) *ranking.Dataset {
	d := &ranking.Dataset{Columns: []string{"merged", "sources"}, Heads: []string{"click"}}
	for g := range 200 {
		for i := range 10 {
			d.Floats = append(d.Floats, float32(i), 1)
			d.Labels = append(d.Labels, flag((i >= 7) == large))
			d.Groups = append(d.Groups, uint64(g))
		}
	}
	return d
}

func TestTreesThatHeldOutUsersContradictDoNotRank(t *testing.T) {
	r, err := trainTrees(t.Context(), rows(true), rows(true), 1, 1, io.Discard)
	if err != nil || r == nil {
		t.Fatalf("users agree: ranker %v, error %v", r, err)
	}
	r, err = trainTrees(t.Context(), rows(true), rows(false), 1, 1, io.Discard)
	if err != nil || r != nil {
		t.Errorf("users disagree: ranker %v, error %v; want neither", r, err)
	}
}
