package ranking

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// CSVConfig says what the columns of a CSV file are. Columns that it does not name
// are float columns. A file without a header has columns named "0", "1", and so on.
type CSVConfig struct {
	Name     string // of the input, for errors; empty means "csv"
	Comma    rune   // separates fields; 0 means a comma, use '\t' for TSV
	NoHeader bool   // the first line is data

	Labels []string // columns that are heads
	// Positive makes the label of a head 1 where the cell is this text and 0 where it
	// is another, for labels that are words: {"income": ">50K"}.
	Positive map[string]string

	// IDs names the columns that hold categories: a decimal number is the ID itself,
	// other text stands for its [recsys.HashID].
	IDs  []string
	Drop []string // columns to leave out

	// Columns with the fields of [Dataset] that are no features. Group is read as an
	// ID, Time as Unix s, ms, µs or ns (by magnitude) or RFC 3339.
	Weight, Group, Time, Position, Propensity string

	// Missing lists the texts that stand for a missing value: NaN, or ID 0. Nil means
	// "", "NA", "NaN", "null" and "?".
	Missing []string
}

// ReadCSV reads a dataset from CSV text (RFC 4180, quotes included). Space around
// a field does not count. Numbers outside float32 are errors. Every error is a
// [*ParseError] with file, line and column; nothing is returned half-read.
func ReadCSV(r io.Reader, cfg CSVConfig) (*Dataset, error) {
	if cfg.Name == "" {
		cfg.Name = "csv"
	}
	if cfg.Missing == nil {
		cfg.Missing = []string{"", "NA", "NaN", "null", "?"}
	}
	c := &csvReader{CSVConfig: cfg, in: csv.NewReader(r), d: new(Dataset)}
	c.in.ReuseRecord = true
	if cfg.Comma != 0 {
		c.in.Comma = cfg.Comma
	}
	for first := true; ; first = false {
		record, err := c.in.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, c.csvError(err)
		}
		if first {
			if err := c.head(record); err != nil {
				return nil, &ParseError{File: cfg.Name, Line: 1, Err: err}
			}
			if !cfg.NoHeader {
				continue
			}
		}
		if err := c.row(record); err != nil {
			return nil, err
		}
	}
	if c.cells == nil {
		return nil, &ParseError{File: cfg.Name, Err: errors.New("there is nothing")}
	}
	if err := c.d.Validate(); err != nil {
		return nil, &ParseError{File: cfg.Name, Err: err}
	}
	return c.d, nil
}

// cell reads one field of a record into the dataset.
type cell func(text string, missing bool) error

type csvReader struct {
	CSVConfig
	in    *csv.Reader
	d     *Dataset
	names []string
	cells []cell // nil: dropped
}

func (c *csvReader) csvError(err error) error {
	if p, ok := errors.AsType[*csv.ParseError](err); ok {
		return &ParseError{File: c.Name, Line: p.Line, Err: p.Err}
	}
	return &ParseError{File: c.Name, Err: err}
}

// head gives every column its reader.
func (c *csvReader) head(record []string) error {
	seen := map[string]bool{}
	for j, text := range record {
		name := strings.TrimSpace(strings.TrimPrefix(text, "\ufeff"))
		if c.NoHeader {
			name = strconv.Itoa(j)
		}
		if seen[name] {
			return fmt.Errorf("column %q comes twice", name)
		}
		seen[name] = true
		c.names = append(c.names, name)
	}
	if err := c.checkNames(); err != nil {
		return err
	}
	c.cells = make([]cell, len(c.names))
	for j, name := range c.names {
		switch {
		case slices.Contains(c.Drop, name):
		case slices.Contains(c.Labels, name):
			c.cells[j] = c.label(name)
		case slices.Contains(c.IDs, name):
			c.d.IDColumns = append(c.d.IDColumns, name)
			c.cells[j] = func(text string, missing bool) error {
				id := uint64(0)
				if !missing {
					id = parseID(text)
				}
				c.d.IDs = append(c.d.IDs, id)
				return nil
			}
		default:
			if c.cells[j] = c.special(name); c.cells[j] == nil {
				c.d.Columns = append(c.d.Columns, name)
				c.cells[j] = floats(&c.d.Floats, float32(math.NaN()))
			}
		}
	}
	return nil
}

// checkNames finds the names in the configuration that the file does not have, or
// that have two roles.
func (c *csvReader) checkNames() error {
	role := map[string]string{}
	var errs []error
	use := func(what string, names ...string) {
		for _, name := range names {
			if name == "" {
				continue
			}
			if !slices.Contains(c.names, name) {
				errs = append(errs, fmt.Errorf("%s: no column %q (columns: %s)", what, name, list(c.names)))
			}
			if other, ok := role[name]; ok {
				errs = append(errs, fmt.Errorf("%s: column %q is among %s already", what, name, other))
			}
			role[name] = what
		}
	}
	use("Labels", c.Labels...)
	use("IDs", c.IDs...)
	use("Drop", c.Drop...)
	use("Weight", c.Weight)
	use("Group", c.Group)
	use("Time", c.Time)
	use("Position", c.Position)
	use("Propensity", c.Propensity)
	for name := range c.Positive {
		if !slices.Contains(c.Labels, name) {
			errs = append(errs, fmt.Errorf("%s: %q is not among Labels (%s)", "Positive", name, list(c.Labels)))
		}
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(errs...)
}

// label reads a head. The heads stand in the order of the file.
func (c *csvReader) label(name string) cell {
	c.d.Heads = append(c.d.Heads, name)
	positive, word := c.Positive[name]
	if !word {
		return floats(&c.d.Labels, float32(math.NaN()))
	}
	return func(text string, missing bool) error {
		y := float32(0)
		switch {
		case text == positive:
			y = 1
		case missing:
			y = float32(math.NaN())
		}
		c.d.Labels = append(c.d.Labels, y)
		return nil
	}
}

// special reads a column that is no feature, or returns nil if it is one.
func (c *csvReader) special(name string) cell {
	d := c.d
	switch name {
	case "":
		return nil
	case c.Weight:
		return floats(&d.Weights, 1)
	case c.Group:
		return func(text string, _ bool) error {
			d.Groups = append(d.Groups, parseID(text))
			return nil
		}
	case c.Time:
		return func(text string, _ bool) error {
			t, err := parseTime(text)
			d.Times = append(d.Times, t)
			return err
		}
	case c.Position:
		return func(text string, missing bool) error {
			p := int64(-1)
			var err error
			if !missing {
				p, err = strconv.ParseInt(text, 10, 32)
			}
			if err != nil || p < -1 {
				return errNoInteger
			}
			d.Positions = append(d.Positions, int32(p))
			return nil
		}
	case c.Propensity:
		return func(text string, missing bool) error {
			p := math.NaN()
			var err error
			if !missing {
				p, err = strconv.ParseFloat(text, 64)
			}
			if err != nil {
				return errNoNumber
			}
			d.Propensities = append(d.Propensities, p)
			return nil
		}
	}
	return nil
}

// floats appends numbers to a slice, missing where there is none.
func floats(to *[]float32, missing float32) cell {
	return func(text string, isMissing bool) error {
		v := missing
		var err error
		if !isMissing {
			v, err = parseFloat(text)
		}
		*to = append(*to, v)
		return err
	}
}

func (c *csvReader) row(record []string) error {
	for j, read := range c.cells {
		if read == nil {
			continue
		}
		text := strings.TrimSpace(record[j])
		if err := read(text, slices.Contains(c.Missing, text)); err != nil {
			line, _ := c.in.FieldPos(j)
			return &ParseError{File: c.Name, Line: line, Field: c.names[j], Value: clip(text), Err: err}
		}
	}
	return nil
}
