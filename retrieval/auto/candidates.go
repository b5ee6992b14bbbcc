package auto

import (
	"context"
	"errors"
	"fmt"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/flat"
	"github.com/recsyskit/recsys/retrieval/hnsw"
	"github.com/recsyskit/recsys/retrieval/ivf"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// sized is what every candidate offers beside the contract.
type sized interface {
	retrieval.MutableIndex
	Resident() int
}

// effortful is an index with a default effort.
type effortful interface{ SetEffort(effort int) }

// candidate is a kind of index to try.
type candidate struct {
	name string
	// build makes the index.
	build func(ctx context.Context, cfg Config, items []recsys.ItemID, vectors vector.Matrix) (sized, error)
	// efforts returns the default efforts to choose from, ascending; nil for an index that
	// is exact or sets its own.
	efforts func(x retrieval.Index, k int) []int
	// open maps a saved index.
	open func(path string) (retrieval.MutableIndex, error)
}

// candidates stand in the order of preference: the simplest first.
var candidates = []candidate{flatCandidate, ivfCandidate, hnswCandidate}

var flatCandidate = candidate{
	name: "flat",
	build: func(_ context.Context, cfg Config, items []recsys.ItemID, vectors vector.Matrix) (sized, error) {
		return untyped[sized](flat.New(flat.Config{Metric: cfg.Metric, Workers: cfg.Workers}, items, vectors))
	},
	open: func(path string) (retrieval.MutableIndex, error) {
		return untyped[retrieval.MutableIndex](flat.Open(path))
	},
}

var ivfCandidate = candidate{
	name: "ivf",
	build: func(ctx context.Context, cfg Config, items []recsys.ItemID, vectors vector.Matrix) (sized, error) {
		return untyped[sized](ivf.Build(ctx, ivf.Config{
			Metric: cfg.Metric, Recall: cfg.Recall, Queries: cfg.Queries, Seed: cfg.Seed, Workers: cfg.Workers,
		}, items, vectors))
	},
	open: func(path string) (retrieval.MutableIndex, error) {
		return untyped[retrieval.MutableIndex](ivf.Open(path))
	},
}

var hnswCandidate = candidate{
	name: "hnsw",
	build: func(ctx context.Context, cfg Config, items []recsys.ItemID, vectors vector.Matrix) (sized, error) {
		return untyped[sized](hnsw.Build(ctx, hnsw.Config{Metric: cfg.Metric, Seed: cfg.Seed, Workers: cfg.Workers}, items, vectors))
	},
	efforts: func(x retrieval.Index, k int) []int { return ladder(max(k, 1), min(x.Len(), 1<<16)) },
	open: func(path string) (retrieval.MutableIndex, error) {
		return untyped[retrieval.MutableIndex](hnsw.Open(path))
	},
}

// untyped turns a pointer with an error into an interface that is nil with one.
func untyped[T any, P any](x *P, err error) (none T, _ error) {
	if err != nil {
		return none, err
	}
	return any(x).(T), nil
}

// names lists the candidates.
func names() []string {
	var s []string
	for _, c := range []candidate{flatCandidate, ivfCandidate, hnswCandidate} {
		s = append(s, c.name)
	}
	return s
}

// ladder returns the integers from lo to hi in steps of an eighth, both ends included.
func ladder(lo, hi int) []int {
	steps := []int{lo}
	for e := lo; e < hi; {
		e = min(hi, max(e+1, e+e/8))
		steps = append(steps, e)
	}
	return steps
}

// Open maps an index that was saved by one of the packages that Build tries, whichever it
// was. The caller closes it if it is an io.Closer. The error wraps those of the package.
func Open(path string) (retrieval.MutableIndex, error) {
	for _, c := range candidates {
		x, err := c.open(path)
		if !errors.Is(err, envelope.ErrKind) {
			return x, err
		}
	}
	return nil, fmt.Errorf("auto: %s holds none of %v: %w", path, names(), envelope.ErrKind)
}
