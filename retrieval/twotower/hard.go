package twotower

import (
	"math/rand/v2"

	"github.com/recsyskit/recsys/internal/fmath"
	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval/internal/topk"
)

// miner is the memory of mining hard negatives.
type miner struct {
	items  []int32   // drawn
	rows   []float32 // their vectors
	scores []float32
	keys   []uint64
	users  simd.Packed
}

// mine adds the hard negatives: of even draws those that score highest, by the vectors of the
// last epoch, for one of the first users of the batch.
func (t *trainer) mine(step int) {
	h := t.cfg.HardNegatives
	if h == 0 || t.vectors.Rows == 0 {
		return
	}
	const draws, share = 8, 8
	b, m, dim, n := &t.batch, &t.miner, t.cfg.Dim, len(t.items)
	rng := rand.New(rand.NewPCG(t.cfg.Seed, hash.Combine(stepSeed, uint64(step), 1)))
	m.items = m.items[:0]
	m.rows = grow(m.rows, draws*h*dim)
	for i := range draws * h {
		item := int32(rng.IntN(n))
		m.items = append(m.items, item)
		copy(m.rows[i*dim:], t.vectors.Row(int(item)))
	}
	users := max(len(b.examples)/share, 1)
	m.users.PackT(b.user, dim, users, dim)
	m.keys = m.keys[:0]
	m.scores = grow(m.scores, rowsPerShard*users)
	for from := 0; from < len(m.items); from += rowsPerShard {
		rows := min(rowsPerShard, len(m.items)-from)
		simd.Gemm(m.scores, users, m.rows[from*dim:], dim, rows, &m.users, false)
		for r := range rows {
			m.keys = append(m.keys, topk.Key(simd.Max(m.scores[r*users:(r+1)*users]), int32(from+r)))
		}
	}
	absent := fmath.Pow(1-1/float64(n), float64(max(t.cfg.Negatives, 0)+len(m.items)))
	for _, key := range topk.Best(m.keys, h) {
		item := m.items[topk.Position(key)]
		if at := b.add(item); int(at) == len(b.logq) {
			b.logq = append(b.logq, 0)
		}
		b.logq[b.place[item]-1] = t.logq(item, absent)
	}
	b.scaled = grow(b.scaled, len(b.candidates)*dim)
}
