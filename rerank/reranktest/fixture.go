package reranktest

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
)

// Option changes what a suite checks, and on which tables.
type Option func(*options)

type options struct {
	columns []recsys.Column
	fill    func(r *rand.Rand, c *recsys.Candidates)
	greedy  bool
	allows  func(c *recsys.Candidates, k int, order, slate []int32) bool
}

// WithColumns makes the tables have these columns instead of those of [Columns]. fill writes
// the values and missing bits of all rows; nil means [Fill].
func WithColumns(columns []recsys.Column, fill func(r *rand.Rand, c *recsys.Candidates)) Option {
	return func(o *options) {
		o.columns = columns
		if fill != nil {
			o.fill = fill
		}
	}
}

// Greedy says that a re-ranker builds its list through [recsys.Candidates.Slate], so that
// the suite checks that constraints hold on the way.
func Greedy() Option { return func(o *options) { o.greedy = true } }

// Rule tells the suite of a constraint what the constraint means: allows reports
// whether a slate, of at most k rows of order, may stand. For a rule on full slates, such as a
// floor, a shorter one may stand if it can still be completed. The suite then checks that the
// constraint clears exactly the rows that it must, and that a claim to be hereditary is true.
func Rule(allows func(c *recsys.Candidates, k int, order, slate []int32) bool) Option {
	return func(o *options) { o.allows = allows }
}

// Now is the time of the suites' requests.
var Now = time.Unix(1_700_000_000, 0).UTC()

// Columns returns the columns of the suites' tables.
func Columns() []recsys.Column {
	return []recsys.Column{
		{Name: "embedding", Kind: recsys.Vector, Dim: 8},
		{Name: "creator", Kind: recsys.ID},   // one of about n/4
		{Name: "category", Kind: recsys.ID},  // 0, 1, 2 or 3
		{Name: "published", Kind: recsys.ID}, // Unix seconds, up to 100 hours before Now
		{Name: "age", Kind: recsys.Float},    // hours, up to 100
		{Name: "locale", Kind: recsys.ID, Scope: recsys.PerRequest},
	}
}

// Fill writes random values into all columns: those of [Columns] as said there, others by
// their kind. Of about every eighth row nothing is known.
func Fill(r *rand.Rand, c *recsys.Candidates) {
	n := c.Len()
	known := map[int]bool{} // groups whose missing bits are drawn
	for _, f := range c.Schema().Fields() {
		if f.Scope != recsys.PerItem {
			continue
		}
		missing := c.Missing(f.Group)
		for i := range n {
			if !known[f.Group] && r.IntN(8) > 0 {
				missing.Clear(i)
			}
		}
		known[f.Group] = true
		for i := range n {
			if missing.Has(i) {
				continue
			}
			switch f.Kind {
			case recsys.Vector:
				for j := range c.Vector(f.Index, i) {
					c.Vector(f.Index, i)[j] = float32(r.NormFloat64())
				}
			case recsys.ID:
				c.IDColumn(f.Index)[i] = someID(r, f.Name, n)
			case recsys.Float:
				c.Row(i)[f.Index] = float32(100 * r.Float64())
			}
		}
	}
}

func someID(r *rand.Rand, column string, n int) uint64 {
	switch column {
	case "creator":
		return r.Uint64N(uint64(n)/4 + 1)
	case "published":
		return uint64(Now.Unix()) - r.Uint64N(100*3600)
	}
	return r.Uint64N(4)
}

// input is one call of a re-ranker or one slate to be filled.
type input struct {
	q     *recsys.Query
	c     *recsys.Candidates
	order []int32 // with room behind it that belongs to nobody
}

// shape is what an input is made from, so that equal ones can be made again.
type shape struct {
	n, k   int
	scores string // "spread", "ties", "flat", "nan"
	part   bool   // the order holds only some of the rows
	seed   uint64
}

// shapes returns the inputs of the suites: sizes around the word of a bit set, K from 0 to
// beyond the rows. Under the race detector, which looks for something else, they are fewer.
func shapes() []shape {
	var out []shape
	sizes := []int{1, 2, 3, 7, 20, 63, 64, 65, 200}
	if race.Enabled {
		sizes = []int{1, 3, 7, 20, 65}
	}
	kinds := [...]string{"spread", "ties", "flat", "nan"}
	for i, n := range sizes {
		for j, k := range []int{0, 1, 3, 10, n, n + 5} {
			for v := range 2 { // both of a size, all four over all sizes
				out = append(out, shape{n, k, kinds[(i+j+2*v)%4], (i+2*j)%3 == 1, uint64(i*100 + 10*j + v)})
			}
		}
	}
	return out
}

// input makes the table, its request and its order.
func (s *suite[S]) input(x shape) input {
	r := rand.New(rand.NewPCG(x.seed, uint64(x.n)))
	ids := r.Perm(10 * x.n)[:x.n]
	items := make([]recsys.ItemID, x.n)
	for i, id := range ids {
		items[i] = recsys.ItemID(id)
	}
	c := recsys.NewCandidates(s.schema, items)
	s.fill(r, c)
	order := make([]int32, 0, x.n+4)
	for i := range x.n {
		score := float32(r.NormFloat64())
		switch x.scores {
		case "ties":
			score = float32(r.IntN(3))
		case "flat":
			score = 0.5
		case "nan":
			if r.IntN(3) == 0 {
				score = float32(math.NaN())
			}
		}
		c.Scores()[i], c.Utility()[i] = score, score
		if score != score {
			c.Utility()[i] = float32(math.Inf(-1))
		}
		if !x.part || i == 0 || r.IntN(3) > 0 {
			order = append(order, int32(i))
		}
	}
	slices.SortFunc(order, func(a, b int32) int {
		switch u, v := c.Utility()[a], c.Utility()[b]; {
		case u > v, u == v && items[a] < items[b]:
			return -1
		}
		return 1
	})
	spare := order[len(order):cap(order)]
	for i := range spare {
		spare[i] = sentinel
	}
	q := recsys.NewQuery(&recsys.Request{ID: "suite", User: 7, K: x.k, Now: Now, Seed: 1}, s.schema, "suite")
	return input{q, c, order}
}

// sentinel stands in memory that a stage must not write.
const sentinel = -77

// digest lists the bits of everything in the table but the utilities.
func digest(c *recsys.Candidates) []uint64 {
	var out []uint64
	floats := func(v []float32) {
		for _, x := range v {
			out = append(out, uint64(math.Float32bits(x)))
		}
	}
	for _, id := range c.IDs() {
		out = append(out, uint64(id))
	}
	floats(c.Floats())
	floats(c.Scores())
	floats(c.MergeScores())
	groups := 0
	for _, f := range c.Schema().Fields() {
		groups = max(groups, f.Group+1)
		switch {
		case f.Kind == recsys.ID:
			out = append(out, c.IDColumn(f.Index)...)
		case f.Kind == recsys.Vector && f.Scope == recsys.PerItem:
			v, _ := c.Vectors(f.Index)
			floats(v)
		}
	}
	for g := range groups {
		out = append(append(out, c.Missing(g)...), c.Stale(g)...)
	}
	for i := range c.Len() {
		floats(c.HeadRow(i))
	}
	return out
}
