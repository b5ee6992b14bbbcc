package slim

import (
	"context"
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/memory"
)

// gram holds AᵀA: the products of the columns of all pairs of items that share a user. Row i
// is item[start[i]:start[i+1]] with the products at the same places, in no order; the
// diagonal is apart.
type gram struct {
	start    []int64
	item     []int32
	product  []float32
	diagonal []float32
}

func (g *gram) row(i int32) ([]int32, []float32) {
	a, b := g.start[i], g.start[i+1]
	return g.item[a:b:b], g.product[a:b:b]
}

// newGram computes the products, or refuses when training takes more than cfg.MaxBytes.
func newGram(ctx context.Context, in *retrieval.Interactions, cfg *Config, workers int) (*gram, error) {
	byUser, byItem := in.ByUser(), in.ByItem()
	n := byItem.Rows()
	g := &gram{start: make([]int64, n+1), diagonal: make([]float32, n)}
	// How many items share users with each: the length of its row.
	rows(ctx, n, workers, func() func(int) {
		seen := make([]int32, n) // by which item, plus 1
		return func(i int) {
			count := int64(0)
			users, _ := byItem.Row(i)
			for _, u := range users {
				items, _ := byUser.Row(int(u))
				for _, j := range items {
					if seen[j] != int32(i)+1 {
						seen[j] = int32(i) + 1
						count++
					}
				}
			}
			g.start[i+1] = max(count-1, 0) // without itself
		}
	})
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	for i := range n {
		g.start[i+1] += g.start[i]
	}
	if err := memory.Check(g.need(in, cfg, workers), cfg.MaxBytes, "or leave out the users with the longest histories"); err != nil {
		return nil, err
	}
	byUser, byItem = discounted(in, cfg.Discount)
	g.item, g.product = make([]int32, g.start[n]), make([]float32, g.start[n])
	rows(ctx, n, workers, func() func(int) {
		place := make([]int64, n) // of an item in the row, plus 1
		return func(i int) { g.fill(i, byItem, byUser, place) }
	})
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return g, g.check(in.Items())
}

// need estimates the bytes that training takes, rather too high, once the lengths of the rows are
// known.
func (g *gram) need(in *retrieval.Interactions, cfg *Config, workers int) int64 {
	n := len(g.diagonal)
	most := int64(cfg.Candidates)
	if cfg.Neighbors > 0 {
		most = min(most, int64(cfg.Neighbors))
	}
	weights := int64(0)
	for i := range n {
		weights += min(g.start[i+1]-g.start[i], most)
	}
	candidates := int64(min(cfg.Candidates, n))
	perWorker := 4*candidates*candidates + 32*candidates + 12*int64(n)
	const copies, perItem = 3, 80 // of the weights; lists and rows
	return 8*(g.start[n]+copies*weights+int64(in.Len())) + perItem*int64(n) + perWorker*int64(workers)
}

// fill computes row i. It leaves place as it found it: all 0.
func (g *gram) fill(i int, byItem, byUser *retrieval.CSR, place []int64) {
	next := g.start[i]
	own := float32(0)
	users, mine := byItem.Row(i)
	for k, u := range users {
		items, weights := byUser.Row(int(u))
		x := mine[k]
		own += float32(x * x)
		for l, j := range items {
			if int(j) == i {
				continue
			}
			at := place[j]
			if at == 0 {
				g.item[next] = j
				next++
				at = next
				place[j] = at
			}
			g.product[at-1] += float32(x * weights[l])
		}
	}
	g.diagonal[i] = own
	others, _ := g.row(int32(i))
	for _, j := range others {
		place[j] = 0
	}
}

// check refuses products that overflow. A product is at most the larger of two diagonals.
func (g *gram) check(items []recsys.ItemID) error {
	for i, d := range g.diagonal {
		if !(d <= math.MaxFloat32) {
			return fmt.Errorf("the squares of the weights of item %d add up to more than a float32 holds; divide all weights by a number", items[i])
		}
	}
	return nil
}

// rowsAtOnce is how many rows a worker takes: few, because rows of popular items cost most and
// must not all fall to one worker at the end.
const rowsAtOnce = 16

// rows calls what worker returns for each row below n, by several workers, unless ctx ends.
// Each worker calls worker once, for memory of its own.
func rows(ctx context.Context, n, workers int, worker func() func(row int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(workers, (n+rowsAtOnce-1)/rowsAtOnce) {
		wg.Go(func() {
			do := worker()
			for {
				start := int(next.Add(rowsAtOnce)) - rowsAtOnce
				for row := start; row < min(start+rowsAtOnce, n); row++ {
					if ctx.Err() != nil {
						return
					}
					do(row)
				}
				if start >= n {
					return
				}
			}
		})
	}
	wg.Wait()
}
