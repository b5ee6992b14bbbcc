package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/internal/reference"
)

// Source: Ferrari Dacrema et al., TOIS 2021, additional material, tables 4 and 11: EASE with an
// l2 norm of 523. All weights are kept.
func TestGoldenCiteULikeEASEReachesThePublishedFigures(t *testing.T) {
	skipUnderRace(t)
	train := reference.Dir(t, "data", "cf-citeulike-a", "train.txt.gz")
	test := reference.Dir(t, "data", "cf-citeulike-a", "test_neg100.txt.gz")
	if testing.Short() {
		t.Skip("inverts a matrix of 5,551 users")
	}
	got := result(t, "-train", train, "-test", test, "-protocol", "sampled", "-k", "5,10", "-model", "ease", "-regularization", "523")
	for key, want := range map[string]float64{"hr@5": 0.8116, "ndcg@5": 0.6973, "hr@10": 0.8806, "ndcg@10": 0.7197} {
		require.InEpsilon(t, want, got[key], 0.002, key)
	}
}

// Source: as above; PureSVD with 320 factors.
func TestGoldenCiteULikePureSVDReachesThePublishedFigures(t *testing.T) {
	skipUnderRace(t)
	train := reference.Dir(t, "data", "cf-citeulike-a", "train.txt.gz")
	test := reference.Dir(t, "data", "cf-citeulike-a", "test_neg100.txt.gz")
	if testing.Short() {
		t.Skip("decomposes a matrix of 5,551 users and 16,980 items")
	}
	got := result(t, "-train", train, "-test", test, "-protocol", "sampled", "-k", "5,10", "-model", "puresvd", "-factors", "320")
	for key, want := range map[string]float64{"hr@5": 0.7233, "ndcg@5": 0.6020, "hr@10": 0.7954, "ndcg@10": 0.6254} {
		require.InEpsilon(t, want, got[key], 0.01, key)
	}
}
