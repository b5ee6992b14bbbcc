package session_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/retrievaltest"
	"github.com/recsyskit/recsys/retrieval/session"
)

type items = []recsys.ItemID

// sequences returns interactions in which user u+1 took the items of line u.
func sequences(t testing.TB, lines ...items) *retrieval.Interactions {
	t.Helper()
	var r retrieval.Records
	for u, line := range lines {
		for _, i := range line {
			r.Users, r.Items = append(r.Users, recsys.UserID(u+1)), append(r.Items, i)
		}
	}
	in, err := retrieval.NewInteractions(r, retrieval.SumWeights)
	require.NoError(t, err)
	return in
}

// random returns sessions of ids in steps of 5 in which some items are popular and some come
// again.
func random(seed uint64, sessions, n int) []items {
	rnd := rand.New(rand.NewPCG(seed, 1))
	lines := make([]items, sessions)
	for s := range lines {
		for range 1 + rnd.IntN(7) {
			lines[s] = append(lines[s], recsys.ItemID(5*min(rnd.IntN(n), rnd.IntN(n))))
		}
	}
	return lines
}

func train(t testing.TB, in *retrieval.Interactions, cfg session.Config) *session.KNN {
	t.Helper()
	m, err := session.TrainKNN(t.Context(), in, cfg)
	require.NoError(t, err)
	return m
}

func clicks(line ...recsys.ItemID) []recsys.Event {
	var events []recsys.Event
	for _, id := range line {
		events = append(events, recsys.Event{Item: id, Kind: recsys.Click})
	}
	return events
}

// scores returns what a model gives items after a session.
func scores(t testing.TB, m recsys.ItemScorer, current, of items) []float64 {
	t.Helper()
	dst := make([]float32, len(of))
	q := recsys.NewQuery(&recsys.Request{History: clicks(current...)}, nil, "test")
	require.NoError(t, m.ScoreItems(t.Context(), q, of, dst))
	out := make([]float64, len(of))
	for i, x := range dst {
		out[i] = float64(x)
	}
	return out
}

// shares divides by the sum.
func shares(raw ...float64) []float64 {
	total := 0.0
	for _, x := range raw {
		total += x
	}
	for i := range raw {
		raw[i] /= total
	}
	return raw
}

// Source: Jannach and Ludewig, RecSys 2017, section 3: sim(s, n) = |s ∩ n| / sqrt(|s| |n|), and an
// item's score is the sum of the similarities of the neighbours that have it.
func TestSKNNByHand(t *testing.T) {
	in := sequences(t, items{1, 2, 3}, items{2, 4}, items{5, 6}, items{3, 2, 1, 4})
	m := train(t, in, session.SKNN())
	a, b, d := 2/math.Sqrt(2*3), 1/math.Sqrt(2*2), 2/math.Sqrt(2*4)
	require.InDeltaSlice(t, shares(a+d, a+b+d, a+d, b+d, 0, 0), scores(t, m, items{1, 2}, items{1, 2, 3, 4, 5, 6}), 1e-6)
	one := session.SKNN()
	one.Neighbors = 1
	require.InDeltaSlice(t, shares(a, a, a, 0), scores(t, train(t, in, one), items{1, 2}, items{1, 2, 3, 4}), 1e-6)
}

// Source: Ludewig and Jannach, UMUAI 2018, section 3.2: the items of the session weigh by their
// position, and a neighbour by the position of the last shared item.
func TestVSKNNByHand(t *testing.T) {
	in := sequences(t, items{1, 7}, items{2, 8}, items{1, 3, 9})
	m := train(t, in, session.VSKNN())
	// Of the session 1, 2, 3 the items weigh 1/3, 2/3, 1.
	first, second, third := 1./3*1/3, 2./3*1/2, (1./3+1)*1
	require.InDeltaSlice(t, shares(first+third, first, second, second, third, third),
		scores(t, m, items{1, 2, 3}, items{1, 7, 2, 8, 3, 9}), 1e-6)
}

// Source: Garg et al., SIGIR 2019, equations 1 to 4.
func TestSTANByHand(t *testing.T) {
	day := 24 * time.Hour
	now := time.Unix(1_700_000_000, 0)
	var r retrieval.Records
	for s, line := range []items{{4, 1, 5, 6}, {2, 7}} {
		for _, i := range line {
			r.Users, r.Items = append(r.Users, recsys.UserID(s)), append(r.Items, i)
			r.Times = append(r.Times, now.Add(time.Duration(s-1)*3*day).UnixNano())
		}
	}
	in, err := retrieval.NewInteractions(r, retrieval.SumWeights)
	require.NoError(t, err)
	const l1, l2, l3 = 1.5, 4., 2.5
	cfg := session.STAN()
	cfg.Recency, cfg.HalfLife = 0, time.Duration(l2*math.Ln2*float64(day))
	cfg.Position.Scale, cfg.Distance.Scale = l1, l3
	m := train(t, in, cfg)
	old := math.Exp(-1/l1) / math.Sqrt(2*4) * math.Exp(-3/l2)
	newer := 1 / math.Sqrt(2*2)
	near, far, self := math.Exp(-1/l3), math.Exp(-2/l3), math.Exp(-1/l3)
	require.InDeltaSlice(t, shares(old*near, old*self, old*near, old*far, newer*self, newer*near),
		scores(t, m, items{1, 2}, items{4, 1, 5, 6, 2, 7}), 1e-6)
}

func TestEqualNeighborsAreTheNewest(t *testing.T) {
	cfg := session.SKNN()
	cfg.Neighbors = 1
	m := train(t, sequences(t, items{1, 2}, items{1, 3}), cfg)
	require.Equal(t, []float64{0, 0.5}, scores(t, m, items{1}, items{2, 3}))
	cfg = session.SKNN()
	cfg.Sample = 1
	m = train(t, sequences(t, items{1, 2}, items{1, 3, 4, 5}), cfg)
	require.Equal(t, []float64{0, 0.25}, scores(t, m, items{1}, items{2, 3}), "the newest, though less similar")
}

func TestTimesSayWhichSessionIsNew(t *testing.T) {
	in, err := retrieval.NewInteractions(retrieval.Records{
		Users: []recsys.UserID{1, 1, 2, 2}, Items: items{1, 2, 1, 3}, Times: []int64{90, 100, 50, 60},
	}, retrieval.SumWeights)
	require.NoError(t, err)
	cfg := session.SKNN()
	cfg.Neighbors = 1
	require.Equal(t, []float64{0.5, 0}, scores(t, train(t, in, cfg), items{1}, items{2, 3}))
}

func TestTimesMayBeFarApart(t *testing.T) {
	in, err := retrieval.NewInteractions(retrieval.Records{
		Users: []recsys.UserID{1, 1, 2, 2},
		Items: items{1, 2, 1, 3},
		Times: []int64{math.MinInt64 + 1, math.MinInt64 + 2, math.MaxInt64 - 1, math.MaxInt64},
	}, retrieval.SumWeights)
	require.NoError(t, err)
	cfg := session.SKNN()
	cfg.HalfLife = 1 << 62 // a quarter of what lies between
	got := scores(t, train(t, in, cfg), items{1}, items{2, 3})
	require.InDelta(t, 1./16, got[0]/got[1], 1e-6)
}

// A weight beyond all bounds must not stay behind in the memory that calls share.
func TestHugeWeightsLeaveNoTrace(t *testing.T) {
	in := sequences(t, items{1, 2, 3}, items{2, 1, 4}, items{1, 2, 5})
	for _, cfg := range []session.Config{{Forward: 1}, {Repeat: -1, IDF: 10}} {
		cfg.History.Values = true
		m := train(t, in, cfg)
		ask := func(value float32) []float32 {
			history := clicks(1, 2)
			for i := range history {
				history[i].Value = value
			}
			dst := make([]float32, 5)
			q := recsys.NewQuery(&recsys.Request{History: history}, nil, "test")
			require.NoError(t, m.ScoreItems(t.Context(), q, items{1, 2, 3, 4, 5}, dst))
			return dst
		}
		want := ask(1)
		for _, x := range ask(math.MaxFloat32) {
			require.True(t, x >= 0 && x <= 1, "%v", x)
		}
		require.Equal(t, want, ask(1))
	}
}

func TestRepeatAndForwardAndIDF(t *testing.T) {
	in := sequences(t, items{2, 1, 3}, items{4, 4})
	cfg := session.SKNN()
	cfg.Repeat = 1
	require.InDeltaSlice(t, shares(2, 1, 1), scores(t, train(t, in, cfg), items{1}, items{1, 2, 3}), 1e-6)
	cfg.Repeat = -1
	require.InDeltaSlice(t, shares(0, 1, 1), scores(t, train(t, in, cfg), items{1}, items{1, 2, 3}), 1e-6)
	cfg.Forward = 0.75
	require.InDeltaSlice(t, shares(0, 0.25, 1), scores(t, train(t, in, cfg), items{1}, items{1, 2, 3}), 1e-6)
	cfg.IDF = 2
	in = sequences(t, items{2, 1, 3}, items{3, 4})
	rare := 1 + 2*math.Log(2)
	require.InDeltaSlice(t, shares(0, 0.25*rare, 1), scores(t, train(t, in, cfg), items{1}, items{1, 2, 3}), 1e-6)
}

func TestAnchorsStandInForASession(t *testing.T) {
	m := train(t, sequences(t, items{1, 2}, items{3, 4}), session.STAN())
	dst := make([]float32, 2)
	q := recsys.NewQuery(&recsys.Request{Items: items{3}}, nil, "test")
	require.NoError(t, m.ScoreItems(t.Context(), q, items{2, 4}, dst))
	require.Zero(t, dst[0])
	require.Positive(t, dst[1])
}

func TestConformance(t *testing.T) {
	in := sequences(t, random(6, 300, 60)...)
	requests := []recsys.Request{
		{User: 1, History: clicks(0, 15, 35)},
		{User: 2, Items: items{20}},
		{User: 99999, History: clicks(25, 50, 25)},
	}
	for name, cfg := range map[string]session.Config{"zero": {}, "combined": session.Combined()} {
		t.Run(name, func(t *testing.T) {
			retrievaltest.Suite{
				Requests: requests,
				Empty:    func() recsys.Retriever { return train(t, sequences(t), cfg) },
			}.Run(t, func(t *testing.T) recsys.Retriever { return train(t, in, cfg) })
		})
	}
}

func TestServingDoesNotAllocate(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	m := train(t, sequences(t, random(4, 3000, 200)...), session.STAN())
	p, err := recsys.NewPipeline(recsys.Retrieve("stan", m, recsys.Quota(100))).Build()
	require.NoError(t, err)
	req := recsys.Request{ID: "a", K: 20, Now: time.Unix(1e9, 0), History: clicks(5, 20, 35, 5), Exclude: items{5}}
	var res recsys.Result
	run := func() { require.NoError(t, p.RecommendInto(context.Background(), &req, &res)) }
	run()
	require.NotEmpty(t, res.Items)
	require.Zero(t, testing.AllocsPerRun(50, run))
	q, dst := recsys.NewQuery(&req, nil, "x"), make([]float32, len(m.Items()))
	require.Zero(t, testing.AllocsPerRun(50, func() { m.ScoreItems(context.Background(), q, m.Items(), dst) }))
}

func TestErrorsNameEveryField(t *testing.T) {
	nan := math.NaN()
	bad := session.Config{
		Neighbors: -1, Sample: -2, Position: session.Decay{Form: session.Exponential}, Length: 2, Match: session.Decay{Scale: 3},
		Distance: session.Decay{Form: session.Proportional}, Forward: nan, HalfLife: -1, Recency: nan, IDF: math.Inf(1), Repeat: -2,
		History: retrieval.History{Last: -1},
	}
	_, err := session.TrainKNN(t.Context(), sequences(t), bad)
	for _, want := range []string{
		"session: Config.Neighbors is -1; want >= 0", "Config.Sample is -2", "Config.Position.Scale is 0; want a finite number > 0",
		"Config.Length is 2", "Config.Match.Scale is 3; want 0 with the form reciprocal", "Config.Distance.Form is proportional; want Reciprocal",
		"Config.Forward is NaN", "Config.HalfLife is -1ns", "Config.Recency is NaN", "Config.IDF is +Inf", "Config.Repeat is -2", "History.Last is -1",
	} {
		require.ErrorContains(t, err, want)
	}
	_, err = session.TrainKNN(t.Context(), nil, session.Config{})
	require.ErrorContains(t, err, "interactions are nil")
	_, err = session.TrainKNN(t.Context(), sequences(t, items{1, 2}), session.Config{HalfLife: time.Hour})
	require.ErrorIs(t, err, retrieval.ErrNoTimes)
	ctx, cancel := context.WithCancelCause(t.Context())
	why := fmt.Errorf("enough")
	cancel(why)
	_, err = session.TrainKNN(ctx, sequences(t, items{1, 2}), session.Config{})
	require.ErrorIs(t, err, why)
	_, err = session.TrainTransitions(ctx, sequences(t, items{1, 2}), session.Transitions{})
	require.ErrorIs(t, err, why)

	_, err = session.TrainTransitions(t.Context(), sequences(t), session.Transitions{
		Gap: -1, Weight: session.Decay{Form: 9}, Reverse: nan, Shrinkage: -1, Neighbors: -1, Workers: -1, History: retrieval.History{Decay: 2},
	})
	for _, want := range []string{
		"session: Transitions.Gap is -1; want >= 0", "Transitions.Weight.Form is 9", "Transitions.Reverse is NaN", "Transitions.Shrinkage is -1",
		"Transitions.Neighbors is -1", "Transitions.Workers is -1", "History.Decay is 2",
	} {
		require.ErrorContains(t, err, want)
	}
	_, err = session.TrainTransitions(t.Context(), nil, session.Transitions{})
	require.ErrorContains(t, err, "interactions are nil")
}

func TestEqualTrainingGivesEqualBytes(t *testing.T) {
	in := sequences(t, random(4, 300, 50)...)
	var a, b bytes.Buffer
	_, err := train(t, in, session.STAN()).WriteTo(&a)
	require.NoError(t, err)
	_, err = train(t, in, session.STAN()).WriteTo(&b)
	require.NoError(t, err)
	require.Equal(t, a.Bytes(), b.Bytes())
}

// ending is a context that ends when it has been looked at so many times.
type ending struct {
	context.Context
	looks *int
}

func (e ending) Err() error {
	if *e.looks--; *e.looks < 0 {
		return context.Canceled
	}
	return nil
}

func TestTrainingLooksAtItsContextAllAlong(t *testing.T) {
	in := sequences(t, slices.Repeat([]items{{1, 2, 3}}, 10_000)...)
	for looks := range 4 {
		n := looks
		_, err := session.TrainKNN(ending{t.Context(), &n}, in, session.Config{})
		require.ErrorIs(t, err, context.Canceled, "after %d looks", looks)
		n = looks
		_, err = session.TrainTransitions(ending{t.Context(), &n}, in, session.Transitions{Workers: 1})
		require.ErrorIs(t, err, context.Canceled, "after %d looks", looks)
	}
}
