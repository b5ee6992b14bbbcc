package ensemble

import (
	"errors"
	"fmt"
	"time"

	"github.com/recsyskit/recsys"
)

// Metric is what the weights raise.
type Metric uint8

const (
	// NDCG is the normalised discounted cumulative gain with binary relevance, its ideal
	// min(relevant, K) hits.
	NDCG Metric = iota
	// Recall is hits within K over relevant items.
	Recall
	// HitRate is 1 with a hit within K.
	HitRate
	metrics
)

var metricNames = [metrics]string{"ndcg", "recall", "hr"}

// String returns "ndcg", "recall" or "hr".
func (m Metric) String() string {
	if m < metrics {
		return metricNames[m]
	}
	return fmt.Sprintf("Metric(%d)", uint8(m))
}

// MarshalText returns what String does.
func (m Metric) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads what String returns.
func (m *Metric) UnmarshalText(text []byte) error {
	for i, name := range metricNames {
		if name == string(text) {
			*m = Metric(i)
			return nil
		}
	}
	return fmt.Errorf("ensemble: metric %q; want ndcg, recall or hr", text)
}

// Config says what [Learn] learns. The zero value: NDCG@20, 100 candidates per source, judged in
// folds.
type Config struct {
	// Metric is what the weights raise; the zero value is NDCG.
	Metric Metric

	// K is the cutoff of the metric, >= 0; 0 means 20.
	K int

	// Budget is the number of candidates that all sources together may propose, doubles
	// counted, 0 to 1,000,000 and at least the number of sources; 0 means 100 per source. It
	// bounds what the stages after retrieval cost.
	Budget int

	// Folds is the number of parts that the cases fall into, 2 to 100, and no more than there are
	// cases; 0 means 5, and 2 from 5,000 cases on, where half of them teach enough. What is
	// learned from all but one of them is judged on that one, so that each case judges once. Time
	// grows with it.
	Folds int

	// Clock, if not nil, is asked for the time around each call of a source, for the report:
	// time.Now, as a rule. Without it only calls are counted.
	Clock func() time.Time

	// Seed draws the folds.
	Seed uint64

	// Workers is the number of goroutines that ask the sources; 0 means GOMAXPROCS. The result
	// does not depend on it, but for latencies: on a busy machine take 1 for those.
	Workers int

	// Progress, if not nil, is told how much of the work is done: each case is asked for
	// twice. It is called concurrently.
	Progress func(done, all int)
}

// Case is a request whose answer is known.
type Case struct {
	// Request is what is asked. Its Exclude holds what must not come, as a rule what the user
	// has had; its history must not hold the answers.
	Request recsys.Request

	// Relevant holds the right answers. Doubles count once. A case without any is left out.
	Relevant []recsys.ItemID

	// Candidates, if not nil, are what the metric ranks, for protocols with sampled
	// negatives: the answers among them. Otherwise it ranks what the sources propose.
	Candidates []recsys.ItemID
}

// withDefaults returns c with its zero values replaced, or an error that names every field out
// of its domain.
func (c Config) withDefaults(sources int) (Config, error) {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("ensemble: Config."+format, args...))
	}
	if c.Metric >= metrics {
		bad("Metric is %d; want NDCG, Recall or HitRate", c.Metric)
	}
	if c.K < 0 || c.K > maxQuota {
		bad("K is %d; want 0 to %d (0 means 20)", c.K, maxQuota)
	}
	if c.K == 0 {
		c.K = 20
	}
	if c.Budget < 0 || c.Budget > maxQuota || c.Budget > 0 && c.Budget < sources {
		bad("Budget is %d; want %d, one per source, to %d (0 means 100 per source)", c.Budget, sources, maxQuota)
	}
	if c.Budget == 0 {
		c.Budget = min(100*sources, maxQuota)
	}
	if c.Folds < 0 || c.Folds == 1 || c.Folds > 100 {
		bad("Folds is %d; want 2 to 100 (0 means 5, or 2 for many cases)", c.Folds)
	}
	if c.Workers < 0 {
		bad("Workers is %d; want >= 0 (0 means GOMAXPROCS)", c.Workers)
	}
	return c, errors.Join(errs...)
}
