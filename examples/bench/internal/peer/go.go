package peer

import (
	"github.com/coder/hnsw"
	"github.com/viterin/vek/vek32"

	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/vector"
)

func goKinds() []Kind {
	return []Kind{
		{Name: "vek32 loop", Efforts: []int{0}, Build: buildVek},
		{Name: "coder/hnsw", Efforts: Pools, Slow: true, Build: buildCoder},
	}
}

// vekScan is a loop of vek32.Dot or vek32.Distance over all rows.
type vekScan struct {
	base vector.Matrix
	l2   bool
}

func buildVek(base vector.Matrix, c Config) (Index, error) {
	return &vekScan{base, c.Metric == retrieval.L2}, nil
}

func (s *vekScan) Search(ids []int32, queries vector.Matrix, k, _ int) {
	best := make([]candidate, 0, k)
	for q := range queries.Rows {
		best = best[:0]
		for i := range s.base.Rows {
			var x float32
			if s.l2 {
				x = -vek32.Distance(queries.Row(q), s.base.Row(i))
			} else {
				x = vek32.Dot(queries.Row(q), s.base.Row(i))
			}
			best = keep(best, k, candidate{x, int32(i)})
		}
		fill(ids[q*k:(q+1)*k], best)
	}
}

func (s *vekScan) Close() {}

// candidate is a row with its score.
type candidate struct {
	score float32
	row   int32
}

// keep inserts a candidate into the k best, sorted.
func keep(best []candidate, k int, c candidate) []candidate {
	if len(best) == k {
		if c.score <= best[k-1].score {
			return best
		}
		best = best[:k-1]
	}
	best = append(best, c)
	for i := len(best) - 1; i > 0 && best[i-1].score < c.score; i-- {
		best[i], best[i-1] = best[i-1], best[i]
	}
	return best
}

func fill(ids []int32, best []candidate) {
	for i := range ids {
		ids[i] = -1
		if i < len(best) {
			ids[i] = best[i].row
		}
	}
}

// coderGraph is github.com/coder/hnsw.
type coderGraph struct{ graph *hnsw.Graph[int32] }

func buildCoder(base vector.Matrix, c Config) (Index, error) {
	g := hnsw.NewGraph[int32]()
	g.M = c.M
	g.EfSearch = c.Pool // it builds with the pool that it searches with
	g.Distance = hnsw.EuclideanDistance
	if c.Metric != retrieval.L2 {
		g.Distance = func(a, b []float32) float32 { return -vek32.Dot(a, b) }
	}
	for i := range base.Rows {
		g.Add(hnsw.MakeNode(int32(i), base.Row(i)))
	}
	return &coderGraph{g}, nil
}

func (g *coderGraph) Search(ids []int32, queries vector.Matrix, k, effort int) {
	g.graph.EfSearch = effort
	for q := range queries.Rows {
		out := ids[q*k : (q+1)*k]
		for i := range out {
			out[i] = -1
		}
		for i, n := range g.graph.Search(queries.Row(q), k) {
			out[i] = n.Key
		}
	}
}

func (g *coderGraph) Close() {}
