package als

import "context"

// PrincipalAxes is principalAxes for tests.
func PrincipalAxes(g []float64, n, workers int) (values, vectors []float64) {
	return principalAxes(context.Background(), g, n, workers)
}

// ForgetAxes makes a model treat the Gram matrix of its items as one that is not diagonal.
func ForgetAxes(m *Model) {
	d := m.factors.Dim()
	e := *m.users
	e.gram = make([]float32, d*d)
	for i, x := range e.diag {
		e.gram[i*d+i] = x
	}
	m.users = &e
}
