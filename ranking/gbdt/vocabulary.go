package gbdt

import (
	"math"

	"github.com/recsyskit/recsys/internal/idtable"
)

// maxCategory bounds categories: all below it are exact in float32.
const maxCategory = 1 << 24

// keptCategory returns the value that stands for id in rows: its place in the vocabulary, NaN for the ID 0,
// which feature sources write where there is no value, unless the vocabulary has it, -1 for any
// other that is unknown.
func keptCategory(t *idtable.Table, id uint64) float32 {
	c := t.Find(id)
	if c < 0 && id == 0 {
		return float32(math.NaN())
	}
	return float32(c)
}

// plainCategory returns the value of an ID that is its own category.
func plainCategory(id uint64) float32 {
	if id >= maxCategory {
		return -1
	}
	return float32(id)
}
