package logged_test

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/metrics/ope/logged"
)

// luce is Plackett–Luce at a temperature, spelled out.
type luce float64

func (t luce) dist(c *recsys.Candidates, s *recsys.Slate) []float64 {
	p := make([]float64, c.Len())
	var total float64
	for r := range p {
		if s.Admissible().Has(r) {
			p[r] = math.Exp(float64(c.Utility()[r]) / float64(t))
			total += p[r]
		}
	}
	for r := range p {
		p[r] /= total
	}
	return p
}

func (t luce) Explore(_ context.Context, q *recsys.Query, c *recsys.Candidates, s *recsys.Slate) error {
	src := q.Rand()
	rng := rand.New(&src)
	for s.Next() {
		p := t.dist(c, s)
		u, pick := rng.Float64(), -1
		for r, x := range p {
			if x > 0 {
				if pick = r; u < x {
					break
				}
				u -= x
			}
		}
		s.Pick(int32(pick), p[pick])
	}
	return s.Err()
}

func (t luce) Propensities(_ context.Context, _ *recsys.Query, c *recsys.Candidates, s *recsys.Slate, slate []int32, dst []float64) error {
	for i, row := range slate {
		if !s.Next() || !s.Admissible().Has(int(row)) {
			break
		}
		dst[i] = t.dist(c, s)[row]
		s.Pick(row, dst[i])
	}
	return s.Err()
}

// greedy always takes the best row.
type greedy struct{}

func (greedy) Explore(_ context.Context, _ *recsys.Query, _ *recsys.Candidates, s *recsys.Slate) error {
	for s.Next() {
		s.Pick(s.Best(), 1)
	}
	return s.Err()
}

func (greedy) Exploration() recsys.Exploration { return recsys.ExplorationDeterministic }

func (greedy) Propensities(_ context.Context, _ *recsys.Query, _ *recsys.Candidates, s *recsys.Slate, slate []int32, dst []float64) error {
	for i, row := range slate {
		if !s.Next() || s.Best() != row {
			break
		}
		dst[i] = 1
		s.Pick(row, 1)
	}
	return nil
}

// guess is luce that declares its propensities estimates.
type guess struct{ luce }

func (guess) Exploration() recsys.Exploration { return recsys.ExplorationEstimated }

const items = 6

// quality is the score of an item, and its only feature.
func quality(id recsys.ItemID) float32 { return float32(id%items) / items }

// chance is that of a click; users tire down the slate, and of what is like the item above.
func chance(slate []recsys.ItemID, k int) float64 {
	p := 0.8 * float64(1+(slate[k]*5)%items) / items / float64(k+1)
	if k > 0 && slate[k-1] < slate[k] {
		p *= 0.5
	}
	return p
}

// stages are those of every pipeline here.
func stages(more ...recsys.Option) []recsys.Option {
	return append([]recsys.Option{
		recsys.Retrieve("all", recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
			for i := range items {
				out.Add(recsys.ItemID(i), float32(-i))
			}
			return nil
		})),
		recsys.Features(recsys.FeatureFunc{
			Cols: []recsys.Column{{Name: "quality"}},
			Func: func(_ context.Context, _ *recsys.Query, ids []recsys.ItemID, out *recsys.Block) error {
				for i, id := range ids {
					out.FloatRow(i)[0] = quality(id)
				}
				return nil
			},
		}),
		recsys.Rank(recsys.RankerFunc(func(_ context.Context, _ *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
			for i, id := range c.IDs() {
				out.Score[i] = quality(id)
			}
			return nil
		})),
	}, more...)
}

func build(t testing.TB, more ...recsys.Option) *recsys.Pipeline {
	t.Helper()
	p, err := recsys.NewPipeline(stages(more...)...).Build()
	require.NoError(t, err)
	return p
}

// memory is a log in memory.
type memory []byte

func (m memory) Records() iter.Seq2[recsys.LogRecord, error] {
	return recsys.NewLogReader("memory", bytes.NewReader(m)).All()
}

// serve logs n requests for k items, with clicks.
func serve(t testing.TB, n, k int, level recsys.LogLevel, more ...recsys.Option) memory {
	t.Helper()
	var log memory
	var schema *recsys.Schema
	p := build(t, append(more, recsys.Log(recsys.ExposureSinkFunc(func(_ context.Context, x *recsys.Exposure) error {
		if schema == nil {
			schema = x.Schema
			log = recsys.AppendSchema(log, schema)
		}
		log = recsys.AppendExposure(log, x)
		return nil
	}), level))...)
	rng := rand.New(rand.NewPCG(3, uint64(n)))
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for i := range n {
		now = now.Add(time.Second)
		res, err := p.Recommend(context.Background(), &recsys.Request{ID: fmt.Sprint("r", i), User: recsys.UserID(i % 100), K: k, Now: now, Seed: uint64(i + 1)})
		require.NoError(t, err)
		var slate []recsys.ItemID
		for _, item := range res.Items {
			slate = append(slate, item.ID)
		}
		for place := range slate {
			if rng.Float64() < chance(slate, place) {
				log = recsys.AppendFeedback(log, &recsys.Feedback{Request: res.ID, Item: slate[place], Kind: recsys.Click, Value: 2, Time: now.Add(time.Millisecond)})
			}
		}
	}
	return log
}

// truth returns the clicks per slate, and on the first place, of luce at a temperature.
func truth(temperature float64, k int) (slate, top float64) {
	var walk func(above []recsys.ItemID, p float64)
	walk = func(above []recsys.ItemID, p float64) {
		if len(above) == k {
			for place := range above {
				slate += p * chance(above, place)
			}
			top += p * chance(above, 0)
			return
		}
		var total float64
		weights := make([]float64, items)
		for i := range weights {
			weights[i] = math.Exp(float64(quality(recsys.ItemID(i))) / temperature)
			for _, a := range above {
				if int(a) == i {
					weights[i] = 0
				}
			}
			total += weights[i]
		}
		for i, w := range weights {
			if w > 0 {
				walk(append(above[:len(above):len(above)], recsys.ItemID(i)), p*w/total)
			}
		}
	}
	walk(nil, 1)
	return slate, top
}

func judge(t testing.TB, target recsys.Judge, logger recsys.Judge) *logged.JudgePolicy {
	t.Helper()
	p, err := logged.Judge(target, logged.JudgeConfig{Logger: logger})
	require.NoError(t, err)
	return p
}
