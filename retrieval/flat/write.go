package flat

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/code8"
)

// Insert adds an item; see [retrieval.MutableIndex]. Amortised it costs 64 times the move
// of a row, about O(64·d).
func (x *Index) Insert(item recsys.ItemID, vec []float32) error { return x.put(item, vec, false) }

// Update replaces the vector of an item, at the cost of Insert.
func (x *Index) Update(item recsys.ItemID, vec []float32) error { return x.put(item, vec, true) }

func (x *Index) put(item recsys.ItemID, vec []float32, update bool) error {
	if err := x.checkVector(vec); err != nil {
		return fmt.Errorf("flat: item %d: %w", item, err)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	e := x.epoch.Load()
	old, found := e.rows.Find(item)
	switch {
	case update && !found:
		return fmt.Errorf("flat: item %d: %w", item, retrieval.ErrNotFound)
	case !update && found:
		return fmt.Errorf("flat: item %d at row %d: %w", item, old, retrieval.ErrDuplicate)
	}
	c, i, ok := e.slot()
	if !ok || x.tooManyDead(e) {
		if err := x.compact(); err != nil {
			return err
		}
		e = x.epoch.Load()
		old, _ = e.rows.Find(item)
		c, i, _ = e.slot()
	}
	row, err := e.rows.Reserve()
	if err != nil {
		return fmt.Errorf("flat: %w", err)
	}
	v := c.vector(x.set, i)
	store(x.set, v, vec)
	c.norms[i] = code8.Norm(v)
	raise(&c.top, c.norms[i])
	raise(&e.top, c.norms[i])
	w := e.word.Load()
	// The new row is complete. It becomes visible, and the old one invisible, with the word.
	if update {
		e.kill(old, uint32(w)+1)
	}
	e.busy.Add(1)
	if update {
		_, err = e.rows.Move(item, row)
		e.dead++
	} else {
		err = e.rows.Insert(item, row)
	}
	e.busy.Add(1)
	if err != nil {
		panic(err) // the row of the item was looked up under the lock
	}
	e.word.Store(w + 1<<32 + 1)
	return nil
}

// Delete removes an item.
func (x *Index) Delete(item recsys.ItemID) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	e := x.epoch.Load()
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
	e.dead++
	e.word.Store(w + 1)
	if x.tooManyDead(e) {
		return x.compact()
	}
	return nil
}

// tooManyDead reports whether compaction pays for the dead rows alone: they make a scan
// longer in proportion.
func (x *Index) tooManyDead(e *epoch) bool {
	return e.dead > chunkRows && e.dead > (e.main.rows+e.dead)/5
}

// Compact puts all rows in order and drops the dead ones. Writers do so on their own now
// and then; calling it after many deletions makes searches as fast as those of a new index
// at once. Searches go on meanwhile, on the old rows.
func (x *Index) Compact() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.compact()
}

// compact replaces the epoch by one without added and dead rows. The lock is held.
func (x *Index) compact() error {
	old := x.epoch.Load()
	v := old.view()
	if v.added == 0 && old.dead == 0 {
		return nil
	}
	order := x.liveRows(v)
	main := newSegment(x.set, len(order))
	main.set.workers = x.set.workers
	main.parallel(main.blocks(), 1, func(b int) {
		for row := main.starts[b]; row < main.starts[b+1]; row++ {
			copy(main.vector(row), old.vector(order[row]))
			main.norms[row] = old.norm(order[row])
		}
		main.sealBlock(b)
	})
	rows := new(retrieval.Rows)
	for _, from := range order {
		if err := addRow(rows, old.rows.Item(from)); err != nil {
			return fmt.Errorf("flat: %w", err)
		}
	}
	x.epoch.Store(newEpoch(rows, main))
	return nil
}

// liveRows returns the rows of a view in the order of a new segment. Those of the old
// segment are in order already; the added ones are sorted and merged in.
func (x *Index) liveRows(v view) []uint32 {
	var added []uint32
	for row := v.main.rows; row < v.limit(); row++ {
		if v.death(uint32(row)) == 0 {
			added = append(added, uint32(row))
		}
	}
	before := func(a, b uint32) int {
		if x.set.byNorm() {
			if c := cmp.Compare(v.norm(b), v.norm(a)); c != 0 {
				return c
			}
		}
		return cmp.Compare(v.rows.Item(a), v.rows.Item(b))
	}
	slices.SortFunc(added, before)
	order := make([]uint32, 0, v.limit()-v.dead)
	for row := range uint32(v.main.rows) {
		if v.death(row) != 0 {
			continue
		}
		for len(added) > 0 && before(added[0], row) < 0 {
			order = append(order, added[0])
			added = added[1:]
		}
		order = append(order, row)
	}
	return append(order, added...)
}
