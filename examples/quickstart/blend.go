package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/examples/internal/goapi"
	"github.com/recsyskit/recsys/retrieval/ensemble"
)

// learnBlend learns from the users of part B what the scores of the sources are worth beside
// each other. Without users whose targets the sources find there is no blend.
func (m *models) learnBlend(ctx context.Context, seed uint64, workers int, stderr io.Writer) error {
	var sources []ensemble.Source
	for _, s := range m.sources {
		sources = append(sources, ensemble.Source{Name: s.name, Retriever: s.r})
	}
	var cases []ensemble.Case
	for _, u := range m.d.of(goapi.PartB) {
		history, targets := m.d.users[u].cut()
		c := ensemble.Case{Request: *request(m.d, u, history)}
		for _, e := range targets {
			c.Relevant = append(c.Relevant, e.Item)
		}
		cases = append(cases, c)
	}
	progress := cli.NewProgress(stderr, "blend", 2*len(cases), nil)
	e, err := ensemble.Learn(ctx, sources, cases, ensemble.Config{
		Metric: ensemble.Recall, K: cutoff, Budget: maxCandidates, Seed: seed, Workers: workers,
		Progress: func(int, int) { progress.Add(1) },
	})
	if errors.Is(err, ensemble.ErrNoCases) {
		fmt.Fprintf(stderr, "no blend: %v\n", err)
		return nil
	}
	if err != nil {
		return err
	}
	progress.Done()
	m.blend = e
	return nil
}
