//go:build !lightgbm

package lightgbm

// Linked says whether the library is built in.
const Linked = false

// Dataset is a table in the bins of LightGBM.
type Dataset struct{}

// NewDataset returns ErrNotLinked.
func NewDataset(Data, string, *Dataset) (*Dataset, error) { return nil, ErrNotLinked }

// Close does nothing.
func (*Dataset) Close() {}

// Booster is a model.
type Booster struct{}

// NewBooster returns ErrNotLinked.
func NewBooster(*Dataset, string) (*Booster, error) { return nil, ErrNotLinked }

// Parse returns ErrNotLinked.
func Parse(string) (*Booster, error) { return nil, ErrNotLinked }

// Update returns ErrNotLinked.
func (*Booster) Update() (bool, error) { return false, ErrNotLinked }

// Text returns ErrNotLinked.
func (*Booster) Text() (string, error) { return "", ErrNotLinked }

// Width returns ErrNotLinked.
func (*Booster) Width(Output) (int, error) { return 0, ErrNotLinked }

// Predict returns ErrNotLinked.
func (*Booster) Predict([]float64, []float32, int, string, Output) error { return ErrNotLinked }

// NewFast returns ErrNotLinked.
func (*Booster) NewFast(int, string, Output) (*Fast, error) { return nil, ErrNotLinked }

// Close does nothing.
func (*Booster) Close() {}

// Fast scores rows one by one.
type Fast struct{}

// Predict returns ErrNotLinked.
func (*Fast) Predict([]float64, []float32) error { return ErrNotLinked }

// Close does nothing.
func (*Fast) Close() {}
