package sasrec

import (
	"math"

	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval/internal/nn"
)

// validation ranks the events that are held out.
type validation struct {
	t       *trainer
	blocks  []simd.Packed
	workers []*validationScratch
	gains   []float64
}

type validationScratch struct {
	*activations
	users, scores []float32
}

// validationUsers is how many users are scored at a time.
const validationUsers = 64

// run returns the mean NDCG at 10 over the catalogue. Items of the history are not ranked
// where nobody takes an item twice.
func (v *validation) run() float64 {
	t, d := v.t, v.t.cfg.Dim
	n := (t.table.Rows + blockSize - 1) / blockSize
	if v.blocks == nil {
		v.blocks, v.gains = make([]simd.Packed, n), make([]float64, len(t.held))
	}
	t.mean.net.pack(false)
	nn.Each(t.workers, n, func(i int) {
		from, to := i*blockSize, min((i+1)*blockSize, t.table.Rows)
		v.blocks[i].PackT(t.mean.vectors[from*d:to*d], d, to-from, d)
	})
	groups := (len(t.held) + validationUsers - 1) / validationUsers
	workers := min(t.workers, groups)
	for len(v.workers) < workers {
		v.workers = append(v.workers, &validationScratch{
			activations: t.net.newActivations(),
			users:       make([]float32, validationUsers*d),
			scores:      make([]float32, validationUsers*t.table.Rows),
		})
	}
	nn.Each(workers, workers, func(w int) {
		from, to := nn.Bounds(w, workers, groups)
		for i := from; i < to; i++ {
			v.rank(v.workers[w], i*validationUsers, min((i+1)*validationUsers, len(t.held)))
		}
	})
	sum := 0.0
	for _, g := range v.gains {
		sum += g
	}
	return sum / float64(len(v.gains))
}

// rank fills the gains of events from to to-1.
func (v *validation) rank(s *validationScratch, from, to int) {
	t, d, items := v.t, v.t.cfg.Dim, v.t.table.Rows
	for i := from; i < to; i++ {
		t.mean.net.answer(s.users[(i-from)*d:(i-from+1)*d], s.activations, t.held[i].before, t.mean.vectors)
	}
	for i := range v.blocks {
		simd.Gemm(s.scores[i*blockSize:], items, s.users, d, to-from, &v.blocks[i], false)
	}
	for i := from; i < to; i++ {
		scores := s.scores[(i-from)*items : (i-from+1)*items]
		mine := scores[t.held[i].target]
		if !t.repeats {
			for _, item := range t.held[i].before {
				scores[item] = float32(math.Inf(-1))
			}
		}
		rank := 0
		for at, x := range scores {
			if !(x < mine) && at != int(t.held[i].target) {
				rank++
			}
		}
		v.gains[i] = 0
		if rank < 10 {
			v.gains[i] = 1 / math.Log2(float64(rank+2))
		}
	}
}
