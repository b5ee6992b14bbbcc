package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	pq "github.com/parquet-go/parquet-go"

	"github.com/recsyskit/recsys/features/frame"
)

// ReaderConfig says what is read of a file.
type ReaderConfig struct {
	Name string // of the input, for errors; empty: that of the file, if it is one, else "parquet"

	// Columns names what is read, in this order; nil means every column. What it leaves
	// out is not even read from the disk.
	Columns []string

	// Fields declares the kinds of columns, and the dimensions of vectors. Columns that it does not
	// name have the kind of their type. A column of another type is a [*TypeError], but
	// for FLOAT as Float64, and signed integers as Uint64 and the other way round, where values
	// that do not fit are errors.
	Fields []frame.Field

	ChunkRows int // most rows of a chunk; 0 means 4096
}

// Reader reads a table from a Parquet file, see [NewReader].
type Reader struct {
	cfg    ReaderConfig
	in     io.ReaderAt
	file   *pq.File
	fields []frame.Field
	cols   []*column
	group  int   // the next row group
	left   int64 // rows of the one that is being read
	done   error
}

var _ frame.Reader = (*Reader)(nil)

// NewReader returns a reader of the Parquet file of that size, and reads its footer. Chunks come row
// group by row group, in their order; memory holds a page of each column, never a row group.
//
// A column becomes the kind that holds its values: FLOAT and DOUBLE Float32 and Float64; integers
// Int64, unsigned ones and BOOLEAN Uint64; DECIMAL up to 18 digits Float64; strings, enums, JSON and
// plain BYTE_ARRAY String; timestamps in any unit, dates and INT96 Time; lists of floats Vector,
// whose dimension Fields tells, or the file if [Writer] made it, or the first row that has
// a list. A list of another length is an error; a null in a list is NaN, and null is missing.
// Other columns are a [*TypeError] unless Columns leaves them out.
//
// A page that would unpack to more than 256 MiB is refused as damage, before anything is allocated for it.
//
// Other errors are [*frame.ColumnError] for a column that is not there, and [*FormatError],
// which wraps [ErrFormat], for damage and foreign bytes.
func NewReader(r io.ReaderAt, size int64, cfg ReaderConfig) (x *Reader, err error) {
	if cfg.ChunkRows < 0 {
		return nil, fmt.Errorf("parquet: ReaderConfig.ChunkRows is %d; want >= 0 (0 means 4096)", cfg.ChunkRows)
	}
	if cfg.ChunkRows == 0 {
		cfg.ChunkRows = 4096
	}
	if cfg.Name == "" {
		cfg.Name = "parquet"
		if f, ok := r.(interface{ Name() string }); ok {
			cfg.Name = f.Name()
		}
	}
	if err := frame.CheckFields(cfg.Fields); err != nil {
		return nil, err
	}
	defer catch(cfg.Name, &err)
	x = &Reader{cfg: cfg, in: r}
	if x.file, err = open(r, size); err != nil {
		return nil, &FormatError{File: cfg.Name, RowGroup: -1, Err: err}
	}
	if err := x.declare(); err != nil {
		return nil, err
	}
	return x, nil
}

// open checks what the library takes on trust before it allocates.
func open(r io.ReaderAt, size int64) (*pq.File, error) {
	var tail [8]byte
	if size < 12 {
		return nil, fmt.Errorf("%d bytes; want at least 12", size)
	}
	if n, err := r.ReadAt(tail[:], size-8); n < 8 {
		return nil, err
	}
	if string(tail[4:]) != "PAR1" {
		return nil, fmt.Errorf("ends with %q; want \"PAR1\"", tail[4:])
	}
	if n := int64(binary.LittleEndian.Uint32(tail[:])); n > size-12 {
		return nil, fmt.Errorf("a footer of %d bytes in a file of %d", n, size)
	}
	f, err := pq.OpenFile(r, size, pq.SkipPageIndex(true), pq.SkipBloomFilters(true))
	if err != nil {
		return nil, err
	}
	for i, g := range f.Metadata().RowGroups {
		for _, c := range g.Columns {
			if m := &c.MetaData; m.TotalCompressedSize < 0 || m.TotalCompressedSize > size || m.DataPageOffset < 0 || m.DictionaryPageOffset < 0 {
				return nil, fmt.Errorf("row group %d has a column of %d bytes at %d in a file of %d", i, m.TotalCompressedSize, m.DataPageOffset, size)
			}
		}
	}
	return f, nil
}

// declare finds the columns to read.
func (x *Reader) declare() error {
	top := x.file.Root().Columns()
	have := make([]string, len(top))
	for i, c := range top {
		have[i] = c.Name()
	}
	want := x.cfg.Columns
	if want == nil {
		want = have
	}
	e := &frame.ColumnError{File: x.cfg.Name, Have: have}
	for _, f := range x.cfg.Fields {
		if !slices.Contains(have, f.Name) {
			e.Missing = append(e.Missing, f.Name)
		}
	}
	for _, name := range want {
		if !slices.Contains(have, name) && !slices.Contains(e.Missing, name) {
			e.Missing = append(e.Missing, name)
		}
	}
	if e.Missing != nil {
		return e
	}
	metadata, _ := x.file.Lookup(metadataKey)
	dims := dimsIn(metadata)
	for _, name := range want {
		var declared *frame.Field
		if i := slices.IndexFunc(x.cfg.Fields, func(f frame.Field) bool { return f.Name == name }); i >= 0 {
			declared = &x.cfg.Fields[i]
		}
		c, err := newColumn(x.cfg.Name, top[slices.Index(have, name)], declared)
		if err != nil {
			return err
		}
		if c.field.Kind == frame.Vector && c.field.Dim == 0 {
			if c.field.Dim = dims[name]; c.field.Dim == 0 {
				if err := x.measure(c); err != nil {
					return err
				}
			}
		}
		x.cols, x.fields = append(x.cols, c), append(x.fields, c.field)
	}
	return frame.CheckFields(x.fields)
}

// measure sets the dimension of a column of vectors to the length of its first list.
func (x *Reader) measure(c *column) error {
	defer c.close()
	for g := range x.file.RowGroups() {
		c.close()
		if err := x.openPages(c, g); err != nil {
			return err
		}
		n := 0
		for {
			v, err := c.peek()
			if err == io.EOF || err == nil && n > 0 && v.RepetitionLevel() == 0 {
				break
			}
			if err != nil {
				return x.damaged(c, g, err)
			}
			c.at++
			if v.DefinitionLevel() > c.list {
				n++
			}
		}
		if n > 0 {
			c.field.Dim = n
			return nil
		}
	}
	return fmt.Errorf("%s: column %q has no list that tells its dimension; declare it in Fields", x.cfg.Name, c.field.Name)
}

func (x *Reader) damaged(c *column, group int, err error) error {
	return &FormatError{File: x.cfg.Name, Column: c.field.Name, RowGroup: group, Err: err}
}

// Fields returns the columns, in the order of ReaderConfig.Columns or of the file.
func (x *Reader) Fields() []frame.Field { return x.fields }

// Rows returns how many rows the file has.
func (x *Reader) Rows() int64 { return x.file.NumRows() }

// Next reads the next rows, which are of one row group.
func (x *Reader) Next(chunk *frame.Frame) (err error) {
	if x.done == nil {
		x.done = x.next(chunk)
		if x.done == nil {
			return nil
		}
		x.Close()
	}
	reset(chunk, x.fields)
	return x.done
}

func (x *Reader) next(chunk *frame.Frame) (err error) {
	defer catch(x.cfg.Name, &err)
	reset(chunk, x.fields)
	for x.left == 0 {
		if err := x.openGroup(); err != nil {
			return err
		}
	}
	n := int(min(x.left, int64(x.cfg.ChunkRows)))
	for j, c := range x.cols {
		to := &chunk.Columns[j]
		for range n {
			if err := c.row(to); err != nil {
				return x.damaged(c, x.group-1, err)
			}
		}
	}
	chunk.Rows = n
	x.left -= int64(n)
	return nil
}

// openGroup goes on to the next row group, when all rows of the last one are read.
func (x *Reader) openGroup() error {
	for _, c := range x.cols {
		if c.pages == nil {
			continue
		}
		if _, err := c.peek(); err == nil {
			return x.damaged(c, x.group-1, errMoreRows)
		} else if !errors.Is(err, io.EOF) {
			return x.damaged(c, x.group-1, err)
		}
		c.close()
	}
	groups := x.file.RowGroups()
	if x.group == len(groups) {
		return io.EOF
	}
	g := groups[x.group]
	x.group++
	if x.left = g.NumRows(); x.left < 0 || len(x.cols) == 0 {
		return &FormatError{File: x.cfg.Name, RowGroup: x.group - 1, Err: fmt.Errorf("%d rows of %d columns", x.left, len(x.cols))}
	}
	for _, c := range x.cols {
		if err := x.openPages(c, x.group-1); err != nil {
			return err
		}
	}
	return nil
}

// openPages stands before the first page of a column in a row group.
func (x *Reader) openPages(c *column, group int) error {
	if err := checkPages(x.in, &x.file.Metadata().RowGroups[group].Columns[c.leaf].MetaData); err != nil {
		return x.damaged(c, group, err)
	}
	c.pages = x.file.RowGroups()[group].ColumnChunks()[c.leaf].Pages()
	return nil
}

// Close lets go of the pages that are being read. Reading to the end does it too. The file itself
// is the caller's.
func (x *Reader) Close() error {
	for _, c := range x.cols {
		c.close()
	}
	if x.done == nil {
		x.done = errors.New("parquet: the reader is closed")
	}
	return nil
}

// reset makes chunk an empty frame of the fields.
func reset(chunk *frame.Frame, fields []frame.Field) {
	if !slices.Equal(chunk.Fields(), fields) {
		chunk.Columns = make([]frame.Column, len(fields))
		for i, f := range fields {
			chunk.Columns[i].Field = f
		}
	}
	chunk.Reset()
}
