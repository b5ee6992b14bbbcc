package bpr

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/retrieval"
)

// A sharded epoch cuts users and items at random into as many blocks each, and so the matrix
// into a grid of cells, as Gemulla, Nijkamp, Haas and Sismanis do (KDD 2011, "Large-scale
// matrix factorization with distributed stochastic gradient descent"). Cells that share
// neither a block of users nor one of items touch different rows, and can be worked on at the
// same time with the same result as one after the other: round r takes the cells of user
// block b and item block b+r, for all b. A negative is drawn from the item block of its
// positive. Since the blocks are cut anew for every epoch, any pair of items meets in time.
type grid struct {
	blocks int
	byUser *retrieval.CSR

	users []int32 // in random order: block b is users[b*n/blocks : (b+1)*n/blocks]
	items []int32 // likewise
	block []int32 // of items

	repeats []uint16
	pools   [][]int32 // of a block of items: what negatives are drawn from

	start []int64 // cell (b, c) has entries start[b*blocks+c] to start[b*blocks+c+1]
	user  []int32 // of entries
	place []int64 // of entries: cells of byUser
}

// The sizes of a grid depend on the data alone: workers beyond blocks have nothing to do,
// and a block has items to draw from.
const (
	mostBlocks     = 16
	leastItemBlock = 32
)

func newGrid(byUser *retrieval.CSR, repeats []uint16) *grid {
	items := len(repeats)
	g := &grid{
		blocks: max(1, min(mostBlocks, items/leastItemBlock, byUser.Rows())),
		byUser: byUser,
		users:  make([]int32, byUser.Rows()),
		items:  make([]int32, items),
		block:  make([]int32, items),
		user:   make([]int32, byUser.Len()),
		place:  make([]int64, byUser.Len()),
	}
	g.repeats, g.pools = repeats, make([][]int32, g.blocks)
	g.start = make([]int64, g.blocks*g.blocks+1)
	return g
}

// cut returns where block b of n rows begins.
func (g *grid) cut(n, b int) int { return n * b / g.blocks }

// shuffle cuts the blocks of an epoch and sorts the interactions into cells.
func (g *grid) shuffle(seed uint64, workers int) {
	permute(g.users, hash.Combine(seed, 'u'))
	permute(g.items, hash.Combine(seed, 'i'))
	for b := range g.blocks {
		for _, i := range g.items[g.cut(len(g.items), b):g.cut(len(g.items), b+1)] {
			g.block[i] = int32(b)
		}
	}
	g.each(workers, func(b int) {
		g.pools[b] = g.pools[b][:0]
		for _, i := range g.items[g.cut(len(g.items), b):g.cut(len(g.items), b+1)] {
			g.pools[b] = repeated(g.pools[b], g.repeats, i)
		}
	})
	g.each(workers, func(b int) { g.count(b) })
	at := int64(0)
	for c, n := range g.start {
		g.start[c] = at
		at += n
	}
	g.each(workers, func(b int) { g.fill(b) })
}

// permute makes order a random permutation of the numbers below its length.
func permute(order []int32, seed uint64) {
	for k := range order {
		order[k] = int32(k)
	}
	var rng rand.PCG
	rng.Seed(seed, 0x67726964)
	for k := len(order) - 1; k > 0; k-- {
		j := below(&rng, k+1)
		order[k], order[j] = order[j], order[k]
	}
}

// each calls f for all blocks, by several workers.
func (g *grid) each(workers int, f func(b int)) {
	if workers == 1 {
		for b := range g.blocks {
			f(b)
		}
		return
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(workers, g.blocks) {
		wg.Go(func() {
			for b := int(next.Add(1)) - 1; b < g.blocks; b = int(next.Add(1)) - 1 {
				f(b)
			}
		})
	}
	wg.Wait()
}

// count writes how many entries the cells of a user block have to their starts.
func (g *grid) count(b int) {
	start := g.start[b*g.blocks : (b+1)*g.blocks]
	clear(start)
	for _, u := range g.users[g.cut(len(g.users), b):g.cut(len(g.users), b+1)] {
		items, _ := g.byUser.Row(int(u))
		for _, i := range items {
			start[g.block[i]]++
		}
	}
	if b == g.blocks-1 {
		g.start[len(g.start)-1] = 0
	}
}

// fill writes the entries of a user block to their cells.
func (g *grid) fill(b int) {
	var next [mostBlocks]int64
	copy(next[:], g.start[b*g.blocks:(b+1)*g.blocks])
	for _, u := range g.users[g.cut(len(g.users), b):g.cut(len(g.users), b+1)] {
		for k := g.byUser.Start[u]; k < g.byUser.Start[u+1]; k++ {
			c := g.block[g.byUser.Index[k]]
			g.user[next[c]], g.place[next[c]] = u, k
			next[c]++
		}
	}
}

// sharded is an epoch that is the same for any number of workers.
func (t *trainer) sharded(ctx context.Context, epoch int) (loss float64, steps int64) {
	g := t.grid
	seed := hash.Combine(t.cfg.Seed, 'e', uint64(epoch))
	g.shuffle(seed, t.workers)
	type sum struct {
		loss  float64
		steps int64
	}
	sums := make([]sum, g.blocks*g.blocks)
	for round := range g.blocks {
		g.each(t.workers, func(b int) {
			c := (b + round) % g.blocks
			s := t.stepper(epoch)
			t.cell(ctx, s, b, c, hash.Combine(seed, uint64(b), uint64(c)))
			sums[b*g.blocks+c] = sum{s.loss, s.steps}
		})
	}
	for _, s := range sums {
		loss, steps = loss+s.loss, steps+s.steps
	}
	return loss, steps
}

// stepsPerLook is how many interactions pass between two looks at the context.
const stepsPerLook = 4096

// cell lets the interactions of a cell step in random order.
func (t *trainer) cell(ctx context.Context, s *stepper, b, c int, seed uint64) {
	g := t.grid
	s.rng = rand.PCG{}
	s.rng.Seed(seed, 0x63656c6c)
	s.pool = g.pools[c]
	lo, hi := g.start[b*g.blocks+c], g.start[b*g.blocks+c+1]
	user, place := g.user[lo:hi], g.place[lo:hi]
	for k := range user {
		if k%stepsPerLook == 0 && ctx.Err() != nil {
			return
		}
		// The next of a random order (Fisher and Yates).
		j := k + below(&s.rng, len(user)-k)
		user[k], user[j] = user[j], user[k]
		place[k], place[j] = place[j], place[k]
		s.take(user[k], g.byUser.Index[place[k]], g.byUser.Weight[place[k]])
	}
}
