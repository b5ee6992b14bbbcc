package debias_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/ranking/debias"
)

func TestIntervalsHoldTheTruthAsOftenAsTheySay(t *testing.T) {
	oneGoroutine(t)
	truth := []float64{1, 0.6, 0.3}
	held, of := 0, 0
	for seed := range uint64(60) {
		band, err := debias.Bootstrap{Seed: seed, Workers: 1, Resamples: 100}.Interval(t.Context(), clicksOf(truth, 30, false, 100+seed), debias.AdjacentChain)
		if err != nil {
			t.Fatal(err)
		}
		if band.Units != 50 || band.Failed != 0 || band.Lower[0] != 1 || band.Upper[0] != 1 || band.SE[0] > 1e-12 {
			t.Fatalf("%+v; want 50 queries and certainty of place 0", band)
		}
		for k := 1; k < len(truth); k++ {
			if of++; band.Lower[k] <= truth[k] && truth[k] <= band.Upper[k] {
				held++
			}
		}
	}
	if share := float64(held) / float64(of); share < 0.88 || share > 0.99 { // 0.95 ± 3 standard errors, and a little for 50 queries
		t.Errorf("%d of %d intervals hold the truth", held, of)
	}
}

func TestIntervalsAreTheSameForAnyNumberOfWorkers(t *testing.T) {
	counts := clicksOf([]float64{1, 0.5}, 20, false, 1)
	one, err := debias.Bootstrap{Seed: 4, Workers: 1}.Interval(t.Context(), counts, debias.AllPairs)
	if err != nil {
		t.Fatal(err)
	}
	many, err := debias.Bootstrap{Seed: 4, Workers: 5}.Interval(t.Context(), counts, debias.AllPairs)
	if err != nil || !reflect.DeepEqual(one, many) {
		t.Errorf("%+v by five workers, error %v; want %+v", many, err, one)
	}
	other, err := debias.Bootstrap{Seed: 5}.Interval(t.Context(), counts, debias.AllPairs)
	if err != nil || reflect.DeepEqual(one.SE, other.SE) {
		t.Errorf("another seed draws the same, error %v", err)
	}
}

// Clicks that go together within a query widen the interval; drawn pair by pair it would be too narrow.
func TestQueriesAreTheUnit(t *testing.T) {
	var counts, single []debias.Count
	for q := range uint64(40) {
		for item := range uint64(5) {
			rate := 4 + 12*float64(q%2) // all items of a query have one ratio
			for _, c := range []debias.Count{{q, item, 0, 20, 20}, {q, item, 1, 20, rate}} {
				counts = append(counts, c)
				single = append(single, debias.Count{Item: q*5 + item, Position: c.Position, Impressions: c.Impressions, Clicks: c.Clicks})
			}
		}
	}
	byQuery, err := debias.Bootstrap{}.Interval(t.Context(), counts, debias.Pivot)
	if err != nil {
		t.Fatal(err)
	}
	byItem, err := debias.Bootstrap{}.Interval(t.Context(), single, debias.Pivot)
	if err != nil {
		t.Fatal(err)
	}
	if ratio := byQuery.SE[1] / byItem.SE[1]; byQuery.Units != 40 || byItem.Units != 200 || math.Abs(ratio-math.Sqrt(5)) > 0.5 {
		t.Errorf("standard errors %v of %d queries, %v of %d items; want √5 between them", byQuery.SE, byQuery.Units, byItem.SE, byItem.Units)
	}
}

func TestIntervalErrors(t *testing.T) {
	thin := []debias.Count{ // places 0 and 1 meet in one query of three
		{1, 1, 0, 10, 5}, {1, 1, 1, 10, 2}, {2, 1, 0, 10, 5}, {3, 1, 0, 10, 5}, {4, 1, 0, 9, 5}, {5, 1, 1, 10, 5},
	}
	band, err := debias.Bootstrap{}.Interval(t.Context(), thin, debias.Pivot)
	if err != nil || band.Failed == 0 || band.Failed > 100 {
		t.Errorf("%+v, error %v; want some resamples without an estimate", band, err)
	}
	few := []debias.Count{{1, 1, 0, 10, 5}, {1, 1, 1, 10, 2}, {2, 1, 1, 10, 2}, {2, 1, 2, 10, 2}, {3, 1, 2, 10, 2}, {3, 1, 3, 10, 2}}
	var ce *debias.CountError
	if _, err := (debias.Bootstrap{}).Interval(t.Context(), few, debias.AdjacentChain); !errors.As(err, &ce) || !strings.Contains(err.Error(), "resamples of the 3 units") {
		t.Errorf("error %v", err)
	}
	if _, err := (debias.Bootstrap{}).Interval(t.Context(), nil, debias.Pivot); !errors.As(err, &ce) {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (debias.Bootstrap{}).Interval(ctx, thin, debias.Pivot); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	for want, b := range map[string]debias.Bootstrap{
		"Resamples is -1": {Resamples: -1}, "Level is 1": {Level: 1}, "Level is NaN": {Level: math.NaN()}, "Workers is -2": {Workers: -2},
	} {
		if _, err := b.Interval(t.Context(), thin, debias.Pivot); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want %q", err, want)
		}
	}
}

func ExampleBootstrap() {
	var counts []debias.Count
	for query := range uint64(100) {
		counts = append(counts,
			debias.Count{Query: query, Item: 1, Position: 0, Impressions: 50, Clicks: 20},
			debias.Count{Query: query, Item: 1, Position: 1, Impressions: 50, Clicks: 8 + float64(query%5)})
	}
	band, err := debias.Bootstrap{Seed: 1}.Interval(context.Background(), counts, debias.AdjacentChain)
	fmt.Printf("%.3f, 95 %% between %.2f and %.2f; %d queries, error %v\n", band.Examination[1], band.Lower[1], band.Upper[1], band.Units, err)
	// Output:
	// 0.500, 95 % between 0.49 and 0.52; 100 queries, error <nil>
}
