package bpr

import "github.com/recsyskit/recsys/retrieval"

// need estimates the bytes that training allocates, rather too high.
func need(cfg *Config, in *retrieval.Interactions) float64 {
	users, items, factors := float64(in.NumUsers()), float64(in.NumItems()), float64(cfg.Factors)
	// Vectors, the last whole epoch and the model; what stands beside them by row; the grid.
	return (users+items)*(3*4*(factors+1)+40) + 4*mostPerItem*items + 24*float64(in.Len())
}
