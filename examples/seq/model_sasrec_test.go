package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/internal/reference"
)

// quick are settings for little data.
var quick = []string{"-model", "sasrec", "-dim", "16", "-layers", "1", "-hidden", "16", "-learning-rate", "0.01", "-dropout", "0", "-batch", "64"}

func TestSASRecFindsTheWay(t *testing.T) {
	data := steps(t, 300)
	path := filepath.Join(t.TempDir(), "model")
	want := result(t, append(quick, "-data", data, "-epochs", "12", "-save", path)...)
	require.Greater(t, want["hr@5"], 0.8)
	require.Equal(t, want, result(t, "-model", "sasrec", "-data", data, "-load", path))
	args := append(quick, "-data", data, "-epochs", "3", "-loss", "bce", "-norm", "post", "-activation", "relu", "-train-negatives", "20", "-workers")
	require.Equal(t, result(t, append(args, "1")...), result(t, append(args, "3")...))
}

func TestSASRecTellsOfItsEpochs(t *testing.T) {
	sessions := file(t, "1 2 3\n2 3 4\n3 4 1\n4 1 2\n1 2 3\n2 3 4\n3 4 1\n4 1 2\n1 2 3 4 1\n2 3 4\n3 4 1\n")
	code, _, stderr := seq(append(quick, "-train", sessions, "-test", sessions, "-format", "sessions", "-epochs", "2")...)
	require.Zero(t, code, stderr)
	require.Contains(t, stderr, "epoch 1/2: loss ")
	require.Contains(t, stderr, "on all data, epoch 1/", "what was held out is the newest, and learned in the end")
	code, _, stderr = seq(append(quick, "-train", sessions, "-test", sessions, "-format", "sessions", "-epochs", "2", "-refit", "no")...)
	require.Zero(t, code, stderr)
	require.NotContains(t, stderr, "on all data")
	require.Contains(t, stderr, "ndcg@10")
	code, _, stderr = seq(append(quick, "-train", sessions, "-test", sessions, "-format", "sessions", "-epochs", "2", "-validation", "0", "-temperature", "0.1")...)
	require.Zero(t, code, stderr)
	require.Contains(t, stderr, "epoch 2/2: loss ")
	require.NotContains(t, stderr, "on all data", "it was learned from the start")
	require.NotContains(t, stderr, "ndcg@10")
	code, _, stderr = seq("-model", "sasrec", "-data", sessions, "-dim", "10", "-heads", "3")
	require.Equal(t, 2, code)
	require.Contains(t, stderr, "-heads is 3; want a divisor of -dim, which is 10")
	bad := filepath.Join(filepath.Dir(file(t, "")), "f.npz")
	code, _, stderr = seq("-model", "sasrec", "-data", sessions, "-load", bad)
	require.Equal(t, 2, code)
	require.Contains(t, stderr, bad)
}

// Source: README of github.com/salesforce/ICLRec; here for a part of the users, as near as so
// few can be. Package sasrec has the test of all.
func TestGoldenSASRecCheckpoint(t *testing.T) {
	weights := reference.Dir(t, "data", "seq-beauty", "iclrec_beauty_weights.npz")
	got := result(t, "-data", reference.Dir(t, "data", "seq-beauty", "Beauty.txt.gz"), "-model", "sasrec", "-load", weights, "-eval-users", "2000")
	require.Equal(t, 2000., got["test"])
	require.InDelta(t, 0.1058, got["hr@20"], 0.02)
	require.InDelta(t, 0.0483, got["ndcg@20"], 0.01)
}
