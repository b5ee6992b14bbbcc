package calibrate_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/ranking/calibrate"
)

var every = []calibrate.Config{
	{Method: calibrate.Platt},
	{Method: calibrate.Platt, LogOdds: true},
	{Method: calibrate.Isotonic},
	{Method: calibrate.Beta},
	{Method: calibrate.Histogram, Bins: 10},
	{Method: calibrate.Temperature},
}

// oneGoroutine skips long arithmetic where only races are looked for.
func oneGoroutine(t *testing.T) {
	t.Helper()
	if race.Enabled {
		t.Skip("long arithmetic on one goroutine")
	}
}

func sigmoid(z float64) float64 { return 1 / (1 + math.Exp(-z)) }

func logit(p float64) float64 { return math.Log(p) - math.Log1p(-p) }

// sample draws n scores in (0, 1) and labels that are 1 with probability truth(score).
func sample(n int, seed uint64, truth func(p float64) float64) (scores, labels []float32) {
	r := rand.New(rand.NewPCG(seed, 1))
	for range n {
		p := float32(sigmoid(1.5*r.NormFloat64() - 0.5))
		y := float32(0)
		if r.Float64() < truth(float64(p)) {
			y = 1
		}
		scores, labels = append(scores, p), append(labels, y)
	}
	return scores, labels
}

func fit(t testing.TB, cfg calibrate.Config, scores, labels, weights []float32) *calibrate.Calibrator {
	t.Helper()
	c, err := calibrate.Fit(cfg, scores, labels, weights)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func apply(c *calibrate.Calibrator, scores []float32) []float32 {
	out := make([]float32, len(scores))
	for i, s := range scores {
		out[i] = float32(c.Probability(float64(s)))
	}
	return out
}

func logLoss(probs, labels []float32) float64 {
	sum := 0.0
	for i, p := range probs {
		q := min(max(float64(p), 1e-15), 1-1e-15)
		sum -= float64(labels[i])*math.Log(q) + (1-float64(labels[i]))*math.Log1p(-q)
	}
	return sum / float64(len(probs))
}

// Source: Platt 1999, section 2.2 (targets); Lin, Lin, Weng 2007, equation 1: at the optimum the
// residuals against the targets sum to 0, alone and times the score.
func TestPlattIsTheOptimumAgainstItsTargets(t *testing.T) {
	for seed := range uint64(8) {
		n := []int{2, 3, 10, 100, 3000}[seed%5]
		scores, labels := sample(n, seed, func(p float64) float64 { return sigmoid(2*logit(p) + 1) })
		weights := make([]float32, n)
		r := rand.New(rand.NewPCG(seed, 2))
		for i := range weights {
			scores[i] = float32(1e4 * (float64(scores[i]) + 3)) // a scale and a shift that no model has
			weights[i] = float32(r.IntN(4))
		}
		weights[0] = 1
		c := fit(t, calibrate.Config{}, scores, labels, weights)
		positives, negatives := 0.0, 0.0
		for i, y := range labels {
			positives += float64(weights[i] * y)
			negatives += float64(weights[i] * (1 - y))
		}
		residual, moment, size := 0.0, 0.0, 0.0
		for i, s := range scores {
			target := 1 / (negatives + 2)
			if labels[i] == 1 {
				target = (positives + 1) / (positives + 2)
			}
			e := float64(weights[i]) * (sigmoid(c.Parameters()[0]*float64(s)+c.Parameters()[1]) - target)
			residual += e
			moment += e * float64(s)
			size += float64(weights[i]) * float64(s)
		}
		if c.Parameters()[0] == 0 {
			if moment < -1e-7*size {
				t.Errorf("seed %d: slope 0, though a rising one fits better", seed)
			}
			moment = 0 // the bound holds: a falling line would fit better
		}
		if math.Abs(residual) > 1e-7*(positives+negatives) || math.Abs(moment) > 1e-7*size {
			t.Errorf("seed %d: residuals sum to %v, with scores to %v of %v", seed, residual, moment, size)
		}
	}
}

// Source: Kull et al. 2017, section 3: the family holds its own inverse problem; so data drawn from a
// member give the member back, and perfect predictions give a = b = 1, c = 0.
func TestParametersAreRecovered(t *testing.T) {
	oneGoroutine(t)
	const n = 200_000
	for _, c := range []struct {
		cfg   calibrate.Config
		truth func(p float64) float64
		want  []float64
	}{
		{calibrate.Config{Method: calibrate.Beta}, func(p float64) float64 { return p }, []float64{1, 1, 0}},
		{calibrate.Config{Method: calibrate.Beta}, func(p float64) float64 { return sigmoid(0.5*math.Log(p) - 2*math.Log1p(-p) + 0.3) }, []float64{0.5, 2, 0.3}},
		{calibrate.Config{Method: calibrate.Temperature}, func(p float64) float64 { return sigmoid(logit(p) / 2.5) }, []float64{2.5}},
		{calibrate.Config{LogOdds: true}, func(p float64) float64 { return sigmoid(0.7*logit(p) - 2) }, []float64{0.7, -2}},
		{calibrate.Config{}, func(p float64) float64 { return sigmoid(6*p - 4) }, []float64{6, -4}},
	} {
		scores, labels := sample(n, 5, c.truth)
		got := fit(t, c.cfg, scores, labels, nil).Parameters()
		for j, want := range c.want {
			if math.Abs(got[j]-want) > 0.05*max(1, math.Abs(want)) {
				t.Errorf("%v: parameters %.3f; want %.3f", c.cfg, got, c.want)
				break
			}
		}
	}
}

// The residuals of the fitted parameters must be those of no better neighbour.
func TestBetaIsAnOptimum(t *testing.T) {
	scores, labels := sample(500, 6, func(p float64) float64 { return math.Sqrt(p) / 2 })
	c := fit(t, calibrate.Config{Method: calibrate.Beta}, scores, labels, nil)
	positives := 0.0
	for _, y := range labels {
		positives += float64(y)
	}
	high, low := (positives+1)/(positives+2), 1/(float64(len(labels))-positives+2)
	loss := func(b []float64) (sum float64) {
		for i, s := range scores {
			p := sigmoid(b[0]*math.Log(float64(s)) - b[1]*math.Log1p(-float64(s)) + b[2])
			target := low
			if labels[i] == 1 {
				target = high
			}
			sum -= target*math.Log(p) + (1-target)*math.Log1p(-p)
		}
		return sum
	}
	best := loss(c.Parameters())
	for j := range 3 {
		for _, step := range []float64{-1e-3, 1e-3} {
			b := slices.Clone(c.Parameters())
			if b[j] += step; loss(b) < best-1e-9 {
				t.Errorf("parameter %d moved by %v lowers the loss from %v to %v", j, step, best, loss(b))
			}
		}
	}
}

// Source: Kull et al. 2017, section 4: a coefficient that comes out negative is 0, so the map does not fall.
func TestUpsideDownScoresGiveTheMeanAndNotTheReverse(t *testing.T) {
	scores, labels := sample(2000, 7, func(p float64) float64 { return 1 - p })
	for _, cfg := range every {
		c := fit(t, cfg, scores, labels, nil)
		lo, hi := c.Probability(0.05), c.Probability(0.95)
		if cfg.Method != calibrate.Histogram && lo > hi {
			t.Errorf("%v: %v at 0.05, %v at 0.95", cfg, lo, hi)
		}
		if mean := 0.5; cfg.Method == calibrate.Temperature && c.Probability(0.9) != mean {
			t.Errorf("%v: %v; want 0.5, the answer of scores that say nothing", cfg, c.Probability(0.9))
		}
	}
}

func TestCalibratorsDoNotFall(t *testing.T) {
	oneGoroutine(t)
	r := rand.New(rand.NewPCG(8, 8))
	for _, cfg := range every {
		if cfg.Method == calibrate.Histogram {
			continue
		}
		for seed := range uint64(20) {
			scores, labels := sample(1+r.IntN(200), seed, func(p float64) float64 { return p * p })
			c := fit(t, cfg, scores, labels, nil)
			grid := []float32{float32(math.Inf(-1)), -1e30, -1, 0, 1e-30, 1e-9, 1, 1.5, 1e30, float32(math.Inf(1))}
			for _, s := range scores {
				grid = append(grid, s, math.Nextafter32(s, 2), math.Nextafter32(s, -1), r.Float32())
			}
			slices.Sort(grid)
			for i, p := range apply(c, grid) {
				if !(p >= 0 && p <= 1) || i > 0 && p < float32(c.Probability(float64(grid[i-1]))) {
					t.Fatalf("%v: %v at %v, %v at %v", c, c.Probability(float64(grid[i-1])), grid[i-1], p, grid[i])
				}
			}
		}
	}
}

// Distortions that a method can undo must be undone, on rows that it has not seen.
func TestDistortedProbabilitiesBecomeTrue(t *testing.T) {
	oneGoroutine(t)
	for name, truth := range map[string]func(p float64) float64{
		"too sure":        func(p float64) float64 { return sigmoid(logit(p) / 2) },
		"oversampled":     func(p float64) float64 { return sigmoid(logit(p) - 2) },
		"a step":          func(p float64) float64 { return 0.1 + 0.6*math.Floor(p*2)/2 },
		"true beforehand": func(p float64) float64 { return p },
	} {
		scores, labels := sample(20_000, 9, truth)
		fresh, answers := sample(50_000, 10, truth)
		before, err := calibrate.Judge(fresh, answers, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, cfg := range every {
			able := cfg.Method == calibrate.Isotonic || cfg.Method == calibrate.Histogram || name == "too sure" || name == "true beforehand" ||
				name == "oversampled" && (cfg.LogOdds || cfg.Method == calibrate.Beta)
			if name == "a step" && !able || cfg.Method == calibrate.Platt && !cfg.LogOdds {
				continue
			}
			c := fit(t, cfg, scores, labels, nil)
			after, err := calibrate.Judge(apply(c, fresh), answers, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			if able && after.ECEMass > 0.015 || after.LogLoss.Score > before.LogLoss.Score+0.005 {
				t.Errorf("%s, %v: ECE %.4f to %.4f, log loss %.4f to %.4f", name, cfg, before.ECEMass, after.ECEMass, before.LogLoss.Score, after.LogLoss.Score)
			}
		}
	}
}

func TestWeightsCountRows(t *testing.T) {
	scores, labels := sample(300, 11, func(p float64) float64 { return p })
	weights := make([]float32, len(scores))
	var s2, y2 []float32
	for i := range scores {
		weights[i] = float32(i % 4)
		for range i % 4 {
			s2, y2 = append(s2, scores[i]), append(y2, labels[i])
		}
	}
	for _, cfg := range every {
		a, b := fit(t, cfg, scores, labels, weights), fit(t, cfg, s2, y2, nil)
		for _, s := range scores {
			if x, y := a.Probability(float64(s)), b.Probability(float64(s)); math.Abs(x-y) > 1e-9 {
				t.Fatalf("%v at %v: %v with weights, %v with copies", cfg, s, x, y)
			}
		}
	}
}

// Rows without label or weight are left out, and the order of rows is of no matter.
func TestUnknownLabelsAndOrderDoNotMatter(t *testing.T) {
	scores, labels := sample(200, 12, func(p float64) float64 { return p })
	nan := float32(math.NaN())
	for _, cfg := range every {
		want := fit(t, cfg, scores, labels, nil)
		more, known, weights := slices.Clone(scores), slices.Clone(labels), make([]float32, len(scores)+2)
		for i := range scores {
			weights[i] = 1
		}
		weights[len(scores)] = 1
		more, known = append(more, 0.5, 0.5), append(known, nan, 1)
		if got := fit(t, cfg, more, known, weights); got.Version() != want.Version() {
			t.Errorf("%v: %v with rows that do not count; want %v", cfg, got, want)
		}
		slices.Reverse(more)
		slices.Reverse(known)
		slices.Reverse(weights)
		if got := fit(t, cfg, more, known, weights); got.Version() != want.Version() {
			t.Errorf("%v: %v of reversed rows; want %v", cfg, got, want)
		}
	}
}

func TestLittleDataHasAnAnswer(t *testing.T) {
	for name, c := range map[string]struct{ scores, labels []float32 }{
		"one row":         {[]float32{0.3}, []float32{1}},
		"one class":       {[]float32{0.1, 0.2, 0.7}, []float32{0, 0, 0}},
		"all equal":       {[]float32{0.4, 0.4, 0.4}, []float32{0, 1, 1}},
		"classes apart":   {[]float32{0.1, 0.2, 0.8, 0.9}, []float32{0, 0, 1, 1}},
		"ends":            {[]float32{0, 0, 1, 1}, []float32{0, 1, 0, 1}},
		"soft labels":     {[]float32{0.2, 0.5, 0.6}, []float32{0.25, 0.5, 0.75}},
		"halves":          {[]float32{0.5, 0.5}, []float32{0, 1}},
		"two scores only": {[]float32{0.2, 0.2, 0.6, 0.6}, []float32{0, 1, 1, 1}},
	} {
		for _, cfg := range every {
			fitted := fit(t, cfg, c.scores, c.labels, nil)
			for _, s := range []float64{math.Inf(-1), -5, 0, 0.2, 0.5, 1, 7, math.Inf(1)} {
				if p := fitted.Probability(s); !(p >= 0 && p <= 1) {
					t.Errorf("%s, %v: %v at %v", name, fitted, p, s)
				}
			}
			if p := fitted.Probability(math.NaN()); !math.IsNaN(p) {
				t.Errorf("%s, %v: %v at NaN", name, fitted, p)
			}
			mean := 0.0
			for _, y := range c.labels {
				mean += float64(y) / float64(len(c.labels))
			}
			if p := fitted.Probability(0.4); name == "all equal" && cfg.Method != calibrate.Temperature && math.Abs(p-mean) > 0.1 {
				t.Errorf("%v: %v for the only score; want about %v", fitted, p, mean)
			}
		}
	}
}

func TestFitErrors(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	ok := []float32{0.1, 0.9}
	for _, c := range []struct {
		want                    string
		cfg                     calibrate.Config
		scores, labels, weights []float32
	}{
		{"labels: length 1; want 2, that of scores", calibrate.Config{}, ok, ok[:1], nil},
		{"weights: length 1; want 2, that of scores, or none", calibrate.Config{}, ok, ok, ok[:1]},
		{"scores: row 1 is NaN; want a finite number", calibrate.Config{}, []float32{0, nan}, ok, nil},
		{"scores: row 0 is +Inf; want a finite number", calibrate.Config{Method: calibrate.Isotonic}, []float32{inf, 0}, ok, nil},
		{"scores: row 1 is 2; want a number in [0, 1]", calibrate.Config{Method: calibrate.Beta}, []float32{0, 2}, ok, nil},
		{"scores: row 0 is -1; want a number in [0, 1]", calibrate.Config{LogOdds: true}, []float32{-1, 2}, ok, nil},
		{"scores: row 0 is -1; want a number in [0, 1]", calibrate.Config{Method: calibrate.Temperature}, []float32{-1, 2}, ok, nil},
		{"labels: row 1 is 3; want a number in [0, 1], or NaN", calibrate.Config{}, ok, []float32{0, 3}, nil},
		{"weights: row 0 is -1; want a finite number >= 0", calibrate.Config{}, ok, ok, []float32{-1, 1}},
		{"weights: row 1 is NaN", calibrate.Config{}, ok, ok, []float32{1, nan}},
		{"Config.Bins is -1", calibrate.Config{Method: calibrate.Histogram, Bins: -1}, ok, ok, nil},
		{"Config.Bins is 3, but the method is platt", calibrate.Config{Bins: 3}, ok, ok, nil},
		{"Config.LogOdds is set, but the method is beta", calibrate.Config{Method: calibrate.Beta, LogOdds: true}, ok, ok, nil},
		{"Config.Method is method 9", calibrate.Config{Method: 9}, ok, ok, nil},
	} {
		if _, err := calibrate.Fit(c.cfg, c.scores, c.labels, c.weights); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v; want %q", err, c.want)
		}
	}
	for _, weights := range [][]float32{{0, 0}, nil} {
		labels := ok
		if weights == nil {
			labels = []float32{nan, nan}
		}
		if _, err := calibrate.Fit(calibrate.Config{}, ok, labels, weights); !errors.Is(err, calibrate.ErrNoData) {
			t.Errorf("error %v; want ErrNoData", err)
		}
	}
	if _, err := calibrate.Fit(calibrate.Config{}, nil, nil, nil); !errors.Is(err, calibrate.ErrNoData) {
		t.Errorf("error %v; want ErrNoData", err)
	}
}

func TestHistogramBinsHaveEqualMassAndKeepTiesTogether(t *testing.T) {
	scores := []float32{1, 1, 1, 1, 1, 1, 2, 3, 4, 5, 6, 7} // half of the mass is one score
	labels := []float32{0, 0, 0, 1, 1, 1, 0, 1, 0, 1, 1, 1}
	x, y := fit(t, calibrate.Config{Method: calibrate.Histogram, Bins: 4}, scores, labels, nil).Knots()
	if fmt.Sprint(x) != "[1.5 4.5]" || len(y) != 3 || y[0] != 0.5 || y[1] != 1.0/3 || y[2] != 1-1.0/14 {
		t.Errorf("bins end at %v with values %v", x, y)
	}
}

func TestMethodNames(t *testing.T) {
	for _, cfg := range every {
		if m, err := calibrate.ParseMethod(cfg.Method.String()); err != nil || m != cfg.Method {
			t.Errorf("%v: %v, error %v", cfg.Method, m, err)
		}
	}
	if _, err := calibrate.ParseMethod("sigmoid"); err == nil || !strings.Contains(err.Error(), `"sigmoid"; want one of [platt`) {
		t.Errorf("error %v", err)
	}
}
