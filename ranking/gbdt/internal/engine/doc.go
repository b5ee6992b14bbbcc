// Package engine computes the raw scores of a forest for many rows, or for one, in the way
// that suits its shape and the processor.
//
// All engines give the bits of [tree.Forest.Raw]: they add the same leaf values in the same
// order.
//
//	engine | what it does                                            | taken for
//	Bits   | asks every node for 32 rows, strikes out leaves         | AVX2, AVX-512; up to 64 leaves
//	Slices | decides every test for 64 rows, sends them down as bits | larger trees; other processors
//	Walk   | steps down a tree with 8 rows, without branches         | few rows, few trees; single rows
//	Lanes  | takes a row through 16 trees, as Bits does              | single rows with AVX-512
//	Plain  | the reference                                           | sets of categories too large for tables
//
// Missing values and categories cost the engines nothing: a row is first turned into
// words of 32 bits in which they are decided or numbers that order (see layout). Models in leaves are
// computed from the row once its leaf is known.
//
// Sources: Lucchese et al., "QuickScorer", SIGIR 2015; Ye et al., "RapidScorer", KDD 2018.
package engine
