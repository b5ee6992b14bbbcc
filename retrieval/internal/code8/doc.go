// Package code8 compresses vectors to one byte per component, and says how far a product
// of codes can be from the product of the vectors, so that an index which scans codes can
// prove that it has missed nothing.
//
// # Codes
//
// A row x is stored as codes c[i] in [-127, 127] under a scale s >= 0, so that x ≈ s·c. The
// bytes are c[i]+128, and a row is padded to [Stride] bytes with 128, the code of 0: kernels
// then read whole cache lines. Rows that are compared with each other by their integer
// products alone must share a scale; nothing here asks that the scale suits the row, a bad
// one only makes the bound wide. With the codes go two numbers: the norm |x| and the norm of
// the residual |x - s·c|, both rounded up.
//
// A query q is coded as u under its own scale t, int8 values without bias, padded with 0.
//
// # The bound
//
// Let r = x - s·c and e = q - t·u be the residuals. Then, exactly,
//
//	q·x = (t·u + e)·x = t·u·(s·c + r) + e·x = ts(u·c) + t(u·r) + e·x,
//
// and by the inequality of Cauchy and Schwarz
//
//	|q·x - ts(u·c)| <= |t·u| |r| + |e| |x|.                                  (1)
//
// u·c is an integer that the kernels compute exactly. The computed product differs from q·x
// as well: simd.Dot adds each component to one of 16 partial sums by a fused multiply-add,
// ⌈d/16⌉ of them one after the other, and folds the sums in 4 steps. With h = 2^-24 and
// n = ⌈d/16⌉ + 4 the usual analysis gives
//
//	|Dot(q, x) - q·x| <= g Σ|q[i]x[i]| + d·2^-149 <= g |q| |x| + d·2^-149,   (2)
//	g = nh / (1 - nh),
//
// where the last term covers results below the normal range: each of at most d fused
// operations loses at most 2^-150, the factor 1+g is covered by the other half, and sums
// of two floats lose nothing there. It holds as long as nothing overflows, which
// |q| |x| < 2^127 ensures; see [Query.Safe]. The sum of (1) and (2) is [Query.Bound].
//
// The norms are computed in float64, where the square of a float32 neither overflows nor
// underflows. Sums of squares have no cancellation: with d <= [MaxDim] components the
// relative error of a norm is below (d+4)·2^-53 < 2^-35. Each is multiplied by 1+2^-30 and,
// where it is stored, rounded up to float32; so it is never below the true norm. A residual
// x[i] - s·c[i] is a difference of two float64 without error, rounded once. The bound itself
// is a sum of four products of such numbers, evaluated in float64 and multiplied by 1+2^-40.
//
// # Squared distances
//
// For the distance, simd.L2Sq rounds each difference before it enters such a chain; two
// more roundings per component, since it is squared, give
//
//	L2Sq(q, x) >= |q-x|² (1-g') - d·2^-149,  g' = (n+2)h / (1 - (n+2)h).
//
// A row with L2Sq(q, x) <= D thus has |q-x|² <= D' = (D + d·2^-149)(1 + 2g'), and since
// |q-x|² = |q|² + |x|² - 2q·x,
//
//	q·x >= (|q|² + |x|² - D') / 2,                                           (3)
//
// which is what [Query.Product] computes, rounded down.
//
// Sources: N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., SIAM 2002,
// §3.1 (the constant g and sums of products). That a product of residuals bounds the error of
// compressed inner products is used in R. Guo et al., Quantization based fast inner product
// search, AISTATS 2016, in expectation; here it is a bound for each pair.
package code8
