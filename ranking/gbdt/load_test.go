package gbdt_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/ranking/gbdt"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

// small files of other libraries, as their documentation describes them.
const (
	lightgbmText = `tree
version=v4
num_class=1
num_tree_per_iteration=1
label_index=0
max_feature_idx=1
objective=binary sigmoid:1
feature_names=Column_0 Column_1
feature_infos=[-1:1] 0:1:2
tree_sizes=1 1

Tree=0
num_leaves=2
num_cat=0
split_feature=0
split_gain=3
threshold=0.25
decision_type=2
left_child=-1
right_child=-2
leaf_value=-1 1
leaf_weight=2 2
leaf_count=8 8
internal_value=0
internal_weight=4
internal_count=16
shrinkage=0.1


Tree=1
num_leaves=2
num_cat=1
split_feature=1
split_gain=2
threshold=0
decision_type=1
left_child=-1
right_child=-2
leaf_value=0.5 -0.5
leaf_weight=2 2
leaf_count=8 8
internal_value=0
internal_weight=4
internal_count=16
cat_boundaries=0 1
cat_threshold=5
shrinkage=0.1


end of trees
`
	lightgbmJSON = `{"name":"tree","version":"v4","num_class":1,"num_tree_per_iteration":1,"max_feature_idx":0,"objective":"regression",
"feature_names":["learner"],"tree_info":[{"tree_index":0,"num_leaves":2,"shrinkage":1,"tree_structure":{"split_index":0,
"split_feature":0,"split_gain":1,"threshold":0.5,"decision_type":"<=","default_left":true,"missing_type":"NaN",
"internal_value":0,"left_child":{"leaf_index":0,"leaf_value":-1},"right_child":{"leaf_index":1,"leaf_value":2}}}]}`
	xgboostJSON = `{"version":[1,7,4],"learner":{"attributes":{"best_iteration":"0"},"feature_names":["tree_info"],"feature_types":["float"],"learner_model_param":{"base_score":"5E-1","num_class":"0","num_feature":"1"},
"objective":{"name":"binary:logistic"},"gradient_booster":{"name":"gbtree","model":{"gbtree_model_param":{"num_parallel_tree":"1"},
"tree_info":[0,0],"trees":[
{"left_children":[1,-1,-1],"right_children":[2,-1,-1],"split_indices":[0,0,0],"split_conditions":[0.5,-1,1],"default_left":[1,0,0]},
{"left_children":[-1],"right_children":[-1],"split_indices":[0],"split_conditions":[0.25],"default_left":[0]}]}}}}`
)

func read(t testing.TB, text string, o gbdt.Options) *gbdt.Model {
	t.Helper()
	m, err := gbdt.Read(strings.NewReader(text), o)
	require.NoError(t, err)
	return m
}

func TestReadTellsFilesApart(t *testing.T) {
	for text, want := range map[string]string{
		lightgbmText: "2 trees over 2 features, heads score",
		lightgbmJSON: "1 trees over 1 features, heads score",
		xgboostJSON:  "2 trees over 1 features, heads score",
		strings.ReplaceAll(lightgbmText, "\n", "\r\n"): "2 trees over 2 features, heads score",
		" \n" + xgboostJSON:                            "2 trees over 1 features, heads score",
	} {
		require.Contains(t, read(t, text, gbdt.Options{}).String(), want)
	}
	for text, want := range map[string]string{
		"":                     "model: model file: byte 0: the file is empty",
		"PK\x03\x04zip":        `begins with "PK\x03\x04zip"`,
		`{"nodes":[]}`:         "a JSON document of another kind",
		`[{"nodeid":0}]`:       "a JSON document of another kind",
		"{\"learner":           "model file: byte 0",
		"tree\nversion=v9\n\n": "LightGBM text: version v9 is not supported",
		"binf....":             "the old binary format",
		"\x1f\x8bnonsense":     "gzip: the packed bytes",
	} {
		_, err := gbdt.Read(strings.NewReader(text), gbdt.Options{})
		require.ErrorContains(t, err, want)
		var file *gbdt.FileError
		var unsupported *gbdt.UnsupportedError
		require.True(t, errors.As(err, &file) || errors.As(err, &unsupported), "%v", err)
	}
}

func TestReadErrorsNameTheFileAndThePlace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "click.txt")
	require.NoError(t, os.WriteFile(path, []byte(strings.Replace(lightgbmText, "left_child=-1", "left_child=7", 1)), 0o644))
	_, err := gbdt.Load(path, gbdt.Options{})
	require.ErrorContains(t, err, "gbdt: "+path+": LightGBM text: ")
	require.ErrorContains(t, err, "node 0 has child 7")
	_, err = gbdt.Load(path+".none", gbdt.Options{})
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = gbdt.Read(strings.NewReader(lightgbmText[:700]), gbdt.Options{Name: "x"})
	require.ErrorContains(t, err, "gbdt: x: LightGBM text: line ")
	broken := errors.New("broken")
	_, err = gbdt.Read(io.MultiReader(strings.NewReader("tree\n"), errReader{broken}), gbdt.Options{})
	require.ErrorIs(t, err, broken)
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

func TestOptionsRenameAndCountNames(t *testing.T) {
	m := read(t, lightgbmText, gbdt.Options{Heads: []string{"click"}, Features: []string{"price", "brand"}, Categories: map[string][]uint64{"brand": {7, 8, 9}}})
	require.Equal(t, []string{"click"}, m.Heads())
	require.Equal(t, []gbdt.Feature{{Name: "price"}, {Name: "brand", Categorical: true, IDs: []uint64{7, 8, 9}}}, m.Features())
	require.Equal(t, []string{"price"}, m.Columns())
	require.Equal(t, []string{"brand"}, m.IDColumns())
	m = read(t, lightgbmText, gbdt.Options{Rename: map[string]string{"Column_1": "brand"}})
	require.Equal(t, []string{"Column_0", "brand"}, m.Columns())

	for want, o := range map[string]gbdt.Options{
		"Options.Heads: 2 names for 1 predictions; too many: buy":                                          {Heads: []string{"click", "buy"}},
		"Options.Heads: 0 names for 1 predictions; no name for score":                                      {Heads: []string{}},
		"Options.Features: 1 names for 2 features; no name for Column_1":                                   {Features: []string{"price"}},
		"Options.Features: 3 names for 2 features; too many: c":                                            {Features: []string{"a", "b", "c"}},
		`feature "a" stands twice`:                                                                         {Features: []string{"a", "a"}},
		"feature 1 has no name":                                                                            {Features: []string{"a", ""}},
		"Options.Rename: the file has no feature Column_7, Column_9 (features: Column_0, Column_1)":        {Rename: map[string]string{"Column_9": "x", "Column_7": "y"}},
		`Options.Categories: no feature "brand" (features: Column_0, Column_1)`:                            {Categories: map[string][]uint64{"brand": nil}},
		`Options.Categories: feature "Column_0" is not categorical`:                                        {Categories: map[string][]uint64{"Column_0": nil}},
		`feature "Column_1": an id stands twice in its vocabulary`:                                         {Categories: map[string][]uint64{"Column_1": {1, 2, 1}}},
		"Options.Rounds is 3; want 0 for all, -1 for the best, or 1 to 2":                                  {Rounds: 3},
		"Options.MaxBytes is -1":                                                                           {MaxBytes: -1},
		"+Inf as a value that is missing":                                                                  {Missing: []float64{math.Inf(1)}},
		"Options.Heads: 0 names for 1 predictions; no name for score\nOptions.Features: 1 names for 2 fea": {Heads: []string{}, Features: []string{"price"}},
	} {
		_, err := gbdt.Read(strings.NewReader(lightgbmText), o)
		require.ErrorContains(t, err, want)
	}
}

func TestRoundsCountAsAsked(t *testing.T) {
	for _, c := range []struct {
		text        string
		rounds      int
		trees       int
		first, last float64
	}{
		{lightgbmText, gbdt.AllRounds, 2, -0.5, 0.5},
		{lightgbmText, gbdt.BestRounds, 2, -0.5, 0.5}, // the file names none
		{lightgbmText, 1, 1, -1, 1},
		{xgboostJSON, gbdt.AllRounds, 2, -0.75, 1.25},
		{xgboostJSON, gbdt.BestRounds, 1, -1, 1},
	} {
		m := read(t, c.text, gbdt.Options{Rounds: c.rounds})
		require.Equal(t, c.trees, m.Trees())
		require.Equal(t, c.trees, m.Rounds())
		rows := []float64{-1, 2, 1, 1}
		if len(m.Features()) == 1 {
			rows = []float64{-1, 1}
		}
		raw, err := m.Raw(nil, rows)
		require.NoError(t, err)
		require.Equal(t, []float64{c.first, c.last}, raw)
	}
}

func TestFilesBeyondMaxBytesAreRefused(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	for range 100 {
		_, err := z.Write(make([]byte, 1<<20))
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	path := filepath.Join(t.TempDir(), "bomb.gz")
	require.NoError(t, os.WriteFile(path, packed.Bytes(), 0o644))
	_, err := gbdt.Load(path, gbdt.Options{MaxBytes: 1 << 21})
	require.ErrorIs(t, err, gbdt.ErrTooLarge)
	_, err = gbdt.Load(path, gbdt.Options{MaxBytes: 100})
	require.ErrorIs(t, err, gbdt.ErrTooLarge)
	_, err = gbdt.Read(strings.NewReader(lightgbmText), gbdt.Options{MaxBytes: 100})
	require.ErrorIs(t, err, gbdt.ErrTooLarge)
	read(t, lightgbmText, gbdt.Options{MaxBytes: int64(len(lightgbmText))})

	// Only what a packed file really holds counts, however much that usually is.
	packed.Reset()
	z.Reset(&packed)
	_, err = io.WriteString(z, lightgbmText)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	require.Greater(t, 4*packed.Len(), len(lightgbmText))
	_, err = gbdt.Read(&packed, gbdt.Options{MaxBytes: int64(len(lightgbmText))})
	require.NoError(t, err)
}

// A few bytes must not ask for a million names.
func TestClassesWithoutTreesAreRefused(t *testing.T) {
	const text = `{"learner":{"feature_names":[],"feature_types":[],"learner_model_param":{"base_score":"0","num_class":"1000000","num_feature":"1"},
"objective":{"name":"multi:softprob"},"gradient_booster":{"name":"gbtree","model":{"tree_info":[],"trees":[]}}}}`
	_, err := gbdt.Read(strings.NewReader(text), gbdt.Options{})
	require.ErrorContains(t, err, "1000000 classes and 0 trees")
}

func TestCombinePutsHeadsSideBySide(t *testing.T) {
	a := shape{features: 4, categorical: 1, rounds: 5, leaves: 9, link: tree.Sigmoid}.model(t, 1, true)
	b := reread(t, shape{features: 4, categorical: 1, rounds: 3, leaves: 7, outputs: 2, link: tree.Softmax}.model(t, 2, true),
		gbdt.Options{Heads: []string{"low", "high"}, Rename: map[string]string{"f0": "g0"}})
	m, err := gbdt.Combine(a, b)
	require.NoError(t, err)
	require.Equal(t, []string{"score", "low", "high"}, m.Heads())
	require.Equal(t, []string{"f0", "f1", "f2", "g0"}, m.Columns())
	require.Equal(t, 3, m.Outputs())
	require.Equal(t, 5, m.Rounds())
	rows := shape{features: 4, categorical: 1}.rows(rand.New(rand.NewPCG(1, 1)), 50)
	var wide []float64
	for i := range 50 {
		row := rows[i*4 : i*4+4]
		wide = append(append(wide, row...), row[0])
	}
	got, err := m.PredictRows(nil, wide)
	require.NoError(t, err)
	one, _ := a.PredictRows(nil, rows)
	two, _ := b.PredictRows(nil, rows)
	for i := range 50 {
		require.Equal(t, []float64{one[i], two[2*i], two[2*i+1]}, got[3*i:3*i+3])
	}
	require.Equal(t, m.Version(), reread(t, m, gbdt.Options{}).Version())
}

func TestCombineNamesWhatDoesNotFit(t *testing.T) {
	a := shape{features: 3, categorical: 1, rounds: 2, leaves: 4}.model(t, 1, true)
	other := func(s shape, vocabulary bool, o gbdt.Options) *gbdt.Model {
		if o.Heads == nil {
			o.Heads = []string{"buy"}
		}
		return reread(t, s.model(t, 2, vocabulary), o)
	}
	same := shape{features: 3, categorical: 1, rounds: 2, leaves: 4}
	for want, b := range map[string]*gbdt.Model{
		`head "score" stands twice`:                                       other(same, true, gbdt.Options{Heads: []string{"score"}}),
		`feature "f2" has other categories in another model`:              other(same, false, gbdt.Options{}),
		`feature "f2" is categorical in one model and numeric in another`: other(shape{features: 3, rounds: 2, leaves: 4}, false, gbdt.Options{}),
		"model 1 takes [0] for missing, the one before it []":             other(same, true, gbdt.Options{Missing: []float64{0}}),
		"model 1 is empty": new(gbdt.Model),
	} {
		_, err := gbdt.Combine(a, b)
		require.ErrorContains(t, err, want)
	}
	_, err := gbdt.Combine()
	require.ErrorContains(t, err, "a model without forests")
}
