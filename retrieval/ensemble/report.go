package ensemble

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
)

// Report is what [Learn] found out. Figures are means over the held-out cases, which took no part
// in learning, if not said otherwise.
type Report struct {
	Metric Metric // what the weights raise
	K      int    // its cutoff
	Budget int    // candidates of all sources together

	Cases   int // that were learned from
	HeldOut int // that the result is judged by

	// Recall is the share of the answers in the pool with the quotas kept or learned, and
	// RecallEqual with equal ones. QuotasKept is "learned", or "equal" where those find more.
	Recall, RecallEqual float64
	QuotasKept          string

	// Blend is the metric of the blend, Equal that of equal weights and Single that of the
	// weights of the one source, SingleName, that ranks the pool best on the cases learned from.
	// WeightsKept says which of "learned", "equal" and "single" is the blend's: learned ones but
	// where others are better by more than two standard errors of the difference. Learning is the
	// metric of the blend on the cases that it was learned from: far above Blend, it has learned
	// them by heart.
	Blend, Equal, Single, Learning float64
	SingleName, WeightsKept        string

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
	fmt.Fprintf(&b, "%d cases learned from, %d held out; quotas: %s (recall %.4f, equal %.4f)\n",
		r.Cases, r.HeldOut, r.QuotasKept, r.Recall, r.RecallEqual)
	fmt.Fprintf(&b, "weights: %s (%s %.4f, equal %.4f, %s alone %.4f; %.4f on the cases learned from)\n",
		r.WeightsKept, at, r.Blend, r.Equal, r.SingleName, r.Single, r.Learning)
	return b.String()
}

// latency is a time for people.
func latency(d time.Duration) string {
	if d == 0 {
		return "–"
	}
	return d.Round(100 * time.Nanosecond).String()
}
