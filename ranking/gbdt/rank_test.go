package gbdt_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/gbdt"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
	"github.com/recsyskit/recsys/ranking/rankingtest"
)

var shapes = map[string]shape{
	"numeric":     {features: 7, rounds: 12, leaves: 31, link: tree.Sigmoid},
	"categorical": {features: 6, categorical: 3, rounds: 9, leaves: 15, link: tree.Exp},
	"classes":     {features: 5, categorical: 1, rounds: 4, leaves: 8, outputs: 3, link: tree.Softmax},
	"class":       {features: 5, rounds: 4, leaves: 8, outputs: 3, link: tree.ArgMax},
}

func TestModelConforms(t *testing.T) {
	for name, s := range shapes {
		t.Run(name, func(t *testing.T) {
			m := s.model(t, 1, true)
			columns := columnsOf(m)
			mixed := append([]recsys.Column{{Name: "user", Scope: recsys.PerRequest}, columns[2], {Name: "x"}}, append(columns[3:], columns[:2]...)...)
			rankingtest.Run(t, func(*testing.T) recsys.Ranker { return m }, mixed...)
		})
	}
}

func TestCascadeConforms(t *testing.T) {
	m := shapes["categorical"].model(t, 1, true)
	c, err := gbdt.NewCascade(m, gbdt.CascadeConfig{Rounds: 3, Keep: 1})
	require.NoError(t, err)
	rankingtest.Run(t, func(*testing.T) recsys.Ranker { return c }, columnsOf(m)...)
}

// The rows of a table are those of a dataset, wherever their columns stand.
func TestRankFindsItsColumnsByName(t *testing.T) {
	for name, s := range shapes {
		for _, vocabulary := range []bool{false, true} {
			t.Run(fmt.Sprint(name, vocabulary), func(t *testing.T) {
				m := s.model(t, 2, vocabulary)
				d := dataset(m, s.rows(rand.New(rand.NewPCG(4, 4)), 700))
				want, err := m.Predict(nil, d)
				require.NoError(t, err)
				columns := columnsOf(m)
				slices.Reverse(columns)
				schema := schemaOf(t, append(columns, recsys.Column{Name: "other"})...)
				require.Equal(t, want, rank(t, bind(t, m, schema), table(schema, d)).Heads)
			})
		}
	}
}

// Source: the contract of Options.Categories and of files without a vocabulary.
func TestCategoriesBindToIDColumns(t *testing.T) {
	s := shape{features: 3, categorical: 3, rounds: 8, leaves: 12}
	kept, plain := s.model(t, 5, true), reread(t, s.model(t, 5, false), gbdt.Options{IDsAreCategories: true})
	var columns []recsys.Column
	for j := range 3 {
		columns = append(columns, recsys.Column{Name: fmt.Sprintf("f%d", j), Kind: recsys.ID})
	}
	schema := schemaOf(t, columns...)
	rng := rand.New(rand.NewPCG(5, 6))
	items := make([]recsys.ItemID, 300)
	codes, ids := recsys.NewCandidates(schema, items), recsys.NewCandidates(schema, items)
	codes.Missing(0).Reset()
	ids.Missing(0).Reset()
	rows := make([]float64, 0, 900)
	for i := range items {
		for j := range 3 {
			c := uint64(rng.IntN(40))
			codes.IDColumn(j)[i], ids.IDColumn(j)[i] = c, 100+10*c
			rows = append(rows, float64(c))
			switch rng.IntN(12) {
			case 0: // no tree knows it
				codes.IDColumn(j)[i], ids.IDColumn(j)[i], rows[3*i+j] = 1<<40, 7, -1
			case 1: // missing
				codes.Missing(0).Set(i)
			}
		}
		if codes.Missing(0).Has(i) {
			for j := range 3 {
				codes.IDColumn(j)[i], ids.IDColumn(j)[i], rows[3*i+j] = 0, 0, math.NaN()
			}
		}
	}
	want, err := kept.PredictRows(nil, rows)
	require.NoError(t, err)
	a, b := rank(t, bind(t, kept, schema), ids), rank(t, bind(t, plain, schema), codes)
	for i, v := range want {
		require.Equal(t, float32(v), a.Heads[i], "vocabulary, row %d", i)
		require.Equal(t, float32(v), b.Heads[i], "codes, row %d", i)
	}
	require.True(t, math.IsNaN(kept.Category(0, 0)))
	require.EqualValues(t, -1, kept.Category(0, 7))
	require.EqualValues(t, 3, kept.Category(0, 130))
	require.EqualValues(t, 7, plain.Category(0, 7))
	require.EqualValues(t, -1, plain.Category(0, 1<<24))
}

func TestBindNamesWhatIsMissingAndWhatIsTooMuch(t *testing.T) {
	m := shape{features: 4, categorical: 1, rounds: 9, leaves: 12}.model(t, 1, true)
	schema := schemaOf(t, recsys.Column{Name: "f0", Kind: recsys.ID}, recsys.Column{Name: "f2"}, recsys.Column{Name: "f3"}, recsys.Column{Name: "price"})
	_, err := m.Bind(schema)
	var column *recsys.ColumnError
	require.True(t, errors.As(err, &column))
	for _, want := range []string{
		`feature "f0": source "test" writes it as id, want float`,
		`feature "f1": no source writes it (float columns: f2, f3, price)`,
		`feature "f3": source "test" writes it as float, want id`,
	} {
		require.ErrorContains(t, err, want)
	}

	strict := reread(t, m, gbdt.Options{Strict: true})
	complete := append(columnsOf(m), recsys.Column{Name: "user", Scope: recsys.PerRequest}, recsys.Column{Name: "tag", Kind: recsys.ID})
	bind(t, strict, schemaOf(t, complete...))
	_, err = strict.Bind(schemaOf(t, append(complete, recsys.Column{Name: "price"}, recsys.Column{Name: "age"})...))
	require.ErrorContains(t, err, "the model does not read the columns price, age")
	bind(t, m, schemaOf(t, append(complete, recsys.Column{Name: "price"})...))

	_, err = new(gbdt.Model).Bind(schema)
	require.ErrorContains(t, err, "Model is empty")
	err = m.Rank(t.Context(), nil, recsys.NewCandidates(schema, []recsys.ItemID{1}), recsys.NewScores(1, 1))
	require.ErrorIs(t, err, ranking.ErrUnbound)
}

// A feature that no tree reads is asked for, unless the caller says otherwise; nothing of it is read.
func TestSkipUnusedWantsOnlyWhatTreesRead(t *testing.T) {
	f := shape{features: 3, rounds: 5, leaves: 6}.forest(rand.New(rand.NewPCG(1, 9)))
	for k := range f.Trees {
		for i := range f.Trees[k].Nodes {
			f.Trees[k].Nodes[i].Feature = 1
		}
	}
	m, err := gbdt.NewModel(shape{features: 3}.inputs(false), []string{"score"}, f)
	require.NoError(t, err)
	schema := schemaOf(t, recsys.Column{Name: "f1"})
	_, err = m.Bind(schema)
	require.ErrorContains(t, err, `features "f0", "f2": no source writes them (float columns: f1)`)
	// Strict refuses what is no feature at all; a feature that no tree reads may be there or not.
	both := reread(t, m, gbdt.Options{SkipUnused: true, Strict: true})
	bind(t, both, schema)
	bind(t, both, schemaOf(t, recsys.Column{Name: "f1"}, recsys.Column{Name: "f2"}))
	_, err = both.Bind(schemaOf(t, recsys.Column{Name: "f1"}, recsys.Column{Name: "f2"}, recsys.Column{Name: "price"}))
	require.EqualError(t, err, "gbdt: the model does not read the columns price (Options.Strict)")
	_, err = both.Bind(schemaOf(t, recsys.Column{Name: "f2"}))
	require.ErrorContains(t, err, `feature "f1": no source writes it`)
	for _, o := range []gbdt.Options{{SkipUnused: true}, {SkipUnused: true, Missing: []float64{3}}} {
		skips := reread(t, m, o)
		c := recsys.NewCandidates(schema, []recsys.ItemID{1, 2, 3})
		copy(c.Floats(), []float32{-1, 0.5, 3})
		nan := math.NaN()
		want, err := skips.PredictRows(nil, []float64{nan, -1, nan, nan, 0.5, nan, nan, 3, nan})
		require.NoError(t, err)
		for i, v := range rank(t, bind(t, skips, schema), c).Score {
			require.Equal(t, float32(want[i]), v)
		}
	}
}

func TestMissingValuesCountAsNaN(t *testing.T) {
	s := shape{features: 5, categorical: 2, rounds: 10, leaves: 20}
	m := s.model(t, 8, false)
	zero := reread(t, m, gbdt.Options{Missing: []float64{0, 0.1}})
	require.NotEqual(t, m.Version(), zero.Version())
	rows := s.rows(rand.New(rand.NewPCG(8, 8)), 200)
	rows[7], rows[13] = 0.1, float64(float32(0.1))
	replaced := slices.Clone(rows)
	for i, v := range replaced {
		if v == 0 || float32(v) == 0.1 {
			replaced[i] = math.NaN()
		}
	}
	want, err := m.PredictRows(nil, replaced)
	require.NoError(t, err)
	got, err := zero.PredictRows(nil, rows)
	require.NoError(t, err)
	near(t, "rows", got, want, 0)
	schema := schemaOf(t, columnsOf(m)...)
	for i, v := range rank(t, bind(t, zero, schema), table(schema, dataset(m, rows))).Heads {
		require.Equal(t, float32(want[i]), v)
	}
}

func TestRankAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("sync.Pool drops items at random under the race detector")
	}
	for name, s := range shapes {
		m := s.model(t, 1, true)
		d := dataset(m, s.rows(rand.New(rand.NewPCG(1, 2)), 500))
		rankers := map[string]recsys.Ranker{"model": m, "missing": reread(t, m, gbdt.Options{Missing: []float64{0}})}
		if c, err := gbdt.NewCascade(m, gbdt.CascadeConfig{Rounds: 2}); err == nil {
			rankers["cascade"] = c
		}
		schema := schemaOf(t, columnsOf(m)...)
		for kind, r := range rankers {
			bound, c := bind(t, r, schema), table(schema, d)
			out, ctx := recsys.NewScores(c.Len(), len(m.Heads())), context.Background()
			n := testing.AllocsPerRun(50, func() {
				if err := bound.Rank(ctx, nil, c, out); err != nil {
					t.Fatal(err)
				}
			})
			if n != 0 {
				t.Errorf("%s, %s: %v allocations", name, kind, n)
			}
		}
	}
}

func TestRankRefusesTablesThatAreTooSmall(t *testing.T) {
	m := shapes["numeric"].model(t, 1, false)
	r := bind(t, m, schemaOf(t, columnsOf(m)...))
	small := recsys.NewCandidates(schemaOf(t, recsys.Column{Name: "f0"}), []recsys.ItemID{1})
	err := r.Rank(t.Context(), nil, small, recsys.NewScores(1, 1))
	require.ErrorAs(t, err, new(*recsys.ColumnError))
	require.ErrorContains(t, err, "gbdt: the table is not of the schema that the model was bound to")
	require.ErrorContains(t, err, `feature "f6": no source writes it (float columns: f0)`)
	good := recsys.NewCandidates(schemaOf(t, columnsOf(m)...), []recsys.ItemID{1, 2})
	require.ErrorContains(t, r.Rank(t.Context(), nil, good, recsys.NewScores(1, 1)), "no room for 2 rows of 1 heads")
}

func TestDatasetsWithoutAColumnAreNamed(t *testing.T) {
	m := shape{features: 3, categorical: 1, rounds: 2, leaves: 4}.model(t, 1, true)
	_, err := m.Predict(nil, &ranking.Dataset{Columns: []string{"f1", "f2"}})
	require.EqualError(t, err, "gbdt: the dataset has no column f0, f2")
	for _, call := range []func([]float64) error{
		func(x []float64) error { _, err := m.Raw(nil, x); return err },
		func(x []float64) error { _, err := m.PredictRows(nil, x); return err },
		func(x []float64) error { _, err := m.Contributions(nil, x); return err },
		func(x []float64) error { _, err := m.Leaves(nil, x); return err },
	} {
		require.EqualError(t, call(make([]float64, 7)), "gbdt: 7 values are no rows of 3 features")
		require.NoError(t, call(nil))
	}
}

// Wide rows go through in smaller blocks.
func TestManyFeaturesPredictAsFew(t *testing.T) {
	s := shape{features: 1 << 16, rounds: 3, leaves: 5, link: tree.Sigmoid}
	m := s.model(t, 1, false)
	rows := make([]float64, 10<<16)
	rng := rand.New(rand.NewPCG(1, 3))
	for i := range rows {
		rows[i] = float64(float32(rng.NormFloat64()))
	}
	all, err := m.PredictRows(nil, rows)
	require.NoError(t, err)
	d := dataset(m, rows)
	single, err := m.Predict(nil, d)
	require.NoError(t, err)
	for i := range 10 {
		one, err := m.PredictRows(nil, rows[i<<16:(i+1)<<16])
		require.NoError(t, err)
		require.Equal(t, one[0], all[i])
		require.Equal(t, float32(one[0]), single[i])
	}
}
