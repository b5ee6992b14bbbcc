package main

import (
	"context"
	"math"
	"math/bits"

	"github.com/recsyskit/recsys"
)

// evidence is a feature source of the program's own: what the retrievers said of the
// candidate within their own lists, on a scale that a linear model can use too. For each source it writes
//
//	NAME.score   log of the score against the best score of the source's list
//	NAME.rank    1/log2(2+rank), 0 if the source did not propose the item
//
// then the log of the merge's score, the number of sources, and the log of the length of
// the history, which says nothing of the candidate but how many targets there may be. features.Retrieval has the plain scores and ranks.
type evidence struct {
	sources []string
	at      []int // places in the source mask
}

var (
	_ recsys.CandidateHydrator            = evidence{}
	_ recsys.Binder[recsys.FeatureSource] = evidence{}
	_ recsys.Overwriter                   = evidence{}
)

func (e evidence) Columns() []recsys.Column {
	var c []recsys.Column
	for _, s := range e.sources {
		c = append(c, recsys.Column{Name: s + ".score"}, recsys.Column{Name: s + ".rank"})
	}
	return append(c, recsys.Column{Name: "merged"}, recsys.Column{Name: "sources"}, recsys.Column{Name: "history"})
}

// Bind finds the sources.
func (e evidence) Bind(s *recsys.Schema) (recsys.FeatureSource, error) {
	e.at = make([]int, len(e.sources))
	for i, name := range e.sources {
		var err error
		if e.at[i], err = s.Source(name); err != nil {
			return nil, err
		}
	}
	return e, nil
}

func (evidence) Overwrites() bool { return true }

// Hydrate is not called: HydrateCandidates stands in for it.
func (evidence) Hydrate(context.Context, *recsys.Query, []recsys.ItemID, *recsys.Block) error {
	return errNoTable
}

// least is the share of the best score from which on scores are told apart.
const least = 1e-3

func (e evidence) HydrateCandidates(_ context.Context, q *recsys.Query, c *recsys.Candidates, out *recsys.Block) error {
	for j, source := range e.at {
		best := float32(0)
		for i := range out.Rows {
			best = max(best, c.SourceScore(i, source))
		}
		for i := range out.Rows {
			row := out.FloatRow(i)
			row[2*j], row[2*j+1] = logOf(least), 0
			if rank := c.SourceRank(i, source); rank >= 0 {
				row[2*j+1] = float32(ln2 / math.Log(float64(2+rank)))
				if best > 0 {
					row[2*j] = logOf(float64(max(0, c.SourceScore(i, source))/best) + least)
				}
			}
		}
	}
	history := logOf(float64(1 + len(q.History)))
	for i, merged := range c.MergeScores() {
		last := out.FloatRow(i)[2*len(e.at):]
		last[0], last[1], last[2] = logOf(float64(merged)+1e-6), float32(bits.OnesCount64(c.Sources(i))), history
	}
	return nil
}

// affinity is a feature source of the program's own: how the candidate's package stands
// in the request's history. It reads the package from the table, so it finds its column
// when the pipeline is built.
type affinity struct {
	tallies *tallies
	column  int
}

var (
	_ recsys.CandidateHydrator            = affinity{}
	_ recsys.Binder[recsys.FeatureSource] = affinity{}
	_ recsys.Overwriter                   = affinity{}
)

func (a affinity) Columns() []recsys.Column {
	name := a.tallies.d.attribute
	return []recsys.Column{{Name: name + ".share"}, {Name: name + ".recent"}, {Name: name + ".new"}}
}

// Bind finds the column of the attribute.
func (a affinity) Bind(s *recsys.Schema) (recsys.FeatureSource, error) {
	f, err := s.ID(a.tallies.d.attribute)
	a.column = f.Index
	return a, err
}

func (affinity) Overwrites() bool { return true }

// Hydrate is not called: HydrateCandidates stands in for it.
func (affinity) Hydrate(context.Context, *recsys.Query, []recsys.ItemID, *recsys.Block) error {
	return errNoTable
}

func (a affinity) HydrateCandidates(_ context.Context, q *recsys.Query, c *recsys.Candidates, out *recsys.Block) error {
	t := a.tallies.of(q.History)
	defer a.tallies.put(t)
	for i, maker := range c.IDColumn(a.column) {
		row := out.FloatRow(i)
		row[0] = logOf((float64(t.count[maker]) + 0.1) / float64(t.n+1))
		row[1] = logOf((float64(t.recent[maker]) + 0.02) / float64(t.weight+1))
		row[2] = flag(t.count[maker] == 0)
	}
	return nil
}

// logOf is the natural logarithm, rounded to what a feature holds.
func logOf(x float64) float32 { return float32(math.Log(x)) }
