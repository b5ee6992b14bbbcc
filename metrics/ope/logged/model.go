package logged

import (
	"context"
	"fmt"
	"iter"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/hash"
)

// Model is a reward model that is trained on the log itself, for the estimators that have one:
// ope.DM, ope.DR and its kin, ope.CascadeDR. It is cross-fitted: the users are divided into folds,
// and the records of a fold are judged by a ranker that was fitted to the others. So the log is
// read Folds times more.
type Model struct {
	// Fit trains a ranker whose score predicts what a row earns, in the unit of the reward: of
	// heads, the first counts if the ranker has any. train yields records with the rewards of
	// their shown rows, which are valid until the next; ranking.Collector takes both. It is
	// called once per fold.
	Fit func(ctx context.Context, train iter.Seq2[*recsys.Exposure, []float64]) (recsys.Ranker, error)
	// Folds is at least 2; 0 means 5. Seed seeds the division of users.
	Folds int
	Seed  uint64
}

// fold returns the fold of a user.
func (m *Model) fold(u recsys.UserID) int {
	return int(hash.Combine(m.Seed^0x6c6f676765640000, uint64(u)) % uint64(m.Folds))
}

// fit trains a ranker without each fold.
func (cfg *Config) fit(ctx context.Context, src Source) ([]recsys.Ranker, error) {
	m := *cfg.Model
	rankers := make([]recsys.Ranker, m.Folds)
	for k := range rankers {
		var failed error
		n := 0
		train := func(yield func(*recsys.Exposure, []float64) bool) {
			_, _, err := cfg.scan(ctx, src, func(s sample) error {
				if m.fold(s.x.User) == k {
					return nil
				}
				n++
				if !yield(s.x, s.rewards) {
					return errStopped
				}
				return nil
			})
			if err != nil && !isStopped(err) {
				failed = err
			}
		}
		r, err := m.Fit(ctx, train)
		switch {
		case failed != nil:
			return nil, failed
		case err != nil:
			return nil, fmt.Errorf("logged: fitting without fold %d of %d (%d records): %w", k, m.Folds, n, err)
		case r == nil:
			return nil, fieldError("Model.Fit", "returning nil", "a ranker or an error")
		}
		rankers[k] = r
	}
	return rankers, nil
}

// predictor applies the rankers of a [Model] to records.
type predictor struct {
	rankers []recsys.Ranker
	bound   map[boundKey]recsys.Ranker
	scores  recsys.Scores
	heads   int
}

type boundKey struct {
	fold   int
	schema uint64
}

// predict returns what each row of the table is predicted to earn, by the ranker that has not
// seen the record's user. The slice is valid until the next call.
func (p *predictor) predict(ctx context.Context, fold int, t *table) ([]float32, error) {
	key := boundKey{fold, hashOf(t.c.Schema())}
	r := p.bound[key]
	if r == nil {
		var err error
		if r, err = recsys.Bind(p.rankers[fold], t.c.Schema()); err != nil {
			return nil, fmt.Errorf("the reward model: %w", err)
		}
		p.bound[key] = r
	}
	h := 0
	if w, ok := r.(recsys.HeadWriter); ok {
		h = len(w.Heads())
	}
	n := t.c.Len()
	if len(p.scores.Score) < n || p.heads != h {
		p.scores, p.heads = recsys.NewScores(n, h), h
	}
	out := p.scores
	out.Score, out.Heads = out.Score[:n], out.Heads[:n*h]
	if err := r.Rank(ctx, t.q, t.c, out); err != nil {
		return nil, fmt.Errorf("the reward model: %w", err)
	}
	if h > 0 {
		for i := range out.Score {
			out.Score[i] = out.Heads[i*h]
		}
	}
	return out.Score, nil
}
