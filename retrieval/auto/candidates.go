package auto

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

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
	retrieval.StoredIndex
	Resident() int
}

// candidate is a kind of index to try.
type candidate struct {
	name string
	// exact means that it needs no measuring of recall.
	exact bool
	// calibrated means that it sets its effort itself, by Config.Queries and Config.Recall.
	calibrated bool
	// lastResort means that it is tried by default only if no other fits the memory.
	lastResort bool
	// floor is a number of bytes that a row of some dimension takes at least.
	floor func(dim int) int
	// build makes the index.
	build func(ctx context.Context, cfg Config, items []recsys.ItemID, vectors vector.Matrix) (sized, error)
	// tune, unless nil, sets the default effort and returns it.
	tune func(ctx context.Context, b *bench, x sized) (int, error)
	// open maps a saved index.
	open func(path string) (retrieval.StoredIndex, error)
}

// candidates stand in the order of preference: the simplest first. The first is exact.
var candidates = [...]candidate{
	{name: "flat", exact: true, floor: func(int) int { return 0 }, build: buildFlat, open: openFlat},
	{name: "ivf", calibrated: true, floor: func(dim int) int { return dim + 16 }, build: buildIVF(ivf.Int8), open: openIVF},
	{name: "hnsw", floor: func(dim int) int { return dim + 128 }, build: buildHNSW, tune: tuneHNSW, open: openHNSW},
	{name: "ivf-pq", calibrated: true, lastResort: true, floor: func(dim int) int { return dim / 2 }, build: buildIVF(ivf.PQ), open: openIVF},
}

func buildFlat(_ context.Context, cfg Config, items []recsys.ItemID, vectors vector.Matrix) (sized, error) {
	return untyped[sized](flat.New(flat.Config{Metric: cfg.Metric, Workers: cfg.Workers}, items, vectors))
}

func openFlat(path string) (retrieval.StoredIndex, error) {
	return untyped[retrieval.StoredIndex](flat.Open(path))
}

func buildIVF(codes ivf.Codes) func(context.Context, Config, []recsys.ItemID, vector.Matrix) (sized, error) {
	return func(ctx context.Context, cfg Config, items []recsys.ItemID, vectors vector.Matrix) (sized, error) {
		lists := 0
		if n := vectors.Rows; codes == ivf.PQ && n < 1<<20 {
			lists = max(1, n/256) // fewer than by default: its lists are padded, which takes what the codes save
		}
		return untyped[sized](ivf.Build(ctx, ivf.Config{
			Metric: cfg.Metric, Codes: codes, Lists: lists, Recall: cfg.Recall, Queries: cfg.Queries, Seed: cfg.Seed, Workers: cfg.Workers, Progress: cfg.Progress,
		}, items, vectors))
	}
}

func openIVF(path string) (retrieval.StoredIndex, error) {
	return untyped[retrieval.StoredIndex](ivf.Open(path))
}

func buildHNSW(ctx context.Context, cfg Config, items []recsys.ItemID, vectors vector.Matrix) (sized, error) {
	progress := cfg.Progress
	x, err := hnsw.Build(ctx, hnsw.Config{
		Metric: cfg.Metric, Seed: cfg.Seed, Workers: cfg.Workers, Progress: func(done, all int) {
			if progress != nil {
				progress("", done, all)
			}
		},
	}, items, vectors)
	progress = nil // the index keeps its Config, and calls Progress again when it is compacted
	return untyped[sized](x, err)
}

func tuneHNSW(ctx context.Context, b *bench, x sized) (int, error) {
	effort, err := b.tune(ctx, x, b.cfg.K, max(b.cfg.K, min(x.Len(), 1<<16)))
	if err != nil {
		return 0, err
	}
	x.(*hnsw.Index).SetEffort(effort)
	return effort, nil
}

func openHNSW(path string) (retrieval.StoredIndex, error) {
	return untyped[retrieval.StoredIndex](hnsw.Open(path))
}

// exact reports whether a candidate is.
func exact(name string) bool {
	for _, c := range candidates {
		if c.name == name {
			return c.exact
		}
	}
	return false
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
	for _, c := range candidates {
		s = append(s, c.name)
	}
	return s
}

// Open maps an index that was saved by one of the packages that Build tries, whichever it
// was. The caller closes it. The error wraps those of the package.
//
// Never write into or truncate a mapped file (cp over it, rsync --inplace): the process dies.
// Save and rename replace it safely; a deleted file stays readable.
func Open(path string) (retrieval.StoredIndex, error) {
	for _, c := range candidates {
		x, err := c.open(path)
		if err == nil {
			return x, nil
		}
		var none *fs.PathError
		switch {
		case errors.As(err, &none): // says nothing of a kind
			return nil, fmt.Errorf("auto: %w", none)
		case !errors.Is(err, envelope.ErrKind):
			return nil, fmt.Errorf("auto: %w", err)
		}
	}
	return nil, fmt.Errorf("auto: %s holds none of %v: %w", path, names(), envelope.ErrKind)
}
