package bandit_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/bandit"
)

// pipelineOf proposes the items 1, 2 and 3 and lets a policy choose.
func pipelineOf(e recsys.Explorer) (*recsys.Pipeline, error) {
	return recsys.NewPipeline(
		recsys.Retrieve("all", recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
			for id := range recsys.ItemID(3) {
				out.Add(id+1, 0)
			}
			return nil
		})),
		recsys.Explore(e, recsys.Name("policy")),
	).Build()
}

func requestOf(id string) *recsys.Request {
	return &recsys.Request{ID: id, K: 1, Now: time.Unix(1_700_000_000, 0)}
}

// clicksOn returns a click on the item at a place.
func clicksOn(res *recsys.Result, place int) []recsys.Feedback {
	return []recsys.Feedback{{Request: res.ID, Item: res.Items[place].ID, Kind: recsys.Click, Time: res.Now.Add(time.Second)}}
}

func recsysKind(rng *rand.Rand) recsys.EventKind {
	return []recsys.EventKind{recsys.Click, recsys.Skip}[rng.IntN(2)]
}

// copyState makes to know what from knows.
func copyState(t *testing.T, to, from *desk) {
	t.Helper()
	var file bytes.Buffer
	_, err := from.policy.WriteTo(&file)
	require.NoError(t, err)
	_, err = to.policy.ReadFrom(&file)
	require.NoError(t, err)
}

// A policy learns from late feedback while it serves; what nobody clicks within the window was shown for nothing.
func ExamplePolicy() {
	policy, err := bandit.New(bandit.Thompson{}, bandit.Config{Window: 30 * time.Minute})
	if err != nil {
		panic(err)
	}
	p, err := pipelineOf(policy)
	if err != nil {
		panic(err)
	}
	now := time.Unix(1_700_000_000, 0)
	for visit := range 25 {
		res, err := p.Recommend(context.Background(), &recsys.Request{
			ID: fmt.Sprint("visit ", visit), K: 1, Now: now.Add(time.Duration(visit) * time.Minute),
		})
		if err != nil {
			panic(err)
		}
		if res.Items[0].ID == 2 { // the only one that is liked
			if err := p.Learn(context.Background(), clicksOn(res, 0)); err != nil {
				panic(err)
			}
		}
	}
	res, _ := p.Recommend(context.Background(), requestOf("last"))
	fmt.Printf("item %d: %.2f\n", res.Items[0].ID, res.Items[0].Propensity)
	// Output: item 2: 0.87
}

func ExampleArms() {
	arms, _ := bandit.NewArms(bandit.KLUCB{})
	rng := rand.New(rand.NewPCG(1, 1))
	rate := map[uint64]float64{1: 0.1, 2: 0.3}
	plays := map[uint64]int{}
	for range 1000 {
		p := arms.Probabilities(nil, []uint64{1, 2})
		arm := []uint64{1, 2}[bandit.Pick(p, rng.Float64())]
		plays[arm]++
		reward := 0.0
		if rng.Float64() < rate[arm] {
			reward = 1
		}
		_ = arms.Update(bandit.Outcome{Arm: arm, Reward: reward})
	}
	fmt.Println(plays[2] > 900)
	// Output: true
}
