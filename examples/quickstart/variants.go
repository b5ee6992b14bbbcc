package main

import (
	"fmt"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/bandit"
	"github.com/recsyskit/recsys/rerank"
)

const (
	cutoff        = 20  // places of a slate, and the cutoff of all metrics
	maxCandidates = 400 // of the merged set
	wideCap       = 8   // items per package in pipeline
	tightCap      = 2   // and in pipeline-diverse
	mmrLambda     = 0.9
)

// variant is a pipeline under test.
type variant struct {
	name     string
	what     string // for a person
	pipeline *recsys.Pipeline
	recorder *recorder // nil: nothing is logged
}

// ranked are the options of the pipeline without constraints.
func (m *models) ranked() []recsys.Option {
	opts := m.hydrated()
	if m.ranker != nil {
		opts = append(opts, recsys.Rank(m.ranker.Ranker, recsys.Name(m.ranker.name)), recsys.Score(m.goal))
	}
	return opts
}

// capped adds a cap on items per package, where there are packages.
func (m *models) capped(n int) []recsys.Option {
	opts := m.ranked()
	if m.d.attribute != "" {
		opts = append(opts, recsys.Constrain(rerank.MaxPer(m.d.attribute, n)))
	}
	return opts
}

// diverse adds a cap and MMR. It needs packages.
func (m *models) diverse(n int, lambda float64) []recsys.Option {
	return append(m.capped(n), recsys.ReRank(rerank.MMR{Lambda: lambda, Attributes: []string{m.d.attribute}}))
}

// explored adds an explorer to the pipeline, and the log that judges it.
func (m *models) explored(sink recsys.ExposureSink) []recsys.Option {
	return append(m.capped(wideCap), recsys.Explore(bandit.PlackettLuce(m.temperature())), recsys.Log(sink, recsys.LogFull))
}

// temperature is that of the explorer, in units of the score: probabilities with a
// ranker, sums of reciprocal ranks without.
func (m *models) temperature() float64 {
	if m.ranker == nil {
		return 0.002
	}
	return 0.01
}

// variants are the pipelines that are served as they are; the explored one has its own log.
func (m *models) variants() ([]variant, error) {
	type plan struct {
		name, what string
		opts       []recsys.Option
	}
	var plans []plan
	for _, s := range m.sources {
		plans = append(plans, plan{s.name, "this source alone", []recsys.Option{recsys.Retrieve(s.name, s.r, recsys.Quota(s.quota))}})
	}
	plans = append(plans, plan{"merged", "all sources, reciprocal rank fusion, no ranker", m.retrievers()})
	if m.blend != nil {
		plans = append(plans, plan{
			"blend", "all sources, quotas and weights learned, no ranker",
			[]recsys.Option{recsys.Retrieve("blend", m.blend, recsys.Quota(maxCandidates))},
		})
	}
	plans = append(plans,
		plan{"pipeline", "all sources, ranker, objective" + m.capText(wideCap), m.capped(wideCap)})
	if m.d.attribute != "" {
		plans = append(plans, plan{"pipeline-diverse", "the same" + m.capText(tightCap) + ", MMR", m.diverse(tightCap, mmrLambda)})
	}
	var list []variant
	for _, x := range plans {
		p, err := recsys.NewPipeline(x.opts...).Build()
		if err != nil {
			return nil, err
		}
		list = append(list, variant{name: x.name, what: x.what, pipeline: p})
	}
	return list, nil
}

func (m *models) capText(n int) string {
	if m.d.attribute == "" {
		return ""
	}
	return fmt.Sprintf(", at most %d per %s", n, m.d.attribute)
}
