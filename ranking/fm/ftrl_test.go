package fm_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/ranking/fm"
)

// Per-coordinate FTRL-Proximal in float64, written down as it is printed, on the same rows in
// the same order.
//
// Source: McMahan et al., Ad Click Prediction: a View from the Trenches, KDD 2013, algorithm 1.
func TestLinearByFTRLIsThePapers(t *testing.T) {
	data := problem(2000, 0.1, 61)
	y, _ := data.LabelColumn(nil, "click")
	data.Heads, data.Labels, data.Weights = []string{"click"}, y, nil
	const alpha, beta, l1, l2, seed = 0.3, 2, 0.5, 0.25, 9
	m := train(t, fm.Config{
		Kind: fm.Linear, Optimizer: fm.FTRL, LearningRate: alpha, Beta: beta, L1: l1, L2: l2, HashBits: 6, Epochs: 1, Seed: seed,
	}, data)
	bias, linear, _ := fm.Weights(m, 0)

	// The intercept, coordinate -1, starts at the log odds of the mean and is not regularised.
	type state struct{ z, n float64 }
	states := map[int32]*state{}
	mean := 0.0
	for _, v := range y {
		mean += float64(v) / float64(len(y))
	}
	states[-1] = &state{z: -math.Log(mean/(1-mean)) * beta / alpha}
	weight := func(i int32) float64 {
		s, l1, l2 := states[i], l1, l2
		if i < 0 {
			l1, l2 = 0, 0
		}
		if s == nil || math.Abs(s.z) <= l1 {
			return 0
		}
		return -(s.z - math.Copysign(l1, s.z)) / ((beta+math.Sqrt(s.n))/alpha + l2)
	}
	order := seq(data.Len())
	r := rand.New(rand.NewPCG(hash.Mix64(seed), 0))
	r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	for _, row := range order {
		slots, values, _ := fm.Coordinates(m, data.FloatRow(int(row)), data.IDRow(int(row)))
		slots, values = append(slots, -1), append(values, 1)
		z := 0.0
		for e, i := range slots {
			z += weight(i) * float64(values[e])
		}
		p := 1 / (1 + math.Exp(-z))
		for e, i := range slots {
			if states[i] == nil {
				states[i] = new(state)
			}
			s, g := states[i], (p-float64(y[row]))*float64(values[e])
			sigma := (math.Sqrt(s.n+g*g) - math.Sqrt(s.n)) / alpha
			w := weight(i)
			s.z += g - sigma*w
			s.n += g * g
		}
	}
	if want := weight(-1); math.Abs(float64(bias)-want) > 1e-3 {
		t.Errorf("intercept %v, want %v", bias, want)
	}
	zeros := 0
	for i, w := range linear {
		want := weight(int32(i))
		if math.Abs(float64(w)-want) > 1e-3*(1+math.Abs(want)) {
			t.Errorf("weight %d is %v, want %v", i, w, want)
		}
		if states[int32(i)] != nil && w == 0 {
			zeros++
		}
	}
	if zeros == 0 {
		t.Error("no weight of a coordinate that was seen is 0")
	}
}
