package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/internal/reference"
)

// skipLong skips what is long and adds nothing to find races in.
func skipLong(t *testing.T) {
	t.Helper()
	if race.Enabled || testing.Short() {
		t.Skip("ranks the whole catalogue for thousands of sequences")
	}
}

// Source: figures of a chain of item to item counts, recomputed with numpy on the same file.
// There equal scores are in the order of the ids, also those of 0, which is worth 0.0008 of the
// hit rate at 10 and takes 0.0004 from that at 5; here a tie gives its expectation.
func TestGoldenBeautyMarkovReachesTheKnownFigures(t *testing.T) {
	skipLong(t)
	data := reference.Dir(t, "data", "seq-beauty", "Beauty.txt.gz")
	got := result(t, "-data", data, "-model", "markov")
	require.Equal(t, 22363., got["test"])
	require.Equal(t, 12101., got["items"])
	for key, want := range map[string]float64{
		"hr@5": 0.0626, "ndcg@5": 0.0473, "hr@10": 0.0837, "ndcg@10": 0.0541, "hr@20": 0.1072, "ndcg@20": 0.0600,
	} {
		require.InDelta(t, want, got[key], 0.001, key)
	}
	got = result(t, "-data", data, "-model", "markov", "-gap", "20", "-reverse", "0.3")
	for key, want := range map[string]float64{"hr@5": 0.0711, "ndcg@5": 0.0533, "hr@10": 0.0925, "ndcg@10": 0.0602} {
		require.InDelta(t, want, got[key], 0.0005, key)
	}
}

// Source: S-KNN measured on the same files; sampled tests spread by half a point.
func TestGoldenDigineticaNeighborsReachTheKnownFigures(t *testing.T) {
	skipLong(t)
	train := reference.Dir(t, "data", "sess-diginetica", "train_sessions.txt.gz")
	test := reference.Dir(t, "data", "sess-diginetica", "test.txt.gz")
	for model, want := range map[string][2]float64{"sknn": {0.5028, 0.1713}, "combined": {0.5366, 0.1896}} {
		got := result(t, "-train", train, "-test", test, "-format", "sessions", "-k", "20", "-model", model, "-eval-users", "4000")
		require.Equal(t, 186670., got["users"])
		require.Equal(t, 43097., got["items"])
		require.InDelta(t, want[0], got["hr@20"], 0.02, model)
		require.InDelta(t, want[1], got["mrr@20"], 0.015, model)
	}
}
