package page

import (
	"fmt"
	"html/template"
	"math"
	"strings"
)

// BarChart draws a value per category and series as bars from zero, side by side in
// their category. The bars stand where the names of the categories fit below them, and
// lie otherwise; each drawing decides for its own width. The axis is linear.
type BarChart struct {
	Title      string
	Note       string // below the chart: what to see in it
	Desc       string // text alternative; empty: the values of each series
	Axis       Axis   // of the values; Log is ignored
	Categories []string
	Series     []Bars
}

// Bars is a value per category; a value that is not finite has no bar.
type Bars struct {
	Name   string
	Values []float64
	// Low and High are the ends of an error bar, parallel to Values, as values and not
	// as distances; nil or not finite: none. Charts of stacked bars pass over them.
	Low, High []float64
}

// barsUpTo is the most categories that a chart draws.
const barsUpTo = 60

func (c BarChart) render(r *renderer) (template.HTML, error) { return c.figure().render(r) }

func (c BarChart) figure() figure {
	c.Axis.Log = false
	f := figure{title: c.Title, note: c.Note}
	var out leftOut
	c.Series, f.remarks = cleanBars(c.Axis, c.Categories, c.Series, &out)
	f.remarks = append(f.remarks, out.remarks("values")...)
	f.table = barTable(c.Axis, c.Categories, c.Series)
	f.desc = describeBars("Bar chart of ", c.Desc, c.Axis, c.Categories, c.Series)
	e := c.Axis.extent()
	for _, s := range c.Series {
		for i, v := range s.Values[:min(len(s.Values), barsUpTo)] {
			e.add(v)
			if s.hasError(i) {
				e.add(s.Low[i])
				e.add(s.High[i])
			}
		}
	}
	if !e.any {
		return f
	}
	if len(c.Categories) > barsUpTo {
		f.remarks = append(f.remarks, moreBars(len(c.Categories)))
		c.Categories = c.Categories[:barsUpTo]
	}
	e.add(0)
	v := e.closed()
	b := barDrawing{c, c.barFormat()}
	f.draw = func(cv *canvas) {
		if p, ok := b.standing(cv, v); ok {
			b.drawStanding(cv, p)
			return
		}
		b.drawLying(cv, v)
	}
	return f
}

func moreBars(n int) string {
	return fmt.Sprintf("The first %d of %s categories are drawn; the table has more.", barsUpTo, Count(float64(n)))
}

func (s *Bars) hasError(i int) bool {
	return i < len(s.Low) && i < len(s.High) && !math.IsNaN(s.Low[i]) && !math.IsNaN(s.High[i])
}

// cleanBars returns the series with a value per category, NaN where there is none.
func cleanBars(axis Axis, categories []string, series []Bars, out *leftOut) ([]Bars, []string) {
	made := make([]Bars, len(series))
	var remarks []string
	for i, s := range series {
		name := s.Name
		if name == "" && len(series) > 1 {
			name = fmt.Sprintf("Series %d", i+1)
		}
		remarks = append(remarks, lengths(name, "value", len(s.Values), "category name", len(categories))...)
		b := Bars{Name: name, Values: make([]float64, len(categories))}
		if s.Low != nil && s.High != nil {
			b.Low, b.High = make([]float64, len(categories)), make([]float64, len(categories))
		}
		for k := range categories {
			b.Values[k] = math.NaN()
			if k < len(s.Values) && out.add(axis, s.Values[k]) {
				b.Values[k] = s.Values[k]
			}
			if b.Low == nil {
				continue
			}
			b.Low[k], b.High[k] = math.NaN(), math.NaN()
			if k < len(s.Low) && k < len(s.High) && axis.shows(s.Low[k]) && axis.shows(s.High[k]) && !math.IsNaN(b.Values[k]) {
				b.Low[k], b.High[k] = s.Low[k], s.High[k]
			}
		}
		made[i] = b
	}
	return made, remarks
}

func barKeys(series []Bars) []key {
	if len(series) < 2 {
		return nil
	}
	var k []key
	for i, s := range series {
		k = append(k, key{series: i, name: s.Name, swatch: true})
	}
	return k
}

func barTable(axis Axis, categories []string, series []Bars) Table {
	t := Table{Columns: []Column{{Name: "Category"}}}
	for _, s := range series {
		name := s.Name
		if name == "" {
			name = axis.name("Value")
		}
		t.Columns = append(t.Columns, Column{Name: name, Unit: axis.Unit, Format: axis.Format})
	}
	at := sample(len(categories))
	for _, k := range at {
		row := []any{categories[k]}
		for _, s := range series {
			if s.hasError(k) {
				row = append(row, Estimate{s.Values[k], s.Low[k], s.High[k]})
			} else {
				row = append(row, s.Values[k])
			}
		}
		t.Rows = append(t.Rows, row)
	}
	t.Note = sampled(len(at), len(categories))
	return t
}

func describeBars(kind, desc string, axis Axis, categories []string, series []Bars) string {
	if desc != "" {
		return desc
	}
	var b strings.Builder
	b.WriteString(kind + axis.name("values") + ".")
	for _, s := range series {
		b.WriteString(" ")
		if s.Name != "" {
			b.WriteString(s.Name + ": ")
		}
		var parts []string
		for k, v := range s.Values {
			if k == 12 {
				parts = append(parts, plural(len(s.Values)-k, "more", "more"))
				break
			}
			parts = append(parts, categories[k]+" "+axis.value(v))
		}
		b.WriteString(list(parts) + ".")
	}
	return b.String()
}

// barFormat returns how values at bars are shown: all with as many decimals, at most
// three or three digits.
func (c BarChart) barFormat() Format {
	if c.Axis.Format != nil {
		return c.Axis.Format
	}
	var values []float64
	largest := 0.0
	for _, s := range c.Series {
		for _, v := range s.Values[:len(c.Categories)] {
			if !math.IsNaN(v) {
				values, largest = append(values, v), max(largest, math.Abs(v))
			}
		}
	}
	d, ok := decimalsThatTell(values, 1, 3, exactly)
	switch {
	case largest >= 1e15 || largest > 0 && largest < 1e-3:
		return Number
	case largest >= 1e4:
		return Short
	case !ok && largest > 0:
		d = max(0, 2-int(math.Floor(math.Log10(largest))))
	}
	return Fixed(d)
}

// tooltip names a bar and its value.
func (c BarChart) tooltip(k, i int) string {
	s := c.Series[i]
	t := c.Categories[k]
	if s.Name != "" {
		t += ", " + s.Name
	}
	t += ": " + c.Axis.value(s.Values[k])
	if s.hasError(k) {
		t += " (" + c.Axis.value(s.Low[k]) + " to " + c.Axis.value(s.High[k]) + ")"
	}
	return t
}
