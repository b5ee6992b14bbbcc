//go:build !xgboost

package xgboost

// Linked says whether the library is built in.
const Linked = false

// Version returns "".
func Version() string { return "" }

// Booster is a model.
type Booster struct{}

// NewBooster returns ErrNotLinked.
func NewBooster([]float32, int, []float32, string) (*Booster, error) { return nil, ErrNotLinked }

// Update returns ErrNotLinked.
func (*Booster) Update() error { return ErrNotLinked }

// Predict returns ErrNotLinked.
func (*Booster) Predict(_, _ []float32, _ int, _ bool) error { return ErrNotLinked }

// Close does nothing.
func (*Booster) Close() {}
