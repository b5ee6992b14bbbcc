package tree

import "fmt"

// FileError says what is wrong with a model file, and where.
type FileError struct {
	Format string // "LightGBM text", "XGBoost JSON", …
	Where  string // "line 12", "byte 4711", "learner.gradient_booster.model.trees[3]"
	Reason string
}

func (e *FileError) Error() string {
	return fmt.Sprintf("%s: %s: %s", e.Format, e.Where, e.Reason)
}

// UnsupportedError names something that a model file uses and this package does not
// compute: it is refused rather than scored wrongly.
type UnsupportedError struct {
	Format string
	What   string // "booster gblinear with 3 feature groups", "objective rank:foo"
}

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("%s: %s is not supported", e.Format, e.What)
}
