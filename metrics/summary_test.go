package metrics_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/metrics"
)

func TestSummarizeByHand(t *testing.T) {
	nan := math.NaN()
	s := metrics.Summarize([]float64{1, nan, 2, 3, 4, nan})
	// Variance 5/3 of 4 values: standard error √(5/12).
	if s.N != 4 || s.Undefined != 2 || !near(s.Mean, 2.5) || !near(s.StdErr, math.Sqrt(5.0/12)) {
		t.Errorf("Summarize = %+v", s)
	}
	if s := metrics.Summarize([]float64{3}); s.Mean != 3 || !math.IsNaN(s.StdErr) {
		t.Errorf("of one value %+v, want mean 3 without standard error", s)
	}
	if s := metrics.Summarize([]float64{nan}); s.N != 0 || s.Undefined != 1 || !math.IsNaN(s.Mean) || !math.IsNaN(s.StdErr) {
		t.Errorf("of no value %+v, want NaN", s)
	}
}

func TestAccumulatorMergeIsAddingAll(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		var all, a, b metrics.Accumulator
		var values []float64
		for range rng.IntN(50) {
			x := 1e6 + rng.NormFloat64() // a mean far from 0 punishes sums of squares
			if rng.IntN(10) == 0 {
				x = math.NaN()
			}
			values = append(values, x)
			all.Add(x)
			if rng.IntN(3) == 0 {
				a.Add(x)
			} else {
				b.Add(x)
			}
		}
		a.Merge(&b)
		got, want := a.Summary(), all.Summary()
		if got.N != want.N || got.Undefined != want.Undefined || !same(got.Mean, want.Mean) || !same(got.StdErr, want.StdErr) {
			t.Fatalf("merged %+v, all %+v", got, want)
		}
		if s := metrics.Summarize(values); fmt.Sprint(s) != fmt.Sprint(want) {
			t.Fatalf("Summarize %+v, Accumulator %+v", s, want)
		}
		// Two-pass oracle.
		var mean, ss float64
		for _, x := range values {
			if x == x {
				mean += x / float64(want.N)
			}
		}
		for _, x := range values {
			if x == x {
				ss += (x - mean) * (x - mean)
			}
		}
		if n := float64(want.N); want.N > 1 && math.Abs(want.StdErr-math.Sqrt(ss/(n-1)/n)) > 1e-6 {
			t.Fatalf("standard error %v, want %v", want.StdErr, math.Sqrt(ss/(n-1)/n))
		}
	}
}

func normals(seed uint64, n int, mean float64) []float64 {
	rng := rand.New(rand.NewPCG(seed, 0))
	x := make([]float64, n)
	for i := range x {
		x[i] = mean + rng.NormFloat64()
	}
	return x
}

func TestBootstrapIsTheSameForAnyNumberOfWorkers(t *testing.T) {
	values := normals(1, 200, 0)
	want, err := metrics.Bootstrap{Seed: 7, Workers: 1}.Mean(values)
	if err != nil {
		t.Fatal(err)
	}
	if ninetyFive, err := (metrics.Bootstrap{Seed: 7, Level: 0.95, Resamples: 1000}).Mean(values); err != nil || ninetyFive != want {
		t.Errorf("the documented defaults give %+v, %v, the zero value %+v", ninetyFive, err, want)
	}
	for _, workers := range []int{0, 2, 3, 8, 5000} {
		got, err := metrics.Bootstrap{Seed: 7, Workers: workers}.Mean(values)
		if err != nil || got != want {
			t.Errorf("%d workers: %+v, %v, want %+v", workers, got, err, want)
		}
	}
	other, err := metrics.Bootstrap{Seed: 8}.Mean(values)
	if err != nil || other.Lower == want.Lower {
		t.Errorf("another seed has the same interval %+v, %v", other, err)
	}
}

// Source: Efron and Tibshirani 1993, chapter 13: for means of many values the
// percentile interval is close to the normal one, mean ± z·se.
func TestBootstrapOfManyUsersIsTheNormalInterval(t *testing.T) {
	values := normals(2, 2000, 5)
	const resamples = 4000
	for level, z := range map[float64]float64{0.8: 1.281552, 0.95: 1.959964, 0.99: 2.575829} {
		iv, err := metrics.Bootstrap{Level: level, Resamples: resamples}.Mean(values)
		if err != nil {
			t.Fatal(err)
		}
		// Four standard errors of a quantile of that many resamples, and a
		// little for the skewness of these values.
		tail, density := (1-level)/2, math.Exp(-z*z/2)/math.Sqrt(2*math.Pi)
		slack := (4*math.Sqrt(tail*(1-tail)/resamples)/density + 0.03) * iv.StdErr
		for _, end := range [][2]float64{{iv.Lower, iv.Mean - z*iv.StdErr}, {iv.Upper, iv.Mean + z*iv.StdErr}} {
			if math.Abs(end[0]-end[1]) > slack {
				t.Errorf("level %v: end %v, want %v ± %v", level, end[0], end[1], slack)
			}
		}
	}
}

// The interval holds the truth as often as its level says, within z = 4 of 500
// runs, less the known narrowness of percentile intervals at n = 60.
func TestBootstrapCoverage(t *testing.T) {
	const runs, level = 500, 0.9
	covered := 0
	for run := range runs {
		iv, err := metrics.Bootstrap{Level: level, Resamples: 400, Seed: uint64(run)}.Mean(normals(uint64(100+run), 60, 1))
		if err != nil {
			t.Fatal(err)
		}
		if iv.Lower <= 1 && 1 <= iv.Upper {
			covered++
		}
	}
	got := float64(covered) / runs
	if se := math.Sqrt(level * (1 - level) / runs); math.Abs(got-level) > 4*se+0.01 {
		t.Errorf("covered %v of the time, want %v", got, level)
	}
}

func TestPairedSeesWhatTheMeansHide(t *testing.T) {
	as := normals(3, 300, 0) // users differ by 1, systems by 0.05
	bs := make([]float64, len(as))
	noise := normals(4, 300, 0.05*10)
	for i := range bs {
		bs[i] = as[i] + noise[i]/10
	}
	as[5], bs[9] = math.NaN(), math.NaN()
	p, err := metrics.Bootstrap{}.Paired(as, bs)
	if err != nil {
		t.Fatal(err)
	}
	d := p.Difference
	if d.N != 298 || d.Undefined != 2 || !near(p.MeanB-p.MeanA, d.Mean) {
		t.Errorf("%+v: want 298 users, 2 undefined, and the difference of the means", p)
	}
	if !(d.Lower > 0 && d.Upper < 0.1) {
		t.Errorf("difference in [%v, %v], want it above 0 and below 0.1", d.Lower, d.Upper)
	}
	swapped, err := metrics.Bootstrap{}.Paired(bs, as)
	if err != nil || !near(swapped.Difference.Lower, -d.Upper) || !near(swapped.Difference.Upper, -d.Lower) {
		t.Errorf("swapped %+v, %v, want the negative of %+v", swapped.Difference, err, d)
	}
}

func TestBootstrapOfOneValueHasNoWidth(t *testing.T) {
	iv, err := metrics.Bootstrap{Resamples: 1}.Mean([]float64{0.25, math.NaN()})
	if err != nil || iv.Lower != 0.25 || iv.Upper != 0.25 || iv.Undefined != 1 {
		t.Errorf("%+v, %v, want [0.25, 0.25]", iv, err)
	}
}

func TestBootstrapErrors(t *testing.T) {
	if _, err := (metrics.Bootstrap{}).Mean([]float64{math.NaN()}); !errors.Is(err, metrics.ErrNoValues) {
		t.Errorf("error %v, want ErrNoValues", err)
	}
	if _, err := (metrics.Bootstrap{}).Paired(nil, nil); !errors.Is(err, metrics.ErrNoValues) {
		t.Errorf("error %v, want ErrNoValues", err)
	}
	if _, err := (metrics.Bootstrap{}).Paired(nil, []float64{1}); err == nil || !strings.Contains(err.Error(), "0 and 1 users") {
		t.Errorf("error %v, want one about 0 and 1 users", err)
	}
	for want, b := range map[string]metrics.Bootstrap{
		"Bootstrap.Resamples is -1": {Resamples: -1},
		"Bootstrap.Level is 1;":     {Level: 1},
		"Bootstrap.Level is NaN":    {Level: math.NaN()},
		"Bootstrap.Level is -0.5":   {Level: -0.5},
		"Bootstrap.Workers is -2":   {Workers: -2},
	} {
		if _, err := b.Mean([]float64{1}); err == nil || !strings.HasPrefix(err.Error(), "metrics: "+want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func ExampleBootstrap() {
	// Recall of two systems on the same eight users.
	before := []float64{0.2, 0.0, 0.5, 0.4, 0.1, 0.3, 0.6, 0.2}
	after := []float64{0.3, 0.1, 0.5, 0.6, 0.1, 0.4, 0.6, 0.3}
	p, err := metrics.Bootstrap{Seed: 1}.Paired(before, after)
	if err != nil {
		fmt.Println(err)
		return
	}
	d := p.Difference
	fmt.Printf("%.4f -> %.4f\n", p.MeanA, p.MeanB)
	fmt.Printf("%+.4f, se %.4f, 95%% interval above 0: %t\n", d.Mean, d.StdErr, d.Lower > 0)
	// Output:
	// 0.2875 -> 0.3625
	// +0.0750, se 0.0250, 95% interval above 0: true
}

func ExampleAccumulator() {
	// Two workers, one metric.
	var a, b metrics.Accumulator
	a.Add(0.5)
	a.Add(1)
	b.Add(0)
	a.Merge(&b)
	s := a.Summary()
	fmt.Printf("%d users, mean %.2f ± %.2f\n", s.N, s.Mean, s.StdErr)
	// Output:
	// 3 users, mean 0.50 ± 0.29
}
