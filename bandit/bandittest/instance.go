package bandittest

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"

	"github.com/recsyskit/recsys"
)

// instance is a small table with constraints.
type instance struct {
	name    string
	utility []float32
	k       int
	rules   []recsys.Constraint
}

// schema has a column of each kind and a head, so that there is something that
// an explorer must not write.
var schema = sync.OnceValue(func() *recsys.Schema {
	s, err := recsys.NewSchema(recsys.SchemaConfig{
		Columns: schemaColumns(),
		Heads:   []string{"head"},
		Sources: []string{"source"},
	})
	if err != nil {
		panic(err)
	}
	return s
})

func schemaColumns() []recsys.Column {
	return []recsys.Column{{Name: "float"}, {Name: "id", Kind: recsys.ID}, {Name: "vector", Kind: recsys.Vector, Dim: 2}}
}

// table returns the candidates of in and their order: by utility, then by item.
func (in *instance) table() (*recsys.Candidates, []int32) {
	n := len(in.utility)
	items, order := make([]recsys.ItemID, n), make([]int32, n)
	for i := range items {
		items[i], order[i] = recsys.ItemID(1000+i), int32(i)
	}
	c := recsys.NewCandidates(schema(), items)
	copy(c.Utility(), in.utility)
	copy(c.Scores(), in.utility)
	for i := range items {
		x := float32(i)
		c.Row(i)[0], c.HeadRow(i)[0], c.IDColumn(0)[i] = x, x, uint64(i)
		copy(c.Vector(0, i), []float32{x, -x})
	}
	slices.SortStableFunc(order, func(a, b int32) int {
		switch x, y := in.utility[a], in.utility[b]; {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	c.Constrain(in.rules...)
	return c, order
}

func (in *instance) query(seed uint64) *recsys.Query {
	req := &recsys.Request{ID: "request", User: 7, Surface: "home", K: in.k, Seed: seed}
	q := recsys.NewQuery(req, schema(), "explore/"+in.name)
	q.Seed = seed // NewQuery takes 0 for unset
	return q
}

// Three settings: without constraints, with caps, and with a rule that re-admits rows.

func (p *probe) free() *instance {
	return &instance{name: "free", utility: utilities(7, p.Spread), k: 4}
}

func (p *probe) capped() *instance {
	return &instance{name: "capped", utility: utilities(7, p.Spread), k: 4, rules: []recsys.Constraint{atMost(2, 3), atMost(3, 2)}}
}

// readmitting has three kinds of rows. Two would not do: where slates alternate between
// two disjoint sets, each is consumed in its own order, and noise that is drawn once is
// right.
func (p *probe) readmitting() *instance {
	return &instance{name: "readmitting", utility: utilities(7, p.Spread), k: 4, rules: []recsys.Constraint{apart(3)}}
}

func (p *probe) settings() []*instance {
	return []*instance{p.free(), p.capped(), p.readmitting()}
}

// tiny returns settings with at most 24 slates each.
func (p *probe) tiny() []*instance {
	u := utilities(7, p.Spread)[:4]
	return []*instance{
		{name: "tiny", utility: u, k: 3},
		{name: "tiny, capped", utility: u, k: 3, rules: []recsys.Constraint{atMost(3, 1)}},
		{name: "tiny, readmitting", utility: u, k: 3, rules: []recsys.Constraint{apart(3)}},
	}
}

// sized returns the settings for any n and k, utilities from a seed.
func (p *probe) sized(n, k int) []*instance {
	r := rand.New(rand.NewPCG(p.Seed, uint64(n)))
	u := make([]float32, n)
	for i := range u {
		u[i] = float32(p.Spread * r.Float64())
	}
	return []*instance{
		{name: "free", utility: u, k: k},
		{name: "capped", utility: u, k: k, rules: []recsys.Constraint{atMost(3, 2), atMost(5, 4)}},
		{name: "readmitting", utility: u, k: k, rules: []recsys.Constraint{apart(3)}},
	}
}

// utilities returns n utilities over the given range, neither sorted nor evenly spaced.
func utilities(n int, spread float64) []float32 {
	u := make([]float32, n)
	for i := range u {
		x := float64(i*3%n) / float64(n-1)
		u[i] = float32(spread * x * (0.5 + x/2))
	}
	return u
}

// atMost allows at most n rows of each residue modulo m. It is hereditary.
func atMost(m, n int) recsys.Constraint { return capRule{m, n} }

type capRule struct{ m, n int }

func (capRule) Hereditary() bool { return true }

func (r capRule) Restrict(c *recsys.Candidates, _ int, slate []int32, admissible recsys.Bits) {
	if len(slate) == 0 {
		return
	}
	last, have := int(slate[len(slate)-1])%r.m, 0
	for _, row := range slate {
		if int(row)%r.m == last {
			have++
		}
	}
	for i := last; have >= r.n && i < c.Len(); i += r.m {
		admissible.Clear(i)
	}
}

// apart keeps two rows of one residue modulo m from following each other: it re-admits
// rows.
func apart(m int) recsys.Constraint {
	return recsys.ConstraintFunc(func(c *recsys.Candidates, _ int, slate []int32, admissible recsys.Bits) {
		if len(slate) == 0 {
			return
		}
		for i := int(slate[len(slate)-1]) % m; i < c.Len(); i += m {
			admissible.Clear(i)
		}
	})
}

// yielding lets other goroutines run in the middle of a call; it clears nothing.
var yielding = recsys.ConstraintFunc(func(*recsys.Candidates, int, []int32, recsys.Bits) {
	for range 3 {
		runtime.Gosched()
	}
})

// admissible returns the rows that may come after prefix, which itself can come.
func (in *instance) admissible(c *recsys.Candidates, order, prefix []int32) []int32 {
	s := c.Slate(in.k, order)
	for _, row := range prefix {
		s.Next()
		s.Pick(row, 1)
	}
	var rows []int32
	if s.Next() {
		for i := s.Admissible().Next(0); i >= 0; i = s.Admissible().Next(i + 1) {
			rows = append(rows, int32(i))
		}
	}
	return rows
}

// walk calls f for every prefix that can come, with the rows that may follow it: none
// after a complete slate. f must keep neither.
func (in *instance) walk(f func(prefix, next []int32)) {
	c, order := in.table()
	var visit func(prefix []int32)
	visit = func(prefix []int32) {
		next := in.admissible(c, order, prefix)
		f(prefix, next)
		for _, row := range next {
			visit(append(prefix[:len(prefix):len(prefix)], row))
		}
	}
	visit(nil)
}
