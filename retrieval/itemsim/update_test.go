package itemsim_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval/itemsim"
)

// named is a matrix of weights by item, to compare models whose items differ.
func named(m *itemsim.Model) map[[2]recsys.ItemID]float32 {
	w := map[[2]recsys.ItemID]float32{}
	c := m.Weights()
	for i, from := range m.Items() {
		to, weights := c.Row(i)
		for k, j := range to {
			w[[2]recsys.ItemID{from, m.Items()[j]}] = weights[k]
		}
	}
	return w
}

// Random updates of old and new items are compared with the definition on a map.
func TestUpdatesAreThoseOfAMap(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for seed := range uint64(20) {
		m := random(seed, 20).either(t, itemsim.Spec{}, seed%2 == 0)
		want, ids := named(m), slices.Clone(m.Items())
		for range 10 {
			before, version := named(m), m.Version()
			var updates []itemsim.Update
			for range rnd.IntN(4) {
				u := itemsim.Update{Item: recsys.ItemID(rnd.IntN(70))} // two of three are new
				if !slices.Contains(ids, u.Item) {
					ids = append(ids, u.Item)
				}
				updates = append(updates, u)
			}
			for i := range updates {
				u := &updates[i]
				for key := range want {
					if key[0] == u.Item || key[1] == u.Item {
						delete(want, key)
					}
				}
				for _, k := range rnd.Perm(len(ids))[:rnd.IntN(len(ids))] {
					w := float32(rnd.IntN(5)-2) / 4
					u.Proposes = append(u.Proposes, itemsim.Neighbor{Item: ids[k], Weight: w})
					if w != 0 {
						want[[2]recsys.ItemID{u.Item, ids[k]}] = w
					}
				}
				for _, k := range rnd.Perm(len(ids))[:rnd.IntN(len(ids))] {
					w := float32(rnd.IntN(5)-2) / 4
					if ids[k] == u.Item {
						continue
					}
					u.ProposedBy = append(u.ProposedBy, itemsim.Neighbor{Item: ids[k], Weight: w})
					if w != 0 {
						want[[2]recsys.ItemID{ids[k], u.Item}] = w
					}
				}
			}
			next, err := m.WithItems(updates...)
			require.NoError(t, err)
			require.Equal(t, want, named(next))
			slices.Sort(ids)
			require.Equal(t, ids, next.Items())
			require.NoError(t, next.Weights().Check())
			require.Equal(t, before, named(m), "the old model is as it was")
			require.Equal(t, version, m.Version())
			m = next
		}
	}
}

func TestNewItemIsServedAtOnce(t *testing.T) {
	m := dense{{0, 1}, {1, 0}}.model(t, itemsim.Spec{Trainer: "x"})
	for _, id := range []recsys.ItemID{1, 1 << 62} { // in between and at the end
		next, err := m.WithItems(itemsim.Update{
			Item:       id,
			Proposes:   []itemsim.Neighbor{{Item: 3, Weight: 5}},
			ProposedBy: []itemsim.Neighbor{{Item: 0, Weight: 2}},
		})
		require.NoError(t, err)
		ids, weights := serve(t, next, recsys.Request{K: 9, History: clicks(0)}, 9)
		require.Equal(t, []recsys.ItemID{id, 3}, ids)
		require.Equal(t, []float32{2, 1}, weights)
		ids, _ = serve(t, next, recsys.Request{K: 9, History: clicks(id)}, 9)
		require.Equal(t, []recsys.ItemID{3}, ids)
		require.Equal(t, "x", next.Trainer())
		require.NotEqual(t, m.Version(), next.Version())
	}
	require.Equal(t, 2, m.NumItems())
}

func TestSaturationOfUpdates(t *testing.T) {
	m := dense{{0, 1}, {1, 0}}.model(t, itemsim.Spec{Damping: itemsim.Saturating, Saturation: []float32{1, 3}})
	next, err := m.WithItems(
		itemsim.Update{Item: 1, Saturation: 9, Proposes: []itemsim.Neighbor{{Item: 3, Weight: 1}}},
		itemsim.Update{Item: 0, Saturation: 4, Proposes: []itemsim.Neighbor{{Item: 3, Weight: 1}}},
	)
	require.NoError(t, err)
	for id, want := range map[recsys.ItemID]float32{0: 1. / 5, 1: 1. / 10} {
		require.Equal(t, want, scores(t, next, recsys.Request{History: clicks(id)})[2])
	}
	require.Equal(t, []float32{0, 1. / 2}, scores(t, m, recsys.Request{History: clicks(0)}), "the old model is as it was")
}

func TestFirstItemsOfAnEmptyModel(t *testing.T) {
	for _, d := range []itemsim.Damping{itemsim.Linear, itemsim.Saturating} {
		m := dense{}.model(t, itemsim.Spec{Damping: d})
		next, err := m.WithItems(itemsim.Update{Item: 4, Proposes: []itemsim.Neighbor{{Item: 2, Weight: 1}}}, itemsim.Update{Item: 2, ProposedBy: []itemsim.Neighbor{{Item: 4, Weight: 3}}})
		require.NoError(t, err)
		require.Equal(t, []float32{3, 0}, scores(t, next, recsys.Request{History: clicks(4)}), "the later update has the last word")
	}
}

func TestNoUpdatesChangeNothing(t *testing.T) {
	m := random(1, 9).model(t, itemsim.Spec{})
	next, err := m.WithItems()
	require.NoError(t, err)
	require.Equal(t, m.Version(), next.Version())
}

func TestUpdatesThatAreRefused(t *testing.T) {
	nan := float32(math.NaN())
	m := dense{{0, 1}, {1, 0}}.model(t, itemsim.Spec{})
	bm25 := dense{{0, 1}, {1, 0}}.model(t, itemsim.Spec{Damping: itemsim.Saturating, Saturation: []float32{1, 1}})
	for want, c := range map[string]struct {
		m *itemsim.Model
		u itemsim.Update
	}{
		"Update of item 0: Proposes: item 8 is unknown":             {m, itemsim.Update{Proposes: []itemsim.Neighbor{{Item: 8, Weight: 1}}}},
		"Update of item 3: ProposedBy: item 8 is unknown":           {m, itemsim.Update{Item: 3, ProposedBy: []itemsim.Neighbor{{Item: 8, Weight: 1}}}},
		"Update of item 0: Proposes: item 3 stands twice":           {m, itemsim.Update{Proposes: []itemsim.Neighbor{{3, 1}, {0, 1}, {3, 0}}}},
		"Update of item 0: Proposes: the weight of item 3 is NaN":   {m, itemsim.Update{Proposes: []itemsim.Neighbor{{3, nan}}}},
		"Update of item 7: ProposedBy has the item itself":          {m, itemsim.Update{Item: 7, ProposedBy: []itemsim.Neighbor{{7, 1}}}},
		"Update of item 0: Saturation is 1 in a model without":      {m, itemsim.Update{Saturation: 1}},
		"Update of item 0: Saturation is NaN; want a finite number": {bm25, itemsim.Update{Saturation: nan}},
	} {
		_, err := c.m.WithItems(c.u)
		require.ErrorContains(t, err, want)
	}
	require.Equal(t, 2, m.NumItems())
}

// Readers of a model go on while others are made of it.
func TestReadersOfTheOldModelSeeNoUpdate(t *testing.T) {
	m := random(6, 50).model(t, itemsim.Spec{})
	req := recsys.Request{History: clicks(0, 30, 60)}
	want := scores(t, m, req)
	done := make(chan struct{})
	var wg sync.WaitGroup
	var failed [3]string
	for r := range failed {
		wg.Go(func() {
			dst := make([]float32, 50)
			for {
				q := recsys.NewQuery(&req, nil, "x")
				if err := m.ScoreItems(t.Context(), q, m.Items(), dst); err != nil || !slices.Equal(dst, want) {
					failed[r] = fmt.Sprint(err, dst)
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	next := m
	for i := range 200 {
		changed, err := next.WithItems(itemsim.Update{
			Item:       recsys.ItemID(3 * i),
			Proposes:   []itemsim.Neighbor{{Item: 0, Weight: 1}, {Item: 30, Weight: 2}},
			ProposedBy: []itemsim.Neighbor{{Item: 90, Weight: 3}},
		})
		if i == 30 {
			require.Error(t, err, "item 90 does not propose itself that way")
			continue
		}
		require.NoError(t, err)
		next = changed
	}
	close(done)
	wg.Wait()
	require.Zero(t, failed)
}
