package recsys

import (
	"context"
	"errors"
)

// Retriever proposes candidates: the first stage of the funnel.
//
// The contract, which package retrieval/retrievaltest checks:
//   - Candidates come best first; scores are the source's own, higher is better.
//   - Stop when Add returns false.
//   - An unknown user, an empty history and an empty index propose nothing and are no error.
//   - The same query gives the same candidates in the same order; ties by item ID.
//   - q is read-only and neither q nor out is kept after the call.
//   - Any number of calls run concurrently.
//   - A call that waits (network, disk) returns soon after ctx is done, with an error that wraps ctx.Err().
type Retriever interface {
	// Retrieve proposes candidates to out, best first, until out is full.
	Retrieve(ctx context.Context, q *Query, out *Sink) error
}

// FeatureSource writes feature columns.
//
// The contract, which package features/featurestest checks:
//   - Columns returns the same columns every time; the result is read-only.
//   - Hydrate writes every cell of every row, or calls out.Miss for the row. Columns
//     of scope PerItem: one row per item. Of scope PerRequest: one row, items is nil. A
//     source with columns of both scopes is called once for each.
//   - An unknown item or user is a missing row, not an error. Doubled items get equal rows.
//   - A value older than its column's MaxAge at q.Now sets the row's Stale bit.
//   - q, items and out are not kept after the call; any number of calls run concurrently.
//   - After an error nothing that was written counts: the pipeline writes the defaults.
type FeatureSource interface {
	// Columns declares what Hydrate writes, so that Build can check the wiring.
	Columns() []Column
	// Hydrate fills out for the items, or for the request when items is nil.
	Hydrate(ctx context.Context, q *Query, items []ItemID, out *Block) error
}

// Ranker scores candidates.
//
// The contract, which package ranking/rankingtest checks:
//   - Every row gets a score, and every head it declares (see [HeadWriter]).
//   - The score of a row does not depend on its place in the table.
//   - A missing feature (NaN) gives a score, not an error.
//   - c and q are read-only and not kept; any number of calls run concurrently.
type Ranker interface {
	// Rank writes a score, and its heads, for every row of c into out.
	Rank(ctx context.Context, q *Query, c *Candidates, out Scores) error
}

// ReRanker changes the order of a list as a whole.
//
// The contract, which package rerank/reranktest checks:
//   - The result is a permutation of order, or of a part of it: no row is doubled or invented.
//   - If the order changed, c.Utility() does not increase along the result.
//   - A greedy re-ranker builds through [Candidates.Slate], so that constraints hold on the way.
//   - order may be permuted in place and returned; apart from it and the utilities nothing is written.
//   - An empty order gives an empty result; any number of calls run concurrently.
type ReRanker interface {
	// ReRank permutes and may shorten order, a list of rows of c, best first.
	ReRank(ctx context.Context, q *Query, c *Candidates, order []int32) ([]int32, error)
}

// Explorer chooses the slate: by chance, with propensities that are known exactly.
//
// The contract, which package bandit/bandittest checks:
//   - Fill through s: while s.Next() { choose a row of s.Admissible(); s.Pick(row, propensity) }.
//   - The propensity is the probability of the row given the picks above it, in (0, 1]; over
//     the admissible rows of a position the propensities sum to 1.
//   - Choice depends on utility, not on score; randomness comes from q.Rand().
//   - A call that ends because ctx is done returns an error that wraps ctx.Err().
//   - Nothing is written but s; any number of calls run concurrently.
type Explorer interface {
	// Explore fills s: each Pick names a row and its propensity given the picks above it.
	Explore(ctx context.Context, q *Query, c *Candidates, s *Slate) error
}

// Filter drops candidates after hydration, before ranking.
type Filter interface {
	// Filter clears the bit of each row to drop. Rows never come back: a set bit of a
	// row that an earlier filter dropped has no effect.
	Filter(ctx context.Context, q *Query, c *Candidates, keep Bits) error
}

// Constraint is a hard rule on slates: a cap, a quota, a policy. It holds through
// re-ranking, exploration and backfill.
type Constraint interface {
	// Restrict clears the rows that must not come next: slate holds the rows picked
	// so far, k is the number of places. It never sets a bit and keeps no state.
	//
	// A constraint that is [Hereditary] is called once for each prefix of the slate,
	// from the empty one, and the bits that it cleared stay cleared: it needs to look
	// only at the newest pick. Any other is called afresh for each place, on the rows that
	// are unpicked and that the constraints before it left.
	Restrict(c *Candidates, k int, slate []int32, admissible Bits)
}

// The Func types adapt plain functions, as http.HandlerFunc does.
type (
	// RetrieverFunc adapts a function to [Retriever].
	RetrieverFunc func(ctx context.Context, q *Query, out *Sink) error
	// RankerFunc adapts a function to [Ranker].
	RankerFunc func(ctx context.Context, q *Query, c *Candidates, out Scores) error
	// ReRankerFunc adapts a function to [ReRanker].
	ReRankerFunc func(ctx context.Context, q *Query, c *Candidates, order []int32) ([]int32, error)
	// ExplorerFunc adapts a function to [Explorer].
	ExplorerFunc func(ctx context.Context, q *Query, c *Candidates, s *Slate) error
	// FilterFunc adapts a function to [Filter].
	FilterFunc func(ctx context.Context, q *Query, c *Candidates, keep Bits) error
	// ConstraintFunc adapts a function to [Constraint].
	ConstraintFunc func(c *Candidates, k int, slate []int32, admissible Bits)
)

// FeatureFunc adapts a function and its columns to [FeatureSource].
type FeatureFunc struct {
	Cols []Column
	Func func(ctx context.Context, q *Query, items []ItemID, out *Block) error
}

// Retrieve calls f.
func (f RetrieverFunc) Retrieve(ctx context.Context, q *Query, out *Sink) error {
	return f(ctx, q, out)
}

// Rank calls f.
func (f RankerFunc) Rank(ctx context.Context, q *Query, c *Candidates, out Scores) error {
	return f(ctx, q, c, out)
}

// ReRank calls f.
func (f ReRankerFunc) ReRank(ctx context.Context, q *Query, c *Candidates, order []int32) ([]int32, error) {
	return f(ctx, q, c, order)
}

// Explore calls f.
func (f ExplorerFunc) Explore(ctx context.Context, q *Query, c *Candidates, s *Slate) error {
	return f(ctx, q, c, s)
}

// Filter calls f.
func (f FilterFunc) Filter(ctx context.Context, q *Query, c *Candidates, keep Bits) error {
	return f(ctx, q, c, keep)
}

// Restrict calls f.
func (f ConstraintFunc) Restrict(c *Candidates, k int, slate []int32, admissible Bits) {
	f(c, k, slate, admissible)
}

// Columns returns f.Cols.
func (f FeatureFunc) Columns() []Column { return f.Cols }

// Hydrate calls f.Func.
func (f FeatureFunc) Hydrate(ctx context.Context, q *Query, items []ItemID, out *Block) error {
	return f.Func(ctx, q, items, out)
}

// Validate reports a missing function.
func (f FeatureFunc) Validate() error {
	if f.Func == nil {
		return errors.New("FeatureFunc.Func is nil")
	}
	return nil
}
