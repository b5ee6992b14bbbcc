package debias_test

import (
	"math"
	"slices"
	"testing"

	"github.com/recsyskit/recsys/ranking/debias"
)

// pairsLikelihood is the objective of AllPairs as the paper writes it, naively, with the best relevance of each set.
func pairsLikelihood(counts []debias.Count, e []float64) (sum float64) {
	at := map[[3]uint64]debias.Count{}
	pairs := map[[2]uint64]bool{}
	for _, c := range counts {
		at[[3]uint64{c.Query, c.Item, uint64(c.Position)}] = c
		pairs[[2]uint64{c.Query, c.Item}] = true
	}
	for j := range e {
		for k := j + 1; k < len(e); k++ {
			var m, cj, ck float64
			for p := range pairs {
				a, b := at[[3]uint64{p[0], p[1], uint64(j)}], at[[3]uint64{p[0], p[1], uint64(k)}]
				if w := min(a.Impressions, b.Impressions); w > 0 {
					m, cj, ck = m+w, cj+w*a.Clicks/a.Impressions, ck+w*b.Clicks/b.Impressions
				}
			}
			of := func(r float64) float64 {
				return cj*math.Log(e[j]*r) + (m-cj)*math.Log(1-e[j]*r) + ck*math.Log(e[k]*r) + (m-ck)*math.Log(1-e[k]*r)
			}
			lo, hi := 1e-9, 1/max(e[j], e[k], 1)-1e-9 // concave in r: a search by thirds
			for range 100 {
				if a, b := lo+(hi-lo)/3, hi-(hi-lo)/3; of(a) < of(b) {
					lo = a
				} else {
					hi = b
				}
			}
			if m > 0 {
				sum += of(lo)
			}
		}
	}
	return sum
}

// Source: Agarwal et al. 2019: the estimate maximises the likelihood of all interventional sets.
func TestAllPairsMaximisesTheLikelihoodOfItsSets(t *testing.T) {
	oneGoroutine(t)
	var counts []debias.Count // merged, so that the naive map finds them
	for _, c := range clicksOf([]float64{1, 0.6, 0.45, 0.2}, 300, true, 8) {
		i := slices.IndexFunc(counts, func(d debias.Count) bool {
			return d.Query == c.Query && d.Item == c.Item && d.Position == c.Position
		})
		if i < 0 {
			i, counts = len(counts), append(counts, debias.Count{Query: c.Query, Item: c.Item, Position: c.Position})
		}
		counts[i].Impressions += c.Impressions
		counts[i].Clicks += c.Clicks
	}
	e, err := debias.AllPairs(counts)
	if err != nil {
		t.Fatal(err)
	}
	// The scale is free: a common factor on e is one on r.
	best := pairsLikelihood(counts, e)
	for k := 1; k < len(e); k++ {
		for _, by := range []float64{0.98, 0.999, 1.001, 1.02} {
			other := slices.Clone(e)
			other[k] *= by
			if l := pairsLikelihood(counts, other); l > best+1e-7 {
				t.Errorf("place %d times %v: likelihood %.9f is above %.9f of %v", k, by, l, best, e)
			}
		}
	}
}

func TestAllPairsOfTwoPlacesIsThePivot(t *testing.T) {
	counts := clicksOf([]float64{1, 0.4}, 60, false, 2)
	pivot, err := debias.Pivot(counts)
	if err != nil {
		t.Fatal(err)
	}
	pairs, err := debias.AllPairs(counts)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "all pairs", pairs, pivot, 1e-7)
	one, err := debias.AllPairs([]debias.Count{{Item: 1, Impressions: 3, Clicks: 1}})
	if err != nil || !slices.Equal(one, debias.Examination{1}) {
		t.Errorf("%v of one place, error %v", one, err)
	}
}

// A place that shares no pair with the top, nor with its neighbour, is still joined to them.
func TestAllPairsNeedsOnlyAChainOfMoves(t *testing.T) {
	counts := []debias.Count{
		{Item: 1, Position: 0, Impressions: 1000, Clicks: 500},
		{Item: 1, Position: 2, Impressions: 1000, Clicks: 200},
		{Item: 2, Position: 2, Impressions: 1000, Clicks: 300},
		{Item: 2, Position: 1, Impressions: 1000, Clicks: 600},
	}
	if _, err := debias.AdjacentChain(counts); err == nil {
		t.Error("the chain has no pair at places 0 and 1, and no error")
	}
	if _, err := debias.Pivot(counts); err == nil {
		t.Error("the pivot has no pair at places 0 and 1, and no error")
	}
	got, err := debias.AllPairs(counts)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "all pairs", got, []float64{1, 0.8, 0.4}, 1e-6)
}
