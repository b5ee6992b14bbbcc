package twotower

import (
	"math"
	"math/rand/v2"

	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval/internal/topk"
)

// mine adds the hard negatives: of even draws those that score highest, by the vectors of the
// last epoch, for one of the first users of the batch.
func (t *trainer) mine(step int) {
	h := t.cfg.HardNegatives
	if h == 0 || t.vectors.Rows == 0 {
		return
	}
	const draws, share = 8, 8
	b, dim, n := &t.batch, t.cfg.Dim, len(t.items)
	rng := rand.New(rand.NewPCG(t.cfg.Seed, hash.Combine(stepSeed, uint64(step), 1)))
	t.pool = t.pool[:0]
	t.poolRows = grow(t.poolRows, draws*h*dim)
	for i := range draws * h {
		item := int32(rng.IntN(n))
		t.pool = append(t.pool, item)
		copy(t.poolRows[i*dim:], t.vectors.Row(int(item)))
	}
	users := max(len(b.examples)/share, 1)
	t.poolUsers.PackT(b.user, dim, users, dim)
	t.poolKeys = t.poolKeys[:0]
	t.poolLogits = grow(t.poolLogits, rowsPerShard*users)
	for from := 0; from < len(t.pool); from += rowsPerShard {
		rows := min(rowsPerShard, len(t.pool)-from)
		simd.Gemm(t.poolLogits, users, t.poolRows[from*dim:], dim, rows, &t.poolUsers, false)
		for r := range rows {
			t.poolKeys = append(t.poolKeys, topk.Key(simd.Max(t.poolLogits[r*users:(r+1)*users]), int32(from+r)))
		}
	}
	absent := math.Pow(1-1/float64(n), float64(max(t.cfg.Negatives, 0)+len(t.pool)))
	for _, key := range topk.Best(t.poolKeys, h) {
		item := t.pool[topk.Position(key)]
		if at := b.add(item); int(at) == len(b.logq) {
			b.logq = append(b.logq, 0)
		}
		b.logq[b.place[item]-1] = t.logq(item, absent)
	}
	b.scaled = grow(b.scaled, len(b.candidates)*dim)
}
