// Package simd holds the kernels of the library: weighted means of the rows of a matrix in
// float64 and the importance weights of its rows; inner products and distances of one
// vector with another, with contiguous rows and with rows gathered by number, in float32
// and in int8, and the scan that keeps the rows above a threshold, for one query or many;
// matrix products, Cholesky factors and rank-k updates; exp, sigmoid and softmax; the steps
// of Adam and AdaGrad; formats of 16 bits; sums by bin and the best cut of such a histogram; quadratic
// forms, products and rank-1 updates of symmetric matrices in float64.
//
// # Tiers
//
// Each kernel exists in Go and in assembly: AVX-512 and AVX2 with FMA on amd64; NEON on
// arm64, for products, distances and matrix products, the others being in Go there. [Active]
// says which is in use; it is chosen once. The environment variable RECSYS_SIMD (avx512,
// avx2, neon, purego) overrides the choice; a name that is unknown, or that the processor
// does not have, is reported once on standard error and ignored. The build tag purego
// removes the assembly.
//
// # One result
//
// A dot product or a distance has the same bits on every tier, at every place in a batch,
// and whether its row is read in order or by number, because all of them accumulate in
// one order:
//
//   - A vector is padded with zeros to a multiple of 16 elements. There are 16 partial sums, or
//     32 if it has 256 elements or more, all +0. Element i goes to partial sum i mod 16 (32), in
//     order of i: acc = fma(a[i], b[i], acc), which rounds once.
//   - For w = (16,) 8, 4, 2, 1 in turn, acc[j] += acc[j+w] for j < w. The result is acc[0].
//
// In a squared distance a[i]-b[i] is rounded first. NaN and infinities follow IEEE 754; of
// a NaN the sign and payload are not defined. The int8 kernels are exact.
//
// [QueryBlock] gives the bits of Dot. [Exp], [Sigmoid], [Softmax], [Sum], [Axpy], [GemvT],
// [Adam], [AdaGrad], the float64 kernels and whatever works element by element are built from operations that
// round once, in a fixed order, and have the same bits on every tier as well. [Gemm],
// [Syrk], [Potrf] and [Potrs] have not: there the order is that of the fastest tile of each
// tier. On one tier, the same call gives the same bits again.
//
// # Conventions
//
// Rows are row-major in one slice, stride elements apart, stride >= the dimension. Lengths
// that do not fit panic with a constant message; everything else is defined, nothing of no
// elements is 0. No function allocates unless it says so, starts a goroutine, reads outside
// its slices, or keeps a reference. All are safe for concurrent use, as far as the slices
// that they write are not shared.
//
// A call into assembly cannot be preempted. Long work is therefore cut into pieces of a few
// microseconds.
//
// The assembly is written by the program in asmgen; change it there and run go generate.
package simd

//go:generate go run ./asmgen
