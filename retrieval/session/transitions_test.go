package session_test

import (
	"bytes"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/itemsim"
	"github.com/recsyskit/recsys/retrieval/retrievaltest"
	"github.com/recsyskit/recsys/retrieval/session"
)

func transitions(t testing.TB, in *retrieval.Interactions, c session.Transitions) *itemsim.Model {
	t.Helper()
	m, err := session.TrainTransitions(t.Context(), in, c)
	require.NoError(t, err)
	return m
}

// Source: Ludewig and Jannach, UMUAI 2018, section 3.1, equations 1 to 4.
func TestRulesByHand(t *testing.T) {
	in := sequences(t, items{1, 2, 3}, items{3, 1}, items{1, 3, 2})
	for name, c := range map[string]struct {
		rules session.Transitions
		want  []float64 // from 1 to 1, 2, 3
	}{
		"association rules": {session.AssociationRules(), []float64{0, 2, 3}},
		"Markov chain":      {session.MarkovChain(), []float64{0, 1, 1}},
		"sequential rules":  {session.SequentialRules(), []float64{0, 1 + 1./2, 1 + 1./2}},
	} {
		m := transitions(t, in, c.rules)
		require.InDeltaSlice(t, c.want, scores(t, m, items{2, 3, 1}, items{1, 2, 3}), 1e-6, name)
	}
}

func TestWithoutRawWeightsAreProbabilities(t *testing.T) {
	in := sequences(t, items{1, 2}, items{1, 2}, items{1, 3}, items{2, 2})
	m := transitions(t, in, session.Transitions{})
	require.InDeltaSlice(t, []float64{0, 2. / 3, 1. / 3}, scores(t, m, items{1}, items{1, 2, 3}), 1e-6)
	require.InDeltaSlice(t, []float64{0, 1, 0}, scores(t, m, items{2}, items{1, 2, 3}), 1e-6)
	m = transitions(t, in, session.Transitions{Shrinkage: 1})
	require.InDeltaSlice(t, []float64{0, 2. / 4, 1. / 4}, scores(t, m, items{1}, items{1, 2, 3}), 1e-6)
}

func TestHistoryOfTransitionsDecays(t *testing.T) {
	in := sequences(t, items{1, 2}, items{3, 4})
	m := transitions(t, in, session.Transitions{History: retrieval.History{Last: 2, Decay: 0.5}})
	require.Equal(t, []float64{0.5, 1}, scores(t, m, items{1, 3}, items{2, 4}))
	require.Equal(t, []float64{0, 1}, scores(t, m, items{1, 9, 3}, items{2, 4}), "an unknown item takes its place")
}

func TestTransitionsDoNotDependOnWorkers(t *testing.T) {
	in := sequences(t, random(5, 500, 400)...)
	var want bytes.Buffer
	c := session.Transitions{Gap: 6, Reverse: 0.3, Workers: 1}
	_, err := transitions(t, in, c).WriteTo(&want)
	require.NoError(t, err)
	for _, workers := range []int{0, 2, 7} {
		c.Workers = workers
		calls, last := 0, 0
		c.Progress = func(done, all int) {
			require.Greater(t, done, last)
			require.Equal(t, in.NumItems(), all)
			calls, last = calls+1, done
		}
		var got bytes.Buffer
		_, err := transitions(t, in, c).WriteTo(&got)
		require.NoError(t, err)
		require.Equal(t, want.Bytes(), got.Bytes(), "%d workers", workers)
		require.Equal(t, in.NumItems(), last)
	}
}

func TestConformanceOfTransitions(t *testing.T) {
	in := sequences(t, random(6, 300, 60)...)
	retrievaltest.Suite{
		Requests: []recsys.Request{{User: 1, History: clicks(0, 15, 35)}, {User: 2, Items: items{20}}, {User: 9, History: clicks(25, 50)}},
		Empty:    func() recsys.Retriever { return transitions(t, sequences(t), session.Transitions{}) },
	}.Run(t, func(t *testing.T) recsys.Retriever { return transitions(t, in, session.SequentialRules()) })
}

func TestHugeReverseKeepsTheItems(t *testing.T) {
	in := sequences(t, items{1, 2}, items{1, 2}, items{1, 2})
	m := transitions(t, in, session.Transitions{Reverse: math.MaxFloat32})
	require.Equal(t, []float64{1}, scores(t, m, items{2}, items{1}))
}
