package ivf

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// A list is made anew when many slots have been added to it, which are less well encoded
// and out of order, and squeezed when many are dead: one in tidyShare, and tidyLeast.
const (
	tidyShare = 8
	tidyLeast = 8
)

// Insert adds an item; see [retrieval.MutableIndex]. It takes the time to compare the
// vector with all centroids, and a little for each 64 lists; each eighth of a list that is
// new, the time to encode the list and to copy the centroids.
func (ix *Index) Insert(item recsys.ItemID, vec []float32) error {
	if ix.closed {
		return closed("insert")
	}
	if err := ix.checkVector(vec); err != nil {
		return fmt.Errorf("ivf: item %d: %w", item, err)
	}
	ix.mu.Lock()
	defer ix.mu.Unlock()
	table := ix.state.Load().rows
	if _, ok := table.Find(item); ok {
		return fmt.Errorf("ivf: item %d: %w; Update replaces it", item, retrieval.ErrDuplicate)
	}
	next, row, err := ix.stage(vec)
	if err != nil {
		return fmt.Errorf("ivf: item %d: %w", item, err)
	}
	if err := table.Insert(item, row); err != nil {
		return err
	}
	next.items++
	ix.publish(next)
	return nil
}

// Update replaces the vector of an item; see [retrieval.MutableIndex]. It takes the time
// of a Delete and an Insert. A search sees either vector. It fails when the file of an opened
// index is so damaged that the old vector is not in the list where it should be.
func (ix *Index) Update(item recsys.ItemID, vec []float32) error {
	if ix.closed {
		return closed("update")
	}
	if err := ix.checkVector(vec); err != nil {
		return fmt.Errorf("ivf: item %d: %w", item, err)
	}
	ix.mu.Lock()
	defer ix.mu.Unlock()
	table := ix.state.Load().rows
	row, ok := table.Find(item)
	if !ok {
		return fmt.Errorf("ivf: item %d: %w", item, retrieval.ErrNotFound)
	}
	if _, err := ix.slot(ix.state.Load(), row); err != nil {
		return fmt.Errorf("ivf: item %d: %w", item, err)
	}
	next, row, err := ix.stage(vec)
	if err != nil {
		return fmt.Errorf("ivf: item %d: %w", item, err)
	}
	old, err := table.Move(item, row)
	if err != nil {
		return err
	}
	// Searches under way must find the old vector: it dies in a copy of its list.
	c := ix.owner[old]
	l := *next.lists.at(c)
	l.rows = slices.Clone(l.rows)
	next.lists = next.lists.with(c, &l)
	ix.drop(next, old, slices.Index(l.rows, old))
	ix.publish(next)
	ix.retire(old)
	return nil
}

// Delete removes an item; see [retrieval.MutableIndex]. It takes the time to find the
// item's row in its list; every so often a list is squeezed. It fails as Update does.
func (ix *Index) Delete(item recsys.ItemID) error {
	if ix.closed {
		return closed("delete")
	}
	ix.mu.Lock()
	defer ix.mu.Unlock()
	next := *ix.state.Load()
	row, ok := next.rows.Find(item)
	if !ok {
		return fmt.Errorf("ivf: item %d: %w", item, retrieval.ErrNotFound)
	}
	slot, err := ix.slot(&next, row)
	if err != nil {
		return fmt.Errorf("ivf: item %d: %w", item, err)
	}
	if _, err := next.rows.Delete(item, false); err != nil {
		return err
	}
	next.items--
	ix.drop(&next, row, slot)
	ix.publish(&next)
	ix.retire(row)
	return nil
}

// publish shows searches a state that agrees with the rows.
func (ix *Index) publish(next *state) {
	next.version = next.rows.Version()
	next.changes++
	ix.state.Store(next)
}

// retire lets a row that no list holds any more have another vector, once no search can
// see it.
func (ix *Index) retire(row uint32) {
	ix.retired = append(ix.retired, retirement{row: row, epoch: ix.readers.retire()})
	if len(ix.retired) < tidyLeast {
		return
	}
	oldest, table := ix.readers.oldest(), ix.state.Load().rows
	n := 0
	for n < len(ix.retired) && ix.retired[n].epoch < oldest {
		table.Free(ix.retired[n].row)
		n++
	}
	ix.retired = slices.Delete(ix.retired, 0, n)
}

// stage stores a vector at a row that is free and returns a state in which a list holds it.
func (ix *Index) stage(vec []float32) (*state, uint32, error) {
	next := *ix.state.Load()
	row, err := next.rows.Reserve()
	if err != nil {
		return nil, 0, err
	}
	next.room(row, ix.dim)
	x := next.vector(row, ix.dim)
	copy(x, vec)
	if ix.metric == retrieval.Cosine {
		vector.Normalize(x)
	}
	next.longest = max(next.longest, up(norm(x), ix.dim))
	c := ix.nearest(&next, x)
	next.lists = next.lists.with(c, next.codec.add(next.lists.at(c), row, x, next.coarse.centroids.Row(int(c))))
	next.coarse = next.coarse.including(c, x)
	if l := next.lists.at(c); l.added >= tidyLeast && l.added*tidyShare > len(l.rows) {
		ix.remake(&next, c)
	}
	for int(row) >= len(ix.owner) {
		ix.owner = append(ix.owner, 0)
	}
	ix.owner[row] = c
	return &next, row, nil
}

// room makes sure that there is memory for a row.
func (s *state) room(row uint32, dim int) {
	if row < s.baseRows {
		return
	}
	if need := int(row-s.baseRows+1) * dim; need > len(s.tail) {
		s.tail = slices.Grow(s.tail, need-len(s.tail))[:need]
	}
}

// nearest returns the list that a vector belongs to.
func (ix *Index) nearest(s *state, x []float32) uint32 {
	m := s.coarse.centroids
	ix.dots = grow(ix.dots, m.Rows)
	sign := float32(1)
	if ix.l2() {
		sign = -1
		simd.L2SqBatch(ix.dots, x, m.Data, m.Stride)
	} else {
		simd.DotBatch(ix.dots, x, m.Data, m.Stride)
	}
	at := 0
	for i, v := range ix.dots {
		if sign*v > sign*ix.dots[at] {
			at = i
		}
	}
	return uint32(at)
}

// including returns a coarse quantiser whose list c may hold x.
func (c *coarse) including(list uint32, x []float32) *coarse {
	length := finite(norm(x))
	if c.l2 || length <= c.high[list] && length >= c.low[list] {
		return c
	}
	out := *c
	out.high, out.low, out.slope, out.rise = slices.Clone(c.high), slices.Clone(c.low), slices.Clone(c.slope), slices.Clone(c.rise)
	if c.high[list] == 0 { // nothing was known of the list
		out.mean = slices.Clone(c.mean)
		out.mean[list], out.low[list] = 1, length
	}
	out.high[list], out.low[list] = max(c.high[list], length), min(out.low[list], length)
	out.aimAt(int(list), out.reach)
	return &out
}

// slot returns where in its list the row of an item is. Neither is known of an opened index
// until now.
func (ix *Index) slot(s *state, row uint32) (int, error) {
	c := ix.owner[row]
	if int64(c) < int64(s.coarse.centroids.Rows) && s.rows.Live(row) {
		if slot := slices.Index(s.lists.at(c).rows, row); slot >= 0 {
			return slot, nil
		}
	}
	return 0, fmt.Errorf("row %d is not in its list: %w", row, envelope.ErrCorrupt)
}

// drop marks a slot as dead in the list of its row, which is squeezed if there are many.
func (ix *Index) drop(s *state, row uint32, slot int) {
	c := ix.owner[row]
	l := s.lists.at(c)
	l.kill(slot)
	if l.gone >= tidyLeast && l.gone*tidyShare > len(l.rows) {
		l = s.codec.squeeze(l)
		s.lists = s.lists.with(c, l)
	}
	// The length that a list promises counts, and goes with the longest.
	if !s.codec.unit && !ix.l2() && finite(norm(s.vector(row, ix.dim))) >= s.coarse.high[c] {
		s.coarse = ix.measured(s, c)
	}
}

// measured returns a coarse quantiser that knows what is in list c by now.
func (ix *Index) measured(s *state, c uint32) *coarse {
	out := *s.coarse
	out.mean, out.high, out.low = slices.Clone(out.mean), slices.Clone(out.high), slices.Clone(out.low)
	out.slope, out.rise = slices.Clone(out.slope), slices.Clone(out.rise)
	out.mean[c], out.high[c], out.low[c] = ix.measure(s.lists.at(c), s, c)
	out.aimAt(int(c), out.reach)
	return &out
}

// remake replaces a list by one without dead slots, in order, around the mean of its
// vectors, encoded anew. So the lists follow a catalogue that changes: items that came
// after Build are as near to the centroids as those that k-means has seen.
func (ix *Index) remake(s *state, c uint32) {
	old := s.lists.at(c)
	l := &list{rows: make([]uint32, 0, old.len())}
	limit := s.limit(ix.dim)
	for _, row := range old.rows {
		if row < limit {
			l.rows = append(l.rows, row)
		}
	}
	ix.sortRows(l.rows, s)
	l.codes = make([]uint8, s.codec.size(len(l.rows)))
	if s.codec.biased() {
		l.biases = make([]float32, len(l.rows))
	}
	vectors := func(slot int) []float32 { return s.vector(l.rows[slot], ix.dim) }
	s.coarse = s.coarse.moved(c, len(l.rows), vectors)
	s.codec.encode(l, vectors, s.coarse.centroids.Row(int(c)))
	s.lists = s.lists.with(c, l)
	s.coarse = ix.measured(s, c)
}

// sortRows puts rows into the order that lists have: the longest vector first, equal ones
// by row; for cosine all are equal.
func (ix *Index) sortRows(rows []uint32, s *state) {
	if ix.metric == retrieval.Cosine {
		slices.Sort(rows)
		return
	}
	length := make(map[uint32]float64, len(rows))
	for _, row := range rows {
		length[row] = norm(s.vector(row, ix.dim))
	}
	slices.SortFunc(rows, func(a, b uint32) int {
		return cmp.Or(cmp.Compare(length[b], length[a]), cmp.Compare(a, b))
	})
}

// Compact makes the lists anew from the items that are there, as Build does with the same
// configuration, and measures again how many of them a search must read. It does nothing if
// nothing has changed. Searches go on meanwhile; writers wait.
//
// It takes the time of Build, and the memory of the vectors twice more until it is done.
// Those of an opened index are in memory from then on, until it is saved and opened again.
// It fails with the error of ctx, and when the file of an opened index is so damaged that items
// or vectors cannot be those that were saved; then it has changed nothing.
func (ix *Index) Compact(ctx context.Context) error {
	if ix.closed {
		return closed("compact")
	}
	ix.mu.Lock()
	defer ix.mu.Unlock()
	st := ix.state.Load()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("ivf: %w", err)
	}
	if st.changes == 0 {
		return nil
	}
	items, vectors, err := ix.gather(st)
	if err != nil {
		return err
	}
	cfg := ix.cfg
	cfg.Queries = ix.sample
	made, err := assemble(ctx, cfg, items, vectors, false)
	if err != nil {
		return err
	}
	ix.owner, ix.retired = made.owner, nil
	ix.state.Store(made.state.Load())
	return nil
}

// gather returns the items, in the order of their rows, and the vectors.
func (ix *Index) gather(st *state) ([]recsys.ItemID, vector.Matrix, error) {
	items, vectors := make([]recsys.ItemID, 0, st.items), vector.NewMatrix(st.items, ix.dim)
	for row := range uint32(st.rows.Limit()) {
		if !st.rows.Live(row) {
			continue
		}
		if len(items) < st.items {
			copy(vectors.Row(len(items)), st.vector(row, ix.dim))
		}
		items = append(items, st.rows.Item(row))
	}
	// Nobody has looked at all of an opened index before.
	if len(items) != st.items {
		return nil, vectors, fmt.Errorf("ivf: %d rows have items; want %d: %w", len(items), st.items, envelope.ErrCorrupt)
	}
	if err := checkMatrix(vectors, items); err != nil {
		return nil, vectors, fmt.Errorf("%w: %w", err, envelope.ErrCorrupt)
	}
	return items, vectors, nil
}
