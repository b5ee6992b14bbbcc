package hnsw_test

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/hnsw"
)

// Source: Malkov and Yashunin, section 4.1: the level of a row is floor(-ln(u)/ln(M)), so that
// P(level = l) = M^-l (1 - 1/M).
func TestLevelsAreGeometric(t *testing.T) {
	race.SkipSequential(t)
	const n = 200_000
	for _, m := range []int{2, 5, 16, 64} {
		for _, seed := range []uint64{0, 1, 99} {
			var got [40]int
			for row := range uint32(n) {
				got[hnsw.LevelOf(seed, m, row)]++
			}
			chi, cells := 0.0, 0
			left, rest := n, float64(n)
			for l := 0; rest >= 20*float64(m); l++ {
				want := rest * (1 - 1/float64(m))
				chi += (float64(got[l]) - want) * (float64(got[l]) - want) / want
				left, rest = left-got[l], rest/float64(m)
				cells++
			}
			chi += (float64(left) - rest) * (float64(left) - rest) / rest // all higher levels
			df := float64(cells)
			if z := (chi - df) / math.Sqrt(2*df); z > 5 {
				t.Errorf("M %d, seed %d: χ² is %.1f with %v degrees of freedom: %v", m, seed, chi, df, got[:cells+1])
			}
		}
	}
}

// score is what a plain program takes for the nearness of two vectors.
func score(m retrieval.Metric, a, b []float32) float64 {
	s := 0.0
	for i := range a {
		if m == retrieval.L2 {
			d := float64(a[i]) - float64(b[i])
			s -= d * d
		} else {
			s += float64(a[i]) * float64(b[i])
		}
	}
	return s
}

// stored returns the vectors of an index by row.
func stored(t *testing.T, x *hnsw.Index, items []recsys.ItemID) [][]float32 {
	t.Helper()
	rows := make([][]float32, len(items))
	for row, item := range items {
		var ok bool
		if rows[row], ok = x.Vector(nil, item); !ok {
			t.Fatalf("item %d at row %d has no vector", item, row)
		}
	}
	return rows
}

// Source: Malkov and Yashunin, algorithm 4; under inner product by angle.
func TestPruningKeepsWhatAPlainLoopKeeps(t *testing.T) {
	race.SkipSequential(t)
	c := newCatalogue(41, 600, 12, 1)
	r := rand.New(rand.NewPCG(1, 1))
	for _, m := range metrics {
		x := c.build(t, hnsw.Config{Metric: m, EfConstruction: 20})
		vectors := stored(t, x, x.Graph().Items)
		norm := func(row uint32) float64 { return math.Sqrt(score(retrieval.InnerProduct, vectors[row], vectors[row])) }
		near := func(a, b uint32) float64 {
			s := score(m, vectors[a], vectors[b])
			if m == retrieval.InnerProduct {
				s /= norm(a) * norm(b)
			}
			return s
		}
		covered := 0
		for round := range 300 {
			row := r.Uint32N(600)
			var candidates []uint32
			for _, c := range r.Perm(600)[:1+r.IntN(80)] {
				candidates = append(candidates, uint32(c))
			}
			room := 1 + r.IntN(32)
			floor := []int{0, hnsw.Fill(room), room}[round%3]

			order := slices.Clone(candidates)
			slices.SortFunc(order, func(a, b uint32) int {
				return cmp.Compare(score(m, vectors[row], vectors[b]), score(m, vectors[row], vectors[a]))
			})
			var want, rest []uint32
			for _, c := range order {
				switch {
				case len(want) == room || c == row:
				case slices.ContainsFunc(want, func(k uint32) bool { return near(c, k) >= near(c, row) }):
					rest = append(rest, c)
				default:
					want = append(want, c)
				}
			}
			covered += len(rest)
			want = append(want, rest[:min(len(rest), max(0, floor-len(want)))]...)
			if got := x.Prune(row, candidates, room, floor); !slices.Equal(got, want) {
				t.Fatalf("%v: row %d with room %d and floor %d keeps %v of %v; want %v", m, row, room, floor, got, candidates, want)
			}
		}
		if covered < 1000 {
			t.Errorf("%v: only %d candidates are covered by others; the test is void", m, covered)
		}
	}
}

// plainWalk returns the pool of a walk through g in descending order: algorithms 5 and 2 of
// Malkov and Yashunin in the plainest form.
func plainWalk(g *hnsw.Graph, near func(row uint32) float64, ef int) []uint32 {
	at := g.Entry
	for level := len(g.Links[at]) - 1; level > 0; level-- {
		for moved := true; moved; {
			best := at
			for _, to := range g.Links[at][level] {
				if near(to) > near(best) {
					best = to
				}
			}
			at, moved = best, best != at
		}
	}
	visited := map[uint32]bool{}
	expanded := map[uint32]bool{}
	var pool []uint32
	add := func(rows []uint32) {
		for _, row := range rows {
			if !visited[row] {
				visited[row] = true
				pool = append(pool, row)
			}
		}
		slices.SortFunc(pool, func(a, b uint32) int { return cmp.Compare(near(b), near(a)) })
		pool = pool[:min(len(pool), ef)]
	}
	add([]uint32{at})
	add(g.Hubs)
	for {
		i := slices.IndexFunc(pool, func(row uint32) bool { return !expanded[row] })
		if i < 0 {
			return pool
		}
		expanded[pool[i]] = true
		add(g.Links[pool[i]][0])
	}
}

func TestSearchIsAPlainWalk(t *testing.T) {
	race.SkipSequential(t)
	const k, ef = 10, 18
	c := newCatalogue(42, 5000, 12, 40)
	for _, m := range metrics {
		x := c.build(t, hnsw.Config{Metric: m, Quant: hnsw.None, M: 6, EfConstruction: 30})
		g := x.Graph()
		if hubs := len(g.Hubs) > 0; hubs != (m == retrieval.InnerProduct) {
			t.Errorf("%v: %d hubs", m, len(g.Hubs))
		}
		for i := range c.queries.Rows {
			q := c.queries.Row(i)
			scores := make([]float32, len(g.Items))
			if err := x.Score(scores, q, g.Items); err != nil {
				t.Fatal(err)
			}
			pool := plainWalk(g, func(row uint32) float64 { return float64(scores[row]) }, ef)
			var want []retrieval.Neighbor
			for _, row := range pool[:k] {
				want = append(want, retrieval.Neighbor{Item: g.Items[row], Score: scores[row]})
			}
			var stats retrieval.SearchStats
			got, err := x.Search(nil, q, k, retrieval.SearchOptions{Effort: ef, Stats: &stats})
			if err != nil || stats.Plan != "walk" || !slices.Equal(got, want) {
				t.Fatalf("%v, query %d (%s): found %v, %v; want %v", m, i, stats.Plan, got, err, want)
			}
		}
	}
}

// The hubs are the rows of the largest norms, after a build and after any change.
func TestHubsHaveTheLargestNorms(t *testing.T) {
	const n = 1200
	c := newCatalogue(43, n, 8, 1)
	x := c.half().build(t, hnsw.Config{EfConstruction: 30})
	largest := func(items []recsys.ItemID) (norms []float64) {
		for _, item := range items {
			v, _ := x.Vector(nil, item)
			norms = append(norms, -score(retrieval.InnerProduct, v, v))
		}
		slices.Sort(norms)
		return norms[:16]
	}
	hubs := func() []float64 {
		g := x.Graph()
		var items []recsys.ItemID
		for _, row := range g.Hubs {
			items = append(items, g.Items[row])
		}
		return largest(items)
	}
	if want := largest(c.items[:n/2]); !slices.Equal(hubs(), want) {
		t.Errorf("hubs of a build have squared norms %v; want %v", hubs(), want)
	}
	for i := n / 2; i < n; i++ {
		if err := x.Insert(c.items[i], c.vectors.Row(i)); err != nil {
			t.Fatal(err)
		}
	}
	if want := largest(c.items); !slices.Equal(hubs(), want) {
		t.Errorf("hubs after inserts have squared norms %v; want %v", hubs(), want)
	}
	g := x.Graph()
	for _, row := range g.Hubs[:8] {
		if err := x.Delete(g.Items[row]); err != nil {
			t.Fatal(err)
		}
	}
	written(t, x)
	g = x.Graph()
	if len(g.Hubs) != 16 {
		t.Errorf("%d hubs once 8 are deleted; want 16", len(g.Hubs))
	}
	for _, row := range g.Hubs {
		if _, ok := x.Vector(nil, g.Items[row]); !ok {
			t.Errorf("row %d is a hub without an item", row)
		}
	}
}
