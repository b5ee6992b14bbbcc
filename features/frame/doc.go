// Package frame holds tables by columns and streams them from and to files.
//
// A [Frame] is a table, or a chunk of one: typed columns with a mask of what is missing. A
// [Reader] fills one chunk after the other, so that a file of any size is read in the memory
// of a chunk; a [Writer] takes them. The point-in-time join, the skew report and the Parquet module
// work on these.
//
//	format    reader              writer              kinds
//	CSV, TSV  [NewCSVReader]      [NewCSVWriter]      all; declared, or inferred from a sample
//	libsvm    [NewLibSVMReader]   [NewLibSVMWriter]   float32, a uint64 group
//	.npy      [NewNPYReader]      [NewNPYWriter]      all; one column or the columns of a matrix
//	Parquet   module features/parquet                 all
//
// Readers take gzip as it is. Their errors are a [*ParseError] that names file, line, column and
// text, or a [*ColumnError] that names the columns that are not there and those that are; a
// chunk at which reading fails is empty.
//
// # Missing values
//
// A row without a value has its bit in [Column.Missing] and a filler in the slice, so that code which
// only looks at the slice sees NaN in floats. Text formats cannot tell a NaN from a missing value.
//
// It does not compute: no group by, no join, no arithmetic. Package features/asof joins by time.
package frame
