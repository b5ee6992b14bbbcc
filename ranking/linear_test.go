package ranking_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/ranking"
)

// problem returns n rows of d float columns and two ID columns, with two heads that depend on them.
// gaps is the share of missing values; a tenth of the labels of the second head is unknown.
func problem(n, d int, gaps float64, seed uint64) *ranking.Dataset {
	r := rand.New(rand.NewPCG(seed, 99))
	data := &ranking.Dataset{IDColumns: []string{"creator", "topic"}, Heads: []string{"click", "buy"}}
	for j := range d {
		data.Columns = append(data.Columns, fmt.Sprint("f", j))
	}
	for range n {
		click, buy := -0.3, 0.4
		for j := range d {
			v := r.NormFloat64()
			click += v * float64(j%3-1)
			buy += v * float64(j%2)
			x := float32(v*float64(1+j) + float64(j))
			if r.Float64() < gaps {
				x = float32(math.NaN())
			}
			data.Floats = append(data.Floats, x)
		}
		creator, topic := r.Uint64N(7), r.Uint64N(4)+100
		click += float64(creator)/4 - 1
		buy -= float64(topic) - 101
		data.IDs = append(data.IDs, creator, topic)
		data.Labels = append(data.Labels, draw(r, click), draw(r, buy))
		if r.IntN(10) == 0 {
			data.Labels[len(data.Labels)-1] = float32(math.NaN())
		}
		data.Weights = append(data.Weights, 0.25+2*r.Float32())
	}
	return data
}

func draw(r *rand.Rand, logit float64) float32 {
	if r.Float64() < 1/(1+math.Exp(-logit)) {
		return 1
	}
	return 0
}

func train(t testing.TB, cfg ranking.LinearConfig, d *ranking.Dataset) *ranking.Linear {
	t.Helper()
	m, err := ranking.TrainLinear(context.Background(), cfg, d)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func predict(t testing.TB, m *ranking.Linear, d *ranking.Dataset) []float32 {
	t.Helper()
	p, err := m.Predict(nil, d)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func largestDifference(a, b []float32) float64 {
	worst := 0.0
	for i := range a {
		worst = max(worst, math.Abs(float64(a[i])-float64(b[i])))
	}
	return worst
}

func TestResultDoesNotDependOnWorkers(t *testing.T) {
	d := problem(1500, 5, 0.1, 1)
	held := problem(500, 5, 0.1, 2)
	for _, o := range []ranking.Optimizer{ranking.AdaGrad, ranking.SGD, ranking.FTRL} {
		for _, batch := range []int{0, 300, 5000} {
			var want string
			for workers := 1; workers <= 8; workers++ {
				m := train(t, ranking.LinearConfig{
					Optimizer: o, BatchSize: batch, Epochs: 2, L1: 1e-4, L2: 1e-3,
					MissingIndicators: true, Workers: workers, Validation: held,
				}, d)
				if want == "" {
					want = m.Version()
				}
				if m.Version() != want {
					t.Errorf("%v, batch %d: %d workers give %s, one gives %s", o, batch, workers, m.Version(), want)
				}
			}
		}
	}
}

func TestSeedDecidesTheOrderOnly(t *testing.T) {
	d := problem(300, 3, 0, 1)
	small := ranking.LinearConfig{BatchSize: 16, Epochs: 1}
	a, again := train(t, small, d), train(t, small, d)
	small.Seed = 1
	b := train(t, small, d)
	if a.Version() != again.Version() {
		t.Error("the same seed gives other weights")
	}
	if a.Version() == b.Version() {
		t.Error("another seed gives the same weights: the rows are not shuffled")
	}
}

// Source: each head minimises a loss of its own, so training heads together must not couple them.
func TestHeadsAreIndependent(t *testing.T) {
	d := problem(800, 4, 0.1, 3)
	both := train(t, ranking.LinearConfig{L2: 1e-3}, d)
	for h, head := range d.Heads {
		alone := *d
		alone.Heads, alone.Labels = []string{head}, nil
		alone.Labels, _ = d.LabelColumn(nil, head)
		m := train(t, ranking.LinearConfig{L2: 1e-3}, &alone)
		want, _ := m.Coefficients(head)
		got, _ := both.Coefficients(head)
		if !slices.Equal(got, want) {
			t.Errorf("head %d: %v together, %v alone", h, got, want)
		}
	}
}

// Source: standardisation removes shift and scale of a column; by a power of two even to the bit.
func TestScaleAndShiftOfAColumnDoNotMatter(t *testing.T) {
	d := problem(600, 4, 0.1, 4)
	want := predict(t, train(t, ranking.LinearConfig{}, d), d)
	for _, c := range []struct {
		scale, shift float32
		limit        float64
	}{{16, 0, 1e-6}, {0.37, 0, 1e-5}, {-2, 0, 1e-6}, {1, 5, 1e-5}, {1000, -300, 1e-5}} {
		scaled := *d
		scaled.Floats = slices.Clone(d.Floats)
		for i := range scaled.Floats {
			scaled.Floats[i] = scaled.Floats[i]*c.scale + c.shift
		}
		got := predict(t, train(t, ranking.LinearConfig{}, &scaled), &scaled)
		if diff := largestDifference(got, want); diff > c.limit {
			t.Errorf("x*%v+%v: predictions differ by %v; want <= %v", c.scale, c.shift, diff, c.limit)
		}
	}
}

func TestAWeightOfTwoIsTheRowTwice(t *testing.T) {
	d := problem(200, 3, 0.1, 5)
	for i := range d.Weights {
		d.Weights[i] = float32(1 + i%3)
	}
	var rows []int32
	for i := range d.Len() {
		for range int(d.Weights[i]) {
			rows = append(rows, int32(i))
		}
	}
	repeated := d.Rows(rows)
	repeated.Weights = nil
	cfg := ranking.LinearConfig{BatchSize: 1 << 20, Epochs: 50, L2: 1e-3}
	a, b := predict(t, train(t, cfg, d), d), predict(t, train(t, cfg, repeated), d)
	if diff := largestDifference(a, b); diff > 1e-5 {
		t.Errorf("predictions differ by %v", diff)
	}
}

func TestRowsWithoutWeightDoNotCount(t *testing.T) {
	d := problem(300, 3, 0.1, 6)
	var rows []int32
	for i := range d.Weights {
		if i%4 == 0 {
			d.Weights[i] = 0
		} else {
			rows = append(rows, int32(i))
		}
	}
	cfg := ranking.LinearConfig{BatchSize: 1 << 20, Epochs: 20}
	a, b := predict(t, train(t, cfg, d), d), predict(t, train(t, cfg, d.Rows(rows)), d)
	if diff := largestDifference(a, b); diff > 1e-6 {
		t.Errorf("predictions differ by %v", diff)
	}
}

func TestMissingIsTheTrainingMean(t *testing.T) {
	d := problem(400, 3, 0.2, 7)
	m := train(t, ranking.LinearConfig{}, d)
	c, _ := m.Coefficients("click")
	nan := float32(math.NaN())
	x := &ranking.Dataset{
		Columns: d.Columns, IDColumns: d.IDColumns, IDs: make([]uint64, 6),
		Floats: []float32{1, nan, 2, 1, float32(c[1].Mean), 2, 1, float32(math.Inf(-1)), 2},
	}
	p := predict(t, m, x)
	for i := range 2 * len(m.Heads()) {
		if math.Abs(float64(p[i+len(m.Heads())]-p[i%len(m.Heads())])) > 1e-6 {
			t.Errorf("probabilities %v; want the row with a gap, with the mean and with an infinity to agree", p)
			break
		}
	}
}

func TestMissingIndicatorLearnsWhatAGapMeans(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	d := &ranking.Dataset{Columns: []string{"x", "always"}, Heads: []string{"click"}}
	gapsOf := [2]float64{}
	for range 4000 {
		x, p := float32(r.NormFloat64()), 0.2
		if r.IntN(3) == 0 {
			x, p = float32(math.NaN()), 0.8
		}
		y := float32(0)
		if r.Float64() < p {
			y = 1
		}
		gapsOf[int(y)]++
		d.Floats, d.Labels = append(d.Floats, x, 1), append(d.Labels, y)
	}
	rows := &ranking.Dataset{Columns: d.Columns, Floats: []float32{float32(math.NaN()), 1, 0, 1}}
	p := predict(t, train(t, ranking.LinearConfig{MissingIndicators: true}, d), rows)
	if math.Abs(float64(p[0])-0.8) > 0.03 || math.Abs(float64(p[1])-0.2) > 0.03 {
		t.Errorf("with indicators a gap has probability %v, a value %v; want 0.8 and 0.2", p[0], p[1])
	}
	m := train(t, ranking.LinearConfig{}, d)
	if p = predict(t, m, rows); math.Abs(float64(p[0])-0.8) < 0.2 {
		t.Errorf("without indicators a gap has probability %v: the test shows nothing", p[0])
	}
	if c, _ := m.Coefficients("click"); c[1].Weight != 0 || c[1].Scale != 1 {
		t.Errorf("a constant column has %+v; want weight 0, scale 1", c[1])
	}
}

func TestUnknownAndRareIDsAddNothing(t *testing.T) {
	d := problem(500, 1, 0, 9)
	d.IDs[0] = 12345 // once
	common := train(t, ranking.LinearConfig{MinCount: 2}, d)
	all := train(t, ranking.LinearConfig{}, d)
	if w, err := all.IDWeight("click", "creator", 12345); err != nil || w == 0 {
		t.Errorf("weight %v, %v of an ID that one row has; want one that is not 0", w, err)
	}
	for _, id := range []uint64{12345, 777} {
		if w, err := common.IDWeight("click", "creator", id); err != nil || w != 0 {
			t.Errorf("weight %v, %v of ID %d; want 0", w, err, id)
		}
	}
}

func TestEarlyStoppingKeepsTheBestEpoch(t *testing.T) {
	d, held := problem(60, 30, 0, 10), problem(400, 30, 0, 11) // few rows, many columns: it overfits
	var losses []float64
	last := 0
	cfg := ranking.LinearConfig{
		Validation: held, Epochs: 200, Patience: 4, LearningRate: 0.3,
		Progress: func(p ranking.LinearProgress) {
			losses, last = append(losses, p.Heads[0].Validation), p.Epoch
		},
	}
	only := func(d *ranking.Dataset) *ranking.Dataset {
		y, _ := d.LabelColumn(nil, "click")
		return &ranking.Dataset{Columns: d.Columns, Floats: d.Floats, Heads: []string{"click"}, Labels: y}
	}
	cfg.Validation = only(held)
	m := train(t, cfg, only(d))
	best := slices.Index(losses, slices.Min(losses))
	if last != best+1+cfg.Patience {
		t.Errorf("stopped after epoch %d; the best was %d and patience is %d", last, best+1, cfg.Patience)
	}
	p := predict(t, m, cfg.Validation)
	if got := logLoss(p, cfg.Validation.Labels); math.Abs(got-losses[best]) > 1e-5 {
		t.Errorf("the model's validation loss is %v; that of the best epoch is %v", got, losses[best])
	}
}

func TestConvergenceEndsTraining(t *testing.T) {
	d := problem(200, 3, 0, 12)
	var last ranking.LinearProgress
	train(t, ranking.LinearConfig{
		BatchSize: 200, Epochs: 100_000, L2: 0.01, LearningRate: 0.5, Tolerance: 1e-3,
		Progress: func(p ranking.LinearProgress) {
			last = ranking.LinearProgress{Epoch: p.Epoch, Heads: slices.Clone(p.Heads)}
		},
	}, d)
	for _, h := range last.Heads {
		if !h.Done || h.Moved > 1e-3 || last.Epoch == 100_000 {
			t.Errorf("after epoch %d: %+v; want it done, with weights that moved by at most 1e-3", last.Epoch, h)
		}
		if !math.IsNaN(h.Validation) {
			t.Errorf("validation loss %v without validation rows; want NaN", h.Validation)
		}
	}
}

func TestProgressTellsTheLossOfEachHead(t *testing.T) {
	d := problem(500, 3, 0, 13)
	var first, last []ranking.HeadProgress
	cfg := ranking.LinearConfig{Progress: func(p ranking.LinearProgress) {
		if p.Epoch == 1 {
			first = slices.Clone(p.Heads)
		}
		last = slices.Clone(p.Heads)
	}}
	m := train(t, cfg, d)
	p := predict(t, m, d)
	for h := range d.Heads {
		sum, weight := 0.0, 0.0
		for i := range d.Len() {
			y, q := float64(d.LabelRow(i)[h]), float64(p[i*2+h])
			if y == y {
				c := float64(d.Weights[i])
				sum -= c * (y*math.Log(q) + (1-y)*math.Log(1-q))
				weight += c
			}
		}
		if first[h].Head != d.Heads[h] || first[h].Loss <= last[h].Loss {
			t.Errorf("losses %+v and %+v; want them to fall", first[h], last[h])
		}
		if math.Abs(last[h].Loss-sum/weight) > 0.01 {
			t.Errorf("head %d: reported loss %v; computed %v", h, last[h].Loss, sum/weight)
		}
	}
}

func TestCancelEndsTraining(t *testing.T) {
	d := problem(100, 2, 0, 14)
	ctx, cancel := context.WithCancel(t.Context())
	epochs := 0
	_, err := ranking.TrainLinear(ctx, ranking.LinearConfig{
		Epochs: 1000, Tolerance: 1e-300,
		Progress: func(ranking.LinearProgress) {
			if epochs++; epochs == 3 {
				cancel()
			}
		},
	}, d)
	if !errors.Is(err, context.Canceled) || epochs != 3 {
		t.Errorf("error %v after %d epochs; want context.Canceled after 3", err, epochs)
	}
}

func TestTrainingErrors(t *testing.T) {
	edit := func(f func(*ranking.Dataset)) *ranking.Dataset {
		d := problem(20, 2, 0, 15)
		f(d)
		return d
	}
	for _, c := range []struct {
		name string
		cfg  ranking.LinearConfig
		data *ranking.Dataset
		is   error
		want []string
	}{
		{"label", ranking.LinearConfig{}, edit(func(d *ranking.Dataset) { d.Labels[7] = 2 }), nil, []string{`Dataset.Labels: row 3, "buy" is 2; want 0 to 1, or NaN`}},
		{"one class", ranking.LinearConfig{}, edit(func(d *ranking.Dataset) {
			for i := range d.Len() {
				d.Labels[2*i] = 0
			}
		}), ranking.ErrOneClass, []string{`head "click"`, "all 20 are 0"}},
		{"no rows", ranking.LinearConfig{}, edit(func(d *ranking.Dataset) { clear(d.Weights) }), ranking.ErrNoRows, []string{`head "click"`}},
		{"empty", ranking.LinearConfig{}, &ranking.Dataset{Columns: []string{"a"}, Heads: []string{"h"}}, ranking.ErrNoRows, []string{`head "h"`}},
		{"no heads", ranking.LinearConfig{}, &ranking.Dataset{Columns: []string{"a"}, Floats: []float32{1}}, nil, []string{"Dataset.Heads is empty; want at least one label"}},
		{"diverged", ranking.LinearConfig{Optimizer: ranking.SGD, LearningRate: 1e300}, edit(func(*ranking.Dataset) {}), ranking.ErrDiverged, []string{"1e+300", "a tenth"}},
		{"validation", ranking.LinearConfig{Validation: edit(func(d *ranking.Dataset) { d.Columns = []string{"f0", "g"} })}, edit(func(*ranking.Dataset) {}), nil, []string{"LinearConfig.Validation", "no column f1"}},
		{"validation labels", ranking.LinearConfig{Validation: edit(func(d *ranking.Dataset) {
			for i := range d.Len() {
				d.Labels[2*i+1] = float32(math.NaN())
			}
		})}, edit(func(*ranking.Dataset) {}), ranking.ErrNoRows, []string{"LinearConfig.Validation", `head "buy"`}},
		{"validation heads", ranking.LinearConfig{Validation: edit(func(d *ranking.Dataset) { d.Heads = []string{"buy", "click"} })}, edit(func(*ranking.Dataset) {}), nil, []string{"heads are buy, click; want click, buy"}},
		{"config", ranking.LinearConfig{
			Optimizer: 9, Epochs: -1, BatchSize: -2, LearningRate: math.NaN(), Decay: -1, Beta: math.Inf(1), L1: -3, L2: -4,
			MinCount: -5, Tolerance: -6, Patience: -7, Workers: -8, PositiveWeight: map[string]float64{"click": 0, "other": 1},
		}, edit(func(*ranking.Dataset) {}), nil, []string{
			"LinearConfig.Optimizer is Optimizer(9); want AdaGrad, SGD or FTRL", "Epochs is -1; want >= 0 (0 means 20)", "BatchSize is -2", "LearningRate is NaN",
			"Decay is -1", "Beta is +Inf", "L1 is -3", "L2 is -4", "MinCount is -5", "Tolerance is -6", "Patience is -7", "Workers is -8",
			`PositiveWeight["click"] is 0; want a finite number > 0`, `PositiveWeight: no head "other" (heads: click, buy)`,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := ranking.TrainLinear(t.Context(), c.cfg, c.data)
			if err == nil || m != nil {
				t.Fatalf("no error, model %v", m)
			}
			if c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("error %v is not %v", err, c.is)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
		})
	}
}
