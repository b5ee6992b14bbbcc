package ease

import (
	"context"

	"github.com/recsyskit/recsys/retrieval"
)

// Inverse returns the inverse of A·Aᵀ + ridge·I, as the package computes it.
func Inverse(a, transposed *retrieval.CSR, ridge float32, workers int) ([][]float32, error) {
	s := newSymmetric(a.Rows())
	ctx := context.Background()
	if err := s.gram(ctx, workers, a, transposed, ridge); err != nil {
		return nil, err
	}
	if err := s.invert(ctx, workers, nil); err != nil {
		return nil, err
	}
	spare, all := make([]float32, s.side*s.side), make([]float32, s.side*s.n)
	var rows [][]float32
	for i := range s.tiles {
		s.rows(all, i, spare)
		for r := range min(s.side, s.n-i*s.side) {
			row := make([]float32, s.n)
			for k := range row {
				row[k] = -all[r*s.n+k]
			}
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// ByUsers reports whether the matrix of the users is inverted.
func ByUsers(in *retrieval.Interactions, cfg Config) bool {
	cfg, _ = cfg.withDefaults()
	return byUsers(in, &cfg)
}
