package main

import (
	"bufio"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/ranking/gbdt"
)

// missingTexts are the fields that stand for a value which is missing.
var missingTexts = []string{"", "NA", "nan", "NaN", "null", "?"}

// rowReader reads rows of features for a model.
type rowReader struct {
	name     string
	model    *gbdt.Model
	features []gbdt.Feature
	header   bool

	csv     *csv.Reader   // one of the two
	svm     *bufio.Reader //
	columns []int         // by field of a record: the feature, -1 for none
	line    int
	pending []string // the first record, where it is no header
}

// newRowReader reads the first line of a file.
func newRowReader(name, format string, r io.Reader, header bool, m *gbdt.Model) (*rowReader, error) {
	x := &rowReader{name: name, model: m, features: m.Features(), header: header}
	b := bufio.NewReaderSize(r, 1<<16)
	if format == "" {
		format = sniff(b)
	}
	if format == "libsvm" {
		x.svm = b
		return x, nil
	}
	x.csv = csv.NewReader(b)
	x.csv.ReuseRecord = true
	record, err := x.csv.Read()
	switch {
	case err == io.EOF:
		return nil, nothing(name, header)
	case err != nil:
		return nil, x.failed(err)
	case header:
		return x, x.head(record)
	case len(record) != len(x.features):
		return nil, cli.Inputf(name, 1, "%d fields for %d features", len(record), len(x.features))
	}
	x.columns = order(x.features)
	x.pending = record
	return x, nil
}

// nothing is the error for a file without any line: the step that should have written it has failed. A header
// without rows is one of no rows.
func nothing(name string, header bool) error {
	if header {
		return cli.Inputf(name, 0, "there are no rows, and no header")
	}
	return cli.Inputf(name, 0, "there are no rows")
}

// order returns the feature of each field of a file without header: that of the model, but where a model
// with categories, which stand behind the numbers, has learnt from columns without names, that of the columns.
func order(features []gbdt.Feature) []int {
	fields, numbers, categories := make([]int, len(features)), make([]int, len(features)), false
	for j, f := range features {
		n, err := strconv.Atoi(f.Name)
		if numbers[j] = n; err != nil {
			numbers = nil
			break
		}
		categories = categories || f.IDs != nil
	}
	for j := range fields {
		fields[j] = j
	}
	if numbers != nil && categories {
		slices.SortFunc(fields, func(a, b int) int { return cmp.Compare(numbers[a], numbers[b]) })
	}
	return fields
}

// sniff tells libsvm from CSV by the first line.
func sniff(b *bufio.Reader) string {
	text, _ := b.Peek(1 << 12)
	if line, _, _ := strings.Cut(string(text), "\n"); looksLikePairs(line) {
		return "libsvm"
	}
	return "csv"
}

// looksLikePairs tells whether a line has "index:value" behind spaces, perhaps after a label.
func looksLikePairs(line string) bool {
	fields := strings.Fields(line)
	return !strings.Contains(line, ",") && len(fields) > 0 && strings.Contains(fields[min(1, len(fields)-1)], ":")
}

// head finds the features in a header.
func (x *rowReader) head(record []string) error {
	at := map[string]int{}
	for j, f := range x.features {
		at[f.Name] = j
	}
	x.columns = make([]int, len(record))
	found := make([]bool, len(x.features))
	for j, name := range record {
		name = strings.TrimSpace(strings.TrimPrefix(name, "\ufeff"))
		k, ok := at[name]
		switch {
		case !ok:
			x.columns[j] = -1
			continue
		case found[k]:
			return cli.Inputf(x.name, 1, "column %q comes twice", name)
		}
		x.columns[j], found[k] = k, true
	}
	var missing []string
	for j, ok := range found {
		if !ok {
			missing = append(missing, x.features[j].Name)
		}
	}
	return absent(x.name, missing, record)
}

// absent is the error for features that no column of the header is named after, nil if there are none.
func absent(name string, missing, header []string) error {
	if len(missing) == 0 {
		return nil
	}
	return cli.Inputf(name, 1, "no column %s (columns: %s)", few(missing), few(header))
}

// few prints names for an error: at most a dozen.
func few(names []string) string {
	const most = 12
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}

func (x *rowReader) failed(err error) error {
	if p, ok := errors.AsType[*csv.ParseError](err); ok {
		return &cli.InputError{File: x.name, Line: p.Line, Err: p.Err}
	}
	return &cli.InputError{File: x.name, Line: x.line, Err: err}
}

// next appends the next row to dst; io.EOF when there is none.
func (x *rowReader) next(dst []float64) ([]float64, error) {
	if x.svm != nil {
		return x.nextPairs(dst)
	}
	if x.columns == nil {
		return dst, io.EOF
	}
	record := x.pending
	x.pending = nil
	if record == nil {
		var err error
		if record, err = x.csv.Read(); err == io.EOF {
			return dst, err
		} else if err != nil {
			return dst, x.failed(err)
		}
	}
	from := len(dst)
	dst = slices.Grow(dst, len(x.features))[:from+len(x.features)]
	for j, text := range record {
		k := x.columns[j]
		if k < 0 {
			continue
		}
		v, err := x.value(k, strings.TrimSpace(text))
		if err != nil {
			line, _ := x.csv.FieldPos(j)
			return dst, &cli.InputError{File: x.name, Line: line, Err: hinted(fmt.Errorf("feature %q: %w", x.features[k].Name, err), line, x.header)}
		}
		dst[from+k] = v
	}
	return dst, nil
}

// hinted is err about a line of a CSV file, with what is wrong as a rule where the first one is not read.
func hinted(err error, line int, header bool) error {
	if header || line > 1 {
		return err
	}
	return fmt.Errorf("%w; is the first line a header? -header", err)
}

// value reads a field: a number, or for a feature with a vocabulary a category.
func (x *rowReader) value(feature int, text string) (float64, error) {
	missing := slices.Contains(missingTexts, text)
	if x.features[feature].IDs != nil {
		id := uint64(0)
		if !missing {
			id = idOf(text)
		}
		return x.model.Category(feature, id), nil
	}
	if missing {
		return math.NaN(), nil
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, fmt.Errorf("%q; want a number", text[:min(40, len(text))])
	}
	return v, nil
}

// idOf reads an ID as package ranking does: a decimal number is the ID itself.
func idOf(text string) uint64 {
	if id, err := strconv.ParseUint(text, 10, 64); err == nil {
		return id
	}
	return recsys.HashID(text)
}

// nextPairs reads a line of libsvm.
func (x *rowReader) nextPairs(dst []float64) ([]float64, error) {
	for {
		text, err := x.svm.ReadString('\n')
		if err != nil && (err != io.EOF || text == "") {
			return dst, err
		}
		x.line++
		text, _, _ = strings.Cut(text, "#")
		tokens := strings.Fields(text)
		if len(tokens) == 0 {
			continue
		}
		if !strings.Contains(tokens[0], ":") {
			tokens = tokens[1:] // the label
		}
		from := len(dst)
		dst = slices.Grow(dst, len(x.features))[:from+len(x.features)]
		clear(dst[from:])
		for _, token := range tokens {
			if strings.HasPrefix(token, "qid:") {
				continue
			}
			index, value, ok := strings.Cut(token, ":")
			j, err := strconv.Atoi(index)
			if !ok || err != nil || j < 0 {
				return dst, cli.Inputf(x.name, x.line, "%q; want index:value", token[:min(40, len(token))])
			}
			if j >= len(x.features) {
				continue // no tree can have seen it
			}
			if dst[from+j], err = x.value(j, value); err != nil {
				return dst, &cli.InputError{File: x.name, Line: x.line, Err: fmt.Errorf("feature %q: %w", x.features[j].Name, err)}
			}
		}
		return dst, nil
	}
}
