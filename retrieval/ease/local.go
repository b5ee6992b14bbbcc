package ease

import (
	"context"
	"math"
	"sync"
	"sync/atomic"

	"github.com/recsyskit/recsys/internal/parallel"
	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/itemitem"
	"github.com/recsyskit/recsys/retrieval/itemsim"
)

// local returns the model by a ridge regression of each item on its nearest.
func local(ctx context.Context, in *retrieval.Interactions, cfg *Config) (*itemsim.Model, error) {
	near, err := nearest(ctx, in, cfg)
	if err != nil {
		return nil, err
	}
	const block = 16
	n := in.NumItems()
	workers := make([]*regression, cfg.Workers)
	var (
		bad    atomic.Bool
		mu     sync.Mutex
		done   int
		report = cfg.part(200, 1000)
	)
	err = parallel.Each(ctx, cfg.Workers, (n+block-1)/block, func(w, b int) {
		if workers[w] == nil {
			workers[w] = newRegression(in, cfg, near)
		}
		end := min((b+1)*block, n)
		for j := b * block; j < end; j++ {
			if !workers[w].fit(j) {
				bad.Store(true)
			}
		}
		if report != nil {
			mu.Lock()
			defer mu.Unlock()
			done += end - b*block
			report(done, n)
		}
	})
	if err == nil && bad.Load() {
		err = errIndefinite
	}
	if err != nil {
		return nil, err
	}
	return itemsim.New(in.Items(), near.Transpose(), cfg.spec())
}

// localNeed estimates the bytes that local training takes: the neighbourhoods, their parts or
// their transpose beside them, and the system of each worker.
func localNeed(in *retrieval.Interactions, cfg *Config) int64 {
	items := int64(in.NumItems())
	n := min(int64(cfg.Neighbors), items)
	return 16*items*n + int64(cfg.Workers)*(4*(n+1)*(n+1)+8*items+4*int64(in.NumUsers()))
}

// nearest returns a row for each item: the items most similar to it, by cosine.
func nearest(ctx context.Context, in *retrieval.Interactions, cfg *Config) (*retrieval.CSR, error) {
	norm := make([]float64, in.NumItems())
	for i := range norm {
		_, weights := in.ByItem().Row(i)
		square := 0.0
		for _, x := range weights {
			square += float64(float64(x) * float64(x))
		}
		norm[i] = math.Sqrt(square)
	}
	p := itemitem.Product{
		Left:     in.ByItem(),
		Right:    in.ByUser(),
		Keep:     cfg.Neighbors,
		Scale:    func(i, j int32, dot float32) float32 { return float32(float64(dot) / (norm[i] * norm[j])) },
		Workers:  cfg.Workers,
		Progress: cfg.part(0, 200),
	}
	return p.Compute(ctx)
}

// regression fits items, one after the other, in the memory of one worker.
type regression struct {
	byItem *retrieval.CSR
	near   *retrieval.CSR // the neighbourhoods; a fit replaces its row's weights
	ridge  float32
	gram   []float32

	// The interactions of the neighbourhood by user: lists from head through next.
	head  []int32 // by user, -1: none
	next  []int32
	slot  []int32
	value []float32
	users []int32 // with a list
	row   []int32
	rowx  []float32
}

func newRegression(in *retrieval.Interactions, cfg *Config, near *retrieval.CSR) *regression {
	r := &regression{byItem: in.ByItem(), near: near, ridge: float32(cfg.Regularization), head: make([]int32, in.NumUsers())}
	for u := range r.head {
		r.head[u] = -1
	}
	return r
}

// fit replaces the weights of row j by the coefficients of the regression. It reports whether
// the system was positive definite.
func (r *regression) fit(j int) bool {
	items, weights := r.near.Row(j)
	n := len(items)
	if n == 0 {
		return true
	}
	r.collect(items, j)
	side := n + 1 // the last row and column are of item j
	if cap(r.gram) < side*side {
		r.gram = make([]float32, side*side)
	}
	gram := r.gram[:side*side]
	clear(gram)
	for _, u := range r.users {
		r.row, r.rowx = r.row[:0], r.rowx[:0]
		for at := r.head[u]; at >= 0; at = r.next[at] {
			r.row, r.rowx = append(r.row, r.slot[at]), append(r.rowx, r.value[at])
		}
		r.head[u] = -1
		for a, s := range r.row { // ascending
			x, to := r.rowx[a], gram[int(s)*side:][:side]
			rest := r.rowx[a:]
			for b, t := range r.row[a:] {
				to[t] += float32(x * rest[b])
			}
		}
	}
	for s := range n {
		weights[s] = gram[s*side+n]
		gram[s*side+s] += r.ridge
	}
	return simd.Posv(gram, side, weights)
}

// collect builds the lists of the neighbourhood and of item j.
func (r *regression) collect(items []int32, j int) {
	r.next, r.slot, r.value, r.users = r.next[:0], r.slot[:0], r.value[:0], r.users[:0]
	add := func(item, slot int) {
		users, weights := r.byItem.Row(item)
		for k, u := range users {
			if r.head[u] < 0 {
				r.users = append(r.users, u)
			}
			r.next, r.slot, r.value = append(r.next, r.head[u]), append(r.slot, int32(slot)), append(r.value, weights[k])
			r.head[u] = int32(len(r.next) - 1)
		}
	}
	// Lists are taken from their front, so the last slot comes first.
	add(j, len(items))
	for s := len(items) - 1; s >= 0; s-- {
		add(int(items[s]), s)
	}
}
