package als

import "github.com/recsyskit/recsys/internal/simd"

// gatherBytes bounds the memory in which the vectors of a row are gathered once and read
// several times. Those of a longer row are gathered for each reading, piece by piece.
const gatherBytes = 4 << 20

// conjugateGradient improves x by some steps and returns its energy; see exact.
//
// Source: Takács, Pilászy and Tikk, RecSys 2011, algorithm 1; Hestenes and Stiefel 1952.
func (e *equations) conjugateGradient(w *workspace, r row, x []float32, steps int) (energy float64) {
	d := e.vectors.Dim
	residual, direction, image := w.vector(&w.r, d), w.vector(&w.p, d), w.vector(&w.t, d)
	lambda := e.lambda(len(r.cols))
	scores := w.vector(&w.s, len(r.cols))
	g := gathered{e: e, w: w, r: r}
	// b - A x = Σ (c - q y·x) y - (α0 G + λ) x, and b·x = Σ c y·x.
	e.times(residual, x, lambda)
	simd.Scale(-1, residual)
	g.each(func(z []float32, start, end int) {
		s := scores[start:end]
		simd.DotBatch(s, x, z, d)
		for j, c := range r.confidence[start:end] {
			energy += float64(c) * float64(s[j])
			s[j] = c - float32(e.excess(r, start+j)*s[j])
		}
		simd.GemvT(residual, z, d, s)
	})
	energy += float64(simd.Dot(x, residual))
	copy(direction, residual)
	square := simd.Dot(residual, residual)
	for range steps {
		if !(square > 1e-20) {
			break
		}
		e.times(image, direction, lambda)
		g.each(func(z []float32, start, end int) {
			s := scores[start:end]
			simd.DotBatch(s, direction, z, d)
			if !e.unit {
				simd.Mul(s, r.excess[start:end])
			}
			simd.GemvT(image, z, d, s)
		})
		length := square / simd.Dot(direction, image)
		simd.Axpy(length, direction, x)
		simd.Axpy(-length, image, residual)
		energy += float64(length) * float64(square)
		next := simd.Dot(residual, residual)
		simd.Scale(next/square, direction)
		simd.Add(direction, residual)
		square = next
	}
	return e.scale * energy
}

func (e *equations) excess(r row, j int) float32 {
	if e.unit {
		return 1
	}
	return r.excess[j]
}

// times writes (α0 G + λ I) x to y.
func (e *equations) times(y, x []float32, lambda float32) {
	if e.gram != nil {
		simd.Gemv(y, e.gram, len(x), x)
	} else {
		copy(y, e.diag)
		simd.Mul(y, x)
	}
	simd.Axpy(lambda, x, y)
}

// gathered reads the vectors of a row in pieces that stay in the cache.
type gathered struct {
	e    *equations
	w    *workspace
	r    row
	all  []float32 // nil: not yet gathered, or too many
	once bool
}

// each calls visit for each piece: the vectors of interactions start to end.
func (g *gathered) each(visit func(z []float32, start, end int)) {
	d, n := g.e.vectors.Dim, len(g.r.cols)
	if !g.once {
		if g.once = true; 4*n*d <= gatherBytes {
			g.all = g.e.gather(g.w, g.r.cols, 0, d)
		}
	}
	for start := 0; start < n; start += pieceRows {
		end := min(start+pieceRows, n)
		if g.all != nil {
			visit(g.all[start*d:end*d], start, end)
		} else {
			visit(g.e.gather(g.w, g.r.cols[start:end], 0, d), start, end)
		}
	}
}

// blocks improves x by solving for size factors at a time, all others held fixed, from the
// first to the last. It returns the energy, as exact does, or false when the equations of a
// block are not positive definite.
//
// Source: Rendle, Krichene, Zhang and Koren, iALS++, 2021, section 3.
func (e *equations) blocks(w *workspace, r row, x []float32, size int) (energy float64, ok bool) {
	d := e.vectors.Dim
	lambda := e.lambda(len(r.cols))
	scores, errors := w.vector(&w.s, len(r.cols)), w.vector(&w.t, len(r.cols))
	simd.DotGather(scores, x, e.vectors.Data, e.vectors.Stride, r.cols)
	for lo := 0; lo < d; lo += size {
		k := min(size, d-lo)
		a, b := w.square(k), w.vector(&w.b, k)
		e.assembleBlock(a, b, x, lo, lambda)
		for j, c := range r.confidence {
			errors[j] = c - float32(e.excess(r, j)*scores[j])
		}
		for start := 0; start < len(r.cols); start += pieceRows {
			end := min(start+pieceRows, len(r.cols))
			z := e.gather(w, r.cols[start:end], lo, k)
			simd.GemvT(b, z, k, errors[start:end])
			e.weigh(z, k, r.excess[start:end])
			simd.Syrk(a, k, k, z, k, end-start)
		}
		if !simd.Posv(a, k, b) {
			return 0, false
		}
		simd.Add(x[lo:lo+k], b)
		simd.DotGather(errors, b, e.vectors.Data[lo:], e.vectors.Stride, r.cols)
		simd.Add(scores, errors)
	}
	image := w.vector(&w.p, d)
	e.times(image, x, lambda)
	energy = -float64(simd.Dot(x, image))
	for j, c := range r.confidence {
		s := float64(scores[j])
		energy += 2*float64(c)*s - float64(e.excess(r, j))*s*s
	}
	return e.scale * energy, true
}

// assembleBlock makes the part of the matrix that is the same for all rows, for k = len(b)
// factors from lo on, and of the right side what does not depend on interactions:
// -((α0 G + λ) x).
func (e *equations) assembleBlock(a, b, x []float32, lo int, lambda float32) {
	d, k := e.vectors.Dim, len(b)
	if e.gram == nil {
		clear(a)
		copy(b, e.diag[lo:lo+k])
		simd.Mul(b, x[lo:lo+k])
	} else {
		for i := range k {
			copy(a[i*k:(i+1)*k], e.gram[(lo+i)*d+lo:])
		}
		simd.Gemv(b, e.gram[lo*d:], d, x)
	}
	simd.Axpy(lambda, x[lo:lo+k], b)
	simd.Scale(-1, b)
	for i := range k {
		a[i*k+i] = e.diag[lo+i] + lambda
	}
}
