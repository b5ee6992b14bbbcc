package loss

// WeightedQuantile is the quantile of leaves and bases.
func WeightedQuantile(values, weights []float64, alpha float64) float64 {
	var s Scratch
	for i, v := range values {
		s.add(v, weights[i])
	}
	return s.quantile(alpha)
}
