package lab

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/examples/internal/hyper"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/ensemble"
)

// BlendParams are the parameters of a blend.
var BlendParams = hyper.Params{
	{Name: "budget", Doc: "candidates that all sources together propose", Default: "1000", Integer: true, Min: 1, Max: 1e6},
}

// Blend is a blend with its sources, which are saved beside it.
type Blend struct {
	*ensemble.Ensemble
	labels []string
	models []Trained
}

// Save writes the blend to path, and each source to path, a dot and its label.
func (b *Blend) Save(path string) error {
	for i, m := range b.models {
		if err := m.Save(path + "." + b.labels[i]); err != nil {
			return err
		}
	}
	return b.Ensemble.Save(path)
}

// ParseParts reads sources separated by commas, each "name", "name:parameter=value:…" or
// "label=name…", of the models that find returns by name. The error is a *[cli.UsageError].
func ParseParts(text string, find func(name string) *Model) ([]*Part, error) {
	if text == "" {
		return nil, cli.Usagef("-sources is missing")
	}
	var parts []*Part
	seen := map[string]bool{}
	for text := range strings.SplitSeq(text, ",") {
		x, err := parsePart(strings.TrimSpace(text), find)
		if err != nil {
			return nil, cli.Usagef("-sources: %w", err)
		}
		if seen[x.Label] {
			return nil, cli.Usagef("-sources names %q twice; label=name tells them apart", x.Label)
		}
		seen[x.Label] = true
		parts = append(parts, x)
	}
	return parts, nil
}

func parsePart(text string, find func(name string) *Model) (*Part, error) {
	head, rest, more := strings.Cut(text, ":")
	label, name, labelled := strings.Cut(head, "=")
	if !labelled {
		name = label
	}
	if label == "" || strings.ContainsAny(label, `/\`) {
		return nil, fmt.Errorf("%q: a label is not empty and has no slash", text)
	}
	if label == "ids" {
		return nil, fmt.Errorf("%q: the file of that name beside a model holds its ids; want another label", text)
	}
	m := find(name)
	if m == nil {
		return nil, fmt.Errorf("%q is no model that a blend can have", name)
	}
	given := map[string]string{}
	if more {
		for pair := range strings.SplitSeq(rest, ":") {
			key, value, ok := strings.Cut(pair, "=")
			if !ok {
				return nil, fmt.Errorf("%q: %q is not parameter=value", text, pair)
			}
			given[key] = value
		}
	}
	all, err := m.Params.Resolve(name, given)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", label, err)
	}
	return &Part{Label: label, Model: m, Settings: all, Given: given}, nil
}

// ParseWeights reads a weight for each of n sources, nil for no text. The error is a
// *[cli.UsageError].
func ParseWeights(text string, n int) ([]float64, error) {
	if text == "" {
		return nil, nil
	}
	var weights []float64
	for field := range strings.SplitSeq(text, ",") {
		w, err := strconv.ParseFloat(strings.TrimSpace(field), 64)
		if err != nil || !(w >= 0 && w <= math.MaxFloat32) {
			return nil, cli.Usagef("-weights is %q; want numbers >= 0 separated by commas", text)
		}
		weights = append(weights, w)
	}
	if len(weights) != n {
		return nil, cli.Usagef("-weights has %d numbers; want %d, one per source", len(weights), n)
	}
	return weights, nil
}

// TrainBlend trains the sources on a part of the training data, after tuning them there if
// there are trials, learns the blend on the rest, and trains the sources again on everything.
// With weights there is nothing to learn, and without trials no split. The seconds are those
// of the last step and of learning.
func (l *Lab) TrainBlend(ctx context.Context, in *retrieval.Interactions, split func() (Split, error), parts []*Part, weights []float64, budget int) (Trained, float64, error) {
	if weights != nil && l.Trials == 0 {
		start := time.Now()
		b, err := l.refit(ctx, in, parts, weights, budget, nil)
		return b, time.Since(start).Seconds(), err
	}
	v, err := split()
	if err != nil {
		return nil, 0, err
	}
	sources := make([]ensemble.Source, len(parts))
	for i, x := range parts {
		var m Trained
		if l.Trials > 0 {
			x.Settings, m, err = l.Tune(ctx, v, x)
		} else {
			m, err = x.Model.Train(ctx, v.Train(), x.Settings, l.Log, x.Label)
		}
		if err != nil {
			return nil, 0, fmt.Errorf("source %s: %w", x.Label, err)
		}
		sources[i] = ensemble.Source{Name: x.Label, Retriever: m}
	}
	start := time.Now()
	var e *ensemble.Ensemble
	if weights == nil {
		if e, err = l.learn(ctx, v, sources, budget); err != nil {
			return nil, 0, err
		}
	}
	clear(sources) // their memory is free for those that follow
	b, err := l.refit(ctx, in, parts, weights, budget, e)
	return b, time.Since(start).Seconds(), err
}

// learn learns quotas and weights on the split, and tells of them.
func (l *Lab) learn(ctx context.Context, v Split, sources []ensemble.Source, budget int) (*ensemble.Ensemble, error) {
	cfg := ensemble.Config{K: l.K, Budget: budget, Clock: time.Now, Seed: l.Seed, Workers: l.Workers}
	if l.Metric == "ndcg" { // others are hits, whatever their place
		cfg.Metric = ensemble.NDCG
	} else if l.Metric != "mrr" {
		cfg.Metric = ensemble.Recall
	}
	cases := v.Cases()
	progress := cli.NewProgress(l.Log, "blend", 2*len(cases), nil)
	cfg.Progress = func(int, int) { progress.Add(1) }
	e, err := ensemble.Learn(ctx, sources, cases, cfg)
	if err != nil {
		return nil, err
	}
	progress.Done()
	r := e.Report()
	if !l.JSON {
		_, err = fmt.Fprint(l.Out, r)
		return e, err
	}
	score := r.Metric.String() + "@" + strconv.Itoa(r.K)
	for i := range r.Sources {
		s := &r.Sources[i]
		err := l.Event("source", cli.F("source", s.Name), cli.F("quota", s.Quota), cli.F("weight", s.Weight),
			cli.F("merge_weight", s.MergeWeight), cli.F("recall", s.Recall), cli.F("recall_added", s.Added),
			cli.F(score, s.Score), cli.F(score+"_gain", s.Gain), cli.F("calls", s.Calls),
			cli.F("median_us", s.Median.Seconds()*1e6), cli.F("p99_us", s.P99.Seconds()*1e6))
		if err != nil {
			return nil, err
		}
	}
	return e, l.Event("blend", cli.F("budget", r.Budget), cli.F("cases", r.Cases), cli.F("folds", r.Folds),
		cli.F("recall", r.Recall), cli.F("recall_equal_quotas", r.RecallEqual), cli.F("quotas", r.QuotasKept),
		cli.F(score, r.Blend), cli.F(score+"_single", r.Single), cli.F(score+"_equal", r.Equal),
		cli.F(score+"_likelihood", r.Likelihood), cli.F(score+"_metric", r.Climbed), cli.F(score+"_learned_from", r.Learning),
		cli.F("single", r.SingleName), cli.F("std_err", r.StdErr), cli.F("weights", r.WeightsKept))
}

// refit trains the sources on everything and puts them into the blend; without one the weights
// are those given, and the quotas equal.
func (l *Lab) refit(ctx context.Context, in *retrieval.Interactions, parts []*Part, weights []float64, budget int, e *ensemble.Ensemble) (*Blend, error) {
	b := &Blend{}
	sources := make([]ensemble.Source, len(parts))
	for i, x := range parts {
		m, err := x.Model.Train(ctx, in, x.Settings, l.Log, x.Label)
		if err != nil {
			return nil, fmt.Errorf("source %s: %w", x.Label, err)
		}
		sources[i] = ensemble.Source{Name: x.Label, Retriever: m}
		if e == nil {
			sources[i].Quota, sources[i].Weight = max(1, budget/len(parts)), weights[i]
		}
		b.labels, b.models = append(b.labels, x.Label), append(b.models, m)
	}
	var err error
	if e == nil {
		b.Ensemble, err = ensemble.New(sources...)
	} else {
		b.Ensemble, err = e.With(sources...)
	}
	return b, err
}

// LoadBlend reads a blend and its sources, as [Blend.Save] wrote them.
func LoadBlend(path string, parts []*Part) (*Blend, error) {
	b := &Blend{}
	var sources []ensemble.Source
	for _, x := range parts {
		m, err := x.Model.Load(path + "." + x.Label)
		if err != nil {
			return nil, err
		}
		sources = append(sources, ensemble.Source{Name: x.Label, Retriever: m})
		b.labels, b.models = append(b.labels, x.Label), append(b.models, m)
	}
	var err error
	b.Ensemble, err = ensemble.Load(path, sources...)
	if errors.Is(err, ensemble.ErrMissing) { // any other error names the file
		err = fmt.Errorf("%s: %w", path, err)
	}
	return b, err
}
