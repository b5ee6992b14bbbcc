package frame

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"
)

// CSVConfig says how text in columns is read: CSV, TSV and their kin.
type CSVConfig struct {
	Name  string // of the input, for errors; empty: that of the file, if it is one, else "csv"
	Comma byte   // separates cells; 0 means a comma, use '\t' for TSV

	// Literal says that quotes are text like any other, as in TSV files that were written
	// without quoting.
	Literal bool

	// NoHeader says that the first line is data. Then Names holds the names of the columns; nil
	// means "0", "1" and so on.
	NoHeader bool
	Names    []string

	// Fields declares columns; what they do not name is inferred: see [NewCSVReader].
	Fields []Field

	// Columns names what is read, in this order; nil means every column. What it leaves
	// out is not parsed.
	Columns []string

	// Missing lists the texts that stand for no value. Nil means "", "NA", "NaN", "null" and "?".
	Missing []string

	// Unit is what numbers in Time columns count, from 1970 on; 0 means that each number's
	// magnitude tells: s below 1e11, ms below 1e14, µs below 1e17, else ns.
	Unit time.Duration

	Sample    int // rows that inference looks at, within the first 16 MiB; 0 means 10,000
	ChunkRows int // most rows of a chunk; 0 means 4096
	MaxRecord int // most bytes of a record; 0 means 16 MiB
}

// sampleBytes bounds the memory of inference.
const sampleBytes = 16 << 20

// CSVReader reads a table from text, see [NewCSVReader].
type CSVReader struct {
	cfg    CSVConfig
	in     *recordScanner
	fields []Field
	from   []int // column of the chunk -> cell of the record
	texts  []texts
	guess  []int // rows that the kind was inferred from; 0: declared
	width  int   // cells of each record
	done   error
}

// NewCSVReader returns a reader of CSV text, plain or gzip, which is told by its first bytes.
// It reads the header, and the sample when there are columns to infer; so the error
// may be one of the input: [*ParseError], or [*ColumnError] when columns that Fields or Columns
// name are not there.
//
// The text is RFC 4180: a cell that begins with a quote ends with one, holds separators and
// line ends as they are and quotes doubled; lines end with LF or CRLF; every record has as many
// cells as the first one. Space around a cell does not count, a byte order mark neither, and
// empty lines are skipped.
//
// A column that Fields does not declare gets the narrowest kind that holds every value in
// the sample: Int64 when all are integers; Uint64 when all are, none is negative and one is
// above the largest int64; Float64 when all are numbers; Time when all are dates or times in
// text; else String. Integers that begin with a zero are codes and not numbers: String. So are
// integers out of uint64, since floats would make two of them one; and columns without any
// value. Vectors are never inferred. A later value that does not fit is an error that says
// what was inferred from how many rows.
//
// In String columns a cell in quotes is a value also where its text is one of Missing.
// A vector is numbers between spaces, commas, semicolons or bars, with or without brackets.
func NewCSVReader(r io.Reader, cfg CSVConfig) (*CSVReader, error) {
	cfg, err := cfg.complete(r)
	if err != nil {
		return nil, err
	}
	text, err := plain(r)
	if err != nil {
		return nil, &ParseError{File: cfg.Name, Err: err}
	}
	c := &CSVReader{cfg: cfg}
	var read bytes.Buffer
	sample := c.scanner(io.TeeReader(text, &read))
	header, err := c.header(sample)
	if err != nil {
		return nil, err
	}
	if err := c.declare(header); err != nil {
		return nil, err
	}
	if slices.Contains(c.guess, inferred) {
		c.infer(sample, &read)
	}
	c.in = c.scanner(io.MultiReader(&read, text))
	if !cfg.NoHeader {
		if _, err := c.in.next(); err != nil {
			return nil, c.fail(err)
		}
	}
	c.texts = make([]texts, len(c.fields))
	return c, nil
}

func (cfg CSVConfig) complete(r io.Reader) (CSVConfig, error) {
	if cfg.Name == "" {
		cfg.Name = nameOf(r, "csv")
	}
	if cfg.Comma == 0 {
		cfg.Comma = ','
	}
	if cfg.Missing == nil {
		cfg.Missing = []string{"", "NA", "NaN", "null", "?"}
	}
	if cfg.MaxRecord == 0 {
		cfg.MaxRecord = 16 << 20
	}
	if cfg.Sample == 0 {
		cfg.Sample = 10_000
	}
	if cfg.ChunkRows == 0 {
		cfg.ChunkRows = chunkRows
	}
	switch {
	case cfg.Comma == '"' || cfg.Comma == '\n' || cfg.Comma == '\r' || cfg.Comma == ' ' || cfg.Comma >= 0x80:
		return cfg, fmt.Errorf("frame: CSVConfig.Comma is %q; want an ASCII character that is no quote, space or line end", cfg.Comma)
	case cfg.Sample < 0 || cfg.ChunkRows < 0 || cfg.MaxRecord < 0:
		return cfg, fmt.Errorf("frame: CSVConfig.Sample is %d, ChunkRows %d, MaxRecord %d; want >= 0 (0 means 10,000, 4096, 16 MiB)",
			cfg.Sample, cfg.ChunkRows, cfg.MaxRecord)
	case cfg.Unit < 0:
		return cfg, fmt.Errorf("frame: CSVConfig.Unit is %v; want >= 0 (0 means by magnitude)", cfg.Unit)
	case cfg.Names != nil && !cfg.NoHeader:
		return cfg, errors.New("frame: CSVConfig.Names is for files without a header; set NoHeader")
	}
	if err := CheckFields(cfg.Fields); err != nil {
		return cfg, err
	}
	for i, name := range cfg.Columns {
		if slices.Contains(cfg.Columns[:i], name) {
			return cfg, fmt.Errorf("frame: CSVConfig.Columns names %q twice", name)
		}
	}
	return cfg, nil
}

func (c *CSVReader) scanner(r io.Reader) *recordScanner {
	return newRecordScanner(r, c.cfg.Comma, c.cfg.Literal, c.cfg.MaxRecord)
}

// fail gives an error of the scanner its place.
func (c *CSVReader) fail(err error) error { return c.failAt(c.in, err) }

func (c *CSVReader) failAt(in *recordScanner, err error) error {
	if err == io.EOF {
		return err
	}
	return &ParseError{File: c.cfg.Name, Line: in.line, Err: err}
}

// header returns the names of the columns. Of a file without a header it reads the first record,
// which tells their number.
func (c *CSVReader) header(in *recordScanner) ([]string, error) {
	cells, err := in.next()
	if err == io.EOF {
		if c.cfg.NoHeader && c.cfg.Names != nil {
			return c.cfg.Names, nil
		}
		return nil, &ParseError{File: c.cfg.Name, Err: errors.New("there is nothing; want a header")}
	}
	if err != nil {
		return nil, c.failAt(in, err)
	}
	header := make([]string, len(cells))
	for j, x := range cells {
		header[j] = string(x.text)
		if c.cfg.NoHeader {
			header[j] = strconv.Itoa(j)
		}
		if slices.Contains(header[:j], header[j]) {
			return nil, &ParseError{File: c.cfg.Name, Line: in.line, Err: fmt.Errorf("column %q comes twice", clip(header[j]))}
		}
	}
	if c.cfg.Names == nil {
		return header, nil
	}
	if len(c.cfg.Names) != len(header) {
		return nil, &ParseError{File: c.cfg.Name, Line: in.line, Err: fmt.Errorf("%d cells; want %d, as Names has", len(header), len(c.cfg.Names))}
	}
	return c.cfg.Names, nil
}

// inferred stands for a kind that is not known yet.
const inferred = -1

// declare finds the columns to read.
func (c *CSVReader) declare(header []string) error {
	want := c.cfg.Columns
	if want == nil {
		want = header
	}
	if err := missingColumns(c.cfg.Name, slices.Concat(want, names(c.cfg.Fields)), header); err != nil {
		return err
	}
	c.width = len(header)
	for _, name := range want {
		f, guess := Field{Name: name}, inferred
		if at := slices.IndexFunc(c.cfg.Fields, func(f Field) bool { return f.Name == name }); at >= 0 {
			f, guess = c.cfg.Fields[at], 0
		}
		c.fields = append(c.fields, f)
		c.from = append(c.from, slices.Index(header, name))
		c.guess = append(c.guess, guess)
	}
	return CheckFields(c.fields)
}

// infer looks at the sample. What cannot be read ends it: reading comes there again and says so.
func (c *CSVReader) infer(in *recordScanner, read *bytes.Buffer) {
	looks := make([]guess, len(c.fields))
	rows := 0
	see := func(cells []cell) {
		for j, at := range c.from {
			if c.guess[j] == 0 || at >= len(cells) {
				continue
			}
			if text := bytes.TrimSpace(cells[at].text); !c.isMissing(text) {
				looks[j].see(text)
			}
		}
		rows++
	}
	if c.cfg.NoHeader && len(in.cells) > 0 {
		see(in.cells)
	}
	for rows < c.cfg.Sample && read.Len() < sampleBytes {
		cells, err := in.next()
		if err != nil {
			break
		}
		see(cells)
	}
	for j := range c.fields {
		if c.guess[j] != 0 {
			c.fields[j].Kind = looks[j].kind()
			c.guess[j] = rows
		}
	}
}

func (c *CSVReader) isMissing(b []byte) bool {
	for _, m := range c.cfg.Missing {
		if string(b) == m {
			return true
		}
	}
	return false
}

// Fields returns the columns, declared or inferred, in the order of CSVConfig.Columns or of the file.
func (c *CSVReader) Fields() []Field { return c.fields }

// Next reads the next rows. An error is a [*ParseError] that names file, line, column and text; rows
// that stand before it in the file were given by the calls before, or are lost with the chunk.
func (c *CSVReader) Next(chunk *Frame) error {
	chunk.use(c.fields)
	for c.done == nil && chunk.Rows < c.cfg.ChunkRows {
		c.done = c.row(chunk)
	}
	if c.done == nil || c.done == io.EOF && chunk.Rows > 0 {
		return nil
	}
	chunk.use(c.fields)
	return c.done
}

// row reads a record into chunk.
func (c *CSVReader) row(chunk *Frame) error {
	cells, err := c.in.next()
	if err != nil {
		return c.fail(err)
	}
	if len(cells) != c.width {
		return c.fail(fmt.Errorf("%d cells; want %d, as the first line has", len(cells), c.width))
	}
	for j, at := range c.from {
		x, col := cells[at], &chunk.Columns[j]
		if x.quoted && col.Kind != String {
			x.text, x.quoted = bytes.TrimSpace(x.text), false
		}
		if !x.quoted && c.isMissing(x.text) {
			col.AppendMissing()
			continue
		}
		if err := c.value(col, &c.texts[j], x.text); err != nil {
			if n := c.guess[j]; n > 0 {
				err = fmt.Errorf("%w: %v was inferred from the first %d rows; declare the column, or raise Sample", err, col.Kind, n)
			}
			return &ParseError{File: c.cfg.Name, Line: x.line, Field: col.Name, Value: clip(string(x.text)), Err: err}
		}
	}
	chunk.Rows++
	return nil
}

// value appends what text says to col.
func (c *CSVReader) value(col *Column, t *texts, text []byte) error {
	switch col.Kind {
	case Float64:
		v, err := number(text, 64)
		col.Float64 = append(col.Float64, v)
		return err
	case Float32:
		v, err := number(text, 32)
		col.Float32 = append(col.Float32, float32(v))
		return err
	case Int64:
		v, err := strconv.ParseInt(string(text), 10, 64)
		col.Int64 = append(col.Int64, v)
		return because(err, errNoInt)
	case Uint64:
		v, err := strconv.ParseUint(string(text), 10, 64)
		col.Uint64 = append(col.Uint64, v)
		return because(err, errNoUint)
	case Time:
		v, err := unixTime(text, c.cfg.Unit)
		col.Int64 = append(col.Int64, v)
		return err
	case Vector:
		all, err := appendVector(col.Float32, text, col.Dim)
		if err == nil {
			col.Float32 = all
		}
		return err
	}
	col.String = append(col.String, t.of(text))
	return nil
}

// because returns what a parser of integers means.
func because(err, format error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, strconv.ErrRange):
		return errRange
	}
	return format
}
