package main

import (
	"math"
	"math/rand/v2"
	"strconv"

	"github.com/recsyskit/recsys/ranking"
)

// draw returns n rows of d features and a label of 0 or 1. The features are of the kinds that tables
// have: normal, even, heavy-tailed, counts of few distinct values, and repeats of others with
// noise; one in five has missing values. The label depends on products and steps of ten of them, and on chance.
// Another stream of the same seed gives other rows of the same kind.
func draw(n, d int, seed, stream uint64) *ranking.Dataset {
	rng := rand.New(rand.NewPCG(seed, stream))
	data := &ranking.Dataset{
		Columns: make([]string, d), Floats: make([]float32, n*d),
		Heads: []string{"y"}, Labels: make([]float32, n),
	}
	for j := range data.Columns {
		data.Columns[j] = "f" + strconv.Itoa(j)
	}
	row := make([]float64, d)
	for i := range n {
		for j := range row {
			row[j] = value(rng, row, j)
		}
		if rng.Float64() < 1/(1+math.Exp(-logit(row))) {
			data.Labels[i] = 1
		}
		for j, x := range row {
			if j%5 == 4 && rng.IntN(10) == 0 {
				x = math.NaN()
			}
			data.Floats[i*d+j] = float32(x)
		}
	}
	return data
}

// value draws feature j, given those before it.
func value(rng *rand.Rand, row []float64, j int) float64 {
	switch j % 10 {
	case 3:
		return rng.Float64()*2 - 1
	case 5:
		return math.Exp(rng.NormFloat64())
	case 7:
		return math.Floor(rng.ExpFloat64() * 4)
	case 9:
		return row[j-9] + rng.NormFloat64()
	}
	return rng.NormFloat64()
}

// logit is the truth. Each feature in it has an effect by itself too: trees that split greedily find a bare product
// only by chance, and then chance alone would tell trainers apart. It wraps around when there are fewer than 19 features.
func logit(row []float64) float64 {
	x := func(j int) float64 { return row[j%len(row)] }
	z := .5*x(0) - .4*x(1) + .5*x(0)*x(1) + math.Sin(2*x(2)) - .8*x(3) - .5*max(x(3), x(4))
	z += .4 * math.Log(math.Abs(x(5))+.01) * (1 + .5*x(6))
	if x(7) > 3 && x(8) > 0 {
		z += 1.5
	}
	if x(10) > .5 && x(11) < 0 {
		z -= 2
	}
	return z + .3*x(12) - .2*x(13)*x(13) + .5*max(x(16), x(18)) - .5
}
