package als

import "github.com/recsyskit/recsys/retrieval"

// need estimates the bytes that training allocates, rather too high, for a model of so many
// factors, of which it learns cfg.Factors.
func need(cfg *Config, factors int, in *retrieval.Interactions) float64 {
	d, rows := float64(cfg.Factors), float64(in.NumUsers())+float64(in.NumItems())
	vectors := 8 * d * rows // of the last epoch and this one
	if factors > cfg.Factors {
		vectors += 4*float64(factors)*rows + 16*float64(factors)*float64(factors) // and those of the model, with its products
	}
	cells := 16 * float64(in.Len())
	axes := 8 * (gramBlocks + 6) * d * d
	worker := 4*d*d + 4*pieceRows*d + gatherBytes
	return vectors + cells + axes + worker*float64(cfg.Workers)
}
