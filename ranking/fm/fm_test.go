package fm_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/fm"
)

// problem returns rows whose log odds are products of columns: of what a user and an item have
// in common, and of a price and a taste. No sum of single columns comes near.
func problem(n int, gaps float64, seed uint64) *ranking.Dataset {
	r := rand.New(rand.NewPCG(seed, 99))
	d := &ranking.Dataset{
		Columns: []string{"price", "taste"}, IDColumns: []string{"user", "item", "noise"}, Heads: []string{"click", "buy"},
	}
	for range n {
		price, taste := r.NormFloat64(), r.NormFloat64()
		user, item := r.Uint64N(20), r.Uint64N(30)+100
		z := 4 * kind(user) * kind(item)
		for j, v := range []float64{5 + 2*price, 100 * taste} {
			if r.Float64() < gaps {
				v = math.NaN()
			}
			d.Floats = append(d.Floats, float32(v))
			_ = j
		}
		d.IDs = append(d.IDs, user, item, r.Uint64N(5))
		d.Labels = append(d.Labels, draw(r, z), draw(r, 2*price*taste))
		if r.IntN(10) == 0 {
			d.Labels[len(d.Labels)-1] = float32(math.NaN())
		}
		d.Weights = append(d.Weights, 0.25+2*r.Float32())
	}
	return d
}

// kind is 1 or -1, a secret of the id.
func kind(id uint64) float64 { return float64(hash.Mix64(id)%2)*2 - 1 }

func draw(r *rand.Rand, logit float64) float32 {
	if r.Float64() < 1/(1+math.Exp(-logit)) {
		return 1
	}
	return 0
}

func train(t testing.TB, cfg fm.Config, d *ranking.Dataset) *fm.Model {
	t.Helper()
	m, err := fm.Train(context.Background(), cfg, d)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func predict(t testing.TB, m *fm.Model, d *ranking.Dataset) []float32 {
	t.Helper()
	p, err := m.Predict(nil, d)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// logLoss is the mean log loss of each head.
func logLoss(p []float32, d *ranking.Dataset) []float64 {
	h := len(d.Heads)
	sum, n := make([]float64, h), make([]float64, h)
	for at, y := range d.Labels {
		if y == y {
			q := min(max(float64(p[at]), 1e-7), 1-1e-7)
			sum[at%h] -= float64(y)*math.Log(q) + (1-float64(y))*math.Log(1-q)
			n[at%h]++
		}
	}
	for i := range sum {
		sum[i] /= n[i]
	}
	return sum
}

// shapes are configurations that together reach every kind, optimizer and way of naming IDs.
var shapes = []fm.Config{
	{Factors: 8},
	{Factors: 16, Optimizer: fm.Adam, LearningRate: 0.02, HashBits: 10},
	{Factors: 24, Optimizer: fm.FTRL, LearningRate: 0.2, L2: 0.01},
	{Kind: fm.FFM},
	{Kind: fm.FFM, Factors: 3, Optimizer: fm.Adam, LearningRate: 0.02, HashBits: 8},
	{Kind: fm.FFM, Factors: 5, Optimizer: fm.FTRL, LearningRate: 0.2},
	{Kind: fm.Linear, Optimizer: fm.FTRL, L1: 0.5, HashBits: 10},
	{Kind: fm.Linear},
}

func name(c fm.Config) string {
	return fmt.Sprintf("%v of %d by %v, %d bits", c.Kind, c.Factors, c.Optimizer, c.HashBits)
}

// Factorisation machines learn products of columns, linear models do not.
func TestMachinesLearnProducts(t *testing.T) {
	data, held := problem(4000, 0.02, 1), problem(2000, 0, 2)
	for _, cfg := range shapes {
		cfg.Validation = held
		loss := logLoss(predict(t, train(t, cfg, data), held), held)
		// The labels' own entropy is about .07 and .41; of a constant it is .69.
		if learns := loss[0] < 0.4 && loss[1] < 0.66; learns != (cfg.Kind != fm.Linear) {
			t.Errorf("%s: log loss %.3f", name(cfg), loss)
		}
	}
}

func TestSquaredLossLearnsNumbers(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	d := &ranking.Dataset{IDColumns: []string{"a", "b"}, Heads: []string{"y"}}
	want := 0.0
	for range 5000 {
		a, b := r.Uint64N(10), r.Uint64N(10)
		d.IDs = append(d.IDs, a, b)
		y := 30 + 5*kind(a)*kind(b) + kind(a)
		d.Labels = append(d.Labels, float32(y+r.NormFloat64()))
		want += 1.0 / 5000
	}
	m := train(t, fm.Config{Loss: fm.Squared, Factors: 8}, d)
	square := 0.0
	for i, p := range predict(t, m, d) {
		square += float64(p-d.Labels[i]) * float64(p-d.Labels[i]) / 5000
	}
	if square > 1.1*want { // the noise has variance 1
		t.Errorf("mean square %v; the noise has %v", square, want)
	}
}

// score is the model's formula in float64, pair by pair.
func score(m *fm.Model, bias float64, linear, factors []float64, slots []int32, values []float32, fields []uint16) float64 {
	z, k := bias, m.Factors()
	all := len(m.Columns()) + len(m.IDColumns())
	for a, slot := range slots {
		z += linear[slot] * float64(values[a])
		for b := a + 1; b < len(slots) && k > 0; b++ {
			i, j := int(slot), int(slots[b])
			if m.Kind() == fm.FFM {
				i, j = i*all+int(fields[b]), j*all+int(fields[a])
			}
			for f := range k {
				z += float64(values[a]) * float64(values[b]) * factors[i*k+f] * factors[j*k+f]
			}
		}
	}
	return z
}

func widen(x []float32) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}

// Source: Rendle 2010, equation 1; Juan et al. 2016, equation 4.
func TestPredictIsTheSumOverPairs(t *testing.T) {
	data := problem(300, 0.1, 5)
	for _, cfg := range shapes {
		cfg.Epochs = 3
		m := train(t, cfg, data)
		p := predict(t, m, data)
		for i := range data.Len() {
			slots, values, fields := fm.Coordinates(m, data.FloatRow(i), data.IDRow(i))
			for h := range data.Heads {
				bias, linear, factors := fm.Weights(m, h)
				z := score(m, float64(bias), widen(linear), widen(factors), slots, values, fields)
				if want := 1 / (1 + math.Exp(-z)); math.Abs(float64(p[2*i+h])-want) > 1e-5 {
					t.Fatalf("%s: row %d, head %d: %v; the formula gives %v", name(cfg), i, h, p[2*i+h], want)
				}
			}
		}
	}
}

// The steps of training go along the gradient of the loss, as finite differences have it.
func TestGradientsAreFiniteDifferences(t *testing.T) {
	data := problem(200, 0, 6)
	for _, cfg := range []fm.Config{{Factors: 8, InitScale: 0.3}, {Kind: fm.FFM, Factors: 3, InitScale: 0.3}, {Kind: fm.Linear}} {
		for _, loss := range []fm.Loss{fm.Logistic, fm.Squared} {
			cfg.Epochs = 1
			m := train(t, cfg, data)
			bias32, linear32, factors32 := fm.Weights(m, 0)
			slots, values, fields := fm.Coordinates(m, data.FloatRow(3), data.IDRow(3))
			const y = 0.3
			gb, gl, gf := fm.Gradient(m, loss, y, slots, values, fields)
			bias, linear, factors := []float64{float64(bias32)}, widen(linear32), widen(factors32)
			value := func() float64 {
				z := score(m, bias[0], linear, factors, slots, values, fields)
				if loss == fm.Squared {
					return 0.5 * (z - y) * (z - y)
				}
				return y*math.Log1p(math.Exp(-z)) + (1-y)*math.Log1p(math.Exp(z))
			}
			checked := 0
			for _, c := range []struct {
				what   string
				x      []float64
				square []float32
			}{{"intercept", bias, gb}, {"weight", linear, gl}, {"factor", factors, gf}} {
				for i := range c.x {
					const eps = 1e-5
					at := c.x[i]
					c.x[i] = at + eps
					up := value()
					c.x[i] = at - eps
					down := value()
					c.x[i] = at
					want, got := math.Abs(up-down)/(2*eps), math.Sqrt(float64(c.square[i]))
					if math.Abs(got-want) > 1e-4*(1+want) {
						t.Errorf("%v, %v: %s %d: slope %v, finite difference %v", cfg.Kind, loss, c.what, i, got, want)
					}
					if want > 0 {
						checked++
					}
				}
			}
			if least := 6 + 5*m.Factors(); checked < least {
				t.Errorf("%v: only %d slopes are not 0; want %d", cfg.Kind, checked, least)
			}
		}
	}
}

func TestWorkersDoNotChangeTheModel(t *testing.T) {
	data, held := problem(1500, 0.05, 7), problem(300, 0, 8)
	for _, cfg := range shapes {
		for _, batch := range []int{1, 100, 512} {
			cfg.Epochs, cfg.Validation, cfg.BatchSize, cfg.Resumable = 2, held, batch, true
			cfg.Workers = 1
			want := encode(t, train(t, cfg, data))
			for _, workers := range []int{2, 3, 8} {
				cfg.Workers = workers
				if !slices.Equal(encode(t, train(t, cfg, data)), want) {
					t.Errorf("%s, batch %d: %d workers give another model", name(cfg), batch, workers)
				}
			}
		}
	}
	cfg := fm.Config{Epochs: 1, Seed: 1}
	a := train(t, cfg, data)
	cfg.Seed = 2
	if a.Version() == train(t, cfg, data).Version() {
		t.Error("two seeds give the same model")
	}
}

// A head learns the same whatever other heads there are.
func TestHeadsAreIndependent(t *testing.T) {
	data := problem(500, 0.05, 9)
	y, _ := data.LabelColumn(nil, "buy")
	alone := *data
	alone.Heads, alone.Labels = []string{"buy"}, y
	cfg := fm.Config{Epochs: 2, Factors: 8}
	both, one := predict(t, train(t, cfg, data), data), predict(t, train(t, cfg, &alone), &alone)
	for i, p := range one {
		if both[2*i+1] != p {
			t.Fatalf("row %d: %v with another head, %v alone", i, both[2*i+1], p)
		}
	}
}

// Whatever stands in a row, there is a prediction; what is missing or unknown adds nothing.
func TestMissingAndUnknownAddNothing(t *testing.T) {
	data := problem(500, 0.1, 10)
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	for _, cfg := range shapes {
		cfg.Epochs = 2
		m := train(t, cfg, data)
		x := &ranking.Dataset{
			Columns: data.Columns, IDColumns: data.IDColumns,
			Floats: []float32{nan, nan, inf, -inf, math.MaxFloat32, -math.MaxFloat32, 1e-45, 0},
			IDs:    make([]uint64, 12),
		}
		for i := range x.IDs {
			x.IDs[i] = 1<<60 + uint64(i)
		}
		p := predict(t, m, x)
		for i, v := range p {
			if !(v >= 0 && v <= 1) {
				t.Errorf("%s: prediction %d is %v", name(cfg), i, v)
			}
		}
		if cfg.HashBits > 0 {
			continue
		}
		for h, head := range m.Heads() {
			z, err := m.Intercept(head)
			if want := 1 / (1 + math.Exp(-z)); err != nil || math.Abs(float64(p[h])-want) > 1e-6 || p[h] != p[2+h] {
				t.Errorf("%s: %v for a row of nothing, %v for one of infinities; want %v", name(cfg), p[h], p[2+h], want)
			}
		}
	}
}

func TestContributionsSumToTheScore(t *testing.T) {
	data := problem(200, 0.2, 11)
	for _, cfg := range shapes {
		cfg.Epochs = 3
		m := train(t, cfg, data)
		p := predict(t, m, data)
		for i := range data.Len() {
			for h, head := range data.Heads {
				z, _ := m.Intercept(head)
				parts, err := m.Contributions(nil, head, data.FloatRow(i), data.IDRow(i))
				if err != nil || len(parts) != 5 {
					t.Fatalf("%v, error %v", parts, err)
				}
				for j, c := range parts {
					z += c
					if j < 2 && data.FloatRow(i)[j] != data.FloatRow(i)[j] && c != 0 {
						t.Errorf("a missing value contributes %v", c)
					}
				}
				if want := 1 / (1 + math.Exp(-z)); math.Abs(float64(p[2*i+h])-want) > 1e-5 {
					t.Fatalf("%s: row %d: %v; the contributions give %v", name(cfg), i, p[2*i+h], want)
				}
			}
		}
		if _, err := m.Contributions(nil, "none", nil, nil); err == nil || !strings.Contains(err.Error(), `no head "none"`) {
			t.Errorf("error %v", err)
		}
		if _, err := m.Contributions(nil, "buy", []float32{1}, nil); err == nil {
			t.Error("a row of another length is no error")
		}
	}
}

// Rows without a label or a weight do not count; a row of weight 2 in the mean is twice as steep.
func TestRowsThatDoNotCount(t *testing.T) {
	data := problem(400, 0, 12)
	more := problem(600, 0, 12)
	for i := 400; i < 600; i++ {
		if more.Labels[2*i], more.Labels[2*i+1] = float32(math.NaN()), float32(math.NaN()); i%2 == 0 {
			more.Labels[2*i], more.Weights[i] = 1, 0
		}
	}
	// Means come from all rows with a weight, so the columns are left out.
	data, _ = data.Select("user", "item")
	more, _ = more.Select("user", "item")
	cfg := fm.Config{Epochs: 2, Factors: 8}
	a, b := predict(t, train(t, cfg, data), data), predict(t, train(t, cfg, more), data)
	if !slices.Equal(a, b) {
		t.Error("rows without a label or weight change the model")
	}
}

func TestL1MakesWeightsZero(t *testing.T) {
	data := problem(2000, 0, 13)
	zeros := func(l1 float64) (n int) {
		_, linear, _ := fm.Weights(train(t, fm.Config{Kind: fm.Linear, Optimizer: fm.FTRL, L1: l1, Epochs: 3}, data), 0)
		for _, w := range linear {
			if w == 0 {
				n++
			}
		}
		return n
	}
	if none, some := zeros(0), zeros(20); none > 3 || some < 20 {
		t.Errorf("%d of 57 weights are 0 without L1, %d with", none, some)
	}
}

func TestEarlyStoppingKeepsTheBestEpoch(t *testing.T) {
	data, held := problem(150, 0, 14), problem(800, 0, 15)
	var best [2]float64
	epochs := 0
	cfg := fm.Config{Factors: 32, LearningRate: 0.5, Epochs: 50, Validation: held, Progress: func(p fm.Progress) {
		if epochs++; p.Epoch != epochs || p.Epochs != 50 || len(p.Heads) != 2 {
			t.Errorf("epoch %d: %+v", epochs, p)
		}
		for h, head := range p.Heads {
			if epochs == 1 || head.Validation < best[h] {
				best[h] = head.Validation
			}
		}
	}}
	m := train(t, cfg, data)
	if epochs == 50 {
		t.Error("training did not stop")
	}
	p, sum, n := predict(t, m, held), [2]float64{}, [2]float64{}
	for at, y := range held.Labels {
		if w := float64(held.Weights[at/2]); y == y {
			sum[at%2] -= w * (float64(y)*math.Log(float64(p[at])) + float64(1-y)*math.Log(1-float64(p[at])))
			n[at%2] += w
		}
	}
	for h := range best {
		if got := sum[h] / n[h]; math.Abs(got-best[h]) > 1e-4 {
			t.Errorf("head %d: the model's loss is %v, the best epoch's %v", h, got, best[h])
		}
	}
}

func TestHashesSpread(t *testing.T) {
	m := train(t, fm.Config{Kind: fm.Linear, HashBits: 10, Epochs: 1}, problem(50, 0, 16))
	seen := map[int32]int{}
	for id := range uint64(4096) {
		slots, _, _ := fm.Coordinates(m, []float32{float32(math.NaN()), float32(math.NaN())}, []uint64{id, id, id})
		for _, s := range slots {
			if s < 2 || s >= 2+1024 {
				t.Fatalf("coordinate %d", s)
			}
			seen[s]++
		}
	}
	for s, n := range seen { // 12 on average
		if n > 40 {
			t.Errorf("bucket %d has %d of 12288 ids", s, n)
		}
	}
	if len(seen) < 1000 {
		t.Errorf("%d of 1024 buckets are in use", len(seen))
	}
}

func TestNormalHasItsMoments(t *testing.T) {
	var sum, square float64
	const n = 100000
	for i := range uint64(n) {
		v := fm.Normal(hash.Mix64(i))
		sum, square = sum+v/n, square+v*v/n
	}
	if math.Abs(sum) > 4/math.Sqrt(n) || math.Abs(square-1) > 4*math.Sqrt(1.4/n) {
		t.Errorf("mean %v, mean square %v", sum, square)
	}
}

func TestBadDataIsNamed(t *testing.T) {
	good := problem(50, 0, 17)
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	edit := func(f func(d *ranking.Dataset)) *ranking.Dataset {
		d := *good
		d.Labels, d.Floats, d.Weights = slices.Clone(d.Labels), slices.Clone(d.Floats), slices.Clone(d.Weights)
		f(&d)
		return &d
	}
	all := func(x []float32, v float32) {
		for i := range x {
			x[i] = v
		}
	}
	for _, c := range []struct {
		want string
		is   error
		cfg  fm.Config
		data *ranking.Dataset
	}{
		{`Labels: row 1, "click" is 2; want 0 to 1`, nil, fm.Config{}, edit(func(d *ranking.Dataset) { d.Labels[2] = 2 })},
		{`Floats: row 0, "price" is +Inf`, nil, fm.Config{}, edit(func(d *ranking.Dataset) { d.Floats[0] = inf })},
		{"Weights: row 3 is NaN", nil, fm.Config{}, edit(func(d *ranking.Dataset) { d.Weights[3] = nan })},
		{`head "click": labels of one class only: all 50 are 1`, ranking.ErrOneClass, fm.Config{}, edit(func(d *ranking.Dataset) { all(d.Labels, 1) })},
		{`head "buy": no labelled rows`, ranking.ErrNoRows, fm.Config{}, edit(func(d *ranking.Dataset) { all(d.Weights, 0) })},
		{"no labelled rows", ranking.ErrNoRows, fm.Config{}, edit(func(d *ranking.Dataset) { all(d.Labels, nan) })},
		{"Heads is empty", nil, fm.Config{}, edit(func(d *ranking.Dataset) { d.Heads, d.Labels = nil, nil })},
		{"Config.Validation: heads are", nil, fm.Config{Validation: edit(func(d *ranking.Dataset) { d.Heads = []string{"a", "b"} })}, good},
		{"Config.Validation: ranking: Dataset.Select: no column noise", nil, fm.Config{Validation: edit(func(d *ranking.Dataset) { d.IDColumns = []string{"user", "item", "x"} })}, good},
		{"Config.Validation: head \"buy\": no labelled", ranking.ErrNoRows, fm.Config{Validation: edit(func(d *ranking.Dataset) { all(d.Labels, nan) })}, good},
		{"try a tenth of it", ranking.ErrDiverged, fm.Config{Loss: fm.Squared, LearningRate: 1e5}, edit(func(d *ranking.Dataset) {
			for i := range d.Labels {
				d.Labels[i] = float32(i) * 1e30
			}
		})},
	} {
		_, err := fm.Train(t.Context(), c.cfg, c.data)
		if err == nil || !strings.Contains(err.Error(), c.want) || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("error %v; want %q", err, c.want)
		}
	}
}

func TestBadConfigurationIsNamed(t *testing.T) {
	for want, cfg := range map[string]fm.Config{
		"Config.Kind is Kind(9); want FM, FFM or Linear": {Kind: 9},
		"Config.Loss is Loss(2)":                         {Loss: 2},
		"Config.Optimizer is Optimizer(3)":               {Optimizer: 3},
		"Config.Factors is 12; want a multiple of 8":     {Factors: 12},
		"Config.Factors is 264":                          {Factors: 264},
		"Config.Factors is 257":                          {Kind: fm.FFM, Factors: 257},
		"Config.Factors is 8":                            {Kind: fm.Linear, Factors: 8},
		"Config.HashBits is 29":                          {HashBits: 29},
		"Config.MinCount is -1; want >= 0 (0 means 1)":   {MinCount: -1},
		"Config.Epochs is -1":                            {Epochs: -1},
		"Config.BatchSize is -1":                         {BatchSize: -1},
		"Config.Patience is -1":                          {Patience: -1},
		"Config.Workers is -1":                           {Workers: -1},
		"Config.LearningRate is -1":                      {LearningRate: -1},
		"Config.L2 is NaN":                               {L2: math.NaN()},
		"Config.Beta is +Inf":                            {Beta: math.Inf(1)},
		"Config.InitScale is 1e-30":                      {InitScale: 1e-30},
		"Config.L1 is 1; want 0: only FTRL has it":       {L1: 1},
	} {
		if _, err := fm.Train(t.Context(), cfg, problem(10, 0, 1)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want %q", err, want)
		}
	}
}

func TestCancelledTrainingStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cfg := fm.Config{Epochs: 1000, BatchSize: 7, Progress: func(p fm.Progress) {
		if p.Epoch == 2 {
			cancel()
		} else if p.Epoch > 2 {
			t.Error("training went on")
		}
	}}
	if _, err := fm.Train(ctx, cfg, problem(500, 0, 18)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
