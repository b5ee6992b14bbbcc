package main

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
)

// What tuning holds out.
const (
	heldShare     = 0.2    // of each user's items, under the full protocol
	negatives     = 100    // per held-out item, under the sampled one
	maxTunedUsers = 10_000 // users whose held-out items are ranked
)

// validation holds items of every user with two or more out, and tests them on a sample of
// the users. Where there are times these are the newest items, else random ones.
func validation(in *retrieval.Interactions, sampled bool, rnd *rand.Rand) (*data, error) {
	var kept retrieval.Records
	var held [][]int32 // by user row: item rows, ascending
	for u, user := range in.Users() {
		row, _ := in.ByUser().Row(u)
		n := 0
		switch {
		case len(row) < 2:
		case sampled:
			n = 1
		default:
			n = max(1, int(math.Round(heldShare*float64(len(row)))))
		}
		out := slices.Clone(row)
		rnd.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
		if in.HasTimes() {
			newestFirst(out, in, u)
		}
		out = out[:n]
		slices.Sort(out)
		held = append(held, out)
		for _, e := range in.History(u) {
			item, _ := in.ItemRow(e.Item)
			if _, is := slices.BinarySearch(out, int32(item)); is {
				continue
			}
			kept.Users, kept.Items = append(kept.Users, user), append(kept.Items, e.Item)
			kept.Weights = append(kept.Weights, e.Value)
			if in.HasTimes() {
				kept.Times = append(kept.Times, e.Time.UnixNano())
			}
		}
	}
	train, err := retrieval.NewInteractions(kept, retrieval.SumWeights)
	if err != nil {
		return nil, err
	}
	d := newData(train, in.Items()...)
	for _, u := range sample(held, rnd) {
		t := test{user: in.Users()[u], weight: 1}
		for _, i := range held[u] {
			t.relevant = append(t.relevant, d.place(in.Items()[i]))
		}
		if sampled {
			row, _ := in.ByUser().Row(int(u))
			t.candidates = d.withNegatives(t.relevant, row, in.Items(), rnd)
		}
		d.tests = append(d.tests, t)
		d.positives += len(t.relevant)
	}
	return d, nil
}

// newestFirst orders item rows of a user by their last event, ties as they were.
func newestFirst(items []int32, in *retrieval.Interactions, user int) {
	last := map[int32]int64{}
	for _, e := range in.History(user) {
		row, _ := in.ItemRow(e.Item)
		last[int32(row)] = e.Time.UnixNano()
	}
	slices.SortStableFunc(items, func(a, b int32) int { return cmp.Compare(last[b], last[a]) })
}

// sample returns the rows of at most maxTunedUsers of the users who have something held
// out, ascending.
func sample(held [][]int32, rnd *rand.Rand) []int32 {
	var users []int32
	for u, items := range held {
		if len(items) > 0 {
			users = append(users, int32(u))
		}
	}
	if len(users) > maxTunedUsers {
		rnd.Shuffle(len(users), func(i, j int) { users[i], users[j] = users[j], users[i] })
		users = users[:maxTunedUsers]
		slices.Sort(users)
	}
	return users
}

// withNegatives returns the places of the positive and of random items that the user does not
// have, ascending.
func (d *data) withNegatives(positive, row []int32, items []recsys.ItemID, rnd *rand.Rand) []int32 {
	places := slices.Clone(positive)
	for range min(negatives, len(items)-len(row)) {
		for {
			i := int32(rnd.IntN(len(items)))
			at := d.place(items[i])
			_, had := slices.BinarySearch(row, i)
			if !had && !slices.Contains(places, at) {
				places = append(places, at)
				break
			}
		}
	}
	slices.Sort(places)
	return places
}
