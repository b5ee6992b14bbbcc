package bpr

import (
	"errors"
	"fmt"
	"math"

	"github.com/recsyskit/recsys/retrieval"
)

// Config holds the hyper-parameters of a model. The zero value is BPR with 64 factors. Defaults are
// what did best on a validation split of the Gowalla check-ins (cf-gowalla), those of WARP and
// Logistic on a part of it.
type Config struct {
	// Loss is what training minimises. The zero value is BPR.
	Loss Loss

	// Factors is the dimension of the vectors without the bias, 1 to 1024; 0 means 64.
	Factors int

	// Epochs is how often training sees every interaction, 0 to 100,000; 0 means 40 for BPR,
	// 60 for WARP and 80 for Logistic.
	Epochs int

	// LearningRate is the step of the first epoch, > 0; 0 means 0.3 for BPR, 0.1 for Logistic
	// and 0.03 for WARP. It falls linearly, to a hundredth of that in the last.
	LearningRate float64

	// Regularization is the weight of the squares of the vectors that a step touches, >= 0; a
	// negative one means none, 0 means 0.01, and 1 for WARP, whose steps are larger. (Rendle et
	// al. have one for each kind of vector; they are one here.) It is what to tune, together with
	// LearningRate: on a validation split of the Gowalla check-ins recall@20 was 0.160, 0.161 and
	// 0.155 with 0.005, 0.01 and 0.02. With a rate of 1 in place of
	// 0.3 a training ends at a lower loss and at a recall of 0.14 at most.
	Regularization float64

	// BiasRegularization is the same for the biases of items; a negative one means none, 0
	// means Regularization.
	BiasRegularization float64

	// Negatives is how many items that the user lacks are drawn for an interaction, 1 to
	// 1000; 0 means 8, and 5 for Logistic. For WARP it is the largest number of trials; 0
	// means 20. Rendle et al. draw one, from all items alike.
	Negatives int

	// Popularity in (0, 1] draws an item in proportion to the number of its users to this
	// power: popular items that the user does not have count more, and there is more to learn
	// from a draw (word2vec has 0.75, Mikolov et al., NIPS 2013). 0 means 0.5 for BPR and all alike
	// for the other losses, a negative one all alike. On a validation split of the Gowalla
	// check-ins recall@20 was 0.161 with 8 negatives and 0.5, 0.153 at best with 1 and all alike.
	Popularity float64

	// Confidence is what a weight of 1 counts for Logistic against one drawn item, > 0; 0
	// means 1. The other losses take every interaction of weight > 0 alike.
	Confidence float64

	// Biases gives each item a bias beside its vector. Popularity is then learned at once, and
	// most items drawn have nothing more to teach: on a validation split of a part of the Gowalla
	// check-ins recall@20 was .217 with biases and .225 without.
	Biases bool

	// Hogwild lets the workers take interactions from everywhere at once, each step on rows
	// as it finds them, so that the model DIFFERS FROM RUN TO RUN when there are several. It
	// draws negatives from the whole catalogue at any time. See the package comment.
	Hogwild bool

	// Seed is what the first vectors and all draws derive from.
	Seed uint64

	// History says how the events of a request count at serving.
	History retrieval.History

	// Start, if not nil, is a model to go on from: one that was trained for fewer than
	// Epochs epochs, by a training that was cancelled or had less time. Users and items that
	// it has keep their vectors, others begin anew. The result of going on after a cancellation
	// with the data and configuration as they were has the bits of a training in one go.
	Start *Model `json:"-"`

	// Workers is the number of goroutines in training; 0 means GOMAXPROCS. The model does
	// not depend on it, unless Hogwild is set.
	Workers int `json:"-"`

	// MaxBytes bounds the memory of training, >= 0, by an estimate beforehand; 0 means the
	// memory limit of the Go runtime if there is one (GOMEMLIMIT), else 8 GiB.
	MaxBytes int64 `json:"-"`

	// Progress, if not nil, is told after each epoch how many of all are done, and the mean
	// loss of its steps, regularisation not counted.
	Progress func(done, all int, loss float64) `json:"-"`
}

// Loss is what a model minimises.
type Loss uint8

const (
	// BPR is Bayesian personalised ranking, -ln σ(x_ui - x_uj) for an item i that the user
	// took and a random j that the user did not (Rendle et al., UAI 2009, LearnBPR).
	BPR Loss = iota
	// WARP draws items until one is ranked within a margin of 1 of the item taken. The step
	// is larger the sooner one was found, which means that many rank as high: Σ 1/k for k up
	// to the estimated rank (Weston, Bengio and Usunier, IJCAI 2011, algorithm 1). It cares for
	// the top of the list alone.
	WARP
	// Logistic is logistic matrix factorisation: -Confidence × weight × ln σ(x_ui) for each
	// interaction and -ln σ(-x_uj) for each drawn item (Johnson, NIPS workshop 2014, equation
	// 3, by stochastic gradients over drawn items). Weights count.
	Logistic
)

var losses = [...]string{BPR: "bpr", WARP: "warp", Logistic: "logistic"}

// String returns "bpr", "warp" or "logistic".
func (l Loss) String() string {
	if int(l) < len(losses) {
		return losses[l]
	}
	return fmt.Sprintf("Loss(%d)", uint8(l))
}

// MarshalText writes the form of [Loss.String].
func (l Loss) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads the form of [Loss.String].
func (l *Loss) UnmarshalText(text []byte) error {
	for i, name := range losses {
		if name == string(text) {
			*l = Loss(i)
			return nil
		}
	}
	return fmt.Errorf("bpr: unknown loss %q; want bpr, warp or logistic", text)
}

// withDefaults returns c with its zero values replaced, or an error that names every
// field out of its domain.
func (c Config) withDefaults() (Config, error) {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("bpr: Config."+format, args...)) }
	if int(c.Loss) >= len(losses) {
		bad("Loss is %d; want BPR, WARP or Logistic", c.Loss)
		c.Loss = BPR
	}
	count := func(name string, v *int, zero int, means string, most int) {
		if *v < 0 || *v > most {
			bad("%s is %d; want 0 to %d (0 means %s)", name, *v, most, means)
		}
		if *v == 0 {
			*v = zero
		}
	}
	negatives := [...]int{BPR: 8, WARP: 20, Logistic: 5}[c.Loss]
	count("Factors", &c.Factors, 64, "64", 1024)
	epochs := [...]int{BPR: 40, WARP: 60, Logistic: 80}[c.Loss]
	count("Epochs", &c.Epochs, epochs, fmt.Sprint(epochs), 100_000)
	count("Negatives", &c.Negatives, negatives, fmt.Sprint(negatives), 1000)
	count("Workers", &c.Workers, 0, "GOMAXPROCS", 1<<20)
	number := func(name string, v *float64, zero float64, means string) {
		if !(*v >= 0 && *v <= math.MaxFloat32) {
			bad("%s is %v; want a finite number > 0 (0 means %s)", name, *v, means)
		}
		if *v == 0 {
			*v = zero
		}
	}
	rate := [...]float64{BPR: 0.3, WARP: 0.03, Logistic: 0.1}[c.Loss]
	number("LearningRate", &c.LearningRate, rate, fmt.Sprint(rate))
	number("Confidence", &c.Confidence, 1, "1")
	weight := func(name string, v *float64, zero float64, means string) {
		if !(math.Abs(*v) <= math.MaxFloat32) {
			bad("%s is %v; want a finite number (0 means %s, a negative one none)", name, *v, means)
		}
		switch {
		case *v == 0:
			*v = zero
		case *v < 0:
			*v = -1
		}
	}
	regularization := [...]float64{BPR: 0.01, WARP: 1, Logistic: 0.01}[c.Loss]
	weight("Regularization", &c.Regularization, regularization, fmt.Sprint(regularization))
	weight("BiasRegularization", &c.BiasRegularization, c.Regularization, "that of Regularization")
	popularity := [...]float64{BPR: 0.5, WARP: 0, Logistic: 0}[c.Loss]
	if weight("Popularity", &c.Popularity, popularity, fmt.Sprint(popularity)); c.Popularity > 1 {
		bad("Popularity is %v; want at most 1", c.Popularity)
	}
	if c.MaxBytes < 0 {
		bad("MaxBytes is %d; want >= 0 (0 means GOMEMLIMIT or 8 GiB)", c.MaxBytes)
	}
	if err := c.History.Validate(); err != nil {
		errs = append(errs, err)
	}
	return c, errors.Join(errs...)
}
