// Package parquet reads and writes frames as Parquet files, which DuckDB, pandas, Spark and
// warehouses exchange.
//
// It is a module of its own, so that only those who import it get the library that it
// stands on, github.com/parquet-go/parquet-go. A [Writer] takes chunks and writes row
// groups; a [Reader] gives the columns that were asked for, chunk by chunk, whatever the size
// of the file. Both are a frame.Writer and a frame.Reader, so joins and reports take them as
// they take CSV.
//
// It does not read structs, maps, lists of anything but floats, encrypted files, decimals
// beyond 18 digits, UUIDs, times of day and FLOAT16: such columns are left out with
// ReaderConfig.Columns. It does not push filters down.
//
// A page of a damaged file can claim up to 2 GiB before it is read, and the library believes it;
// files of strangers are better read in a process with a limit.
package parquet
