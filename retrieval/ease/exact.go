package ease

import (
	"context"
	"sync/atomic"

	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/truncate"
	"github.com/recsyskit/recsys/retrieval/itemsim"
)

// exact returns the model by the closed form.
func exact(ctx context.Context, in *retrieval.Interactions, cfg *Config) (*itemsim.Model, error) {
	byItems := !byUsers(in, cfg)
	a, transposed := in.ByItem(), in.ByUser()
	if !byItems {
		a, transposed = transposed, a
	}
	s := newSymmetric(a.Rows())
	if err := s.gram(ctx, cfg.Workers, a, transposed, float32(cfg.Regularization)); err != nil {
		return nil, err
	}
	if err := s.invert(ctx, cfg.Workers, cfg.part(0, 900)); err != nil {
		return nil, err
	}
	var bad atomic.Bool
	t := truncate.Task{
		Items:    in.NumItems(),
		Keep:     cfg.Neighbors,
		Block:    s.side,
		Workers:  cfg.Workers,
		Progress: cfg.part(900, 1000),
		Worker: func() func(first, count int, dst []float32) {
			spare := make([]float32, s.side*s.side)
			return func(first, count int, dst []float32) {
				s.rows(dst, first/s.side, spare)
				for j := range count {
					column := dst[j*s.n : (j+1)*s.n]
					d := -column[first+j]
					if !(d > 0) {
						bad.Store(true)
					}
					simd.Scale(1/d, column) // -P_ij / P_jj of what holds -P
				}
			}
		},
	}
	if !byItems {
		t.Block = userBlock
		t.Worker = func() func(first, count int, dst []float32) {
			w := newByUser(s, in)
			return func(first, count int, dst []float32) {
				if !w.columns(ctx, first, count, dst) {
					bad.Store(true)
				}
			}
		}
	}
	if cfg.Neighbors == 0 {
		all := itemsim.NewDense(in.NumItems())
		if err := t.Whole(ctx, all.SetColumns); err != nil {
			return nil, err
		}
		if bad.Load() {
			return nil, errIndefinite
		}
		return itemsim.FromDense(in.Items(), all, cfg.spec())
	}
	weights, err := t.Compute(ctx)
	if err != nil {
		return nil, err
	}
	if bad.Load() {
		return nil, errIndefinite
	}
	return itemsim.New(in.Items(), weights, cfg.spec())
}

// maxLeverage is how much larger than the regularisation the square of an item may be if the
// matrix of the users is to be inverted: 1 - h_jj, which is computed to some 1e-6 there, may
// be as small as the inverse of it.
const maxLeverage = 1000

// byUsers reports whether the matrix of the users is inverted in place of that of the items.
func byUsers(in *retrieval.Interactions, cfg *Config) bool {
	if in.NumUsers() >= in.NumItems() {
		return false
	}
	for i := range in.NumItems() {
		_, weights := in.ByItem().Row(i)
		square := 0.0
		for _, x := range weights {
			square += float64(float64(x) * float64(x))
		}
		if square > maxLeverage*cfg.Regularization {
			return false
		}
	}
	return true
}

// exactNeed estimates the bytes that exact training takes: the matrix and, after one another,
// the factors of an update, and the weights that are kept, twice, with the columns that are
// computed at once; or all weights.
func exactNeed(in *retrieval.Interactions, cfg *Config) int64 {
	items, n := int64(in.NumItems()), in.NumItems()
	byUsers := byUsers(in, cfg)
	if byUsers {
		n = in.NumUsers()
	}
	s, t := tiling(n)
	side, tiles, workers := int64(s), int64(t), int64(cfg.Workers)
	matrix := tiles * (tiles + 1) / 2 * side * side
	update := (2*tiles + workers + 3) * side * side
	columns := workers * side * (items + side)
	if byUsers {
		columns = workers * (min(userBlock, items)*(items+tiles*side) + strip*tiles*side + side*side)
	}
	kept := 16 * items * min(int64(cfg.Neighbors), items)
	if cfg.Neighbors == 0 {
		kept = itemsim.DenseBytes(in.NumItems())
	}
	return 4*matrix + max(4*update, 4*columns+kept)
}

// userBlock is the number of columns that are computed at once from the matrix of the users:
// many, because every block transposes that matrix.
const userBlock = 1024

// strip is the number of columns that pass over the interactions at once.
const strip = 64

// byUser computes columns of B from -(XXᵀ + λI)⁻¹.
type byUser struct {
	*symmetric
	byItem *retrieval.CSR
	padded int
	g      []float32 // rows of -Xᵀ(XXᵀ + λI)⁻¹, padded values each
	strip  []float32 // some of them transposed
	spare  []float32 // a tile
	next   []int     // by row of g, the interaction that comes next
}

func newByUser(s *symmetric, in *retrieval.Interactions) *byUser {
	w := &byUser{symmetric: s, byItem: in.ByItem(), padded: s.tiles * s.side}
	rows := min(userBlock, in.NumItems())
	w.g, w.strip, w.spare = make([]float32, rows*w.padded), make([]float32, w.padded*strip), make([]float32, s.side*s.side)
	w.next = make([]int, rows)
	return w
}

// columns fills dst with columns first to first+count-1 of B. With H = Xᵀ(XXᵀ + λI)⁻¹X, λP is
// I - H, and so B_ij = H_ij / (1 - H_jj). It reports whether all 1 - H_jj are positive. If
// ctx ends, dst is undefined.
func (w *byUser) columns(ctx context.Context, first, count int, dst []float32) bool {
	clear(w.g[:count*w.padded])
	for j := 0; j < w.tiles && ctx.Err() == nil; j++ {
		w.column(first, count, j)
	}
	n, ok := w.byItem.Rows(), true
	for c := 0; c < count && ctx.Err() == nil; c += strip {
		width := min(strip, count-c)
		for v := range w.n {
			to := w.strip[v*strip : v*strip+width]
			for k := range to {
				to[k] = w.g[(c+k)*w.padded+v]
			}
		}
		for i := range n {
			var sum [strip]float32
			users, weights := w.byItem.Row(i)
			for k, v := range users {
				simd.Axpy(weights[k], w.strip[int(v)*strip:][:strip], sum[:])
			}
			for k := range width {
				dst[(c+k)*n+i] = sum[k]
			}
		}
		for k := c; k < c+width; k++ {
			column := dst[k*n : (k+1)*n] // of -H
			d := 1 + column[first+k]
			ok = ok && d > 0
			simd.Scale(-1/d, column)
		}
	}
	return ok
}

// column adds up the part of g that falls in column j of tiles.
func (w *byUser) column(first, count, j int) {
	clear(w.next[:count])
	for i := range w.tiles {
		tile := w.spare
		if i <= j {
			tile = w.tile(i, j)
		} else {
			transposeTile(tile, w.tile(j, i), w.side)
		}
		end := int32((i + 1) * w.side)
		for r := range count {
			users, weights := w.byItem.Row(first + r)
			to := w.g[r*w.padded+j*w.side:][:w.side]
			k := w.next[r]
			for ; k < len(users) && users[k] < end; k++ {
				simd.Axpy(weights[k], tile[(int(users[k])-i*w.side)*w.side:][:w.side], to)
			}
			w.next[r] = k
		}
	}
}
