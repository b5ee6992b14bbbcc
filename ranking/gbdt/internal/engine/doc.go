// Package engine computes the raw scores of a forest for many rows, or for one, in the way
// that suits its shape and the processor.
//
// All engines give the bits of [tree.Forest.Raw]: they add the same leaf values in the same
// order.
package engine
