package frame

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math"
	"strconv"
	"time"
)

// CSVWriterConfig says how text in columns is written.
type CSVWriterConfig struct {
	Comma    byte // separates cells; 0 means a comma, use '\t' for TSV
	NoHeader bool // the first line is data
}

// CSVWriter writes a table as text, see [NewCSVWriter].
type CSVWriter struct {
	out    *bufio.Writer
	cfg    CSVWriterConfig
	fields []Field
	line   []byte
	cell   []byte
	none   string // what a missing value is in a table of one column
}

// NewCSVWriter returns a writer of CSV text (RFC 4180, lines end with LF) that [NewCSVReader] with
// the same Fields reads back to the bit.
//
// Numbers have as many digits as they need; times are RFC 3339 in UTC; vectors are numbers
// between spaces. A missing value is an empty cell, NA in a table of one column. Strings
// that would be read as something else, the empty one for instance, stand in quotes. Only a
// NaN that is not missing comes back as missing.
func NewCSVWriter(w io.Writer, fields []Field, cfg CSVWriterConfig) (*CSVWriter, error) {
	c, err := CSVConfig{Comma: cfg.Comma}.complete(nil)
	if err != nil {
		return nil, err
	}
	if err := CheckFields(fields); err != nil {
		return nil, err
	}
	if len(fields) == 0 {
		return nil, errors.New("frame: a table without columns has no form as CSV")
	}
	cfg.Comma = c.Comma
	x := &CSVWriter{out: bufio.NewWriterSize(w, 1<<16), cfg: cfg, fields: append([]Field(nil), fields...)}
	if x.none = "NA"; cfg.Comma == 'N' || cfg.Comma == 'A' {
		x.none = "null"
	}
	if !cfg.NoHeader {
		for j, f := range fields {
			x.separate(j)
			x.appendText(f.Name)
		}
		x.endLine()
	}
	return x, nil
}

// Write writes the rows of chunk. An error of the output may come later, by Close.
func (w *CSVWriter) Write(chunk *Frame) error {
	if err := checkChunk(chunk, w.fields); err != nil {
		return err
	}
	for i := range chunk.Rows {
		for j := range chunk.Columns {
			w.separate(j)
			w.value(&chunk.Columns[j], i)
		}
		if err := w.endLine(); err != nil {
			return err
		}
	}
	return nil
}

// Close writes what is left.
func (w *CSVWriter) Close() error { return w.out.Flush() }

// checkChunk is what every writer asks of a chunk.
func checkChunk(chunk *Frame, fields []Field) error {
	if err := chunk.Validate(); err != nil {
		return err
	}
	return chunk.same(fields)
}

func (w *CSVWriter) separate(j int) {
	if j > 0 {
		w.line = append(w.line, w.cfg.Comma)
	}
}

func (w *CSVWriter) endLine() error {
	w.line = append(w.line, '\n')
	_, err := w.out.Write(w.line)
	w.line = w.line[:0]
	return err
}

func (w *CSVWriter) value(c *Column, i int) {
	b := w.cell[:0]
	switch {
	case c.IsMissing(i):
		if len(w.fields) == 1 {
			w.line = append(w.line, w.none...)
		}
		return
	case c.Kind == String:
		w.appendText(c.String[i])
		return
	case c.Kind == Float64:
		b = appendNumber(b, c.Float64[i], 64)
	case c.Kind == Float32:
		b = appendNumber(b, float64(c.Float32[i]), 32)
	case c.Kind == Int64:
		b = strconv.AppendInt(b, c.Int64[i], 10)
	case c.Kind == Uint64:
		b = strconv.AppendUint(b, c.Uint64[i], 10)
	case c.Kind == Time:
		b = time.Unix(0, c.Int64[i]).UTC().AppendFormat(b, time.RFC3339Nano)
	case c.Kind == Vector:
		for k, v := range c.VectorRow(i) {
			if k > 0 {
				b = append(b, ' ')
			}
			b = appendNumber(b, float64(v), 32)
		}
	}
	w.cell = b
	if bytes.IndexByte(b, w.cfg.Comma) >= 0 {
		w.appendQuoted(string(b))
		return
	}
	w.line = append(w.line, b...)
}

func appendNumber(b []byte, v float64, bits int) []byte {
	if math.IsNaN(v) {
		return append(b, "NaN"...)
	}
	return strconv.AppendFloat(b, v, 'g', -1, bits)
}

// appendText writes a string, in quotes where the reader would take it for something else.
func (w *CSVWriter) appendText(s string) {
	if w.plain(s) {
		w.line = append(w.line, s...)
		return
	}
	w.appendQuoted(s)
}

func (w *CSVWriter) plain(s string) bool {
	switch s {
	case "", "NA", "NaN", "null", "?":
		return false
	}
	if isSpace(s[0]) || isSpace(s[len(s)-1]) || s[0] == "\ufeff"[0] {
		return false
	}
	for i := range len(s) {
		if b := s[i]; b == w.cfg.Comma || b == '"' || b == '\n' || b == '\r' {
			return false
		}
	}
	return true
}

func (w *CSVWriter) appendQuoted(s string) {
	w.line = append(w.line, '"')
	for i := range len(s) {
		if s[i] == '"' {
			w.line = append(w.line, '"')
		}
		w.line = append(w.line, s[i])
	}
	w.line = append(w.line, '"')
}
