package main

import (
	"context"
	"io"
	"slices"

	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/examples/internal/hyper"
	"github.com/recsyskit/recsys/examples/internal/lab"
	"github.com/recsyskit/recsys/retrieval"
)

// models lists what the program can train. A family of models is one file.
var models = slices.Concat(
	popularModels,
	itemknnModels,
	walkModels,
	slimModels,
	easeModels,
	gfcfModels,
	alsModels,
	bprModels,
	puresvdModels,
	twotowerModels,
	blendModels,
)

// model is an entry of the table: its name, its hyper-parameters, which become flags, and
// how it is trained and read from a file.
type model struct {
	name   string
	params hyper.Params
	train  func(ctx context.Context, in *retrieval.Interactions, s hyper.Settings, e env) (trained, error)
	load   func(path string) (trained, error)
}

// trained is what a model must be able to do.
type trained = lab.Trained

// env is what a trainer gets beside the data and its settings.
type env struct {
	seed     uint64
	workers  int
	maxBytes int64     // of training; 0 for the default of the trainers
	log      io.Writer // of progress; nil for none
	label    string    // before what progress says, for a source of a blend
}

// progress returns a callback that reports steps of the work called label, nil for none.
func (e env) progress(label string) func(done, all int) {
	if e.label != "" {
		label = e.label + ": " + label
	}
	return cli.Steps(e.log, label)
}

// bench returns the model as the lab takes it.
func (m *model) bench(o *options) *lab.Model {
	return &lab.Model{
		Name: m.name, Params: m.params, Load: m.load,
		Train: func(ctx context.Context, in *retrieval.Interactions, s hyper.Settings, log io.Writer, label string) (trained, error) {
			return m.train(ctx, in, s, env{seed: o.common.Seed, workers: o.common.Workers, maxBytes: int64(o.maxGiB * (1 << 30)), log: log, label: label})
		},
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

// modelParams yields the parameters of every model.
func modelParams(yield func(string, hyper.Params) bool) {
	for i := range models {
		if !yield(models[i].name, models[i].params) {
			return
		}
	}
}
