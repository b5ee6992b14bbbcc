package hyper_test

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/examples/internal/hyper"
)

// bowl has three parameters that matter and one that does not.
var bowl = hyper.Params{
	{Name: "x", Default: "0.5", Lo: 0, Hi: 1},
	{Name: "y", Default: "1", Lo: 0.001, Hi: 1000, Log: true},
	{Name: "kind", Default: "a", Choices: []string{"a", "b", "c"}},
	{Name: "idle", Default: "5", Integer: true, Lo: 1, Hi: 9},
	{Name: "fixed", Default: "3"},
	{Name: "solver", Default: "fast", Choices: []string{"fast", "slow"}, Still: true},
}

// depth is 0 at its best: x = 0.2, y = 30, kind c.
func depth(s hyper.Settings) float64 {
	d := math.Pow(s.Float("x")-0.2, 2) + math.Pow(math.Log10(s.Float("y")/30)/6, 2)
	if s["kind"] != "c" {
		d += 0.2
	}
	return -d
}

func best(seed uint64, n int, given map[string]string, score func(hyper.Settings) float64) (hyper.Settings, float64) {
	start := hyper.Settings{}
	for i := range bowl {
		start[bowl[i].Name] = bowl[i].Default
	}
	s := hyper.NewSearch(rand.New(rand.NewPCG(seed, 1)), bowl, start, given, n)
	var at hyper.Settings
	top := math.Inf(-1)
	for range n {
		x := s.Next()
		v := score(x)
		if s.Tell(x, v); v > top {
			at, top = x, v
		}
	}
	return at, top
}

func number(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// Against as many random trials, over seeds.
func TestSearchIsBetterThanChance(t *testing.T) {
	const n, seeds = 40, 30
	wins, found := 0, 0.0
	for seed := range uint64(seeds) {
		_, got := best(seed, n, nil, depth)
		rnd := rand.New(rand.NewPCG(seed, 2))
		random := math.Inf(-1)
		for range n {
			random = max(random, depth(hyper.Settings{
				"x": number(rnd.Float64()), "y": number(math.Pow(10, 6*rnd.Float64()-3)), "kind": bowl[2].Choices[rnd.IntN(3)],
			}))
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
	var seen []hyper.Settings
	best(3, 20, map[string]string{"y": "1"}, func(s hyper.Settings) float64 {
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
		if s.Float("x") < 0.5 {
			low++
		}
	}
	require.Equal(t, 3, low)
}

func TestSearchAvoidsWhatFails(t *testing.T) {
	failed := 0
	_, top := best(5, 60, nil, func(s hyper.Settings) float64 {
		if s.Float("x") > 0.6 { // as with a step too long
			failed++
			return math.NaN()
		}
		return depth(s)
	})
	require.Less(t, failed, 14, "of 60; by chance 24")
	require.Greater(t, top, -0.01)
}

func TestSearchOfNothingFree(t *testing.T) {
	given := map[string]string{}
	for i := range bowl {
		given[bowl[i].Name] = bowl[i].Default
	}
	at, _ := best(1, 5, given, depth)
	require.Equal(t, "0.5", at["x"])
}
