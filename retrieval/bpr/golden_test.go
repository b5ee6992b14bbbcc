package bpr_test

import (
	"bufio"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/reference"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/bpr"
)

// On the visits of a web site, with one visit of each user held out, every loss finds it among
// the first ten more often than popularity does.
func TestGoldenVisitsAreFoundMoreOftenThanByPopularity(t *testing.T) {
	if testing.Short() {
		t.Skip("trains on 84,000 visits")
	}
	lines := bufio.NewScanner(reference.Open(t, "data", "msweb", "users.txt.gz"))
	var r retrieval.Records
	for user := recsys.UserID(0); lines.Scan(); user++ {
		for _, f := range strings.Fields(lines.Text()) {
			item, err := strconv.ParseUint(f, 10, 64)
			require.NoError(t, err)
			r.Users, r.Items = append(r.Users, user), append(r.Items, recsys.ItemID(item))
		}
	}
	require.NoError(t, lines.Err())
	in, err := retrieval.NewInteractions(r, retrieval.SumWeights)
	require.NoError(t, err)
	train, test, err := in.SplitLast(1)
	require.NoError(t, err)
	hits := func(model recsys.Retriever) float64 {
		found, n := 0.0, 0.0
		for u := 0; u < in.NumUsers(); u += 7 { // a sample
			held, _ := test.ByUser().Row(u)
			history := train.History(u)
			if len(held) == 0 || len(history) < 2 {
				continue
			}
			n++
			req := recsys.Request{User: in.Users()[u], History: history}
			out := recsys.NewSink(10 + len(history))
			require.NoError(t, model.Retrieve(t.Context(), recsys.NewQuery(&req, nil, "x"), out))
			items, _ := out.Items()
			items = slices.DeleteFunc(slices.Clone(items), func(id recsys.ItemID) bool {
				return slices.ContainsFunc(history, func(e recsys.Event) bool { return e.Item == id })
			})
			if slices.Contains(items[:min(10, len(items))], in.Items()[held[0]]) {
				found++
			}
		}
		return found / n
	}
	popular, err := retrieval.NewPopular(train, retrieval.PopularConfig{})
	require.NoError(t, err)
	floor := hits(popular)
	for _, loss := range losses {
		m, err := bpr.Train(t.Context(), train, bpr.Config{Loss: loss, Factors: 16, Epochs: 8})
		require.NoError(t, err)
		got := hits(m)
		t.Logf("%v: hit rate at 10 is %.4f, popularity %.4f", loss, got, floor)
		require.Greater(t, got, floor+0.03)
	}
}
