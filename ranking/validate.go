package ranking

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// DatasetError says what is wrong with a [Dataset], and where.
type DatasetError struct {
	Field  string // of Dataset: "Floats", "Weights"
	Row    int    // from 0; -1 when it is not about one row
	Column string // name of the column or head; empty when there is none
	Value  string // what stands there; empty when it is not about one value
	Want   string // what should
}

// Error returns "ranking: Dataset.Labels: row 3, "click" is 2; want 0 to 1".
func (e *DatasetError) Error() string {
	var b strings.Builder
	b.WriteString("ranking: Dataset." + e.Field)
	if e.Row >= 0 || e.Column != "" {
		b.WriteString(":")
	}
	if e.Row >= 0 {
		fmt.Fprintf(&b, " row %d", e.Row)
		if e.Column != "" {
			b.WriteString(",")
		}
	}
	if e.Column != "" {
		fmt.Fprintf(&b, " %q", e.Column)
	}
	if e.Value != "" {
		b.WriteString(" is " + e.Value + ";")
	}
	b.WriteString(" want " + e.Want)
	return b.String()
}

// Validate checks that the lengths agree, that names are unique, and that every
// value is in its domain; see the fields of [Dataset]. The result joins the first
// [*DatasetError] of each field. It reads every value once.
func (d *Dataset) Validate() error {
	errs := d.checkShape()
	if len(errs) == 0 {
		errs = append(errs,
			d.checkMatrix("Floats", d.Floats, d.Columns),
			d.checkMatrix("Labels", d.Labels, d.Heads),
			checkWeights(d.Weights),
			checkValues("Positions", d.Positions, ">= -1", func(p int32) bool { return p >= -1 }),
			checkValues("Propensities", d.Propensities, "a number in (0, 1], or NaN", func(p float64) bool { return math.IsNaN(p) || p > 0 && p <= 1 }),
		)
	}
	return errors.Join(errs...)
}

func (d *Dataset) checkShape() []error {
	var errs []error
	names := map[string]string{}
	errs = append(errs, checkNames("Columns", d.Columns, names), checkNames("IDColumns", d.IDColumns, names))
	errs = append(errs, checkNames("Heads", d.Heads, map[string]string{}))
	n := d.Len()
	length := func(field string, have, want int) {
		if have != want {
			errs = append(errs, &DatasetError{
				Field: field, Row: -1, Value: fmt.Sprintf("of length %d", have),
				Want: fmt.Sprintf("%d, for %d rows", want, n),
			})
		}
	}
	optional := func(field string, have int) {
		if have != 0 {
			length(field, have, n)
		}
	}
	length("Floats", len(d.Floats), n*len(d.Columns))
	length("IDs", len(d.IDs), n*len(d.IDColumns))
	length("Labels", len(d.Labels), n*len(d.Heads))
	optional("Weights", len(d.Weights))
	optional("Groups", len(d.Groups))
	optional("Times", len(d.Times))
	optional("Positions", len(d.Positions))
	optional("Propensities", len(d.Propensities))
	if d.WeightedBy != "" && len(d.Weights) == 0 && n > 0 {
		errs = append(errs, &DatasetError{Field: "WeightedBy", Row: -1, Value: strconv.Quote(d.WeightedBy), Want: "nothing, for there are no Weights"})
	}
	if n > math.MaxInt32 {
		length("Labels", n, math.MaxInt32)
	}
	return compact(errs)
}

// checkNames returns an error for the first empty name, or one that is in seen.
func checkNames(field string, names []string, seen map[string]string) error {
	for _, name := range names {
		if name == "" {
			return &DatasetError{Field: field, Row: -1, Value: `""`, Want: "names that are not empty"}
		}
		if first, ok := seen[name]; ok {
			return &DatasetError{Field: field, Row: -1, Column: name, Value: "a name of " + first + " already", Want: "each name once"}
		}
		seen[name] = field
	}
	return nil
}

func (d *Dataset) checkMatrix(field string, m []float32, columns []string) error {
	for at, v := range m {
		if v-v != 0 && v == v { // infinite
			w := len(columns)
			return &DatasetError{Field: field, Row: at / w, Column: columns[at%w], Value: fmt.Sprint(v), Want: "a finite number, or NaN"}
		}
	}
	return nil
}

func checkValues[T any](field string, values []T, want string, ok func(T) bool) error {
	for i, v := range values {
		if !ok(v) {
			return &DatasetError{Field: field, Row: i, Value: fmt.Sprint(v), Want: want}
		}
	}
	return nil
}

// compact drops the nil errors.
func compact(errs []error) []error {
	kept := errs[:0]
	for _, err := range errs {
		if err != nil {
			kept = append(kept, err)
		}
	}
	return kept
}

// list prints names for an error: at most a dozen.
func list(names []string) string {
	const most = 12
	switch {
	case len(names) == 0:
		return "none"
	case len(names) > most:
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}
