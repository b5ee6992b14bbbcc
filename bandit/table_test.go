package bandit_test

import (
	"cmp"
	"math/rand/v2"
	"slices"

	"github.com/recsyskit/recsys"
)

// table returns candidates with the given utilities, items 1000, 1001, …, and
// their order: by utility, ties by item.
func table(utility []float32, rules ...recsys.Constraint) (*recsys.Candidates, []int32) {
	items, order := make([]recsys.ItemID, len(utility)), make([]int32, len(utility))
	for i := range items {
		items[i], order[i] = recsys.ItemID(1000+i), int32(i)
	}
	c := recsys.NewCandidates(nil, items)
	copy(c.Utility(), utility)
	slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(utility[b], utility[a]) })
	c.Constrain(rules...)
	return c, order
}

func query(seed uint64) *recsys.Query {
	return recsys.NewQuery(&recsys.Request{ID: "r", Seed: seed, K: 1}, nil, "explore/test")
}

// normal returns n utilities of standard deviation sd.
func normal(r *rand.Rand, n int, sd float64) []float32 {
	u := make([]float32, n)
	for i := range u {
		u[i] = float32(sd * r.NormFloat64())
	}
	return u
}

// maxPer allows at most n rows of each class, as a cap per creator does. It is hereditary.
type maxPer struct {
	class []int32
	n     int
}

func (maxPer) Hereditary() bool { return true }

func (m maxPer) Restrict(_ *recsys.Candidates, _ int, slate []int32, admissible recsys.Bits) {
	if len(slate) == 0 {
		return
	}
	last, have := m.class[slate[len(slate)-1]], 0
	for _, row := range slate {
		if m.class[row] == last {
			have++
		}
	}
	if have < m.n {
		return
	}
	for i, x := range m.class {
		if x == last {
			admissible.Clear(i)
		}
	}
}

// apart keeps two rows of one class from following each other: it re-admits rows.
type apart struct{ class []int32 }

func (a apart) Restrict(_ *recsys.Candidates, _ int, slate []int32, admissible recsys.Bits) {
	if len(slate) == 0 {
		return
	}
	last := a.class[slate[len(slate)-1]]
	for i, x := range a.class {
		if x == last {
			admissible.Clear(i)
		}
	}
}

// classes returns a class of m for each of n rows.
func classes(r *rand.Rand, n, m int) []int32 {
	class := make([]int32, n)
	for i := range class {
		class[i] = int32(r.IntN(m))
	}
	return class
}

// randomRules returns up to three constraints, some of which re-admit rows.
func randomRules(r *rand.Rand, n int) []recsys.Constraint {
	var rules []recsys.Constraint
	for range r.IntN(4) {
		if class := classes(r, n, 1+r.IntN(6)); r.IntN(2) == 0 {
			rules = append(rules, maxPer{class, 1 + r.IntN(4)})
		} else {
			rules = append(rules, apart{class})
		}
	}
	return rules
}
