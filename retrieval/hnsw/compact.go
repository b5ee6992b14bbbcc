package hnsw

import (
	"context"
	"fmt"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// Compact builds the graph anew from the items that are there, with Config.Workers
// goroutines, and gives the memory of deleted ones back. An index stays good without it as
// long as items come about as fast as they go; links under inner product are still a little
// better in a build. Compact is for quiet hours, and for when a large share was deleted.
//
// Searches go on meanwhile, on the old graph; writers wait. When ctx ends, the index stays
// as it was and Compact returns the error of ctx, wrapped.
func (x *Index) Compact(ctx context.Context) error {
	if x.closed {
		return closed("compact")
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	s := x.store.Load()
	items := make([]recsys.ItemID, 0, s.rows.Len())
	vectors := vector.Matrix{Data: make([]float32, 0, s.rows.Len()*s.dim), Dim: s.dim, Stride: s.dim}
	for row := range uint32(s.rows.Limit()) {
		if s.live(row) {
			items = append(items, s.rows.Item(row))
			vectors.Data = append(vectors.Data, s.vector(row)...)
		}
	}
	n := len(items) // in a damaged file, not what Len says
	vectors.Rows = n
	t := newStore(&x.cfg, new(retrieval.Rows), s.dim, n)
	if err := t.fill(items, vectors, false); err != nil {
		return fmt.Errorf("hnsw: compact: %w", err)
	}
	b := &builder{store: t, cfg: &x.cfg}
	if err := b.build(ctx, t.linkOrder(x.cfg.Seed)); err != nil {
		return fmt.Errorf("hnsw: compact: %w", err)
	}
	if n > 0 {
		t.finish(&x.cfg, b.workers[0])
	}
	x.writer = writer{}
	x.store.Store(t)
	return nil
}
