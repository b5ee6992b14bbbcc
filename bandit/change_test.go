package bandit_test

import (
	"bytes"
	"context"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/bandit"
)

// copied is a change with memory of its own.
func copied(c *bandit.Change) bandit.Change {
	x := *c
	d := &x.Decision
	d.Items, d.Arms = slices.Clone(d.Items), slices.Clone(d.Arms)
	d.Propensities, d.Choices, d.Context = slices.Clone(d.Propensities), slices.Clone(d.Choices), slices.Clone(d.Context)
	x.Arms = slices.Clone(x.Arms)
	return x
}

func TestPolicyThatRedoesAllChangesIsTheSameToTheBit(t *testing.T) {
	for name, alg := range algorithms {
		t.Run(name, func(t *testing.T) {
			cfg := bandit.Config{Retention: 60, Window: 40 * time.Minute}
			d := newDesk(t, alg, cfg, 6, 3)
			var changes []bandit.Change
			require.NoError(t, d.policy.Watch(func(c *bandit.Change) { changes = append(changes, copied(c)) }))
			for i := range 150 {
				shown := d.show(i)
				if i%9 == 0 {
					d.show(i)
				}
				f := []recsys.Feedback{
					act(i, shown[i%3], recsys.Click, time.Second), act(i, shown[0], recsys.Skip, 0), act(i, 77, recsys.Click, 0),
					act(i-50, shown[1], recsys.Click, 50*time.Minute),
				}
				d.learn(f...)
				if i%20 == 0 {
					d.policy.Advance(epoch.Add(time.Duration(i+30) * time.Minute))
				}
				if i == 100 {
					d.policy.Forget(uint64(shown[0]))
				}
			}
			again, err := bandit.New(alg, cfg)
			require.NoError(t, err)
			for i := range changes {
				require.NoError(t, again.Redo(&changes[i]))
			}
			want, got := written(t, d.policy), written(t, again)
			require.True(t, bytes.Equal(want, got))

			var at int
			var b bytes.Buffer
			_, err = d.policy.WriteToAt(&b, func() { at = len(changes) })
			require.NoError(t, err)
			require.True(t, bytes.Equal(want, b.Bytes()))
			require.Equal(t, len(changes), at)
		})
	}
}

func written(t *testing.T, p *bandit.Policy) []byte {
	t.Helper()
	var b bytes.Buffer
	_, err := p.WriteTo(&b)
	require.NoError(t, err)
	return b.Bytes()
}

func TestOneWatchesAPolicy(t *testing.T) {
	d := newDesk(t, bandit.UCB1{}, bandit.Config{}, 3, 1)
	kinds := []bandit.ChangeKind{}
	require.NoError(t, d.policy.Watch(func(c *bandit.Change) { kinds = append(kinds, c.Kind) }))
	require.Error(t, d.policy.Watch(func(*bandit.Change) {}))
	_, err := d.policy.ReadFrom(bytes.NewReader(written(t, d.policy)))
	require.Error(t, err, "state that nobody is told of")
	items := d.show(1)
	d.learn(act(1, items[0], recsys.Click, 0))
	_, err = d.policy.Remember(&bandit.Decision{ID: "x", Items: items, Arms: []uint64{1}, Propensities: []float64{1}, Choices: []int32{1}})
	require.NoError(t, err)
	require.Equal(t, []bandit.ChangeKind{bandit.ChangeDecision, bandit.ChangeFeedback, bandit.ChangeAdvance, bandit.ChangeDecision}, kinds)
	require.NoError(t, d.policy.Watch(nil))
	d.show(2)
	require.Len(t, kinds, 4)
	require.True(t, d.policy.Bound())
}

func TestRedoRefusesWhatCannotBe(t *testing.T) {
	p, err := bandit.New(bandit.UCB1{}, bandit.Config{})
	require.NoError(t, err)
	empty := written(t, p)
	whole := bandit.Decision{ID: "a", Items: []recsys.ItemID{1}, Arms: []uint64{1}, Propensities: []float64{1}, Choices: []int32{1}}
	for _, harm := range []func(c *bandit.Change){
		func(c *bandit.Change) { c.Kind = 0 },
		func(c *bandit.Change) { c.Kind = 9 },
		func(c *bandit.Change) { c.Decision.Arms = nil },
		func(c *bandit.Change) { c.Decision.Propensities = []float64{math.NaN()} },
		func(c *bandit.Change) { c.Decision.Choices = []int32{1, 2} },
		func(c *bandit.Change) { c.Decision.Context = []float64{math.Inf(1)} },
		func(c *bandit.Change) { c.Decision = bandit.Decision{ID: "unknown"} },
		func(c *bandit.Change) { c.Decision = bandit.Decision{ID: "unknown", Context: []float64{1}} },
	} {
		c := bandit.Change{Kind: bandit.ChangeDecision, Decision: whole}
		harm(&c)
		require.Error(t, p.Redo(&c), "%+v", c)
	}
	require.True(t, bytes.Equal(empty, written(t, p)))
	require.NoError(t, p.Redo(&bandit.Change{Kind: bandit.ChangeFeedback, Feedback: recsys.Feedback{Kind: recsys.Click}}))
	require.NoError(t, p.Redo(&bandit.Change{Kind: bandit.ChangeDecision, Decision: whole}))
	require.NoError(t, p.Redo(&bandit.Change{Kind: bandit.ChangeDecision, Decision: whole}))
	require.EqualValues(t, 1, p.Stats().Repeated)
	require.EqualValues(t, 1, p.Stats().Unmatched)
	require.NoError(t, p.Learn(context.Background(), nil))
}
