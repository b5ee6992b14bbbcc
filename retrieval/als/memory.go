package als

import "github.com/recsyskit/recsys/retrieval"

// need estimates the bytes that training allocates, rather too high.
func need(cfg *Config, in *retrieval.Interactions) float64 {
	d := float64(cfg.Factors)
	vectors := 8 * d * (float64(in.NumUsers()) + float64(in.NumItems())) // of the last epoch and this one
	cells := 16 * float64(in.Len())
	axes := 8 * (gramBlocks + 6) * d * d
	worker := 4*d*d + 4*pieceRows*d + gatherBytes
	return vectors + cells + axes + worker*float64(cfg.Workers)
}
