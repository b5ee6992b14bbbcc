package flat

import (
	"context"
	"fmt"
	"math"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/code8"
)

// Insert adds an item; see [retrieval.MutableIndex]. Amortised it costs the move of some 50
// rows, O(d log n). One call in 32 puts what was added last in order, and pays for the others:
// mostly for up to a thousand rows. When a 32nd of the index has been added, one call
// compacts it, O(n·d), on its own goroutine alone, so that searches keep the other cores.
func (x *Index) Insert(item recsys.ItemID, vec []float32) error { return x.put(item, vec, false) }

// Update replaces the vector of an item, at the cost of Insert and Delete.
func (x *Index) Update(item recsys.ItemID, vec []float32) error { return x.put(item, vec, true) }

func (x *Index) put(item recsys.ItemID, vec []float32, update bool) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	e := x.epoch.Load()
	if e.closed && update {
		return closed("update")
	} else if e.closed {
		return closed("insert")
	}
	if err := x.checkVector(vec); err != nil {
		return fmt.Errorf("flat: item %d: %w", item, err)
	}
	old, found := e.rows.Find(item)
	switch {
	case update && !found:
		return fmt.Errorf("flat: item %d: %w", item, retrieval.ErrNotFound)
	case !update && found:
		return fmt.Errorf("flat: item %d: %w; Update replaces it", item, retrieval.ErrDuplicate)
	}
	if int(e.word.Load()>>32) == e.room {
		if err := x.compact(context.Background(), 1); err != nil {
			return err
		}
		e = x.epoch.Load()
		old, _ = e.rows.Find(item)
	}
	row, err := e.rows.Reserve()
	if err != nil {
		return fmt.Errorf("flat: %w", err)
	}
	a, i := e.grow(), int(e.word.Load()>>32)
	v := a.vector(x.set, i)
	store(x.set, v, vec)
	a.norms[i] = code8.Norm(v)
	// Norms are not negative, so that their bits are ordered as they are.
	e.top.Store(max(e.top.Load(), math.Float32bits(a.norms[i])))
	w := e.word.Load()
	// The new row is complete. It becomes visible, and the old one invisible, with the word.
	if update {
		e.kill(old, uint32(w)+1)
	}
	e.busy.Add(1)
	if update {
		_, err = e.rows.Move(item, row)
	} else {
		err = e.rows.Insert(item, row)
	}
	e.busy.Add(1)
	if err != nil {
		panic(err) // the row of the item was looked up under the lock
	}
	e.word.Store(w + 1<<32 + 1)
	return x.tidy(e)
}

// Delete removes an item. Amortised it costs O(d): one call in some n/32 copies the codes
// of the n items that are left, and one in n/2 compacts the index.
func (x *Index) Delete(item recsys.ItemID) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	e := x.epoch.Load()
	if e.closed {
		return closed("delete")
	}
	row, ok := e.rows.Find(item)
	if !ok {
		return fmt.Errorf("flat: item %d: %w", item, retrieval.ErrNotFound)
	}
	w := e.word.Load()
	e.kill(row, uint32(w)+1)
	e.busy.Add(1)
	_, err := e.rows.Delete(item, false)
	e.busy.Add(1)
	if err != nil {
		panic(err) // as above
	}
	e.word.Store(w + 1)
	return x.tidy(e)
}

// tidy puts things in order after a change, as far as it is time to. The lock is held.
func (x *Index) tidy(e *epoch) error {
	if e.dead > tailRows && e.dead > e.rows.Limit()/2 {
		return x.compact(context.Background(), 1)
	}
	e.tidy()
	return nil
}

// Compact puts all rows in one order, drops the dead ones, and gives their memory back, on
// Config.Workers goroutines. Writers do so on their own now and then; searches are
// about as fast without. Searches go on meanwhile, on the old rows; writers wait.
//
// When ctx ends, the index stays as it was and Compact returns the error of ctx, wrapped.
func (x *Index) Compact(ctx context.Context) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.epoch.Load().closed {
		return closed("compact")
	}
	return x.compact(ctx, x.set.workers)
}

// compact replaces the epoch by one without added and dead rows. The lock is held.
func (x *Index) compact(ctx context.Context, workers int) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("flat: compact: %w", err)
	}
	old := x.epoch.Load()
	v := old.view()
	if v.added == 0 && old.dead == 0 {
		return nil
	}
	order := v.liveRows()
	main := newSegment(x.set, len(order))
	parallel(workers, main.blocks(), 1, func(b int) {
		if ctx.Err() != nil {
			return
		}
		for row := main.starts[b]; row < main.starts[b+1]; row++ {
			copy(main.vector(row), old.vector(order[row]))
			main.norms[row] = old.norm(order[row])
		}
		main.sealBlock(b)
	})
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("flat: compact: %w", err)
	}
	rows, err := retrieval.NewRows(len(order), func(row int) recsys.ItemID { return old.rows.Item(order[row]) })
	if err != nil {
		return fmt.Errorf("flat: compact: %w", err)
	}
	x.epoch.Store(newEpoch(rows, main))
	return nil
}
