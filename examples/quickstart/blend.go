package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/examples/internal/goapi"
	"github.com/recsyskit/recsys/examples/internal/page"
	"github.com/recsyskit/recsys/retrieval/ensemble"
)

// learnBlend learns from the users of part B how many candidates each source may propose, and
// what its score is worth beside the others'. It raises NDCG, which tells a hit at place 1 from
// one at place 20 and so learns more from few users than recall does. Without users whose
// targets the sources find there is no blend.
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
		Metric: ensemble.NDCG, K: cutoff, Budget: maxCandidates, Seed: seed, Workers: workers, Clock: time.Now,
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

// blended shows what each source adds to the blend, and what it costs.
func (r *results) blended() []page.Element {
	report := r.m.blend.Report()
	table := page.Table{
		Title: "What each source adds",
		Note: fmt.Sprintf("Learned and judged on %d users of part B in %d folds. Recall: the share of the targets among the source's best %d. "+
			"Added: what no other source finds within its quota. Gain: the NDCG@%d that the blend loses when the source has no weight. "+
			"Times are of one request: candidates, and scores for the candidates of all.",
			report.Cases, report.Folds, report.Budget, report.K),
		Columns: []page.Column{
			{Name: "Source"},
			{Name: "Quota"},
			{Name: "Weight", Format: page.Fixed(2)},
			{Name: "Recall", Best: page.Highest, Format: page.Fixed(4)},
			{Name: "Added", Best: page.Highest, Format: page.Fixed(4)},
			{Name: "NDCG alone", Best: page.Highest, Format: page.Fixed(4)},
			{Name: "Gain", Best: page.Highest, Format: page.Fixed(4)},
			{Name: "Median", Best: page.Lowest, Format: page.Microseconds},
			{Name: "p99", Best: page.Lowest, Format: page.Microseconds},
		},
	}
	for _, s := range report.Sources {
		table.Rows = append(table.Rows, []any{
			s.Name, s.Quota, s.Weight, s.Recall, s.Added, s.Score, s.Gain, microseconds(s.Median), microseconds(s.P99),
		})
	}
	return []page.Element{table, page.Text(fmt.Sprintf(
		"Weights kept: %s, the simplest that is not worse than the best by more than a standard error. NDCG@%d is %.4f with %s alone, %.4f with equal weights, "+
			"%.4f with those under which the targets are most probable, and %.4f with those searched for on the metric itself.",
		report.WeightsKept, report.K, report.Single, report.SingleName, report.Equal, report.Likelihood, report.Climbed))}
}

func microseconds(t time.Duration) float64 { return float64(t) / float64(time.Microsecond) }
