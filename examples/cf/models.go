package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/itemknn"
)

// models lists what the program can train. A model is one entry.
var models = []model{
	{
		name: "popular",
		params: []param{
			{name: "half-life", doc: "days after which an interaction counts half, 0 for never", def: "0", lo: 0, hi: 0},
		},
		train: func(_ context.Context, in *retrieval.Interactions, s settings, _ env) (trained, error) {
			return retrieval.NewPopular(in, retrieval.PopularConfig{
				HalfLife: time.Duration(s.float("half-life") * 24 * float64(time.Hour)),
			})
		},
		load: func(path string) (trained, error) { return retrieval.LoadPopular(path) },
	},
	{
		name: "itemknn",
		params: []param{
			{name: "neighbors", doc: "neighbours kept per item", def: "200", integer: true, min: 1, lo: 20, hi: 1000, log: true},
			{name: "shrinkage", doc: "added to the similarity's denominator", def: "100", lo: 1, hi: 1000, log: true},
			{name: "weighting", doc: "of interactions", def: "tfidf", choices: []string{"cosine", "tfidf", "bm25"}},
			{name: "asymmetry", doc: "of the similarity, 0 for the cosine, below 0 for more popular items", def: "0", min: -1, max: 1, lo: -1, hi: 0.5},
			{name: "keep", doc: "neighbours per item proposed or per item of the history", def: "target", choices: []string{"target", "source"}},
			{name: "k1", doc: "of bm25", def: "1.2", min: 1e-6},
			{name: "b", doc: "of bm25", def: "0.75", min: 1e-6, max: 1},
		},
		train: func(ctx context.Context, in *retrieval.Interactions, s settings, e env) (trained, error) {
			cfg := itemknn.Config{
				Neighbors: s.int("neighbors"),
				Shrinkage: s.float("shrinkage"),
				Asymmetry: s.float("asymmetry"),
				K1:        s.float("k1"),
				B:         s.float("b"),
				History:   retrieval.History{Values: true},
				Workers:   e.workers,
				Progress:  e.progress("train"),
			}
			if err := cfg.Weighting.UnmarshalText([]byte(s["weighting"])); err != nil {
				return nil, err
			}
			if err := cfg.Keep.UnmarshalText([]byte(s["keep"])); err != nil {
				return nil, err
			}
			return itemknn.Train(ctx, in, cfg)
		},
		load: func(path string) (trained, error) { return itemknn.Load(path) },
	},
}

// model is an entry of the table: its name, its hyper-parameters, which become flags, and
// how it is trained and read from a file.
type model struct {
	name   string
	params []param
	train  func(ctx context.Context, in *retrieval.Interactions, s settings, e env) (trained, error)
	load   func(path string) (trained, error)
}

// trained is what a model must be able to do.
type trained interface {
	recsys.Retriever
	recsys.ItemScorer
	Save(path string) error
}

// param is a hyper-parameter. It is a number, unless it has choices.
type param struct {
	name, doc string
	def       string
	choices   []string
	integer   bool
	min, max  float64 // domain; no upper bound unless max > min
	lo, hi    float64 // what -tune searches; nothing unless hi > lo
	log       bool    // on a logarithmic scale
}

// settings are the values of a model's parameters, which have been checked.
type settings map[string]string

func (s settings) float(name string) float64 {
	x, _ := strconv.ParseFloat(s[name], 64)
	return x
}

func (s settings) int(name string) int { return int(s.float(name)) }

// fields returns the settings in the order of the parameters, numbers as numbers.
func (m *model) fields(s settings) []cli.Field {
	var fields []cli.Field
	for i := range m.params {
		p := &m.params[i]
		switch {
		case len(p.choices) > 0:
			fields = append(fields, cli.F(p.name, s[p.name]))
		case p.integer:
			fields = append(fields, cli.F(p.name, s.int(p.name)))
		default:
			fields = append(fields, cli.F(p.name, s.float(p.name)))
		}
	}
	return fields
}

// env is what a trainer gets beside the data and its settings.
type env struct {
	seed    uint64
	workers int
	log     io.Writer // of progress; nil for none
}

// progress returns a callback that reports steps of the work called label, nil for none.
func (e env) progress(label string) func(done, all int) {
	if e.log == nil {
		return nil
	}
	var p *cli.Progress
	reported := 0
	return func(done, all int) {
		if p == nil {
			p = cli.NewProgress(e.log, label, all, nil)
		}
		p.Add(done - reported)
		reported = done
		if done == all {
			p.Done()
		}
	}
}

func modelNamed(name string) *model {
	for i := range models {
		if models[i].name == name {
			return &models[i]
		}
	}
	return nil
}

func modelNames() []string {
	var names []string
	for i := range models {
		names = append(names, models[i].name)
	}
	return names
}

// modelFlags returns the help text of every parameter by its name. Models may share a name
// and differ in the rest.
func modelFlags() map[string]string {
	lines := map[string][]string{}
	for i := range models {
		m := &models[i]
		for j := range m.params {
			p := &m.params[j]
			text := fmt.Sprintf("%s: %s (default %s", m.name, p.doc, p.def)
			if len(p.choices) > 0 {
				text += "; " + strings.Join(p.choices, ", ")
			}
			lines[p.name] = append(lines[p.name], text+")")
		}
	}
	usage := map[string]string{}
	for name, texts := range lines {
		slices.Sort(texts)
		usage[name] = "`value` of " + strings.Join(texts, "\n")
	}
	return usage
}
