package twotower

import (
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/memory"
)

// checkMemory returns a [*retrieval.MemoryError] when the training takes too much.
func (t *trainer) checkMemory(in *retrieval.Interactions, input Input) error {
	cfg := &t.cfg
	copies := 3.0 // weights and moments
	if cfg.Optimizer == AdaGrad {
		copies--
	}
	if cfg.Validation > 0 {
		copies++
	}
	rows := func(n, buckets int) float64 {
		if buckets > 0 {
			return float64(buckets)
		}
		return float64(n)
	}
	dim := float64(cfg.Dim)
	tables := rows(len(t.items), cfg.ItemBuckets) * dim
	if cfg.Untied {
		tables *= 2
	}
	if !cfg.Anonymous {
		tables += rows(len(t.users), cfg.UserBuckets) * dim
	}
	userWidth, userCats := widths(input.Users, cfg.CategoryDim)
	itemWidth, itemCats := widths(input.Items, cfg.CategoryDim)
	for _, n := range []int{userCats, itemCats} {
		if n > 0 {
			tables += float64(cfg.CategoryBuckets) * float64(cfg.CategoryDim)
		}
	}
	candidates := min(float64(cfg.Batch)+float64(max(cfg.Negatives, 0)+cfg.HardNegatives), float64(len(t.items)))
	hidden := dim
	for _, h := range cfg.Hidden {
		hidden += float64(h)
	}
	step := candidates*dim*(maxShards+6) + float64(cfg.HardNegatives)*8*dim +
		float64(cfg.Batch)*(candidates+float64(cfg.Last)*8+8*dim) +
		2*float64(cfg.Batch)*(2*dim+hidden+float64(userWidth)) + 2*candidates*(dim+hidden+float64(itemWidth))
	rest := float64(len(t.users))*float64(userWidth) + float64(len(t.items))*(float64(itemWidth)+2*dim+8) + 6*float64(in.NumRecords())
	return memory.Check(memory.Bytes(4*(tables*copies+step+rest)), cfg.MaxBytes, "set UserBuckets and ItemBuckets, or lower Dim, Batch or Negatives")
}

// widths returns how many values of a tower's input the features take, and how many columns
// are categories.
func widths[ID ~uint64](f *Features[ID], categoryDim int) (values, categories int) {
	if f == nil {
		return 0, 0
	}
	for i := range f.Columns {
		switch c := &f.Columns[i]; {
		case len(c.Categories) > 0:
			categories++
			values += categoryDim
		case c.Vectors.Rows > 0:
			values += c.Vectors.Dim
		default:
			values++
		}
	}
	return values, categories
}
