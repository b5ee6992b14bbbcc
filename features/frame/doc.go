// Package frame holds tables by columns and streams them from and to files.
//
// A [Frame] is a table, or a chunk of one: typed columns with a mask of what is missing. A
// [Reader] fills one chunk after the other, so that a file of any size is read in the memory
// of a chunk; a [Writer] takes them. The point-in-time join, the skew report and
// the Parquet module work on these.
package frame
