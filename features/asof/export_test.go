package asof

import (
	"context"
	"math/rand/v2"

	"github.com/recsyskit/recsys"
)

// SortRecords sorts records of some words with a budget in bytes, and returns them, how many runs there
// were, how many of them the last merge reads at once; after is called with the scratch folder when the
// cursor stands before the first record.
func SortRecords(ctx context.Context, records [][]uint64, words int, budget int64, temp string, after func(dir string)) (out [][]uint64, runs, width int, err error) {
	disk := &scratch{parent: temp}
	defer func() {
		if clean := disk.clean(); err == nil {
			err = clean
		}
	}()
	var stats sortStats
	c, err := sorted(ctx, words, func(yield func([]uint64, error) bool) {
		for _, rec := range records {
			if !yield(rec, ctx.Err()) {
				return
			}
		}
	}, budget, disk, &stats)
	if err != nil {
		return nil, 0, 0, err
	}
	after(disk.dir)
	for rec := c.peek(); rec != nil; rec = c.peek() {
		out = append(out, append([]uint64(nil), rec...))
		c.advance()
	}
	return out, stats.runs, stats.width, c.failed()
}

// Below draws as the sampler does.
func Below(rng *rand.PCG, n uint64) uint64 { return below(rng, n) }

// Place returns the item that a number below the sum of the weights of the items that are not excluded means.
func (s *Sampler) Place(u uint64, exclude []recsys.ItemID) recsys.ItemID {
	return s.items[s.skip(u, s.holes(nil, s.places(nil, exclude)))]
}

// Weights returns the weight of each item, in the order of the items.
func (s *Sampler) Weights() (weights []uint64) {
	for k := range s.items {
		weights = append(weights, s.weight(k))
	}
	return weights
}
