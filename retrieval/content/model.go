package content

import (
	"sync"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/retrieval/internal/fingerprint"
	"github.com/recsyskit/recsys/retrieval/internal/itemindex"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// Model holds a vector for each item, and what it takes to embed others. An index over the
// vectors serves it. It is immutable and safe for concurrent use. The zero Model is good for
// ReadFrom alone.
//
// Memory: 4 × Dim bytes per item, 20 to 32 per term.
type Model struct {
	config      Config
	items       []recsys.ItemID
	vectors     vector.Matrix
	bagSeeds    []uint64
	numberSeeds []uint64
	terms       itemindex.Index // keys of terms
	rarity      []float32       // idf, by position in terms
	unknown     float32         // idf of a term that no item has
	knots       []float32       // levels+1 quantiles for each number

	// After Onto a vector is shift + ontoᵀ × content, where onto has a row for each of
	// config.Dim; nil before.
	onto, shift []float32

	version func() string
	pool    *sync.Pool // of *scratch
}

var _ recsys.Versioned = (*Model)(nil)

// newModel returns a model without vectors that has learned nothing; cfg has its defaults.
func newModel(cfg Config, items []recsys.ItemID) *Model {
	m := &Model{config: cfg, items: items, pool: new(sync.Pool)}
	seed := func(kind string, fields []Field) (seeds []uint64) {
		for _, f := range fields {
			seeds = append(seeds, hash.String(hash.String(cfg.Seed, kind), f.Name))
		}
		return seeds
	}
	m.bagSeeds, m.numberSeeds = seed("bag", cfg.Bags), seed("number", cfg.Numbers)
	m.version = sync.OnceValue(func() string { return fingerprint.Of(m) })
	return m
}

// Config returns the configuration, defaults filled in, Workers left out. Its slices are the
// model's.
func (m *Model) Config() Config { return m.config }

// Items returns the items, ascending. The slice is the model's.
func (m *Model) Items() []recsys.ItemID { return m.items }

// Vectors returns the vectors: row i belongs to item i of Items and has Dim values. Rows have
// length 1, or 0 for an item of which nothing is known; so inner product and cosine are the
// same, unless [Model.Onto] made them. The memory is the model's.
func (m *Model) Vectors() vector.Matrix { return m.vectors }

// Dim returns the dimension of the vectors.
func (m *Model) Dim() int {
	if m.onto != nil {
		return len(m.shift)
	}
	return m.config.Dim
}

// Version returns 16 hex digits that name the model by its contents, configuration
// included. The first call reads the whole model.
func (m *Model) Version() string { return m.version() }
