// Package document reads model files that are JSON, as libraries really write it (bare NaN,
// Infinity and -inf), or UBJSON, into one form: a tree of values with the path to each, so
// that an error can say where.
//
// Arrays of numbers are kept as []float64. Memory is a small multiple of the input's length,
// whatever lengths it claims; nesting is bounded by maxDepth.
package document
