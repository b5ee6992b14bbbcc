package sasrec

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// architectures are one of each kind.
var architectures = []Architecture{
	{Dim: 8, Heads: 2, Layers: 2, Hidden: 12, Length: 7, Epsilon: 1e-8},
	{Dim: 6, Heads: 3, Layers: 1, Hidden: 6, Length: 9, Norm: PostNorm, Activation: ReLU, InputNorm: true, Scaled: true, Epsilon: 1e-12},
	{Dim: 8, Heads: 2, Layers: 1, Hidden: 12, Length: 7, Temperature: 0.1, Epsilon: 1e-8},
}

// newTestTrainer returns a trainer whose weights are far from where training starts.
func newTestTrainer(t *testing.T, a Architecture) *trainer {
	t.Helper()
	cfg, err := Config{Architecture: a, Negatives: 20, Dropout: -1}.withDefaults()
	require.NoError(t, err)
	tr := newTrainer(walks(t, 30, 20, 2), cfg, -1)
	rng := rand.New(rand.NewPCG(7, 7))
	for _, x := range [][]float32{tr.weights.W, tr.table.W} {
		for i := range x {
			x[i] += float32(0.3 * rng.NormFloat64())
		}
	}
	tr.net.pack(true)
	return tr
}

// pass returns the outputs of a sequence, whose last item is a target alone.
func (t *trainer) pass(items ...int32) []float32 {
	s := newShard(t.net, 0)
	s.load(&sequences{items: items, start: []int32{0, int32(len(items))}}, []int32{0}, 1)
	s.forward(t.table.W)
	return s.output[:s.rows*t.cfg.Dim]
}

// A later item never changes what comes out at an earlier one.
func TestTrainingIsCausal(t *testing.T) {
	for _, a := range architectures {
		tr := newTestTrainer(t, a)
		items := []int32{3, 1, 4, 1, 5, 9, 2}
		want := tr.pass(items...)
		for at := range len(items) - 1 {
			changed := append([]int32(nil), items...)
			changed[at] = 17
			got := tr.pass(changed...)
			require.Equal(t, want[:at*a.Dim], got[:at*a.Dim], "before the item that changed")
			for row := at; row < len(items)-1; row++ {
				require.NotEqual(t, want[row*a.Dim:(row+1)*a.Dim], got[row*a.Dim:(row+1)*a.Dim], "it and after it")
			}
		}
	}
}

// What training sees at the newest item is the vector that a request gets.
func TestTrainingAndAnswersAgree(t *testing.T) {
	for _, a := range architectures {
		tr := newTestTrainer(t, a)
		items := []int32{3, 1, 4, 1, 5, 9, 2}
		for n := 1; n < len(items); n++ {
			out := tr.pass(items[:n+1]...)
			user := make([]float32, a.Dim)
			tr.net.answer(user, tr.net.newActivations(), items[:n], tr.table.W)
			require.InDeltaSlice(t, out[(n-1)*a.Dim:], user, 1e-5)
		}
	}
}

// A request puts a long sequence through the feed-forward networks piece by piece.
func TestTrainingAndAnswersAgreeOnLongSequences(t *testing.T) {
	a, err := Architecture{Dim: 8, Length: 3*fedAtOnce + 5}.withDefaults()
	require.NoError(t, err)
	tr := newTestTrainer(t, a)
	items := make([]int32, a.Length+1)
	for i := range items {
		items[i] = int32(i * 7 % tr.table.Rows)
	}
	for _, n := range []int{fedAtOnce, fedAtOnce + 1, a.Length} {
		out := tr.pass(items[:n+1]...)
		user := make([]float32, a.Dim)
		tr.net.answer(user, tr.net.newActivations(), items[:n], tr.table.W)
		require.InDeltaSlice(t, out[(n-1)*a.Dim:], user, 1e-5)
	}
}

// A file of one megabyte may say that sequences and hidden layers are as large as can be.
func TestMemoryOfARequestIsThatOfTheWeights(t *testing.T) {
	a, err := Architecture{Dim: 1, Layers: 1, Hidden: maxHidden, Length: 1 << 16}.withDefaults()
	require.NoError(t, err)
	net := a.network(make([]float32, a.parameters()))
	s := net.newActivations()
	require.Less(t, len(s.hidden), fedAtOnce*len(net.all))
}

// Every item but the first of a history is learned once, after as many as there were, up to
// the length of a request.
func TestSequencesCoverTheHistory(t *testing.T) {
	for n := range 30 {
		s := &sequences{start: []int32{0}}
		var items []int32
		for i := range n {
			items = append(items, int32(i))
		}
		s.add(items, 7)
		targets := map[int32]int{}
		for i := range s.len() {
			q := s.at(i)
			require.LessOrEqual(t, s.events(i), 7)
			for k, item := range q {
				require.Equal(t, q[0]+int32(k), item)
				if k > 0 {
					targets[item]++
				}
			}
		}
		require.Len(t, targets, max(n-1, 0))
		for _, times := range targets {
			require.Equal(t, 1, times)
		}
	}
}
