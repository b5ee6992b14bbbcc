package fm

import (
	"fmt"
	"math"

	"github.com/recsyskit/recsys/ranking"
)

// budget is what training may allocate.
type budget struct {
	most   int64   // 0: no limit
	fixed  float64 // bytes, whatever IDs there are
	each   float64 // for each ID of a vocabulary
	hashed bool
}

func newBudget(cfg *Config, d *ranking.Dataset) *budget {
	b := &budget{most: cfg.MaxBytes, hashed: cfg.HashBits > 0}
	columns, ids := len(d.Columns), len(d.IDColumns)
	n, heads := float64(d.Len()), float64(len(d.Heads))
	encoded := float64(10*(columns+ids) + 4) // slots, values and fields of a row
	b.fixed = n * (encoded + 8*heads)        // rows that count, and their order
	if v := cfg.Validation; v != nil {
		b.fixed += float64(v.Len()) * (encoded + float64(4*columns+8*ids)) // also a copy, in the order of columns
	}

	// Parameters of a coordinate: those that learn, those of the best epoch, those of the model.
	numbers := 1 + cfg.factors()
	if cfg.Kind == FFM {
		numbers = 1 + cfg.factors()*max(columns+ids, 1)
	}
	copies := cfg.Optimizer.parts() + 1
	if cfg.Validation != nil {
		copies += cfg.Optimizer.parts()
	}
	b.each = heads*float64(4*numbers*copies) + 1 // and whether a row has it
	coordinates := float64(columns)
	if b.hashed {
		coordinates += float64(int(1) << cfg.HashBits)
	} else if ids > 0 {
		b.fixed += 8 * n // the IDs of a column, sorted
	}
	b.fixed += coordinates * b.each
	b.each += 8 + 64 // in the vocabulary, and in the table that finds it
	return b
}

// check returns a [*ranking.MemoryError] if training takes more than it may, when vocabularies have so
// many IDs, or more.
func (b *budget) check(ids int) error {
	need := b.fixed + float64(ids)*b.each
	if b.most == 0 || need <= float64(b.most) {
		return nil
	}
	remedy := "take fewer rows, columns, factors or heads, or a MinCount"
	if b.hashed {
		remedy = "take fewer rows, factors, heads or HashBits"
	}
	bytes := int64(math.MaxInt64)
	if need < math.MaxInt64 {
		bytes = int64(need)
	}
	return fmt.Errorf("fm: %w", &ranking.MemoryError{Need: bytes, Most: b.most, Remedy: remedy})
}
