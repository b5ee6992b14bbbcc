package gbdt_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/ranking/gbdt"
)

// Source: the lines that lightgbm.Booster.save_model and dump_model add to a model trained on a data frame.
func TestPandasCategoriesBecomeVocabularies(t *testing.T) {
	file := lightgbmText + "\nfeature_importances:\n\nparameters:\nend of parameters\n\npandas_categorical:[[\"red\", 7, 9.0]]\n"
	m := read(t, file, gbdt.Options{Pandas: true, Rename: map[string]string{"Column_1": "colour"}})
	require.Equal(t, []uint64{recsys.HashID("red"), 7, 9}, m.Features()[1].IDs)
	require.Equal(t, []string{"colour"}, m.IDColumns())
	require.Nil(t, read(t, file, gbdt.Options{}).Features()[1].IDs)
	require.Equal(t, []uint64{1}, read(t, file, gbdt.Options{Pandas: true, Categories: map[string][]uint64{"Column_1": {1}}}).Features()[1].IDs)

	schema := schemaOf(t, recsys.Column{Name: "Column_0"}, recsys.Column{Name: "Column_1", Kind: recsys.ID})
	c := recsys.NewCandidates(schema, []recsys.ItemID{1, 2, 3})
	copy(c.IDColumn(0), []uint64{recsys.HashID("red"), 7, recsys.HashID("blue")})
	out := rank(t, bind(t, read(t, file, gbdt.Options{Pandas: true}), schema), c)
	// Categories 0 and 2 go to the left of the second tree; blue is none.
	require.Greater(t, out.Score[0], out.Score[1])
	require.Equal(t, out.Score[1], out.Score[2])

	json := strings.Replace(lightgbmJSON, `"decision_type":"<=","default_left":true,"missing_type":"NaN"`, `"decision_type":"==","missing_type":"None"`, 1)
	json = strings.Replace(json, `"threshold":0.5`, `"threshold":"0||2"`, 1)
	json = strings.TrimSuffix(json, "}") + `,"pandas_categorical":[["a","b"]]}`
	require.Equal(t, []uint64{recsys.HashID("a"), recsys.HashID("b")}, read(t, json, gbdt.Options{Pandas: true}).Features()[0].IDs)

	for tail, want := range map[string]string{
		"":                             "the file has no pandas_categorical",
		"pandas_categorical:null\n":    "categories for 0 columns and 1 categorical features",
		"pandas_categorical:[[1],[2]]": "categories for 2 columns and 1 categorical features",
		"pandas_categorical:[[1.5]]":   `feature "Column_1": category 1.5 is neither text nor a whole number`,
		"pandas_categorical:[[true]]":  "category true is neither",
		"pandas_categorical:[[7,7.0]]": "an id stands twice",
		"pandas_categorical:[[7":       "LightGBM: pandas_categorical: unexpected EOF",
	} {
		_, err := gbdt.Read(strings.NewReader(lightgbmText+tail), gbdt.Options{Pandas: true})
		require.ErrorContains(t, err, want)
	}
}
