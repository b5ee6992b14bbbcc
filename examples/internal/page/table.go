package page

import (
	"fmt"
	"html/template"
	"math"
	"reflect"
	"strings"
	"unicode/utf8"
)

// Table is rows and columns. Columns of numbers are aligned on the right with as many
// decimals in every row; a first column of text heads its rows.
type Table struct {
	Title   string // above it; empty for none
	Note    string // below it; empty for none
	Columns []Column
	// Rows holds a value per column: a string, any integer or float, a bool, an
	// [Estimate], or nil for an empty cell; others are shown as fmt.Sprint does. A short
	// row is filled with empty cells, and what exceeds the columns is not shown.
	Rows [][]any
}

// Column describes a column of a [Table].
type Column struct {
	Name   string
	Unit   string // set small below the name
	Format Format // nil: decimals chosen from the column's values
	Best   Best   // which value is set in bold
}

// Best says which value of a column is the best one.
type Best int

// None is the zero value of Best: no value is set in bold.
const (
	None Best = iota
	Highest
	Lowest
)

// Estimate is a number with the ends of its confidence interval, both as values of
// the same unit. It is compared and formatted by Value.
type Estimate struct {
	Value, Low, High float64
}

// madeTable is a table ready for the template.
type madeTable struct {
	Title, Note string
	Label       string // of the scrolling region
	Head        []madeHead
	Rows        [][]madeCell
	Best        bool // a cell is set in bold
}

type madeHead struct {
	Name, Unit string
	Number     bool
}

type madeCell struct {
	Text, Interval     string
	Number, Best, Head bool
}

func (t Table) render(r *renderer) (template.HTML, error) { return r.exec("table", t.made()) }

func (t Table) made() madeTable {
	m := madeTable{Title: t.Title, Note: t.Note, Label: t.Title}
	if m.Label == "" {
		m.Label = "Table"
	}
	m.Rows = make([][]madeCell, len(t.Rows))
	for i := range m.Rows {
		m.Rows[i] = make([]madeCell, len(t.Columns))
	}
	for j, c := range t.Columns {
		number := t.column(j, m.Rows)
		m.Head = append(m.Head, madeHead{c.Name, c.Unit, number})
		if j == 0 && !number {
			for i := range m.Rows {
				m.Rows[i][0].Head = true
			}
		}
		for i := range m.Rows {
			m.Best = m.Best || m.Rows[i][j].Best
		}
	}
	return m
}

// column makes the cells of column j and reports whether it is one of numbers.
func (t Table) column(j int, cells [][]madeCell) bool {
	c := t.Columns[j]
	numbers := make([]float64, len(t.Rows)) // NaN where there is none
	isNumber := make([]bool, len(t.Rows))
	all, any := true, false
	for i, row := range t.Rows {
		numbers[i] = math.NaN()
		if j >= len(row) || row[j] == nil {
			continue
		}
		numbers[i], isNumber[i] = number(row[j])
		all, any = all && isNumber[i], any || isNumber[i]
	}
	format := c.Format
	if format == nil {
		shown := numbers
		for _, row := range t.Rows {
			if j < len(row) {
				if e, ok := row[j].(Estimate); ok {
					shown = append(shown, e.Low, e.High)
				}
			}
		}
		format = Number
		if d, ok := decimalsFor(shown); ok {
			format = Fixed(d)
		}
	}
	best, found := bestOf(c.Best, numbers)
	for i, row := range t.Rows {
		cell := &cells[i][j]
		cell.Number = all && any
		switch {
		case j >= len(row) || row[j] == nil:
		case isNumber[i]:
			cell.Text = format(numbers[i])
			cell.Best = found && cell.Text == format(best)
			if e, ok := row[j].(Estimate); ok {
				cell.Interval = format(e.Low) + " to " + format(e.High)
			}
		default:
			cell.Text = fmt.Sprint(row[j])
		}
	}
	padIntervals(cells, j)
	return all && any
}

// padIntervals makes the intervals of column j as wide as the widest, so that the
// numbers before them align. A figure space is as wide as a digit.
func padIntervals(cells [][]madeCell, j int) {
	widest := 0
	for _, row := range cells {
		widest = max(widest, utf8.RuneCountInString(row[j].Interval))
	}
	for _, row := range cells {
		if c := &row[j]; widest > 0 && c.Number {
			c.Interval += strings.Repeat("\u2007", widest-utf8.RuneCountInString(c.Interval))
		}
	}
}

// number returns v as a float64 if it is a number or an estimate.
func number(v any) (float64, bool) {
	if e, ok := v.(Estimate); ok {
		return e.Value, true
	}
	if _, ok := v.(fmt.Stringer); ok {
		return 0, false // knows better how it is shown
	}
	switch r := reflect.ValueOf(v); {
	case r.CanInt():
		return float64(r.Int()), true
	case r.CanUint():
		return float64(r.Uint()), true
	case r.CanFloat():
		return r.Float(), true
	}
	return 0, false
}

// bestOf returns the best value that is not NaN. There is none when all are equal.
func bestOf(b Best, values []float64) (float64, bool) {
	lowest, highest := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if !math.IsNaN(v) {
			lowest, highest = min(lowest, v), max(highest, v)
		}
	}
	switch {
	case lowest >= highest:
		return 0, false
	case b == Highest:
		return highest, true
	}
	return lowest, b == Lowest
}
