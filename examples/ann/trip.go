package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"time"

	"github.com/recsyskit/recsys/examples/internal/annindex"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/retrieval"
)

// roundTrip saves an index, maps the file and compares the answers to all queries, items
// and bits of scores, at the given efforts.
func (p *program) roundTrip(ctx context.Context, b *built, m *meter, efforts []int) error {
	s, ok := b.index.(annindex.Saver)
	if !ok {
		return fmt.Errorf("index %s cannot be saved", b.kind.Name)
	}
	start := time.Now()
	if err := s.Save(p.save); err != nil {
		return err
	}
	saved := time.Since(start)
	info, err := os.Stat(p.save)
	if err != nil {
		return err
	}
	start = time.Now()
	mapped, err := b.kind.Open(p.save)
	if err != nil {
		return err
	}
	opened := time.Since(start)
	if c, ok := mapped.(io.Closer); ok {
		defer c.Close()
	}
	start = time.Now()
	if _, err := mapped.Search(nil, m.queries.Row(0), m.k, retrieval.SearchOptions{}); err != nil {
		return err
	}
	first := time.Since(start)
	for _, effort := range efforts {
		if err := sameAnswers(ctx, b.index, mapped, m, effort); err != nil {
			return fmt.Errorf("%s: %w", p.save, err)
		}
	}
	return p.event("map",
		cli.F("index", b.kind.Name),
		cli.F("file", p.save),
		cli.F("file_bytes", info.Size()),
		cli.F("save_s", saved.Seconds()),
		cli.F("open_us", micros(opened)),
		cli.F("first_search_us", micros(first)),
		cli.F("same_answers", true))
}

// sameAnswers returns an error for the first query that two indexes answer differently.
func sameAnswers(ctx context.Context, a, b retrieval.Index, m *meter, effort int) error {
	var x, y []retrieval.Neighbor
	for q := range m.queries.Rows {
		if err := ctx.Err(); err != nil {
			return err
		}
		var err error
		opt := retrieval.SearchOptions{Effort: effort}
		if x, err = a.Search(x[:0], m.queries.Row(q), m.k, opt); err != nil {
			return err
		}
		if y, err = b.Search(y[:0], m.queries.Row(q), m.k, opt); err != nil {
			return err
		}
		same := len(x) == len(y)
		for i := 0; same && i < len(x); i++ {
			same = x[i].Item == y[i].Item && math.Float32bits(x[i].Score) == math.Float32bits(y[i].Score)
		}
		if !same {
			return fmt.Errorf("the mapped index answers query %d with %v, the one in memory with %v", q, y, x)
		}
	}
	return nil
}
