package session_test

import (
	"cmp"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/session"
)

// decay is the definition of a [session.Decay].
func decay(d session.Decay, steps, n int) float64 {
	switch d.Form {
	case session.Constant:
		return 1
	case session.Linear:
		return math.Max(0, 1-float64(steps)/10)
	case session.Proportional:
		return 1 - float64(steps)/float64(n)
	case session.Exponential:
		return math.Exp(-float64(steps) / d.Scale)
	case session.Quadratic:
		return math.Pow(1+float64(steps), -2)
	}
	return 1 / (1 + float64(steps))
}

// oracle scores items by the definition of [session.Config], over sets and in float64.
func oracle(lines []items, cfg session.Config, current items) map[recsys.ItemID]float64 {
	known := map[recsys.ItemID]float64{} // sessions with the item
	for _, line := range lines {
		for i := range set(line) {
			known[i]++
		}
	}
	steps := map[recsys.ItemID]int{}
	for k, i := range current {
		if known[i] > 0 {
			steps[i] = len(current) - 1 - k
		}
	}
	type neighbor struct {
		session    int
		similarity float64
	}
	var all []neighbor
	for s := len(lines) - 1; s >= 0 && len(all) < cfg.Sample; s-- {
		shared, sum := false, 0.0
		for i := range set(lines[s]) {
			if at, ok := steps[i]; ok {
				shared, sum = true, sum+decay(cfg.Position, at, len(current))
			}
		}
		if !shared {
			continue
		}
		sum /= math.Pow(float64(len(lines[s])), cfg.Length)
		if cfg.Recency > 0 {
			sum *= math.Exp(-float64(len(lines)-1-s) / float64(len(lines)) / cfg.Recency)
		}
		all = append(all, neighbor{s, sum})
	}
	slices.SortStableFunc(all, func(a, b neighbor) int { return cmp.Compare(b.similarity, a.similarity) })
	out := map[recsys.ItemID]float64{}
	total := 0.0
	for _, n := range all[:min(len(all), cfg.Neighbors)] {
		line := lines[n.session]
		match := -1
		for k, i := range line {
			if at, ok := steps[i]; ok && (match < 0 || at <= steps[line[match]]) {
				match = k
			}
		}
		says := map[recsys.ItemID]float64{}
		for k, j := range line {
			x := n.similarity * decay(cfg.Match, steps[line[match]], len(current))
			x *= decay(cfg.Distance, max(abs(k-match)-1, 0), 0)
			if k < match {
				x *= 1 - cfg.Forward
			}
			x *= 1 + cfg.IDF*math.Log(float64(len(lines))/known[j])
			if _, again := steps[j]; again {
				x *= 1 + cfg.Repeat
			}
			says[j] = max(says[j], x)
		}
		for j, x := range says {
			out[j] += x
			total += x
		}
	}
	for j := range out {
		out[j] /= max(total, math.SmallestNonzeroFloat64)
	}
	return out
}

// seeds returns how many random data sets are compared.
func seeds(n uint64) uint64 {
	if testing.Short() {
		return 1
	}
	return n
}

func set(line items) map[recsys.ItemID]bool {
	s := map[recsys.ItemID]bool{}
	for _, i := range line {
		s[i] = true
	}
	return s
}

func abs(x int) int { return max(x, -x) }

func TestScoresAreThoseOfTheOracle(t *testing.T) {
	exponential := func(scale float64) session.Decay {
		return session.Decay{Form: session.Exponential, Scale: scale}
	}
	linear, share := session.Decay{Form: session.Linear}, session.Decay{Form: session.Proportional}
	for _, cfg := range []session.Config{
		{},
		session.SKNN(),
		session.VSKNN(),
		session.STAN(),
		session.Combined(),
		{Neighbors: 7, Sample: 30, Position: exponential(1.7), Length: 0.3, Match: exponential(3), Distance: linear, Recency: 0.2},
		{Neighbors: 1000, Sample: 13, Position: linear, Match: share, Distance: exponential(0.7), Forward: 0.8, IDF: 0.5, Repeat: 2},
		{Neighbors: 3, Sample: 1000, Position: share, Length: 1, Forward: 1, Repeat: -1, Recency: 1},
	} {
		for seed := range seeds(4) {
			lines := random(seed, 120, 40)
			m := train(t, sequences(t, lines...), cfg)
			of := m.Items()
			for _, current := range random(seed+100, 20, 44) {
				want := oracle(lines, m.Config(), current)
				got := scores(t, m, current, of)
				// Where similarities differ by rounding alone, either neighbour will do.
				for k, i := range of {
					require.InDelta(t, want[i], got[k], 2e-5, "%+v, after %v: item %d", cfg, current, i)
				}
				out := recsys.NewSink(10)
				q := recsys.NewQuery(&recsys.Request{History: clicks(current...)}, nil, "test")
				require.NoError(t, m.Retrieve(t.Context(), q, out))
				ids, values := out.Items()
				best := slices.Clone(of)
				slices.SortStableFunc(best, func(a, b recsys.ItemID) int {
					return cmp.Compare(got[slices.Index(of, b)], got[slices.Index(of, a)])
				})
				for k, id := range ids {
					require.Equal(t, best[k], id)
					require.Equal(t, got[slices.Index(of, id)], float64(values[k]))
				}
			}
		}
	}
}

// rules counts transitions by the definition.
func rules(lines []items, c session.Transitions) map[[2]recsys.ItemID]float64 {
	counts, totals := map[[2]recsys.ItemID]float64{}, map[recsys.ItemID]float64{}
	add := func(from, to recsys.ItemID, x float64) {
		counts[[2]recsys.ItemID{from, to}] += x
		totals[from] += x
	}
	for _, line := range lines {
		for a := range line {
			for b := a + 1; b < len(line) && b-a <= max(c.Gap, 1); b++ {
				x := decay(c.Weight, b-a-1, 0)
				add(line[a], line[b], x)
				if c.Reverse > 0 {
					add(line[b], line[a], x*c.Reverse)
				}
			}
		}
	}
	if !c.Raw {
		for pair := range counts {
			counts[pair] /= totals[pair[0]] + c.Shrinkage
		}
	}
	return counts
}

func TestTransitionsAreThoseOfTheOracle(t *testing.T) {
	for _, c := range []session.Transitions{
		{},
		session.AssociationRules(),
		session.MarkovChain(),
		session.SequentialRules(),
		{Gap: 3, Reverse: 0.3, Shrinkage: 2},
		{Gap: 100, Weight: session.Decay{Form: session.Exponential, Scale: 2}, Raw: true},
		{Gap: 20, Weight: session.Decay{Form: session.Linear}, Reverse: 1},
		{Gap: 4, Weight: session.Decay{Form: session.Quadratic}, Raw: true},
	} {
		c.History = retrieval.History{}
		for seed := range seeds(3) {
			lines := random(seed, 90, 25)
			in := sequences(t, lines...)
			m, err := session.TrainTransitions(t.Context(), in, c)
			require.NoError(t, err)
			want := rules(lines, c)
			for _, i := range in.Items() {
				got := scores(t, m, items{i}, in.Items())
				for k, j := range in.Items() {
					require.InDelta(t, want[[2]recsys.ItemID{i, j}], got[k], 1e-5*max(1, got[k]), "%+v: %d to %d", c, i, j)
				}
			}
		}
	}
}

func TestNeighborsOfTransitionsAreTheLargest(t *testing.T) {
	in := sequences(t, random(2, 90, 25)...)
	all, err := session.TrainTransitions(t.Context(), in, session.Transitions{Gap: 5})
	require.NoError(t, err)
	few, err := session.TrainTransitions(t.Context(), in, session.Transitions{Gap: 5, Neighbors: 3})
	require.NoError(t, err)
	for _, i := range in.Items() {
		require.Equal(t, all.Neighbors(nil, i, 3), few.Neighbors(nil, i, 10))
	}
}
