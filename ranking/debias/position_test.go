package debias_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/debias"
)

// oneGoroutine skips long arithmetic where only races are looked for.
func oneGoroutine(t *testing.T) {
	t.Helper()
	if race.Enabled {
		t.Skip("long arithmetic on one goroutine")
	}
}

// places is the examination of the simulated lists.
var places = debias.Examination{1, 0.6, 0.4, 0.25, 0.15}

// lists has clicks on lists that were ranked by what users do not care about: relevance rises with
// "liked" alone, and lists are sorted by "pushed" with noise.
func lists(n int, seed uint64) *ranking.Dataset {
	r := rand.New(rand.NewPCG(seed, 7))
	d := &ranking.Dataset{Columns: []string{"liked", "pushed"}, Heads: []string{"click"}}
	type item struct{ liked, pushed, noise float64 }
	for g := range n {
		items := make([]item, len(places))
		for k := range items {
			items[k] = item{r.NormFloat64(), r.NormFloat64(), 0}
			items[k].noise = items[k].pushed + 0.3*r.NormFloat64()
		}
		slices.SortFunc(items, func(a, b item) int {
			if a.noise > b.noise {
				return -1
			}
			return 1
		})
		for k, it := range items {
			y := float32(0)
			if r.Float64() < places[k]/(1+math.Exp(1.5-it.liked)) {
				y = 1
			}
			d.Floats = append(d.Floats, float32(it.liked), float32(it.pushed))
			d.Labels, d.Positions, d.Groups = append(d.Labels, y), append(d.Positions, int32(k)), append(d.Groups, uint64(g))
		}
	}
	return d
}

// slopes returns what the model adds per unit of liked and of pushed.
func slopes(t *testing.T, d *ranking.Dataset) (liked, pushed float64) {
	t.Helper()
	m, err := ranking.TrainLinear(t.Context(), ranking.LinearConfig{}, d)
	if err != nil {
		t.Fatal(err)
	}
	c, err := m.Coefficients("click")
	if err != nil {
		t.Fatal(err)
	}
	return c[0].Weight / c[0].Scale, c[1].Weight / c[1].Scale
}

func TestBothCorrectionsUnlearnWhatPlacesSay(t *testing.T) {
	oneGoroutine(t)
	d := lists(20_000, 1)
	naive, wrong := slopes(t, d)
	if wrong < 0.4*naive {
		t.Fatalf("uncorrected, pushed has %.3f and liked %.3f: there is nothing to correct", wrong, naive)
	}
	weighted, _, err := debias.ClickWeights(d, "click", places, debias.WeightConfig{Raw: true})
	if err != nil {
		t.Fatal(err)
	}
	told, err := debias.Position{Column: "position", Kind: recsys.ID}.Dataset(d)
	if err != nil {
		t.Fatal(err)
	}
	for name, d := range map[string]*ranking.Dataset{"weights": weighted, "position as a feature": told} {
		liked, pushed := slopes(t, d)
		t.Logf("%s: liked %.3f, pushed %.3f (uncorrected %.3f, %.3f)", name, liked, pushed, naive, wrong)
		if liked < 0.75 || math.Abs(pushed) > 0.12*liked {
			t.Errorf("%s: liked has %.3f and pushed %.3f; want about 1 and 0", name, liked, pushed)
		}
	}
}

func TestPositionIsHeldAtServing(t *testing.T) {
	d, err := debias.Position{Column: "position"}.Dataset(lists(300, 2))
	if err != nil {
		t.Fatal(err)
	}
	m, err := ranking.TrainLinear(t.Context(), ranking.LinearConfig{}, d)
	if err != nil {
		t.Fatal(err)
	}
	all := recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
		for id := recsys.ItemID(1); id <= 5 && out.Add(id, 0); id++ {
		}
		return nil
	})
	items := recsys.FeatureFunc{
		Cols: []recsys.Column{{Name: "liked"}, {Name: "pushed"}},
		Func: func(_ context.Context, _ *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
			for i, id := range items {
				copy(out.FloatRow(i), []float32{float32(id), 0})
			}
			return nil
		},
	}
	build := func(opts ...recsys.Option) (*recsys.Pipeline, error) {
		return recsys.NewPipeline(append(opts, recsys.Retrieve("all", all), recsys.Features(items), recsys.Rank(m))...).Build()
	}
	for _, at := range []int{0, 4} {
		p, err := build(recsys.Features(debias.Position{Column: "position", At: at}, recsys.Name("place")))
		if err != nil {
			t.Fatal(err)
		}
		if v := p.Versions(); !slices.Contains(v, recsys.StageVersion{Stage: "features/place", Version: fmt.Sprintf("position=%d", at)}) {
			t.Errorf("versions %v", v)
		}
		res, err := p.Recommend(t.Context(), &recsys.Request{ID: "r", K: 5})
		if err != nil || len(res.Degraded) > 0 {
			t.Fatal(err, res.Degraded)
		}
		one := &ranking.Dataset{Columns: d.Columns, Heads: d.Heads}
		for _, item := range res.Items {
			one.Floats, one.Labels = append(one.Floats, float32(item.ID), 0, float32(at)), append(one.Labels, 0)
		}
		want, err := m.Predict(nil, one)
		if err != nil {
			t.Fatal(err)
		}
		for i, item := range res.Items {
			if math.Abs(float64(item.Score-want[i])) > 1e-6 || item.ID != recsys.ItemID(5-i) {
				t.Errorf("held at %d, place %d: item %d scores %v; want item %d with %v", at, i, item.ID, item.Score, 5-i, want[i])
			}
		}
	}
	if _, err := build(); err == nil || !strings.Contains(err.Error(), `"position"`) {
		t.Errorf("error %v; want Build to miss the column", err)
	}
	twice := debias.Position{Column: "liked"}
	if _, err := build(recsys.Features(debias.Position{Column: "position"}), recsys.Features(twice, recsys.Name("b"))); err == nil || !strings.Contains(err.Error(), `"liked"`) {
		t.Errorf("error %v; want Build to find the doubled column", err)
	}
	if _, err := build(recsys.Features(debias.Position{Column: "position", At: -1})); err == nil || !strings.Contains(err.Error(), "Position.At is -1; want 0 to") {
		t.Errorf("error %v", err)
	}
}

func TestPositionColumnHoldsEachRowsPlace(t *testing.T) {
	d := clicks()
	d.IDColumns, d.IDs = []string{"item"}, []uint64{1, 2, 3, 4, 5, 6}
	d.Positions[3] = -1
	floats, err := debias.Position{Column: "position"}.Dataset(d)
	if err != nil || fmt.Sprint(floats.Columns, floats.Floats) != "[x position] [0 0 0 1 0 1 0 NaN 0 2 0 2]" {
		t.Errorf("%v %v, error %v", floats.Columns, floats.Floats, err)
	}
	ids, err := debias.Position{Column: "position", Kind: recsys.ID}.Dataset(d)
	if err != nil || fmt.Sprint(ids.IDColumns, ids.IDs) != "[item position] [1 1 2 2 3 2 4 0 5 3 6 3]" {
		t.Errorf("%v %v, error %v", ids.IDColumns, ids.IDs, err)
	}
	again, err := debias.Position{Column: "x"}.Dataset(d) // what was held is replaced
	if err != nil || fmt.Sprint(again.Columns, again.Floats) != "[x] [0 1 1 NaN 2 2]" {
		t.Errorf("%v %v, error %v", again.Columns, again.Floats, err)
	}
	if fmt.Sprint(d.Columns, d.Floats, d.IDColumns, d.IDs) != "[x] [0 0 0 0 0 0] [item] [1 2 3 4 5 6]" {
		t.Errorf("the dataset has changed: %v %v %v %v", d.Columns, d.Floats, d.IDColumns, d.IDs)
	}
	only := &ranking.Dataset{Heads: []string{"click"}, Labels: []float32{1, 0}, Positions: []int32{3, 4}}
	if got, err := (debias.Position{Column: "position"}).Dataset(only); err != nil || fmt.Sprint(got.Floats) != "[3 4]" {
		t.Errorf("%v, error %v", got, err)
	}
	for want, p := range map[string]debias.Position{
		"Position.Column is empty":                           {},
		"Position.Kind is vector; want Float or ID":          {Column: "p", Kind: recsys.Vector},
		`the column "x" of the dataset is a float`:           {Column: "x", Kind: recsys.ID},
		`the column "item" of the dataset is an ID`:          {Column: "item"},
		"Position.At is 1048576; want 0 to 1048575":          {Column: "p", At: 1 << 20},
		"no Positions for the column \"without\"":            {Column: "without"},
		"debias: ranking: Dataset.Positions is of length 99": {Column: "wrong"},
	} {
		switch p.Column {
		case "without":
			d.Positions = nil
		case "wrong":
			d.Positions = make([]int32, 99)
		default:
			d.Positions = clicks().Positions
		}
		if _, err := p.Dataset(d); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want %q", err, want)
		}
	}
}

func TestHydrateAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	p := debias.Position{Column: "position", Kind: recsys.ID, At: 3}
	b := recsys.NewBlock(p.Columns(), recsys.PerRequest, 1)
	ctx := context.Background()
	if n := testing.AllocsPerRun(100, func() { _ = p.Hydrate(ctx, nil, nil, b) }); n != 0 || b.ID[0][0] != 4 {
		t.Errorf("%v allocations, ID %d", n, b.ID[0][0])
	}
}
