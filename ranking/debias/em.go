package debias

import (
	"fmt"

	"github.com/recsyskit/recsys/internal/fmath"
)

// EMConfig configures [EM].
type EMConfig struct {
	// Iterations is how many steps are taken, >= 0; 0 means 200.
	Iterations int
	// Progress, if not nil, is called after each step with the log likelihood before it.
	Progress func(iteration int, logLikelihood float64)
}

// EM fits the position-based model by expectation maximisation, with a relevance of its own for each
// pair, from 0.5 for all, and returns the examination relative to place 0.
//
// Places are comparable only through pairs that were shown at several of them; counts whose places fall
// apart are a [*CountError]. It costs O(counts) for each step.
//
// Source: Wang et al., WSDM 2018, section 3, with relevance per pair; Chuklin, Markov, de Rijke 2015,
// section 4.2.
func EM(counts []Count, cfg EMConfig) (Examination, error) {
	if cfg.Iterations < 0 {
		return nil, fmt.Errorf("debias: EMConfig.Iterations is %d; want >= 0 (0 means 200)", cfg.Iterations)
	}
	if cfg.Iterations == 0 {
		cfg.Iterations = 200
	}
	counts, n, err := places(counts)
	if err != nil {
		return nil, err
	}
	if err := connected(counts, n); err != nil {
		return nil, err
	}
	pair, pairs := numbered(counts)
	m := newPBM(counts, pair, n, len(pairs))
	for i := range cfg.Iterations {
		l := m.step()
		if cfg.Progress != nil {
			cfg.Progress(i+1, l)
		}
	}
	return Examination(m.seen).relative()
}

// numbered returns the number of the pair of each count, and the pairs.
func numbered(counts []Count) (number []int, pairs []Pair) {
	number = make([]int, 0, len(counts))
	each(counts, func(of []Count) {
		for range of {
			number = append(number, len(pairs))
		}
		pairs = append(pairs, of[0].pair())
	})
	return number, pairs
}

// connected checks that chains of pairs join all places to place 0.
func connected(counts []Count, n int) error {
	parent := make([]int, n)
	for k := range parent {
		parent[k] = k
	}
	root := func(k int) int {
		for parent[k] != k {
			parent[k] = parent[parent[k]] // halves the path
			k = parent[k]
		}
		return k
	}
	each(counts, func(pair []Count) {
		for _, c := range pair[1:] {
			a, b := root(pair[0].Position), root(c.Position)
			parent[max(a, b)] = min(a, b)
		}
	})
	for k := range n {
		if root(k) != 0 {
			return &CountError{-1, fmt.Sprintf("no chain of pairs shown at two places joins position %d to position 0", k)}
		}
	}
	return nil
}

// pbm is the position-based model during a fit.
type pbm struct {
	counts       []Count
	pair         []int
	seen, liked  []float64 // by place, by pair
	shown, asked []float64 // impressions by place, by pair
	s, l         []float64 // expected numbers
}

func newPBM(counts []Count, pair []int, n, pairs int) *pbm {
	m := &pbm{
		counts: counts, pair: pair,
		seen: make([]float64, n), liked: make([]float64, pairs),
		shown: make([]float64, n), asked: make([]float64, pairs),
		s: make([]float64, n), l: make([]float64, pairs),
	}
	for k := range m.seen {
		m.seen[k] = 0.5
	}
	for p := range m.liked {
		m.liked[p] = 0.5
	}
	for i, c := range counts {
		m.shown[c.Position] += c.Impressions
		m.asked[pair[i]] += c.Impressions
	}
	return m
}

// step takes one step and returns the log likelihood before it.
func (m *pbm) step() (likelihood float64) {
	likelihood = m.expect()
	for k := range m.seen {
		m.seen[k] = m.s[k] / m.shown[k]
	}
	for p := range m.liked {
		m.liked[p] = m.l[p] / m.asked[p]
	}
	return likelihood
}

// expect computes the expected numbers of examined places and of relevant pairs, and returns
// the log likelihood.
func (m *pbm) expect() (likelihood float64) {
	clear(m.s)
	clear(m.l)
	for i, c := range m.counts {
		e, r := m.seen[c.Position], m.liked[m.pair[i]]
		click := float64(e * r)
		none := 1 - click
		seen, liked := c.Clicks, c.Clicks
		if misses := c.Impressions - c.Clicks; misses > 0 && none > 0 {
			seen += float64(misses * (float64(e*(1-r)) / none))
			liked += float64(misses * (float64(r*(1-e)) / none))
			likelihood += float64(misses * fmath.Log(none))
		}
		if c.Clicks > 0 {
			likelihood += float64(c.Clicks * fmath.Log(click))
		}
		m.s[c.Position] += seen
		m.l[m.pair[i]] += liked
	}
	return likelihood
}
