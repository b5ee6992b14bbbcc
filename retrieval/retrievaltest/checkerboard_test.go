package retrievaltest_test

import (
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/retrievaltest"
)

// board is the model that knows the answer: the share of colour and number.
type board struct {
	blind bool // to colour
}

func (b board) score(q *recsys.Query, i int) float32 {
	var same float32
	for _, e := range q.History {
		if b.blind || (int(e.Item)-70_000)/7%2 == i%2 {
			same++
		}
	}
	if len(q.History) == 0 {
		for _, id := range q.Items {
			if b.blind || (int(id)-70_000)/7%2 == i%2 {
				same++
			}
		}
	}
	return same
}

func (b board) Retrieve(_ context.Context, q *recsys.Query, out *recsys.Sink) error {
	var ids []int
	for i := range 50 {
		if b.score(q, i) > 0 {
			ids = append(ids, i)
		}
	}
	slices.SortStableFunc(ids, func(i, j int) int { return int(b.score(q, j) - b.score(q, i)) })
	for _, i := range ids {
		out.Add(recsys.ItemID(70_000+7*i), b.score(q, i))
	}
	return nil
}

func (b board) ScoreItems(_ context.Context, q *recsys.Query, items []recsys.ItemID, dst []float32) error {
	for k, id := range items {
		dst[k] = b.score(q, (int(id)-70_000)/7)
	}
	return nil
}

func TestCheckerboardIsSolvedByTheModelOfColours(t *testing.T) {
	retrievaltest.Checkerboard{FoldIn: true}.Run(t, func(*testing.T, *retrieval.Interactions) recsys.Retriever { return board{} })
}

func TestCheckerboardFindsModelsThatDoNotSeeIt(t *testing.T) {
	popular := func(in *retrieval.Interactions) recsys.Retriever {
		p, err := retrieval.NewPopular(in, retrieval.PopularConfig{})
		require.NoError(t, err)
		return p
	}
	models := map[string]func(*retrieval.Interactions) recsys.Retriever{
		"blind":   func(*retrieval.Interactions) recsys.Retriever { return board{blind: true} },
		"empty":   func(*retrieval.Interactions) recsys.Retriever { return empty() },
		"popular": popular,
	}
	for name, model := range models {
		var cases []string
		for _, v := range (retrievaltest.Checkerboard{FoldIn: true}).Check(model) {
			if !slices.Contains(cases, v.Case) {
				cases = append(cases, v.Case)
			}
		}
		want := []string{"missing-item", "missing-item-scores-best", "new-user", "item-page"}
		if name == "empty" {
			want = []string{"missing-item", "new-user", "item-page"}
		}
		require.Equal(t, want, cases, name)
	}
}

func TestCheckerboardIsWhatItSays(t *testing.T) {
	in := retrievaltest.Checkerboard{Size: 6}.Interactions()
	require.Equal(t, 6, in.NumUsers())
	require.Equal(t, 6, in.NumItems())
	require.Equal(t, 6*6/2-6, in.Len())
	for u := range 6 {
		items, _ := in.ByUser().Row(u)
		var want []int32
		for i := range int32(6) {
			if int(i)%2 == u%2 && int(i) != u {
				want = append(want, i)
			}
		}
		require.Equal(t, want, items)
	}
}
