package ivf

import (
	"fmt"

	"github.com/recsyskit/recsys/retrieval/vector"
)

// verify reports the first contradiction: an item that is in no list or in two, a vector
// or a number that is not finite, codes that are further from a vector than their segment
// says.
func (ix *Index) verify() error {
	st := ix.state.Load()
	if err := st.rows.Check(); err != nil {
		return err
	}
	if st.items != st.rows.Len() {
		return fmt.Errorf("%d items; want %d", st.items, st.rows.Len())
	}
	if err := ix.checkNumbers(st.coarse, st.codec); err != nil {
		return err
	}
	limit := st.rows.Limit()
	seen := make([]bool, limit)
	found := 0
	for c := range uint32(st.coarse.centroids.Rows) {
		l := st.lists.at(c)
		for _, row := range l.rows {
			if row == dead {
				continue
			}
			switch {
			case int64(row) >= int64(limit) || !st.rows.Live(row):
				return fmt.Errorf("list %d has row %d, which has no item", c, row)
			case seen[row]:
				return fmt.Errorf("row %d is in lists twice", row)
			case ix.owner[row] != c:
				return fmt.Errorf("row %d is in list %d; want %d", row, c, ix.owner[row])
			case !vector.Finite(st.vector(row, ix.dim)):
				return fmt.Errorf("the vector of row %d is not finite", row)
			}
			seen[row] = true
			found++
		}
		if err := ix.verifyList(st, l, c); err != nil {
			return fmt.Errorf("list %d: %w", c, err)
		}
	}
	if found != st.items {
		return fmt.Errorf("lists hold %d items; want %d", found, st.items)
	}
	return nil
}

// verifyList checks what a list says of its vectors.
func (ix *Index) verifyList(st *state, l *list, c uint32) error {
	s := emptyShape()
	square := st.codec.square(st.coarse.centroids.Row(int(c)))
	at := 0
	for _, g := range l.segments {
		if !vector.Finite([]float32{g.Scale, g.Error, g.Norm}) && !ix.huge(st, l, at, int(g.End)) {
			return fmt.Errorf("segment to %d has bounds %v", g.End, g)
		}
		for ; at < int(g.End); at++ {
			if l.rows[at] == dead {
				continue
			}
			x := st.vector(l.rows[at], ix.dim)
			s.include(x, st.coarse.centroids.Row(int(c)), ix.l2())
			length := norm(x)
			if !(length <= float64(g.Norm)) {
				return fmt.Errorf("slot %d has norm %v; want at most %v", at, length, g.Norm)
			}
			if want := st.codec.bias(length, square); st.codec.biased() && l.biases[at] != want {
				return fmt.Errorf("slot %d has bias %v; want %v", at, l.biases[at], want)
			}
			if st.codec.pq {
				continue // codes of any quality are codes
			}
			if lost := st.codec.lost(l, at, x, &g); !(lost <= float64(g.Error)) {
				return fmt.Errorf("slot %d has a code that is %v from its vector; want at most %v", at, lost, g.Error)
			}
		}
	}
	if s.Norm > l.shape.Norm || s.Cos < l.shape.Cos || ix.l2() && s.Radius > l.shape.Radius {
		return fmt.Errorf("shape is %v; want %v", l.shape, s)
	}
	return nil
}

// huge reports whether a vector of a list is so long that bounds overflow.
func (ix *Index) huge(st *state, l *list, from, to int) bool {
	for _, row := range l.rows[from:to] {
		if row != dead && norm(st.vector(row, ix.dim)) > 1e37 {
			return true
		}
	}
	return false
}

// checkNumbers reports what is not finite of what all searches use.
func (ix *Index) checkNumbers(c *coarse, coder *codec) error {
	for _, part := range []struct {
		name   string
		values []float32
	}{
		{"centroid", c.centroids.Data},
		{"mean of a list", c.mean},
		{"greatest length of a list", c.high},
		{"least length of a list", c.low},
		{"codebook", coder.book},
		{"sample query", ix.sample.Data},
	} {
		if !vector.Finite(part.values) {
			return fmt.Errorf("a %s is not finite", part.name)
		}
	}
	return nil
}
