package gbdt

import "github.com/recsyskit/recsys/ranking/gbdt/internal/tree"

// NewModel is newModel.
func NewModel(features []Feature, heads []string, forests ...*tree.Forest) (*Model, error) {
	return newModel(features, heads, forests)
}

// SchemaHash is the hash of names in the header of a file.
func SchemaHash(features []Feature, heads []string) uint64 {
	m := &Model{heads: heads}
	for _, f := range features {
		m.features, m.vocab = append(m.features, tree.Feature{Name: f.Name, Categorical: f.Categorical}), append(m.vocab, f.IDs)
	}
	return m.schemaHash()
}

// Goes returns how many of n rows go on.
func (c *Cascade) Goes(n int) int { return c.keep(n) }
