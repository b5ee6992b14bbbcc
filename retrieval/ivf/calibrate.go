package ivf

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/kmeans"
	"github.com/recsyskit/recsys/retrieval/vector"
)

const (
	sampleQueries = 256
	reachSteps    = 8 // reach is a multiple of an eighth, up to a half
)

// levels are the numbers of neighbours for which Build measures how many lists hold them.
var levels = [...]int{10, 30, 100, 300, 1000}

// tuning is what Build measured.
type tuning struct {
	// Reach is how far a query is expected to reach into a list; see coarse.aim.
	Reach float32
	// Lists is how many lists hold the share Config.Recall of the 10, 30, 100, 300 and
	// 1,000 nearest neighbours.
	Lists [len(levels)]int
	// Filtered is Lists for the share that filtered searches aim at.
	Filtered [len(levels)]int
}

// listsFor returns how many lists hold the k nearest, by what was measured at levels: on a
// line through the points around k in logarithmic scales.
func listsFor(measured *[len(levels)]int, k float64) int {
	if k <= float64(levels[0]) {
		return measured[0]
	}
	i := 1
	for i < len(levels)-1 && k > float64(levels[i]) {
		i++
	}
	lo, hi := float64(levels[i-1]), float64(levels[i])
	x := (math.Log(k) - math.Log(lo)) / (math.Log(hi) - math.Log(lo))
	a, b := math.Log(float64(measured[i-1])), math.Log(float64(measured[i]))
	return int(min(math.Ceil(math.Exp(a+x*(b-a))-1e-9), maxLists))
}

// calibrate measures how many lists searches must read, with the order of lists for which
// they are fewest.
func (b *builder) calibrate(ix *Index) error {
	st := *ix.state.Load()
	best := tuning{Reach: 0.25}
	for i := range levels {
		best.Lists[i], best.Filtered[i] = 1, 1
	}
	if st.items > 0 {
		s := &sampler{b: b, ix: ix, state: &st, queries: b.sampleQueries(&st)}
		if err := s.truth(); err != nil {
			return err
		}
		for step := range reachSteps/2 + 1 {
			t, err := s.measure(float32(step) / reachSteps)
			if err != nil {
				return err
			}
			if step == 0 || t.cost() < best.cost() {
				best = t
			}
		}
	}
	c := *st.coarse
	c.aim(best.Reach)
	st.coarse, st.tuning = &c, best
	ix.state.Store(&st)
	b.progress("calibrate", 1, 1)
	return nil
}

// cost is what calibrate minimises.
func (t *tuning) cost() int { return t.Lists[0] + t.Filtered[0] }

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

// sampler measures on sample queries in which lists the true neighbours are.
type sampler struct {
	b       *builder
	ix      *Index
	state   *state
	queries vector.Matrix
	near    [][]uint32 // for each query the rows nearest to it, the best first
}

// truth finds the nearest rows by comparing everything.
func (s *sampler) truth() error {
	const tile = 64
	k := min(levels[len(levels)-1], s.state.items)
	s.near = make([][]uint32, s.queries.Rows)
	return kmeans.Each(s.b.ctx, s.b.cfg.Workers, s.queries.Rows, 4, func(lo, hi int) {
		var found [4]candidates
		for i := range found[:hi-lo] {
			found[i].reset(k)
		}
		var out [tile]float32
		for at := 0; at < s.state.items; at += tile {
			out := out[:min(tile, s.state.items-at)]
			for i := range found[:hi-lo] {
				s.scores(out, s.queries.Row(lo+i), at)
				for j, v := range out {
					if !(v < found[i].floor) {
						found[i].add(uint32(at+j), v, v)
					}
				}
				if len(found[i].rows) > 4*k {
					found[i].settle()
				}
			}
		}
		for i := range found[:hi-lo] {
			s.near[lo+i] = found[i].sorted(k)
		}
	})
}

// scores computes the scores of the rows from at on.
func (s *sampler) scores(out, q []float32, at int) {
	rows, d := s.state.base[at*s.b.dim:], s.b.dim
	if !s.ix.l2() {
		simd.DotBatch(out, q, rows, d)
		return
	}
	simd.L2SqBatch(out, q, rows, d)
	for i, v := range out {
		out[i] = -v
	}
}

// sorted returns the k rows with the greatest upper ends, the greatest first.
func (c *candidates) sorted(k int) []uint32 {
	c.settle()
	order := make([]int, len(c.rows))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(x, y int) int {
		return cmp.Or(cmp.Compare(c.upper[y], c.upper[x]), cmp.Compare(c.rows[x], c.rows[y]))
	})
	rows := make([]uint32, min(k, len(order)))
	for i := range rows {
		rows[i] = c.rows[order[i]]
	}
	return rows
}

// measure returns how many lists searches need with a reach.
func (s *sampler) measure(reach float32) (tuning, error) {
	c := *s.state.coarse
	c.aim(reach)
	lists := c.centroids.Rows
	places := make([][]int32, s.queries.Rows) // in the order of lists, of each near row's
	err := kmeans.Each(s.b.ctx, s.b.cfg.Workers, s.queries.Rows, 8, func(lo, hi int) {
		var o order
		o.promise = make([]float32, lists)
		dots, place := make([]float32, lists), make([]int32, lists)
		for i := lo; i < hi; i++ {
			q := s.queries.Row(i)
			c.promises(o.promise, dots, q, norm(q))
			o.reset(lists)
			for p := range int32(lists) {
				list, _ := o.take()
				place[list] = p
			}
			places[i] = make([]int32, len(s.near[i]))
			for j, row := range s.near[i] {
				places[i][j] = place[s.ix.owner[row]]
			}
		}
	})
	if err != nil {
		return tuning{}, err
	}
	t := tuning{Reach: reach}
	at := make([]int, lists)
	for i, level := range levels {
		clear(at)
		total := 0
		for _, p := range places {
			for _, place := range p[:min(level, len(p))] {
				at[place]++
				total++
			}
		}
		t.Lists[i] = covering(at, total, s.b.cfg.Recall)
		t.Filtered[i] = covering(at, total, max(s.b.cfg.Recall, filterRecall))
	}
	return t, nil
}

// covering returns how many elements it takes from the front to hold a share of the total.
func covering(at []int, total int, share float64) int {
	sum := 0
	for i, n := range at {
		sum += n
		if float64(sum) >= share*float64(total) {
			return i + 1
		}
	}
	return len(at)
}
