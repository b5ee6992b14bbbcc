package main

import (
	"context"
	"math/rand/v2"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/examples/internal/lab"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/ensemble"
)

// maxTuned is the number of tests that a trial is measured by.
const maxTuned = 10_000

// split is what tuning and blending learn from.
type split struct {
	*data
	options *options
}

// hold holds a part of the training data out.
func (p *program) hold(in *retrieval.Interactions) (lab.Split, error) {
	d, err := heldOut(in, p.options, rand.New(rand.NewPCG(p.common.Seed, 0x7475_6e65))) // "tune"
	if err == nil && (len(d.tests) == 0 || d.train.Len() == 0) {
		err = cli.Usagef("-tune and -model blend need sequences of two items or more to hold out, and others to train on")
	}
	return split{d, p.options}, err
}

// Train returns what is left.
func (s split) Train() *retrieval.Interactions { return s.train }

// Score returns the metric that -tune raises.
func (s split) Score(ctx context.Context, m trained) (float64, error) {
	task := s.task(s.options)
	task.Cutoffs = s.options.cutoffs[:1]
	r, err := task.Evaluate(ctx, m)
	if err != nil {
		return 0, err
	}
	return map[string][]float64{"ndcg": r.NDCG, "hr": r.HitRate, "mrr": r.ReciprocalRank}[s.options.tuneMetric][0], nil
}

// Cases returns the tests as requests whose answer is known.
func (s split) Cases() []ensemble.Case {
	cases := make([]ensemble.Case, len(s.tests))
	for i := range s.tests {
		t, c := &s.tests[i], &cases[i]
		c.Request = s.request(t)
		if s.exclude {
			for k := range t.input {
				c.Request.Exclude = append(c.Request.Exclude, t.input[k].Item)
			}
		}
		c.Relevant = []recsys.ItemID{s.catalogue[t.target]}
		for _, at := range t.candidates {
			c.Candidates = append(c.Candidates, s.catalogue[at])
		}
	}
	return cases
}
