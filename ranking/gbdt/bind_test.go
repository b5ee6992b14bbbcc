package gbdt_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/gbdt"
)

func TestIDsAreNoCategoriesUnlessTheCallerSaysSo(t *testing.T) {
	schema := schemaOf(t, recsys.Column{Name: "price"}, recsys.Column{Name: "brand", Kind: recsys.ID})
	d := &ranking.Dataset{Columns: []string{"price"}, IDColumns: []string{"brand"}, Floats: []float32{1, 1, 1}, IDs: []uint64{0, 1, 2}}
	names := []string{"price", "brand"}
	m := read(t, lightgbmText, gbdt.Options{Features: names})
	want := `gbdt: feature "brand" is categorical without a vocabulary, in an ID column: `
	for _, m := range []*gbdt.Model{m, reread(t, m, gbdt.Options{})} {
		_, err := m.Bind(schema)
		require.ErrorContains(t, err, want)
		for _, remedy := range []string{"Options.Categories", "Options.Pandas", "Options.IDsAreCategories", "a Float column"} {
			require.ErrorContains(t, err, remedy)
		}
		_, err = m.Predict(nil, d)
		require.ErrorContains(t, err, want)
	}
	_, err := recsys.NewPipeline(recsys.Retrieve("all", allItems), recsys.Features(itemStore), recsys.Rank(m)).Build()
	require.ErrorContains(t, err, want)

	coded := read(t, lightgbmText, gbdt.Options{Features: names, IDsAreCategories: true})
	rows, err := coded.PredictRows(nil, []float64{1, 0, 1, 1, 1, 2})
	require.NoError(t, err)
	require.NotEqual(t, rows[0], rows[1])
	renamed := reread(t, coded, gbdt.Options{Heads: []string{"buy"}})
	both, err := gbdt.Combine(coded, renamed)
	require.NoError(t, err)
	for name, m := range map[string]*gbdt.Model{"read": coded, "our file": reread(t, coded, gbdt.Options{}), "combined": both} {
		bind(t, m, schema)
		p, err := m.Predict(nil, d)
		require.NoError(t, err)
		for i, v := range rows {
			require.Equal(t, float32(v), p[i*len(m.Heads())], name)
		}
	}
	half, err := gbdt.Combine(coded, reread(t, m, gbdt.Options{Heads: []string{"buy"}}))
	require.NoError(t, err)
	_, err = half.Bind(schema)
	require.ErrorContains(t, err, want, "one of the two has not said so")

	// Numbers in a Float column, and a vocabulary, need no word.
	bind(t, m, schemaOf(t, recsys.Column{Name: "price"}, recsys.Column{Name: "brand"}))
	bind(t, read(t, lightgbmText, gbdt.Options{Features: names, Categories: map[string][]uint64{"brand": {7, 8, 9}}}), schema)
}

func TestBindNamesTheNearestColumnAndTheRemedy(t *testing.T) {
	schema := schemaOf(t, recsys.Column{Name: "item.ctr_7d"}, recsys.Column{Name: "Price"}, recsys.Column{Name: "age"})
	for name, near := range map[string]string{
		"ctr_7d": `did you mean "item.ctr_7d"? `, "user.CTR_7d": `did you mean "item.ctr_7d"? `, "price": `did you mean "Price"? `,
		"item.age": `did you mean "age"? `, "clicks": "", "7d": "",
	} {
		_, err := trees(t, name).Bind(schema)
		require.EqualError(t, err, fmt.Sprintf("feature %q: no source writes it (float columns: item.ctr_7d, Price, age); %sOptions.Rename gives features the names of columns", name, near))
	}
	_, err := trees(t, "ctr_7d").Bind(nil)
	require.ErrorContains(t, err, "(float columns: none)")
}

func TestManyMissingFeaturesAreOneLine(t *testing.T) {
	names := make([]string, 200)
	for j := range names {
		names[j] = fmt.Sprintf("f%03d", j)
	}
	m := trees(t, names...)
	schema := schemaOf(t, recsys.Column{Name: "item.f003"}, recsys.Column{Name: "x"})
	_, err := m.Bind(schema)
	require.EqualError(t, err, `features "f000", "f001", "f002", "f003", "f004", "f005", "f006", "f007" and 192 more: no source writes them `+
		`(float columns: item.f003, x); did you mean "item.f003"? Options.Rename gives features the names of columns`)
	require.Equal(t, 200, columnErrors(err), "each is there for a program")

	var columns []recsys.Column
	for _, name := range names {
		columns = append(columns, recsys.Column{Name: name, Kind: recsys.ID})
	}
	_, err = m.Bind(schemaOf(t, columns...))
	require.Equal(t, 9, len(strings.Split(err.Error(), "\n")))
	require.ErrorContains(t, err, "and 192 more features of another kind than their columns")
	require.Equal(t, 200, columnErrors(err))
}

// trees is a model of numeric features.
func trees(t *testing.T, names ...string) *gbdt.Model {
	t.Helper()
	s := shape{features: len(names), rounds: 3, leaves: 4}
	return reread(t, s.model(t, 1, false), gbdt.Options{Features: names})
}

// columnErrors counts the column errors in err.
func columnErrors(err error) int {
	if _, ok := err.(*recsys.ColumnError); ok {
		return 1
	}
	n := 0
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range many.Unwrap() {
			n += columnErrors(e)
		}
	} else if e := errors.Unwrap(err); e != nil {
		n = columnErrors(e)
	}
	return n
}
