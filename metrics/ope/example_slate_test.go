package ope_test

import (
	"fmt"

	"github.com/recsyskit/recsys/metrics/ope"
)

// Four slates of two places; a target policy that agrees with the log half of the time.
func ExampleEvaluateSlates() {
	log := []ope.Slate{
		{Reward: []float64{1, 0}, Propensity: []float64{0.5, 0.5}, Target: []float64{0.75, 0.5}},
		{Reward: []float64{0, 1}, Propensity: []float64{0.5, 0.5}, Target: []float64{0.25, 0.5}},
		{Reward: []float64{1, 1}, Propensity: []float64{0.5, 0.5}, Target: []float64{0.75, 0.5}},
		{Reward: []float64{0, 0}, Propensity: []float64{0.5, 0.5}, Target: []float64{0.25, 0.5}},
	}
	report, err := ope.EvaluateSlates(log, ope.Options{}, ope.SIPS(), ope.RIPS(), ope.SNRIPS())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range report.Estimates {
		fmt.Printf("%s %.3f, %v: %s\n", e.Estimator, e.Value, e.Verdict, e.Reason)
	}
	// Output:
	// sips 1.250, unreliable: the effective sample size is 3.2, below 100
	// rips 1.250, unreliable: the effective sample size is 3.2, below 100
	// snrips 1.250, unreliable: the effective sample size is 3.2, below 100
}

// showSlates prints the values of a report.
func showSlates(report ope.SlateReport, err error) {
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range report.Estimates {
		fmt.Printf("%s %.3f\n", e.Estimator, e.Value)
	}
}

// Whole slates: the first is twice as probable under the target policy, the second never comes.
func ExampleSIPS() {
	log := []ope.Slate{
		{Reward: []float64{1, 1}, Propensity: []float64{0.5, 0.5}, Target: []float64{1, 0.5}},
		{Reward: []float64{0, 1}, Propensity: []float64{0.5, 0.5}, Target: []float64{0, 0.5}},
		{Reward: []float64{1, 0}, Propensity: []float64{0.5, 0.5}, Target: []float64{0.5, 0.5}},
	}
	showSlates(ope.EvaluateSlates(log, ope.Options{}, ope.SIPS(), ope.SNSIPS()))
	// Output:
	// sips 1.667
	// snsips 1.667
}

// The items at their places, whatever stands above them.
func ExampleIIPS() {
	log := []ope.Slate{
		{Reward: []float64{1, 1}, PlacePropensity: []float64{0.5, 0.25}, PlaceTarget: []float64{0.25, 0.5}},
		{Reward: []float64{0, 1}, PlacePropensity: []float64{0.5, 0.25}, PlaceTarget: []float64{0.75, 0}},
	}
	showSlates(ope.EvaluateSlates(log, ope.Options{}, ope.IIPS(), ope.SNIIPS()))
	// Output:
	// iips 1.250
	// sniips 1.250
}

// The items down to a place: what the second slate earned below its first item does not count.
func ExampleRIPS() {
	log := []ope.Slate{
		{Reward: []float64{1, 1}, Propensity: []float64{0.5, 0.5}, Target: []float64{0.5, 1}},
		{Reward: []float64{1, 1}, Propensity: []float64{0.5, 0.5}, Target: []float64{0.5, 0}},
	}
	showSlates(ope.EvaluateSlates(log, ope.Options{}, ope.RIPS(), ope.SNRIPS()))
	// Output:
	// rips 2.000
	// snrips 2.000
}

// A model of what places earn takes over where the target policy leaves the log.
func ExampleCascadeDR() {
	log := []ope.Slate{{
		Reward:     []float64{1, 0},
		Propensity: []float64{0.5, 0.5}, Target: []float64{0.5, 0},
		Model: []float64{0.8, 0.1}, Direct: []float64{0.7, 0.4},
	}}
	showSlates(ope.EvaluateSlates(log, ope.Options{}, ope.CascadeDR()))
	// Output: cascade_dr 1.300
}

// Only what a slate earned as a whole is known; places were filled independently.
func ExamplePseudoInverse() {
	log := []ope.Slate{
		{Reward: []float64{3}, Additive: ope.IndependentWeight([]float64{0.5, 0.5}, []float64{1, 0.25})},
		{Reward: []float64{1}, Additive: ope.IndependentWeight([]float64{0.5, 0.5}, []float64{0, 0.75})},
	}
	showSlates(ope.EvaluateSlates(log, ope.Options{}, ope.PseudoInverse(), ope.SNPseudoInverse()))
	// Output:
	// pi 2.500
	// snpi 2.500
}

// Slates are read one by one, and their number does not matter for the memory.
func ExampleSlateAccumulator() {
	a, err := ope.NewSlateAccumulator(ope.Options{}, ope.SNSIPS())
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := range 5000 {
		s := ope.Slate{Reward: []float64{float64(i % 2), 0}, Propensity: []float64{0.5, 0.5}, Target: []float64{0.5, 0.5}}
		if err := a.Add(&s); err != nil {
			fmt.Println(err)
			return
		}
	}
	report, err := a.Report()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(report.Estimates[0])
	// Output: snsips     0.5 [0.486141, 0.513859] ess 5000 of 5000: reliable
}

// Only the sum of a slate is known. The logging policy orders three items by chance, the target
// policy always shows 0 above 1.
func ExampleAdditive() {
	uniform := func(dst []float64, above []int32) {
		for a := range dst {
			dst[a] = 1 / float64(len(dst)-len(above))
		}
		for _, a := range above {
			dst[a] = 0
		}
	}
	fixed := func(dst []float64, above []int32) { dst[len(above)] = 1 }
	additive, err := ope.NewAdditive(3, 2, uniform, fixed)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, slate := range [][]int32{{0, 1}, {0, 2}, {1, 0}, {1, 2}, {2, 0}, {2, 1}} {
		fmt.Printf("%v weighs %.1f\n", slate, additive.Weight(slate))
	}
	// Output:
	// [0 1] weighs 5.0
	// [0 2] weighs 1.0
	// [1 0] weighs 1.0
	// [1 2] weighs -1.0
	// [2 0] weighs -1.0
	// [2 1] weighs 1.0
}
