package ivf

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// A list is made anew when more than a share of its slots is dead, or its segments are
// short.
const (
	deadShare   = 4 // 1 in 4
	maxSegments = 12
)

// Insert adds an item; see [retrieval.MutableIndex]. It takes the time to compare the
// vector with all centroids, and a little for each 64 lists.
func (ix *Index) Insert(item recsys.ItemID, vec []float32) error {
	if err := ix.checkVector(vec); err != nil {
		return fmt.Errorf("item %d: %w", item, err)
	}
	ix.mu.Lock()
	defer ix.mu.Unlock()
	if row, ok := ix.rows.Find(item); ok {
		return fmt.Errorf("ivf: item %d at row %d: %w", item, row, retrieval.ErrDuplicate)
	}
	next, row, err := ix.stage(vec)
	if err != nil {
		return fmt.Errorf("ivf: item %d: %w", item, err)
	}
	if err := ix.rows.Insert(item, row); err != nil {
		return err
	}
	next.items++
	ix.publish(next)
	return nil
}

// Update replaces the vector of an item; see [retrieval.MutableIndex]. It takes the time
// of a Delete and an Insert. A search sees either vector.
func (ix *Index) Update(item recsys.ItemID, vec []float32) error {
	if err := ix.checkVector(vec); err != nil {
		return fmt.Errorf("item %d: %w", item, err)
	}
	ix.mu.Lock()
	defer ix.mu.Unlock()
	if _, ok := ix.rows.Find(item); !ok {
		return fmt.Errorf("ivf: item %d: %w", item, retrieval.ErrNotFound)
	}
	next, row, err := ix.stage(vec)
	if err != nil {
		return fmt.Errorf("ivf: item %d: %w", item, err)
	}
	old, err := ix.rows.Delete(item, false)
	if err != nil {
		return err
	}
	if err := ix.rows.Insert(item, row); err != nil {
		return err
	}
	ix.drop(next, old)
	ix.publish(next)
	ix.retire(old)
	return nil
}

// Delete removes an item; see [retrieval.MutableIndex]. It takes the time to find the
// item's row in its list; every so often a list is made anew.
func (ix *Index) Delete(item recsys.ItemID) error {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	row, err := ix.rows.Delete(item, false)
	if err != nil {
		return err
	}
	next := *ix.state.Load()
	next.items--
	ix.drop(&next, row)
	ix.publish(&next)
	ix.retire(row)
	return nil
}

// publish shows searches a state that agrees with the rows.
func (ix *Index) publish(next *state) {
	next.version = ix.rows.Version()
	ix.state.Store(next)
}

// retire lets a row that no list holds any more have another vector, once no search can
// see it.
func (ix *Index) retire(row uint32) {
	ix.retired = append(ix.retired, retirement{row: row, epoch: ix.readers.retire()})
	oldest := ix.readers.oldest()
	n := 0
	for n < len(ix.retired) && ix.retired[n].epoch < oldest {
		ix.rows.Free(ix.retired[n].row)
		n++
	}
	ix.retired = slices.Delete(ix.retired, 0, n)
}

// stage stores a vector at a row that is free and returns a state in which a list holds it.
func (ix *Index) stage(vec []float32) (*state, uint32, error) {
	row, err := ix.rows.Reserve()
	if err != nil {
		return nil, 0, err
	}
	next := *ix.state.Load()
	next.room(row, ix.dim)
	x := next.vector(row, ix.dim)
	copy(x, vec)
	if ix.metric == retrieval.Cosine {
		vector.Normalize(x)
	}
	c := ix.nearest(&next, x)
	next.lists = next.lists.with(c, next.codec.add(next.lists.at(c), row, x, next.coarse.centroids.Row(int(c))))
	next.coarse = next.coarse.including(c, x)
	ix.tidy(&next, c)
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
	length := float32(norm(x))
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

// drop takes a row out of its list.
func (ix *Index) drop(s *state, row uint32) {
	c := ix.owner[row]
	l := *s.lists.at(c)
	for slot, r := range l.rows {
		if r == row && l.alive(uint32(slot)) {
			dead := make([]uint64, (len(l.rows)+63)/64)
			copy(dead, l.dead)
			dead[slot>>6] |= 1 << (slot & 63)
			l.dead = dead
			l.gone++
			break
		}
	}
	s.lists = s.lists.with(c, &l)
	ix.tidy(s, c)
}

// tidy makes a list anew if it has become slow to scan.
func (ix *Index) tidy(s *state, c uint32) {
	l := s.lists.at(c)
	if l.gone*deadShare > len(l.rows) || len(l.segments) > maxSegments+len(l.rows)/segmentMin {
		s.lists = s.lists.with(c, ix.remake(s, c))
	}
}

// remake returns a list without dead slots, in order, encoded anew.
func (ix *Index) remake(s *state, c uint32) *list {
	old := s.lists.at(c)
	l := &list{rows: make([]uint32, 0, old.len())}
	for slot, row := range old.rows {
		if old.alive(uint32(slot)) {
			l.rows = append(l.rows, row)
		}
	}
	ix.sortRows(l.rows, s)
	l.codes = make([]uint8, s.codec.size(len(l.rows)))
	if ix.l2() {
		l.biases = make([]float32, len(l.rows))
	}
	s.codec.encode(l, func(slot int) []float32 { return s.vector(l.rows[slot], ix.dim) }, s.coarse.centroids.Row(int(c)))
	return l
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

// Compact makes every list anew that has dead slots or was added to, and splits the lists
// that have grown to more than four times the mean, as Build does. When there are many new
// lists, it measures again how many a search must read; when there are twice the items, it
// trains the codebook of PQ again. Searches go on meanwhile; writers
// wait. It fails only with the error of ctx, and then has changed nothing.
func (ix *Index) Compact(ctx context.Context) error {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	old := ix.state.Load()
	next := *old
	b := &builder{cfg: ix.cfg.resolve(old.items, ix.dim), ctx: ctx, dim: ix.dim, spherical: spherical(ix.metric)}
	b.centroids = vector.From(slices.Clone(old.coarse.centroids.Data), ix.dim)
	owner := slices.Clone(ix.owner)
	if err := ix.resplit(b, &next, owner); err != nil {
		return fmt.Errorf("ivf: %w", err)
	}
	rows, start := ix.byList(&next, owner, b.centroids.Rows)
	if len(next.codec.book) == 0 || len(rows) > 2*old.tuning.Items {
		coder := newCodec(&b.cfg, ix.dim)
		err := coder.train(b, len(rows), func(i int) (x, centroid []float32) {
			return next.vector(rows[i], ix.dim), b.centroids.Row(int(owner[rows[i]]))
		})
		if err != nil {
			return fmt.Errorf("ivf: %w", err)
		}
		next.codec = coder
	}
	if err := b.encode(ix, &next, rows, start); err != nil {
		return fmt.Errorf("ivf: %w", err)
	}
	next.coarse.aim(old.tuning.Reach)
	if grown := b.centroids.Rows - old.coarse.centroids.Rows; grown > old.coarse.centroids.Rows/8 {
		was := ix.owner
		ix.owner = owner
		if err := b.calibrate(ix, &next); err != nil {
			ix.owner = was
			return fmt.Errorf("ivf: %w", err)
		}
	}
	ix.owner = owner
	ix.publish(&next)
	return nil
}

// resplit divides crowded lists.
func (ix *Index) resplit(b *builder, s *state, owner []uint32) error {
	want := max(b.centroids.Rows, Config{}.resolve(s.items, ix.dim).Lists)
	mean := max(1, s.items/want)
	for c := range uint32(b.centroids.Rows) {
		l := s.lists.at(c)
		if l.len() <= crowded*mean || l.len() < 64 {
			continue
		}
		var members []uint32
		for slot, row := range l.rows {
			if l.alive(uint32(slot)) {
				members = append(members, row)
			}
		}
		slices.Sort(members)
		vectors := func(row int) []float32 { return s.vector(uint32(row), ix.dim) }
		lists, err := b.divide(vectors, c, members, (len(members)+mean-1)/mean)
		if err != nil {
			return err
		}
		for i, list := range lists {
			owner[members[i]] = list
		}
	}
	return nil
}

// byList returns the rows that have an item by list, in the order that lists have.
func (ix *Index) byList(s *state, owner []uint32, lists int) (rows []uint32, start []int) {
	start = make([]int, lists+1)
	for row, c := range owner {
		if ix.rows.Live(uint32(row)) {
			start[c+1]++
		}
	}
	for c := range lists {
		start[c+1] += start[c]
	}
	rows = make([]uint32, start[lists])
	at := slices.Clone(start)
	for row, c := range owner {
		if ix.rows.Live(uint32(row)) {
			rows[at[c]] = uint32(row)
			at[c]++
		}
	}
	for c := range lists {
		ix.sortRows(rows[start[c]:start[c+1]], s)
	}
	return rows, start
}
