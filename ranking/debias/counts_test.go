package debias_test

import (
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/internal/reference"
	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/debias"
)

func near(t *testing.T, name string, got debias.Examination, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %v; want %v", name, got, want)
	}
	for k := range want {
		if math.Abs(got[k]-want[k]) > tolerance {
			t.Errorf("%s: %.6f; want %.6f within %v", name, got, want, tolerance)
			return
		}
	}
}

func TestGoldenPositionBias(t *testing.T) {
	oneGoroutine(t)
	var golden struct {
		Truth    []float64    `json:"true_examination_rel"`
		Counts   [][5]float64 // query, document, position, impressions, clicks
		Expected struct {
			EM    []float64 `json:"pbm_em_200"`
			Chain []float64 `json:"adjacent_chain"`
		}
	}
	if err := json.NewDecoder(reference.Open(t, "golden", "bias", "position_bias.json")).Decode(&golden); err != nil {
		t.Fatal(err)
	}
	var counts []debias.Count
	for _, c := range golden.Counts {
		counts = append(counts, debias.Count{Query: uint64(c[0]), Item: uint64(c[1]), Position: int(c[2]), Impressions: c[3], Clicks: c[4]})
	}
	em, err := debias.EM(counts, debias.EMConfig{})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "EM", em, golden.Expected.EM, 1e-6)
	chain, err := debias.AdjacentChain(counts)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "adjacent chain", chain, golden.Expected.Chain, 1e-6)
	pivot, err := debias.Pivot(counts)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "EM of the truth", em, golden.Truth, 0.015)
	near(t, "pivot of the truth", pivot, golden.Truth, 0.02)
	pairs, err := debias.AllPairs(counts)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "all pairs of the truth", pairs, golden.Truth, 0.015)
	t.Logf("truth %.4f\nEM    %.4f\nchain %.4f\npivot %.4f\npairs %.4f", golden.Truth, em, chain, pivot, pairs)
}

// clicksOf draws clicks of pairs that chance puts at places, or, with sorted, mostly where their
// relevance puts them.
func clicksOf(truth []float64, impressions int, sorted bool, seed uint64) []debias.Count {
	r := rand.New(rand.NewPCG(seed, 1))
	var counts []debias.Count
	n := len(truth)
	for query := range 50 {
		liked := make([]float64, n)
		for i := range liked {
			liked[i] = 0.9 * r.Float64()
		}
		slices.Sort(liked)
		slices.Reverse(liked)
		for range impressions {
			order := r.Perm(n)
			if sorted {
				noise := make([]float64, n)
				for i := range noise {
					order[i], noise[i] = i, liked[i]+0.2*r.NormFloat64()
				}
				slices.SortFunc(order, func(a, b int) int {
					if noise[a] > noise[b] {
						return -1
					}
					return 1
				})
			}
			for k, i := range order {
				c := debias.Count{Query: uint64(query), Item: uint64(i), Position: k, Impressions: 1}
				if r.Float64() < truth[k]*liked[i] {
					c.Clicks = 1
				}
				counts = append(counts, c)
			}
		}
	}
	return counts
}

func TestEstimatesFindTheExamination(t *testing.T) {
	oneGoroutine(t)
	truth := []float64{1, 0.7, 0.5, 0.35, 0.2}
	for _, sorted := range []bool{false, true} {
		counts := clicksOf(truth, 1500, sorted, 3)
		for name, estimate := range map[string]func([]debias.Count) (debias.Examination, error){
			"chain": debias.AdjacentChain, "pivot": debias.Pivot, "random": debias.Random, "all pairs": debias.AllPairs,
			"EM": func(c []debias.Count) (debias.Examination, error) { return debias.EM(c, debias.EMConfig{}) },
		} {
			got, err := estimate(counts)
			if err != nil {
				t.Fatal(err)
			}
			if name == "random" && sorted {
				if got[4] > 0.1 { // relevance falls along the list too, so the rate falls faster
					t.Errorf("random of sorted lists: %.3f; want less than the truth at the end", got)
				}
				continue
			}
			near(t, name, got, truth, 0.04)
		}
	}
}

// Source: Wang et al. 2018: no step of EM lowers the likelihood.
func TestEMNeverLowersTheLikelihood(t *testing.T) {
	oneGoroutine(t)
	last, steps := math.Inf(-1), 0
	_, err := debias.EM(clicksOf([]float64{1, 0.5, 0.2}, 40, true, 4), debias.EMConfig{Iterations: 60, Progress: func(i int, l float64) {
		if steps++; i != steps || l < last-1e-9 {
			t.Errorf("step %d: log likelihood %v after %v", i, l, last)
		}
		last = l
	}})
	if err != nil || steps != 60 {
		t.Errorf("%d steps, error %v", steps, err)
	}
}

func TestChainAndPivotByHand(t *testing.T) {
	counts := []debias.Count{
		{Item: 1, Position: 0, Impressions: 10, Clicks: 5},
		{Item: 1, Position: 1, Impressions: 5, Clicks: 1},
		{Item: 2, Position: 1, Impressions: 5, Clicks: 1}, // twice: counts add up
		{Item: 2, Position: 1, Impressions: 5, Clicks: 3},
		{Item: 2, Position: 2, Impressions: 20, Clicks: 4},
		{Item: 3, Position: 0, Impressions: 4, Clicks: 4},
		{Item: 3, Position: 2, Impressions: 2, Clicks: 1},
		{Item: 4, Position: 2, Impressions: 0},
	}
	chain, err := debias.AdjacentChain(counts)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "chain", chain, []float64{1, 1 / 2.5, 1 / 2.5 * 2 / 4}, 1e-12)
	pivot, err := debias.Pivot(counts)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "pivot", pivot, []float64{1, 1 / 2.5, 1.0 / 2}, 1e-12)
	random, err := debias.Random(counts)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "random", random, []float64{1, 5.0 / 15 / (9.0 / 14), 5.0 / 22 / (9.0 / 14)}, 1e-12)
}

func TestClippedIsAProbability(t *testing.T) {
	e := debias.Examination{1, 1.02, 0.4, 0, math.NaN()}
	if got := e.Clipped(0.05); !slices.Equal(got, debias.Examination{1, 1, 0.4, 0.05, 0.05}) || e[1] != 1.02 {
		t.Errorf("%v of %v", got, e)
	}
}

func TestCountErrors(t *testing.T) {
	c := func(pair uint64, position int, impressions, clicks float64) debias.Count {
		return debias.Count{Item: pair, Position: position, Impressions: impressions, Clicks: clicks}
	}
	estimates := map[string]func([]debias.Count) (debias.Examination, error){
		"random": debias.Random, "chain": debias.AdjacentChain, "pivot": debias.Pivot, "all pairs": debias.AllPairs,
		"EM": func(c []debias.Count) (debias.Examination, error) { return debias.EM(c, debias.EMConfig{}) },
	}
	all := []string{"random", "chain", "pivot", "all pairs", "EM"}
	for _, e := range []struct {
		counts []debias.Count
		of     []string
		row    int
		want   string
	}{
		{nil, all, -1, "there are no impressions"},
		{[]debias.Count{c(1, 0, 0, 0)}, all, -1, "there are no impressions"},
		{[]debias.Count{c(1, 0, 1, 1), c(1, -1, 1, 1)}, all, 1, "position is -1"},
		{[]debias.Count{c(1, 1<<30, 1, 1)}, all, 0, "position is 1073741824"},
		{[]debias.Count{c(1, 0, math.NaN(), 1)}, all, 0, "impressions are NaN"},
		{[]debias.Count{c(1, 0, math.Inf(1), 1)}, all, 0, "impressions are +Inf"},
		{[]debias.Count{c(1, 0, 1, 2)}, all, 0, "2 clicks of 1 impressions"},
		{[]debias.Count{c(1, 0, 1, math.NaN())}, all, 0, "NaN clicks"},
		{[]debias.Count{c(1, 0, 1, 1), c(1, 2, 1, 1)}, all, -1, "nothing was shown at position 1"},
		{[]debias.Count{c(1, 0, 1, 0), c(1, 1, 1, 1)}, all, -1, ""},
		{[]debias.Count{c(1, 0, 1, 1), c(2, 1, 1, 1)}, []string{"chain", "pivot"}, -1, "no pair was shown at both position 0 and position 1"},
		{[]debias.Count{c(1, 0, 1, 1), c(2, 1, 1, 1)}, []string{"EM", "all pairs"}, -1, "no chain of pairs shown at two places joins position 1 to position 0"},
		{[]debias.Count{c(1, 0, 1, 0), c(1, 1, 1, 1)}, []string{"chain", "pivot"}, -1, "none was clicked at 0"},
		{[]debias.Count{c(1, 0, 1, 0), c(1, 1, 1, 1)}, []string{"random", "EM", "all pairs"}, -1, "no click at position 0"},
	} {
		for _, name := range e.of {
			_, err := estimates[name](e.counts)
			var ce *debias.CountError
			if !errors.As(err, &ce) || ce.Row != e.row || !strings.Contains(err.Error(), e.want) {
				t.Errorf("%s of %v: error %v; want row %d, %q", name, e.counts, err, e.row, e.want)
			}
		}
	}
	if _, err := debias.EM(nil, debias.EMConfig{Iterations: -1}); err == nil || !strings.Contains(err.Error(), "EMConfig.Iterations is -1") {
		t.Errorf("error %v", err)
	}
}

func TestCountsOfAddsUpTheShownRows(t *testing.T) {
	nan := float32(math.NaN())
	d := &ranking.Dataset{
		IDColumns: []string{"item"}, IDs: []uint64{7, 7, 7, 8, 8, 8},
		Heads: []string{"click"}, Labels: []float32{1, 0, nan, 1, 1, 0},
		Positions: []int32{0, 0, 0, 1, -1, 0},
	}
	counts, err := debias.CountsOf(d, "click", func(i int) debias.Pair { return debias.Pair{Query: 3, Item: d.IDs[i]} })
	want := []debias.Count{{3, 7, 0, 2, 1}, {3, 8, 0, 1, 0}, {3, 8, 1, 1, 1}}
	if err != nil || !slices.Equal(counts, want) {
		t.Errorf("%v, error %v; want %v", counts, err, want)
	}
	hashed, err := debias.CountsOf(d, "click", nil)
	if err != nil || len(hashed) != 3 {
		t.Errorf("%v, error %v; want three counts", hashed, err)
	}
	if _, err := debias.CountsOf(d, "buy", nil); err == nil || !strings.Contains(err.Error(), `no head "buy"`) {
		t.Errorf("error %v", err)
	}
	d.Positions = nil
	if _, err := debias.CountsOf(d, "click", nil); err == nil || !strings.Contains(err.Error(), "no Positions") {
		t.Errorf("error %v", err)
	}
	d.Positions = []int32{1}
	if _, err := debias.CountsOf(d, "click", nil); err == nil || !strings.Contains(err.Error(), "Positions") {
		t.Errorf("error %v", err)
	}
}
