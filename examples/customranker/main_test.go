package main

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/ranking/rankingtest"
)

func TestTasteRankerConforms(t *testing.T) {
	rankingtest.Run(t, func(*testing.T) recsys.Ranker { return TasteRanker{HalfLife: 12} }, columns...)
}

func TestTasteRankerPrefersWhatIsFreshShortAndLiked(t *testing.T) {
	s, err := recsys.NewSchema(recsys.SchemaConfig{Columns: columns})
	if err != nil {
		t.Fatal(err)
	}
	r, err := recsys.Bind[recsys.Ranker](TasteRanker{HalfLife: 12}, s)
	if err != nil {
		t.Fatal(err)
	}
	rows := [][]float32{{10, 5, 0}, {5, 5, 0}, {10, 2, 0}, {10, 5, 1}}
	c := recsys.NewCandidates(s, []recsys.ItemID{1, 2, 3, 4})
	for i, row := range rows {
		copy(c.Row(i), row)
	}
	out := recsys.NewScores(len(rows), 0)
	if err := r.Rank(t.Context(), nil, c, out); err != nil {
		t.Fatal(err)
	}
	for i := 1; i < len(rows); i++ {
		if out.Score[i] <= out.Score[0] {
			t.Errorf("%v scores %v, %v scores %v; want more", rows[i], out.Score[i], rows[0], out.Score[0])
		}
	}
}

func TestBuildReportsWhatTheRankerLacks(t *testing.T) {
	_, err := recsys.NewPipeline(
		recsys.Retrieve("newest", recsys.RetrieverFunc(newest)),
		recsys.Features(recsys.FeatureFunc{Cols: columns[:1], Func: features}),
		recsys.Rank(TasteRanker{}),
	).Build()
	for _, want := range []string{"HalfLife must be above 0", "minutes", "topic_taste"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want one that names %s", err, want)
		}
	}
}

func Example() {
	if err := run(context.Background(), os.Stdout); err != nil {
		panic(err)
	}
	// Output:
	// 1. The city's new tram  0.455
	// 2. Cup final report     0.275
	// 3. Bread without yeast  0.250
}
