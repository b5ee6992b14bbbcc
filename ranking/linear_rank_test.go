package ranking_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/rankingtest"
)

// columnsOf declares the columns of a model, in its order.
func columnsOf(m *ranking.Linear) []recsys.Column {
	var c []recsys.Column
	for _, name := range m.Columns() {
		c = append(c, recsys.Column{Name: name})
	}
	for _, name := range m.IDColumns() {
		c = append(c, recsys.Column{Name: name, Kind: recsys.ID})
	}
	return c
}

func bind(t testing.TB, m *ranking.Linear, s *recsys.Schema) recsys.Ranker {
	t.Helper()
	r, err := recsys.Bind[recsys.Ranker](m, s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// tableOf lays the rows of d out as candidates.
func tableOf(s *recsys.Schema, d *ranking.Dataset) *recsys.Candidates {
	items := make([]recsys.ItemID, d.Len())
	for i := range items {
		items[i] = recsys.ItemID(i)
	}
	c := recsys.NewCandidates(s, items)
	for j, name := range d.Columns {
		if f, ok := s.Field(name); ok {
			for i := range items {
				c.Row(i)[f.Index] = d.FloatRow(i)[j]
			}
		}
	}
	for k, name := range d.IDColumns {
		if f, ok := s.Field(name); ok {
			for i := range items {
				c.IDColumn(f.Index)[i] = d.IDRow(i)[k]
			}
		}
	}
	return c
}

func rank(t testing.TB, r recsys.Ranker, c *recsys.Candidates) recsys.Scores {
	t.Helper()
	out := recsys.NewScores(c.Len(), len(r.(recsys.HeadWriter).Heads()))
	if err := r.Rank(context.Background(), nil, c, out); err != nil {
		t.Fatal(err)
	}
	return out
}

// logit is the model's formula, term by term.
func logit(t testing.TB, m *ranking.Linear, head string, floats []float32, ids []uint64) float64 {
	t.Helper()
	z, err := m.Intercept(head)
	if err != nil {
		t.Fatal(err)
	}
	coefficients, _ := m.Coefficients(head)
	for j, c := range coefficients {
		if v := float64(floats[j]); math.IsNaN(v) || math.IsInf(v, 0) {
			z += c.Missing
		} else {
			z += c.Weight * (v - c.Mean) / c.Scale
		}
	}
	for k, name := range m.IDColumns() {
		w, _ := m.IDWeight(head, name, ids[k])
		z += w
	}
	return z
}

func TestLinearConforms(t *testing.T) {
	m := train(t, ranking.LinearConfig{MissingIndicators: true}, problem(300, 5, 0.1, 31))
	for _, name := range []string{"in order", "with others between"} {
		t.Run(name, func(t *testing.T) {
			columns := columnsOf(m)
			if name != "in order" {
				columns = append([]recsys.Column{{Name: "user", Scope: recsys.PerRequest}, columns[3], {Name: "x"}}, append(columns[4:], columns[:3]...)...)
			}
			rankingtest.Run(t, func(*testing.T) recsys.Ranker { return m }, columns...)
		})
	}
}

func TestRankIsTheFormula(t *testing.T) {
	for _, d := range []int{0, 1, 3, 7, 8, 9, 17, 40} {
		data := problem(500, d, 0.05, 32)
		m := train(t, ranking.LinearConfig{Epochs: 3, MissingIndicators: d%2 == 1}, data)
		for i := range data.Floats {
			if i%97 == 0 {
				data.Floats[i] = float32(math.Inf(1 - 2*(i%2)))
			}
		}
		out := rank(t, bind(t, m, schemaOf(t, columnsOf(m)...)), tableOf(schemaOf(t, columnsOf(m)...), data))
		for i := range data.Len() {
			for h, head := range m.Heads() {
				z := logit(t, m, head, data.FloatRow(i), data.IDRow(i))
				want := 1 / (1 + math.Exp(-z))
				if got := float64(out.Heads[i*out.Stride+h]); math.Abs(got-want) > 2e-6 {
					t.Fatalf("d=%d, row %d, head %s: %v; want %v", d, i, head, got, want)
				}
			}
			if out.Score[i] != out.Heads[i*out.Stride] {
				t.Fatalf("row %d: score %v, first head %v", i, out.Score[i], out.Heads[i*out.Stride])
			}
		}
	}
}

// A column's place must not change a score: to the bit when the order stays, else within rounding.
func TestPlacesOfColumnsDoNotMatter(t *testing.T) {
	data := problem(200, 13, 0.02, 33)
	m := train(t, ranking.LinearConfig{Epochs: 3}, data)
	columns := columnsOf(m)
	side := schemaOf(t, columns...)
	want := rank(t, bind(t, m, side), tableOf(side, data))
	apart := []recsys.Column{{Name: "before"}}
	for _, c := range columns {
		apart = append(apart, c, recsys.Column{Name: "after " + c.Name})
	}
	s := schemaOf(t, apart...)
	got := rank(t, bind(t, m, s), tableOf(s, data))
	for i := range want.Score {
		if got.Score[i] != want.Score[i] {
			t.Fatalf("row %d: %v with other columns between, %v without", i, got.Score[i], want.Score[i])
		}
	}
	r := rand.New(rand.NewPCG(34, 1))
	for range 5 {
		r.Shuffle(len(apart), func(i, j int) { apart[i], apart[j] = apart[j], apart[i] })
		s := schemaOf(t, apart...)
		if diff := largestDifference(rank(t, bind(t, m, s), tableOf(s, data)).Heads, want.Heads); diff > 1e-6 {
			t.Errorf("with columns shuffled probabilities differ by %v", diff)
		}
	}
}

func TestPredictIsRank(t *testing.T) {
	data := problem(150, 6, 0.1, 35)
	m := train(t, ranking.LinearConfig{Epochs: 3}, data)
	s := schemaOf(t, columnsOf(m)...)
	want := rank(t, bind(t, m, s), tableOf(s, data))
	got := predict(t, m, data)
	for i := range want.Heads {
		if got[i] != want.Heads[i] {
			t.Fatalf("value %d: Predict %v, Rank %v", i, got[i], want.Heads[i])
		}
	}
	turned, err := data.Select("f5", "f3", "topic", "f1", "f0", "f2", "creator", "f4")
	if err != nil {
		t.Fatal(err)
	}
	if diff := largestDifference(predict(t, m, turned), got); diff > 1e-6 {
		t.Errorf("with columns in another order probabilities differ by %v", diff)
	}
	if again, err := m.Predict([]float32{7}, data); err != nil || again[0] != 7 || again[1] != got[0] {
		t.Errorf("Predict does not append: %v, %v", again[:2], err)
	}
	few, _ := data.Select("f0", "f1", "creator")
	if _, err := m.Predict(nil, few); err == nil || !strings.Contains(err.Error(), "f2, f3, f4, f5, topic") {
		t.Errorf("error %v; want one that lists the columns", err)
	}
}

// A time stamp has a mean of thousands of standard deviations: in float32 the folded product would lose it.
func TestLargeMeansKeepTheirDigits(t *testing.T) {
	r := rand.New(rand.NewPCG(36, 1))
	d := &ranking.Dataset{Columns: []string{"unix", "x"}, Heads: []string{"click"}}
	for range 2000 {
		day := r.NormFloat64()
		d.Floats = append(d.Floats, float32(1.7e9+4096*day), float32(r.NormFloat64()))
		d.Labels = append(d.Labels, draw(r, day))
	}
	m := train(t, ranking.LinearConfig{}, d)
	if !ranking.Careful(m) {
		t.Error("the model folds a mean of 400,000 standard deviations into float32")
	}
	if ranking.Careful(train(t, ranking.LinearConfig{}, problem(200, 20, 0, 37))) {
		t.Error("ordinary columns are not folded")
	}
	for i, p := range predict(t, m, d) {
		want := 1 / (1 + math.Exp(-logit(t, m, "click", d.FloatRow(i), nil)))
		if math.Abs(float64(p)-want) > 1e-6 {
			t.Fatalf("row %d: %v; want %v", i, p, want)
		}
	}
}

func TestHugeValuesGiveProbabilities(t *testing.T) {
	m := train(t, ranking.LinearConfig{}, problem(200, 4, 0, 38))
	values := []float32{math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32, 0, 1e30, float32(math.NaN())}
	d := &ranking.Dataset{Columns: m.Columns(), IDColumns: m.IDColumns()}
	r := rand.New(rand.NewPCG(39, 1))
	for range 500 {
		for range m.Columns() {
			d.Floats = append(d.Floats, values[r.IntN(len(values))])
		}
		d.IDs = append(d.IDs, r.Uint64(), r.Uint64N(5))
	}
	for i, p := range predict(t, m, d) {
		if !(p >= 0 && p <= 1) {
			t.Fatalf("value %d is %v; want a probability", i, p)
		}
	}
}

func TestRankErrors(t *testing.T) {
	m := train(t, ranking.LinearConfig{Epochs: 1}, problem(50, 3, 0, 40))
	s := schemaOf(t, columnsOf(m)...)
	c := recsys.NewCandidates(s, []recsys.ItemID{1, 2})
	if err := m.Rank(t.Context(), nil, c, recsys.NewScores(2, 2)); !errors.Is(err, ranking.ErrUnbound) {
		t.Errorf("unbound: error %v", err)
	}
	r := bind(t, m, s)
	if err := r.Rank(t.Context(), nil, c, recsys.NewScores(2, 1)); err == nil || !strings.Contains(err.Error(), "no room for 2 rows of 2 heads") {
		t.Errorf("one head: error %v", err)
	}
	for want, columns := range map[string][]recsys.Column{
		`feature "f2": no source writes it`:    nil,
		`feature "topic": no source writes it`: columnsOf(m)[:4], // all but the last ID column
	} {
		other := recsys.NewCandidates(schemaOf(t, columns...), []recsys.ItemID{1})
		err := r.Rank(t.Context(), nil, other, recsys.NewScores(1, 2))
		if _, typed := errors.AsType[*recsys.ColumnError](err); !typed || !strings.Contains(err.Error(), want) {
			t.Errorf("another table: error %v; want %q", err, want)
		}
	}
	if _, err := new(ranking.Linear).Bind(s); err == nil {
		t.Error("an empty model can be bound")
	}
}

func TestBindListsEveryColumnItCannotHave(t *testing.T) {
	m := train(t, ranking.LinearConfig{Epochs: 1}, problem(50, 3, 0, 41))
	_, err := m.Bind(schemaOf(t, recsys.Column{Name: "f1"}, recsys.Column{Name: "f2", Kind: recsys.ID}, recsys.Column{Name: "topic"}))
	if err == nil {
		t.Fatal("no error")
	}
	for _, name := range []string{"f0", "f2", "creator", "topic"} {
		if !strings.Contains(err.Error(), fmt.Sprintf("%q", name)) {
			t.Errorf("error %q does not name %q", err, name)
		}
	}
	var column *recsys.ColumnError
	if !errors.As(err, &column) {
		t.Errorf("error %v has no ColumnError", err)
	}
}

func TestRankDoesNotAllocate(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	data := problem(200, 20, 0.02, 42)
	m := train(t, ranking.LinearConfig{Epochs: 2, MissingIndicators: true}, data)
	s := schemaOf(t, columnsOf(m)...)
	r, c, out := bind(t, m, s), tableOf(s, data), recsys.NewScores(data.Len(), 2)
	ctx := context.Background()
	if n := testing.AllocsPerRun(100, func() {
		if err := r.Rank(ctx, nil, c, out); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestVersionIsThatOfTheWeights(t *testing.T) {
	d := problem(100, 3, 0, 43)
	m := train(t, ranking.LinearConfig{Epochs: 1}, d)
	bound := bind(t, m, schemaOf(t, columnsOf(m)...)).(recsys.Versioned)
	if bound.Version() != m.Version() || m.Version() == "" {
		t.Errorf("version %q, bound %q", m.Version(), bound.Version())
	}
	if other := train(t, ranking.LinearConfig{Epochs: 2}, d); other.Version() == m.Version() {
		t.Error("other weights have the same version")
	}
	renamed := *d
	renamed.Columns = []string{"f0", "f1", "other"}
	if other := train(t, ranking.LinearConfig{Epochs: 1}, &renamed); other.Version() == m.Version() {
		t.Error("another column has the same version")
	}
}
