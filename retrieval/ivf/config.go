package ivf

import (
	"fmt"
	"math"
	"runtime"

	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// Codes says what the lists hold of each vector. The vectors themselves are kept as well,
// to score what a list proposes; only the codes are read for every vector of a list. There
// are two kinds, and lists without codes are not one of them: with Int8 an answer is as
// good as if the vectors had been compared. Any other value is an error.
type Codes uint8

const (
	// Int8 holds a byte per dimension. Its error is bounded, and the candidates are chosen
	// by the bound: of the lists that a search reads, the answer is exact.
	Int8 Codes = iota
	// PQ holds four bits for each SubDim dimensions: product quantisation with 16
	// centroids per subspace, summed by table look-ups within registers. For catalogues
	// whose int8 codes do not fit in memory.
	PQ
)

// String returns "int8" or "pq".
func (c Codes) String() string {
	switch c {
	case Int8:
		return "int8"
	case PQ:
		return "pq"
	}
	return fmt.Sprintf("Codes(%d)", uint8(c))
}

// Config holds the parameters of an index. The zero value of each field means its default.
type Config struct {
	// Metric is how vectors are compared.
	Metric retrieval.Metric

	// Lists is the number of lists to start with, >= 0; 0 means 4·√n, of the n items that
	// Build or Compact finds. A list of more than four times the mean is split, so that there
	// can be more. faiss recommends 4·√n to 16·√n.
	Lists int

	// Codes is what the lists hold of a vector: Int8, the default, or PQ.
	Codes Codes

	// SubDim is the number of dimensions that share a code of PQ, in 0 to 8; 0 means 1,
	// which takes half a byte per dimension, or as many as vectors of more than 516
	// dimensions need.
	SubDim int

	// Rescore is how many candidates for each of the k results a search with PQ compares
	// at full precision, >= 0; 0 means what Build finds to be enough, 2 to 64. Int8 needs no
	// such number.
	Rescore int

	// Recall is the share of the true 10 nearest that searches without an Effort find on
	// average, in (0, 1]; 0 means 0.95. Build measures what it takes on sample queries, and
	// adds a standard error: other queries of the same kind find less in one of six builds.
	// Filtered searches aim at 0.997, or Recall if that is more.
	Recall float64

	// Queries are what Build measures with: vectors as they will be searched for. Of more
	// than 1,024 it draws as many; the index keeps them for Compact. Without rows it makes its
	// own: mixtures of one to four of the vectors.
	Queries vector.Matrix

	// Iterations is the number of k-means steps, >= 0; 0 means 8.
	Iterations int

	// Seed selects samples. The same vectors, configuration and seed give the same index,
	// byte by byte, for any number of workers.
	Seed uint64

	// Workers is the number of goroutines of Build, >= 0; 0 means GOMAXPROCS.
	Workers int

	// Progress, unless nil, is called while Build works with what it does ("train",
	// "assign", "encode", "calibrate"), how much of it is done, and how much there is.
	Progress func(stage string, done, total int)
}

const (
	defaultRecall     = 0.95
	filterRecall      = 0.997
	defaultIterations = 8
	maxLists          = 1 << 20
	maxDim            = 1 << 16 // int8 products of more could overflow
)

// check returns the first mistake.
func (c *Config) check() error {
	switch {
	case c.Metric > retrieval.L2:
		return fmt.Errorf("ivf: Config.Metric is %v; want InnerProduct, Cosine or L2", c.Metric)
	case c.Lists < 0 || c.Lists > maxLists:
		return fmt.Errorf("ivf: Config.Lists is %d; want 0 to %d (0 means 4·√n)", c.Lists, maxLists)
	case c.Codes > PQ:
		return fmt.Errorf("ivf: Config.Codes is %v; want Int8 or PQ", c.Codes)
	case c.SubDim < 0 || c.SubDim > 8:
		return fmt.Errorf("ivf: Config.SubDim is %d; want 0 to 8 (0 means 1)", c.SubDim)
	case c.Rescore < 0:
		return fmt.Errorf("ivf: Config.Rescore is %d; want >= 0 (0 means measured)", c.Rescore)
	case !(c.Recall >= 0 && c.Recall <= 1):
		return fmt.Errorf("ivf: Config.Recall is %v; want 0 to 1 (0 means %v)", c.Recall, defaultRecall)
	case c.Iterations < 0:
		return fmt.Errorf("ivf: Config.Iterations is %d; want >= 0 (0 means %d)", c.Iterations, defaultIterations)
	case c.Workers < 0:
		return fmt.Errorf("ivf: Config.Workers is %d; want >= 0 (0 means GOMAXPROCS)", c.Workers)
	}
	return nil
}

// resolve returns the configuration with defaults filled in, for n vectors.
func (c Config) resolve(n, dim int) Config {
	or := func(v *int, value int) {
		if *v == 0 {
			*v = value
		}
	}
	or(&c.Lists, max(1, int(4*math.Sqrt(float64(n)))))
	or(&c.SubDim, max(1, (dim+maxSubspaces-1)/maxSubspaces))
	or(&c.Iterations, defaultIterations)
	or(&c.Workers, runtime.GOMAXPROCS(0))
	if c.Recall == 0 {
		c.Recall = defaultRecall
	}
	return c
}

// spherical reports whether lists are made by direction.
func spherical(m retrieval.Metric) bool { return m != retrieval.L2 }
