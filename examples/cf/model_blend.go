package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/retrieval/ensemble"
)

// blendModels has the model that is made of others. The program trains and loads it by itself,
// see [program.trainBlend].
var blendModels = []model{{
	name: blendName,
	params: []param{
		{name: "budget", doc: "candidates that all sources together propose", def: "1000", integer: true, min: 1, max: 1e6},
	},
}}

const blendName = "blend"

// part is a source of a blend: a model with its settings and a label of its own.
type part struct {
	label    string
	model    *model
	settings settings
	given    map[string]bool
}

// blend is a blend with its sources, which are saved beside it.
type blend struct {
	*ensemble.Ensemble
	labels []string
	models []trained
}

// Save writes the blend to path, and each source to path, a dot and its label.
func (b *blend) Save(path string) error {
	for i, m := range b.models {
		if err := m.Save(path + "." + b.labels[i]); err != nil {
			return err
		}
	}
	return b.Ensemble.Save(path)
}

// parseSources reads -sources and -weights.
func (o *options) parseSources() error {
	if o.model.name != blendName {
		if o.sourcesText != "" || o.weightsText != "" {
			return cli.Usagef("-sources and -weights are of -model %s", blendName)
		}
		return nil
	}
	if o.sourcesText == "" {
		return cli.Usagef("-sources is missing")
	}
	seen := map[string]bool{}
	for _, text := range strings.Split(o.sourcesText, ",") {
		x, err := parsePart(strings.TrimSpace(text))
		if err != nil {
			return cli.Usagef("-sources: %w", err)
		}
		if seen[x.label] {
			return cli.Usagef("-sources names %q twice; label=name tells them apart", x.label)
		}
		seen[x.label] = true
		o.sources = append(o.sources, x)
	}
	if o.weightsText == "" {
		return nil
	}
	for _, text := range strings.Split(o.weightsText, ",") {
		w, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil || !(w >= 0 && w <= math.MaxFloat32) {
			return cli.Usagef("-weights is %q; want numbers >= 0 separated by commas", o.weightsText)
		}
		o.weights = append(o.weights, w)
	}
	if len(o.weights) != len(o.sources) {
		return cli.Usagef("-weights has %d numbers; want %d, one per source", len(o.weights), len(o.sources))
	}
	return nil
}

// parsePart reads "name", "name:parameter=value:…" or "label=name…".
func parsePart(text string) (*part, error) {
	head, rest, more := strings.Cut(text, ":")
	label, name, labelled := strings.Cut(head, "=")
	if !labelled {
		name = label
	}
	if label == "" || strings.ContainsAny(label, `/\`) {
		return nil, fmt.Errorf("%q: a label is not empty and has no slash", text)
	}
	m := modelNamed(name)
	if m == nil || m.name == blendName {
		return nil, fmt.Errorf("%q is no model that a blend can have", name)
	}
	values := settings{}
	if more {
		for _, pair := range strings.Split(rest, ":") {
			key, value, ok := strings.Cut(pair, "=")
			if !ok {
				return nil, fmt.Errorf("%q: %q is not parameter=value", text, pair)
			}
			values[key] = value
		}
	}
	all, given, unknown, err := m.settle(values)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", label, err)
	case unknown != "":
		return nil, fmt.Errorf("%s: %s is no parameter of model %s", label, unknown, name)
	}
	return &part{label: label, model: m, settings: all, given: given}, nil
}

// trainBlend trains the sources on a part of the training file, after tuning them there if told
// to, learns the blend on the rest, and trains the sources again on everything. The seconds are
// those of the last step and of learning.
func (p *program) trainBlend(ctx context.Context, d *data) (trained, float64, error) {
	if p.weights != nil && p.trials == 0 {
		start := time.Now()
		b, err := p.refit(ctx, d, nil)
		return b, time.Since(start).Seconds(), err
	}
	v, err := p.split(d.train)
	if err != nil {
		return nil, 0, err
	}
	sources := make([]ensemble.Source, len(p.sources))
	for i, x := range p.sources {
		var m trained
		if p.trials > 0 {
			x.settings, m, err = p.tune(ctx, v, x)
		} else {
			m, err = x.model.train(ctx, v.train, x.settings, p.labelled(x))
		}
		if err != nil {
			return nil, 0, fmt.Errorf("source %s: %w", x.label, err)
		}
		sources[i] = ensemble.Source{Name: x.label, Retriever: m}
	}
	start := time.Now()
	var e *ensemble.Ensemble
	if p.weights == nil {
		if e, err = p.learn(ctx, v, sources); err != nil {
			return nil, 0, err
		}
	}
	clear(sources) // their memory is free for those that follow
	b, err := p.refit(ctx, d, e)
	return b, time.Since(start).Seconds(), err
}

// labelled is the environment of a source, whose progress bears its label.
func (p *program) labelled(x *part) env {
	e := p.env(p.log)
	e.label = x.label
	return e
}

// learn learns quotas and weights on the split, and tells of them.
func (p *program) learn(ctx context.Context, v *data, sources []ensemble.Source) (*ensemble.Ensemble, error) {
	cfg := ensemble.Config{
		K: p.cutoffs[0], Budget: p.settings.int("budget"), Clock: time.Now,
		Seed: p.common.Seed, Workers: p.common.Workers,
	}
	if err := cfg.Metric.UnmarshalText([]byte(p.tuneMetric)); err != nil {
		return nil, err
	}
	progress := cli.NewProgress(p.log, "blend", 2*len(v.tests), nil)
	cfg.Progress = func(int, int) { progress.Add(1) }
	e, err := ensemble.Learn(ctx, sources, v.cases(), cfg)
	if err != nil {
		return nil, err
	}
	progress.Done()
	r := e.Report()
	if !p.json {
		_, err = fmt.Fprint(p.out, r)
		return e, err
	}
	at := "@" + strconv.Itoa(r.K)
	score := r.Metric.String() + at
	for i := range r.Sources {
		s := &r.Sources[i]
		err := p.event("source", cli.F("source", s.Name), cli.F("quota", s.Quota), cli.F("weight", s.Weight),
			cli.F("merge_weight", s.MergeWeight), cli.F("recall", s.Recall), cli.F("recall_added", s.Added),
			cli.F(score, s.Score), cli.F(score+"_gain", s.Gain), cli.F("calls", s.Calls),
			cli.F("median_us", s.Median.Seconds()*1e6), cli.F("p99_us", s.P99.Seconds()*1e6))
		if err != nil {
			return nil, err
		}
	}
	return e, p.event("blend", cli.F("budget", r.Budget), cli.F("cases", r.Cases), cli.F("held_out", r.HeldOut),
		cli.F("recall", r.Recall), cli.F("recall_equal_quotas", r.RecallEqual), cli.F("quotas", r.QuotasKept),
		cli.F(score, r.Blend), cli.F(score+"_equal", r.Equal), cli.F(score+"_single", r.Single),
		cli.F(score+"_learned_from", r.Learning), cli.F("single", r.SingleName), cli.F("weights", r.WeightsKept))
}

// cases are the tests as requests whose answer is known.
func (d *data) cases() []ensemble.Case {
	cases := make([]ensemble.Case, len(d.tests))
	ids := func(places []int32) []recsys.ItemID {
		var list []recsys.ItemID
		for _, at := range places {
			list = append(list, d.catalogue[at])
		}
		return list
	}
	for i := range d.tests {
		t := &d.tests[i]
		d.ask(&cases[i].Request, t.user)
		cases[i].Relevant, cases[i].Candidates = ids(t.relevant), ids(t.candidates)
	}
	return cases
}

// refit trains the sources on everything and puts them into the blend; without one the weights
// are those given, and the quotas equal.
func (p *program) refit(ctx context.Context, d *data, e *ensemble.Ensemble) (*blend, error) {
	b := &blend{}
	sources := make([]ensemble.Source, len(p.sources))
	for i, x := range p.sources {
		m, err := x.model.train(ctx, d.train, x.settings, p.labelled(x))
		if err != nil {
			return nil, fmt.Errorf("source %s: %w", x.label, err)
		}
		sources[i] = ensemble.Source{Name: x.label, Retriever: m}
		if e == nil {
			sources[i].Quota, sources[i].Weight = max(1, p.settings.int("budget")/len(p.sources)), p.weights[i]
		}
		b.labels, b.models = append(b.labels, x.label), append(b.models, m)
	}
	var err error
	if e == nil {
		b.Ensemble, err = ensemble.New(sources...)
	} else {
		b.Ensemble, err = e.With(sources...)
	}
	return b, err
}

// loadBlend reads a blend and its sources.
func (p *program) loadBlend() (trained, error) {
	b := &blend{}
	var sources []ensemble.Source
	for _, x := range p.sources {
		m, err := x.model.load(p.load + "." + x.label)
		if err != nil {
			return nil, err
		}
		sources = append(sources, ensemble.Source{Name: x.label, Retriever: m})
		b.labels, b.models = append(b.labels, x.label), append(b.models, m)
	}
	var err error
	b.Ensemble, err = ensemble.Load(p.load, sources...)
	if errors.Is(err, ensemble.ErrMissing) { // any other error names the file
		err = fmt.Errorf("%s: %w", p.load, err)
	}
	return b, err
}
