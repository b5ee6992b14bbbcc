package ivf

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/kmeans"
	"github.com/recsyskit/recsys/retrieval/vector"
)

const (
	trainPerList = 32 // vectors per list that k-means looks at
	crowded      = 4  // a list of so many times the mean is split
)

// Build returns an index of the vectors, one row for each item. It copies them. There may
// be none; the dimension must be at least 1.
//
// It fails with an error that wraps [retrieval.ErrNotFinite] for a vector with a NaN or an
// infinity, [retrieval.ErrDuplicate] for a doubled item, both with the rows, and the error
// of ctx when that ends. It takes about (8·32 + n/lists)·lists²·d multiplications, spread
// over the workers, and the memory of the vectors twice.
func Build(ctx context.Context, cfg Config, items []recsys.ItemID, vectors vector.Matrix) (*Index, error) {
	if err := checkInput(&cfg, items, vectors); err != nil {
		return nil, err
	}
	return assemble(ctx, cfg, items, vectors, cfg.Metric == retrieval.Cosine)
}

// assemble is Build of checked input; it normalises the vectors if it is told so.
func assemble(ctx context.Context, cfg Config, items []recsys.ItemID, vectors vector.Matrix, normalize bool) (*Index, error) {
	ix := &Index{metric: cfg.Metric, dim: vectors.Dim}
	lists := cfg.Lists
	cfg = cfg.resolve(vectors.Rows, vectors.Dim)
	ix.cfg = cfg
	ix.cfg.Lists = lists // of how many items there are then
	ix.cfg.Queries, ix.cfg.Progress, ix.cfg.Workers = vector.Matrix{}, nil, 0
	b := &builder{cfg: cfg, ctx: ctx, dim: vectors.Dim, spherical: spherical(cfg.Metric), normalize: normalize}
	ix.sample = b.drawQueries()
	if err := b.partition(vectors); err != nil {
		return nil, fmt.Errorf("ivf: %w", err)
	}
	coder := newCodec(&cfg, ix.dim)
	err := coder.train(b, vectors.Rows, func(i int) (x, centroid []float32) {
		return vectors.Row(i), b.centroids.Row(int(b.owner[i]))
	})
	if err != nil {
		return nil, fmt.Errorf("ivf: %w", err)
	}
	st, err := b.place(ix, coder, items, vectors)
	if err != nil {
		return nil, fmt.Errorf("ivf: %w", err)
	}
	if err := b.calibrate(ix, st); err != nil {
		return nil, fmt.Errorf("ivf: %w", err)
	}
	ix.state.Store(st)
	return ix, nil
}

// newEmpty returns an index without items.
func newEmpty(cfg Config, dim int) (*Index, error) {
	return Build(context.Background(), cfg, nil, vector.Matrix{Dim: dim, Stride: dim})
}

func checkInput(cfg *Config, items []recsys.ItemID, vectors vector.Matrix) error {
	if err := cfg.check(); err != nil {
		return err
	}
	if vectors.Rows != len(items) {
		return fmt.Errorf("ivf: %d items for %d vectors: %w", len(items), vectors.Rows, retrieval.ErrDimension)
	}
	if vectors.Dim < 1 || vectors.Dim > maxDim {
		return fmt.Errorf("ivf: vectors of %d values; want 1 to %d: %w", vectors.Dim, maxDim, retrieval.ErrDimension)
	}
	if err := checkSubspaces(cfg, vectors.Dim); err != nil {
		return fmt.Errorf("ivf: %w", err)
	}
	if cfg.Queries.Rows > 0 && cfg.Queries.Dim != vectors.Dim {
		return fmt.Errorf("ivf: Config.Queries has vectors of %d values; want %d: %w", cfg.Queries.Dim, vectors.Dim, retrieval.ErrDimension)
	}
	if err := checkMatrix(vectors, items); err != nil {
		return err
	}
	if err := cfg.Queries.Check(); err != nil {
		return fmt.Errorf("ivf: Config.Queries: %w", errors.Join(err, retrieval.ErrNotFinite))
	}
	return checkDistinct(items)
}

func checkMatrix(m vector.Matrix, items []recsys.ItemID) error {
	err := m.Check()
	var bad *vector.NonFiniteError
	if errors.As(err, &bad) {
		return fmt.Errorf("ivf: item %d at row %d has %v in column %d: %w", items[bad.Row], bad.Row, bad.Value, bad.Column, retrieval.ErrNotFinite)
	}
	if err != nil {
		return fmt.Errorf("ivf: %w", err)
	}
	return nil
}

func checkDistinct(items []recsys.ItemID) error {
	order := make([]int32, len(items))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int {
		return cmp.Or(cmp.Compare(items[a], items[b]), cmp.Compare(a, b))
	})
	for i := 1; i < len(order); i++ {
		if a, b := order[i-1], order[i]; items[a] == items[b] {
			return fmt.Errorf("ivf: item %d is at rows %d and %d: %w", items[a], a, b, retrieval.ErrDuplicate)
		}
	}
	return nil
}

// builder makes lists of vectors.
type builder struct {
	cfg       Config
	ctx       context.Context
	dim       int
	spherical bool
	normalize bool

	centroids vector.Matrix
	owner     []uint32 // list of each vector
}

func (b *builder) progress(stage string, done, total int) {
	if b.cfg.Progress != nil {
		b.cfg.Progress(stage, done, total)
	}
}

// partition trains the centroids, assigns the vectors and splits crowded lists.
func (b *builder) partition(vectors vector.Matrix) error {
	b.owner = make([]uint32, vectors.Rows)
	if vectors.Rows == 0 {
		b.centroids = vector.NewMatrix(1, b.dim)
		return nil
	}
	var err error
	b.centroids, err = kmeans.Train(b.ctx, kmeans.Config{
		K: b.cfg.Lists, Spherical: b.spherical, Iterations: b.cfg.Iterations, PerCell: trainPerList,
		Seed: b.cfg.Seed, Workers: b.cfg.Workers,
		Progress: func(done, total int) { b.progress("train", done, total) },
	}, vectors)
	if err != nil {
		return err
	}
	if err := kmeans.Assign(b.ctx, b.owner, vectors, b.centroids, b.spherical, b.cfg.Workers); err != nil {
		return err
	}
	b.progress("assign", vectors.Rows, vectors.Rows)
	return b.split(vectors)
}

// split divides lists that are crowded, until none is or they cannot be divided.
func (b *builder) split(vectors vector.Matrix) error {
	mean := max(1, vectors.Rows/b.centroids.Rows)
	order := make([]uint32, vectors.Rows)
	for range 4 {
		lists := b.centroids.Rows
		start := kmeans.ByCell(order, make([]int, lists+1), b.owner)
		changed := false
		for c := range lists {
			members := order[start[c]:start[c+1]]
			if len(members) <= crowded*mean || len(members) < 64 {
				continue
			}
			owner, err := b.divide(vectors.Row, uint32(c), members, (len(members)+2*mean-1)/(2*mean))
			if err != nil {
				return err
			}
			for i, o := range owner {
				b.owner[members[i]] = o
				changed = true
			}
		}
		if !changed {
			return nil
		}
	}
	return nil
}

// divide makes k lists of list c and returns which one each of its members is in, nil if
// that would not make it smaller. The first takes the place of c, the others come last.
func (b *builder) divide(vectors func(i int) []float32, c uint32, members []uint32, k int) ([]uint32, error) {
	part := vector.NewMatrix(len(members), b.dim)
	for i, p := range members {
		copy(part.Row(i), vectors(int(p)))
	}
	centers, err := kmeans.Train(b.ctx, kmeans.Config{
		K: k, Spherical: b.spherical, Iterations: b.cfg.Iterations, PerCell: 2 * trainPerList,
		Seed: b.cfg.Seed + uint64(c) + 1, Workers: b.cfg.Workers,
	}, part)
	if err != nil {
		return nil, err
	}
	owner := make([]uint32, len(members))
	if err := kmeans.Assign(b.ctx, owner, part, centers, b.spherical, b.cfg.Workers); err != nil {
		return nil, err
	}
	size := make([]int, k)
	for _, o := range owner {
		size[o]++
	}
	if slices.Max(size) > len(members)*9/10 {
		return nil, nil
	}
	first := uint32(b.centroids.Rows) - 1
	copy(b.centroids.Row(int(c)), centers.Row(0))
	b.centroids.Data = append(b.centroids.Data[:b.centroids.Rows*b.dim], centers.Data[b.dim:]...)
	b.centroids.Rows += k - 1
	for i, o := range owner {
		if owner[i] = c; o > 0 {
			owner[i] = first + o
		}
	}
	return owner, nil
}

// place fills the index: the vectors in the order of the lists, the lists, their codes.
func (b *builder) place(ix *Index, coder *codec, items []recsys.ItemID, vectors vector.Matrix) (*state, error) {
	n, d, lists := vectors.Rows, b.dim, b.centroids.Rows
	order := make([]uint32, n)
	start := kmeans.ByCell(order, make([]int, lists+1), b.owner)
	lengths := make([]float64, n)
	for i := range lengths {
		lengths[i] = norm(vectors.Row(i))
	}
	if b.cfg.Metric == retrieval.Cosine {
		for i, l := range lengths {
			lengths[i] = min(l, 1) // once normalised
		}
	}
	base := make([]float32, n*d)
	err := kmeans.Each(b.ctx, b.cfg.Workers, lists, 4, func(lo, hi int) {
		for c := lo; c < hi; c++ {
			members := order[start[c]:start[c+1]]
			slices.SortFunc(members, func(x, y uint32) int {
				if b.cfg.Metric != retrieval.Cosine && lengths[x] != lengths[y] {
					return cmp.Compare(lengths[y], lengths[x])
				}
				return cmp.Compare(items[x], items[y])
			})
			for i, p := range members {
				row := base[(start[c]+i)*d : (start[c]+i+1)*d]
				copy(row, vectors.Row(int(p)))
				if b.normalize {
					vector.Normalize(row)
				}
			}
		}
	})
	if err != nil {
		return nil, err
	}
	table, err := retrieval.NewRows(n, func(row int) recsys.ItemID { return items[order[row]] })
	if err != nil {
		return nil, err
	}
	ix.owner = make([]uint32, n)
	for c := range lists {
		for row := start[c]; row < start[c+1]; row++ {
			ix.owner[row] = uint32(c)
		}
	}
	st := &state{rows: table, codec: coder, items: n, version: table.Version(), base: base, baseRows: uint32(n)}
	numbers := make([]uint32, n)
	for i := range numbers {
		numbers[i] = uint32(i)
	}
	return st, b.encode(ix, st, numbers, start)
}

// encode makes the lists and the coarse quantiser of a state that has its vectors: list c
// holds rows[start[c]:start[c+1]], in their order.
func (b *builder) encode(ix *Index, st *state, rows []uint32, start []int) error {
	n, count := len(rows), b.centroids.Rows
	st.coarse = &coarse{
		centroids: b.centroids, l2: ix.l2(),
		mean: make([]float32, count), high: make([]float32, count), low: make([]float32, count),
	}
	at := make([]int, count+1) // where the codes of each list start
	for c := range count {
		at[c+1] = at[c] + st.codec.size(start[c+1]-start[c])
	}
	codes := make([]uint8, at[count])
	var biases []float32
	if st.codec.biased() {
		biases = make([]float32, n)
	}
	lists := make([]list, count)
	err := kmeans.Each(b.ctx, b.cfg.Workers, count, 4, func(lo, hi int) {
		for c := lo; c < hi; c++ {
			from, to := start[c], start[c+1]
			l := &lists[c]
			l.rows = rows[from:to:to]
			l.codes = codes[at[c]:at[c+1]:at[c+1]]
			if st.codec.biased() {
				l.biases = biases[from:to:to]
			}
			ix.fill(l, st, uint32(c))
		}
	})
	if err != nil {
		return err
	}
	st.lists, st.longest = makeTable(lists), longest(lists)
	b.progress("encode", n, n)
	return nil
}

// fill encodes the vectors of a list, whose rows are there, and measures it.
func (ix *Index) fill(l *list, st *state, c uint32) {
	vectors := func(slot int) []float32 { return st.vector(l.rows[slot], ix.dim) }
	st.codec.encode(l, vectors, st.coarse.centroids.Row(int(c)))
	st.coarse.mean[c], st.coarse.high[c], st.coarse.low[c] = ix.measure(l, st, c)
}

// measure returns what the coarse quantiser keeps of a list.
func (ix *Index) measure(l *list, st *state, c uint32) (mean, high, low float32) {
	centroid := st.coarse.centroids.Row(int(c))
	var sum, top float64
	least := math.Inf(1)
	limit := st.limit(ix.dim)
	for _, row := range l.rows {
		if row >= limit { // dead, or of a damaged file
			continue
		}
		x := st.vector(row, ix.dim)
		if ix.l2() {
			sum += distance(x, centroid)
			continue
		}
		ab, aa, bb := sums(x, centroid)
		length := math.Sqrt(aa)
		top, least = max(top, length), min(least, length)
		if length > 0 && bb > 0 {
			sum += ab / length / math.Sqrt(bb)
		}
	}
	if l.len() == 0 {
		return 0, 0, 0
	}
	m := sum / float64(l.len())
	if ix.l2() {
		return finite(math.Sqrt(m)), 0, 0
	}
	return float32(m), finite(top), finite(least)
}
