package als

import (
	"errors"
	"fmt"
	"math"

	"github.com/recsyskit/recsys/internal/fmath"
	"github.com/recsyskit/recsys/retrieval"
)

// Config holds the hyper-parameters of a model. The zero value has 64 factors, and otherwise
// what Rendle et al. use for the Million Song Data, the sparser one of their large data sets.
// Regularization and Unobserved are worth a search; then more Factors are worth their time.
type Config struct {
	// Factors is the dimension d of the vectors, 0 to 4096; 0 means 64. More factors are
	// better, up to the hundreds and thousands, where the regularization is right (Rendle
	// et al. 2022, section 3.2). No vectors can use more than there are users or items: what
	// goes beyond stays 0 and takes no time in training.
	Factors int

	// Regularization is λ, >= 0; 0 means 0.002. It is the hyper-parameter to search, on a
	// logarithmic scale, say from 0.0005 to 0.05 (with Uniform 1e-5 to 1000), together with
	// Unobserved.
	Regularization float64 `json:",omitempty"`

	// Exponent is ν in (0, 2]; 0 means 1. The vector of a row with n interactions is held
	// back by λ (n + α0 N)^ν, where N counts the rows of the other side: frequent users and
	// items more than rare ones.
	//
	// Source: Rendle, Krichene, Zhang and Koren, RecSys 2022, section 3.2.
	Exponent float64 `json:",omitempty"`

	// Uniform makes ν 0: the same λ for all, as Hu et al. have it.
	Uniform bool `json:",omitempty"`

	// Unobserved is α0, the confidence that a pair without interaction is a 0, in (0, 1];
	// 0 means 0.02. It is to be searched from 0.001 to 1, the smaller the sparser the
	// data. Hu et al. have 1.
	Unobserved float64 `json:",omitempty"`

	// Alpha is the slope of the confidence c(r) = 1 + Alpha r in an interaction of weight
	// r, >= 0. 0, the default, lets all interactions count alike, so that at serving the
	// age and kind of an event decide only whether it counts.
	Alpha float64 `json:",omitempty"`

	// LogScale, if not 0, makes the confidence c(r) = 1 + Alpha ln(1 + r/LogScale), for
	// weights that range widely. It is ε in Hu et al., section 6.
	LogScale float64 `json:",omitempty"`

	// Confidence, if not nil, is the confidence in an interaction of weight r > 0, in
	// place of Alpha and LogScale: at least Unobserved and at most 2^60. It is called by
	// several goroutines at once. It is not part of the file: see [Model.WithConfidence].
	Confidence func(r float32) float32 `json:"-"`

	// Epochs is the number of times that all items and then all users are solved for, 0 to
	// 100,000; 0 means 16, as Rendle et al. have it.
	Epochs int

	// Solver is how a vector is solved for. The zero value is Exact.
	Solver Solver

	// Steps is the number of steps of ConjugateGradient for each vector, 0 to 1000; 0
	// means 3. Others ignore it.
	Steps int

	// Block is the number of factors that Blocks solves for at once, 0 to 4096; 0 means
	// 64. Others ignore it.
	Block int

	// History says how the events of a request count at serving.
	History retrieval.History

	// Seed is what the vectors of the users are drawn from at the start.
	Seed uint64

	// Start, if not nil, is a model whose vectors training goes on from, for users and
	// items that it knows: the same number of Factors, made of the same data or other. A
	// model of E epochs of solver Exact, continued for F more on the same data, is the model
	// of E+F epochs, to the bit. Epochs counts those that are added. Components that are 0 for
	// all items, as in a model of fewer items than Factors, are drawn anew.
	Start *Model `json:"-"`

	// Workers is the number of goroutines in training; 0 means GOMAXPROCS. The model does
	// not depend on it.
	Workers int `json:"-"`

	// MaxBytes bounds the memory of training, >= 0, by an estimate beforehand; 0 means the
	// memory limit of the Go runtime if there is one (GOMEMLIMIT), else 8 GiB.
	MaxBytes int64 `json:"-"`

	// Progress, if not nil, is told after each epoch how many of all are done and the loss:
	// the mean over all pairs, each weighted by its confidence, of the squared error, plus
	// the regularization over the sum of these weights. It comes at no cost.
	Progress func(epoch, epochs int, loss float64) `json:"-"`
}

// Solver is how the normal equations of a row are solved.
type Solver uint8

const (
	// Exact solves them by a Cholesky factor: of as many equations as there are factors or
	// interactions, whichever is cheaper. Where most rows are short, as they are, the cost
	// of many factors is moderate.
	Exact Solver = iota

	// ConjugateGradient improves the vector of the last epoch by a few steps, in time
	// linear in the factors (Takács, Pilászy and Tikk, RecSys 2011). It is the fastest for
	// long rows, and needs an epoch or two more.
	ConjugateGradient

	// Blocks improves the vector of the last epoch block by block of factors, each solved
	// for exactly (Rendle, Krichene, Zhang and Koren, iALS++, 2021): for many factors and
	// long rows. All blocks of a row are done before the next row, where the authors do a
	// block of all rows before the next block.
	Blocks
)

var solvers = [...]string{Exact: "exact", ConjugateGradient: "cg", Blocks: "blocks"}

// String returns "exact", "cg" or "blocks".
func (s Solver) String() string {
	if int(s) < len(solvers) {
		return solvers[s]
	}
	return fmt.Sprintf("Solver(%d)", uint8(s))
}

// MarshalText writes the form of [Solver.String].
func (s Solver) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the form of [Solver.String].
func (s *Solver) UnmarshalText(text []byte) error {
	for i, name := range solvers {
		if name == string(text) {
			*s = Solver(i)
			return nil
		}
	}
	return fmt.Errorf("als: unknown solver %q; want exact, cg or blocks", text)
}

// maxEpochs bounds Config.Epochs.
const maxEpochs = 100_000

// maxConfidence keeps products of confidences and vectors within float32.
const maxConfidence = 1 << 60

// withDefaults returns c with its zero values replaced, or an error that names every
// field out of its domain.
func (c Config) withDefaults() (Config, error) {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("als: Config."+format, args...)) }
	count := func(name string, v *int, zero int, means string, most int) {
		if *v < 0 || *v > most {
			bad("%s is %d; want 0 to %d (0 means %s)", name, *v, most, means)
		}
		if *v == 0 {
			*v = zero
		}
	}
	number := func(name string, v *float64, zero float64, most float64) {
		if !(*v >= 0 && *v <= most) {
			bad("%s is %v; want a number >= 0 and <= %g (0 means %v)", name, *v, most, zero)
		}
		if *v == 0 {
			*v = zero
		}
	}
	count("Factors", &c.Factors, 64, "64", 4096)
	number("Regularization", &c.Regularization, 0.002, 1e12)
	if number("Exponent", &c.Exponent, 1, 2); c.Uniform {
		c.Exponent = 0
	}
	number("Unobserved", &c.Unobserved, 0.02, 1)
	number("Alpha", &c.Alpha, 0, 1e12)
	number("LogScale", &c.LogScale, 0, 1e12)
	count("Epochs", &c.Epochs, 16, "16", maxEpochs)
	count("Steps", &c.Steps, 3, "3", 1000)
	count("Block", &c.Block, 64, "64", 4096)
	count("Workers", &c.Workers, 0, "GOMAXPROCS", 1<<20)
	if int(c.Solver) >= len(solvers) {
		bad("Solver is %d; want Exact, ConjugateGradient or Blocks", c.Solver)
	}
	if c.MaxBytes < 0 {
		bad("MaxBytes is %d; want >= 0 (0 means GOMEMLIMIT or 8 GiB)", c.MaxBytes)
	}
	if err := c.History.Validate(); err != nil {
		errs = append(errs, err)
	}
	return c, errors.Join(errs...)
}

// curve returns the confidence in an interaction of weight r > 0, by Alpha and LogScale.
func (c *Config) curve(r float32) float32 {
	x := float64(r)
	if c.LogScale > 0 {
		x = fmath.Log1p(x / c.LogScale)
	}
	return float32(min(1+float64(c.Alpha*x), maxConfidence))
}

// lambda returns what holds back the vector of a row with n interactions, where there are
// others rows on the other side.
func (c *Config) lambda(n, others int) float32 {
	scale := 1.0
	switch {
	case c.Uniform:
	case c.Exponent == 1:
		scale = float64(n) + float64(c.Unobserved*float64(others))
	default:
		scale = fmath.Pow(float64(n)+float64(c.Unobserved*float64(others)), c.Exponent)
	}
	return float32(min(c.Regularization*scale, math.MaxFloat32))
}
