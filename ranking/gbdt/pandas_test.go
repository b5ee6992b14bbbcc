package gbdt_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/ranking"
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

// xgboostCats is a model of one tree, f0 < 1 ? 1 : (f1 in {0, 2} ? 3 : 2), with cats in the place of %s.
const xgboostCats = `{"version":[3,1,0],"learner":{"attributes":{},"feature_names":["f0","f1"],"feature_types":["float","c"],
"learner_model_param":{"base_score":"[5E-1]","num_class":"0","num_feature":"2","num_target":"1"},
"objective":{"name":"binary:logistic"},
"gradient_booster":{"name":"gbtree","model":{%s"gbtree_model_param":{"num_parallel_tree":"1","num_trees":"1"},"tree_info":[0],
"trees":[{"left_children":[1,-1,3,-1,-1],"right_children":[2,-1,4,-1,-1],"split_indices":[0,0,1,0,0],
"split_conditions":[1,1,NaN,2,3],"default_left":[true,false,false,false,false],"split_type":[0,0,1,0,0],
"categories":[0,2],"categories_nodes":[2],"categories_segments":[0],"categories_sizes":[2],
"tree_param":{"num_nodes":"5","size_leaf_vector":"0"}}]}}}}`

// Source: XGBoost 3.5, doc/tutorials/saving_model.rst, "Categories".
func TestXGBoostCategoriesBecomeVocabularies(t *testing.T) {
	cats := func(enc string) string {
		return strings.Replace(xgboostCats, "%s", `"cats":{"feature_segments":[0,0,3],"sorted_idx":[2,0,1],"enc":`+enc+`},`, 1)
	}
	none := `{"offsets":[],"values":[]}`
	words := cats(`[` + none + `,{"offsets":[0,2,3,6],"values":[98,98,99,-61,-68,97]}]`) // bb, c, üa
	m := read(t, words, gbdt.Options{Pandas: true})
	require.Equal(t, []uint64{recsys.HashID("bb"), recsys.HashID("c"), recsys.HashID("üa")}, m.Features()[1].IDs)
	require.Equal(t, []string{"f1"}, m.IDColumns())
	require.Nil(t, read(t, words, gbdt.Options{}).Features()[1].IDs, "numbers, unless asked for")

	schema := schemaOf(t, recsys.Column{Name: "f0"}, recsys.Column{Name: "f1", Kind: recsys.ID})
	c := recsys.NewCandidates(schema, []recsys.ItemID{1, 2, 3})
	copy(c.Floats(), []float32{2, 2, 2})
	copy(c.IDColumn(0), []uint64{recsys.HashID("bb"), recsys.HashID("c"), recsys.HashID("üa")})
	out := rank(t, bind(t, m, schema), c)
	require.Greater(t, out.Score[0], out.Score[1])
	require.Equal(t, out.Score[0], out.Score[2])

	numbers := cats(`[{"type":15,"values":[]},{"type":15,"values":[7,0,-3]}]`)
	require.Equal(t, []uint64{7, 0, recsys.HashID("-3")}, read(t, numbers, gbdt.Options{Pandas: true}).Features()[1].IDs)

	for enc, want := range map[string]string{
		`[]`: "the file has no categories; XGBoost keeps those of a data frame from 3.1 on",
		`[{"offsets":[0,1],"values":[97]},` + none + `]`: `feature "f0" has categories in the file, and is not categorical`,
		`[` + none + `]`: "the file has no categories",
		`[` + none + `,` + none + `,{"offsets":[0,1],"values":[97]}]`: "categories for 3 columns, and 2 features",
		`[` + none + `,{"offsets":[0,9],"values":[97]}]`:              "cats.enc[1].offsets: element 1 is 9",
		`[` + none + `,{"offsets":[1,0],"values":[97]}]`:              "cats.enc[1].offsets: element 1 is 0, and the one before it 1",
		`[` + none + `,{"offsets":[0,1],"values":[900]}]`:             "cats.enc[1].values: element 0 is 900",
		`[` + none + `,{"type":15,"values":[9007199254740993]}]`:      "cats.enc[1].values: element 0 is 9.007199254740992e+15; want a whole number below 2^53",
		`[` + none + `,{"type":8,"values":[1.5]}]`:                    "cats.enc[1].values: element 0 is 1.5",
		`[` + none + `,{"offsets":[0,1,2],"values":[97,97]}]`:         "an id stands twice",
		`[` + none + `,{"type":15}]`:                                  "values: is missing",
		`[3]`:                                                         "an array of numbers; want an array",
	} {
		_, err := gbdt.Read(strings.NewReader(cats(enc)), gbdt.Options{Pandas: true})
		require.ErrorContains(t, err, want, enc)
		read(t, cats(enc), gbdt.Options{}) // what is not asked for may be anything
	}
	_, err := gbdt.Read(strings.NewReader(strings.Replace(xgboostCats, "%s", "", 1)), gbdt.Options{Pandas: true})
	require.ErrorContains(t, err, "the file has no categories")
}

// zeroShops are rows of 5 shops, one of them with the ID 0, and of a colour that no tree reads.
func zeroShops() *ranking.Dataset {
	d := &ranking.Dataset{Columns: []string{"price"}, IDColumns: []string{"shop", "none", "city"}, Heads: []string{"watch"}}
	for i := range 900 {
		shop, city := []uint64{0, 7, 1<<64 - 1, recsys.HashID("x"), 1 << 53}[i%5], []uint64{11, 12, 13}[i%3]
		d.Floats, d.IDs = append(d.Floats, float32(i%11)), append(d.IDs, shop, 5, city)
		d.Labels = append(d.Labels, float32(i%5*i%5)+float32(i%3)+float32(i%11)/8)
	}
	return d
}

func TestVocabulariesComeBackFromLightGBMText(t *testing.T) {
	d := zeroShops()
	m := train(t, gbdt.Config{Rounds: 20, MinRows: 1, MinRowsPerCategories: 1}, d)
	require.Contains(t, m.Features()[1].IDs, uint64(0))
	require.Empty(t, m.Features()[2].IDs)
	var b bytes.Buffer
	require.NoError(t, m.WriteLightGBM(&b, "watch"))
	text := b.String()
	back := read(t, text, gbdt.Options{Pandas: true, Heads: m.Heads()})
	require.Equal(t, m.Features(), back.Features())
	want, err := m.Predict(nil, d)
	require.NoError(t, err)
	got, err := back.Predict(nil, d)
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.Greater(t, slices.Max(want), slices.Min(want)+1)

	// In a pipeline, too, where a source marks what is missing.
	schema := schemaOf(t, recsys.Column{Name: "price"}, recsys.Column{Name: "shop", Kind: recsys.ID}, recsys.Column{Name: "none", Kind: recsys.ID}, recsys.Column{Name: "city", Kind: recsys.ID})
	c := recsys.NewCandidates(schema, []recsys.ItemID{1, 2, 3}) // all missing
	require.Equal(t, rank(t, bind(t, m, schema), c).Heads, rank(t, bind(t, back, schema), c).Heads)

	// A file from elsewhere tells missing from 0, and comes back as it is.
	other := read(t, lightgbmText+"\npandas_categorical:[[0, 7, 9]]\n", gbdt.Options{Pandas: true})
	b.Reset()
	require.NoError(t, other.WriteLightGBM(&b, "score"))
	require.Contains(t, b.String(), "\npandas_categorical:[[0, 7, 9]]\n")
	require.Equal(t, other.Version(), read(t, b.String(), gbdt.Options{Pandas: true}).Version())

	for _, wrong := range []string{"x", "-1", "9", "0", "3", "1 1"} {
		_, err := gbdt.Read(strings.NewReader(strings.Replace(text, "missing_is_id_0=1\n", "missing_is_id_0="+wrong+"\n", 1)), gbdt.Options{Pandas: true})
		require.ErrorContains(t, err, "missing_is_id_0: ", wrong)
	}

	// What has no vocabulary cannot say so for one feature and keep the others.
	plain := read(t, lightgbmText, gbdt.Options{Features: []string{"price", "brand"}})
	both, err := gbdt.Combine(m, plain)
	require.NoError(t, err)
	b.Reset()
	require.NoError(t, both.WriteLightGBM(&b, "watch"))
	require.Contains(t, b.String(), "pandas_categorical:null")
}
