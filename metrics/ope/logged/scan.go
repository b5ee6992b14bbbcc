package logged

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/metrics/ope"
)

// ErrEstimated is wrapped for a record whose propensities are estimates: weights that are random
// themselves bias estimates in a way that no interval shows. See [Config].Estimated.
var ErrEstimated = errors.New("logged: the propensities are estimates; set Config.Estimated to take them as they are")

// Counts says what became of the records of a log.
type Counts struct {
	Exposures     int            // given, doubles apart
	Judged        int            // what the estimates come from
	Degraded      int            // left out: a stage had failed on the way
	OtherPipeline int            // left out: not of Config.Pipeline
	Pipelines     map[string]int // judged, by version of the pipeline
	Feedback      int            // on the judged records
}

// sample is one usable record with what its places earned. Both are valid during the call.
type sample struct {
	x       *recsys.Exposure
	rewards []float64
}

// scan calls visit for every usable record of the log.
func (cfg *Config) scan(ctx context.Context, src Source, visit func(sample) error) (Counts, recsys.JoinStats, error) {
	counts := Counts{Pipelines: map[string]int{}}
	joiner, err := recsys.NewJoiner(cfg.Join)
	if err != nil {
		return counts, recsys.JoinStats{}, err
	}
	var first *recsys.Exposure
	var rewards []float64
	for joined, err := range joiner.Join(src.Records()) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return counts, joiner.Stats(), err
		}
		x := joined.Exposure
		counts.Exposures++
		if cfg.Pipeline != "" && x.Pipeline != cfg.Pipeline {
			counts.OtherPipeline++
			continue
		}
		if degraded(x) {
			counts.Degraded++
			continue
		}
		if first == nil {
			first = x
		}
		if err := cfg.usable(x, first); err != nil {
			return counts, joiner.Stats(), &RecordError{x.ID, err}
		}
		rewards = rewards[:0]
		for i := range x.Shown {
			r := cfg.Reward(x, i, joined.Feedback[i])
			if math.IsNaN(r) || math.IsInf(r, 0) {
				return counts, joiner.Stats(), &RecordError{x.ID, &ope.RowError{Row: counts.Judged, Field: fmt.Sprintf("Reward[%d]", i), Value: r, Want: "finite"}}
			}
			rewards = append(rewards, r)
			counts.Feedback += len(joined.Feedback[i])
		}
		counts.Judged++
		counts.Pipelines[x.Pipeline]++
		if err := visit(sample{x, rewards}); err != nil {
			return counts, joiner.Stats(), &RecordError{x.ID, err}
		}
	}
	return counts, joiner.Stats(), nil
}

// degraded reports whether a stage failed before the slate was chosen. A slate on which a
// constraint was given up, or came to a dead end, was chosen by chance like any other: to leave
// it out, for what was picked, would bias the estimate.
func degraded(x *recsys.Exposure) bool {
	for _, d := range x.Degraded {
		if d.Reason != recsys.ReasonRelaxed && d.Reason != recsys.ReasonDeadEnd {
			return true
		}
	}
	return false
}

// usable returns why x cannot be judged, or not beside first.
func (cfg *Config) usable(x, first *recsys.Exposure) error {
	switch {
	case x.Explorer == "" || x.Exploration == recsys.ExplorationDeterministic:
		return ope.ErrDeterministic
	case x.Exploration == recsys.ExplorationEstimated && !cfg.Estimated:
		return ErrEstimated
	case x.Shown < 1 || x.Shown > len(x.Rows):
		return fmt.Errorf("it shows %d of %d rows; want at least 1", x.Shown, len(x.Rows))
	case x.Pipeline != first.Pipeline && !cfg.Mixed:
		return &MixError{"Pipeline", fmt.Sprintf("%q", first.Pipeline), fmt.Sprintf("%q", x.Pipeline), "name one in Config.Pipeline, or set Config.Mixed"}
	case hashOf(x.Schema) != hashOf(first.Schema) && !cfg.Mixed:
		return &MixError{"Schema", fmt.Sprintf("%016x", hashOf(first.Schema)), fmt.Sprintf("%016x", hashOf(x.Schema)), "set Config.Mixed if the policies know both"}
	case x.K != first.K && !cfg.MixedK:
		return &MixError{"K", fmt.Sprint(first.K), fmt.Sprint(x.K), "set Config.MixedK to estimate the mean over slates of all lengths"}
	}
	return nil
}

func hashOf(s *recsys.Schema) uint64 {
	if s == nil {
		return 0
	}
	return s.Hash()
}
