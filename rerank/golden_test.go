package rerank_test

import (
	"encoding/json"
	"math"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/internal/reference"
	"github.com/recsyskit/recsys/rerank"
)

// TestGoldenMMR takes every file of golden/rerank whose cases have the key "sim": relevance, vectors,
// lambda and k, with the order and the score of each step.
func TestGoldenMMR(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(reference.Dir(t, "golden", "rerank"), "*.json"))
	require.NoError(t, err)
	found := 0
	for _, path := range files {
		var file struct{ Cases []json.RawMessage }
		require.NoError(t, json.NewDecoder(reference.Open(t, "golden", "rerank", filepath.Base(path))).Decode(&file), path)
		for i, raw := range file.Cases {
			var kind struct{ Sim *string }
			require.NoError(t, json.Unmarshal(raw, &kind), "%s, case %d", path, i)
			if kind.Sim == nil {
				continue
			}
			var c struct {
				Rel          []float64
				Emb          [][]float64
				Lam          float64
				K            int
				Sim          string
				FirstPenalty float64 `json:"first_penalty"`
				Order        []int32
				Scores       []float64
			}
			require.NoError(t, json.Unmarshal(raw, &c), "%s, case %d", path, i)
			found++
			require.Equal(t, "cosine", c.Sim, "%s, case %d: a similarity that this test does not know", path, i)
			require.Zero(t, c.FirstPenalty, "%s, case %d", path, i)
			var flat []float64
			for _, row := range c.Emb {
				flat = append(flat, row...)
			}
			sim, err := rerank.Cosine(flat, len(c.Emb[0]))
			require.NoError(t, err)
			order, scores, err := rerank.SelectMMR(c.Rel, sim, c.Lam, c.K)
			require.NoError(t, err)
			require.Equal(t, c.Order, order, "%s, case %d", path, i)
			for j, want := range c.Scores {
				if math.Abs(scores[j]-want) > 1e-10*max(1, math.Abs(want)) {
					t.Errorf("%s, case %d, step %d: score %.17g; want %.17g", path, i, j, scores[j], want)
				}
			}
		}
	}
	if found == 0 {
		t.Skip("golden/rerank has no file of cases with the key sim")
	}
	t.Logf("%d cases", found)
}
