package ope_test

import (
	"errors"
	"math"
	"testing"

	"github.com/recsyskit/recsys/metrics/ope"
)

// Rewards by what they depend on.
func byItemAndPlace(slate []int32, k int) float64 {
	return float64(slate[k]) + 0.5*float64(k) - 0.1*float64(int(slate[k])*k)
}

func byItemsAbove(slate []int32, k int) float64 {
	r := byItemAndPlace(slate, k)
	for _, a := range slate[:k] {
		r *= 0.3 + 0.1*float64(a)
	}
	return r
}

func byAllItems(slate []int32, k int) float64 {
	r := byItemsAbove(slate, k)
	if k+1 < len(slate) {
		r += float64(slate[k+1] * slate[k+1])
	}
	return r
}

// expectation returns the expectation of an estimator over the logs of one slate, exactly.
func expectation(t *testing.T, w slateWorld, e ope.SlateEstimator, reward func([]int32, int) float64, fill func(items []int32, s *ope.Slate)) float64 {
	t.Helper()
	place, placeTarget := w.placeProbabilities(luce(w.logger)), w.placeProbabilities(luce(w.target))
	var mean float64
	w.each(luce(w.logger), func(items []int32, p float64) {
		rewards := make([]float64, len(items))
		for k := range items {
			rewards[k] = reward(items, k)
		}
		s := w.slate(items, rewards, place, placeTarget)
		if fill != nil {
			fill(items, &s)
		}
		report, err := ope.EvaluateSlates([]ope.Slate{s}, ope.Options{}, e)
		if err != nil {
			t.Fatal(err)
		}
		mean += p * report.Estimates[0].Value
	})
	return mean
}

// Source: McInerney et al., KDD 2020, section 3: each estimator is unbiased under its assumption
// on rewards, and only under that.
func TestSlateEstimatorsAreUnbiasedUnderTheirAssumption(t *testing.T) {
	rewards := []func([]int32, int) float64{byItemAndPlace, byItemsAbove, byAllItems}
	for name, c := range map[string]struct {
		e        ope.SlateEstimator
		unbiased int // for how many of the rewards
	}{
		"iips": {ope.IIPS(), 1}, "rips": {ope.RIPS(), 2}, "sips": {ope.SIPS(), 3},
	} {
		for seed := range uint64(3) {
			w := newSlateWorld(seed, 5, 3)
			for i, reward := range rewards {
				want := w.value(luce(w.target), reward)
				got := expectation(t, w, c.e, reward, nil)
				if i < c.unbiased && math.Abs(got-want) > 1e-12*math.Abs(want) {
					t.Errorf("%s of reward %d has expectation %v, want %v", name, i, got, want)
				}
				if i >= c.unbiased && math.Abs(got-want) < 1e-3*math.Abs(want) {
					t.Errorf("%s of reward %d has expectation %v, %v is the value: the reward is no test", name, i, got, want)
				}
			}
		}
	}
}

// future returns the reward from place k on under the target policy, given the items down to it.
func (w slateWorld) future(slate []int32, reward func([]int32, int) float64) float64 {
	v := reward(slate, len(slate)-1)
	if len(slate) == w.places {
		return v
	}
	dst := make([]float64, w.items)
	luce(w.target)(dst, slate)
	for a, p := range dst {
		if p > 0 {
			v += p * w.future(append(slate[:len(slate):len(slate)], int32(a)), reward)
		}
	}
	return v
}

// withModel adds the model to a slate.
func (w slateWorld) withModel(q func(slate []int32) float64) func([]int32, *ope.Slate) {
	return func(items []int32, s *ope.Slate) {
		dst := make([]float64, w.items)
		for k := range items {
			luce(w.target)(dst, items[:k])
			var direct float64
			for a, p := range dst {
				if p > 0 {
					direct += p * q(append(items[:k:k], int32(a)))
				}
			}
			s.Model, s.Direct = append(s.Model, q(items[:k+1])), append(s.Direct, direct)
		}
	}
}

// Source: Kiyohara et al., WSDM 2022: unbiased under the cascade assumption for any model.
func TestCascadeDRIsUnbiasedForAnyModel(t *testing.T) {
	for seed := range uint64(3) {
		w := newSlateWorld(seed, 4, 3)
		want := w.value(luce(w.target), byItemsAbove)
		for name, q := range map[string]func([]int32) float64{
			"none":  func([]int32) float64 { return 0 },
			"wrong": func(s []int32) float64 { return 3 - float64(s[len(s)-1]) + float64(s[0]) },
			"place": func(s []int32) float64 { return byItemsAbove(s, len(s)-1) },
		} {
			got := expectation(t, w, ope.CascadeDR(), byItemsAbove, w.withModel(q))
			if math.Abs(got-want) > 1e-12*math.Abs(want) {
				t.Errorf("with model %s the expectation is %v, want %v", name, got, want)
			}
		}
	}
}

// Source: Kiyohara et al., WSDM 2022: with the true value of the rest of the slate as model and
// rewards without noise, every slate gives the value; without a model it is RIPS.
func TestCascadeDRWithTheTrueModelHasNoVariance(t *testing.T) {
	w := newSlateWorld(7, 4, 3)
	want := w.value(luce(w.target), byItemsAbove)
	place := w.placeProbabilities(luce(w.logger))
	var exact, plain []ope.Slate
	w.each(luce(w.logger), func(items []int32, p float64) {
		rewards := make([]float64, len(items))
		for k := range items {
			rewards[k] = byItemsAbove(items, k)
		}
		s := w.slate(items, rewards, place, place)
		w.withModel(func(s []int32) float64 { return w.future(s, byItemsAbove) })(items, &s)
		exact = append(exact, s)
		s.Model, s.Direct = make([]float64, 3), make([]float64, 3)
		plain = append(plain, s)
	})
	report, err := ope.EvaluateSlates(exact, ope.Options{}, ope.CascadeDR())
	if err != nil {
		t.Fatal(err)
	}
	if e := report.Estimates[0]; math.Abs(e.Value-want) > 1e-12*want || e.SE > 1e-12 {
		t.Errorf("estimate %v with standard error %v, want %v and none", e.Value, e.SE, want)
	}
	report, err = ope.EvaluateSlates(plain, ope.Options{}, ope.CascadeDR(), ope.RIPS())
	if err != nil {
		t.Fatal(err)
	}
	if a, b := report.Estimates[0], report.Estimates[1]; math.Abs(a.Value-b.Value) > 1e-12 || math.Abs(a.SE-b.SE) > 1e-12 {
		t.Errorf("without a model %v, RIPS is %v", a, b)
	}
}

// Source: Swaminathan et al., NeurIPS 2017, section 3: unbiased when the reward of the slate is
// the sum of what items earn at their places.
func TestPseudoInverseIsUnbiasedForAdditiveRewards(t *testing.T) {
	for seed := range uint64(3) {
		w := newSlateWorld(seed, 4, 3)
		additive, err := ope.NewAdditive(w.items, w.places, luce(w.logger), luce(w.target))
		if err != nil {
			t.Fatal(err)
		}
		// Only the sum is seen, at the first place.
		whole := func(slate []int32, k int) float64 {
			if k > 0 {
				return 0
			}
			return byItemAndPlace(slate, 0) + byItemAndPlace(slate, 1) + byItemAndPlace(slate, 2)
		}
		want := w.value(luce(w.target), byItemAndPlace)
		got := expectation(t, w, ope.PseudoInverse(), whole, func(items []int32, s *ope.Slate) { s.Additive = additive.Weight(items) })
		if math.Abs(got-want) > 1e-10*math.Abs(want) {
			t.Errorf("expectation %v, want %v", got, want)
		}
	}
}

// Source: Swaminathan et al., NeurIPS 2017, section 3: on its own log a policy's weights are 1.
func TestPseudoInverseWeighsTheLoggersOwnSlatesByOne(t *testing.T) {
	w := newSlateWorld(3, 5, 3)
	additive, err := ope.NewAdditive(w.items, w.places, luce(w.logger), luce(w.logger))
	if err != nil {
		t.Fatal(err)
	}
	w.each(luce(w.logger), func(slate []int32, _ float64) {
		if got := additive.Weight(slate); math.Abs(got-1) > 1e-10 {
			t.Errorf("weight of %v is %v, want 1", slate, got)
		}
	})
}

// Source: Swaminathan et al., NeurIPS 2017, section 3: for places filled independently the weight is
// Σ_k π_k/p_k - (places - 1).
func TestPseudoInverseOfIndependentPlacesHasItsClosedForm(t *testing.T) {
	logger := [][]float64{{0.5, 0.3, 0.2}, {0.1, 0.1, 0.8}, {0.25, 0.5, 0.25}}
	target := [][]float64{{0.1, 0.8, 0.1}, {0.4, 0.3, 0.3}, {0, 0, 1}}
	additive, err := ope.NewAdditive(3, 3, independent(logger), independent(target))
	if err != nil {
		t.Fatal(err)
	}
	w := slateWorld{items: 3, places: 3}
	w.each(independent(logger), func(slate []int32, _ float64) {
		want := -2.0
		var p, q []float64
		for k, a := range slate {
			want += target[k][a] / logger[k][a]
			p, q = append(p, logger[k][a]), append(q, target[k][a])
		}
		if got := additive.Weight(slate); math.Abs(got-want) > 1e-10 {
			t.Errorf("weight of %v is %v, want %v", slate, got, want)
		}
		if got := ope.IndependentWeight(p, q); math.Abs(got-want) > 1e-12 {
			t.Errorf("IndependentWeight of %v is %v, want %v", slate, got, want)
		}
	})
}

func TestPseudoInverseRefusesTargetsOutsideTheSpan(t *testing.T) {
	logger := [][]float64{{0.5, 0.5, 0}, {0.5, 0.5, 0}}
	target := [][]float64{{0.5, 0.4, 0.1}, {0.5, 0.5, 0}}
	if _, err := ope.NewAdditive(3, 2, independent(logger), independent(target)); !errors.Is(err, ope.ErrOutOfSpan) {
		t.Errorf("error %v, want ErrOutOfSpan", err)
	}
	uniform := make([]float64, 40)
	for i := range uniform {
		uniform[i] = 1.0 / 40
	}
	many := [][]float64{uniform, uniform, uniform, uniform, uniform}
	var field *ope.FieldError
	if _, err := ope.NewAdditive(40, 5, independent(many), independent(many)); !errors.As(err, &field) {
		t.Errorf("error %v, want a FieldError: there are 40^5 slates", err)
	}
	for name, bad := range map[string][]float64{"negative": {-0.5, 1.5}, "NaN": {math.NaN(), 1}, "sum": {0.5, 0.1}} {
		if _, err := ope.NewAdditive(2, 1, independent([][]float64{bad}), independent([][]float64{{1, 0}})); !errors.As(err, &field) {
			t.Errorf("%s: error %v, want a FieldError", name, err)
		}
	}
	if _, err := ope.NewAdditive(0, 1, nil, nil); !errors.As(err, &field) {
		t.Errorf("no items: error %v, want a FieldError", err)
	}
}
