package bandit_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/bandit"
)

// BenchmarkContextual makes a decision of one place among K rows with d features, and learns its reward.
func BenchmarkContextual(b *testing.B) {
	const k, d = 100, 64
	s, err := recsys.NewSchema(recsys.SchemaConfig{Columns: []recsys.Column{{Name: "x", Kind: recsys.Vector, Dim: d}}})
	require.NoError(b, err)
	items, order := make([]recsys.ItemID, k), make([]int32, k)
	for i := range items {
		items[i], order[i] = recsys.ItemID(i), int32(i)
	}
	c := recsys.NewCandidates(s, items)
	r := rand.New(rand.NewPCG(1, 1))
	data, _ := c.Vectors(0)
	for i := range data {
		data[i] = float32(r.NormFloat64()) / 8
	}
	for _, shared := range []bool{false, true} {
		m := bandit.LinearModel{Features: []string{"x"}, Shared: shared, NoIntercept: true}
		for _, a := range []struct {
			name string
			alg  bandit.Algorithm
		}{
			{"linucb", bandit.LinUCB{Model: m}},
			{"lints", bandit.LinTS{Model: m}},
			{"squarecb", bandit.SquareCB{Model: m}},
		} {
			b.Run(fmt.Sprintf("K=%d/d=%d/shared=%t/alg=%s", k, d, shared, a.name), func(b *testing.B) {
				p, err := bandit.New(a.alg, bandit.Config{Retention: 1000, Window: -1})
				require.NoError(b, err)
				e, err := recsys.Bind[recsys.Explorer](p, s)
				require.NoError(b, err)
				i := 0
				step := func() {
					id := fmt.Sprint(i)
					q := recsys.NewQuery(&recsys.Request{ID: id, Seed: uint64(i) + 1, K: 1, Now: epoch}, s, "explore/bench")
					slate := c.Slate(1, order)
					if err := e.Explore(context.Background(), q, c, slate); err != nil {
						b.Fatal(err)
					}
					kind := recsys.Skip
					if i%3 == 0 {
						kind = recsys.Click
					}
					if err := p.Learn(context.Background(), []recsys.Feedback{{Request: id, Item: items[slate.Rows()[0]], Kind: kind, Time: epoch.Add(time.Second)}}); err != nil {
						b.Fatal(err)
					}
					i++
				}
				for range 300 {
					step()
				}
				for b.Loop() {
					step()
				}
			})
		}
	}
}
