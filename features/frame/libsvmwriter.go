package frame

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
)

// LibSVMWriterConfig says how libsvm text is written.
type LibSVMWriterConfig struct {
	Label string // name of the Float32 column of labels; empty means "label"
	Group string // name of the Uint64 column that becomes qid; empty: there is none

	OneBased        bool // the first index is 1
	AbsentIsMissing bool // lines leave out what is missing; otherwise they leave out zeros, and what is missing is nan
}

// LibSVMWriter writes a table as libsvm text, see [NewLibSVMWriter].
type LibSVMWriter struct {
	out          *bufio.Writer
	cfg          LibSVMWriterConfig
	fields       []Field
	label, group int
	line         []byte
}

// NewLibSVMWriter returns a writer of libsvm text. All columns but label and group are
// features, in their order: Float32, or Vectors, whose values follow each other.
func NewLibSVMWriter(w io.Writer, fields []Field, cfg LibSVMWriterConfig) (*LibSVMWriter, error) {
	if err := CheckFields(fields); err != nil {
		return nil, err
	}
	cfg.Label = orElse(cfg.Label, "label")
	want := []string{cfg.Label}
	if cfg.Group != "" {
		want = append(want, cfg.Group)
	}
	if err := missingColumns("", want, names(fields)); err != nil {
		return nil, err
	}
	x := &LibSVMWriter{out: bufio.NewWriterSize(w, 1<<16), cfg: cfg, fields: slices.Clone(fields), label: -1, group: -1}
	for j, f := range fields {
		switch {
		case f.Name == cfg.Label && f.Kind == Float32:
			x.label = j
		case cfg.Group != "" && f.Name == cfg.Group && f.Kind == Uint64:
			x.group = j
		case f.Name == cfg.Label || f.Name == cfg.Group || f.Kind != Float32 && f.Kind != Vector:
			return nil, fmt.Errorf("frame: column %v cannot be libsvm; want a float32 label, a uint64 group, float32 or vector features", f)
		}
	}
	return x, nil
}

// Write writes the rows of chunk. A group without a value and an infinite number are errors
// that name row and column; rows of the chunk above it may have been written then.
func (w *LibSVMWriter) Write(chunk *Frame) error {
	if err := checkChunk(chunk, w.fields); err != nil {
		return err
	}
	for i := range chunk.Rows {
		if err := w.row(chunk, i); err != nil {
			return err
		}
	}
	return nil
}

func (w *LibSVMWriter) row(chunk *Frame, i int) error {
	bad := func(c *Column, what string) error {
		return fmt.Errorf("frame: column %q, row %d of the chunk: %s", c.Name, i, what)
	}
	label := orNaN(chunk.Columns[w.label].Float32[i], chunk.Columns[w.label].IsMissing(i))
	if math.IsInf(float64(label), 0) {
		return bad(&chunk.Columns[w.label], "is infinite, which libsvm readers refuse")
	}
	w.line = appendNumber(w.line[:0], float64(label), 32)
	if w.group >= 0 {
		c := &chunk.Columns[w.group]
		if c.IsMissing(i) {
			return bad(c, "has no value")
		}
		w.line = strconv.AppendUint(append(w.line, " qid:"...), c.Uint64[i], 10)
	}
	at := 0
	if w.cfg.OneBased {
		at = 1
	}
	for j := range chunk.Columns {
		if j == w.label || j == w.group {
			continue
		}
		c := &chunk.Columns[j]
		values := c.Float32[i:]
		width := 1
		if c.Kind == Vector {
			values, width = c.VectorRow(i), c.Dim
		}
		for _, v := range values[:width] {
			if c.IsMissing(i) {
				v = float32(math.NaN())
			}
			if math.IsInf(float64(v), 0) {
				return bad(c, "is infinite, which libsvm readers refuse")
			}
			w.pair(at, v)
			at++
		}
	}
	_, err := w.out.Write(append(w.line, '\n'))
	return err
}

// pair writes a feature unless it is what a reader takes for absent.
func (w *LibSVMWriter) pair(at int, v float32) {
	if missing := v != v; w.cfg.AbsentIsMissing && missing || !w.cfg.AbsentIsMissing && math.Float32bits(v) == 0 {
		return
	}
	w.line = strconv.AppendInt(append(w.line, ' '), int64(at), 10)
	w.line = appendNumber(append(w.line, ':'), float64(v), 32)
}

// Close writes what is left.
func (w *LibSVMWriter) Close() error { return w.out.Flush() }
