package main

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// bowl has three parameters that matter and one that does not.
var bowl = []param{
	{name: "x", def: "0.5", lo: 0, hi: 1},
	{name: "y", def: "1", lo: 0.001, hi: 1000, log: true},
	{name: "kind", def: "a", choices: []string{"a", "b", "c"}},
	{name: "idle", def: "5", integer: true, lo: 1, hi: 9},
	{name: "fixed", def: "3"},
	{name: "solver", def: "fast", choices: []string{"fast", "slow"}, still: true},
}

// depth is 0 at its best: x = 0.2, y = 30, kind c.
func depth(s settings) float64 {
	d := math.Pow(s.float("x")-0.2, 2) + math.Pow(math.Log10(s.float("y")/30)/6, 2)
	if s["kind"] != "c" {
		d += 0.2
	}
	return -d
}

func best(seed uint64, n int, given map[string]bool, score func(settings) float64) (settings, float64) {
	start := settings{}
	for i := range bowl {
		start[bowl[i].name] = bowl[i].def
	}
	s := newSearch(rand.New(rand.NewPCG(seed, 1)), bowl, start, given, n)
	var at settings
	top := math.Inf(-1)
	for range n {
		x := s.next()
		v := score(x)
		if s.tell(x, v); v > top {
			at, top = x, v
		}
	}
	return at, top
}

// Against as many random trials, over seeds.
func TestSearchIsBetterThanChance(t *testing.T) {
	const n, seeds = 40, 30
	wins, found := 0, 0.0
	for seed := range uint64(seeds) {
		_, got := best(seed, n, nil, depth)
		rnd := rand.New(rand.NewPCG(seed, 2))
		random := math.Inf(-1)
		for range n {
			s := settings{}
			for i := range bowl[:4] {
				s[bowl[i].name] = bowl[i].at(bowl[i].anywhere(rnd))
			}
			random = max(random, depth(s))
		}
		if got > random {
			wins++
		}
		found += got / seeds
	}
	require.Greater(t, wins, 22, "of %d", seeds)
	require.Greater(t, found, -0.005)
}

func TestSearchKeepsWhatIsGivenAndBeginsWithTheStart(t *testing.T) {
	var seen []settings
	best(3, 20, map[string]bool{"y": true}, func(s settings) float64 {
		require.Equal(t, "1", s["y"])
		require.Equal(t, "3", s["fixed"])
		require.Equal(t, "fast", s["solver"])
		seen = append(seen, s)
		return depth(s)
	})
	require.Equal(t, "0.5", seen[0]["x"])
	require.Equal(t, "a", seen[0]["kind"])
	distinct := map[string]bool{}
	for _, s := range seen {
		distinct[s["x"]+" "+s["kind"]+" "+s["idle"]] = true
	}
	require.Len(t, distinct, 20, "nothing is tried twice")
	// The first trials after the start cover the range.
	low := 0
	for _, s := range seen[1:7] {
		if s.float("x") < 0.5 {
			low++
		}
	}
	require.Equal(t, 3, low)
}

func TestSearchAvoidsWhatFails(t *testing.T) {
	failed := 0
	_, top := best(5, 60, nil, func(s settings) float64 {
		if s.float("x") > 0.6 { // as with a step too long
			failed++
			return math.NaN()
		}
		return depth(s)
	})
	require.Less(t, failed, 14, "of 60; by chance 24")
	require.Greater(t, top, -0.01)
}

func TestSearchOfNothingFree(t *testing.T) {
	given := map[string]bool{}
	for i := range bowl {
		given[bowl[i].name] = true
	}
	at, _ := best(1, 5, given, depth)
	require.Equal(t, "0.5", at["x"])
}

func TestPlacesAreInverse(t *testing.T) {
	p := param{name: "n", lo: 10, hi: 1000, log: true, integer: true}
	require.Equal(t, "10", p.at(0))
	require.Equal(t, "1000", p.at(1))
	require.Equal(t, "100", p.at(0.5))
	require.InDelta(t, 0.5, p.placeOf("100"), 1e-12)
	require.Equal(t, 0.0, p.placeOf("2"))
	require.Equal(t, 1.0, p.placeOf(strconv.Itoa(5000)))
}
