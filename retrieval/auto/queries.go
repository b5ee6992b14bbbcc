package auto

import (
	"math"
	"math/rand/v2"

	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// group is queries of one kind. The recall must hold for each group by itself, so that one
// that is easy does not make up for another.
type group struct {
	kind    string
	queries vector.Matrix
	few     bool                                    // given, but not enough to show the recall
	truth   [1 + len(shares)][][]retrieval.Neighbor // without a filter, then by filter
}

const (
	samplesGiven = 1024
	samplesDrawn = 512 // of each kind
)

// enough returns how many queries it takes to show a recall; see estimate.
func enough(recall float64) int { return int(math.Ceil(2 / (1 + tolerance - recall))) }

// groups returns the queries to measure with: some of those given and, where those are too few,
// queries that are made up.
//
// A search for an item is easier than one for a user: the item lies amid its neighbours, and a
// graph was built by such searches. So two kinds are as far from the items as users of the
// sets that were tried: an item with isotropic noise of its own length, and the point halfway
// between two items, by direction where lengths do not matter to a query. On ten sets with users
// of their own the worse of the two needed more effort than the users at nearly every recall.
func (c *Config) groups(vectors vector.Matrix) []*group {
	r := rand.New(rand.NewPCG(c.Seed, 0x9e3779b97f4a7c15))
	size := func(byDefault int) int {
		if c.Samples > 0 {
			byDefault = c.Samples
		}
		return max(byDefault, enough(c.Recall))
	}
	var groups []*group
	if c.Queries.Rows > 0 {
		rows := r.Perm(c.Queries.Rows)
		g := &group{kind: "given", queries: pick(c.Queries, rows[:min(len(rows), size(samplesGiven))])}
		if g.few = g.queries.Rows < enough(c.Recall); !g.few {
			return []*group{g}
		}
		groups = append(groups, g)
	}
	if vectors.Rows == 0 {
		return groups
	}
	draw := func() vector.Matrix {
		rows := make([]int, size(samplesDrawn))
		for i := range rows {
			rows[i] = r.IntN(vectors.Rows)
		}
		return pick(vectors, rows)
	}
	items, noisy, between := draw(), draw(), draw()
	var from []float64 // lengths are taken from here
	if c.Metric == retrieval.L2 {
		from = mean(vectors)
	}
	for i := range noisy.Rows {
		addNoise(noisy.Row(i), from, r)
	}
	for i := range between.Rows {
		middle(between.Row(i), vectors.Row(r.IntN(vectors.Rows)), c.Metric != retrieval.L2)
	}
	return append(groups, &group{kind: "items", queries: items}, &group{kind: "items with noise", queries: noisy}, &group{kind: "between items", queries: between})
}

// pool returns the queries of all groups.
func pool(groups []*group) vector.Matrix {
	var all vector.Matrix
	for _, g := range groups {
		all = vector.From(append(all.Data, g.queries.Data...), g.queries.Dim)
	}
	return all
}

// pick returns a copy of some rows.
func pick(from vector.Matrix, rows []int) vector.Matrix {
	m := vector.NewMatrix(len(rows), from.Dim)
	for i, row := range rows {
		copy(m.Row(i), from.Row(row))
	}
	return m
}

func mean(m vector.Matrix) []float64 {
	sum := make([]float64, m.Dim)
	for i := range m.Rows {
		for j, x := range m.Row(i) {
			sum[j] += float64(x)
		}
	}
	for j := range sum {
		sum[j] /= float64(m.Rows)
	}
	return sum
}

// addNoise adds normal noise that is about as long as q is from a point; nil is the origin.
func addNoise(q []float32, from []float64, r *rand.Rand) {
	square := 0.0
	for j, x := range q {
		d := float64(x)
		if from != nil {
			d -= from[j]
		}
		square += float64(d * d)
	}
	scale := math.Sqrt(square / float64(len(q)))
	for j, x := range q {
		q[j] = finite(float64(x)+float64(scale*r.NormFloat64()), x)
	}
}

// middle sets q halfway between q and x, both of length 1 first if directions count.
func middle(q, x []float32, directions bool) {
	a, b := 1.0, 1.0
	if directions {
		a, b = length(q), length(x)
	}
	if a == 0 || b == 0 {
		return
	}
	for j, y := range x {
		q[j] = finite(float64(float64(q[j])/a)+float64(float64(y)/b), q[j]) / 2
	}
}

func length(x []float32) float64 {
	square := 0.0
	for _, v := range x {
		square += float64(v) * float64(v)
	}
	return math.Sqrt(square)
}

// finite returns x as a float32, or instead where that overflows.
func finite(x float64, instead float32) float32 {
	if y := float32(x); y-y == 0 {
		return y
	}
	return instead
}
