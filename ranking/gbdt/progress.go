package gbdt

import (
	"time"

	"github.com/recsyskit/recsys/ranking/gbdt/internal/loss"
)

// Progress tells of a head after a round.
type Progress struct {
	Head   string
	Round  int // of this training, from 1
	Rounds int // the largest number there will be

	// Metric is what the next two are: "auc", "ndcg". Train is that of the training rows,
	// which is computed only because Progress was asked for; Validation is NaN when there are none.
	// Neither counts dropped trees as dropped.
	Metric            string
	Train, Validation float64
	// Best is the round with the best validation metric so far, 0 without validation or if the
	// initial model is better.
	Best int

	// Done says that this was the head's last round: the last of all, early stopping, or no
	// split left that gains anything.
	Done bool

	Elapsed time.Duration // since the first round began
	// Remaining is how long the rounds will take that are left at most, at the mean pace so far.
	Remaining time.Duration
}

// reporter calls Config.Progress.
type reporter struct {
	call  func(Progress)
	clock func() time.Time
	start time.Time
	done  int // rounds, of all heads
}

func newReporter(cfg *Config) *reporter {
	r := &reporter{call: cfg.Progress, clock: cfg.Clock}
	if r.call == nil {
		return r
	}
	if r.clock == nil {
		r.clock = time.Now
	}
	r.start = r.clock()
	return r
}

// report tells of a round of a head; left is how many rounds of all heads there may be still.
func (r *reporter) report(h *headTrainer, round, rounds, left int, validation float64) {
	r.done++
	if r.call == nil {
		return
	}
	p := Progress{
		Head: h.name, Round: round, Rounds: rounds, Metric: h.metric.String(),
		Train: h.trainMetric.Value(h.averaged(h.raw)), Validation: validation,
		Best: h.stop.best, Done: h.done, Elapsed: r.clock().Sub(r.start),
	}
	p.Remaining = time.Duration(float64(p.Elapsed) / float64(r.done) * float64(left))
	r.call(p)
}

// stopper finds the best round of a head.
type stopper struct {
	metric   *loss.Metric // nil without validation
	higher   bool
	patience int
	least    float64 // improvement that counts

	best  int // round, 0: before the first
	value float64
	any   bool // there is a best one
	// weights are those of the rounds when the best was found, which DART changes later.
	weights []float64
}

// judge takes the metric after a round, and tells whether training has gone on for too long.
func (s *stopper) judge(round int, value float64, weights []float64) bool {
	better := value < s.value-s.least
	if s.higher {
		better = value > s.value+s.least
	}
	if better || !s.any {
		s.best, s.value, s.any = round, value, true
		s.weights = append(s.weights[:0], weights...)
	}
	return s.patience > 0 && round-s.best >= s.patience
}
