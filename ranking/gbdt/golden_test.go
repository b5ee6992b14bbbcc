package gbdt_test

import (
	"bytes"
	"compress/gzip"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/ranking/gbdt"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/treetest"
)

// tolerances are relative to the larger of 1 and the value: LightGBM's raw scores have the
// same bits but for linear trees, whose sums it leaves to a matrix library; XGBoost's
// sums and its exponential are float32.
func tolerances(name string) (raw, prediction float64) {
	switch {
	case strings.HasPrefix(name, "xgb"):
		return 1e-6, 1e-6
	case strings.Contains(name, "linear_tree"):
		return 1e-12, 1e-12
	}
	return 0, 1e-14
}

func flat[T any](rows [][]T) []T { return slices.Concat(rows...) }

// near fails unless all values are within tolerance.
func near(tb testing.TB, what string, got, want []float64, tolerance float64) {
	tb.Helper()
	require.Len(tb, got, len(want), what)
	for i := range got {
		if got[i] == want[i] || math.IsNaN(got[i]) && math.IsNaN(want[i]) || math.Abs(got[i]-want[i]) <= tolerance*max(1, math.Abs(want[i])) {
			continue
		}
		tb.Fatalf("%s: value %d is %v; want %v", what, i, got[i], want[i])
	}
}

// goldenModels calls do for each reference model, in each of its formats.
func goldenModels(t *testing.T, prefix string, do func(t *testing.T, c *treetest.Case, m *gbdt.Model)) {
	for _, name := range treetest.Names(t, prefix) {
		c := treetest.Load(t, name)
		for _, extension := range []string{"txt", "json", "ubj"} {
			data := c.Model(t, extension)
			if data == nil {
				continue
			}
			t.Run(name+"."+extension, func(t *testing.T) {
				o := gbdt.Options{Name: name}
				if c.Missing != nil {
					o.Missing = []float64{*c.Missing}
				}
				m, err := gbdt.Read(bytes.NewReader(data), o)
				require.NoError(t, err)
				do(t, c, m)
			})
		}
	}
}

// Source: outputs of LightGBM 4.6 and XGBoost 1.7.4 on the reference models.
func TestFilesOfOtherLibrariesPredictWhatTheyPredict(t *testing.T) {
	goldenModels(t, "", func(t *testing.T, c *treetest.Case, m *gbdt.Model) {
		rows := flat(c.Rows)
		exactRaw, exactPrediction := tolerances(c.Name)
		raw, err := m.Raw(nil, rows)
		require.NoError(t, err)
		near(t, "raw", raw, flat(c.Raw), exactRaw)
		predictions, err := m.PredictRows(nil, rows)
		require.NoError(t, err)
		near(t, "prediction", predictions, flat(c.Pred), exactPrediction)
		if c.Leaves == nil {
			return
		}
		leaves, err := m.Leaves(nil, rows)
		require.NoError(t, err)
		require.Equal(t, flat(c.Leaves), leaves)
	})
}

// A table holds float32: Rank must give what the rows give after rounding.
func TestRankIsThePredictionOfRoundedRows(t *testing.T) {
	goldenModels(t, "", func(t *testing.T, c *treetest.Case, m *gbdt.Model) {
		rows := flat(c.Rows)
		for i := range rows {
			rows[i] = float64(float32(rows[i]))
		}
		want, err := m.PredictRows(nil, rows)
		require.NoError(t, err)
		d := dataset(m, rows)
		s := schemaOf(t, append([]recsys.Column{{Name: "other"}}, columnsOf(m)...)...)
		out := rank(t, bind(t, m, s), table(s, d))
		got, err := m.Predict(nil, d)
		require.NoError(t, err)
		for i, v := range want {
			if x := float32(v); out.Heads[i] != x && x == x || got[i] != x && x == x {
				t.Fatalf("value %d is %v in a table, %v in a dataset; want %v", i, out.Heads[i], got[i], x)
			}
		}
	})
}

func TestOurFilesKeepWhatWasRead(t *testing.T) {
	goldenModels(t, "", func(t *testing.T, c *treetest.Case, m *gbdt.Model) {
		data := encode(t, m)
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		_, err := z.Write(data)
		require.NoError(t, err)
		require.NoError(t, z.Close())
		for _, file := range [][]byte{data, packed.Bytes()} {
			back, err := gbdt.Read(bytes.NewReader(file), gbdt.Options{})
			require.NoError(t, err)
			require.Equal(t, m.Version(), back.Version())
			require.Equal(t, data, encode(t, back))
			want, _ := m.PredictRows(nil, flat(c.Rows))
			got, err := back.PredictRows(nil, flat(c.Rows))
			require.NoError(t, err)
			near(t, "prediction", got, want, 0)
		}
	})
}

func TestWriteLightGBMIsReadBackTheSame(t *testing.T) {
	goldenModels(t, "lgb", func(t *testing.T, c *treetest.Case, m *gbdt.Model) {
		var b bytes.Buffer
		require.NoError(t, m.WriteLightGBM(&b, m.Heads()[0]))
		back, err := gbdt.Read(&b, gbdt.Options{})
		require.NoError(t, err)
		require.Equal(t, m.Version(), back.Version())
		got, err := back.Raw(nil, flat(c.Rows))
		require.NoError(t, err)
		want, _ := m.Raw(nil, flat(c.Rows))
		near(t, "raw", got, want, 0)
	})
}

func encode(tb testing.TB, m *gbdt.Model) []byte {
	tb.Helper()
	var b bytes.Buffer
	n, err := m.WriteTo(&b)
	require.NoError(tb, err)
	require.EqualValues(tb, b.Len(), n)
	return b.Bytes()
}
