package main

import (
	"math"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/ranking"
)

func TestScoresAreLogOddsLessDamping(t *testing.T) {
	d := &ranking.Dataset{Columns: []string{"rate", popularity}, Heads: []string{"click"}}
	for i := range 400 {
		x := float32(i%20) / 10
		y := float32(0)
		if i%7 < int(2+2*x) {
			y = 1
		}
		d.Floats, d.Labels = append(d.Floats, x, float32(i%3)), append(d.Labels, y)
	}
	model, err := ranking.TrainLinear(t.Context(), ranking.LinearConfig{Workers: 1}, d)
	if err != nil {
		t.Fatal(err)
	}
	source := recsys.SchemaConfig{Columns: []recsys.Column{{Name: "rate"}, {Name: popularity}}, Heads: []string{"click"}}
	schema, err := recsys.NewSchema(source)
	if err != nil {
		t.Fatal(err)
	}
	items := []recsys.ItemID{1, 2, 3}
	for _, damp := range []float64{0, 0.5} {
		ranker, err := logOdds{model: model, damp: damp}.Bind(schema)
		if err != nil {
			t.Fatal(err)
		}
		c := recsys.NewCandidates(schema, items)
		for i := range items {
			copy(c.Row(i), []float32{float32(i), float32(2 * i)})
		}
		out := recsys.NewScores(len(items), 1)
		if err := ranker.Rank(t.Context(), recsys.NewQuery(&recsys.Request{}, schema, "rank"), c, out); err != nil {
			t.Fatal(err)
		}
		for i := range items {
			p := float64(out.Heads[i])
			if want := math.Log(p/(1-p)) - damp*float64(2*i); math.Abs(float64(out.Score[i])-want) > 1e-4 {
				t.Errorf("damping %v, item %d: score %v; want %v", damp, i, out.Score[i], want)
			}
		}
	}
	if _, err := (logOdds{model: model}).Bind(mustSchema(t, "rate")); err == nil {
		t.Error("no popularity, no error")
	}
}

func mustSchema(t *testing.T, columns ...string) *recsys.Schema {
	t.Helper()
	var cfg recsys.SchemaConfig
	for _, name := range columns {
		cfg.Columns = append(cfg.Columns, recsys.Column{Name: name})
	}
	s, err := recsys.NewSchema(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
