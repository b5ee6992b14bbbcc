package main

import (
	"io"
	"testing"

	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/internal/race"
)

// The bounds are wide, since trees of other releases differ.
func TestGoTree(t *testing.T) {
	if testing.Short() || race.Enabled {
		t.Skip("reads and learns the whole tree of the Go toolchain")
	}
	o := options{ranker: boosted, Common: &cli.Common{Seed: 1, Workers: 2}}
	d, err := o.load(t.Context(), io.Discard)
	if err != nil {
		t.Skip(err)
	}
	m, err := train(t.Context(), d, o.ranker, o.Seed, o.Workers, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	r, err := o.judge(t.Context(), m, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	pipeline, diverse := r.outcome("pipeline"), r.outcome("pipeline-diverse")
	if got, base := mean(pipeline.recall), mean(r.outcomes[0].recall); !(got >= 1.5*base) {
		t.Errorf("pipeline has recall %.4f, want at least 1.5 times the %.4f of popularity", got, base)
	}
	if got, best := mean(pipeline.recall), r.bestSource(); !(got >= mean(best.recall)) {
		t.Errorf("pipeline has recall %.4f, less than the %.4f of %s alone", got, mean(best.recall), best.name)
	}
	if mean(diverse.diversity) <= mean(pipeline.diversity) {
		t.Errorf("pipeline-diverse has diversity %.3f, pipeline %.3f", mean(diverse.diversity), mean(pipeline.diversity))
	}
	a := r.audit
	if a.join.Emitted != len(r.users) || a.identical != len(r.users) || a.equal != len(r.users) {
		t.Errorf("of %d slates %d were logged, %d replayed to the bit (%s), and %d measured as online",
			len(r.users), a.join.Emitted, a.identical, a.differs, a.equal)
	}
	if gap := a.ips.Mean - a.measured.Mean; !(gap*gap <= 16*(a.ips.StdErr*a.ips.StdErr+a.measured.StdErr*a.measured.StdErr)) {
		t.Errorf("the log estimates a click rate of %.3f ± %.3f, served was %.3f", a.ips.Mean, a.ips.StdErr, a.measured.Mean)
	}
}
