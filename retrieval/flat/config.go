package flat

import (
	"errors"
	"fmt"

	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/code8"
)

// Quantize says whether an index keeps int8 codes beside its vectors. Answers are the same
// with and without.
type Quantize uint8

// The ways to scan.
const (
	// Auto keeps codes where they pay: from 32 dimensions up.
	Auto Quantize = iota
	// None keeps the float vectors alone.
	None
	// Int8 keeps codes of one byte per component, which takes a quarter more memory.
	Int8
)

// String returns "auto", "none" or "int8".
func (q Quantize) String() string {
	switch q {
	case Auto:
		return "auto"
	case None:
		return "none"
	case Int8:
		return "int8"
	}
	return fmt.Sprintf("Quantize(%d)", uint8(q))
}

// codesPay is the smallest dimension for which Auto keeps codes: below it a coded row is
// not much shorter than the float row.
const codesPay = 32

// Config says how an index compares vectors and how it is built. The zero Config is an
// inner product index that quantises where it pays.
type Config struct {
	// Metric is the score; the default is the inner product.
	Metric retrieval.Metric
	// Quantize says whether codes are kept; the default is Auto.
	Quantize Quantize
	// Workers is how many goroutines build the index; 0 means runtime.GOMAXPROCS(0). The
	// index does not depend on it.
	Workers int
}

// settings is a checked Config with the dimension.
type settings struct {
	Metric retrieval.Metric
	Dim    int
	Codes  bool

	workers int
}

func (c Config) check(dim int) (settings, error) {
	s := settings{Metric: c.Metric, Dim: dim, workers: c.Workers}
	s.Codes = c.Quantize == Int8 || c.Quantize == Auto && dim >= codesPay
	var errs []error
	if c.Quantize > Int8 {
		errs = append(errs, fmt.Errorf("flat: Config.Quantize is %v; want Auto, None or Int8", c.Quantize))
	}
	if c.Workers < 0 {
		errs = append(errs, fmt.Errorf("flat: Config.Workers is %d; want >= 0 (0 means all cores)", c.Workers))
	}
	return s, errors.Join(append(errs, s.check())...)
}

func (s settings) check() error {
	var errs []error
	if s.Metric > retrieval.L2 {
		errs = append(errs, fmt.Errorf("flat: Config.Metric is %v; want InnerProduct, Cosine or L2", s.Metric))
	}
	if s.Dim < 1 || s.Dim > code8.MaxDim {
		errs = append(errs, fmt.Errorf("flat: the dimension is %d; want 1 to %d: %w", s.Dim, code8.MaxDim, retrieval.ErrDimension))
	}
	return errors.Join(errs...)
}

// byNorm reports whether rows are ordered by norm. Under the cosine all norms are 1.
func (s settings) byNorm() bool { return s.Metric != retrieval.Cosine }

// stride is the distance of two float rows: a multiple of a cache line where that costs at
// most an eighth.
func (s settings) stride() int {
	if full := (s.Dim + 15) &^ 15; full-s.Dim <= s.Dim/8 {
		return full
	}
	return s.Dim
}
