package retrieval

import (
	"errors"
	"fmt"
	"time"

	"github.com/recsyskit/recsys/internal/hash"
)

// ErrNoTimes says that something needs times and the interactions have none.
var ErrNoTimes = errors.New("retrieval: interactions have no times")

// SplitLast holds the last n events of each user out: train has the rest, test
// has them. A user with n events or fewer keeps all of them in train. A held-out
// item may occur in train too, if the user took it before. With n = 1 this is the
// leave-one-out protocol; splitting train again leaves the last but one for
// validation.
//
// Both halves have the users and items of x, in the same rows. It fails if n < 1.
func (x *Interactions) SplitLast(n int) (train, test *Interactions, err error) {
	if n < 1 {
		return nil, nil, fmt.Errorf("retrieval: SplitLast of %d events; want >= 1", n)
	}
	return x.split(func(u int, h int64) bool {
		return x.HistoryLen(u) > n && h >= x.histStart[u+1]-int64(n)
	})
}

// SplitTime gives train what happened before at, and test what happened at that
// time or later.
//
// Both halves have the users and items of x, in the same rows. It fails with
// [ErrNoTimes] if x has no times.
func (x *Interactions) SplitTime(at time.Time) (train, test *Interactions, err error) {
	if !x.HasTimes() && x.NumRecords() > 0 {
		return nil, nil, ErrNoTimes
	}
	return x.split(func(_ int, h int64) bool {
		_, nano := x.record(h)
		return !time.Unix(0, nano).Before(at)
	})
}

// SplitRandom holds each pair of user and item out with the probability fraction,
// all its records together. The draw is a hash of seed and the two ids, so it
// does not depend on what else is in x.
//
// Both halves have the users and items of x, in the same rows. It fails if
// fraction is not in [0, 1].
func (x *Interactions) SplitRandom(fraction float64, seed uint64) (train, test *Interactions, err error) {
	if !(fraction >= 0 && fraction <= 1) {
		return nil, nil, fmt.Errorf("retrieval: SplitRandom of a fraction %v; want 0 to 1", fraction)
	}
	return x.split(func(u int, h int64) bool {
		item := x.items.ids[x.byUser.Index[x.histCell[h]]]
		draw := hash.Combine(seed, uint64(x.users.ids[u]), uint64(item))
		return float64(draw>>11)*0x1p-53 < fraction
	})
}

// split gives test the records that held names, by user and place in the
// histories, and train the others.
func (x *Interactions) split(held func(u int, h int64) bool) (train, test *Interactions, err error) {
	var halves [2]acts
	if x.HasTimes() {
		halves[0].times, halves[1].times = []int64{}, []int64{}
	}
	for u := range x.users.ids {
		for h := x.histStart[u]; h < x.histStart[u+1]; h++ {
			a := &halves[0]
			if held(u, h) {
				a = &halves[1]
			}
			weight, nano := x.record(h)
			a.users = append(a.users, int32(u))
			a.items = append(a.items, x.byUser.Index[x.histCell[h]])
			a.weights = append(a.weights, weight)
			if x.HasTimes() {
				a.times = append(a.times, nano)
			}
		}
	}
	if train, err = build(x.users, x.items, x.merge, halves[0]); err != nil {
		return nil, nil, err
	}
	if test, err = build(x.users, x.items, x.merge, halves[1]); err != nil {
		return nil, nil, err
	}
	return train, test, nil
}
