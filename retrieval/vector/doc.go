// Package vector holds checked vector kernels: products, distances, and the rows of a
// matrix that score best, by AVX-512, AVX2 or NEON where the machine has them and in Go
// elsewhere. The indexes of package retrieval are built on it; a [Matrix] is what they are
// built from.
//
//	items := vector.From(data, 64)
//	if err := items.Check(); err != nil {
//		return err
//	}
//	best := vector.TopK(nil, query, items, 10)
//
// # Conventions
//
// Vectors are []float32. Matrices are row-major, their rows Stride elements apart. What a
// function fills comes first and belongs to the caller; no function keeps a reference to an
// argument. Functions that append, TopK and TopKBatch, allocate when the capacity of dst is
// short, and the others never do.
//
// Lengths and sizes that do not fit are mistakes of the caller's program and panic with a
// constant message. All else is defined: nothing of no elements is 0, a zero vector has
// cosine 0 with everything and stays as it is when normalised, NaN and infinities give
// what IEEE 754 gives, and a score that is NaN is not among the best.
//
// All functions are safe for concurrent use as long as nobody writes to what they read.
//
// # One result
//
// The bits of a dot product, and of a squared distance, are the same on every instruction
// set, at every place in a batch, by row number or in order, and for one query or many: all
// kernels accumulate in one order. A vector of d elements has s = 16 partial sums, or 32 if
// d >= 256; element i is multiplied and added, with one rounding, to sum i mod s; then the
// sums are added in halves. Cosine, Normalize and QuantizeInt8 are built on such sums and on
// correctly rounded operations, so what they give is the same everywhere as well. A slate
// that was computed on one machine can thus be replayed on another. Of a NaN the sign and
// payload may differ. [Info] tells which instruction set is in use.
//
// # What it does not do
//
// It starts no goroutine; it has no matrix product, decomposition or training step (the
// trainers of this module have them inside). Approximate search is the work of the index
// packages.
package vector
