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

// split is what tuning and blending learn from.
type split struct {
	*data
	options *options
}

// hold holds a part of the training data out.
func (p *program) hold(in *retrieval.Interactions) (lab.Split, error) {
	d, err := validation(in, p.sampled, rand.New(rand.NewPCG(p.common.Seed, 0x7475_6e65))) // "tune"
	if err == nil && len(d.tests) == 0 {
		what := "-tune"
		if p.trials == 0 {
			what = "-model blend"
		}
		err = cli.Usagef("%s needs users with two items or more, and %s has none", what, p.trainFile)
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
	return map[string][]float64{"ndcg": r.NDCG, "recall": r.Recall, "hr": r.HitRate}[s.options.tuneMetric][0], nil
}

// Cases returns the tests as requests whose answer is known.
func (s split) Cases() []ensemble.Case {
	cases := make([]ensemble.Case, len(s.tests))
	ids := func(places []int32) []recsys.ItemID {
		var list []recsys.ItemID
		for _, at := range places {
			list = append(list, s.catalogue[at])
		}
		return list
	}
	for i := range s.tests {
		t := &s.tests[i]
		s.ask(&cases[i].Request, t.user)
		cases[i].Relevant, cases[i].Candidates = ids(t.relevant), ids(t.candidates)
	}
	return cases
}
