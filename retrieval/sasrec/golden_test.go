package sasrec_test

import (
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/internal/reference"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/sasrec"
)

// beautyRanks returns the rank from 0 of each user's last item among those that are not in the
// history before it, by the released checkpoint of ICLRec; of every step-th user.
func beautyRanks(t *testing.T, step int) []int {
	t.Helper()
	m, err := sasrec.LoadCheckpoint(reference.Dir(t, "data", "seq-beauty", "iclrec_beauty_weights.npz"), 2)
	require.NoError(t, err)
	in, err := retrieval.ReadLists(reference.Open(t, "data", "seq-beauty", "Beauty.txt.gz"), "Beauty.txt.gz", retrieval.ReadOptions{})
	require.NoError(t, err)
	require.Equal(t, m.Items(), in.Items())
	ranks := make([]int, (in.NumUsers()+step-1)/step)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			scores := make([]float32, len(m.Items()))
			for i := int(next.Add(1)) - 1; i < len(ranks); i = int(next.Add(1)) - 1 {
				history := in.History(i * step)
				last := len(history) - 1
				target := history[last].Item
				req := recsys.Request{History: history[:last]}
				assert.NoError(t, m.ScoreItems(t.Context(), recsys.NewQuery(&req, nil, "golden"), m.Items(), scores))
				for _, e := range req.History {
					scores[e.Item-1] = float32(math.Inf(-1))
				}
				for _, x := range scores {
					if x > scores[target-1] {
						ranks[i]++
					}
				}
			}
		})
	}
	wg.Wait()
	return ranks
}

// figures returns HIT and NDCG at a cutoff.
func figures(ranks []int, k int) (hit, ndcg float64) {
	for _, r := range ranks {
		if r < k {
			hit++
			ndcg += 1 / math.Log2(float64(r+2))
		}
	}
	return hit / float64(len(ranks)), ndcg / float64(len(ranks))
}

// The published figures of the checkpoint on its own data.
//
// Source: README of github.com/salesforce/ICLRec.
func TestGoldenCheckpointHasItsPublishedFigures(t *testing.T) {
	if testing.Short() || race.Enabled {
		t.Skip("ranks 12,101 items for 22,363 users; see TestGoldenCheckpointRanks")
	}
	ranks := beautyRanks(t, 1)
	require.Len(t, ranks, 22363)
	for _, want := range []struct {
		k         int
		hit, ndcg float64
	}{{5, 0.0500, 0.0326}, {10, 0.0744, 0.0403}, {20, 0.1058, 0.0483}} {
		hit, ndcg := figures(ranks, want.k)
		t.Logf("HIT@%d %.6f NDCG@%d %.6f", want.k, hit, want.k, ndcg)
		require.InDelta(t, want.hit, hit, 0.5e-4, "HIT@%d", want.k)
		require.InDelta(t, want.ndcg, ndcg, 0.5e-4, "NDCG@%d", want.k)
	}
}

// A part of the users in a moment: their figures are as near to the published ones as so few
// can be, three standard errors.
func TestGoldenCheckpointRanks(t *testing.T) {
	ranks := beautyRanks(t, 100)
	hit, _ := figures(ranks, 20)
	require.InDelta(t, 0.1058, hit, 3*math.Sqrt(0.1058*0.8942/float64(len(ranks))))
}
