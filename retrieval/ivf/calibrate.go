package ivf

import (
	"math"
	"math/rand/v2"

	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/kmeans"
	"github.com/recsyskit/recsys/retrieval/vector"
)

const (
	sampleQueries = 256
	sampleK       = 10
	reachSteps    = 32 // reach is a multiple of 1/32
)

// calibrate measures the least reach with which searches find what Config.Recall asks for.
func (b *builder) calibrate(ix *Index) error {
	st := *ix.state.Load()
	st.tuning = tuning{Reach: 1, FilteredReach: 1, Scanned: 1}
	if st.items > 0 {
		s := &sampler{b: b, ix: ix, state: &st, queries: b.sampleQueries(&st)}
		if err := s.truth(); err != nil {
			return err
		}
		var err error
		if st.tuning.Reach, err = s.least(b.cfg.Recall); err != nil {
			return err
		}
		_, scanned, err := s.recall(st.tuning.Reach)
		if err != nil {
			return err
		}
		st.tuning.Scanned = float32(scanned)
		if st.tuning.FilteredReach, err = s.least(max(b.cfg.Recall, filterRecall)); err != nil {
			return err
		}
	}
	ix.state.Store(&st)
	b.progress("calibrate", 1, 1)
	return nil
}

// sampleQueries returns queries as the metric takes them: given ones, drawn evenly, or
// mixtures of one to four directions that vectors have.
func (b *builder) sampleQueries(st *state) vector.Matrix {
	random := rand.New(rand.NewPCG(b.cfg.Seed, 0x717565726965))
	out := vector.NewMatrix(sampleQueries, b.dim)
	for i := range out.Rows {
		q := out.Row(i)
		if b.cfg.Queries.Rows > 0 {
			copy(q, b.cfg.Queries.Row(random.IntN(b.cfg.Queries.Rows)))
		} else {
			b.mixture(q, st, random)
		}
		if b.cfg.Metric == retrieval.Cosine {
			vector.Normalize(q)
		}
	}
	return out
}

func (b *builder) mixture(q []float32, st *state, random *rand.Rand) {
	sum := make([]float64, len(q))
	total := 0.0
	for range 1 + random.IntN(4) {
		x := st.vector(uint32(random.IntN(int(st.baseRows))), b.dim)
		w := random.ExpFloat64()
		total += w
		if n := norm(x); b.spherical && n > 0 {
			w /= n
		}
		for j, v := range x {
			sum[j] += float64(w * float64(v))
		}
	}
	for j, v := range sum {
		q[j] = float32(v / total)
	}
}

// sampler measures searches of sample queries.
type sampler struct {
	b       *builder
	ix      *Index
	state   *state
	queries vector.Matrix
	floor   []float32 // the k-th score of each query
}

// truth computes the k-th scores by comparing everything.
func (s *sampler) truth() error {
	s.floor = make([]float32, s.queries.Rows)
	return kmeans.Each(s.b.ctx, s.b.cfg.Workers, s.queries.Rows, 4, func(lo, hi int) {
		const tile = 64
		var found [4]candidates
		for i := range found[:hi-lo] {
			found[i].reset(min(sampleK, s.state.items))
		}
		var out [tile]float32
		d := s.b.dim
		for at := 0; at < s.state.items; at += tile {
			out := out[:min(tile, s.state.items-at)]
			for i := range found[:hi-lo] {
				rows := s.state.base[at*d:]
				if s.ix.l2() {
					simd.L2SqBatch(out, s.queries.Row(lo+i), rows, d)
				} else {
					simd.DotBatch(out, s.queries.Row(lo+i), rows, d)
				}
				for _, v := range out {
					if s.ix.l2() {
						v = -v
					}
					if v > found[i].floor {
						found[i].add(0, v, v)
					}
				}
				found[i].rows, found[i].upper = found[i].rows[:0], found[i].upper[:0]
			}
		}
		for i := range found[:hi-lo] {
			s.floor[lo+i] = found[i].heap[0]
		}
	})
}

// least returns the least reach that finds a share of the true neighbours; 1 if none does.
func (s *sampler) least(share float64) (float32, error) {
	lo, hi := 0, reachSteps // hi is enough
	for lo < hi {
		mid := (lo + hi) / 2
		got, _, err := s.recall(float32(mid) / reachSteps)
		if err != nil {
			return 0, err
		}
		if got >= share {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return float32(lo) / reachSteps, nil
}

// recall returns the share of the true neighbours that are found with a reach, and the
// share of the vectors that are compared.
func (s *sampler) recall(reach float32) (recall, scanned float64, err error) {
	st := *s.state
	st.tuning.Reach = reach
	n := s.queries.Rows
	hits, reads := make([]int, n), make([]int, n)
	err = kmeans.Each(s.b.ctx, s.b.cfg.Workers, n, 8, func(lo, hi int) {
		scratch := s.ix.readers.enter()
		defer s.ix.readers.leave(scratch)
		for i := lo; i < hi; i++ {
			run := search{scratch: scratch, ix: s.ix, state: &st}
			run.plan(s.queries.Row(i), min(sampleK, st.items), &retrieval.SearchOptions{})
			for _, f := range scratch.best.heap {
				if f.Score >= s.floor[i] {
					hits[i]++
				}
			}
			reads[i] = run.scanned
		}
	})
	hit, read := 0, 0
	for i := range hits {
		hit += min(hits[i], sampleK)
		read += reads[i]
	}
	want := math.Max(1, float64(n*min(sampleK, st.items)))
	return float64(hit) / want, float64(read) / float64(n) / float64(max(1, st.items)), err
}
