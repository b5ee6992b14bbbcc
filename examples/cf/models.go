package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/retrieval"
)

// models lists what the program can train. A family of models is one file.
var models = slices.Concat(
	popularModels,
	itemknnModels,
	easeModels,
	gfcfModels,
	puresvdModels,
	walkModels,
	slimModels,
)

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
