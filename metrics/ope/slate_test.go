package ope_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/recsyskit/recsys/metrics/ope"
)

var allSlateEstimators = []ope.SlateEstimator{
	ope.SIPS(), ope.SNSIPS(), ope.IIPS(), ope.SNIIPS(), ope.RIPS(), ope.SNRIPS(), ope.CascadeDR(), ope.PseudoInverse(), ope.SNPseudoInverse(),
}

// randomSlates returns slates of 0 to places places, with numbers that no policy need have.
func randomSlates(seed uint64, n, places int) []ope.Slate {
	r := rand.New(rand.NewPCG(seed, 2))
	slates := make([]ope.Slate, n)
	for i := range slates {
		s := &slates[i]
		for range r.IntN(places + 1) {
			s.Reward = append(s.Reward, 1+r.NormFloat64())
			s.Propensity = append(s.Propensity, 0.2+0.8*r.Float64())
			s.Target = append(s.Target, 0.3+0.7*r.Float64())
			s.PlacePropensity = append(s.PlacePropensity, 0.2+0.8*r.Float64())
			s.PlaceTarget = append(s.PlaceTarget, r.Float64())
			s.Model = append(s.Model, r.NormFloat64())
			s.Direct = append(s.Direct, r.NormFloat64())
		}
		s.Additive = 0.5 + r.Float64()
	}
	return slates
}

// naiveSlates returns value and standard error by the definitions, with all slates in memory.
func naiveSlates(slates []ope.Slate, e ope.SlateEstimator) (value, se float64) {
	n := float64(len(slates))
	places := 0
	for _, s := range slates {
		places = max(places, len(s.Reward))
	}
	weights := make([][]float64, len(slates)) // by place
	terms := make([]float64, len(slates))
	for i, s := range slates {
		joint := 1.0
		for k := range s.Reward {
			joint *= s.Target[k] / s.Propensity[k]
			switch e {
			case ope.IIPS(), ope.SNIIPS():
				weights[i] = append(weights[i], s.PlaceTarget[k]/s.PlacePropensity[k])
			default:
				weights[i] = append(weights[i], joint)
			}
		}
		for k, r := range s.Reward {
			w := weights[i][k]
			switch e {
			case ope.SIPS(), ope.SNSIPS():
				w = joint
			case ope.PseudoInverse(), ope.SNPseudoInverse():
				w = s.Additive
			case ope.CascadeDR():
				above := 1.0
				if k > 0 {
					above = weights[i][k-1]
				}
				terms[i] += above * s.Direct[k]
				r -= s.Model[k]
			}
			terms[i] += w * r
		}
		switch e {
		case ope.SNSIPS():
			weights[i] = []float64{joint}
		case ope.SNPseudoInverse():
			weights[i] = []float64{s.Additive}
		}
	}
	switch e {
	case ope.SNSIPS(), ope.SNPseudoInverse():
		var u, w float64
		for i := range slates {
			u += terms[i] / n
			w += weights[i][0] / n
		}
		value = u / w
		for i := range slates {
			terms[i] = (terms[i] - value*weights[i][0]) / w
		}
	case ope.SNIIPS(), ope.SNRIPS():
		clear(terms)
		for k := range places {
			var u, w, have float64
			for i, s := range slates {
				if k < len(s.Reward) {
					u += weights[i][k] * s.Reward[k]
					w += weights[i][k]
					have++
				}
			}
			value += have / n * u / w
			for i, s := range slates {
				terms[i] -= have / n * u / w
				if k < len(s.Reward) {
					terms[i] += (weights[i][k]*s.Reward[k]-u/w*weights[i][k])/(w/have) + u/w
				}
			}
		}
	default:
		for _, x := range terms {
			value += x / n
		}
		for _, x := range terms {
			se += (x - value) * (x - value)
		}
		return value, math.Sqrt(se / (n - 1) / n)
	}
	for _, x := range terms {
		se += x * x
	}
	return value, math.Sqrt(se) / n
}

func TestSlateEstimatesEqualTheNaiveFormulas(t *testing.T) {
	for _, n := range []int{2, 3, 100, 1023, 1024, 1025, 3000} {
		slates := randomSlates(uint64(n), n, 5)
		report, err := ope.EvaluateSlates(slates, ope.Options{}, allSlateEstimators...)
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range allSlateEstimators {
			got := report.Estimates[i]
			value, se := naiveSlates(slates, e)
			if !(math.Abs(got.Value-value) <= 1e-11*math.Abs(value)+1e-13) || !(math.Abs(got.SE-se) <= 1e-9*se+1e-13) {
				t.Errorf("%d slates: %v = %v ± %v, want %v ± %v", n, e, got.Value, got.SE, value, se)
			}
		}
	}
}

func TestSlateAccumulatorsMerge(t *testing.T) {
	for _, kind := range []ope.Interval{ope.Normal, ope.Bootstrap, ope.Anytime} {
		opt := ope.Options{Interval: kind, Resamples: 300, Tails: true}
		// The longest slates come last, so that sums must grow.
		slates := append(randomSlates(1, 1500, 3), randomSlates(2, 1500, 6)...)
		whole, err := ope.EvaluateSlates(slates, opt, allSlateEstimators...)
		if err != nil {
			t.Fatal(err)
		}
		for _, order := range [][2]int{{0, 1}, {1, 0}} {
			var parts [2]*ope.SlateAccumulator
			for i := range parts {
				part := opt
				part.Seed = uint64(i)
				if parts[i], err = ope.NewSlateAccumulator(part, allSlateEstimators...); err != nil {
					t.Fatal(err)
				}
				for j := range slates[:1500] {
					if err := parts[i].Add(&slates[i*1500+j]); err != nil {
						t.Fatal(err)
					}
				}
			}
			to, from := parts[order[0]], parts[order[1]]
			if err := to.Merge(from); err != nil {
				t.Fatal(err)
			}
			got, err := to.Report()
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range whole.Estimates {
				e := got.Estimates[i]
				slack := 1e-9
				if kind == ope.Bootstrap {
					slack = 0.4 * want.HalfWidth()
				}
				if math.Abs(e.Value-want.Value) > 1e-9 || math.Abs(e.SE-want.SE) > 1e-9 || math.Abs(e.Lower-want.Lower) > slack ||
					math.Abs(e.Upper-want.Upper) > slack || e.Verdict != want.Verdict || e.N != want.N || math.Abs(e.ESS-want.ESS) > 1e-6 {
					t.Errorf("%v, parts %v: %+v, want %+v", kind, order, e, want)
				}
				if d, w := got.Diagnostics[i], whole.Diagnostics[i]; d.Zero != w.Zero || math.Abs(d.Q99-w.Q99) > 1e-12 {
					t.Errorf("%v: diagnostics %+v, want %+v", kind, d, w)
				}
			}
		}
	}
}

func TestSlateBootstrapAgreesWithTheNormalInterval(t *testing.T) {
	slates := randomSlates(5, 4000, 4)
	boot, err := ope.EvaluateSlates(slates, ope.Options{Interval: ope.Bootstrap}, allSlateEstimators...)
	if err != nil {
		t.Fatal(err)
	}
	normal, err := ope.EvaluateSlates(slates, ope.Options{}, allSlateEstimators...)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range normal.Estimates {
		got := boot.Estimates[i]
		if width := want.HalfWidth(); math.Abs(got.Lower-want.Lower) > 0.25*width || math.Abs(got.Upper-want.Upper) > 0.25*width {
			t.Errorf("%v: bootstrap [%v, %v], normal [%v, %v]", want.Estimator, got.Lower, got.Upper, want.Lower, want.Upper)
		}
	}
}

func TestSlatesOfTheTargetsOwnGiveTheMeanReward(t *testing.T) {
	slates := randomSlates(9, 500, 6)
	var mean float64
	for i := range slates {
		s := &slates[i]
		s.Target, s.PlaceTarget, s.Additive = s.Propensity, s.PlacePropensity, 1
		s.Direct = s.Model
		for _, r := range s.Reward {
			mean += r / float64(len(slates))
		}
	}
	report, err := ope.EvaluateSlates(slates, ope.Options{}, allSlateEstimators...)
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range report.Estimates {
		if math.Abs(e.Value-mean) > 1e-12 || math.Abs(e.ESS-500) > 1e-9 || math.Abs(report.Diagnostics[i].MeanWeight-1) > 1e-12 {
			t.Errorf("%v, want %v with all 500 slates", e, mean)
		}
	}
}

// Source: Swaminathan and Joachims, NeurIPS 2015, section 4: equivariance.
func TestSNSIPSIsUnmovedByAConstant(t *testing.T) {
	slates := randomSlates(11, 300, 4)
	before, err := ope.EvaluateSlates(slates, ope.Options{}, ope.SNSIPS())
	if err != nil {
		t.Fatal(err)
	}
	for i := range slates {
		if len(slates[i].Reward) == 0 {
			slates[i].Reward, slates[i].Propensity, slates[i].Target = []float64{0}, []float64{1}, []float64{1}
		}
		slates[i].Reward[0] += 1e6
	}
	after, err := ope.EvaluateSlates(slates, ope.Options{}, ope.SNSIPS())
	if err != nil {
		t.Fatal(err)
	}
	a, b := before.Estimates[0], after.Estimates[0]
	if math.Abs(b.Value-1e6-a.Value) > 1e-8 || math.Abs(b.SE-a.SE) > 1e-8 {
		t.Errorf("%v ± %v and %v ± %v with a million more", a.Value, a.SE, b.Value, b.SE)
	}
}

// Source: McInerney et al., KDD 2020, section 3: normalized weights of a place sum to 1, so that
// rewards which depend on the place alone come out exactly, whatever the weights.
func TestNormalizedSlateEstimatesOfConstantRewardsAreExact(t *testing.T) {
	slates := randomSlates(12, 400, 4)
	var mean float64
	for i := range slates {
		for k := range slates[i].Reward {
			slates[i].Reward[k] = float64(1 + k*k)
			mean += float64(1+k*k) / 400
		}
	}
	report, err := ope.EvaluateSlates(slates, ope.Options{}, ope.SNIIPS(), ope.SNRIPS())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range report.Estimates {
		if math.Abs(e.Value-mean) > 1e-12*mean {
			t.Errorf("%v, want %v", e, mean)
		}
	}
	for i := range slates { // the same for whole slates
		slates[i].Reward = make([]float64, len(slates[i].Propensity)+1)
		slates[i].Reward[0] = 7
		slates[i].Propensity, slates[i].Target = append(slates[i].Propensity, 1), append(slates[i].Target, 1)
	}
	if report, err = ope.EvaluateSlates(slates, ope.Options{}, ope.SNSIPS(), ope.SNPseudoInverse()); err != nil {
		t.Fatal(err)
	}
	for _, e := range report.Estimates {
		if math.Abs(e.Value-7) > 1e-12 || e.SE > 1e-12 {
			t.Errorf("%v ± %v, want 7", e, e.SE)
		}
	}
}

func TestSlatesRefuseBadValues(t *testing.T) {
	good := func() ope.Slate {
		return ope.Slate{
			Reward: []float64{1, 0}, Propensity: []float64{0.5, 0.5}, Target: []float64{0.5, 1},
			PlacePropensity: []float64{0.5, 0.5}, PlaceTarget: []float64{0.2, 0.2}, Model: []float64{0, 0}, Direct: []float64{0, 0},
			Unsupported: []float64{0, 0}, Additive: 1,
		}
	}
	nan, inf := math.NaN(), math.Inf(1)
	for name, c := range map[string]struct {
		spoil func(s *ope.Slate)
		field string
	}{
		"reward NaN":         {func(s *ope.Slate) { s.Reward[1] = nan }, "Reward[1]"},
		"reward infinite":    {func(s *ope.Slate) { s.Reward[0] = inf }, "Reward[0]"},
		"propensity 0":       {func(s *ope.Slate) { s.Propensity[1] = 0 }, "Propensity[1]"},
		"propensity < 0":     {func(s *ope.Slate) { s.Propensity[1] = -0.1 }, "Propensity[1]"},
		"propensity > 1":     {func(s *ope.Slate) { s.Propensity[0] = 1.1 }, "Propensity[0]"},
		"propensity NaN":     {func(s *ope.Slate) { s.Propensity[0] = nan }, "Propensity[0]"},
		"propensity tiny":    {func(s *ope.Slate) { s.Propensity[0] = 5e-324 }, "Propensity[0]"},
		"target > 1":         {func(s *ope.Slate) { s.Target[0] = 2 }, "Target[0]"},
		"target NaN":         {func(s *ope.Slate) { s.Target[0] = nan }, "Target[0]"},
		"place propensity 0": {func(s *ope.Slate) { s.PlacePropensity[0] = 0 }, "PlacePropensity[0]"},
		"place tiny":         {func(s *ope.Slate) { s.PlacePropensity[0] = 5e-324 }, "PlacePropensity[0]"},
		"place target < 0":   {func(s *ope.Slate) { s.PlaceTarget[1] = -1 }, "PlaceTarget[1]"},
		"model NaN":          {func(s *ope.Slate) { s.Model[1] = nan }, "Model[1]"},
		"direct infinite":    {func(s *ope.Slate) { s.Direct[1] = inf }, "Direct[1]"},
		"unsupported 2":      {func(s *ope.Slate) { s.Unsupported[1] = 2 }, "Unsupported[1]"},
		"additive NaN":       {func(s *ope.Slate) { s.Additive = nan }, "Additive"},
	} {
		s := good()
		c.spoil(&s)
		_, err := ope.EvaluateSlates([]ope.Slate{good(), s}, ope.Options{}, allSlateEstimators...)
		var row *ope.RowError
		if !errors.As(err, &row) || row.Row != 1 || row.Field != c.field {
			t.Errorf("%s: error %v, want a RowError of row 1, %s", name, err, c.field)
		}
	}
	var field *ope.FieldError
	s := good()
	s.Target = s.Target[:1]
	if _, err := ope.EvaluateSlates([]ope.Slate{s}, ope.Options{}, ope.RIPS()); !errors.As(err, &field) {
		t.Errorf("slate of two lengths: error %v, want a FieldError", err)
	}
	if _, err := ope.EvaluateSlates([]ope.Slate{s}, ope.Options{}, ope.IIPS()); err != nil {
		t.Errorf("IIPS does not read Target: %v", err)
	}
	if _, err := ope.EvaluateSlates(nil, ope.Options{}); !errors.Is(err, ope.ErrEmpty) {
		t.Errorf("no slates: error %v, want ErrEmpty", err)
	}
	if _, err := ope.EvaluateSlates([]ope.Slate{good()}, ope.Options{}, ope.SlateEstimator{}); !errors.As(err, &field) {
		t.Errorf("zero estimator: error %v, want a FieldError", err)
	}
	if _, err := ope.EvaluateSlates([]ope.Slate{good()}, ope.Options{Interval: ope.Bernstein}, ope.SNRIPS()); !errors.As(err, &field) {
		t.Errorf("Bernstein of SNRIPS: error %v, want a FieldError", err)
	}
	if _, err := ope.EvaluateSlates([]ope.Slate{good()}, ope.Options{Level: 2}, ope.SNRIPS()); !errors.As(err, &field) {
		t.Errorf("Level 2: error %v, want a FieldError", err)
	}
}

func TestAMergedSlateAccumulatorMustBeOfTheSameKind(t *testing.T) {
	accumulator := func(opt ope.Options, e ...ope.SlateEstimator) *ope.SlateAccumulator {
		a, err := ope.NewSlateAccumulator(opt, e...)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	filled := func(opt ope.Options, e ...ope.SlateEstimator) *ope.SlateAccumulator {
		a := accumulator(opt, e...)
		for range 2 {
			if err := a.Add(&ope.Slate{Reward: []float64{1}, Propensity: []float64{0.5}, Target: []float64{0.5}}); err != nil {
				t.Fatal(err)
			}
		}
		return a
	}
	boot := func(seed uint64) *ope.SlateAccumulator {
		return filled(ope.Options{Interval: ope.Bootstrap, Resamples: 40, Seed: seed}, ope.SIPS())
	}
	itself := filled(ope.Options{}, ope.SIPS())
	both := accumulator(ope.Options{Interval: ope.Bootstrap, Resamples: 40}, ope.SIPS())
	for seed := range uint64(3) { // 0 is not taken by an empty one
		if err := both.Merge(boot(seed)); err != nil {
			t.Fatal(err)
		}
	}
	if err := itself.Merge(filled(ope.Options{Workers: 3, Seed: 9}, ope.SIPS())); err != nil {
		t.Error(err)
	}
	for _, c := range []struct {
		name string
		a, b *ope.SlateAccumulator
	}{
		{"itself", itself, itself},
		{"no estimator", itself, accumulator(ope.Options{})},
		{"another estimator", itself, filled(ope.Options{}, ope.RIPS())},
		{"another interval", itself, filled(ope.Options{Interval: ope.Anytime}, ope.SIPS())},
		{"another level", itself, filled(ope.Options{Level: 0.9}, ope.SIPS())},
		{"another range", itself, filled(ope.Options{TermRange: 9}, ope.SIPS())},
		{"another horizon", itself, filled(ope.Options{Horizon: 9}, ope.SIPS())},
		{"tails", itself, filled(ope.Options{Tails: true}, ope.SIPS())},
		{"the same seed", boot(1), boot(1)},
		{"a seed merged before", both, boot(1)},
		{"one that has merged the seed", boot(2), both},
	} {
		slates := c.a.Len()
		var field *ope.FieldError
		if err := c.a.Merge(c.b); !errors.As(err, &field) || c.a.Len() != slates {
			t.Errorf("%s was merged: %v", c.name, err)
		}
	}
}

func TestSlateVerdicts(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	slates := func(n int, propensity, target float64) []ope.Slate {
		out := make([]ope.Slate, n)
		for i := range out {
			out[i] = ope.Slate{Reward: []float64{r.Float64()}, Propensity: []float64{propensity}, Target: []float64{target}}
		}
		return out
	}
	for name, c := range map[string]struct {
		slates []ope.Slate
		want   ope.Verdict
	}{
		"own log":                    {slates(2000, 0.5, 0.5), ope.Reliable},
		"few slates":                 {slates(50, 0.5, 0.5), ope.Unreliable},
		"some slates":                {slates(500, 0.5, 0.5), ope.Weak},
		"wrong propensities":         {slates(2000, 0.5, 0.6), ope.Unreliable},
		"logger without chance":      {slates(2000, 1, 0.7), ope.Unreliable},
		"target without chance too":  {slates(2000, 1, 1), ope.Reliable},
		"target never takes its way": {slates(2000, 0.5, 0), ope.Unreliable},
	} {
		for _, e := range []ope.SlateEstimator{ope.SIPS(), ope.SNSIPS(), ope.RIPS(), ope.SNRIPS()} {
			report, err := ope.EvaluateSlates(c.slates, ope.Options{}, e)
			if err != nil {
				t.Fatal(err)
			}
			if got := report.Estimates[0]; got.Verdict != c.want || (got.Reason == "") != (c.want == ope.Reliable) {
				t.Errorf("%s: %v, want %v", name, got, c.want)
			}
		}
	}
}

func TestSlateUnsupportedMassCountsByTheWayThere(t *testing.T) {
	// The target takes the upper item half as often as the logger; there, .4 of its mass has no support.
	s := ope.Slate{Reward: []float64{1, 1}, Propensity: []float64{1, 0.5}, Target: []float64{0.5, 0.3}, Unsupported: []float64{0, 0.4}}
	report, err := ope.EvaluateSlates([]ope.Slate{s, s}, ope.Options{}, ope.RIPS())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := report.Diagnostics[0].Unsupported, 0.5+0.5*0.4; math.Abs(got-want) > 1e-15 {
		t.Errorf("unsupported %v, want %v", got, want)
	}
}

func TestSlateIntervalsCover(t *testing.T) {
	logs, n := 1000, 1000
	if testing.Short() {
		logs = 200
	}
	w := newSlateWorld(2, 4, 3)
	for i := range w.target { // close policies, so that the effective sample is large
		w.target[i] = w.logger[i] + 0.3*(w.target[i]-w.logger[i])
	}
	place, placeTarget := w.placeProbabilities(luce(w.logger)), w.placeProbabilities(luce(w.target))
	chance := func(slate []int32, k int) float64 { return 0.1 + 0.2*float64(slate[k])/float64(k+1) }
	want := w.value(luce(w.target), chance)
	templates := map[string]ope.Slate{}
	covered := map[string]int{}
	r := rand.New(rand.NewPCG(8, 8))
	for range logs {
		a, err := ope.NewSlateAccumulator(ope.Options{}, ope.SIPS(), ope.SNSIPS(), ope.IIPS(), ope.SNIIPS(), ope.RIPS(), ope.SNRIPS())
		if err != nil {
			t.Fatal(err)
		}
		for range n {
			items := w.draw(r, luce(w.logger))
			key := fmt.Sprint(items)
			s, ok := templates[key]
			if !ok {
				s = w.slate(items, make([]float64, 3), place, placeTarget)
				templates[key] = s
			}
			for k := range items {
				s.Reward[k] = 0
				if r.Float64() < chance(items, k) {
					s.Reward[k] = 1
				}
			}
			if err := a.Add(&s); err != nil {
				t.Fatal(err)
			}
		}
		report, err := a.Report()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range report.Estimates {
			if e.Lower <= want && want <= e.Upper {
				covered[e.Estimator]++
			}
		}
	}
	slack := 4 * math.Sqrt(0.95*0.05/float64(logs))
	for name, k := range covered {
		if share := float64(k) / float64(logs); math.Abs(share-0.95) > slack {
			t.Errorf("the 95 %% interval of %s covers in %.1f %% of logs", name, 100*share)
		}
	}
	if len(covered) != 6 {
		t.Errorf("covered %v", covered)
	}
}

func TestSlateAccumulatorAllocatesNothingPerSlate(t *testing.T) {
	slates := randomSlates(1, 64, 5)
	a, err := ope.NewSlateAccumulator(ope.Options{}, allSlateEstimators...)
	if err != nil {
		t.Fatal(err)
	}
	for i := range slates {
		_ = a.Add(&slates[i])
	}
	i := 0
	if got := testing.AllocsPerRun(3000, func() {
		_ = a.Add(&slates[i%64])
		i++
	}); got > 0 {
		t.Errorf("%v allocations per slate", got)
	}
}
