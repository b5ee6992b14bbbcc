package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/internal/reference"
)

// Source: Ferrari Dacrema et al., TOIS 2021, additional material, tables 4 and 11: CiteULike-a
// in the split of CMN, one positive among 100 given negatives; iALS with 115 factors, linear
// confidence of slope 15.4, λ of 1e-5 and 60 epochs.
func TestGoldenCiteULikeALSReachesThePublishedFigures(t *testing.T) {
	skipUnderRace(t)
	train := reference.Dir(t, "data", "cf-citeulike-a", "train.txt.gz")
	test := reference.Dir(t, "data", "cf-citeulike-a", "test_neg100.txt.gz")
	if testing.Short() {
		t.Skip("60 epochs take some ten seconds")
	}
	got := result(t, "-train", train, "-test", test, "-protocol", "sampled", "-k", "5,10", "-model", "als",
		"-factors", "115", "-alpha", "15.4", "-unobserved", "1", "-regularization", "1e-5", "-nu", "0", "-epochs", "60")
	for key, want := range map[string]float64{"hr@5": 0.8308, "ndcg@5": 0.7085, "hr@10": 0.9006, "ndcg@10": 0.7313} {
		require.InEpsilon(t, want, got[key], 0.01, key)
	}
}
