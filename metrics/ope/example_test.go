package ope_test

import (
	"errors"
	"fmt"
	"math"

	"github.com/recsyskit/recsys/metrics/ope"
)

// A shop showed one of two banners, the first four times in five, and asks what it would have
// earned had it preferred the second.
func Example() {
	log := ope.Log[float64]{Actions: 2, Target: []float64{0.3, 0.7}, Model: []float64{0.1, 0.25}}
	for i := range 20000 {
		action, reward := 0, 0.0
		if i%5 == 4 {
			action = 1
		}
		if i%(10-5*action) == 0 || i%25 == 24 { // the second banner is clicked more often
			reward = 1
		}
		log.Context = append(log.Context, 0) // all visitors are alike
		log.Action = append(log.Action, int32(action))
		log.Reward = append(log.Reward, reward)
		log.Propensity = append(log.Propensity, []float64{0.8, 0.2}[action])
	}
	report, err := ope.Evaluate(log, ope.Options{}, ope.SNIPS(), ope.DR())
	if err != nil {
		panic(err)
	}
	for _, e := range report.Estimates {
		fmt.Println(e)
	}
	// Output:
	// snips      0.1775 [0.168671, 0.186329] ess 7805 of 20000: reliable
	// dr         0.1775 [0.168628, 0.186372] ess 7805 of 20000: reliable
}

func ExampleEvaluate_refused() {
	log := tiny()
	log.Propensity[2] = 0
	_, err := ope.Evaluate(log, ope.Options{}, ope.IPS())
	var bad *ope.RowError
	fmt.Println(errors.As(err, &bad), err)
	// Output: true ope: row 2: Propensity is 0; want in (0, 1]
}

// show prints one estimate from the log of four decisions that the examples share: actions 0, 1,
// 0, 1 with propensities 0.8 and 0.2, rewards 0, 1, 1, 0, a target of 0.4 and 0.6, and a reward
// model of 0.3 and 0.6.
func show(e ope.Estimator) {
	report, err := ope.Evaluate(tiny(), ope.Options{}, e)
	if err != nil {
		panic(err)
	}
	fmt.Printf("%v %.3f\n", e, report.Estimates[0].Value)
}

func ExampleIPS() {
	show(ope.IPS()) // weights 0.5 and 3
	// Output: ips 0.875
}

func ExampleClippedIPS() {
	show(ope.ClippedIPS(2))
	// Output: ips_clip_2 0.625
}

func ExampleSNIPS() {
	show(ope.SNIPS())
	// Output: snips 0.500
}

func ExampleDM() {
	show(ope.DM())
	// Output: dm 0.480
}

func ExampleDR() {
	show(ope.DR())
	// Output: dr 0.380
}

func ExampleClippedDR() {
	show(ope.ClippedDR(2))
	// Output: dr_clip_2 0.430
}

func ExampleSNDR() {
	show(ope.SNDR())
	// Output: sndr 0.423
}

func ExampleSwitchDR() {
	show(ope.SwitchDR(2)) // only weights up to 2 correct the model
	// Output: switch_dr_2 0.530
}

func ExampleDRos() {
	show(ope.DRos(3))
	// Output: dros_3 0.489
}

func ExampleSubGaussianIPS() {
	show(ope.SubGaussianIPS(0.5))
	// Output: sg_ips_0.5 0.542
}

func ExampleSubGaussianDR() {
	show(ope.SubGaussianDR(0.5))
	// Output: sg_dr_0.5 0.472
}

func ExampleReplay() {
	log := tiny()
	log.Propensity = []float64{0.5, 0.5, 0.5, 0.5} // replay needs a uniform logger
	log.Target = []float64{0, 1}                   // and a target without chance
	report, err := ope.Evaluate(log, ope.Options{}, ope.Replay())
	if err != nil {
		panic(err)
	}
	fmt.Println(report.Estimates[0].Value)
	// Output: 0.5
}

// Two policies logged, the second of them uniform. The mixture took action 0 with 0.65.
func ExampleBalancedIPS() {
	log := tiny()
	log.Stratum = []int32{0, 0, 1, 1}
	log.Propensity = []float64{0.8, 0.2, 0.5, 0.5}
	log.Average = []float64{0.65, 0.35, 0.65, 0.35}
	report, err := ope.Evaluate(log, ope.Options{}, ope.IPS(), ope.BalancedIPS(), ope.BalancedDR())
	if err != nil {
		panic(err)
	}
	for _, e := range report.Estimates {
		fmt.Printf("%s %.3f\n", e.Estimator, e.Value)
	}
	// Output:
	// ips 0.950
	// balanced_ips 0.582
	// balanced_dr 0.456
}

func ExampleWeightedIPS() {
	log := tiny()
	log.Stratum = []int32{0, 0, 1, 1}
	log.Propensity = []float64{0.8, 0.2, 0.5, 0.5} // the second logger's terms vary less
	report, err := ope.Evaluate(log, ope.Options{}, ope.WeightedIPS(), ope.WeightedDR())
	if err != nil {
		panic(err)
	}
	for _, e := range report.Estimates {
		fmt.Printf("%s %.3f\n", e.Estimator, e.Value)
	}
	// Output:
	// weighted_ips 0.473
	// weighted_dr 0.686
}

// Actions 0 and 1 share an embedding, and so do 2 and 3. The target prefers other actions than
// the logger, but not another embedding.
func ExampleMarginalWeights() {
	log := ope.Log[float64]{
		Actions: 4, Reward: []float64{1, 0}, Action: []int32{0, 3}, Propensity: []float64{0.4, 0.1}, Context: []int32{0, 0},
		Target: []float64{0.1, 0.4, 0.1, 0.4},
		Logger: []float64{0.4, 0.1, 0.4, 0.1},
	}
	embedding := []int32{0, 1} // of the logged actions
	density := []float64{
		1, 1, 0, 0,
		0, 0, 1, 1,
	}
	w, err := ope.MarginalWeights(nil, log, embedding, density)
	if err != nil {
		panic(err)
	}
	fmt.Println(w, "instead of", []float64{0.1 / 0.4, 0.4 / 0.1})
	// Output: [1 1] instead of [0.25 4]
}

func ExampleMRDRWeights() {
	w, err := ope.MRDRWeights(nil, tiny())
	if err != nil {
		panic(err)
	}
	fmt.Printf("%.2f\n", w)
	// Output: [0.05 7.20 0.05 7.20]
}

// The model is the mean reward of each action in the other folds.
func ExampleCrossFit() {
	action := []int32{0, 1, 0, 1, 0, 1, 0, 1}
	reward := []float64{0, 1, 0, 1, 0, 1, 0, 1}
	model, err := ope.CrossFit(8, 2, ope.Folds{K: 2}, func(train []int) (func(row int, dst []float64), error) {
		var sum, count [2]float64
		for _, i := range train {
			sum[action[i]] += reward[i]
			count[action[i]]++
		}
		return func(_ int, dst []float64) {
			for a := range dst {
				dst[a] = sum[a] / math.Max(count[a], 1)
			}
		}, nil
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(model[:2])
	// Output: [0 1]
}

func ExampleTune() {
	tuned, err := ope.Tune(tiny(), ope.Options{}, ope.Tuning{Lambdas: []float64{1, 2, math.Inf(1)}}, ope.ClippedIPS)
	if err != nil {
		panic(err)
	}
	fmt.Println(tuned.Lambda, tuned.Estimate.Value)
	// Output: 1 0.375
}
