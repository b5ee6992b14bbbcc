package twotower

import (
	"errors"
	"fmt"
	"math"

	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/nn"
)

// Config holds the hyper-parameters of a model. The zero value learns 64 values per user and
// item from ids and histories, by a cosine with temperature and a corrected in-batch softmax.
type Config struct {
	// Dim is the dimension of the vectors, 0 to 1024; 0 means 64.
	Dim int

	// Hidden lists the widths of hidden layers (ReLU) in both towers, each 1 to 4096. Their
	// output is added to the sum of the id's and the history's vector, so that a tower
	// without them is a plain embedding; features enter through them, or through one linear
	// layer when there are none. On data of ids alone they rarely pay.
	Hidden []int

	// Dot scores by inner product in place of the cosine. Index and temperature must fit.
	Dot bool

	// Temperature divides the scores in the softmax, > 0; 0 means 0.1, and 1 with Dot. Lower
	// ones look at the hardest negatives alone.
	Temperature float64

	// Pooling makes one vector of a history. The zero value is Mean.
	Pooling Pooling

	// Last is how many events of a history count, in training and at serving, 0 to 10000; 0
	// means 100. History.Last, where set, overrides it at serving. The time of a step grows
	// with it.
	Last int

	// Before makes the history of a training example what came before it in time. By
	// default it is everything else that the user took, a random part when there is more
	// than Last. Set it when what comes next is to be predicted, and times, or the order of
	// input, say what that is.
	Before bool

	// Anonymous leaves the user's id out: users are what they did, and their features. It
	// saves a vector per user, serves all users alike, and is often better besides: after two
	// epochs on the Gowalla check-ins, recall@20 of held-out items was 0.185 without ids and
	// 0.177 with (LearningRate 0.005, Last 100).
	Anonymous bool

	// Untied gives the items of histories vectors of their own. By default they are those
	// that the item tower starts from.
	Untied bool

	// UserBuckets and ItemBuckets, if > 0, bound the rows of the tables of ids, at most
	// 2^28: an id is then the sum of two rows that hashes choose. 0 means a row for each id
	// of the training, and none for others. CategoryBuckets is as much for the values of
	// features; 0 means 65536.
	//
	// Source: Svenstrup, Hansen and Winther, NeurIPS 2017, without their weights.
	UserBuckets, ItemBuckets, CategoryBuckets int

	// CategoryDim is the dimension of the vector of a category, 0 to 1024; 0 means 16.
	CategoryDim int

	// Optimizer is Adam by default. LearningRate is its step size, > 0; 0 means 0.005 for Adam,
	// 0.05 for AdaGrad. Rows of tables change only in steps that use them.
	Optimizer    Optimizer
	LearningRate float64 `json:"Rate"` // as files of version 1 have it

	// Anneal lets the rate fall in a straight line over the steps of all Epochs, to a
	// twentieth at the end: on the Gowalla check-ins, four epochs of it gave a recall@20 of
	// held-out items of 0.196, and the best of a constant rate was 0.192 (Anonymous).
	Anneal bool

	// Regularization, times the embedding, is added to the gradient of whatever embedding a step
	// uses, >= 0: to that of the sum of the losses of its Batch examples, not of their mean.
	Regularization float64

	// Dropout is the share of hidden units that are dropped in training, in [0, 1).
	Dropout float64

	// IDDropout is the share of examples that do not see the id of their user, and of items
	// with features that do not see theirs, in [0, 1), so that the towers learn to do
	// without: to serve new users by history and features, and new items by features.
	//
	// Source: Volkovs, Yu and Poutanen, DropoutNet, NeurIPS 2017.
	IDDropout float64

	// Epochs is how often each interaction is seen, 0 to 10000; 0 means 10. Batch is the
	// number of interactions in a step, 0 to 65536; 0 means 1024.
	Epochs, Batch int

	// Negatives is how many items, drawn evenly from the catalogue, stand beside those of
	// the batch in each step, 0 to 65536; 0 means as many as the batch, -1 none. They show
	// the model the items that nobody takes.
	//
	// Source: mixed negative sampling, Yang et al., WWW 2020 companion.
	Negatives int

	// HardNegatives adds to each step the items that score highest for its users among 8
	// times as many even draws, by the vectors of the last epoch, 0 to 8192. They begin with
	// the second epoch and cost little more than as many other negatives.
	HardNegatives int

	// Debias in [0, 1] is the share of the logQ correction that is left out. With 0 the
	// model learns how likely a user takes an item; with 1, a plain in-batch softmax, how much
	// likelier than others do, and proposes popular items less.
	//
	// Source: Yi et al., RecSys 2019, section 4.
	Debias float64

	// FrequencyRate in (0, 1] is the rate at which the estimate of an item's frequency
	// follows the stream of batches; 0 means 0.01. (Yi et al., algorithm 2, alpha.)
	FrequencyRate float64

	// Validation in [0, 0.5] is the share of interactions that are held out to measure
	// recall@20 after each epoch, on at most 2,000 users: at random, or with Before, where any
	// share means that, the last of each user. 0 means none. Training stops when it has not
	// risen for Patience epochs, 0 to 1000; 0 means 3. The model is that of the best epoch,
	// and has not seen what was held out: Model.Epochs tells how many epochs a training on
	// everything should have.
	Validation float64
	Patience   int

	// History says how the events of a request count at serving.
	History retrieval.History

	// Seed is what weights, order and draws derive from.
	Seed uint64

	// Workers is the number of goroutines in training; 0 means GOMAXPROCS. The model does
	// not depend on it.
	Workers int `json:"-"`

	// MaxBytes bounds the memory of training, by an estimate beforehand, >= 0; 0 means the
	// memory limit of the Go runtime if there is one (GOMEMLIMIT), else 8 GiB.
	MaxBytes int64 `json:"-"`

	// Progress, if not nil, is told after each epoch how it went.
	Progress func(Progress) `json:"-"`

	// Start, if not nil, is a model to go on from. One of an interrupted training is finished
	// as if nothing had been, to the bit, provided that interactions, features and
	// configuration are the same (with Validation, the best epoch is that of the rest); a
	// finished one gets Epochs more. Users and items that it does not know start from
	// scratch. Dimensions, layers, tables and features must be those of the model.
	Start *Model `json:"-"`
}

// Progress is what is known after an epoch.
type Progress struct {
	Epoch, Epochs int     // done, of all
	Loss          float64 // mean over the examples of the epoch
	Recall        float64 // recall@20 of what is held out; 0 without Validation
	Best          int     // the epoch of the best recall so far
}

// Pooling is how a history becomes one vector.
type Pooling uint8

const (
	// Mean takes the mean of the vectors of the items, by the weights of the events.
	//
	// Source: Covington, Adams and Sargin, RecSys 2016, section 3.2.
	Mean Pooling = iota
	// Attention weighs them by the softmax of their products with a vector that is learned,
	// over the root of the dimension, on top of the weights of the events.
	//
	// Source: Yang et al., NAACL 2016, section 2.2 ("context vector"), without the layer
	// between.
	Attention
)

var poolings = [...]string{Mean: "mean", Attention: "attention"}

// String returns "mean" or "attention".
func (p Pooling) String() string {
	if int(p) < len(poolings) {
		return poolings[p]
	}
	return fmt.Sprintf("Pooling(%d)", uint8(p))
}

// MarshalText writes the form of [Pooling.String].
func (p Pooling) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads the form of [Pooling.String].
func (p *Pooling) UnmarshalText(text []byte) error {
	for i, name := range poolings {
		if name == string(text) {
			*p = Pooling(i)
			return nil
		}
	}
	return fmt.Errorf("twotower: unknown pooling %q; want mean or attention", text)
}

// Optimizer is the rule by which weights follow their gradients.
type Optimizer uint8

const (
	// Adam is that of Kingma and Ba, ICLR 2015, with betas 0.9 and 0.999.
	Adam = Optimizer(nn.Adam)
	// AdaGrad is that of Duchi, Hazan and Singer, JMLR 2011. It takes two thirds of the
	// memory of Adam.
	AdaGrad = Optimizer(nn.AdaGrad)
)

// String returns "adam" or "adagrad".
func (o Optimizer) String() string {
	if nn.Kind(o).Valid() {
		return nn.Kind(o).String()
	}
	return fmt.Sprintf("Optimizer(%d)", uint8(o))
}

// MarshalText writes the form of [Optimizer.String].
func (o Optimizer) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads the form of [Optimizer.String].
func (o *Optimizer) UnmarshalText(text []byte) error {
	if err := (*nn.Kind)(o).UnmarshalText(text); err != nil {
		return fmt.Errorf("twotower: %w", err)
	}
	return nil
}

// withDefaults returns c with its zero values replaced, or an error that names every field
// out of its domain.
func (c Config) withDefaults() (Config, error) {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("twotower: Config."+format, args...)) }
	count := func(name string, v *int, zero int, means string, most int) {
		if *v < 0 || *v > most {
			bad("%s is %d; want 0 to %d (0 means %s)", name, *v, most, means)
		}
		if *v == 0 {
			*v = zero
		}
	}
	share := func(name string, v float64, most float64) {
		if !(v >= 0 && v <= most) {
			bad("%s is %v; want a number in [0, %v]", name, v, most)
		}
	}
	number := func(name string, v *float64, zero float64) {
		if !(*v >= 0 && *v <= math.MaxFloat32) {
			bad("%s is %v; want a finite number > 0 (0 means %v)", name, *v, zero)
		}
		if *v == 0 {
			*v = zero
		}
	}
	count("Dim", &c.Dim, 64, "64", 1024)
	for _, h := range c.Hidden {
		if h < 1 || h > 4096 {
			bad("Hidden is %v; want widths of 1 to 4096", c.Hidden)
			break
		}
	}
	if len(c.Hidden) > 16 {
		bad("Hidden has %d layers; want at most 16", len(c.Hidden))
	}
	number("Temperature", &c.Temperature, map[bool]float64{false: 0.1, true: 1}[c.Dot])
	if int(c.Pooling) >= len(poolings) {
		bad("Pooling is %d; want Mean or Attention", c.Pooling)
	}
	count("Last", &c.Last, 100, "100", 10_000)
	count("UserBuckets", &c.UserBuckets, 0, "a row per user", 1<<28)
	count("ItemBuckets", &c.ItemBuckets, 0, "a row per item", 1<<28)
	count("CategoryBuckets", &c.CategoryBuckets, 1<<16, "65536", 1<<28)
	count("CategoryDim", &c.CategoryDim, 16, "16", 1024)
	if !nn.Kind(c.Optimizer).Valid() {
		bad("Optimizer is %d; want Adam or AdaGrad", c.Optimizer)
	}
	number("LearningRate", &c.LearningRate, map[bool]float64{false: 0.005, true: 0.05}[c.Optimizer == AdaGrad])
	if !(c.Regularization >= 0 && c.Regularization <= math.MaxFloat32) {
		bad("Regularization is %v; want a finite number >= 0", c.Regularization)
	}
	share("Dropout", c.Dropout, 0.99)
	share("IDDropout", c.IDDropout, 0.99)
	count("Epochs", &c.Epochs, 10, "10", 10_000)
	count("Batch", &c.Batch, 1024, "1024", 65_536)
	if c.Negatives < -1 || c.Negatives > 65_536 {
		bad("Negatives is %d; want -1 to 65536 (0 means Batch, -1 none)", c.Negatives)
	}
	if c.Negatives == 0 {
		c.Negatives = c.Batch
	}
	count("HardNegatives", &c.HardNegatives, 0, "none", 8192)
	share("Debias", c.Debias, 1)
	share("FrequencyRate", c.FrequencyRate, 1)
	if c.FrequencyRate == 0 {
		c.FrequencyRate = 0.01
	}
	share("Validation", c.Validation, 0.5)
	count("Patience", &c.Patience, 3, "3", 1000)
	count("Workers", &c.Workers, 0, "GOMAXPROCS", 1<<20)
	if c.MaxBytes < 0 {
		bad("MaxBytes is %d; want >= 0 (0 means GOMEMLIMIT or 8 GiB)", c.MaxBytes)
	}
	errs = append(errs, c.History.Validate())
	return c, errors.Join(errs...)
}
