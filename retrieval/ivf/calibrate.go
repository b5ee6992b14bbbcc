package ivf

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/kmeans"
	"github.com/recsyskit/recsys/retrieval/internal/topk"
	"github.com/recsyskit/recsys/retrieval/vector"
)

const (
	givenQueries = 1024 // of the configuration's at most
	madeQueries  = 512
	reachSteps   = 8 // reach is a multiple of an eighth, up to a half
)

// levels are the numbers of neighbours for which Build measures how many lists hold them.
var levels = [...]int{10, 30, 100, 300, 1000}

// tuning is what Build measured.
type tuning struct {
	// Items is how many there were.
	Items int
	// Reach is how far a query is expected to reach into a list; see coarse.aim.
	Reach float32
	// Lists is how many lists hold the share Config.Recall of the 10, 30, 100, 300 and
	// 1,000 nearest neighbours.
	Lists [len(levels)]int
	// Filtered is Lists for the share that filtered searches aim at.
	Filtered [len(levels)]int
	// Rescore is how many candidates for each result PQ compares at full precision.
	Rescore int
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
// they are fewest. The state is not yet shared.
func (b *builder) calibrate(ix *Index, st *state) error {
	best := tuning{Reach: 0.25}
	for i := range levels {
		best.Lists[i], best.Filtered[i] = 1, 1
	}
	s := &sampler{}
	if st.items > 0 {
		s = &sampler{b: b, ix: ix, state: st, queries: b.sampleQueries(ix.sample, st)}
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
	st.coarse.aim(best.Reach)
	best.Items, best.Rescore = st.items, 1
	st.tuning = best
	if err := b.rescoring(ix, st, s); err != nil {
		return err
	}
	b.progress("calibrate", 1, 1)
	return nil
}

// cost is what calibrate minimises.
func (t *tuning) cost() int { return t.Lists[0] + t.Filtered[0] }

// drawQueries returns a copy of the queries that the configuration gives, or as many as
// there may be, drawn evenly. There may be none.
func (b *builder) drawQueries() vector.Matrix {
	random := rand.New(rand.NewPCG(b.cfg.Seed, 0x71756572))
	from := b.cfg.Queries
	out := vector.NewMatrix(min(from.Rows, givenQueries), b.dim)
	taken := 0
	for i := 0; taken < out.Rows; i++ {
		// Each set of so many queries is as likely as the others.
		if random.IntN(from.Rows-i) < out.Rows-taken {
			copy(out.Row(taken), from.Row(i))
			taken++
		}
	}
	return out
}

// sampleQueries returns queries as the metric takes them: given ones, or mixtures of one
// to four directions that vectors have.
func (b *builder) sampleQueries(given vector.Matrix, st *state) vector.Matrix {
	random := rand.New(rand.NewPCG(b.cfg.Seed, 0x717565726965))
	out := vector.NewMatrix(madeQueries, b.dim)
	if given.Rows > 0 {
		out = vector.From(slices.Clone(given.Data), b.dim)
	}
	for i := range out.Rows {
		q := out.Row(i)
		if given.Rows == 0 {
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
		var l *list
		for n := st.coarse.centroids.Rows; ; {
			// Each list as likely as the others: rare directions are asked for as well.
			if l = st.lists.at(uint32(random.IntN(n))); l.len() > 0 {
				break
			}
		}
		x := st.vector(l.rows[random.IntN(len(l.rows))], b.dim)
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
	k := min(levels[len(levels)-1], s.state.items)
	s.near = make([][]uint32, s.queries.Rows)
	return kmeans.Each(s.b.ctx, s.b.cfg.Workers, s.queries.Rows, 4, func(lo, hi int) {
		var found [4]candidates
		for i := range found[:hi-lo] {
			found[i].reset(k)
		}
		var out []float32
		for c := range uint32(s.state.coarse.centroids.Rows) {
			l := s.state.lists.at(c)
			out = grow(out, len(l.rows))
			for i := range found[:hi-lo] {
				s.state.scores(out, s.queries.Row(lo+i), l.rows, s.ix.l2())
				for slot, v := range out {
					if !(v < found[i].floor) {
						found[i].add(l.rows[slot], v, v)
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

// sorted returns the k rows with the greatest upper ends, the greatest first, equal ones by
// row.
func (c *candidates) sorted(k int) []uint32 {
	c.settle()
	keys := make([]uint64, len(c.rows))
	for i, row := range c.rows {
		keys[i] = topk.Key(c.upper[i], int32(row))
	}
	keys = topk.Best(keys, k)
	rows := make([]uint32, len(keys))
	for i, key := range keys {
		rows[i] = uint32(topk.Position(key))
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
		place := make([]int32, lists)
		for i := lo; i < hi; i++ {
			q := s.queries.Row(i)
			o.reset(&c, q, nil, norm(q), lists)
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
	for i, level := range levels {
		t.Lists[i] = covering(places, level, lists, s.b.cfg.Recall)
		t.Filtered[i] = covering(places, level, lists, max(s.b.cfg.Recall, filterRecall))
	}
	return t, nil
}

// covering returns how many of the lists hold a share of the first level places of a query,
// on average over queries like those measured: a standard error more than on these.
func covering(places [][]int32, level, lists int, share float64) int {
	start, total := make([]int, lists+1), 0
	for _, p := range places {
		p = p[:min(level, len(p))]
		for _, place := range p {
			start[place]++
		}
		total += len(p)
	}
	for c, at := 0, 0; c <= lists; c++ {
		start[c], at = at, at+start[c]
	}
	query := make([]int32, total) // of each place, by place
	for i, p := range places {
		for _, place := range p[:min(level, len(p))] {
			query[start[place]] = int32(i)
			start[place]++ // in the end the start of the next
		}
	}
	found, n := make([]int, len(places)), float64(len(places))
	sum, squares, at := 0.0, 0.0, 0
	for c := range lists {
		for ; at < start[c]; at++ {
			i := query[at]
			all := float64(min(level, len(places[i])))
			sum += 1 / all
			squares += float64(2*found[i]+1) / (all * all)
			found[i]++
		}
		mean := sum / n
		if at == total || mean-math.Sqrt(max(0, squares/n-mean*mean)/n) >= share {
			return c + 1
		}
	}
	return lists
}

// rescoring chooses how many candidates PQ compares again: the fewest with which searches
// find nearly what they find with 64 for each result.
func (b *builder) rescoring(ix *Index, st *state, s *sampler) error {
	const loss, most = 0.002, 64
	if b.cfg.Codes != PQ || st.items == 0 {
		return nil
	}
	if st.tuning.Rescore = b.cfg.Rescore; b.cfg.Rescore > 0 {
		return nil
	}
	all, err := s.hits(most)
	if err != nil {
		return err
	}
	for per := 2; ; per *= 2 {
		st.tuning.Rescore = per
		got, err := s.hits(per)
		if err != nil || per == most || float64(got) >= (1-loss)*float64(all) {
			return err
		}
	}
}

// hits returns how many of the nearest rows searches find with so many candidates for each
// result.
func (s *sampler) hits(rescore int) (int, error) {
	got := make([]int, s.queries.Rows)
	st := *s.state
	st.tuning.Rescore = rescore
	k := min(levels[0], st.items)
	err := kmeans.Each(s.b.ctx, s.b.cfg.Workers, s.queries.Rows, 8, func(lo, hi int) {
		memory := s.ix.readers.enter()
		defer s.ix.readers.leave(memory)
		for i := lo; i < hi; i++ {
			run := search{scratch: memory, ix: s.ix, state: &st, limit: st.limit(s.ix.dim)}
			run.answer(s.queries.Row(i), k, &retrieval.SearchOptions{Effort: st.tuning.Filtered[0]})
			last := score(s.queries.Row(i), st.vector(s.near[i][k-1], s.ix.dim), s.ix.l2())
			for _, n := range memory.best.heap {
				if n.Score >= last {
					got[i]++
				}
			}
		}
	})
	sum := 0
	for _, n := range got {
		sum += n
	}
	return sum, err
}
