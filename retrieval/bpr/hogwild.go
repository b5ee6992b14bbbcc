package bpr

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/recsyskit/recsys/internal/hash"
)

// hogwild is an epoch in which every worker takes the next interactions, whatever the others
// do. Rows are guarded one by one: memory that two goroutines write without order is an error
// in Go, and a vector that is read whole costs less than one made of atomic components.
func (t *trainer) hogwild(ctx context.Context, epoch int) (loss float64, steps int64) {
	seed := hash.Combine(t.cfg.Seed, 'e', uint64(epoch))
	order := make([]int32, t.byUser.Rows())
	permute(order, seed)
	var pool []int32
	for i := range t.repeats {
		pool = repeated(pool, t.repeats, int32(i))
	}
	const usersAtOnce = 16
	var next atomic.Int64
	var wg sync.WaitGroup
	var mu sync.Mutex
	for w := range t.workers {
		wg.Go(func() {
			s := t.stepper(epoch)
			s.pool, s.lock = pool, t.workers > 1
			s.rng.Seed(hash.Combine(seed, uint64(w)), 0x686f67)
			for ctx.Err() == nil {
				end := int(next.Add(usersAtOnce))
				t.mixed(s, order[min(end-usersAtOnce, len(order)):min(end, len(order))])
				if end >= len(order) {
					break
				}
			}
			mu.Lock()
			defer mu.Unlock()
			loss, steps = loss+s.loss, steps+s.steps
		})
	}
	wg.Wait()
	return loss, steps
}

// mixed lets the interactions of some users step in random order.
func (t *trainer) mixed(s *stepper, users []int32) {
	type entry struct {
		user  int32
		place int64
	}
	var entries []entry
	for _, u := range users {
		for k := t.byUser.Start[u]; k < t.byUser.Start[u+1]; k++ {
			entries = append(entries, entry{u, k})
		}
	}
	for k := range entries {
		j := k + below(&s.rng, len(entries)-k)
		entries[k], entries[j] = entries[j], entries[k]
		e := entries[k]
		s.take(e.user, t.byUser.Index[e.place], t.byUser.Weight[e.place])
	}
}

// acquire takes the locks of a user and two items, which may be one, in an order that cannot
// deadlock: users come before items, items by number.
func (s *stepper) acquire(u, i, j int32) {
	if !s.lock {
		return
	}
	take(&s.t.locks[u])
	items := s.t.locks[s.t.byUser.Rows():]
	take(&items[min(i, j)])
	if i != j {
		take(&items[max(i, j)])
	}
}

// release gives the locks back.
func (s *stepper) release(u, i, j int32) {
	if !s.lock {
		return
	}
	items := s.t.locks[s.t.byUser.Rows():]
	items[i].Store(0)
	if i != j {
		items[j].Store(0)
	}
	s.t.locks[u].Store(0)
}

func take(lock *atomic.Uint32) {
	for !lock.CompareAndSwap(0, 1) {
		runtime.Gosched()
	}
}
