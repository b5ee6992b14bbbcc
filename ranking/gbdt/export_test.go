package gbdt

import "github.com/recsyskit/recsys/ranking/gbdt/internal/tree"

// NewModel is newModel.
func NewModel(features []Feature, heads []string, forests ...*tree.Forest) (*Model, error) {
	return newModel(features, heads, forests)
}
