package gbdt

import (
	"errors"
	"fmt"
	"strings"

	"github.com/recsyskit/recsys"
)

// troubles are all that is wrong with the columns of a schema.
type troubles struct {
	columns []*recsys.ColumnError // by feature
	uncoded []string              // features whose ID columns may hold anything
	others  []error
}

// add sorts an error in.
func (x *troubles) add(err error) {
	if c, ok := errors.AsType[*recsys.ColumnError](err); ok {
		x.columns = append(x.columns, c)
	} else if err != nil {
		x.others = append(x.others, err)
	}
}

// joined returns an error for each trouble, joined; nil if there is none.
func (x *troubles) joined(s *recsys.Schema) error {
	var all []error
	var floats, ids, wrong []error
	for _, err := range x.columns {
		switch {
		case err.Have != nil:
			wrong = append(wrong, err)
		case err.Want == recsys.ID:
			ids = append(ids, err)
		default:
			floats = append(floats, err)
		}
	}
	if len(wrong) > mostNamed {
		more := fmt.Sprintf("and %d more features of another kind than their columns", len(wrong)-mostNamed)
		wrong = append(wrong[:mostNamed:mostNamed], &columnErrors{text: more, errs: wrong[mostNamed:]})
	}
	all = append(all, wrong...)
	for _, errs := range [][]error{floats, ids} {
		if len(errs) > 0 {
			all = append(all, &columnErrors{text: absent(errs, s), errs: errs})
		}
	}
	if x.uncoded != nil {
		all = append(all, uncodedError(x.uncoded))
	}
	return errors.Join(append(all, x.others...)...)
}

// columnErrors is one line for several errors.
type columnErrors struct {
	text string
	errs []error
}

func (e *columnErrors) Error() string   { return e.text }
func (e *columnErrors) Unwrap() []error { return e.errs }

// absent says which features no source writes, which columns are called almost so, and what to do. All of errs
// are of one kind.
func absent(errs []error, s *recsys.Schema) string {
	var columns []string
	if s != nil {
		for _, f := range s.Fields() {
			columns = append(columns, f.Name)
		}
	}
	first := errs[0].(*recsys.ColumnError)
	var names, near []string
	for _, err := range errs {
		name := err.(*recsys.ColumnError).Column
		names = append(names, name)
		if len(names) <= mostNamed {
			if column := nearest(name, columns); column != "" {
				near = append(near, column)
			}
		}
	}
	text, hint := first.Error(), "; "
	if len(errs) > 1 {
		text = fmt.Sprintf("features %s: no source writes them (%v columns: %s)", quoted(names), first.Want, list(first.Known))
	}
	if near != nil {
		hint = "; did you mean " + quoted(near) + "? "
	}
	return text + hint + "Options.Rename gives features the names of columns"
}

// mostNamed is how many features an error names.
const mostNamed = 8

// quoted prints names for an error.
func quoted(names []string) string {
	var b strings.Builder
	for i, name := range names[:min(len(names), mostNamed)] {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q", name)
	}
	if more := len(names) - mostNamed; more > 0 {
		fmt.Fprintf(&b, " and %d more", more)
	}
	return b.String()
}

// nearest returns the column that name most likely means: the same but for case, or for a prefix with a dot of
// one of the two. Empty if there is none.
func nearest(name string, columns []string) string {
	for _, same := range []func(column string) bool{
		func(column string) bool { return strings.EqualFold(column, name) },
		func(column string) bool { return strings.EqualFold(unprefixed(column), name) },
		func(column string) bool { return strings.EqualFold(column, unprefixed(name)) },
		func(column string) bool { return strings.EqualFold(unprefixed(column), unprefixed(name)) },
	} {
		for _, column := range columns {
			if same(column) {
				return column
			}
		}
	}
	return ""
}

// unprefixed is name without what stands before its first dot.
func unprefixed(name string) string {
	if _, rest, ok := strings.Cut(name, "."); ok && rest != "" {
		return rest
	}
	return name
}

// uncodedError is the error for categorical features without a vocabulary in ID columns.
func uncodedError(names []string) error {
	features, them := "feature "+quoted(names)+" is", "its"
	if len(names) > 1 {
		features, them = "features "+quoted(names)+" are", "their"
	}
	return fmt.Errorf("gbdt: %s categorical without a vocabulary, in an ID column: the model has numbers of categories and cannot tell which IDs they are; "+
		"give %s categories (Options.Categories, or Options.Pandas where the file has them), a Float column of the numbers, or "+
		"set Options.IDsAreCategories if the IDs are the numbers", features, them)
}
