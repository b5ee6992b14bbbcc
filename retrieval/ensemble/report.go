package ensemble

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
)

// Report is what [Learn] found out. Figures are means over all cases, each judged by what was
// learned without its fold, if not said otherwise.
type Report struct {
	Metric Metric // what the weights raise
	K      int    // its cutoff
	Budget int    // candidates of all sources together

	Cases int // with answers
	Folds int // see [Config]

	// Recall is the share of the answers in the pool with the quotas kept, and RecallEqual
	// with equal ones. QuotasKept is "learned", or "equal" where those find more.
	Recall, RecallEqual float64
	QuotasKept          string

	// Single, Equal, Likelihood and Climbed are the metric with each kind of weights: of the one
	// source, SingleName, that ranks the pool best; equal ones; those under which the answers are
	// most probable; and those that were searched for on the metric itself. WeightsKept says
	// which are the blend's: "single", "equal", "likelihood" or "metric", the first that is not
	// worse than the best of them by more than one standard error of the difference.
	Single, Equal, Likelihood, Climbed float64
	SingleName, WeightsKept            string

	// Blend is the metric with the weights kept, and StdErr the standard error of its
	// difference to Single. Learning is the metric of the blend on the cases that it was learned
	// from: far above Blend, it has learned them by heart.
	Blend, StdErr, Learning float64

	Sources []SourceReport
}

// SourceReport is the part of one source.
type SourceReport struct {
	Name   string
	Quota  int
	Weight float64 // the largest of all is 1

	// MergeWeight is the weight for the pipeline's merge; see [Ensemble.Options].
	MergeWeight float64

	// Recall is the share of the answers that the source finds alone, with the whole budget.
	// Nothing is learned for it, nor for Score.
	Recall float64
	// Added is the share of the answers that no other source finds with its quota: what the
	// pool would lose with this source.
	Added float64

	// Score is the metric when this source alone ranks the pool of all.
	Score float64
	// Gain is the metric that the blend loses when this source has weight 0.
	Gain float64

	// Calls counts the cases that the source answered. Median and P99 are of the time of one:
	// candidates, and scores of the pool. They are 0 without [Config].Clock, or when both quota
	// and weight are 0.
	Calls       int
	Median, P99 time.Duration
}

// String returns the report as a table for people.
func (r *Report) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	at := fmt.Sprintf("%v@%d", r.Metric, r.K)
	fmt.Fprintf(w, "source\tquota\tweight\trecall\tadded\t%s\tgain\tmedian\tp99\t\n", at)
	for i := range r.Sources {
		s := &r.Sources[i]
		fmt.Fprintf(w, "%s\t%d\t%.3g\t%.4f\t%.4f\t%.4f\t%+.4f\t%s\t%s\t\n",
			s.Name, s.Quota, s.Weight, s.Recall, s.Added, s.Score, s.Gain, latency(s.Median), latency(s.P99))
	}
	fmt.Fprintf(w, "blend\t%d\t\t%.4f\t\t%.4f\t\t\t\t\n", r.Budget, r.Recall, r.Blend)
	w.Flush()
	fmt.Fprintf(&b, "%d cases in %d folds, each judged by what the others teach; quotas: %s (recall %.4f, equal %.4f)\n",
		r.Cases, r.Folds, r.QuotasKept, r.Recall, r.RecallEqual)
	fmt.Fprintf(&b, "weights: %s (%s: %s alone %.4f, equal %.4f, likelihood %.4f, metric %.4f; on the cases learned from %.4f)\n",
		r.WeightsKept, at, r.SingleName, r.Single, r.Equal, r.Likelihood, r.Climbed, r.Learning)
	return b.String()
}

// latency is a time for people.
func latency(d time.Duration) string {
	if d == 0 {
		return "–"
	}
	return d.Round(100 * time.Nanosecond).String()
}
