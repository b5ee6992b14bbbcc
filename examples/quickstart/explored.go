package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/examples/internal/cli"
)

// explore serves the test users through pipeline with an explorer, logs what was shown
// and clicked to files, and judges the slates from these alone. greedy is the outcome of
// pipeline itself. The files stay if dir names a folder for them.
func explore(ctx context.Context, m *models, users []int, greedy *outcome, dir string, seed uint64, workers int, progress *cli.Progress) (*outcome, *audit, error) {
	if dir == "" {
		made, err := os.MkdirTemp("", "quickstart-log-")
		if err != nil {
			return nil, nil, err
		}
		defer os.RemoveAll(made)
		dir = made
	}
	sink, err := recsys.NewFileSink(dir, recsys.FileSinkConfig{Block: true})
	if err != nil {
		return nil, nil, err
	}
	defer sink.Close()
	p, err := recsys.NewPipeline(m.explored(sink)...).Build()
	if err != nil {
		return nil, nil, err
	}
	v := variant{
		"pipeline-explored", fmt.Sprintf("pipeline, drawn by Plackett–Luce (temperature %g), judged from its log", m.temperature()),
		p, &recorder{sink: sink, seed: seed},
	}
	o, err := evaluate(ctx, m.d, users, v, workers, progress)
	if err != nil {
		return nil, nil, err
	}
	if err := p.Close(ctx); err != nil {
		return nil, nil, err
	}
	a, err := m.audit(ctx, dir, users, o, greedy, workers)
	if err != nil {
		return nil, nil, err
	}
	o.recall, o.ndcg = a.recall, a.ndcg
	return o, a, nil
}

// recorder makes the requests of an explored variant, and the feedback that answers them.
type recorder struct {
	sink recsys.FeedbackSink
	seed uint64
}

// prepare gives the request of test user i a time of its own, so that the log has an
// order, and a seed.
func (r *recorder) prepare(i int, req *recsys.Request) {
	req.Now = req.Now.Add(time.Duration(i) * time.Second)
	req.Seed = recsys.HashID(fmt.Sprint(r.seed, " ", req.ID))
}

// record logs a click for each target that was shown.
func (r *recorder) record(ctx context.Context, req *recsys.Request, targets []recsys.Event, res *recsys.Result) error {
	for _, x := range res.Items {
		if !hits(targets, x.ID) {
			continue
		}
		err := r.sink.LogFeedback(ctx, &recsys.Feedback{
			Request: res.ID, User: req.User, Item: x.ID, Kind: recsys.Click, Time: req.Now.Add(time.Second / 2),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func hits(targets []recsys.Event, id recsys.ItemID) bool {
	return slices.ContainsFunc(targets, func(e recsys.Event) bool { return e.Item == id })
}
