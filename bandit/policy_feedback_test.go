package bandit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/bandit"
	"github.com/recsyskit/recsys/internal/race"
)

// chancesOf returns the chances of the items at a first place.
func chancesOf(t testing.TB, d *desk) []float64 {
	t.Helper()
	chances, err := bandit.ChancesOf(d.policy, d.query(1<<20), d.c, d.order, 1)
	require.NoError(t, err)
	p := make([]float64, d.c.Len())
	require.NoError(t, chances(p, nil))
	return p
}

// acts makes decisions and returns what answers them; some acts come twice.
func acts(r *rand.Rand, d *desk, decisions int) []recsys.Feedback {
	var out []recsys.Feedback
	for i := range decisions {
		for _, item := range d.show(i) {
			if r.IntN(3) == 0 {
				f := act(i, item, recsys.Click, time.Duration(1+r.IntN(600))*time.Second)
				if r.IntN(2) == 0 {
					f.ID = fmt.Sprint("act", len(out))
				}
				out = append(out, f)
				if r.IntN(4) == 0 {
					out = append(out, f)
				}
			}
		}
	}
	return out
}

// Whatever the order in which feedback comes, batched or not, doubled or not, late or early: after all of it the
// same is known. Without a decay only rounding could differ, and sums of 0 and 1 have none.
func TestFeedbackInAnyOrderTeachesTheSame(t *testing.T) {
	algs := map[string]bandit.Algorithm{
		"thompson": bandit.Thompson{}, "greedy": bandit.MeanGreedy{Epsilon: 0.3}, "kl-ucb": bandit.KLUCB{}, "gaussian": bandit.GaussianThompson{},
	}
	for name, alg := range algs {
		t.Run(name, func(t *testing.T) {
			const decisions = 60
			var want []float64
			for round := range 12 {
				r := rand.New(rand.NewPCG(1, 1)) // the same acts
				d := newDesk(t, alg, bandit.Config{Window: time.Hour}, 8, 3)
				feedback := acts(r, d, decisions)
				shuffle := rand.New(rand.NewPCG(uint64(round), 2))
				if round > 0 {
					shuffle.Shuffle(len(feedback), func(i, j int) { feedback[i], feedback[j] = feedback[j], feedback[i] })
				}
				if round > 8 { // all places settle with 0 first
					d.policy.Advance(epoch.Add(100 * time.Hour))
				}
				for len(feedback) > 0 {
					n := min(1+shuffle.IntN(20), len(feedback))
					d.learn(feedback[:n]...)
					feedback = feedback[n:]
				}
				d.policy.Advance(epoch.Add(100 * time.Hour))
				st := d.policy.Stats()
				require.Zero(t, st.Waiting)
				require.EqualValues(t, 3*decisions, st.Settled)
				if got := chancesOf(t, d); round == 0 {
					want = got
				} else {
					require.InDeltaSlice(t, want, got, 1e-12)
				}
			}
		})
	}
}

func TestWindowEndsAfterIt(t *testing.T) {
	d := newDesk(t, bandit.UCB1{}, bandit.Config{Window: 10 * time.Minute}, 5, 1)
	for i := range 3 { // decisions at minutes 0, 1 and 2
		d.show(i)
	}
	d.policy.Advance(epoch.Add(10 * time.Minute))
	require.EqualValues(t, 0, d.policy.Stats().Expired)
	d.learn(recsys.Feedback{Request: "unknown", Kind: recsys.Click, Time: epoch.Add(11*time.Minute + 1)})
	require.EqualValues(t, 2, d.policy.Stats().Expired, "times of feedback that matches nothing are times")
	d.policy.Advance(epoch)
	d.policy.Advance(epoch.Add(12*time.Minute + 1))
	require.EqualValues(t, 3, d.policy.Stats().Expired)
	st := d.policy.Stats()
	require.EqualValues(t, 3, st.Settled)
	require.EqualValues(t, 1, st.Unmatched)
}

func TestNegativeWindowWaitsForFeedback(t *testing.T) {
	d := newDesk(t, bandit.UCB1{}, bandit.Config{Window: -1}, 5, 2)
	items := d.show(0)
	d.policy.Advance(epoch.Add(1000 * time.Hour))
	require.Zero(t, d.policy.Stats().Settled)
	d.learn(act(0, items[1], recsys.Skip, time.Second))
	require.EqualValues(t, 1, d.policy.Stats().Settled)
	require.Equal(t, 1, d.policy.Stats().Waiting)
}

// Beyond the retention the oldest decision settles with 0, and its feedback comes too late.
func TestRetentionEvictsTheOldest(t *testing.T) {
	for _, window := range []time.Duration{0, -1} {
		d := newDesk(t, bandit.MeanGreedy{Epsilon: 1}, bandit.Config{Retention: 4, Window: window}, 5, 1)
		var items []recsys.ItemID
		for i := range 6 {
			items = append(items, d.show(i)...)
		}
		st := d.policy.Stats()
		require.EqualValues(t, 2, st.Evicted)
		require.Equal(t, 4, st.Remembered)
		require.Equal(t, 4, st.Waiting)
		if window == 0 {
			require.EqualValues(t, 2, st.Settled)
		} else {
			require.Zero(t, st.Settled)
		}
		for i := range 6 {
			d.learn(act(i, items[i], recsys.Click, time.Second))
		}
		st = d.policy.Stats()
		require.EqualValues(t, 2, st.Unmatched)
		require.Zero(t, st.Waiting)
	}
}

func TestRewardsOfAPlaceAddUpWithinTheDomain(t *testing.T) {
	d := newDesk(t, bandit.GaussianThompson{}, bandit.Config{Reward: bandit.KindReward(map[recsys.EventKind]float64{recsys.Click: 1, recsys.Hide: -3})}, 2, 1)
	item := d.show(0)[0]
	d.learn(act(0, item, recsys.Hide, 1), act(0, item, recsys.Click, 2), act(0, item, recsys.Like, 3))
	same := newDesk(t, bandit.GaussianThompson{}, bandit.Config{Reward: bandit.ValueReward(recsys.Dwell)}, 2, 1)
	require.Equal(t, item, same.show(0)[0])
	f := act(0, item, recsys.Dwell, 1)
	f.Value = -2
	same.learn(f)
	require.Equal(t, chancesOf(t, same), chancesOf(t, d))
	require.EqualValues(t, 1, d.policy.Stats().Ignored)
	require.EqualValues(t, 1, d.policy.Stats().Corrected)

	// Two clicks with IDs of their own are two acts, but a probability is at most 1.
	beta := newDesk(t, bandit.Thompson{}, bandit.Config{}, 2, 1)
	item = beta.show(0)[0]
	one, two := act(0, item, recsys.Click, 1), act(0, item, recsys.Click, 2)
	one.ID, two.ID = "one", "two"
	beta.learn(one)
	want := chancesOf(t, beta)
	require.InDelta(t, 2./3, want[item-1000], 1e-11, "Beta(2, 1) against Beta(1, 1)")
	beta.learn(two, two)
	require.Equal(t, want, chancesOf(t, beta))
	require.EqualValues(t, 1, beta.policy.Stats().Doubled)
	require.EqualValues(t, 0, beta.policy.Stats().Corrected)
}

func TestWrongRewardsAreNamedAndTheOthersLearned(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	d := newDesk(t, bandit.Thompson{}, bandit.Config{Reward: bandit.ValueReward(recsys.Dwell)}, 6, 6)
	items := d.show(0)
	var feedback []recsys.Feedback
	for i, v := range []float32{nan, 0.5, inf, 1.5, -0.1, 1} {
		f := act(0, items[i], recsys.Dwell, 1)
		f.Value, f.ID = v, fmt.Sprint("f", i)
		feedback = append(feedback, f)
	}
	err := d.policy.Learn(context.Background(), feedback)
	var first *bandit.FeedbackError
	require.ErrorAs(t, err, &first)
	require.Equal(t, 0, first.Index)
	require.Equal(t, "Value", first.Field)
	require.Equal(t, "d0", first.Request)
	require.ErrorContains(t, err, `bandit: feedback 2 (id "f2", request "d0", item `)
	require.ErrorContains(t, err, "Value is +Inf")
	require.ErrorContains(t, err, "Reward is 1.5; want a number of [0, 1]")
	require.ErrorContains(t, err, "Reward is -0.10000000149011612")
	st := d.policy.Stats()
	require.EqualValues(t, 4, st.Rejected)
	require.EqualValues(t, 2, st.Settled)
	require.Equal(t, 4, st.Waiting)
}

func TestLearnStopsWhenTheContextIsDone(t *testing.T) {
	d := newDesk(t, bandit.UCB1{}, bandit.Config{}, 4, 1)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, d.policy.Learn(ctx, []recsys.Feedback{{}}), context.Canceled)
	require.ErrorIs(t, d.policy.Explore(ctx, d.query(0), d.c, d.c.Slate(1, d.order)), context.Canceled)
	require.Zero(t, d.policy.Stats().Decisions)
}

// A request that comes again is one decision; a replay is none.
func TestDecisionsCountOnce(t *testing.T) {
	d := newDesk(t, bandit.Thompson{}, bandit.Config{}, 9, 3)
	first := d.show(7)
	require.Equal(t, first, d.show(7))
	st := d.policy.Stats()
	require.EqualValues(t, 1, st.Decisions)
	require.EqualValues(t, 1, st.Repeated)
	require.Equal(t, 3, st.Waiting)

	var records []*recsys.Exposure
	policy, err := bandit.New(bandit.Thompson{}, bandit.Config{})
	require.NoError(t, err)
	sink := recsys.ExposureSinkFunc(func(_ context.Context, x *recsys.Exposure) error {
		records = append(records, x.Clone())
		return nil
	})
	p, err := recsys.NewPipeline(catalogue(20, recsys.Explore(policy, recsys.Required()), recsys.Log(sink, recsys.LogFull))...).Build()
	require.NoError(t, err)
	_, err = p.Recommend(context.Background(), &recsys.Request{ID: "a", K: 4, Seed: 1, Now: epoch})
	require.NoError(t, err)
	require.NoError(t, p.Learn(context.Background(), []recsys.Feedback{{Request: "a", Item: records[0].Rows[0].Item, Kind: recsys.Click, Time: epoch}}))
	before := policy.Stats()
	require.EqualValues(t, 1, before.Settled)
	records[0].ID = "never served here"
	_, err = p.Replay(context.Background(), records[0])
	require.NoError(t, err)
	require.NoError(t, p.Propensities(context.Background(), records[0], make([]float64, 4)))
	require.Equal(t, before, policy.Stats())
}

// segmented has an ID column of items and one of requests.
func segmented(t *testing.T) *recsys.Schema {
	t.Helper()
	s, err := recsys.NewSchema(recsys.SchemaConfig{Columns: []recsys.Column{
		{Name: "country", Kind: recsys.ID, Scope: recsys.PerRequest}, {Name: "creator", Kind: recsys.ID}, {Name: "age"},
	}})
	require.NoError(t, err)
	return s
}

func TestBindNamesWrongColumns(t *testing.T) {
	p, err := bandit.New(bandit.UCB1{}, bandit.Config{Arm: "country", Segment: "planet"})
	require.NoError(t, err)
	_, err = p.Bind(segmented(t))
	require.ErrorContains(t, err, `Config.Arm: column "country" has scope`)
	require.ErrorContains(t, err, `"planet"`)
	c, order := table([]float32{1, 2})
	require.ErrorContains(t, p.Explore(context.Background(), query(1), c, c.Slate(1, order)), "not bound")
}

// Rows of one creator share what is learned and the chance of their arm; each country learns by itself.
func TestArmsAndSegmentsAreColumns(t *testing.T) {
	policy, err := bandit.New(bandit.Thompson{}, bandit.Config{Arm: "creator", Segment: "country", Window: -1})
	require.NoError(t, err)
	s := segmented(t)
	e, err := recsys.Bind[recsys.Explorer](policy, s)
	require.NoError(t, err)
	c := recsys.NewCandidates(s, []recsys.ItemID{10, 11, 12, 13, 14})
	field, err := s.ID("creator")
	require.NoError(t, err)
	copy(c.IDColumn(field.Index), []uint64{7, 7, 8, 7, 9})
	order := []int32{0, 1, 2, 3, 4}
	query := func(id string, country uint64) *recsys.Query {
		q := recsys.NewQuery(&recsys.Request{ID: id, K: 2, Seed: recsys.HashID(id)}, s, "explore/test")
		q.IDs()[0] = country
		return q
	}
	chances := func(country uint64, prefix ...int32) []float64 {
		f, err := bandit.ChancesOf(e, query("q", country), c, order, 2)
		require.NoError(t, err)
		p := make([]float64, 5)
		require.NoError(t, f(p, prefix))
		return p
	}
	third := 1. / 3
	require.InDeltaSlice(t, []float64{third / 3, third / 3, third, third / 3, third}, chances(1), 1e-12)
	require.InDeltaSlice(t, []float64{0, third / 2, third, third / 2, third}, chances(1, 0), 1e-12)
	require.InDeltaSlice(t, []float64{third, third, 0, third, 0}, chances(1, 2, 4)[:5], 1, "two places: none is left")

	slate := c.Slate(2, order)
	require.NoError(t, e.Explore(context.Background(), query("a", 1), c, slate))
	row := slate.Rows()[0]
	require.NoError(t, policy.Learn(context.Background(), []recsys.Feedback{{Request: "a", Item: c.IDs()[row], Kind: recsys.Click, Time: epoch}}))
	arm := c.IDColumn(field.Index)[row]
	sum := 0.0
	for i, p := range chances(1) {
		if c.IDColumn(field.Index)[i] == arm {
			sum += p
		}
	}
	require.InDelta(t, 0.5, sum, 1e-11, "Beta(2, 1) against two Beta(1, 1): 2/(2+1+1)")
	require.InDeltaSlice(t, []float64{third / 3, third / 3, third, third / 3, third}, chances(2), 1e-12, "another country")
	require.Equal(t, `thompson/1 alpha=1 beta=1 arm="creator" segment="country"`, policy.Version())

	policy.Forget(arm)
	require.InDeltaSlice(t, []float64{third / 3, third / 3, third, third / 3, third}, chances(1), 1e-12)
	require.Zero(t, policy.Stats().Arms)
	var d bandit.Decision
	require.True(t, policy.Decision("a", &d))
	require.InDelta(t, third, d.Propensities[0], 1e-12, "of the arm, not of the row")
	require.EqualValues(t, 3, d.Choices[0])
}

func TestLearningAndSharedArmsAllocateNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("counts are of the race detector")
	}
	policy, err := bandit.New(bandit.Thompson{}, bandit.Config{Arm: "creator", Segment: "country", Window: time.Minute, Retention: 64})
	require.NoError(t, err)
	s := segmented(t)
	e, err := recsys.Bind[recsys.Explorer](policy, s)
	require.NoError(t, err)
	items, order := make([]recsys.ItemID, 30), make([]int32, 30)
	for i := range items {
		items[i], order[i] = recsys.ItemID(i), int32(i)
	}
	c := recsys.NewCandidates(s, items)
	field, err := s.ID("creator")
	require.NoError(t, err)
	for i := range items {
		c.IDColumn(field.Index)[i] = uint64(i % 7)
	}
	queries := make([]*recsys.Query, 1200)
	for i := range queries {
		queries[i] = recsys.NewQuery(&recsys.Request{ID: fmt.Sprint(i), K: 4, Seed: uint64(i) + 1, Now: epoch.Add(time.Duration(i) * time.Second)}, s, "explore/test")
		queries[i].IDs()[0] = uint64(i % 3)
	}
	feedback, i := make([]recsys.Feedback, 1), 0
	step := func() {
		slate := c.Slate(4, order)
		if err := e.Explore(context.Background(), queries[i], c, slate); err != nil {
			t.Fatal(err)
		}
		feedback[0] = recsys.Feedback{Request: queries[i].ID, Item: items[slate.Rows()[i%4]], Kind: recsys.Click, Time: queries[i].Now}
		if err := policy.Learn(context.Background(), feedback); err != nil {
			t.Fatal(err)
		}
		i++
	}
	for range 600 {
		step()
	}
	require.Zero(t, testing.AllocsPerRun(500, step))
	st := policy.Stats()
	require.Positive(t, st.Expired)
	require.Positive(t, st.Evicted)
	require.Equal(t, 3, st.Segments)
	require.Equal(t, 21, st.Arms)
}

// What an arm was is forgotten: a correction of it has no meaning for what comes later.
func TestForgottenArmsStayForgotten(t *testing.T) {
	for name, alg := range map[string]bandit.Algorithm{
		"thompson": bandit.Thompson{}, "discounted": bandit.Thompson{Decay: 0.9}, "sliding": bandit.SlidingUCB{Window: 5},
	} {
		d := newDesk(t, alg, bandit.Config{Window: -1}, 3, 1)
		fresh := chancesOf(t, d)
		item := d.show(0)[0]
		d.learn(act(0, item, recsys.Skip, 1))
		d.policy.Forget(uint64(item))
		d.learn(act(0, item, recsys.Click, 2))
		require.Equal(t, fresh, chancesOf(t, d), name)
	}
}

// A correction counts as much as the observation that it corrects still does.
func TestCorrectionsFadeWithTheirObservation(t *testing.T) {
	alg := bandit.Thompson{Decay: 0.8}
	corrected := newDesk(t, alg, bandit.Config{Window: -1}, 3, 1)
	right := newDesk(t, alg, bandit.Config{Window: -1}, 3, 1)
	var items []recsys.ItemID
	for i := range 6 {
		item := corrected.show(i)[0]
		items = append(items, item)
		_, err := right.policy.Remember(&bandit.Decision{
			ID: fmt.Sprint("d", i), Time: epoch, Items: []recsys.ItemID{item}, Arms: []uint64{uint64(item)},
			Propensities: []float64{0.5}, Choices: []int32{3},
		})
		require.NoError(t, err)
	}
	for i, item := range items {
		corrected.learn(act(i, item, recsys.Skip, 1))
		right.learn(act(i, item, []recsys.EventKind{recsys.Skip, recsys.Click}[i%2], 1))
	}
	require.NotEqual(t, chancesOf(t, right), chancesOf(t, corrected))
	for i := len(items) - 1; i >= 0; i-- {
		if i%2 == 1 {
			corrected.learn(act(i, items[i], recsys.Click, 9))
		}
	}
	require.InDeltaSlice(t, chancesOf(t, right), chancesOf(t, corrected), 1e-12)
}

func TestSnapshotsRestoreToTheBit(t *testing.T) {
	for name, alg := range algorithms {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(4, 4))
			cfg := bandit.Config{Retention: 25, Window: time.Hour}
			d := newDesk(t, alg, cfg, 7, 3)
			feedback := acts(r, d, 40)
			d.learn(feedback[:len(feedback)/2]...)
			d.policy.Forget(1001)
			var file, again bytes.Buffer
			_, err := d.policy.WriteTo(&file)
			require.NoError(t, err)
			n := newDesk(t, alg, cfg, 7, 3)
			n.show(999) // what is there goes
			size := file.Len()
			read, err := n.policy.ReadFrom(bytes.NewReader(file.Bytes()))
			require.NoError(t, err)
			require.EqualValues(t, size, read)
			_, err = n.policy.WriteTo(&again)
			require.NoError(t, err)
			require.Equal(t, file.Bytes(), again.Bytes())
			for i := range 40 { // both go on alike
				require.Equal(t, d.show(100+i), n.show(100+i))
				require.Equal(t, chancesOf(t, d), chancesOf(t, n))
				if f := feedback[len(feedback)/2:]; i < len(f) {
					d.learn(f[i])
					n.learn(f[i])
				}
			}
			d.policy.Advance(epoch.Add(1000 * time.Hour))
			n.policy.Advance(epoch.Add(1000 * time.Hour))
			require.Equal(t, d.policy.Stats(), n.policy.Stats())
			require.Equal(t, chancesOf(t, d), chancesOf(t, n))

			fewer, err := bandit.New(alg, bandit.Config{Retention: 10})
			require.NoError(t, err)
			_, err = fewer.ReadFrom(bytes.NewReader(file.Bytes()))
			require.NoError(t, err)
			require.Equal(t, 10, fewer.Stats().Remembered)
		})
	}
}

func TestReadFromRefusesOtherPoliciesAndDamage(t *testing.T) {
	d := newDesk(t, bandit.Thompson{}, bandit.Config{}, 4, 2)
	d.learn(act(0, d.show(0)[0], recsys.Click, 1))
	var file bytes.Buffer
	_, err := d.policy.WriteTo(&file)
	require.NoError(t, err)
	other, err := bandit.New(bandit.Thompson{Alpha: 2}, bandit.Config{})
	require.NoError(t, err)
	_, err = other.ReadFrom(bytes.NewReader(file.Bytes()))
	require.Error(t, err)
	before := d.policy.Stats()
	for _, cut := range []int{0, 1, 64, file.Len() / 2, file.Len() - 1} {
		_, err := d.policy.ReadFrom(bytes.NewReader(file.Bytes()[:cut]))
		require.Error(t, err, "%d bytes", cut)
	}
	for at := 0; at < file.Len(); at += 37 {
		damaged := slices.Clone(file.Bytes())
		damaged[at] ^= 0x10
		_, err := d.policy.ReadFrom(bytes.NewReader(damaged))
		require.Error(t, err, "byte %d", at)
	}
	require.Equal(t, before, d.policy.Stats())
}

func FuzzPolicyReadFrom(f *testing.F) {
	for _, alg := range []bandit.Algorithm{bandit.Thompson{Decay: 0.9}, bandit.SlidingUCB{Window: 3}, bandit.EXP3{}} {
		d := newDesk(f, alg, bandit.Config{Retention: 5}, 4, 2)
		for i := range 8 {
			d.learn(act(i, d.show(i)[0], recsys.Click, 1))
		}
		var file bytes.Buffer
		_, err := d.policy.WriteTo(&file)
		require.NoError(f, err)
		f.Add(file.Bytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, alg := range []bandit.Algorithm{bandit.Thompson{Decay: 0.9}, bandit.SlidingUCB{Window: 3}, bandit.EXP3{}} {
			d := newDesk(t, alg, bandit.Config{Retention: 5}, 4, 2)
			if _, err := d.policy.ReadFrom(bytes.NewReader(b)); err != nil {
				continue
			}
			var first, second bytes.Buffer
			_, err := d.policy.WriteTo(&first)
			require.NoError(t, err)
			n := newDesk(t, alg, bandit.Config{Retention: 5}, 4, 2)
			_, err = n.policy.ReadFrom(bytes.NewReader(first.Bytes()))
			require.NoError(t, err)
			_, err = n.policy.WriteTo(&second)
			require.NoError(t, err)
			require.Equal(t, first.Bytes(), second.Bytes())
			d.show(1 << 30)
		}
	})
}

func TestRememberedDecisionsAreAsExploredOnes(t *testing.T) {
	d := newDesk(t, bandit.EXP3{}, bandit.Config{Window: -1}, 5, 3)
	n := newDesk(t, bandit.EXP3{}, bandit.Config{Window: -1}, 5, 3)
	var x bandit.Decision
	for i := range 20 {
		items := d.show(i)
		require.True(t, d.policy.Decision(fmt.Sprint("d", i), &x))
		fresh, err := n.policy.Remember(&x)
		require.NoError(t, err)
		require.True(t, fresh)
		fresh, err = n.policy.Remember(&x)
		require.NoError(t, err)
		require.False(t, fresh)
		f := act(i, items[i%3], recsys.Click, 1)
		d.learn(f)
		n.learn(f)
		require.Equal(t, chancesOf(t, d), chancesOf(t, n))
	}
	require.False(t, d.policy.Decision("unknown", &x))
	for _, wrong := range []func(x *bandit.Decision){
		func(x *bandit.Decision) { x.Items = nil },
		func(x *bandit.Decision) { x.Arms = x.Arms[1:] },
		func(x *bandit.Decision) { x.Propensities = []float64{0.5, 0, 0.5} },
		func(x *bandit.Decision) { x.Propensities = []float64{0.5, 2, 0.5} },
		func(x *bandit.Decision) { x.Choices = []int32{1, 0, 1} },
		func(x *bandit.Decision) { x.Context = []float64{1, 2} },
		func(x *bandit.Decision) { x.Context = []float64{1, math.NaN(), 3} },
	} {
		require.True(t, d.policy.Decision("d3", &x))
		x.ID = "wrong"
		wrong(&x)
		_, err := n.policy.Remember(&x)
		require.ErrorContains(t, err, `decision "wrong"`)
	}
}

// Requests, feedback, snapshots and questions at once; run with -race.
func TestPolicyIsSafeForConcurrentUse(t *testing.T) {
	policy, err := bandit.New(bandit.Thompson{Decay: 0.99}, bandit.Config{Retention: 50})
	require.NoError(t, err)
	p, err := recsys.NewPipeline(catalogue(30, recsys.Explore(policy, recsys.Required()))...).Build()
	require.NoError(t, err)
	done := make(chan error, 4)
	for w := range 4 {
		go func() {
			var errs []error
			for i := range 60 {
				id := fmt.Sprintf("%d/%d", w, i)
				res, err := p.Recommend(context.Background(), &recsys.Request{ID: id, K: 3, Now: epoch.Add(time.Duration(i) * time.Minute)})
				errs = append(errs, err)
				errs = append(errs, p.Learn(context.Background(), []recsys.Feedback{{Request: id, Item: res.Items[0].ID, Kind: recsys.Click, Time: epoch.Add(time.Duration(i) * time.Minute)}}))
				if i%10 == 0 {
					var file bytes.Buffer
					_, err := policy.WriteTo(&file)
					errs = append(errs, err)
					policy.Forget(uint64(i))
					policy.Stats()
				}
			}
			done <- errors.Join(errs...)
		}()
	}
	for range 4 {
		require.NoError(t, <-done)
	}
	st := policy.Stats()
	require.EqualValues(t, 240, st.Decisions)
	require.Zero(t, st.Repeated)
	require.EqualValues(t, 190, st.Evicted)
	require.Equal(t, 50, st.Remembered)
}

func TestNewNamesTheFieldThatIsWrong(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for want, alg := range map[string]bandit.Algorithm{
		"MeanGreedy.Epsilon is 2":               bandit.MeanGreedy{Epsilon: 2},
		"MeanGreedy.Decline is -1":              bandit.MeanGreedy{Decline: -1},
		"MeanGreedy.Prior is NaN":               bandit.MeanGreedy{Prior: nan},
		"MeanGreedy.Decay is 1.5":               bandit.MeanGreedy{Decay: 1.5},
		"Boltzmann.Temperature is -1":           bandit.Boltzmann{Temperature: -1},
		"Boltzmann.Prior is +Inf":               bandit.Boltzmann{Prior: inf},
		"UCB1.C is NaN":                         bandit.UCB1{C: nan},
		"KLUCB.C is -1":                         bandit.KLUCB{C: -1},
		"SlidingUCB.Window is -1":               bandit.SlidingUCB{Window: -1},
		"SlidingUCB.C is +Inf":                  bandit.SlidingUCB{C: inf},
		"EXP3.Gamma is 1.1":                     bandit.EXP3{Gamma: 1.1},
		"Thompson.Alpha is -1":                  bandit.Thompson{Alpha: -1},
		"Thompson.Beta is NaN":                  bandit.Thompson{Beta: nan},
		"Thompson.Decay is -0.1":                bandit.Thompson{Decay: -0.1},
		"GaussianThompson.Mean is NaN":          bandit.GaussianThompson{Mean: nan},
		"GaussianThompson.SD is -2":             bandit.GaussianThompson{SD: -2},
		"GaussianThompson.Noise is +Inf":        bandit.GaussianThompson{Noise: inf},
		"TopTwo.Leader is 7":                    bandit.TopTwo{Leader: 7},
		"TopTwo.Of is {0 0 0}":                  bandit.TopTwo{Of: bandit.Boltzmann{}},
		"Thompson.Decay is 3; want > 0, at mos": bandit.TopTwo{Of: bandit.Thompson{Decay: 3}},
		"algorithm is nil":                      nil,
	} {
		_, err := bandit.New(alg, bandit.Config{})
		require.ErrorContains(t, err, want)
		_, err = bandit.NewArms(alg)
		require.ErrorContains(t, err, want[:min(len(want), 16)])
	}
	_, err := bandit.New(bandit.UCB1{}, bandit.Config{Retention: -1})
	require.ErrorContains(t, err, "Config.Retention is -1")
}

// The state of a segment by itself: within the envelope, whose checks a damaged file fails first.
func FuzzTally(f *testing.F) {
	f.Add(bandit.SavedTally(1, 0))
	f.Add(bandit.SavedTally(0.9, 0))
	f.Add(bandit.SavedTally(1, 5))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, window := range []int{0, 5} {
			first, err := bandit.LoadTally(b, 0.9, window)
			if err != nil {
				continue
			}
			second, err := bandit.LoadTally(first, 0.9, window)
			require.NoError(t, err)
			require.Equal(t, first, second)
			require.LessOrEqual(t, len(first), len(b))
		}
	})
}

func TestTimesAndNumbersOfActsHaveLimits(t *testing.T) {
	d := newDesk(t, bandit.Thompson{}, bandit.Config{}, 4, 1)
	item := d.show(0)[0]
	f := act(0, item, recsys.Click, 0)
	f.Time = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	err := d.policy.Learn(context.Background(), []recsys.Feedback{f})
	require.ErrorContains(t, err, "Time is 9999; want a year from 1678 to 2261")
	st := d.policy.Stats()
	require.Zero(t, st.Expired, "the wrong time is no time")
	require.EqualValues(t, 1, st.Rejected)
	many := make([]recsys.Feedback, 1003)
	for i := range many {
		many[i] = act(0, item, recsys.Skip, 1)
		many[i].ID = fmt.Sprint("act ", i)
	}
	d.learn(many...)
	require.EqualValues(t, 3, d.policy.Stats().Ignored)
	d.policy.Advance(time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC))
	d.show(1)
	d.policy.Advance(time.Time{})
}
