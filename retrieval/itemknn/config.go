package itemknn

import (
	"errors"
	"fmt"
	"math"

	"github.com/recsyskit/recsys/retrieval"
)

// Config holds the hyper-parameters of a model. The zero value is cosine similarity of
// TF-IDF weights with 200 neighbours, no shrinkage, and the whole history at serving.
type Config struct {
	// Neighbors is how many neighbours an item keeps, >= 0; 0 means 200. More cost
	// memory and serving time in proportion, and gain less and less: on validation splits of
	// CiteULike-a and the Gowalla check-ins 200 in place of 100 raised the hit rate at 10 from
	// 0.822 to 0.863, and recall@20 from 0.168 to 0.168.
	Neighbors int

	// Shrinkage is added to the denominator of the similarity, >= 0: it pulls pairs that
	// few users support towards 0, and the more the larger it is against the product of
	// the norms. 0 means none.
	//
	// Source: Bell and Koren, ICDM 2007; the form is that of Ferrari Dacrema et al., TOIS
	// 2021. What TFIDF and BM25 weights multiply to is larger than counts, so a shrinkage
	// for them is too: 10 to 1000 against 1 to 100. It is worth a search: 100 in place of
	// none raised these figures to 0.868 and 0.174, but small data cannot bear as much.
	Shrinkage float64

	// Weighting is how an interaction counts. The zero value is TFIDF.
	Weighting Weighting

	// K1 and B are the parameters of BM25, > 0 and in (0, 1]; 0 means 1.2 and 0.75
	// (Robertson and Walker, SIGIR 1994). Other weightings ignore them.
	K1, B float64

	// Asymmetry in [-1, 1] moves the denominator from the product of the norms towards the
	// square of one of them. With alpha = (1+Asymmetry)/2 in [0, 1], the norm of the item
	// proposed is raised to 2 alpha and the norm of the item in the history to
	// 2 (1-alpha): above 0, popular items are proposed less. 0 is the cosine.
	//
	// Source: the asymmetric cosine of Aiolli, RecSys 2013, in the form of Ferrari Dacrema
	// et al. It is worth searching: on a validation split of the Gowalla check-ins, -0.5 in
	// place of 0 raised recall@20 from 0.175 to 0.197 (TFIDF, 800 neighbours, shrinkage 10).
	Asymmetry float64

	// Raw leaves the dot products as they are: no norms, no shrinkage.
	Raw bool

	// Keep says whose neighbours are kept. The zero value is PerTarget.
	Keep Keep

	// History says how the events of a request count at serving. The model can change it:
	// see [itemsim.Model.WithHistory].
	History retrieval.History `json:"-"`

	// Workers is the number of goroutines in training; 0 means GOMAXPROCS. The model does
	// not depend on it.
	Workers int `json:"-"`

	// MaxBytes bounds the memory of training, >= 0, by an estimate beforehand; 0 means the
	// memory limit of the Go runtime if there is one (GOMEMLIMIT), else 8 GiB.
	MaxBytes int64 `json:"-"`

	// Progress, if not nil, is told in training how many items of all are done: by one
	// goroutine at a time, with growing done.
	Progress func(done, all int) `json:"-"`
}

// Weighting is how an interaction of weight x of user u with item i counts in the
// similarity and, but for what depends on the user alone, in the history at serving.
type Weighting uint8

const (
	// TFIDF counts sqrt(x) idf(u), where idf(u) = ln((1 + items) / (1 + items of u)): what
	// two items share counts less when the user who took both takes everything.
	TFIDF Weighting = iota
	// Cosine counts x.
	Cosine
	// BM25 counts x (K1+1) / (x + K1 (1-B + B len(i)/mean len)) idf(u), where len(i) is the
	// weight of all interactions with i: beside TFIDF, repetition saturates, and popular
	// items count less.
	BM25
)

var weightings = [...]string{TFIDF: "tfidf", Cosine: "cosine", BM25: "bm25"}

// String returns "tfidf", "cosine" or "bm25".
func (w Weighting) String() string {
	if int(w) < len(weightings) {
		return weightings[w]
	}
	return fmt.Sprintf("Weighting(%d)", uint8(w))
}

// MarshalText writes the form of [Weighting.String].
func (w Weighting) MarshalText() ([]byte, error) { return []byte(w.String()), nil }

// UnmarshalText reads the form of [Weighting.String].
func (w *Weighting) UnmarshalText(text []byte) error {
	for i, name := range weightings {
		if name == string(text) {
			*w = Weighting(i)
			return nil
		}
	}
	return fmt.Errorf("itemknn: unknown weighting %q; want tfidf, cosine or bm25", text)
}

// Keep says which similarities survive.
type Keep uint8

const (
	// PerTarget keeps for each item the neighbours that may propose it: its score sums
	// over those of its best neighbours that the user knows. This is what Ferrari Dacrema
	// et al. measure. An item may have very many whom it proposes, or none.
	PerTarget Keep = iota
	// PerSource keeps for each item the neighbours that it proposes, as Deshpande and
	// Karypis do (TOIS 2004): a request takes time in proportion to history times
	// Neighbors at most, and every item that shares a user with another proposes some.
	PerSource
)

var keeps = [...]string{PerTarget: "target", PerSource: "source"}

// String returns "target" or "source".
func (k Keep) String() string {
	if int(k) < len(keeps) {
		return keeps[k]
	}
	return fmt.Sprintf("Keep(%d)", uint8(k))
}

// MarshalText writes the form of [Keep.String].
func (k Keep) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads the form of [Keep.String].
func (k *Keep) UnmarshalText(text []byte) error {
	for i, name := range keeps {
		if name == string(text) {
			*k = Keep(i)
			return nil
		}
	}
	return fmt.Errorf("itemknn: unknown keep %q; want target or source", text)
}

// withDefaults returns c with its zero values replaced, or an error that names every
// field out of its domain.
func (c Config) withDefaults() (Config, error) {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("itemknn: Config."+format, args...)) }
	if c.Neighbors < 0 {
		bad("Neighbors is %d; want >= 0 (0 means 200)", c.Neighbors)
	}
	if !(c.Shrinkage >= 0 && c.Shrinkage <= math.MaxFloat32) {
		bad("Shrinkage is %v; want a finite number >= 0", c.Shrinkage)
	}
	if int(c.Weighting) >= len(weightings) {
		bad("Weighting is %d; want TFIDF, Cosine or BM25", c.Weighting)
	}
	if !(c.K1 >= 0 && c.K1 <= math.MaxFloat32) {
		bad("K1 is %v; want a finite number > 0 (0 means 1.2)", c.K1)
	}
	if !(c.B >= 0 && c.B <= 1) {
		bad("B is %v; want a number in (0, 1] (0 means 0.75)", c.B)
	}
	if !(c.Asymmetry >= -1 && c.Asymmetry <= 1) {
		bad("Asymmetry is %v; want a number in [-1, 1]", c.Asymmetry)
	}
	if int(c.Keep) >= len(keeps) {
		bad("Keep is %d; want PerTarget or PerSource", c.Keep)
	}
	if c.Workers < 0 {
		bad("Workers is %d; want >= 0 (0 means GOMAXPROCS)", c.Workers)
	}
	if c.MaxBytes < 0 {
		bad("MaxBytes is %d; want >= 0 (0 means GOMEMLIMIT or 8 GiB)", c.MaxBytes)
	}
	if err := c.History.Validate(); err != nil {
		errs = append(errs, err)
	}
	if c.Neighbors == 0 {
		c.Neighbors = 200
	}
	if c.K1 == 0 {
		c.K1 = 1.2
	}
	if c.B == 0 {
		c.B = 0.75
	}
	return c, errors.Join(errs...)
}
