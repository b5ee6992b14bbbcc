package main

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/itemsim"
)

// asked is a feature source of the program's own: what the sources say of a candidate when they
// are asked, also those that did not propose it. The sources that follow from item to item are
// asked a second time about the last event alone (NAME-last), since what comes next often has more to do
// with that than with the whole history. The blend is asked too. For each it writes
//
//	NAME.asked   log of the score against the best of the candidates
//	NAME.place   1/log2(2+place) among the candidates by falling score, ties by item ID
type asked struct {
	names    []string
	scorers  []recsys.ItemScorer
	discount []float32 // by place
}

var (
	_ recsys.CandidateHydrator = asked{}
	_ recsys.Overwriter        = asked{}
)

func newAsked(m *models) (asked, error) {
	a := asked{discount: make([]float32, maxCandidates)}
	for i := range a.discount {
		a.discount[i] = float32(ln2 / math.Log(float64(2+i)))
	}
	add := func(name string, r any) {
		if s, ok := r.(recsys.ItemScorer); ok {
			a.names, a.scorers = append(a.names, name), append(a.scorers, s)
		}
	}
	for _, s := range m.sources {
		add(s.name, s.r)
		if x, ok := s.r.(*itemsim.Model); ok {
			last, err := x.WithHistory(retrieval.History{Last: 1})
			if err != nil {
				return a, err
			}
			add(s.name+"-last", last)
		}
	}
	if m.blend != nil {
		add("blend", m.blend)
	}
	return a, nil
}

func (a asked) Columns() []recsys.Column {
	var c []recsys.Column
	for _, name := range a.names {
		c = append(c, recsys.Column{Name: name + ".asked"}, recsys.Column{Name: name + ".place"})
	}
	return c
}

func (asked) Overwrites() bool { return true }

// Hydrate is not called: HydrateCandidates stands in for it.
func (asked) Hydrate(context.Context, *recsys.Query, []recsys.ItemID, *recsys.Block) error {
	return errNoTable
}

func (a asked) HydrateCandidates(ctx context.Context, q *recsys.Query, c *recsys.Candidates, out *recsys.Block) error {
	ids := c.IDs()
	scores, order := make([]float32, len(ids)), make([]int, len(ids))
	for j, s := range a.scorers {
		if err := s.ScoreItems(ctx, q, ids, scores); err != nil {
			return err
		}
		for i := range order {
			order[i] = i
		}
		slices.SortFunc(order, func(a, b int) int {
			if x := cmp.Compare(scores[b], scores[a]); x != 0 {
				return x
			}
			return cmp.Compare(ids[a], ids[b])
		})
		for place, i := range order {
			row := out.FloatRow(i)
			row[2*j], row[2*j+1] = logOf(least), a.discount[place]
			if best := scores[order[0]]; best > 0 {
				row[2*j] = logOf(float64(max(0, scores[i])/best) + least)
			}
		}
	}
	return nil
}
