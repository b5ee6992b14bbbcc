package bandit

// LoadLinear reads what a learner over d features wrote, and returns what it would write itself.
func LoadLinear(state []byte, d int, shared, logistic bool) ([]byte, error) {
	l := newLinear(LinearModel{Shared: shared, layout: &layout{dim: d}}, logistic)
	in := decoder{b: state}
	l.load(&in)
	if in.err == nil && len(in.b) > 0 {
		in.err = errTrailing
	}
	var out encoder
	l.save(&out)
	return out.b, in.err
}

// SaveLinear returns what a learner writes that has seen some observations of two arms.
func SaveLinear(d, n int, shared, logistic bool) []byte {
	l := newLinear(LinearModel{Shared: shared, layout: &layout{dim: d}}, logistic)
	for i := range n {
		x := make([]float64, d)
		x[i%d] = 1
		l.add(&outcome{arm: uint64(i % 2), count: 1, reward: float64(i % 2), x: x})
	}
	var out encoder
	l.save(&out)
	return out.b
}
