package gbdt_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/gbdt"
)

var background = context.Background()

// events has n rows: floats "a" and "b" (with missing values) and "none", which is constant, an ID column "shop",
// groups of about eight rows, and the heads
// "click" (0, 1), "grade" (0 to 3), "watch" (>= 0.1). click is not known for some rows.
func events(n int, seed uint64) *ranking.Dataset {
	r := gbdt.Random(seed)
	d := &ranking.Dataset{
		Columns: []string{"a", "b", "none"}, IDColumns: []string{"shop"}, Heads: []string{"click", "grade", "watch"},
	}
	for i := range n {
		a, b, shop := r.NormFloat64(), r.NormFloat64(), r.IntN(20)
		z := a + math.Sin(3*b) + 0.4*float64(shop%5-2)
		if r.IntN(10) == 0 {
			b = math.NaN()
		}
		click := 0.0
		if r.Float64() < 1/(1+math.Exp(-2*z)) {
			click = 1
		}
		if r.IntN(15) == 0 {
			click = math.NaN()
		}
		grade := max(0, min(3, math.Round(z+r.NormFloat64()/2)))
		d.Floats = append(d.Floats, float32(a), float32(b), 7)
		d.IDs = append(d.IDs, uint64(1000+shop*shop))
		d.Labels = append(d.Labels, float32(click), float32(grade), float32(0.1+math.Exp(z/2+r.NormFloat64()/4)))
		d.Weights = append(d.Weights, float32(0.5+r.Float64()))
		d.Groups = append(d.Groups, uint64(i/8))
		d.Positions = append(d.Positions, int32(i%8))
	}
	return d
}

// only returns d with one head.
func only(d *ranking.Dataset, head string) *ranking.Dataset {
	out := *d
	out.Heads = []string{head}
	out.Labels, _ = d.LabelColumn(nil, head)
	return &out
}

func train(t *testing.T, cfg gbdt.Config, d *ranking.Dataset) *gbdt.Model {
	t.Helper()
	m, err := gbdt.Train(background, cfg, d)
	require.NoError(t, err)
	return m
}

// objectives has a head of events for each loss.
var objectives = []struct {
	head string
	o    gbdt.Objective
}{
	{"watch", gbdt.Objective{Loss: gbdt.L2}},
	{"watch", gbdt.Objective{Loss: gbdt.L1}},
	{"watch", gbdt.Objective{Loss: gbdt.Quantile, Alpha: 0.7}},
	{"watch", gbdt.Objective{Loss: gbdt.Huber, Alpha: 0.5}},
	{"click", gbdt.Objective{Loss: gbdt.LogLoss, PositiveWeight: 2}},
	{"click", gbdt.Objective{Loss: gbdt.CrossEntropy}},
	{"grade", gbdt.Objective{Loss: gbdt.Poisson}},
	{"watch", gbdt.Objective{Loss: gbdt.Gamma}},
	{"watch", gbdt.Objective{Loss: gbdt.Tweedie}},
	{"grade", gbdt.Objective{Loss: gbdt.Softmax}},
	{"grade", gbdt.Objective{Loss: gbdt.LambdaMART}},
	{"grade", gbdt.Objective{Loss: gbdt.Pairwise}},
	{"grade", gbdt.Objective{Loss: gbdt.XENDCG}},
}

// schemes are ways to boost that training must keep its promises under.
func schemes() map[string]gbdt.Config {
	return map[string]gbdt.Config{
		"plain":   {},
		"bagging": {RowFraction: 0.7, RowEvery: 2, FeatureFraction: 0.7, NodeFeatureFraction: 0.7},
		"groups":  {RowFraction: 0.6, RowsByGroup: true},
		"goss":    {GOSS: gbdt.GOSS{Top: 0.3, Other: 0.2}, LearningRate: 0.4},
		"dart":    {Boosting: gbdt.DART, DropRate: 0.4, SkipDrop: 0.2},
		"forest":  {Boosting: gbdt.RandomForest, RowFraction: 0.6},
		"bounded": {L1: 0.1, L2: 1, MaxDepth: 3, MaxLeaf: 0.5, PathSmoothing: 2, Monotone: map[string]int{"a": 1}},
	}
}

func TestScoresOfTrainingAreThoseOfTheModel(t *testing.T) {
	d := events(3000, 1)
	for name, cfg := range schemes() {
		for _, c := range objectives {
			cfg.Objective, cfg.Rounds, cfg.Leaves = c.o, 6, 8
			d := only(d, c.head)
			m, raw, err := gbdt.TrainRaw(cfg, d)
			require.NoError(t, err, "%s %v", name, c.o.Loss)
			rows, err := m.AppendRows(nil, d)
			require.NoError(t, err)
			got, err := m.Raw(nil, rows)
			require.NoError(t, err)
			n, k := d.Len(), m.Outputs()
			require.Greater(t, m.Trees(), 3*k, "%s %v", name, c.o.Loss)
			for i := range n {
				if d.Labels[i] != d.Labels[i] {
					continue // scores of rows that do not count are not kept
				}
				for o := range k {
					if want := raw[0][o*n+i]; cfg.Boosting == gbdt.DART {
						require.InDelta(t, want, got[i*k+o], 1e-12*(1+math.Abs(want)), "%s %v", name, c.o.Loss)
					} else {
						require.Equal(t, want, got[i*k+o], "%s %v row %d", name, c.o.Loss, i)
					}
				}
			}
		}
	}
}

// The oracle: the leaves of each tree follow from the gradients at the scores of the trees before
// it, less those that DART dropped, which are replayed from the weights.
//
// Source: Friedman, "Greedy function approximation", 2001, algorithm 1, with Newton's leaves; Rashmi and
// Gilad-Bachrach, "DART", AISTATS 2015, algorithm 1: the new tree gets 1/(k+1), the k dropped ones
// k/(k+1) of their weight.
func TestLeavesFollowFromGradients(t *testing.T) {
	const rounds, l2 = 8, 0.5
	d := events(2000, 2)
	for _, boosting := range []gbdt.Boosting{gbdt.GradientBoosting, gbdt.DART} {
		for _, c := range objectives {
			if c.o.Loss == gbdt.L1 || c.o.Loss == gbdt.Quantile || c.o.Loss == gbdt.Huber {
				continue // their leaves are tested below
			}
			d := only(d, c.head)
			cfg := gbdt.Config{
				Objective: c.o, Boosting: boosting, Rounds: rounds, Leaves: 6, L2: l2, LearningRate: 0.3,
				DropRate: 0.5, CategoryL2: 1e-300,
			}
			if c.head == "grade" && c.o.Loss >= gbdt.LambdaMART {
				cfg.DropRate = 1 // all trees: the rounding of sums would decide ties otherwise
			}
			m := train(t, cfg, d)
			obj, err := gbdt.LossOf(cfg, d)
			require.NoError(t, err)
			f := m.Forests()[0]
			require.Equal(t, rounds, f.Rounds())
			n, k := d.Len(), f.Outputs
			x, err := m.AppendRows(nil, d)
			require.NoError(t, err)
			weights, sawDrop := []float64{}, false
			score, grad, hess := make([]float64, n*k), make([]float32, n*k), make([]float32, n*k)
			for r := range rounds {
				var dropped []int
				if boosting == gbdt.DART {
					dropped = cfg.Drops(r, weights)
				}
				sawDrop = sawDrop || len(dropped) > 0
				for o := range k {
					for i := range n {
						score[o*n+i] = f.Base[o]
					}
				}
				for j, w := range weights {
					if slices.Contains(dropped, j) {
						continue
					}
					for o := range k {
						one := &f.Trees[j*k+o]
						for i := range n {
							score[o*n+i] += w * one.Leaves[one.Leaf(x[i*4:i*4+4])] / one.Shrinkage
						}
					}
				}
				obj.Gradients(r, score, grad, hess)
				for o := range k {
					one := &f.Trees[r*k+o]
					g, h := make([]float64, len(one.Leaves)), make([]float64, len(one.Leaves))
					for i := range n {
						l := one.Leaf(x[i*4 : i*4+4])
						g[l] += float64(grad[o*n+i])
						h[l] += float64(hess[o*n+i])
					}
					for l, v := range one.Leaves {
						want := -g[l] / (h[l] + l2)
						if len(one.Nodes) == 0 {
							want = 0
						}
						require.InDelta(t, want, v/one.Shrinkage, 1e-5*(1+math.Abs(want)), "%v %v round %d leaf %d", boosting, c.o.Loss, r, l)
					}
				}
				for _, j := range dropped {
					weights[j] *= float64(len(dropped)) / float64(len(dropped)+1)
				}
				weights = append(weights, 0.3/float64(len(dropped)+1))
			}
			require.Equal(t, boosting == gbdt.DART, sawDrop)
			for r, w := range weights {
				require.InDelta(t, w, f.Trees[r*k].Shrinkage, 1e-15)
			}
		}
	}
}

func TestRobustLeavesAreStatisticsOfResiduals(t *testing.T) {
	d := only(events(1500, 3), "watch")
	d.Weights = nil
	m := train(t, gbdt.Config{Objective: gbdt.Objective{Loss: gbdt.Quantile, Alpha: 0.8}, Rounds: 3, Leaves: 5, LearningRate: 0.5}, d)
	f := m.Forests()[0]
	x, err := m.AppendRows(nil, d)
	require.NoError(t, err)
	residual := make([]float64, d.Len())
	for i, y := range d.Labels {
		residual[i] = float64(y) - f.Base[0]
	}
	for r := range f.Trees {
		one := &f.Trees[r]
		in := make([][]float64, len(one.Leaves))
		for i := range residual {
			l := one.Leaf(x[i*4 : i*4+4])
			in[l] = append(in[l], residual[i])
		}
		for l, values := range in {
			below := 0
			v := one.Leaves[l] / 0.5
			for _, e := range values {
				if e <= v+1e-12 {
					below++
				}
			}
			require.InDelta(t, 0.8*float64(len(values)), below, 1.5, "round %d leaf %d", r, l)
		}
		for i := range residual {
			residual[i] -= one.Leaves[one.Leaf(x[i*4:i*4+4])]
		}
	}
}

func TestTrainingDoesNotDependOnWorkers(t *testing.T) {
	d := events(20_000, 4)
	for name, cfg := range schemes() {
		cfg.Rounds, cfg.Leaves, cfg.Seed = 3, 12, 9
		cfg.Heads = map[string]gbdt.Objective{
			"click": {Loss: gbdt.LogLoss}, "grade": {Loss: gbdt.LambdaMART}, "watch": {Loss: gbdt.L1},
		}
		cfg.Workers = 1
		one := train(t, cfg, d)
		cfg.Workers = 3
		require.Equal(t, one.Version(), train(t, cfg, d).Version(), name)
	}
}

func TestHeadsAreIndependent(t *testing.T) {
	d := events(2000, 5)
	for name, cfg := range schemes() {
		cfg.Rounds, cfg.Leaves = 4, 6
		cfg.Heads = map[string]gbdt.Objective{"click": {Loss: gbdt.LogLoss}, "grade": {Loss: gbdt.Softmax}}
		all := train(t, cfg, d)
		require.Equal(t, []string{"click", "grade=0", "grade=1", "grade=2", "grade=3", "watch"}, all.Heads())
		for i, head := range d.Heads {
			alone := cfg
			alone.Heads, alone.Objective = nil, cfg.Heads[head]
			m := train(t, alone, only(d, head))
			require.Equal(t, m.Forests()[0].Trees, all.Forests()[i].Trees, "%s: %s", name, head)
		}
	}
}

func TestTrainingThatGoesOnGivesTheSameModel(t *testing.T) {
	d := events(3000, 6)
	for name, cfg := range schemes() {
		if cfg.Boosting == gbdt.DART {
			continue
		}
		for _, c := range objectives {
			d := only(d, c.head)
			cfg.Objective, cfg.Leaves, cfg.Seed = c.o, 6, 3
			cfg.Init, cfg.Rounds = nil, 7
			whole := train(t, cfg, d)
			cfg.Rounds = 3
			first := train(t, cfg, d)
			cfg.Init, cfg.Rounds = first, 4
			second := train(t, cfg, d)
			require.Equal(t, whole.Forests()[0].Trees, second.Forests()[0].Trees, "%s %v", name, c.o.Loss)
			require.Equal(t, 7, second.Rounds())
			require.Equal(t, 3, first.Rounds(), "the first model stays as it is")
		}
	}
}

func TestGoingOnFindsFeaturesByNameAndKeepsCategories(t *testing.T) {
	d := only(events(2000, 7), "watch")
	first := train(t, gbdt.Config{Rounds: 5}, d)
	turned, err := d.Select("none", "b", "a", "shop")
	require.NoError(t, err)
	for i := range turned.IDs { // new shops come in
		if i%3 == 0 {
			turned.IDs[i] += 7
		}
	}
	second := train(t, gbdt.Config{Rounds: 3, Init: first}, turned)
	before, err := first.Predict(nil, d)
	require.NoError(t, err)
	rows, err := second.AppendRows(nil, d)
	require.NoError(t, err)
	x := make([]float64, 4)
	for i := range d.Len() {
		copy(x, rows[i*4:])
		var sum [1]float64
		second.Forests()[0].Raw(sum[:], x, 5)
		require.Equal(t, before[i], float32(sum[0]))
	}
}

func TestInitThatDoesNotFitIsAnError(t *testing.T) {
	d := only(events(500, 8), "watch")
	m := train(t, gbdt.Config{Rounds: 2}, d)
	less, err := d.Select("a", "b", "shop")
	require.NoError(t, err)
	renamed := *d
	renamed.Columns = []string{"a", "c", "none"}
	other := *d
	other.Heads = []string{"dwell"}
	for want, c := range map[string]struct {
		cfg gbdt.Config
		d   *ranking.Dataset
	}{
		"the dataset has no column none":      {gbdt.Config{}, less},
		"the model has no feature c":          {gbdt.Config{}, &renamed},
		`head "dwell": the model has "watch"`: {gbdt.Config{}, &other},
		"Poisson makes other predictions":     {gbdt.Config{Objective: gbdt.Objective{Loss: gbdt.Poisson}}, d},
		"averages its trees: false":           {gbdt.Config{Boosting: gbdt.RandomForest, RowFraction: 0.5}, d},
		"1 forests for heads":                 {gbdt.Config{}, events(500, 8)},
		"categorical in one of model":         {gbdt.Config{Categorical: []string{"none"}}, d},
	} {
		c.cfg.Init = m
		_, err := gbdt.Train(background, c.cfg, c.d)
		require.ErrorContains(t, err, want)
	}
}

func TestEarlyStoppingKeepsTheBestRound(t *testing.T) {
	whole := events(1600, 9)
	d, v := whole.Rows(upTo(0, 400)), whole.Rows(upTo(400, 1600))
	for name, cfg := range schemes() {
		cfg.Heads = map[string]gbdt.Objective{
			"click": {Loss: gbdt.LogLoss, Metric: gbdt.AUC}, "grade": {Loss: gbdt.LambdaMART, Cutoff: 3}, "watch": {Loss: gbdt.L2},
		}
		cfg.Rounds, cfg.MinRows, cfg.Validation, cfg.Patience = 80, 2, v, 6
		cfg.LearningRate = 0.5
		history := map[string][]float64{}
		last := map[string]gbdt.Progress{}
		cfg.Progress = func(p gbdt.Progress) {
			history[p.Head] = append(history[p.Head], p.Validation)
			last[p.Head] = p
		}
		m := train(t, cfg, d)
		for i, head := range d.Heads {
			f, values := m.Forests()[i], history[head]
			best := 0
			for r, value := range values {
				if head == "watch" && value < values[best] || head != "watch" && value > values[best] {
					best = r
				}
			}
			require.Equal(t, best+1, f.Rounds(), "%s %s", name, head)
			require.Equal(t, best+1, f.Best)
			require.Equal(t, best+1, last[head].Best)
			require.True(t, last[head].Done)
			require.Equal(t, min(80, best+1+6), len(values), "%s %s", name, head)
		}
		// The model is the one that was judged.
		got, err := m.Predict(nil, v)
		require.NoError(t, err)
		sum, total := 0.0, 0.0
		for i := range v.Len() {
			e := float64(got[3*i+2]) - float64(v.Labels[3*i+2])
			sum += float64(v.Weights[i]) * e * e
			total += float64(v.Weights[i])
		}
		require.InDelta(t, slices.Min(history["watch"]), math.Sqrt(sum/total), 1e-6, name)
	}
}

func upTo(from, to int) []int32 {
	var rows []int32
	for i := from; i < to; i++ {
		rows = append(rows, int32(i))
	}
	return rows
}

func TestProgressTellsMetricsAndTime(t *testing.T) {
	d := events(600, 10)
	now := time.Unix(0, 0)
	var got []gbdt.Progress
	m := train(t, gbdt.Config{
		Rounds: 3, Heads: map[string]gbdt.Objective{"click": {Loss: gbdt.LogLoss}, "grade": {Loss: gbdt.LambdaMART}},
		Clock:    func() time.Time { now = now.Add(time.Second); return now },
		Progress: func(p gbdt.Progress) { got = append(got, p) },
	}, d)
	require.Len(t, got, 9)
	for i, p := range got {
		require.Equal(t, d.Heads[i%3], p.Head)
		require.Equal(t, i/3+1, p.Round)
		require.Equal(t, 3, p.Rounds)
		require.Equal(t, []string{"log loss", "ndcg", "rmse"}[i%3], p.Metric)
		require.True(t, math.IsNaN(p.Validation))
		require.Equal(t, time.Duration(i+1)*time.Second, p.Elapsed)
		require.Equal(t, time.Duration(8-i)*time.Second, p.Remaining)
		require.Equal(t, i/3 == 2, p.Done)
	}
	require.Less(t, got[8].Train, got[2].Train, "rmse falls")
	require.Greater(t, got[7].Train, got[1].Train-0.01, "ndcg does not fall much")
	auc, _ := m.Predict(nil, d)
	require.NotEmpty(t, auc)
}

func TestCancelledTrainingGivesTheModelSoFar(t *testing.T) {
	d := events(800, 11)
	cfg := gbdt.Config{Rounds: 10, Objective: gbdt.Objective{Loss: gbdt.L2}, Heads: map[string]gbdt.Objective{"click": {Loss: gbdt.LogLoss}}}
	whole := train(t, cfg, d)
	ctx, cancel := context.WithCancel(background)
	stopped := cfg
	stopped.Progress = func(p gbdt.Progress) {
		if p.Round == 4 && p.Head == "watch" {
			cancel()
		}
	}
	m, err := gbdt.Train(ctx, stopped, d)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, `gbdt: head "click": round 5`)
	require.Equal(t, 4, m.Rounds())
	cfg.Init, cfg.Rounds = m, 6
	require.Equal(t, whole.Version(), train(t, cfg, d).Version())

	m, err = gbdt.Train(ctx, cfg, d)
	require.ErrorIs(t, err, context.Canceled)
	require.True(t, m == nil || m.Rounds() == 4)
}

func TestRowsThatDoNotCountDoNotMatter(t *testing.T) {
	d := only(events(1500, 12), "watch")
	unknown, weightless := *d, *d
	unknown.Labels, weightless.Weights = slices.Clone(d.Labels), slices.Clone(d.Weights)
	weightless.Labels = slices.Clone(d.Labels)
	for i := range d.Len() {
		if i%7 == 3 {
			unknown.Labels[i], weightless.Weights[i] = float32(math.NaN()), 0
			weightless.Labels[i] = 1e30
		}
	}
	cfg := gbdt.Config{Rounds: 5}
	require.Equal(t, train(t, cfg, &unknown).Version(), train(t, cfg, &weightless).Version())
	require.NotEqual(t, train(t, cfg, d).Version(), train(t, cfg, &weightless).Version())
}

func TestNothingToLearnGivesTheBaseScore(t *testing.T) {
	constant := &ranking.Dataset{Columns: []string{"x"}, Floats: make([]float32, 100), Heads: []string{"y"}}
	for i := range 100 {
		constant.Labels = append(constant.Labels, float32(i%4))
	}
	equal := only(events(300, 13), "watch")
	for i := range equal.Labels {
		equal.Labels[i] = 2.5
	}
	for want, d := range map[float32]*ranking.Dataset{1.5: constant, 2.5: equal} {
		m := train(t, gbdt.Config{Rounds: 10}, d)
		require.Zero(t, m.Trees())
		p, err := m.Predict(nil, d)
		require.NoError(t, err)
		for _, v := range p {
			require.Equal(t, want, v)
		}
	}
}

func TestBadDataIsAnErrorThatNamesIt(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	click := gbdt.Config{Objective: gbdt.Objective{Loss: gbdt.LogLoss}}
	rank := gbdt.Config{Objective: gbdt.Objective{Loss: gbdt.LambdaMART}}
	for want, c := range map[string]struct {
		cfg   gbdt.Config
		head  string
		spoil func(d *ranking.Dataset)
		is    error
	}{
		`Labels: row 3, "watch" is +Inf`:  {gbdt.Config{}, "watch", func(d *ranking.Dataset) { d.Labels[3] = inf }, nil},
		"Weights: row 2 is NaN":           {gbdt.Config{}, "watch", func(d *ranking.Dataset) { d.Weights[2] = nan }, nil},
		"Weights: row 2 is +Inf":          {gbdt.Config{}, "watch", func(d *ranking.Dataset) { d.Weights[2] = inf }, nil},
		`row 5, "watch" is -1`:            {gbdt.Config{Objective: gbdt.Objective{Loss: gbdt.Gamma}}, "watch", func(d *ranking.Dataset) { d.Labels[5] = -1 }, nil},
		`head "click": labels of one`:     {click, "click", func(d *ranking.Dataset) { fill(d.Labels, 1) }, ranking.ErrOneClass},
		`head "click": no labelled rows`:  {click, "click", func(d *ranking.Dataset) { fill(d.Labels, nan) }, ranking.ErrNoRows},
		`head "watch": no labelled rows`:  {gbdt.Config{}, "watch", func(d *ranking.Dataset) { fill(d.Weights, 0) }, ranking.ErrNoRows},
		`head "grade": no group has`:      {rank, "grade", func(d *ranking.Dataset) { d.Groups = nil }, gbdt.ErrNoPairs},
		"Heads is empty":                  {gbdt.Config{}, "watch", func(d *ranking.Dataset) { d.Heads, d.Labels = nil, nil }, nil},
		"want at least one float or ID":   {gbdt.Config{}, "watch", func(d *ranking.Dataset) { d.Columns, d.Floats, d.IDColumns, d.IDs = nil, nil, nil, nil }, nil},
		`Floats: row 7, "a" is 1.6777`:    {gbdt.Config{Categorical: []string{"a"}}, "watch", func(d *ranking.Dataset) { d.Floats[21] = 1 << 24 }, nil},
		`Positions: row 3, "grade" is 3;`: {gbdt.Config{Objective: gbdt.Objective{Loss: gbdt.Pairwise, Examination: []float64{1, 1, 1}}}, "grade", func(d *ranking.Dataset) { fill(d.Labels[:3], 0); d.Labels[3] = 2 }, nil},
	} {
		d := only(events(200, 14), c.head)
		c.spoil(d)
		m, err := gbdt.Train(background, c.cfg, d)
		require.Nil(t, m)
		require.ErrorContains(t, err, want)
		if c.is != nil {
			require.ErrorIs(t, err, c.is)
		} else {
			var de *ranking.DatasetError
			require.ErrorAs(t, err, &de)
		}
	}
}

func fill(v []float32, x float32) {
	for i := range v {
		v[i] = x
	}
}

func TestValidationThatDoesNotFitIsAnError(t *testing.T) {
	d := only(events(200, 15), "click")
	cfg := gbdt.Config{Objective: gbdt.Objective{Loss: gbdt.LogLoss, Metric: gbdt.AUC}}
	for want, spoil := range map[string]func(v *ranking.Dataset){
		"no column none":                 func(v *ranking.Dataset) { v.Columns = []string{"a", "b", "c"} },
		"heads are like; want click":     func(v *ranking.Dataset) { v.Heads = []string{"like"} },
		"auc is not defined":             func(v *ranking.Dataset) { v.Labels = make([]float32, v.Len()) },
		`Labels: row 1, "click" is 2`:    func(v *ranking.Dataset) { v.Labels = slices.Clone(v.Labels); v.Labels[1] = 2 },
		`head "click": no labelled rows`: func(v *ranking.Dataset) { v.Weights = make([]float32, v.Len()) },
		"float columns are b; want a, b, n": func(v *ranking.Dataset) {
			v.Columns, v.Floats, v.IDColumns, v.IDs = []string{"b"}, v.Floats[:200], []string{"a", "none", "shop"}, make([]uint64, 600)
		},
	} {
		v := *d
		spoil(&v)
		cfg.Validation = &v
		_, err := gbdt.Train(background, cfg, d)
		require.ErrorContains(t, err, "Config.Validation", want)
		require.ErrorContains(t, err, want)
	}
}

func TestMemoryIsBoundedBeforeItIsTaken(t *testing.T) {
	d := events(1000, 16)
	_, err := gbdt.Train(background, gbdt.Config{MaxBytes: 50_000}, d)
	var me *gbdt.MemoryError
	require.ErrorAs(t, err, &me)
	require.ErrorContains(t, err, fmt.Sprintf("%d bytes", me.Need))
	require.Greater(t, me.Need, int64(1000*(4*4+3*8)))
	_, err = gbdt.Train(background, gbdt.Config{MaxBytes: me.Need + 100_000, Rounds: 1}, d)
	require.NoError(t, err)
}

// What is refused allocates next to nothing: neither vocabularies nor labels, groups or a copy of the validation rows.
func TestMemoryIsRefusedBeforeAnythingLarge(t *testing.T) {
	const n = 200_000
	rng := rand.New(rand.NewPCG(16, 2))
	d := &ranking.Dataset{Columns: []string{"x"}, IDColumns: []string{"user"}, Heads: []string{"grade"}}
	for i := range n {
		d.Floats, d.IDs = append(d.Floats, rng.Float32()), append(d.IDs, rng.Uint64())
		d.Labels, d.Groups = append(d.Labels, float32(i%3)), append(d.Groups, uint64(i/10))
	}
	turned, err := d.Select("user", "x")
	require.NoError(t, err)
	turned.Columns, turned.Floats = []string{"x", "more"}, make([]float32, 2*n)
	allocated := func(cfg gbdt.Config) (uint64, *gbdt.MemoryError) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := gbdt.Train(background, cfg, d)
		runtime.ReadMemStats(&after)
		var me *gbdt.MemoryError
		require.ErrorAs(t, err, &me)
		require.ErrorContains(t, err, "gbdt: training needs about")
		return after.TotalAlloc - before.TotalAlloc, me
	}
	cfg := gbdt.Config{Objective: gbdt.Objective{Loss: gbdt.LambdaMART}, Validation: turned, Rounds: 1, Leaves: 4, Workers: 1}
	cfg.MaxBytes = 1 << 20
	spent, me := allocated(cfg)
	require.Less(t, spent, uint64(100_000))

	// All but the IDs has room: how many there are shows as they are counted.
	cfg.MaxBytes = me.Need + 1<<20
	spent, me = allocated(cfg)
	require.Less(t, spent, uint64(4*n+4<<20), "the copy of the validation rows, and few of the IDs")
	require.Greater(t, me.Need, cfg.MaxBytes)
	cfg.MaxBytes = me.Need
	_, err = gbdt.Train(background, cfg, d)
	require.NoError(t, err)
}

func TestConfigErrorsNameFieldValueAndRemedy(t *testing.T) {
	d := only(events(100, 17), "watch")
	for want, cfg := range map[string]gbdt.Config{
		"gbdt: Config.Rounds is -1; want >= 0 (0 means 100)": {Rounds: -1},
		"Config.LearningRate is -0.5; want a number > 0":     {LearningRate: -0.5},
		"Config.Leaves is 1; want 2 to 65536":                {Leaves: 1},
		"Config.Bins is 300; want 2 to 255":                  {Bins: 300},
		"Config.L2 is NaN":                                   {L2: math.NaN()},
		"Config.RowFraction is 1.5; want 0 to 1":             {RowFraction: 1.5},
		"Config.GOSS is {Top:0.5 Other:0.6}":                 {GOSS: gbdt.GOSS{Top: 0.5, Other: 0.6}},
		"Config.GOSS is on together with a RowFraction":      {GOSS: gbdt.GOSS{Top: 0.2, Other: 0.1}, RowFraction: 0.5},
		"Config.RowFraction is 1; want less than 1 for a R":  {Boosting: gbdt.RandomForest},
		"Config.Patience is 5; want 0, or a Validation":      {Patience: 5},
		`Config.Heads is given for "like"; want heads of`:    {Heads: map[string]gbdt.Objective{"like": {}}},
		`Config.Heads["watch"].Alpha is 1; want a level in`:  {Heads: map[string]gbdt.Objective{"watch": {Loss: gbdt.Quantile, Alpha: 1}}},
		"Config.Objective.Power is 3; want a number in (1":   {Objective: gbdt.Objective{Loss: gbdt.Tweedie, Power: 3}},
		"Config.Objective.Loss is Loss(99)":                  {Objective: gbdt.Objective{Loss: 99}},
		"Config.Objective.Classes is 1; want 2 to":           {Objective: gbdt.Objective{Loss: gbdt.Softmax, Classes: 1}},
		"Config.Objective.Gains[1] is -1":                    {Objective: gbdt.Objective{Gains: []float64{0, -1}}},
		"Config.Objective.Examination[0] is 0; want a pro":   {Objective: gbdt.Objective{Loss: gbdt.Pairwise, Examination: []float64{0}}},
		"Config.Objective.Examination is given for L2":       {Objective: gbdt.Objective{Examination: []float64{1}}},
		`Config.Monotone is given for "z"; want columns of`:  {Monotone: map[string]int{"z": 1}},
		`Config.Monotone["shop"] is 1; want 0: categories`:   {Monotone: map[string]int{"shop": 1}},
		`Config.Monotone["a"] is 2; want 1`:                  {Monotone: map[string]int{"a": 2}},
		`Config.Interactions[0] is given for "q"`:            {Interactions: [][]string{{"a", "q"}}},
		`Config.Categorical is given for "shop"; want float`: {Categorical: []string{"shop"}},
		"Config.MaxBytes is -1":                              {MaxBytes: -1},
		"Config.Boosting is 9":                               {Boosting: 9},
	} {
		_, err := gbdt.Train(background, cfg, d)
		require.ErrorContains(t, err, want)
	}
	_, err := gbdt.Train(background, gbdt.Config{Rounds: -1, Leaves: -1, L1: -1}, d)
	var joined interface{ Unwrap() []error }
	require.True(t, errors.As(err, &joined))
	for _, field := range []string{"Rounds", "Leaves", "L1"} {
		require.ErrorContains(t, err, "Config."+field, "all at once")
	}
	progress := func(gbdt.Progress) {}
	_, err = gbdt.Train(background, gbdt.Config{Objective: gbdt.Objective{Metric: gbdt.NDCG}, Progress: progress}, only(events(100, 1), "watch"))
	require.NoError(t, err, "watch is at least 0.1: a grade")
	_, err = gbdt.Train(background, gbdt.Config{Objective: gbdt.Objective{Metric: gbdt.MultiLogLoss}, Progress: progress}, d)
	require.ErrorContains(t, err, `head "watch": metric multi log loss does not fit L2`)
}
