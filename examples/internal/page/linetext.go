package page

import (
	"fmt"
	"slices"
	"strings"
)

func (c LineChart) describe(lines []lineData) string {
	if c.Desc != "" {
		return c.Desc
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Line chart of %s against %s.", c.Y.name("y"), c.X.name("x"))
	for i, l := range lines {
		if i == 12 {
			fmt.Fprintf(&b, " And %s.", plural(len(lines)-i, "more line", "more lines"))
			break
		}
		if l.points == 0 {
			fmt.Fprintf(&b, " %s: no points.", l.name)
			continue
		}
		fmt.Fprintf(&b, " %s: %s, from %s at %s to %s at %s, lowest %s, highest %s.", l.name, plural(l.points, "point", "points"),
			c.Y.value(l.y[l.first]), c.X.value(l.x[l.first]), c.Y.value(l.y[l.last]), c.X.value(l.x[l.last]), c.Y.value(l.lowest), c.Y.value(l.highest))
	}
	return b.String()
}

// table has a column per series when all have the same x, else a row per point with
// the name of its series.
func (c LineChart) table(lines []lineData) Table {
	var t Table
	if len(lines) == 0 {
		return t
	}
	same := true
	for _, l := range lines {
		same = same && slices.Equal(l.x, lines[0].x)
	}
	if !same {
		return c.longTable(lines)
	}
	t.Columns = []Column{{Name: c.X.name("x"), Unit: c.X.Unit, Format: c.X.Format}}
	for _, l := range lines {
		t.Columns = append(t.Columns, Column{Name: l.name, Unit: c.Y.Unit, Format: c.Y.Format})
	}
	at := sample(len(lines[0].x))
	for _, k := range at {
		row := []any{lines[0].x[k]}
		for _, l := range lines {
			row = append(row, l.cell(k))
		}
		t.Rows = append(t.Rows, row)
	}
	t.Note = sampled(len(at), len(lines[0].x))
	return t
}

func (c LineChart) longTable(lines []lineData) Table {
	t := Table{Columns: []Column{
		{Name: "Series"},
		{Name: c.X.name("x"), Unit: c.X.Unit, Format: c.X.Format},
		{Name: c.Y.name("y"), Unit: c.Y.Unit, Format: c.Y.Format},
	}}
	n := 0
	for _, l := range lines {
		n += len(l.x)
	}
	at := sample(n)
	i, before := 0, 0 // the line of row k, and the rows before its own
	for _, k := range at {
		for k-before >= len(lines[i].x) {
			before += len(lines[i].x)
			i++
		}
		l := lines[i]
		t.Rows = append(t.Rows, []any{l.name, l.x[k-before], l.cell(k - before)})
	}
	t.Note = sampled(len(at), n)
	return t
}

func (l *lineData) cell(k int) any {
	if l.banded(k) {
		return Estimate{l.y[k], l.low[k], l.high[k]}
	}
	return l.y[k]
}
