package hnsw

import (
	"fmt"
	"runtime"

	"github.com/recsyskit/recsys/retrieval"
)

// Quant says in which form vectors are compared while the graph is walked. Scores are
// always computed from the float vectors.
type Quant uint8

const (
	// Int8 walks on codes of one byte per dimension and scores the best of what it found
	// again. With 20,000 items of 64 dimensions it is 1.1 times as fast as None at equal
	// recall, and the float vectors of a mapped index are read from the file only for the few
	// rows that are scored again.
	Int8 Quant = iota
	// None walks on the float vectors.
	None
)

// String returns "int8" or "none".
func (q Quant) String() string {
	switch q {
	case Int8:
		return "int8"
	case None:
		return "none"
	}
	return fmt.Sprintf("Quant(%d)", uint8(q))
}

// Config holds the parameters of an index. The zero value is inner product on int8 codes
// with the parameters that the paper and most libraries take.
type Config struct {
	// Metric says how vectors are compared. The zero value is retrieval.InnerProduct.
	Metric retrieval.Metric

	// M is how many links an item starts with at each level, in [2, 128]; 0 means 16. An item
	// has room for 2M links at the lowest level and M above. More cost memory, 8M bytes for
	// an item, and time to build; they pay for dimensions in the hundreds and recall near 1.
	//
	// Source: Malkov and Yashunin, section 4.1: 5 to 48 is the reasonable range, M0 = 2M.
	M int

	// EfConstruction is the pool of the searches that choose links, in [1, 65536]; 0 means
	// 200. It is raised to M.
	EfConstruction int

	// Effort is the pool of a search whose options do not say, in [1, 65536]; 0 means 64.
	Effort int

	// Rescore is how many of the best of a walk on codes are scored again, >= 0; 0 means
	// 3k, and 30 at least. It is raised to k.
	Rescore int

	// Quant says in which form vectors are compared while the graph is walked.
	Quant Quant

	// Seed determines the levels of the items. Any value will do.
	Seed uint64

	// Workers is the number of goroutines that build; 0 means GOMAXPROCS. The index does not
	// depend on it.
	Workers int `json:"-"`

	// Progress, unless nil, is told while an index is built how many items of all are
	// linked: by one goroutine, with growing done.
	Progress func(done, all int) `json:"-"`
}

const (
	maxM      = 128
	maxEffort = 1 << 16
	maxDim    = 1 << 14 // up to here a product of codes fits 31 bits
)

// withDefaults returns the config with zeros replaced, or what is wrong with it.
func (c Config) withDefaults() (Config, error) {
	if c.Metric > retrieval.L2 {
		return c, fmt.Errorf("hnsw: Config.Metric is %v; want ip, cos or l2", c.Metric)
	}
	if c.Quant > None {
		return c, fmt.Errorf("hnsw: Config.Quant is %v; want int8 or none", c.Quant)
	}
	if c.M != 0 && (c.M < 2 || c.M > maxM) {
		return c, fmt.Errorf("hnsw: Config.M is %d; want 2 to %d (0 means 16)", c.M, maxM)
	}
	if c.EfConstruction < 0 || c.EfConstruction > maxEffort {
		return c, fmt.Errorf("hnsw: Config.EfConstruction is %d; want 1 to %d (0 means 200)", c.EfConstruction, maxEffort)
	}
	if c.Effort < 0 || c.Effort > maxEffort {
		return c, fmt.Errorf("hnsw: Config.Effort is %d; want 1 to %d (0 means 64)", c.Effort, maxEffort)
	}
	if c.Rescore < 0 {
		return c, fmt.Errorf("hnsw: Config.Rescore is %d; want >= 0 (0 means 3k)", c.Rescore)
	}
	if c.Workers < 0 {
		return c, fmt.Errorf("hnsw: Config.Workers is %d; want >= 0 (0 means GOMAXPROCS)", c.Workers)
	}
	if c.M == 0 {
		c.M = 16
	}
	if c.EfConstruction == 0 {
		c.EfConstruction = 200
	}
	c.EfConstruction = max(c.EfConstruction, c.M)
	if c.Effort == 0 {
		c.Effort = 64
	}
	if c.Workers == 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	return c, nil
}
