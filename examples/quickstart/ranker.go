package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/examples/internal/goapi"
	"github.com/recsyskit/recsys/objective"
	"github.com/recsyskit/recsys/ranking"
)

// batch is how many users of part B are served before their examples are taken over.
const batch = 128

// examples serves the users of part B and returns all candidates as they were hydrated,
// each labelled by what the user did with the item later.
func (m *models) examples(ctx context.Context, workers int, stderr io.Writer) (*ranking.Dataset, error) {
	labeler, err := objective.ParseLabeler("labels.json", labels)
	if err != nil {
		return nil, err
	}
	collector, err := ranking.NewCollector(ranking.CollectorConfig{Heads: labeler.Heads(), IDColumns: []string{}})
	if err != nil {
		return nil, err
	}
	part := m.d.of(goapi.PartB)
	slot := map[recsys.UserID]int{}
	served := make([]*recsys.Exposure, batch)
	keep := recsys.ExposureSinkFunc(func(_ context.Context, x *recsys.Exposure) error {
		served[slot[x.User]] = x.Clone()
		return nil
	})
	p, err := recsys.NewPipeline(m.hydrated()...).With(recsys.Log(keep, recsys.LogFull)).Build()
	if err != nil {
		return nil, err
	}
	progress := cli.NewProgress(stderr, "candidates for the ranker", len(part), nil)
	for users := range slices.Chunk(part, batch) {
		clear(served)
		for i, u := range users {
			slot[recsys.UserID(u)] = i
		}
		err := each(ctx, len(users), workers, func(_, i int) error {
			history, _ := m.d.users[users[i]].cut()
			return serve(ctx, p, request(m.d, users[i], history), new(recsys.Result))
		})
		if err != nil {
			return nil, err
		}
		for i, u := range users {
			if served[i] == nil {
				continue // nothing to propose
			}
			rows, err := labelRows(labeler, &m.d.users[u], served[i])
			if err == nil {
				err = collector.Add(served[i], rows)
			}
			if err != nil {
				return nil, err
			}
		}
		progress.Add(len(users))
	}
	progress.Done()
	return collector.Dataset()
}

// labelRows returns the labels of the rows of x, row-major: all candidates count as seen,
// the user's targets as clicked, or more.
func labelRows(labeler *objective.Labeler, u *user, x *recsys.Exposure) ([]float32, error) {
	_, targets := u.cut()
	later := map[recsys.ItemID]recsys.Event{}
	for _, e := range targets {
		later[e.Item] = e
	}
	n := len(labeler.Heads())
	rows := make([]float32, n*len(x.Rows))
	for i := range x.Rows {
		acts := []objective.Event{{Kind: recsys.Impression.String()}}
		if e, ok := later[x.Rows[i].Item]; ok {
			acts = append(acts, objective.Event{Kind: recsys.Click.String()}, objective.Event{Kind: e.Kind.String(), Value: float64(e.Value)})
		}
		if err := labeler.Labels(rows[i*n:(i+1)*n], acts); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// serve answers a request. That nothing can be served is an answer too, an empty one;
// a stage that fails is an error, since none may here.
func serve(ctx context.Context, p *recsys.Pipeline, req *recsys.Request, res *recsys.Result) error {
	err := p.RecommendInto(ctx, req, res)
	if errors.Is(err, recsys.ErrNoCandidates) {
		res.Items = res.Items[:0]
		err = nil
	}
	for _, x := range res.Degraded {
		if x.Err != nil {
			err = errors.Join(err, fmt.Errorf("%s: %v", req.ID, x))
		}
	}
	return err
}
