package nn

import (
	"math"
	"math/rand/v2"
)

func sqrt(x float64) float64 { return math.Sqrt(x) }

// Uniform draws w evenly from [-bound, bound). The bits are the same on every machine.
func Uniform(w []float32, bound float64, rng *rand.Rand) {
	scale := float32(2 * bound)
	for i := range w {
		w[i] = float32(scale * (rng.Float32() - 0.5))
	}
}
