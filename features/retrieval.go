package features

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/bits"

	"github.com/recsyskit/recsys"
)

// Retrieval turns what the retrievers said of a candidate into features. Its
// columns are, in this order,
//
//	NAME.score   for each source: the score it gave, NoScore if it did not propose the item
//	NAME.rank    for each source: the rank it gave, from 0, NoRank if it did not
//	sources      how many of all the pipeline's sources proposed the item, >= 1
//	merged       the score of the merge
//
// A score is the source's own: scales differ between sources and, for some, between
// users; the rank is comparable. Quota and MaxCandidates cut what is seen here.
//
// Retrieval reads the candidate table, so it runs in process: it cannot be marked
// Remote. It allocates nothing.
type Retrieval struct {
	// Sources are the names of retrievers, as given to [recsys.Retrieve]. Empty
	// means that only "sources" and "merged" are written.
	Sources []string

	// Prefix stands before each column's name. The default is none.
	Prefix string

	// NoScore and NoRank stand for what a source did not propose. Nil means NaN,
	// which rankers see as missing.
	NoScore, NoRank *float32
}

// errNoTable says what to do with a source that works from the candidate table.
var errNoTable = errors.New("features: Retrieval reads the candidate table; give it to recsys.Features without Remote")

// Validate returns an error that names each empty or doubled source.
func (r Retrieval) Validate() error {
	var errs []error
	seen := map[string]bool{}
	for i, name := range r.Sources {
		switch {
		case name == "":
			errs = append(errs, fmt.Errorf("features: Retrieval.Sources[%d] is empty; want the name of a retriever", i))
		case seen[name]:
			errs = append(errs, fmt.Errorf("features: Retrieval.Sources[%d] is %q, which is listed before", i, name))
		}
		seen[name] = true
	}
	return errors.Join(errs...)
}

// Columns returns two columns for each source, then "sources" and "merged".
func (r Retrieval) Columns() []Column {
	columns := make([]Column, 0, 2*len(r.Sources)+2)
	for _, name := range r.Sources {
		columns = append(columns,
			Column{Name: r.Prefix + name + ".score", Default: r.NoScore},
			Column{Name: r.Prefix + name + ".rank", Default: r.NoRank})
	}
	return append(columns, Column{Name: r.Prefix + "sources"}, Column{Name: r.Prefix + "merged"})
}

// Hydrate returns an error: there is no table to read.
func (r Retrieval) Hydrate(context.Context, *recsys.Query, []recsys.ItemID, *recsys.Block) error {
	return errNoTable
}

// Bind finds the sources by name. The error lists those that the pipeline does not have.
func (r Retrieval) Bind(s *recsys.Schema) (recsys.FeatureSource, error) {
	b := &boundRetrieval{Retrieval: r, columns: r.Columns()}
	var errs []error
	for _, name := range r.Sources {
		at, err := s.Source(name)
		if err != nil {
			errs = append(errs, err)
		}
		b.sources = append(b.sources, at)
	}
	b.noScore, b.noRank = orNaN(r.NoScore), orNaN(r.NoRank)
	return b, errors.Join(errs...)
}

func orNaN(v *float32) float32 {
	if v == nil {
		return float32(math.NaN())
	}
	return *v
}

// boundRetrieval is a Retrieval that knows its sources.
type boundRetrieval struct {
	Retrieval
	columns []Column
	sources []int // positions in the source mask

	noScore, noRank float32
}

var (
	_ recsys.FeatureSource                = Retrieval{}
	_ recsys.Binder[recsys.FeatureSource] = Retrieval{}
	_ recsys.Validator                    = Retrieval{}
	_ recsys.CandidateHydrator            = (*boundRetrieval)(nil)
	_ recsys.Overwriter                   = (*boundRetrieval)(nil)
)

func (r *boundRetrieval) Columns() []Column { return r.columns }
func (r *boundRetrieval) Overwrites() bool  { return true }

// HydrateCandidates writes a row for each candidate.
func (r *boundRetrieval) HydrateCandidates(_ context.Context, _ *recsys.Query, c *recsys.Candidates, out *recsys.Block) error {
	merged := c.MergeScores()
	for i := range out.Rows {
		row := out.FloatRow(i)
		for j, s := range r.sources {
			score, rank := r.noScore, r.noRank
			if at := c.SourceRank(i, s); at >= 0 {
				score, rank = c.SourceScore(i, s), float32(at)
			}
			row[2*j], row[2*j+1] = score, rank
		}
		n := 2 * len(r.sources)
		row[n], row[n+1] = float32(bits.OnesCount64(c.Sources(i))), merged[i]
	}
	return nil
}
