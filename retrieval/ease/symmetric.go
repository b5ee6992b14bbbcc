package ease

import (
	"context"

	"github.com/recsyskit/recsys/internal/parallel"
	"github.com/recsyskit/recsys/retrieval"
)

// symmetric is a symmetric matrix of which half is stored: tiles of side × side values, those
// on and above the diagonal, one row of tiles after the other, each tile row by row. What is
// beyond n in the last tiles belongs to a unit matrix. A tile on the diagonal is complete, but
// only its upper triangle counts.
type symmetric struct {
	n, side, tiles int
	data           []float32
}

// maxSide is the largest side of a tile. A tile and the two factors of its update take 3 MB,
// of which the kernel keeps parts in the caches.
const maxSide = 496

// tiling returns the side of the tiles of an n × n matrix, and how many stand in a row. Sides
// are odd multiples of 16: of rows that begin a multiple of 2 KB apart only few fit in a
// first-level cache.
func tiling(n int) (side, tiles int) {
	tiles = max((n+maxSide-1)/maxSide, 1)
	side = (n + tiles - 1) / tiles
	side = max((side+15)/16, 1) * 16
	if side/16%2 == 0 {
		side += 16
	}
	return side, tiles
}

func newSymmetric(n int) *symmetric {
	s := &symmetric{n: n}
	s.side, s.tiles = tiling(n)
	s.data = make([]float32, s.tiles*(s.tiles+1)/2*s.side*s.side)
	return s
}

// tile returns the tile in row i and column j of tiles, i <= j.
func (s *symmetric) tile(i, j int) []float32 {
	size := s.side * s.side
	at := (i*(2*s.tiles-i+1)/2 + j - i) * size
	return s.data[at : at+size : at+size]
}

// gram fills s with A·Aᵀ plus ridge times the unit matrix; transposed is the transpose of A.
// It takes O(Σ cells²) time over the columns of A.
func (s *symmetric) gram(ctx context.Context, workers int, a, transposed *retrieval.CSR, ridge float32) error {
	const rows = 16
	sums := make([][]float32, workers)
	side, padded := s.side, s.side*s.tiles
	return parallel.Each(ctx, workers, (padded+rows-1)/rows, func(w, block int) {
		if sums[w] == nil {
			sums[w] = make([]float32, padded)
		}
		sum := sums[w]
		for i := block * rows; i < min((block+1)*rows, padded); i++ {
			if i < s.n {
				addProducts(sum, i, a, transposed)
				sum[i] += ridge
			} else {
				sum[i] = 1
			}
			top, row := i/side, i%side*side
			for j := top; j < s.tiles; j++ {
				copy(s.tile(top, j)[row:row+side], sum[j*side:])
			}
			clear(sum)
		}
	})
}

// addProducts adds the products of row i of a with all rows to sum.
func addProducts(sum []float32, i int, a, transposed *retrieval.CSR) {
	columns, left := a.Row(i)
	for k, c := range columns {
		x := left[k]
		rows, right := transposed.Row(int(c))
		right = right[:len(rows)]
		for l, r := range rows {
			sum[r] += float32(x * right[l])
		}
	}
}

// transposeTile fills dst with the transpose of a tile.
func transposeTile(dst, tile []float32, side int) {
	const block = 16
	for i := 0; i < side; i += block {
		for j := 0; j < side; j += block {
			for r := i; r < i+block; r++ {
				row := tile[r*side+j : r*side+j+block]
				for c, x := range row {
					dst[(j+c)*side+r] = x
				}
			}
		}
	}
}

// rows fills dst with the n values of each row of tile row i, one after the other; spare holds
// a tile.
func (s *symmetric) rows(dst []float32, i int, spare []float32) {
	for j := range s.tiles {
		tile := spare
		if j >= i {
			tile = s.tile(i, j)
		} else {
			transposeTile(spare, s.tile(j, i), s.side)
		}
		width := min(s.side, s.n-j*s.side)
		for r := range min(s.side, s.n-i*s.side) {
			to := dst[r*s.n+j*s.side:]
			copy(to[:width], tile[r*s.side:])
		}
	}
	// Of the tile on the diagonal the upper triangle counts.
	base := i * s.side
	for r := range min(s.side, s.n-base) {
		for c := range r {
			dst[r*s.n+base+c] = dst[c*s.n+base+r]
		}
	}
}
