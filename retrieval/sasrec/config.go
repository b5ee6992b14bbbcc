package sasrec

import (
	"errors"
	"fmt"

	"github.com/recsyskit/recsys/retrieval"
)

// Config holds the architecture and the hyper-parameters of training. The zero value is the
// default. A model that was not trained here has an architecture and a history alone.
type Config struct {
	Architecture

	// Loss is what training makes small; the zero value is Softmax.
	Loss Loss

	// Negatives is how many items stand against the one that came next, 0 to 2^20, drawn
	// evenly from all for each step and shared by its events; 0 means all items where there are
	// at most 4096, and 1024 otherwise. Time and memory of a step grow with it.
	Negatives int

	// Calibration in [0, 1] of GBCE moves its scores from overconfident (0, which is BCE with as
	// many negatives) to calibrated (1); 0 means 0.75. Other losses ignore it.
	Calibration float64

	// Dropout is the share of values dropped in training, below 1, where the input is, in the
	// attention and behind each of the two parts of a layer; 0 means 0.2, a negative number
	// none. Small data wants more: 0.5 for some hundred thousand events.
	Dropout float64

	// LearningRate is the step size of Adam, > 0; 0 means 0.002: on validation splits of seq-video and
	// seq-beauty it gets as far as 0.001, the original's, in two thirds of the epochs.
	LearningRate float64 `json:"Rate"` // as files of version 1 have it

	// Batch is how many events a step takes, about: sequences are not cut; 0 means 256. Larger
	// ones take less time for an epoch and more epochs. On seq-video, 9 epochs in steps of 256 were
	// worth 22 in steps of 1024.
	Batch int

	// Average is over how many of the last epochs the weights are averaged, for validation and
	// for the model; a fraction will do. 0 means 1, a negative number that they are taken as
	// they are.
	Average float64

	// Epochs is the largest number of passes over the data, 0 to 100,000; 0 means 100.
	Epochs int

	// Patience is how many epochs may go by without a better validation before training stops;
	// 0 means 5, a negative number that Epochs alone counts.
	Patience int

	// Holdout is what validation holds out; the zero value is LastEvents.
	Holdout Holdout

	// Share in [0, 1) is the share of the users or sequences that Holdout takes from; 0 means
	// 0.1, a negative number none. Without any, all Epochs are trained and the last counts.
	// It takes from 4096 users or sequences at most, and ranks as many events, spread over them.
	Share float64

	// Refit trains again, from the start and on all data, for as many epochs as were best: what
	// is held out is the latest, and worth having. It doubles the time at most.
	Refit bool

	// History says how the events of a request are read: the kinds that count, the number of
	// events, whether anchors come first. An event counts or does not; weights, decay and
	// half-life only say so by being 0.
	History retrieval.History

	// Seed is what all randomness of training derives from.
	Seed uint64

	// MaxBytes is how many bytes training may allocate; 0 means 8 GiB. A training that would
	// take more is refused.
	MaxBytes int64 `json:"-"`

	// Workers is the number of goroutines in training; 0 means GOMAXPROCS. The model does
	// not depend on it.
	Workers int `json:"-"`

	// Progress, if not nil, is told after each step and at the end of each epoch how far training
	// is. It is called by the goroutine that trains.
	Progress func(Progress) `json:"-"`

	// Start, if not nil, is the model from which training goes on, such as the one that a
	// cancelled training returned. It must have the same architecture. Items that it does not
	// have are drawn anew, items that the data does not have are left out. A model does not hold
	// the moments of Adam, which begin anew: each weight takes its first step at the full
	// LearningRate, and a smaller one keeps more of Start.
	Start *Model `json:"-"`
}

// Loss is what training makes small.
type Loss uint8

const (
	// Softmax is the cross-entropy of the item that came next against all items or, sampled,
	// against the Negatives of the step, each standing for as many as were not drawn, which makes
	// the sum that it replaces right on average.
	//
	// Source: Klenitskiy and Vasilev, "Turning Dross Into Gold Loss", RecSys 2023; Jean et al.,
	// ACL 2015, for the sampled one.
	Softmax Loss = iota
	// BCE is the binary cross-entropy of the item that came next against one that did not. Where
	// the original draws one item for each event, the mean over the Negatives of the step stands
	// for it: that is the expectation of the same loss, and has less variance.
	//
	// Source: Kang and McAuley, "Self-Attentive Sequential Recommendation", ICDM 2018, section
	// III.E.
	BCE
	// GBCE is the binary cross-entropy against all Negatives of the step, with the probability of
	// the item that came next raised to a power that makes up for their number; see
	// Config.Calibration.
	//
	// Source: Petrov and Macdonald, "gSASRec", RecSys 2023, equations 13 and 17.
	GBCE
)

var losses = [...]string{Softmax: "softmax", BCE: "bce", GBCE: "gbce"}

// String returns "softmax", "bce" or "gbce".
func (l Loss) String() string { return name(losses[:], "Loss", uint8(l)) }

// MarshalText writes the form of [Loss.String].
func (l Loss) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads the form of [Loss.String].
func (l *Loss) UnmarshalText(text []byte) error { return parse((*uint8)(l), losses[:], "loss", text) }

// Holdout is what validation holds out of the data, to rank it by what came before. It
// stops training in time, and takes no other part.
type Holdout uint8

const (
	// LastEvents holds out the last event of some users, drawn from those that have at least
	// three events.
	LastEvents Holdout = iota
	// LastSequences holds out the latest sequences whole, by the time of their last event or,
	// without times, by ID, for sessions that are numbered in the order of time. All their events
	// but the first are ranked.
	LastSequences
)

var holdouts = [...]string{LastEvents: "events", LastSequences: "sequences"}

// String returns "events" or "sequences".
func (h Holdout) String() string { return name(holdouts[:], "Holdout", uint8(h)) }

// MarshalText writes the form of [Holdout.String].
func (h Holdout) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads the form of [Holdout.String].
func (h *Holdout) UnmarshalText(text []byte) error {
	return parse((*uint8)(h), holdouts[:], "holdout", text)
}

// Progress says how far training is.
type Progress struct {
	Epoch, Epochs int     // of the epoch that is on, from 1, and at most
	Step, Steps   int     // of the epoch
	Loss          float64 // mean per event of the epoch so far
	NDCG          float64 // at 10 of the last validation; NaN before the first and without one
	Best          int     // the epoch with the best validation so far, 0 before the first
	Refit         bool    // this is the second training; Epochs is then exact
	Done          bool    // the epoch is over and validated; without it a step is
}

// withDefaults returns c with its zero values replaced but for Negatives, which depend on the
// data, or an error that names every field out of its domain.
func (c Config) withDefaults() (Config, error) {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("sasrec: Config."+format, args...)) }
	var err error
	if c.Architecture, err = c.Architecture.withDefaults(); err != nil {
		errs = append(errs, err)
	}
	if int(c.Loss) >= len(losses) {
		bad("Loss is %d; want Softmax, BCE or GBCE", c.Loss)
	}
	if c.Negatives < 0 || c.Negatives > 1<<20 {
		bad("Negatives is %d; want 0 to %d (0 means all or 1024)", c.Negatives, 1<<20)
	}
	if !(c.Calibration >= 0 && c.Calibration <= 1) {
		bad("Calibration is %v; want a number in [0, 1] (0 means 0.75)", c.Calibration)
	}
	if c.Calibration == 0 {
		c.Calibration = 0.75
	}
	if !(c.Dropout < 1) {
		bad("Dropout is %v; want a number below 1 (0 means 0.2, a negative one none)", c.Dropout)
	}
	if c.Dropout == 0 {
		c.Dropout = 0.2
	}
	c.Dropout = max(c.Dropout, -1)
	if !(c.LearningRate >= 0 && c.LearningRate <= 1e6) {
		bad("LearningRate is %v; want a number > 0 (0 means 0.002)", c.LearningRate)
	}
	if c.LearningRate == 0 {
		c.LearningRate = 0.002
	}
	count := func(name string, v *int, zero, most int) {
		if *v < 0 || *v > most {
			bad("%s is %d; want 1 to %d (0 means %d)", name, *v, most, zero)
		}
		if *v == 0 {
			*v = zero
		}
	}
	count("Batch", &c.Batch, 256, 1<<24)
	if !(c.Average <= 1e6) {
		bad("Average is %v; want a number of epochs (0 means 1, a negative one none)", c.Average)
	}
	if c.Average == 0 {
		c.Average = 1
	}
	c.Average = max(c.Average, -1)
	count("Epochs", &c.Epochs, 100, 100_000)
	if c.Patience == 0 {
		c.Patience = 5
	}
	c.Patience = max(c.Patience, -1)
	if int(c.Holdout) >= len(holdouts) {
		bad("Holdout is %d; want LastEvents or LastSequences", c.Holdout)
	}
	if !(c.Share < 1) {
		bad("Share is %v; want a number below 1 (0 means 0.1, a negative one none)", c.Share)
	}
	if c.Share == 0 {
		c.Share = 0.1
	}
	c.Share = max(c.Share, -1)
	if c.Workers < 0 {
		bad("Workers is %d; want >= 0 (0 means GOMAXPROCS)", c.Workers)
	}
	if c.MaxBytes < 0 {
		bad("MaxBytes is %d; want >= 0 (0 means 8 GiB)", c.MaxBytes)
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = 8 << 30
	}
	if err := c.History.Validate(); err != nil {
		errs = append(errs, err)
	}
	return c, errors.Join(errs...)
}
