package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/internal/reference"
)

// Source: Ferrari Dacrema et al., TOIS 2021, additional material, tables 4 and 10: CiteULike-a
// in the split of CMN, one positive among 100 given negatives. Their figures leave the order
// of ties to the sort, ours are expectations; on these files that is a matter of 0.0002.
func TestGoldenCiteULikeNeighborsAndWalksReachThePublishedFigures(t *testing.T) {
	skipUnderRace(t)
	train := reference.Dir(t, "data", "cf-citeulike-a", "train.txt.gz")
	test := reference.Dir(t, "data", "cf-citeulike-a", "test_neg100.txt.gz")
	args := []string{"-train", train, "-test", test, "-protocol", "sampled", "-k", "5,10", "-model"}
	got := result(t, append(args, "itemknn", "-neighbors", "594", "-shrinkage", "999", "-weighting", "tfidf")...)
	require.Equal(t, 5551., got["users"])
	require.Equal(t, 199435., got["train"])
	for key, want := range map[string]float64{"hr@5": 0.8247, "ndcg@5": 0.7045, "hr@10": 0.8925, "ndcg@10": 0.7267} {
		require.InDelta(t, want, got[key], 0.001, key)
	}
	for model, row := range map[string]struct {
		flags []string
		want  map[string]float64
	}{
		"rp3beta": {
			[]string{"-neighbors", "764", "-alpha", "0.7110", "-beta", "0.2297"},
			map[string]float64{"hr@5": 0.8326, "ndcg@5": 0.7227, "hr@10": 0.9002, "ndcg@10": 0.7447},
		},
		"p3alpha": {
			[]string{"-neighbors", "653", "-alpha", "0.6310"},
			map[string]float64{"hr@5": 0.8272, "ndcg@5": 0.7144, "hr@10": 0.8971, "ndcg@10": 0.7370},
		},
	} {
		got = result(t, append(append(args, model), row.flags...)...)
		for key, want := range row.want {
			require.InEpsilon(t, want, got[key], 0.005, "%s %s", model, key)
		}
	}
	got = result(t, append(args, "popular")...)
	for key, want := range map[string]float64{"hr@5": 0.1810, "ndcg@5": 0.1226, "hr@10": 0.2774, "ndcg@10": 0.1537} {
		require.InDelta(t, want, got[key], 0.002, key)
	}
}

// skipUnderRace skips what is long and adds nothing to find races in.
func skipUnderRace(t *testing.T) {
	t.Helper()
	if race.Enabled {
		t.Skip("takes minutes under the race detector")
	}
}

// Source: the popularity row of the LightGCN split of Gowalla, recomputed with numpy on the
// same files: 0.0416, 0.0317.
func TestGoldenGowallaPopularIsTheKnownRow(t *testing.T) {
	skipUnderRace(t)
	train := reference.Dir(t, "data", "cf-gowalla", "train.txt.gz")
	test := reference.Dir(t, "data", "cf-gowalla", "test.txt.gz")
	if testing.Short() {
		t.Skip("ranks 40,981 items for 29,858 users")
	}
	got := result(t, "-train", train, "-test", test, "-model", "popular")
	require.InDelta(t, 0.0416, got["recall@20"], 0.0001)
	require.InDelta(t, 0.0317, got["ndcg@20"], 0.0001)
	require.Equal(t, 29858., got["users"])
	require.Equal(t, 40981., got["items"])
	require.Equal(t, 810128., got["train"])
	require.Equal(t, 217242., got["test"])
}
