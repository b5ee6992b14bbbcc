package rankingtest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/recsyskit/recsys"
)

// The doubles below are rankers that go wrong in one way. Those with a field Ranker
// do it around that ranker, whose Bind and Heads they pass on; without one they
// score a row by its item: 1/(1+id). All are safe for concurrent use if the inner one is.
var (
	_ recsys.Ranker = Slow{}
	_ recsys.Ranker = Hanging{}
	_ recsys.Ranker = Panicking{}
	_ recsys.Ranker = Erroring{}
	_ recsys.Ranker = NaN{}
	_ recsys.Ranker = Half{}
	_ recsys.Ranker = RowOrder{}
	_ recsys.Ranker = Mutating{}

	_ recsys.HeadWriter            = Slow{}
	_ recsys.Binder[recsys.Ranker] = Slow{}
)

// ErrFaulty is the error of an [Erroring] ranker that has no other.
var ErrFaulty = errors.New("rankingtest: faulty ranker")

// byItem scores a row by its item.
func byItem(_ context.Context, _ *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
	for i, id := range c.IDs() {
		out.Score[i] = 1 / (1 + float32(id))
	}
	return nil
}

// orByItem returns r, or the ranker of a double that has none.
func orByItem(r recsys.Ranker) recsys.Ranker {
	if r == nil {
		return recsys.RankerFunc(byItem)
	}
	return r
}

func bindInner(r recsys.Ranker, s *recsys.Schema) (recsys.Ranker, error) {
	return recsys.Bind(orByItem(r), s)
}

// Slow waits before it ranks. When ctx is done first it returns an error that wraps ctx.Err().
type Slow struct {
	Ranker recsys.Ranker
	Delay  time.Duration
}

// Bind binds the inner ranker.
func (r Slow) Bind(s *recsys.Schema) (_ recsys.Ranker, err error) {
	r.Ranker, err = bindInner(r.Ranker, s)
	return r, err
}

// Heads returns the inner ranker's heads.
func (r Slow) Heads() []string { return headsOf(r.Ranker) }

// Rank waits, then ranks.
func (r Slow) Rank(ctx context.Context, q *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
	wait := time.NewTimer(r.Delay)
	defer wait.Stop()
	select {
	case <-wait.C:
		return orByItem(r.Ranker).Rank(ctx, q, c, out)
	case <-ctx.Done():
		return fmt.Errorf("rankingtest: slow ranker: %w", ctx.Err())
	}
}

// Hanging does not return until Release is closed, whatever ctx says; then it
// returns [ErrFaulty].
type Hanging struct{ Release <-chan struct{} }

// Rank waits for Release.
func (r Hanging) Rank(context.Context, *recsys.Query, *recsys.Candidates, recsys.Scores) error {
	<-r.Release
	return ErrFaulty
}

// Panicking panics with Value, or with [ErrFaulty] if it is nil.
type Panicking struct{ Value any }

// Rank panics.
func (r Panicking) Rank(context.Context, *recsys.Query, *recsys.Candidates, recsys.Scores) error {
	if r.Value == nil {
		panic(ErrFaulty)
	}
	panic(r.Value)
}

// Erroring writes half of the scores and returns Err, or [ErrFaulty] if it is nil.
type Erroring struct{ Err error }

// Rank fails half way.
func (r Erroring) Rank(_ context.Context, _ *recsys.Query, _ *recsys.Candidates, out recsys.Scores) error {
	for i := range out.Score[:len(out.Score)/2] {
		out.Score[i] = 1
	}
	if r.Err == nil {
		return ErrFaulty
	}
	return r.Err
}

// NaN makes the score and the heads of each row NaN whose item, divided by Every,
// leaves 0. An Every of 0 or 1 means all rows.
type NaN struct {
	Ranker recsys.Ranker
	Every  int
}

// Bind binds the inner ranker.
func (r NaN) Bind(s *recsys.Schema) (_ recsys.Ranker, err error) {
	r.Ranker, err = bindInner(r.Ranker, s)
	return r, err
}

// Heads returns the inner ranker's heads.
func (r NaN) Heads() []string { return headsOf(r.Ranker) }

// Rank ranks, then spoils.
func (r NaN) Rank(ctx context.Context, q *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
	if err := orByItem(r.Ranker).Rank(ctx, q, c, out); err != nil {
		return err
	}
	nan := float32(math.NaN())
	for i, id := range c.IDs() {
		if uint64(id)%uint64(max(r.Every, 1)) != 0 {
			continue
		}
		out.Score[i] = nan
		for h := range r.Heads() {
			out.Heads[i*out.Stride+h] = nan
		}
	}
	return nil
}

// Half writes the scores and heads of the first half of the rows only, and returns nil.
type Half struct{ Ranker recsys.Ranker }

// Bind binds the inner ranker.
func (r Half) Bind(s *recsys.Schema) (_ recsys.Ranker, err error) {
	r.Ranker, err = bindInner(r.Ranker, s)
	return r, err
}

// Heads returns the inner ranker's heads.
func (r Half) Heads() []string { return headsOf(r.Ranker) }

// Rank ranks aside and copies half of it.
func (r Half) Rank(ctx context.Context, q *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
	n, heads := c.Len(), len(r.Heads())
	full := recsys.NewScores(n, heads)
	if err := orByItem(r.Ranker).Rank(ctx, q, c, full); err != nil {
		return err
	}
	for i := range n / 2 {
		out.Score[i] = full.Score[i]
		copy(out.Heads[i*out.Stride:], full.Heads[i*heads:(i+1)*heads])
	}
	return nil
}

// RowOrder adds to each score a hundredth for each row above it in the table.
type RowOrder struct{ Ranker recsys.Ranker }

// Bind binds the inner ranker.
func (r RowOrder) Bind(s *recsys.Schema) (_ recsys.Ranker, err error) {
	r.Ranker, err = bindInner(r.Ranker, s)
	return r, err
}

// Heads returns the inner ranker's heads.
func (r RowOrder) Heads() []string { return headsOf(r.Ranker) }

// Rank ranks, then adds.
func (r RowOrder) Rank(ctx context.Context, q *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
	if err := orByItem(r.Ranker).Rank(ctx, q, c, out); err != nil {
		return err
	}
	for i := range c.Len() {
		out.Score[i] += 0.01 * float32(i)
	}
	return nil
}

// Mutating ranks, and sets every float feature and every merge score of the table to 0.
type Mutating struct{ Ranker recsys.Ranker }

// Bind binds the inner ranker.
func (r Mutating) Bind(s *recsys.Schema) (_ recsys.Ranker, err error) {
	r.Ranker, err = bindInner(r.Ranker, s)
	return r, err
}

// Heads returns the inner ranker's heads.
func (r Mutating) Heads() []string { return headsOf(r.Ranker) }

// Rank ranks, then overwrites.
func (r Mutating) Rank(ctx context.Context, q *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
	err := orByItem(r.Ranker).Rank(ctx, q, c, out)
	clear(c.Floats())
	clear(c.MergeScores())
	return err
}
