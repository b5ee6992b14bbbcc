package gbdt_test

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/gbdt"
)

func TestMonotoneScoresNeverFall(t *testing.T) {
	d := only(events(3000, 21), "watch")
	for way, name := range map[int]string{1: "b", -1: "a"} {
		m := train(t, gbdt.Config{Monotone: map[string]int{name: way}, Rounds: 30, MinRows: 5}, d)
		j := map[string]int{"a": 0, "b": 1}[name]
		x, err := m.AppendRows(nil, d.Rows(upTo(0, 50)))
		require.NoError(t, err)
		for at := 0; at < len(x); at += 4 {
			last := math.Inf(-way)
			for v := -3.0; v <= 3; v += 0.05 {
				x[at+j] = v
				s, err := m.Raw(nil, x[at:at+4])
				require.NoError(t, err)
				require.GreaterOrEqual(t, float64(way)*(s[0]-last), 0.0, name)
				last = s[0]
			}
		}
	}
}

func TestInteractionsKeepFeaturesApart(t *testing.T) {
	d := only(events(3000, 22), "watch")
	m := train(t, gbdt.Config{Interactions: [][]string{{"a", "shop"}}, Rounds: 20, MinRows: 5}, d)
	met := map[[2]int32]bool{}
	for i := range m.Forests()[0].Trees {
		one := &m.Forests()[0].Trees[i]
		var walk func(at int32, path []int32)
		walk = func(at int32, path []int32) {
			if at < 0 {
				return
			}
			n := one.Nodes[at]
			for _, j := range path {
				met[[2]int32{min(j, n.Feature), max(j, n.Feature)}] = true
			}
			path = append(slices.Clone(path), n.Feature)
			walk(n.Left, path)
			walk(n.Right, path)
		}
		walk(0, nil)
	}
	require.True(t, met[[2]int32{0, 3}], "a and shop may meet")
	require.True(t, met[[2]int32{1, 1}], "b may meet itself")
	require.False(t, met[[2]int32{0, 1}] || met[[2]int32{1, 3}], "b may meet no other")
}

func TestCategoriesAreKeptByID(t *testing.T) {
	const n = 2000
	d := &ranking.Dataset{IDColumns: []string{"shop"}, Heads: []string{"y"}}
	ids := []uint64{5, 1 << 60, 0, 42}
	r := gbdt.Random(1)
	for range n {
		k := min(r.IntN(5), 3) // 42 is the most frequent
		d.IDs = append(d.IDs, ids[k])
		d.Labels = append(d.Labels, float32(k))
	}
	m := train(t, gbdt.Config{Rounds: 40, LearningRate: 0.5}, d)
	require.Equal(t, []string{"shop"}, m.IDColumns())
	got, err := m.Predict(nil, &ranking.Dataset{IDColumns: []string{"shop"}, Heads: []string{"y"}, IDs: append(ids, 7, 8), Labels: make([]float32, 6)})
	require.NoError(t, err)
	for k := range ids {
		require.InDelta(t, k, got[k], 0.01)
	}
	require.Equal(t, got[4], got[5], "IDs that were not learned are all the same")
	kept := m.Features()[0].IDs
	require.Equal(t, uint64(42), kept[0], "the most frequent first")
	require.LessOrEqual(t, len(kept), 4)
}

func TestACategoricalFloatColumnIsItsOwnCategory(t *testing.T) {
	const n = 1000
	d := &ranking.Dataset{Columns: []string{"hour"}, Heads: []string{"y"}}
	for i := range n {
		d.Floats = append(d.Floats, float32(i%24))
		d.Labels = append(d.Labels, float32(i%24*7%3))
	}
	cfg := gbdt.Config{Categorical: []string{"hour"}, Rounds: 60, LearningRate: 0.5, MinRowsPerCategories: 1, CategoryL2: 0.01, CategorySmoothing: 1}
	m := train(t, cfg, d)
	require.True(t, m.Features()[0].Categorical)
	p, err := m.Predict(nil, d)
	require.NoError(t, err)
	for i, y := range d.Labels {
		require.InDelta(t, y, p[i], 0.05)
	}
}

func TestEachLossCanBeWrittenForLightGBM(t *testing.T) {
	whole := events(1000, 23)
	for _, c := range objectives {
		for _, boosting := range []gbdt.Boosting{gbdt.GradientBoosting, gbdt.RandomForest} {
			d := only(whole, c.head)
			m := train(t, gbdt.Config{Objective: c.o, Rounds: 4, Leaves: 7, Boosting: boosting, RowFraction: 0.7}, d)
			var b bytes.Buffer
			require.NoError(t, m.WriteLightGBM(&b, m.Heads()[0]), "%v", c.o.Loss)
			back, err := gbdt.Read(&b, gbdt.Options{Heads: m.Heads()})
			require.NoError(t, err)
			rows, err := m.AppendRows(nil, d)
			require.NoError(t, err)
			want, err := m.PredictRows(nil, rows)
			require.NoError(t, err)
			got, err := back.PredictRows(nil, rows)
			require.NoError(t, err)
			require.InDeltaSlice(t, want, got, 1e-12, "%v", c.o.Loss)
		}
	}
}

func TestTrainedModelsAreSavedAndGoOn(t *testing.T) {
	d := events(600, 24)
	cfg := gbdt.Config{Rounds: 4, Heads: map[string]gbdt.Objective{"click": {Loss: gbdt.LogLoss}, "grade": {Loss: gbdt.LambdaMART}}}
	m := train(t, cfg, d)
	path := t.TempDir() + "/model"
	require.NoError(t, m.Save(path))
	back, err := gbdt.Load(path, gbdt.Options{})
	require.NoError(t, err)
	require.Equal(t, m.Version(), back.Version())
	cfg.Init = m
	a := train(t, cfg, d)
	cfg.Init = back
	require.Equal(t, a.Version(), train(t, cfg, d).Version())
}

func TestTrainingGoesOnFromAFileOfLightGBM(t *testing.T) {
	d, err := only(events(1500, 25), "click").Select("a", "b", "none")
	require.NoError(t, err)
	cfg := gbdt.Config{Objective: gbdt.Objective{Loss: gbdt.LogLoss}, Rounds: 5}
	var b bytes.Buffer
	require.NoError(t, train(t, cfg, d).WriteLightGBM(&b, "click"))
	file, err := gbdt.Read(&b, gbdt.Options{Heads: []string{"click"}})
	require.NoError(t, err)
	cfg.Rounds = 10
	whole := train(t, cfg, d)
	cfg.Init, cfg.Rounds = file, 5
	more := train(t, cfg, d)
	require.Equal(t, 10, more.Rounds())
	want, err := whole.Predict(nil, d)
	require.NoError(t, err)
	got, err := more.Predict(nil, d)
	require.NoError(t, err)
	require.InDeltaSlice(t, want, got, 0.02, "the base score stands in the leaves of the file")
}

func TestHeadsWhoseClassesCollideAreAnError(t *testing.T) {
	d := events(100, 26)
	d.Heads = []string{"click", "grade", "grade=1"}
	_, err := gbdt.Train(background, gbdt.Config{Heads: map[string]gbdt.Objective{"grade": {Loss: gbdt.Softmax}}}, d)
	require.ErrorContains(t, err, `head "grade=1" stands twice`)
}

// Clicks are drawn where the user looks, which depends on the position alone. What is shown first is clicked
// most, whatever it is; with the examination given the ranker finds the better item again.
//
// Source: Joachims, Swaminathan and Schnabel, "Unbiased Learning-to-Rank with Biased Feedback", WSDM
// 2017, section 4.
func TestExaminationUndoesPositionBias(t *testing.T) {
	examination := []float64{1, 0.3, 0.15, 0.1}
	r := gbdt.Random(2)
	d := &ranking.Dataset{Columns: []string{"quality", "shown first"}, Heads: []string{"click"}}
	for q := range 4000 {
		// The logging policy prefers old items; quality is independent of that.
		for k := range 4 {
			quality, old := float64(r.IntN(2)), 0.0
			if k == 0 {
				old = 1
			}
			click := float32(0)
			if r.Float64() < examination[k]*(0.1+0.3*quality) {
				click = 1
			}
			d.Floats = append(d.Floats, float32(quality), float32(old))
			d.Labels = append(d.Labels, click)
			d.Groups, d.Positions = append(d.Groups, uint64(q)), append(d.Positions, int32(k))
		}
	}
	better := []float64{1, 0, 0, 1} // a new item of quality against an old one without
	for _, loss := range []gbdt.Loss{gbdt.LambdaMART, gbdt.Pairwise} {
		naive := train(t, gbdt.Config{Objective: gbdt.Objective{Loss: loss, Unnormalised: true}, Rounds: 30}, d)
		s, err := naive.Raw(nil, better)
		require.NoError(t, err)
		require.Less(t, s[0], s[1], "%v: what was shown first wins without correction", loss)
		fair := train(t, gbdt.Config{Objective: gbdt.Objective{Loss: loss, Unnormalised: true, Examination: examination}, Rounds: 30}, d)
		s, err = fair.Raw(nil, better)
		require.NoError(t, err)
		require.Greater(t, s[0], s[1]+0.2, "%v", loss)
	}
}
