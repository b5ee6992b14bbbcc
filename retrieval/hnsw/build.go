package hnsw

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/recsyskit/recsys/retrieval"
)

// builder links the rows of a store that holds their vectors.
//
// Rows are linked in batches that grow with the graph: each row of a batch searches the
// graph as the batches before left it, then their links and the links back to them are
// set. Batches depend on the number of rows alone and each list of links is the work of
// one goroutine, so that the graph does not depend on how many there are.
//
// Source: Manohar et al., "ParlayANN", PPoPP 2024, section 3 (prefix doubling).
type builder struct {
	*store
	cfg     *Config
	workers []*linker
	back    []uint64 // links back: row to change << 32 | row to link to
	starts  []int    // where those of one row start
}

// A batch is at most 1/batchShare of the graph so far. The rows of a batch do not find each
// other, so that of the links of a row about one in 2·batchShare is not what it could be.
const (
	batchShare = 64
	batchMax   = 1 << 13
)

// build links rows in the order given and sets the entry. It stops with the error of ctx.
func (b *builder) build(ctx context.Context, order []uint32) error {
	if len(order) == 0 {
		return nil
	}
	b.workers = make([]*linker, b.cfg.Workers)
	for i := range b.workers {
		b.workers[i] = new(linker)
	}
	all := len(order)
	order = b.fold(order)
	folded := all - len(order)
	b.entry.Store(order[0])
	for done := 1; done < len(order); {
		if err := ctx.Err(); err != nil {
			return err
		}
		batch := order[done:min(len(order), done+min(max(1, done/batchShare), batchMax))]
		b.parallel(len(batch), 1, func(l *linker, i int) { b.propose(l, batch[i]) })
		b.connect(batch)
		for _, row := range batch {
			if b.level(row) > b.level(b.entry.Load()) {
				b.entry.Store(row)
			}
		}
		done += len(batch)
		if b.cfg.Progress != nil {
			b.cfg.Progress(folded+done, all)
		}
	}
	return nil
}

// parallel calls f for 0 to n-1, by all workers, each taking grain at a time.
func (b *builder) parallel(n, grain int, f func(l *linker, i int)) {
	if n <= grain || len(b.workers) == 1 {
		for i := range n {
			f(b.workers[0], i)
		}
		return
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for _, l := range b.workers {
		wg.Go(func() {
			for {
				to := int(next.Add(int64(grain)))
				for i := to - grain; i < min(to, n); i++ {
					f(l, i)
				}
				if to >= n {
					return
				}
			}
		})
	}
	wg.Wait()
}

// propose chooses the links of a row that nothing links to yet.
func (b *builder) propose(l *linker, row uint32) {
	w := &l.walker
	w.query.set(b.store, b.vector(row), false)
	entry := b.entry.Load()
	top, level := b.level(entry), b.level(row)
	w.start(b.cfg.EfConstruction)
	at := w.descend(entry, top, level)
	for i := min(level, top); i >= 0; i-- {
		w.start(b.cfg.EfConstruction)
		w.seed(at)
		w.walk(i)
		at = rowOf(w.pool[0])
		l.kept = l.prune(b.store, row, l.kept[:0], l.exact(b.store, row), b.cfg.M, fill(b.cfg.M))
		b.setLinks(row, i, l.kept)
	}
}

// connect links back to the rows of a batch.
func (b *builder) connect(batch []uint32) {
	top := 0
	for _, row := range batch {
		top = max(top, b.level(row))
	}
	for level := min(top, b.level(b.entry.Load())); level >= 0; level-- {
		b.back, b.starts = b.back[:0], b.starts[:0]
		for _, row := range batch {
			for _, to := range b.neighbours(row, level) {
				if to == none {
					break
				}
				b.back = append(b.back, uint64(to)<<32|uint64(row))
			}
		}
		slices.Sort(b.back)
		for i, p := range b.back {
			if i == 0 || p>>32 != b.back[i-1]>>32 {
				b.starts = append(b.starts, i)
			}
		}
		starts, n := append(b.starts, len(b.back)), len(b.starts)
		b.starts = starts
		b.parallel(n, 16, func(l *linker, i int) { b.accept(l, level, b.back[starts[i]:starts[i+1]]) })
	}
}

// fill returns how many links a row gets at least, if there are candidates. On factors of
// the Gowalla check-ins this saves two fifths of the comparisons at recall .99 (406 in place
// of 695).
func fill(room int) int { return room - room/4 }

// accept adds links back from one row, the upper half of the pairs, to those in the lower.
func (b *builder) accept(l *linker, level int, pairs []uint64) {
	row := uint32(pairs[0] >> 32)
	l.rows = b.list(l.rows[:0], row, level)
	for _, p := range pairs {
		l.rows = append(l.rows, uint32(p))
	}
	if room := len(b.neighbours(row, level)); len(l.rows) > room {
		l.rank(b.store, row, l.rows)
		l.rows = l.prune(b.store, row, l.rows[:0], l.offers, room, fill(room))
	}
	b.setLinks(row, level, l.rows)
}

// finish does what is left when all rows are linked.
func (s *store) finish(cfg *Config, l *linker) {
	s.attachAll(cfg, l)
	if s.metric == retrieval.InnerProduct {
		n := 0
		for row := uint32(0); n < hubCount && int(row) < s.rows.Limit(); row++ { // the rows of largest norms
			if !s.isBehind(row) {
				s.offerHub(row)
				n++
			}
		}
	}
}
