package fm

import (
	"errors"
	"fmt"
	"math"
	"runtime"

	"github.com/recsyskit/recsys/internal/fmath"
	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/ranking"
)

// Kind says which terms a model has.
type Kind uint8

// The kinds. The zero value is FM.
const (
	// FM has a weight and a vector of factors for each coordinate: O(c k) for a row of c columns.
	//
	// Source: Rendle, ICDM 2010, equation 1 and lemma 3.1.
	FM Kind = iota
	// FFM has a vector for each coordinate and each column that it meets: O(c² k) for a row.
	//
	// Source: Juan, Zhuang, Chin and Lin, RecSys 2016, equation 4.
	FFM
	// Linear has weights alone: logistic (or linear) regression, over hashed columns and
	// online if wanted. With [FTRL] it is the system of McMahan et al., KDD 2013.
	Linear

	kinds
)

var kindNames = [...]string{FM: "fm", FFM: "ffm", Linear: "linear"}

// String returns "fm", "ffm" or "linear".
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// Loss says what a head's labels are and what is minimised.
type Loss uint8

// The losses. The zero value is Logistic.
const (
	// Logistic is the log loss; labels are in [0, 1], predictions probabilities.
	Logistic Loss = iota
	// Squared is half the squared error; labels and predictions are any numbers.
	Squared

	losses
)

var lossNames = [...]string{Logistic: "logistic", Squared: "squared"}

// String returns "logistic" or "squared".
func (l Loss) String() string {
	if int(l) < len(lossNames) {
		return lossNames[l]
	}
	return fmt.Sprintf("Loss(%d)", uint8(l))
}

// Optimizer names a method of gradient descent. All of them touch only the parameters of
// the row's coordinates.
type Optimizer uint8

// The optimizers. The zero value, AdaGrad, needs the least tuning.
const (
	// AdaGrad divides the rate of each parameter by the root of the sum of its squared gradients.
	//
	// Source: Duchi, Hazan and Singer, JMLR 2011, figure 1, diagonal form.
	AdaGrad Optimizer = iota
	// Adam is Adam whose moments move only when their parameter is touched (lazy, or sparse, Adam).
	//
	// Source: Kingma and Ba, ICLR 2015, algorithm 1.
	Adam
	// FTRL is FTRL-Proximal: L1 makes weights 0. Factors have L2 alone.
	//
	// Source: McMahan et al., KDD 2013, algorithm 1.
	FTRL

	optimizers
)

var optimizerNames = [...]string{AdaGrad: "adagrad", Adam: "adam", FTRL: "ftrl"}

// String returns "adagrad", "adam" or "ftrl".
func (o Optimizer) String() string {
	if int(o) < len(optimizerNames) {
		return optimizerNames[o]
	}
	return fmt.Sprintf("Optimizer(%d)", uint8(o))
}

func (o Optimizer) method() simd.FMMethod {
	return [...]simd.FMMethod{AdaGrad: simd.FMAdaGrad, Adam: simd.FMAdam, FTRL: simd.FMFTRL}[o]
}

// parts returns how many numbers there are for a parameter: itself, and what the method keeps.
func (o Optimizer) parts() int {
	if o == AdaGrad {
		return 2
	}
	return 3
}

// Config configures [Train]. The zero value trains a factorisation machine of 16 factors
// over exact vocabularies by AdaGrad.
type Config struct {
	Kind      Kind      // FM by default
	Loss      Loss      // Logistic by default; of all heads
	Optimizer Optimizer // AdaGrad by default

	// Factors is the length of the vectors: of an FM a multiple of 8 up to 256, 0 means 16;
	// of an FFM 1 to 256, 0 means 8, faster where they are a multiple
	// of 8; of a Linear 0.
	Factors int
	// HashBits, 1 to 28, puts the IDs of all ID columns into 2^HashBits buckets by a hash of
	// column, ID and Seed, so that IDs that never were in training have parameters of their
	// own as soon as they are learned online. 0 means a vocabulary of the IDs of the
	// training rows: others add nothing, ever.
	HashBits int
	// MinCount is the number of rows that an ID of a vocabulary must have, >= 0; 0 means 1.
	MinCount int

	// Epochs is the largest number of passes over the rows, >= 0; 0 means 20.
	Epochs int
	// LearningRate is the step size, alpha of FTRL: > 0; 0 means 0.1, of Adam 0.001.
	LearningRate float64
	// L2 is the strength of regularisation, >= 0: the loss of each row has L2/2 times the
	// squares of the parameters that it touches. With FTRL it is the paper's lambda 2, which
	// weighs against a sum over all examples.
	L2 float64
	// L1 is FTRL's lambda 1, of weights alone, >= 0; the other optimizers have none.
	L1 float64
	// Beta is FTRL's beta, >= 0; 0 means 1.
	Beta float64
	// InitScale is the standard deviation of the factors before training, > 0; 0 means 0.05.
	InitScale float64
	// BatchSize, >= 0, is the number of rows that are scored with the same parameters;
	// the rows then step in their order, each parameter on its own. 0 means 1: every row
	// sees what the row before it has learned, and one core trains a head. From 64 rows on
	// cores share the work. The result depends on BatchSize, but not on Workers.
	BatchSize int

	// Validation, if not nil, has the same columns and heads. After each epoch its loss is
	// computed, and a head stops when it has not improved for Patience epochs, >= 0; 0 means 2.
	// The parameters of its best epoch count.
	Validation *ranking.Dataset
	Patience   int

	// Resumable keeps what the optimizer knows of each parameter in the model and in its
	// file, which grow to two (AdaGrad) or three times the size: [NewOnline] needs it.
	Resumable bool

	// MaxBytes bounds the memory that training allocates, >= 0; 0 means no limit. What it would
	// need is computed first; only how many IDs vocabularies have is seen as they are
	// counted. See [ranking.MemoryError].
	MaxBytes int64

	// Seed is what hashes, first factors and the order of rows derive from.
	Seed uint64
	// Workers is the number of goroutines, >= 0; 0 means GOMAXPROCS. It does not change the result.
	Workers int

	// Progress, if not nil, is called after each epoch, by the goroutine that called Train.
	// What it gets is valid until it returns.
	Progress func(Progress)
}

// Progress tells how training goes.
type Progress struct {
	Epoch  int // from 1
	Epochs int // at most
	Heads  []HeadProgress
}

// HeadProgress is the progress of one head.
type HeadProgress struct {
	Head string
	// Loss is the weighted mean loss of the epoch's rows, each just before the step that
	// uses it, without penalties.
	Loss float64
	// Validation is the weighted mean loss on the validation rows; NaN when there are none.
	Validation float64
	// Done says that the head has stopped: from the next epoch on these figures stay as they are.
	Done bool
}

const maxHashBits = 28

func orDefault[T int | float64](v, def T) T {
	if v == 0 {
		return def
	}
	return v
}

func (c *Config) rate() float64 {
	if c.Optimizer == Adam {
		return orDefault(c.LearningRate, 0.001)
	}
	return orDefault(c.LearningRate, 0.1)
}

func (c *Config) factors() int {
	switch c.Kind {
	case FM:
		return orDefault(c.Factors, 16)
	case FFM:
		return orDefault(c.Factors, 8)
	}
	return 0
}

func (c *Config) workers() int { return orDefault(c.Workers, runtime.GOMAXPROCS(0)) }

// check returns all mistakes of the configuration.
func (c *Config) check() error {
	var errs []error
	bad := func(field string, value any, want string) {
		errs = append(errs, fmt.Errorf("fm: Config.%s is %v; want %s", field, value, want))
	}
	if c.Kind >= kinds {
		bad("Kind", c.Kind, "FM, FFM or Linear")
	}
	if c.Loss >= losses {
		bad("Loss", c.Loss, "Logistic or Squared")
	}
	if c.Optimizer >= optimizers {
		bad("Optimizer", c.Optimizer, "AdaGrad, Adam or FTRL")
	}
	if err := checkFactors(c.Kind, c.factors()); err != "" || c.Kind == Linear && c.Factors != 0 {
		bad("Factors", c.Factors, "a multiple of 8 up to 256 (FM), 1 to 256 (FFM), or 0")
	}
	if c.HashBits < 0 || c.HashBits > maxHashBits {
		bad("HashBits", c.HashBits, "1 to 28, or 0 for a vocabulary")
	}
	for _, f := range []struct {
		field   string
		value   int
		meaning string
	}{
		{"MinCount", c.MinCount, "1"},
		{"Epochs", c.Epochs, "20"},
		{"BatchSize", c.BatchSize, "1"},
		{"Patience", c.Patience, "2"},
		{"Workers", c.Workers, "GOMAXPROCS"},
	} {
		if f.value < 0 {
			bad(f.field, f.value, ">= 0 (0 means "+f.meaning+")")
		}
	}
	if c.MaxBytes < 0 {
		bad("MaxBytes", c.MaxBytes, ">= 0 (0 means no limit)")
	}
	for _, f := range []struct {
		field string
		value float64
		want  string
	}{
		{"LearningRate", c.LearningRate, "> 0, or 0 for 0.1 (Adam: 0.001)"},
		{"L1", c.L1, "a finite number >= 0"},
		{"L2", c.L2, "a finite number >= 0"},
		{"Beta", c.Beta, "> 0, or 0 for 1"},
		{"InitScale", c.InitScale, "> 0, or 0 for 0.05"},
	} {
		// Parameters and constants are float32.
		if !(f.value >= 0 && f.value <= 1e6) || f.value > 0 && f.value < 1e-20 {
			bad(f.field, f.value, f.want+", 1e-20 to 1e6")
		}
	}
	if c.L1 > 0 && c.Optimizer != FTRL {
		bad("L1", c.L1, "0: only FTRL has it")
	}
	return errors.Join(errs...)
}

func checkFactors(kind Kind, k int) string {
	switch {
	case kind == FM && (k < 8 || k > 256 || k%8 != 0),
		kind == FFM && (k < 1 || k > 256),
		kind == Linear && k != 0:
		return fmt.Sprintf("a model of kind %v has %d factors", kind, k)
	}
	return ""
}

// constants returns those of the optimizer's step number t, from 1.
func (c *Config) constants(t int64) (k [8]float32) {
	rate := c.rate()
	switch c.Optimizer {
	case AdaGrad:
		k = [8]float32{float32(c.L2), float32(rate), 1e-6}
	case Adam:
		const beta1, beta2 = 0.9, 0.999
		c1, c2 := 1-fmath.Pow(beta1, float64(t)), 1-fmath.Pow(beta2, float64(t))
		k = [8]float32{float32(c.L2), beta1, 1 - beta1, beta2, 1 - beta2, float32(1 / math.Sqrt(c2)), 1e-8, float32(rate / c1)}
	case FTRL:
		k = [8]float32{0, float32(1 / rate), float32(orDefault(c.Beta, 1)), float32(c.L1), float32(c.L2)}
	}
	return k
}
