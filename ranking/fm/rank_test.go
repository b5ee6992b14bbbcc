package fm_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/fm"
	"github.com/recsyskit/recsys/ranking/rankingtest"
)

// columns declares what the models of problem read: in another order, with others between, and
// some of the request.
func columns() []recsys.Column {
	return []recsys.Column{
		{Name: "taste", Scope: recsys.PerRequest},
		{Name: "user", Kind: recsys.ID, Scope: recsys.PerRequest},
		{Name: "other"},
		{Name: "noise", Kind: recsys.ID},
		{Name: "price"},
		{Name: "unused", Kind: recsys.ID},
		{Name: "item", Kind: recsys.ID},
	}
}

// perItem is columns without columns of the request.
func perItem() []recsys.Column {
	all := columns()
	for i := range all {
		all[i].Scope = recsys.PerItem
	}
	return all
}

func schemaOf(t testing.TB, columns []recsys.Column) *recsys.Schema {
	t.Helper()
	s, err := recsys.NewSchema(recsys.SchemaConfig{Columns: columns})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// tableOf lays the rows of d out as candidates.
func tableOf(s *recsys.Schema, d *ranking.Dataset) *recsys.Candidates {
	c := recsys.NewCandidates(s, make([]recsys.ItemID, d.Len()))
	for i := range d.Len() {
		for j, name := range d.Columns {
			if f, ok := s.Field(name); ok {
				c.Row(i)[f.Index] = d.FloatRow(i)[j]
			}
		}
		for k, name := range d.IDColumns {
			if f, ok := s.Field(name); ok {
				c.IDColumn(f.Index)[i] = d.IDRow(i)[k]
			}
		}
	}
	return c
}

func bind(t testing.TB, r recsys.Ranker, s *recsys.Schema) recsys.Ranker {
	t.Helper()
	b, err := recsys.Bind(r, s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestModelsConform(t *testing.T) {
	data := problem(300, 0.1, 31)
	for _, cfg := range shapes {
		cfg.Epochs = 2
		m := train(t, cfg, data)
		t.Run(strings.ReplaceAll(name(cfg), " ", "_"), func(t *testing.T) {
			rankingtest.Run(t, func(*testing.T) recsys.Ranker { return m }, columns()...)
		})
	}
	t.Run("all_columns_of_the_item", func(t *testing.T) {
		m := train(t, fm.Config{Epochs: 1}, data)
		rankingtest.Run(t, func(*testing.T) recsys.Ranker { return m }, perItem()...)
	})
}

// What is ranked is what Predict gives, in blocks of rows, whichever columns are the request's.
func TestRankIsPredict(t *testing.T) {
	data := problem(300, 0.1, 32)
	for _, cfg := range shapes {
		cfg.Epochs = 2
		m := train(t, cfg, data)
		for _, n := range []int{1, 2, 63, 64, 65, 200} {
			for what, declared := range map[string][]recsys.Column{"item": perItem(), "request": columns()} {
				x := data.Rows(seq(n))
				if what == "request" {
					for i := range n {
						x.Floats[2*i+1], x.IDs[3*i] = x.Floats[1], x.IDs[0]
					}
				}
				s := schemaOf(t, declared)
				out := recsys.NewScores(n, 3)
				out.Heads = out.Heads[:3*(n-1)+2]
				if err := bind(t, m, s).Rank(t.Context(), nil, tableOf(s, x), out); err != nil {
					t.Fatal(err)
				}
				for i, p := range predict(t, m, x) {
					if got := out.Heads[i/2*3+i%2]; math.Abs(float64(got-p)) > 2e-6 {
						t.Fatalf("%s, columns of the %s: value %d is %v, predicted %v", name(cfg), what, i, got, p)
					} else if i%2 == 0 && out.Score[i/2] != got {
						t.Fatalf("score %v of the first head's %v", out.Score[i/2], got)
					}
				}
			}
		}
	}
}

func seq(n int) []int32 {
	out := make([]int32, n)
	for i := range out {
		out[i] = int32(i)
	}
	return out
}

func TestRankDoesNotAllocate(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	data := problem(200, 0.1, 33)
	s := schemaOf(t, columns())
	for _, cfg := range shapes {
		cfg.Epochs = 1
		r, c, out := bind(t, train(t, cfg, data), s), tableOf(s, data), recsys.NewScores(data.Len(), 2)
		ctx := context.Background()
		runtime.GC()
		if n := testing.AllocsPerRun(100, func() {
			if err := r.Rank(ctx, nil, c, out); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", name(cfg), n)
		}
	}
}

func TestBindNamesWhatIsMissing(t *testing.T) {
	m := train(t, fm.Config{Epochs: 1}, problem(50, 0, 34))
	_, err := m.Bind(schemaOf(t, []recsys.Column{{Name: "taste"}, {Name: "user"}, {Name: "noise", Kind: recsys.ID}}))
	for _, want := range []string{`"price"`, `"user"`, `"item"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want %s in it", err, want)
		}
	}
	if err := m.Rank(t.Context(), nil, recsys.NewCandidates(nil, nil), recsys.Scores{}); !errors.Is(err, ranking.ErrUnbound) {
		t.Errorf("unbound: error %v", err)
	}
	if _, err := new(fm.Model).Bind(schemaOf(t, nil)); err == nil {
		t.Error("an empty model binds")
	}
	s := schemaOf(t, columns())
	r := bind(t, m, s)
	c := tableOf(s, problem(3, 0, 35))
	for what, err := range map[string]error{
		"no room for 3 rows of 2 heads": r.Rank(t.Context(), nil, c, recsys.NewScores(2, 2)),
		"no room for 3 rows":            r.Rank(t.Context(), nil, c, recsys.NewScores(3, 1)),
		`feature "price": no source`:    r.Rank(t.Context(), nil, recsys.NewCandidates(schemaOf(t, []recsys.Column{{Name: "x"}}), make([]recsys.ItemID, 1)), recsys.NewScores(1, 2)),
		`feature "item": no source`:     r.Rank(t.Context(), nil, recsys.NewCandidates(schemaOf(t, columns()[:len(columns())-1]), make([]recsys.ItemID, 1)), recsys.NewScores(1, 2)),
	} {
		if err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("error %v; want %q", err, what)
		}
	}
	if _, err := m.Predict(nil, &ranking.Dataset{Columns: []string{"price"}}); err == nil || !strings.Contains(err.Error(), `["taste" "user" "item" "noise"]`) {
		t.Errorf("error %v", err)
	}
}

func BenchmarkRank(b *testing.B) {
	data := problem(1000, 0, 36)
	for _, bits := range []int{0, 18} {
		for _, what := range []string{"item", "request"} {
			b.Run(fmt.Sprintf("n=1000/bits=%d/columns=%s", bits, what), func(b *testing.B) {
				declared := perItem()
				if what == "request" {
					declared = columns()
				}
				s := schemaOf(b, declared)
				x := *data
				x.Heads, x.Labels = []string{"click"}, nil
				x.Labels, _ = data.LabelColumn(nil, "click")
				r, c, out := bind(b, train(b, fm.Config{Epochs: 1, HashBits: bits, Factors: 8}, &x), s), tableOf(s, data), recsys.NewScores(1000, 1)
				for b.Loop() {
					if err := r.Rank(context.Background(), nil, c, out); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/candidate")
			})
		}
	}
}

func TestHeadKindsFollowTheLoss(t *testing.T) {
	data := problem(50, 0, 37)
	for loss, want := range map[fm.Loss]recsys.HeadKind{fm.Logistic: recsys.HeadProbability, fm.Squared: recsys.HeadValue} {
		m := train(t, fm.Config{Epochs: 1, Loss: loss, Resumable: true}, data)
		for _, kinds := range [][]recsys.HeadKind{m.HeadKinds(), newOnline(t, m, 0).HeadKinds()} {
			if len(kinds) != 2 || kinds[0] != want || kinds[1] != want {
				t.Errorf("%v: kinds %v; want two of %v", loss, kinds, want)
			}
		}
	}
}
