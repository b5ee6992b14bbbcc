package main

import (
	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/examples/internal/annset"
	"github.com/recsyskit/recsys/retrieval"
)

// filter is a condition on items that a random share of them meets.
type filter struct {
	share float64
	set   recsys.Bits       // by row
	count int               // of the rows allowed
	items *retrieval.Filter // nil without a condition
}

// newFilter draws a filter. Whether a row is in it depends on the seed and its number alone.
func newFilter(set *annset.Set, share float64, seed uint64) *filter {
	f := &filter{share: share, count: set.Base.Rows}
	if share == 1 {
		return f
	}
	f.set = recsys.MakeBits(set.Base.Rows)
	for i := range set.Base.Rows {
		if uniform(uint64(i)+seed) < share {
			f.set.Set(i)
		}
	}
	f.count = f.set.Count()
	f.items = retrieval.BitmapFilter(set.Items[0], f.set)
	return f
}

// allow returns the condition on rows, nil without one.
func (f *filter) allow() func(int) bool {
	if f.items == nil {
		return nil
	}
	return f.set.Has
}

// uniform returns a number in [0, 1) that x determines, by SplitMix64 (Steele, Lea, Flood, 2014).
func uniform(x uint64) float64 {
	x *= 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	x ^= x >> 31
	return float64(x>>11) / (1 << 53)
}
