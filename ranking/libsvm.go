package ranking

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// LibSVMConfig says how to read libsvm (svmlight) text.
type LibSVMConfig struct {
	Name string // of the input, for errors; empty means "libsvm"
	Head string // name of the label; empty means "label"

	// OneBased says that the first index is 1. Otherwise it is 0, as LightGBM and
	// XGBoost read such files, and a file that starts at 1 has an empty first column.
	OneBased bool

	// Columns is the number of columns; 0 means as many as the largest index needs.
	Columns int

	// AbsentIsMissing makes what a line leaves out NaN. Otherwise it is 0.
	AbsentIsMissing bool

	// MaxValues bounds n x d, since a short line can name a large index; 0 means 2^28, which is 1 GiB.
	MaxValues int
}

// ReadLibSVM reads a dataset from lines of the form
//
//	label [qid:GROUP] index:value index:value … [# comment]
//
// Column j is named "fN" with N the index as it stands in the file; an index needs
// to be below 1,048,576, since the matrix is dense. Labels are taken as they are;
// qid is all lines' or none's. Every error is a [*ParseError]
// with file, line and token; nothing is returned half-read.
func ReadLibSVM(r io.Reader, cfg LibSVMConfig) (*Dataset, error) {
	if cfg.Name == "" {
		cfg.Name = "libsvm"
	}
	if cfg.Head == "" {
		cfg.Head = "label"
	}
	if cfg.MaxValues == 0 {
		cfg.MaxValues = 1 << 28
	}
	p := &svmReader{LibSVMConfig: cfg, d: &Dataset{Heads: []string{cfg.Head}}}
	if err := p.check(); err != nil {
		return nil, err
	}
	in := bufio.NewReader(r)
	for {
		text, err := in.ReadString('\n')
		p.line++
		if err != nil && err != io.EOF {
			return nil, p.fail("", "", err)
		}
		if lineErr := p.parse(text); lineErr != nil {
			return nil, lineErr
		}
		if err == io.EOF {
			return p.dense()
		}
	}
}

// maxColumns bounds the names that a short line can make us invent.
const maxColumns = 1 << 20

type svmReader struct {
	LibSVMConfig
	d      *Dataset
	line   int
	starts []int // of each row in index and value
	index  []int32
	value  []float32
	width  int
}

func (p *svmReader) check() error {
	switch {
	case p.Columns < 0:
		return fmt.Errorf("ranking: LibSVMConfig.Columns is %d; want >= 0 (0 means as many as the file needs)", p.Columns)
	case p.MaxValues < 0:
		return fmt.Errorf("ranking: LibSVMConfig.MaxValues is %d; want >= 0 (0 means 2^28)", p.MaxValues)
	}
	p.width = p.Columns
	return nil
}

func (p *svmReader) fail(field, value string, err error) error {
	return &ParseError{File: p.Name, Line: p.line, Field: field, Value: clip(value), Err: err}
}

// parse reads one line.
func (p *svmReader) parse(text string) error {
	text, _, _ = strings.Cut(text, "#")
	tokens := strings.Fields(text)
	if len(tokens) == 0 {
		return nil
	}
	label, err := parseFloat(tokens[0])
	if err != nil {
		return p.fail("label", tokens[0], err)
	}
	p.d.Labels = append(p.d.Labels, label)
	p.starts = append(p.starts, len(p.index))
	tokens = tokens[1:]
	if len(tokens) > 0 && strings.HasPrefix(tokens[0], "qid:") {
		id, err := strconv.ParseUint(tokens[0][len("qid:"):], 10, 64)
		if err != nil {
			return p.fail("qid", tokens[0], errNoInteger)
		}
		p.d.Groups = append(p.d.Groups, id)
		tokens = tokens[1:]
	}
	if n := len(p.d.Groups); n != 0 && n != len(p.d.Labels) {
		return p.fail("qid", "", errors.New("some lines have one and some have none"))
	}
	for _, token := range tokens {
		if err := p.pair(token); err != nil {
			return p.fail("index:value", token, err)
		}
	}
	return p.unique(p.index[p.starts[len(p.starts)-1]:])
}

// pair reads one index:value.
func (p *svmReader) pair(token string) error {
	index, value, ok := strings.Cut(token, ":")
	if !ok {
		return errors.New("want index:value")
	}
	j, err := strconv.ParseInt(index, 10, 32)
	if p.OneBased {
		j--
	}
	switch {
	case err != nil || j < 0 && !p.OneBased:
		return errors.New("want an index >= 0")
	case j < 0:
		return errors.New("want an index >= 1")
	case p.Columns > 0 && int(j) >= p.Columns:
		return fmt.Errorf("want an index within %d columns", p.Columns)
	case j >= maxColumns:
		return fmt.Errorf("want an index below %d; categories belong into ID columns", maxColumns)
	}
	v, err := parseFloat(value)
	if err != nil {
		return err
	}
	p.index, p.value = append(p.index, int32(j)), append(p.value, v)
	p.width = max(p.width, int(j)+1)
	return nil
}

// unique returns an error when a row has an index twice.
func (p *svmReader) unique(row []int32) error {
	if !slices.IsSorted(row) {
		row = slices.Clone(row)
		slices.Sort(row)
	}
	for i := 1; i < len(row); i++ {
		if row[i] == row[i-1] {
			return p.fail("index", strconv.Itoa(p.number(int(row[i]))), errors.New("comes twice in the line"))
		}
	}
	return nil
}

// number returns the index of column j as it stands in the file.
func (p *svmReader) number(j int) int {
	if p.OneBased {
		j++
	}
	return j
}

// dense lays the rows out in a matrix.
func (p *svmReader) dense() (*Dataset, error) {
	d, n := p.d, len(p.starts)
	if n > 0 && p.width > p.MaxValues/n {
		return nil, &ParseError{
			File: p.Name,
			Err:  fmt.Errorf("%d rows of %d columns are more than MaxValues, %d", n, p.width, p.MaxValues),
		}
	}
	for j := range p.width {
		d.Columns = append(d.Columns, "f"+strconv.Itoa(p.number(j)))
	}
	absent := float32(0)
	if p.AbsentIsMissing {
		absent = float32(math.NaN())
	}
	d.Floats = extend(make([]float32, 0, n*p.width), n*p.width, absent)
	p.starts = append(p.starts, len(p.index))
	for i := range n {
		row := d.FloatRow(i)
		for k := p.starts[i]; k < p.starts[i+1]; k++ {
			row[p.index[k]] = p.value[k]
		}
	}
	if err := d.Validate(); err != nil {
		return nil, &ParseError{File: p.Name, Err: err}
	}
	return d, nil
}
