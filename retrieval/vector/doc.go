// Package vector holds checked vector kernels: products, distances and the best
// rows of a matrix, by AVX-512, AVX2 or NEON where the machine has them and in pure
// Go elsewhere. The indexes of package retrieval are built on it.
package vector
