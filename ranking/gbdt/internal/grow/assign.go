package grow

import (
	"context"
	"errors"
	"fmt"

	"github.com/recsyskit/recsys/ranking/gbdt/internal/bins"
)

// step is a node over bins.
type step struct {
	block, at int // where the bin of the column stands in a row
	left      [4]uint64
	child     [2]int32 // right, left
}

// assignRows is how many rows a worker takes at a time.
const assignRows = 1 << 12

// Assign writes to dst the leaf of the last tree that each of the rows falls into, all rows of
// the table if rows is nil. t is the table that the tree was grown over or one that is
// like it: rows that were left out of the sample, rows to validate on. It costs some
// nanoseconds for each level of the tree and row.
func (g *Grower) Assign(ctx context.Context, dst []int32, t *bins.Table, rows []int32) error {
	n := len(rows)
	if rows == nil {
		n = t.Rows
	}
	switch {
	case len(g.leaves) == 0:
		return errors.New("grow: there is no tree yet")
	case len(t.Features) != len(g.t.Features) || len(t.Used) != len(g.t.Used):
		return errors.New("grow: the table is not like that of the tree")
	case len(dst) != n:
		return fmt.Errorf("grow: %d places for %d rows", len(dst), n)
	}
	for _, r := range rows {
		if r < 0 || int(r) >= t.Rows {
			return fmt.Errorf("grow: row %d of %d", r, t.Rows)
		}
	}
	g.setSteps()
	g.ctx, g.assigned = ctx, assignment{dst, t, rows}
	if g.jobs.assign == nil {
		g.jobs.assign = g.assignPart
	}
	parts := (n + assignRows - 1) / assignRows
	if parts > 1 {
		g.crew.start()
		defer g.crew.stop()
	}
	g.crew.run(parts, g.jobs.assign)
	g.assigned = assignment{}
	return ctx.Err()
}

// assignment is what Assign works on.
type assignment struct {
	dst  []int32
	t    *bins.Table
	rows []int32
}

func (g *Grower) setSteps() {
	g.steps = g.steps[:0]
	var side [256]uint8
	for i := range g.nodes {
		n := &g.nodes[i]
		c := int(n.split.column)
		s := step{block: c / bins.BlockColumns, at: c % bins.BlockColumns, child: [2]int32{n.right, n.left}}
		g.sidesOf(&side, &n.split)
		for b, is := range side {
			s.left[b/64] |= uint64(is) << (b % 64)
		}
		g.steps = append(g.steps, s)
	}
}

func (g *Grower) assignPart(part int) {
	if g.ctx.Err() != nil {
		return
	}
	a := &g.assigned
	for i := part * assignRows; i < min((part+1)*assignRows, len(a.dst)); i++ {
		row := i
		if a.rows != nil {
			row = int(a.rows[i])
		}
		at := int32(0)
		if len(g.steps) == 0 {
			at = -1
		}
		for at >= 0 {
			s := &g.steps[at]
			block := &a.t.Blocks[s.block]
			b := block.Data[row*block.Stride+s.at]
			at = s.child[s.left[b/64]>>(b%64)&1]
		}
		a.dst[i] = ^at
	}
}
