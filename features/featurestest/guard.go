package featurestest

import (
	"fmt"
	"math"

	"github.com/recsyskit/recsys"
)

// guarded block: a block that is a view into wider memory, as in the candidate table,
// with guards on all sides.
type guardedBlock struct {
	block  *recsys.Block
	floats []float32
	ids    [][]uint64
	vector [][]float32
	rows   int
}

const (
	guardWidth = 3 // columns of other sources on each side
	guardRows  = 2 // rows after the last
)

// guard returns a block of the columns at their defaults, in guarded memory.
func guard(columns []recsys.Column, a ask) *guardedBlock {
	from := recsys.NewBlock(columns, a.scope(), a.rows())
	b := *from
	g := &guardedBlock{block: &b, rows: a.rows()}
	b.Stride = guardWidth + from.Floats + guardWidth
	g.floats = make([]float32, (g.rows+guardRows)*b.Stride+guardWidth)
	for i := range g.floats {
		g.floats[i] = math.Float32frombits(poisonFloat)
	}
	b.Float = g.floats[guardWidth : g.rows*b.Stride+guardWidth]
	for i := range g.rows {
		copy(b.FloatRow(i), from.FloatRow(i))
	}
	for j := range from.ID {
		mem := make([]uint64, g.rows+2*guardRows)
		for i := range mem {
			mem[i] = poisonID
		}
		b.ID[j] = mem[guardRows : guardRows+g.rows]
		clear(b.ID[j])
		g.ids = append(g.ids, mem)
	}
	for j, d := range from.Dims {
		mem := make([]float32, (g.rows+2*guardRows)*d)
		for i := range mem {
			mem[i] = math.Float32frombits(poisonFloat)
		}
		b.Vector[j] = mem[guardRows*d : (guardRows+g.rows)*d]
		clear(b.Vector[j])
		g.vector = append(g.vector, mem)
	}
	return g
}

// intact returns an error if a guard was written to.
func (g *guardedBlock) intact() error {
	b := g.block
	for i, v := range g.floats {
		at := i - guardWidth
		row, column := at/b.Stride, at%b.Stride
		own := at >= 0 && row < g.rows && column < b.Floats
		if !own && math.Float32bits(v) != poisonFloat {
			return fmt.Errorf("write to Float[%d]: row %d of %d, column %d of %d", at, row, g.rows, column, b.Floats)
		}
	}
	for j, mem := range g.ids {
		for i, v := range mem {
			if own := i >= guardRows && i < guardRows+g.rows; !own && v != poisonID {
				return fmt.Errorf("write to ID[%d][%d], of %d rows", j, i-guardRows, g.rows)
			}
		}
	}
	for j, mem := range g.vector {
		d := b.Dims[j]
		for i, v := range mem {
			if own := i >= guardRows*d && i < (guardRows+g.rows)*d; !own && math.Float32bits(v) != poisonFloat {
				return fmt.Errorf("write to Vector[%d][%d], of %d rows of %d", j, i-guardRows*d, g.rows, d)
			}
		}
	}
	for name, bits := range map[string]recsys.Bits{"Missing": b.Missing, "Stale": b.Stale} {
		if last := bits.Next(g.rows); last >= 0 {
			return fmt.Errorf("bit %[2]d is set in %[1]s, of %[3]d rows", name, last, g.rows)
		}
	}
	return nil
}
