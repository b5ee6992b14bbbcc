package parquet

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"

	"github.com/recsyskit/recsys/features/frame"
)

// Compression is the codec of a file's pages.
type Compression uint8

// The codecs. All readers know Snappy; Zstd makes the smallest files of the fast ones.
// There is no LZ4: what version 0.32 of the library wrote with it, it could not read in our tests.
const (
	Snappy Compression = iota
	Uncompressed
	Gzip
	Zstd
	codecs
)

var codecNames = [codecs]string{"snappy", "uncompressed", "gzip", "zstd"}

// String returns "snappy", "uncompressed", "gzip" or "zstd".
func (c Compression) String() string {
	if c < codecs {
		return codecNames[c]
	}
	return fmt.Sprintf("Compression(%d)", uint8(c))
}

func (c Compression) codec() compress.Codec {
	return [codecs]compress.Codec{&pq.Snappy, &pq.Uncompressed, &pq.Gzip, &pq.Zstd}[c]
}

// WriterConfig says how a file is written.
type WriterConfig struct {
	Compression Compression // Snappy by default

	// RowGroupRows is how many rows a row group has, but for the last one; 0 means 131,072. A
	// row group is in memory, compressed, until it is complete; readers read one at a time.
	RowGroupRows int

	// DictionaryBytes bounds the dictionary of a String column in a row group, beyond which its
	// values are written plain; 0 means 1 MiB.
	DictionaryBytes int64
}

// Writer writes a table as a Parquet file, see [NewWriter].
type Writer struct {
	cfg    WriterConfig
	fields []frame.Field
	out    *pq.GenericWriter[any]
	rows   int // of the row group
	values []pq.Value
	err    error
}

var _ frame.Writer = (*Writer)(nil)

// NewWriter returns a writer of a Parquet file with the given columns, all of which are optional:
//
//	Float64   DOUBLE
//	Float32   FLOAT
//	Int64     INT64, integer of 64 bits
//	Uint64    INT64, unsigned integer of 64 bits
//	String    BYTE_ARRAY, UTF-8, dictionary
//	Time      INT64, timestamp in nanoseconds since 1970 in UTC, with no zone of its own
//	Vector    LIST of required FLOAT, of Dim values in each row
//
// Missing values are null. A NaN that is not missing is a NaN. Parquet has no lists of fixed size:
// the dimensions stand in the metadata under "recsys.frame", where [NewReader] finds them.
func NewWriter(w io.Writer, fields []frame.Field, cfg WriterConfig) (*Writer, error) {
	if err := frame.CheckFields(fields); err != nil {
		return nil, err
	}
	switch {
	case len(fields) == 0:
		return nil, errors.New("parquet: a table without columns cannot be a file")
	case cfg.Compression >= codecs:
		return nil, fmt.Errorf("parquet: WriterConfig.Compression is %d; want Snappy, Uncompressed, Gzip or Zstd", cfg.Compression)
	case cfg.RowGroupRows < 0 || cfg.DictionaryBytes < 0:
		return nil, fmt.Errorf("parquet: WriterConfig.RowGroupRows is %d, DictionaryBytes %d; want >= 0 (0 means 131,072 and 1 MiB)",
			cfg.RowGroupRows, cfg.DictionaryBytes)
	}
	if cfg.RowGroupRows == 0 {
		cfg.RowGroupRows = 1 << 17
	}
	if cfg.DictionaryBytes == 0 {
		cfg.DictionaryBytes = 1 << 20
	}
	out := pq.NewGenericWriter[any](w, schemaOf(fields),
		pq.Compression(cfg.Compression.codec()),
		pq.KeyValueMetadata(metadataKey, metadataOf(fields)),
		pq.DictionaryMaxBytes(cfg.DictionaryBytes),
		pq.CreatedBy("recsys", "v0", ""),
	)
	return &Writer{cfg: cfg, fields: slices.Clone(fields), out: out}, nil
}

// Write writes the rows of chunk. An error stays: what was written then is not a file. Text that is not UTF-8 is an
// error that names column and row, since other readers refuse the file, and then nothing of the chunk was written.
func (w *Writer) Write(chunk *frame.Frame) error {
	if w.err != nil {
		return w.err
	}
	if err := chunk.Validate(); err != nil {
		return err
	}
	if have := chunk.Fields(); !slices.Equal(have, w.fields) {
		return fmt.Errorf("parquet: rows of %v where the file has %v", have, w.fields)
	}
	for j := range chunk.Columns {
		c := &chunk.Columns[j]
		for i, s := range c.String {
			if !utf8.ValidString(s) && !c.IsMissing(i) {
				return fmt.Errorf("parquet: column %q, row %d of the chunk: %.40q is not UTF-8, which Parquet asks of text", c.Name, i, s)
			}
		}
	}
	for from := 0; from < chunk.Rows; {
		to := min(chunk.Rows, from+w.cfg.RowGroupRows-w.rows)
		for j, out := range w.out.ColumnWriters() {
			if w.err = w.column(out, &chunk.Columns[j], j, from, to); w.err != nil {
				return w.err
			}
		}
		w.rows += to - from
		if from = to; w.rows == w.cfg.RowGroupRows {
			if w.err = w.out.Flush(); w.err != nil {
				return w.err
			}
			w.rows = 0
		}
	}
	return nil
}

// column writes rows of a column, in parts so that the values take little memory.
func (w *Writer) column(out *pq.ColumnWriter, c *frame.Column, j, from, to int) error {
	for i := from; i < to; {
		w.values = w.values[:0]
		for ; i < to && len(w.values) < 1024; i++ {
			w.values = appendValues(w.values, c, j, i)
		}
		if _, err := out.WriteRowValues(w.values); err != nil {
			return fmt.Errorf("parquet: column %q: %w", c.Name, err)
		}
	}
	return nil
}

// appendValues appends the values of row i. Levels of a vector: 0 null, 1 empty, 2 a value.
func appendValues(to []pq.Value, c *frame.Column, j, i int) []pq.Value {
	if c.IsMissing(i) {
		return append(to, pq.NullValue().Level(0, 0, j))
	}
	var v pq.Value
	switch c.Kind {
	case frame.Float64:
		v = pq.DoubleValue(c.Float64[i])
	case frame.Float32:
		v = pq.FloatValue(c.Float32[i])
	case frame.Int64, frame.Time:
		v = pq.Int64Value(c.Int64[i])
	case frame.Uint64:
		v = pq.Int64Value(int64(c.Uint64[i]))
	case frame.String:
		v = pq.ByteArrayValue([]byte(c.String[i]))
	case frame.Vector:
		for k, x := range c.VectorRow(i) {
			to = append(to, pq.FloatValue(x).Level(min(k, 1), 2, j))
		}
		return to
	}
	return append(to, v.Level(0, 1, j))
}

// Close writes the last row group and the footer. A second call does nothing and returns nil if the first did; Write is an error
// from then on.
func (w *Writer) Close() error {
	if w.err == errClosed {
		return nil
	}
	if w.err != nil {
		return w.err
	}
	if w.err = w.out.Close(); w.err != nil {
		return w.err
	}
	w.err = errClosed
	return nil
}

var errClosed = errors.New("parquet: the writer is closed")
