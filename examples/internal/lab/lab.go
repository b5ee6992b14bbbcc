// Package lab holds what the programs cf and seq do with their models, whatever the data: it
// trains them, searches their hyper-parameters on a part of the training data that is held
// out, and blends them.
package lab

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/examples/internal/hyper"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/ensemble"
)

// Model is an entry of a program's table: its name, its hyper-parameters, which become flags,
// and how it is trained and read from a file. The label is for what training reports.
type Model struct {
	Name   string
	Params hyper.Params
	Train  func(ctx context.Context, in *retrieval.Interactions, s hyper.Settings, log io.Writer, label string) (Trained, error)
	Load   func(path string) (Trained, error)
}

// Trained is what a model must be able to do.
type Trained interface {
	recsys.Retriever
	recsys.ItemScorer
	Save(path string) error
}

// Split is training data of which a part is held out.
type Split interface {
	// Train returns what is left.
	Train() *retrieval.Interactions
	// Cases returns what is held out as requests whose answer is known.
	Cases() []ensemble.Case
	// Score returns the metric that is raised, of a model on what is held out.
	Score(ctx context.Context, m Trained) (float64, error)
}

// Part is a model with its settings; as a source of a blend it has a label of its own.
type Part struct {
	Label    string
	Model    *Model
	Settings hyper.Settings
	Given    map[string]string // settings that are not searched
}

// Lab is the bench of one run.
type Lab struct {
	Seed     uint64
	Workers  int
	Trials   int           // of a search; 0 for none
	TuneTime time.Duration // after which a search ends; 0 for no limit
	Metric   string        // that is raised: ndcg, recall, hr or mrr
	K        int           // its cutoff
	JSON     bool
	Out, Log io.Writer
}

// Metric at its cutoff, as it is written.
func (l *Lab) metric() string { return fmt.Sprintf("%s@%d", l.Metric, l.K) }

// Event writes what happened on the way: a line of JSON, or of text.
func (l *Lab) Event(name string, fields ...cli.Field) error {
	if l.JSON {
		return cli.WriteJSON(l.Out, append(cli.Object{cli.F("event", name)}, fields...))
	}
	var b strings.Builder
	b.WriteString(name + ":")
	for _, f := range fields {
		fmt.Fprintf(&b, " %s %v", f.Key, f.Value)
	}
	_, err := fmt.Fprintln(l.Out, b.String())
	return err
}

// Result writes the result: a line of JSON, or a line of text for each field.
func (l *Lab) Result(o cli.Object) error {
	if l.JSON {
		return cli.WriteJSON(l.Out, o)
	}
	for _, f := range o {
		if _, err := fmt.Fprintf(l.Out, "%-22s %v\n", f.Key, f.Value); err != nil {
			return err
		}
	}
	return nil
}
