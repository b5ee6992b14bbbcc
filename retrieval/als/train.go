package als

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"

	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/factor"
	"github.com/recsyskit/recsys/retrieval/internal/memory"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// ErrDiverged is what training ends with when vectors or loss leave the range of numbers, or
// equations cannot be solved. The error says in which epoch and for whom.
var ErrDiverged = errors.New("als: training diverged")

// Train returns the model of the interactions. Its users and items are those of in; one
// without interactions has the vector 0, and so has one whose weights are all 0. The model
// keeps no part of in but the slices of its users and items.
//
// An epoch solves for all items and then for all users, so that the vectors of the users fit
// the items, as those do that are folded in at serving. With n interactions of a row and d
// factors, a row takes some min(nd²/2 + d³/6, n²d + n³/6) multiplications with Exact,
// (2 Steps + 2) nd + Steps d² with ConjugateGradient, nd Block/2 + d Block²/6 + d² with Blocks.
// Exact finds the principal axes of both sides in each epoch, some 5 d³ operations, which
// keeps its equations diagonal but for the row's own interactions; the other solvers do once,
// at the end.
//
// Memory is 8 bytes × d for each user and item, 8 bytes for each interaction, 16 with
// confidences that differ, some 110 × d² bytes, and a few megabytes for each worker.
//
// When ctx ends first, or training diverges, Train returns the model of the last epoch that
// was completed, nil if there was none, along with an error that wraps the cause of ctx or
// [ErrDiverged]; Config.Start goes on from it. The other errors are those of cfg, field by
// field, and a *[retrieval.MemoryError] when it would take more than Config.MaxBytes: the model is then
// nil.
func Train(ctx context.Context, in *retrieval.Interactions, cfg Config) (*Model, error) {
	if in == nil {
		return nil, errors.New("als: interactions are nil")
	}
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if s := cfg.Start; s != nil && s.factors.Dim() != cfg.Factors {
		return nil, fmt.Errorf("als: Config.Factors is %d and Config.Start has %d; want as many", cfg.Factors, s.factors.Dim())
	}
	if cfg.Workers == 0 {
		cfg.Workers = runtime.GOMAXPROCS(0)
	}
	factors := cfg.Factors
	cfg.Factors = max(1, min(factors, in.NumUsers(), in.NumItems()))
	if err := memory.Check(memory.Bytes(need(&cfg, factors, in)), cfg.MaxBytes, "or lower Factors"); err != nil {
		return nil, fmt.Errorf("als: %w", err)
	}
	t, err := newTrainer(in, cfg)
	if err != nil {
		return nil, err
	}
	t.factors = factors
	for t.epoch < cfg.Epochs {
		loss, err := t.run(ctx)
		if err != nil {
			return t.soFar(ctx), fmt.Errorf("als: epoch %d of %d: %w", t.epoch+1, cfg.Epochs, err)
		}
		if cfg.Progress != nil {
			cfg.Progress(t.epoch, cfg.Epochs, loss)
		}
	}
	return t.model(ctx)
}

// trainer holds the vectors of both sides, as of the last epoch and as of this one.
type trainer struct {
	cfg          Config // Factors are no more than there are users or items
	factors      int    // of the model
	in           *retrieval.Interactions
	users, items *cells
	x, y         vector.Matrix // of users and items after epoch epochs
	nextX, nextY vector.Matrix
	epoch        int
	weight       float64 // of all pairs
	workers      []*workspace
}

func newTrainer(in *retrieval.Interactions, cfg Config) (*trainer, error) {
	t := &trainer{cfg: cfg, in: in, workers: newWorkspaces(cfg.Workers)}
	var err error
	if t.users, err = newCells(in.ByUser(), &cfg); err != nil {
		return nil, fmt.Errorf("als: %w", err)
	}
	if t.items, err = newCells(in.ByItem(), &cfg); err != nil {
		return nil, fmt.Errorf("als: %w", err)
	}
	users, items := in.NumUsers(), in.NumItems()
	t.weight = t.users.total + float64(cfg.Unobserved*(float64(users)*float64(items)-float64(t.users.Len())))
	t.x, t.nextX = vector.NewMatrix(users, cfg.Factors), vector.NewMatrix(users, cfg.Factors)
	t.y, t.nextY = vector.NewMatrix(items, cfg.Factors), vector.NewMatrix(items, cfg.Factors)
	t.start()
	return t, nil
}

// start draws the vectors of the users from a uniform distribution with a standard deviation
// of 0.1/√d, as Rendle et al. do from a normal one, and takes what Config.Start knows.
func (t *trainer) start() {
	rng := rand.New(rand.NewPCG(t.cfg.Seed, 0x616c73)) // "als"
	width := float32(0.2 * math.Sqrt(3/float64(t.cfg.Factors)))
	for i := range t.x.Data {
		t.x.Data[i] = float32(width * (rng.Float32() - 0.5))
	}
	s := t.cfg.Start
	if s == nil {
		return
	}
	known := used(s.factors.ItemVectors)
	for u, id := range t.in.Users() {
		if at := s.factors.FindUser(id); at >= 0 {
			copy(t.x.Row(u), s.factors.UserVectors.Row(at)[:known])
		}
	}
	for i, id := range t.in.Items() {
		if at := s.factors.Items.Find(id); at >= 0 {
			copy(t.y.Row(i), s.factors.ItemVectors.Row(int(at))[:known])
		}
	}
}

// used returns how many components of v come before those that are 0 in every row. A model of few
// users or items has such, and training would never leave a 0 that all users have.
func used(v vector.Matrix) int {
	n := 0
	for i := range v.Rows {
		row := v.Row(i)
		for k := v.Dim; k > n; k-- {
			if row[k-1] != 0 {
				n = k
				break
			}
		}
	}
	return n
}

// run does an epoch and returns the loss after it. After an error the vectors are those of
// the epoch before.
func (t *trainer) run(ctx context.Context) (loss float64, err error) {
	users, err := t.side(ctx, &t.x, &t.nextX, t.items)
	if err != nil {
		return 0, err
	}
	of := half{workers: t.workers, cells: t.items, fixed: users, old: t.y, dst: t.nextY, name: func(i int) string {
		return fmt.Sprintf("item %d", t.in.Items()[i])
	}}
	_, penalty, err := of.solve(ctx)
	if err != nil {
		return 0, err
	}
	items, err := t.side(ctx, &t.nextY, &t.nextY, t.users)
	if err != nil {
		return 0, err
	}
	of = half{workers: t.workers, cells: t.users, fixed: items, old: t.x, dst: t.nextX, name: func(u int) string {
		return fmt.Sprintf("user %d", t.in.Users()[u])
	}}
	energy, _, err := of.solve(ctx)
	if err != nil {
		return 0, err
	}
	if loss = t.users.total - energy + penalty; t.weight > 0 {
		loss /= t.weight
	}
	if math.IsNaN(loss) || math.IsInf(loss, 0) {
		return 0, fmt.Errorf("%w: the loss is %v", ErrDiverged, loss)
	}
	t.x, t.nextX = t.nextX, t.x
	t.y, t.nextY = t.nextY, t.y
	t.epoch++
	return loss, nil
}

// side returns the equations for the rows that are solved for while v is fixed. Exact wants
// the Gram matrix diagonal: v is turned to its principal axes, in the memory of to.
func (t *trainer) side(ctx context.Context, v, to *vector.Matrix, solved *cells) (*equations, error) {
	g, err := gram(ctx, t.workers, *v)
	if err != nil {
		return nil, err
	}
	if t.cfg.Solver != Exact {
		return newEquations(&t.cfg, *v, g, false, solved.uniform), nil
	}
	values, axes := principalAxes(ctx, g, v.Dim, len(t.workers))
	if axes == nil {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%w: the vectors have no principal axes", ErrDiverged)
	}
	dropNoise(values, axes)
	if err := rotated(ctx, t.workers, *to, *v, axes); err != nil {
		return nil, err
	}
	e := newEquations(&t.cfg, *to, diagonalOf(values), true, solved.uniform)
	e.keepRoots(solved)
	return e, nil
}

// dropNoise makes the axes 0 along which there is nothing but the rounding of float32: where
// there are more factors than the data has dimensions, these would shrink from epoch to
// epoch until they leave the range of numbers.
func dropNoise(values, axes []float64) {
	const noise = 0x1p-48 // of the square of the length
	n := len(values)
	for k, x := range values {
		if x <= noise*values[0] {
			values[k] = 0
			clear(axes[k*n : (k+1)*n])
		}
	}
}

// diagonalOf returns the diagonal matrix of the values, none of them below 0.
func diagonalOf(values []float64) []float64 {
	g := make([]float64, len(values)*len(values))
	for i, x := range values {
		g[i*len(values)+i] = max(x, 0)
	}
	return g
}

// soFar returns the model after the epochs that were completed, nil if there were none.
func (t *trainer) soFar(ctx context.Context) *Model {
	if t.epoch == 0 {
		return nil
	}
	m, err := t.model(context.WithoutCancel(ctx))
	if err != nil {
		return nil
	}
	return m
}

// model returns the model of the vectors, along the principal axes of the items.
func (t *trainer) model(ctx context.Context) (*Model, error) {
	cfg := t.cfg
	cfg.Factors, cfg.Epochs = t.factors, t.epoch
	if cfg.Start != nil {
		cfg.Epochs += cfg.Start.config.Epochs
	}
	if cfg.Solver != Exact {
		if err := t.align(ctx); err != nil {
			return nil, fmt.Errorf("als: training stopped: %w", err)
		}
	}
	f, err := factor.New(t.in.Users(), t.in.Items(), widened(t.x, t.factors), widened(t.y, t.factors))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDiverged, err)
	}
	return newModel(cfg, f)
}

// widened returns v with components of 0 up to dim.
func widened(v vector.Matrix, dim int) vector.Matrix {
	if v.Dim == dim {
		return v
	}
	wide := vector.NewMatrix(v.Rows, dim)
	for i := range v.Rows {
		copy(wide.Row(i), v.Row(i))
	}
	return wide
}

// align turns both sides to the principal axes of the items.
func (t *trainer) align(ctx context.Context) error {
	x, y, err := aligned(ctx, t.workers, t.nextX, t.nextY, t.x, t.y)
	if err == nil {
		t.x, t.y = x, y
	}
	return err
}

// aligned writes x and y, turned to the principal axes of y, to dstX and dstY, and returns
// those.
func aligned(ctx context.Context, workers []*workspace, dstX, dstY, x, y vector.Matrix) (_, _ vector.Matrix, err error) {
	g, err := gram(ctx, workers, y)
	if err != nil {
		return x, y, err
	}
	_, axes := principalAxes(ctx, g, y.Dim, len(workers))
	if axes == nil {
		if err := context.Cause(ctx); err != nil {
			return x, y, err
		}
		return x, y, fmt.Errorf("%w: the vectors have no principal axes", ErrDiverged)
	}
	if err := rotated(ctx, workers, dstX, x, axes); err != nil {
		return x, y, err
	}
	return dstX, dstY, rotated(ctx, workers, dstY, y, axes)
}
