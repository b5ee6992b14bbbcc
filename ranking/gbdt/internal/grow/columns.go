package grow

import (
	"fmt"

	"github.com/recsyskit/recsys/ranking/gbdt/internal/bins"
)

// columns says which columns of the table are looked at.
type columns struct {
	t      *bins.Table
	of     []int32 // feature -> column, -1 for none
	active []int32 // columns to choose from in this tree, ascending
	runs   []run   // where their bins stand
	bins   []int   // by column
	sums   int     // length of a histogram

	sets    [][]uint64 // by column: the interactions that it is in, a bit each
	words   int        // of such a set
	opened  []uint64   // memory for the sets of leaves
	isRight []bool     // scratch of choose
}

// run is a part of a block, words of 8 columns, the last of which may be cut short: the unit of
// summing.
type run struct {
	block   *bins.Block
	at      int // first column in the block
	columns int
	sums    int // where its sums start
}

func (c *columns) init(t *bins.Table, cfg *Config) {
	c.t = t
	c.of = make([]int32, len(t.Features))
	for j := range c.of {
		c.of[j] = -1
	}
	c.bins = make([]int, len(t.Used))
	for i, j := range t.Used {
		c.of[j] = int32(i)
		c.bins[i] = t.Features[j].Bins
	}
	for i := range t.Blocks {
		b := &t.Blocks[i]
		c.sums = (b.First + b.Columns) * binsPerColumn
	}
	if len(cfg.Interactions) > 0 {
		c.words = (len(cfg.Interactions) + 63) / 64
		c.sets = make([][]uint64, len(t.Used))
		for i := range c.sets {
			c.sets[i] = make([]uint64, c.words)
		}
		for k, set := range cfg.Interactions {
			for _, j := range set {
				if at := c.of[j]; at >= 0 {
					c.sets[at][k/64] |= 1 << (k % 64)
				}
			}
		}
	}
}

// choose sets the columns of the features, all if nil.
func (c *columns) choose(features []int32) error {
	n := len(c.t.Used)
	if c.isRight == nil {
		c.isRight = make([]bool, n)
	}
	for i := range c.isRight {
		c.isRight[i] = features == nil
	}
	for _, j := range features {
		if j < 0 || int(j) >= len(c.of) {
			return fmt.Errorf("grow: feature %d of %d", j, len(c.of))
		}
		if at := c.of[j]; at >= 0 {
			c.isRight[at] = true
		}
	}
	c.active, c.runs, c.opened = c.active[:0], c.runs[:0], c.opened[:0]
	for i, is := range c.isRight {
		if !is {
			continue
		}
		c.active = append(c.active, int32(i))
		b := &c.t.Blocks[i/bins.BlockColumns]
		word := i % bins.BlockColumns &^ 7
		if k := len(c.runs) - 1; k >= 0 && c.runs[k].block == b && c.runs[k].at+c.runs[k].columns >= word {
			c.runs[k].columns = min(word+8, b.Columns) - c.runs[k].at
			continue
		}
		n := min(word+8, b.Columns) - word
		c.runs = append(c.runs, run{block: b, at: word, columns: n, sums: (b.First + word) * binsPerColumn})
	}
	return nil
}

// close leaves to the leaf l those interactions that the column is in.
func (c *columns) close(l *leaf, column int32) {
	if c.sets == nil {
		return
	}
	if need := len(c.opened) + c.words; need > cap(c.opened) {
		c.opened = make([]uint64, 0, 2*need) // the leaves keep the old ones
	}
	at := len(c.opened)
	c.opened = append(c.opened, c.sets[column]...)
	open := c.opened[at:]
	for i, parent := range l.sets {
		open[i] &= parent
	}
	l.sets = open
}

// may tells whether the leaf may be split by the column.
func (c *columns) may(l *leaf, column int32) bool {
	if c.sets == nil {
		return true
	}
	for i, w := range c.sets[column] {
		if l.sets != nil {
			w &= l.sets[i]
		}
		if w != 0 {
			return true
		}
	}
	return false
}
