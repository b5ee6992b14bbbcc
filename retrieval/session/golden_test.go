package session_test

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/reference"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/session"
)

// step is a test event of session-rec, with what its algorithm proposes for the next one.
type step struct {
	current items
	ids     items
	scores  []float64
}

// yoochoose reads the training file and the lists of an algorithm.
func yoochoose(t *testing.T, algorithm string) (*retrieval.Interactions, []step) {
	t.Helper()
	read := func(name string) *retrieval.Interactions {
		in, err := retrieval.ReadInteractions(reference.Open(t, "data", "sess-yoochoose100k", name), name, retrieval.ReadOptions{})
		require.NoError(t, err)
		return in
	}
	train, test := read("yoochoose-clicks-100k_train_full.txt.gz"), read("yoochoose-clicks-100k_test.txt.gz")
	file := reference.Open(t, "data", "sess-yoochoose100k", "recoms_"+algorithm+".csv.gz")
	var steps []step
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		f := strings.Split(lines.Text(), ";")
		if len(f) != 4 || f[0] == "SessionId" {
			continue
		}
		id, err := strconv.ParseUint(f[0], 10, 64)
		require.NoError(t, err)
		place, err := strconv.Atoi(f[1])
		require.NoError(t, err)
		row, ok := test.UserRow(recsys.UserID(id))
		require.True(t, ok)
		var s step
		for _, e := range test.History(row)[:place+1] {
			s.current = append(s.current, e.Item)
		}
		scores := strings.Split(f[3], ",")
		for k, text := range strings.Split(f[2], ",") {
			var item uint64
			var score float64
			_, err := fmt.Sscan(text+" "+scores[k], &item, &score)
			require.NoError(t, err)
			s.ids, s.scores = append(s.ids, recsys.ItemID(item)), append(s.scores, score)
		}
		steps = append(steps, s)
	}
	require.NoError(t, lines.Err())
	_, err := io.Copy(io.Discard, file)
	require.NoError(t, err)
	require.Len(t, steps, 387)
	return train, steps
}

// Source: lists that session-rec (Ludewig, Mauro, Latifi and Jannach, UMUAI 2021) wrote of its
// AR and SR, whose scores are divided by the largest, and of which it keeps 20 for an item. It weighs
// sequential rules by 1/gap², up to 20.
func TestGoldenRulesAreThoseOfSessionRec(t *testing.T) {
	const kept = 20
	sr := session.SequentialRules()
	sr.Gap, sr.Weight = 20, session.Decay{Form: session.Quadratic}
	for algorithm, c := range map[string]session.Transitions{"ar": session.AssociationRules(), "sr": sr} {
		train, steps := yoochoose(t, algorithm)
		m := transitions(t, train, c)
		compared := 0
		for n, s := range steps {
			got := scores(t, m, s.current, train.Items())
			largest := 0.0
			for _, x := range got {
				largest = max(largest, x)
			}
			proposed, least := map[recsys.ItemID]bool{}, math.Inf(1)
			for k, id := range s.ids {
				if s.scores[k] > 0 {
					row, ok := train.ItemRow(id)
					require.True(t, ok)
					require.InDelta(t, s.scores[k], got[row]/largest, 1e-6, "%s, step %d, item %d", algorithm, n, id)
					proposed[id], least = true, min(least, s.scores[k])
				}
			}
			compared += len(proposed)
			positive := 0
			for row, id := range train.Items() { // and nothing better was left out
				if got[row] > 0 {
					positive++
					require.True(t, proposed[id] || got[row]/largest <= least+1e-6, "%s, step %d, item %d", algorithm, n, id)
				}
			}
			require.Len(t, proposed, min(positive, kept), "%s, step %d", algorithm, n)
		}
		t.Logf("%s: %d scores of %d steps are the same", algorithm, compared, len(steps))
	}
}

// overlap returns the mean share of the first n items of each list that the model has among
// its first n.
func overlap(t *testing.T, m recsys.Retriever, steps []step, n int) float64 {
	sum := 0.0
	for _, s := range steps {
		out := recsys.NewSink(n)
		q := recsys.NewQuery(&recsys.Request{History: clicks(s.current...)}, nil, "test")
		require.NoError(t, m.Retrieve(t.Context(), q, out))
		ids, _ := out.Items()
		want, positive, both := map[recsys.ItemID]bool{}, 0, 0.0
		for k, id := range s.ids[:n] {
			if s.scores[k] > 0 {
				want[id] = true
				positive++
			}
		}
		for _, id := range ids {
			if want[id] {
				both++
			}
		}
		sum += both / float64(max(positive, 1)) / float64(len(steps))
	}
	return sum
}

// Source: the lists of session-rec's V-SKNN, whose settings did not come with them. It weighs
// the items of a session otherwise, so that scores differ.
func TestGoldenVSKNNAgreesWithSessionRec(t *testing.T) {
	in, steps := yoochoose(t, "vsknn")
	cfg := session.VSKNN()
	cfg.Neighbors, cfg.Sample, cfg.IDF = 500, 5000, 5
	share := overlap(t, train(t, in, cfg), steps, 20)
	t.Logf("of the best 20 of %d steps the share in common is %.4f", len(steps), share)
	require.Greater(t, share, 0.93)
}
