package ranking

import (
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/recsyskit/recsys/internal/libsvm"
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
	p := &svmReader{LibSVMConfig: cfg, in: libsvm.NewScanner(r), d: &Dataset{Heads: []string{cfg.Head}}}
	if err := p.check(); err != nil {
		return nil, err
	}
	p.in.OneBased, p.in.Columns = cfg.OneBased, cfg.Columns
	for {
		err := p.in.Next()
		if err == io.EOF {
			return p.dense()
		}
		if err != nil {
			e := err.(*libsvm.Error)
			return nil, &ParseError{File: p.Name, Line: e.Line, Field: e.Field, Value: clip(e.Value), Err: e.Err}
		}
		p.add()
	}
}

type svmReader struct {
	LibSVMConfig
	in     *libsvm.Scanner
	d      *Dataset
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

// add keeps the row that was read.
func (p *svmReader) add() {
	p.d.Labels = append(p.d.Labels, p.in.Label)
	if p.in.HasGroup {
		p.d.Groups = append(p.d.Groups, p.in.Group)
	}
	p.starts = append(p.starts, len(p.index))
	p.index, p.value = append(p.index, p.in.Index...), append(p.value, p.in.Value...)
	for _, j := range p.in.Index {
		p.width = max(p.width, int(j)+1)
	}
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
		d.Columns = append(d.Columns, "f"+strconv.Itoa(p.in.Number(j)))
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
