package frame

import (
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/recsyskit/recsys/internal/libsvm"
)

// LibSVMConfig says how libsvm (svmlight) text is read.
type LibSVMConfig struct {
	Name  string // of the input, for errors; empty: that of the file, if it is one, else "libsvm"
	Label string // name of the first column, Float32; empty means "label"
	Group string // name of the second column, Uint64, when lines have a qid; empty means "qid"

	// Vector makes one Vector column of that name out of all features. Otherwise each is a
	// Float32 column "fN", with N the index as it stands in the file.
	Vector string

	// OneBased says that the first index is 1. Otherwise it is 0, as LightGBM and XGBoost
	// read such files, and a file that starts at 1 has an empty first column.
	OneBased bool

	// Columns is the number of features. When it is 0 the reader finds the largest index
	// first: it reads all of the input and keeps it as pairs, 8 bytes each.
	Columns int

	// AbsentIsMissing makes what a line leaves out missing. Otherwise it is 0. Within
	// vectors, which have one missing bit, it is NaN.
	AbsentIsMissing bool

	ChunkRows int // most rows of a chunk; 0 means 4096, fewer for more than 4096 columns
}

// LibSVMReader reads a table from libsvm text, see [NewLibSVMReader].
type LibSVMReader struct {
	cfg    LibSVMConfig
	in     *libsvm.Scanner
	ahead  bool // in holds a row that was not given yet
	fields []Field
	first  int // column of the first feature
	done   error

	held  []svmRow // when all was read ahead
	at    int
	index []int32
	value []float32
}

// svmRow is a row as pairs, which end at end.
type svmRow struct {
	label float32
	group uint64
	end   int
}

// NewLibSVMReader returns a reader of lines of the form
//
//	label [qid:GROUP] index:value index:value … [# comment]
//
// plain or gzip. Indexes are below 1,048,576, since rows are dense; nan is a missing value.
// It reads the first row, and all of them when Columns is 0. An error of the input is a
// [*ParseError] with file, line and token.
func NewLibSVMReader(r io.Reader, cfg LibSVMConfig) (*LibSVMReader, error) {
	if cfg.Columns < 0 || cfg.Columns > libsvm.MaxColumns || cfg.ChunkRows < 0 {
		return nil, fmt.Errorf("frame: LibSVMConfig.Columns is %d, ChunkRows %d; want 0 to %d and >= 0 (0 means as many as the file needs, and 4096)",
			cfg.Columns, cfg.ChunkRows, libsvm.MaxColumns)
	}
	cfg.Name = orElse(cfg.Name, nameOf(r, "libsvm"))
	cfg.Label = orElse(cfg.Label, "label")
	cfg.Group = orElse(cfg.Group, "qid")
	text, err := plain(r)
	if err != nil {
		return nil, &ParseError{File: cfg.Name, Err: err}
	}
	x := &LibSVMReader{cfg: cfg, in: libsvm.NewScanner(text)}
	x.in.OneBased, x.in.Columns = cfg.OneBased, cfg.Columns
	width := cfg.Columns
	x.done = x.next()
	x.ahead = x.done == nil
	if width == 0 {
		width = x.hold()
	}
	if x.done != nil && x.done != io.EOF {
		return nil, x.done
	}
	return x, x.declare(width)
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// declare makes the columns.
func (x *LibSVMReader) declare(width int) error {
	x.fields = []Field{{Name: x.cfg.Label, Kind: Float32}}
	if x.in.HasGroup {
		x.fields = append(x.fields, Field{Name: x.cfg.Group, Kind: Uint64})
	}
	x.first = len(x.fields)
	switch {
	case x.cfg.Vector == "":
		for j := range width {
			x.fields = append(x.fields, Field{Name: "f" + strconv.Itoa(x.in.Number(j)), Kind: Float32})
		}
	case width > 0:
		x.fields = append(x.fields, Field{Name: x.cfg.Vector, Kind: Vector, Dim: width})
	}
	if x.cfg.ChunkRows == 0 {
		x.cfg.ChunkRows = max(1, min(chunkRows, chunkRows*4096/max(1, width)))
	}
	return CheckFields(x.fields)
}

// next reads a row into x.in.
func (x *LibSVMReader) next() error {
	err := x.in.Next()
	if e, ok := err.(*libsvm.Error); ok {
		return &ParseError{File: x.cfg.Name, Line: e.Line, Field: e.Field, Value: clip(e.Value), Err: e.Err}
	}
	return err
}

// hold keeps all rows and returns how many columns they need.
func (x *LibSVMReader) hold() int {
	width := 0
	for ; x.done == nil; x.done = x.next() {
		x.index, x.value = append(x.index, x.in.Index...), append(x.value, x.in.Value...)
		x.held = append(x.held, svmRow{x.in.Label, x.in.Group, len(x.index)})
		for _, j := range x.in.Index {
			width = max(width, int(j)+1)
		}
	}
	x.ahead = false
	return width
}

// Fields returns the label, the group if there is one, and the features.
func (x *LibSVMReader) Fields() []Field { return x.fields }

// Next reads the next rows.
func (x *LibSVMReader) Next(chunk *Frame) error {
	chunk.use(x.fields)
	from := 0
	if x.at > 0 {
		from = x.held[x.at-1].end
	}
	for ; x.at < len(x.held) && chunk.Rows < x.cfg.ChunkRows; x.at++ {
		r := x.held[x.at]
		x.add(chunk, r.label, r.group, x.index[from:r.end], x.value[from:r.end])
		from = r.end
	}
	for x.at == len(x.held) && x.done == nil && chunk.Rows < x.cfg.ChunkRows {
		if !x.ahead {
			if x.done = x.next(); x.done != nil {
				break
			}
		}
		x.ahead = false
		x.add(chunk, x.in.Label, x.in.Group, x.in.Index, x.in.Value)
	}
	if chunk.Rows > 0 && (x.done == nil || x.done == io.EOF) {
		return nil
	}
	chunk.use(x.fields)
	return x.done
}

// add appends a row.
func (x *LibSVMReader) add(chunk *Frame, label float32, group uint64, index []int32, value []float32) {
	chunk.Columns[0].appendFloat32(label)
	if x.first == 2 {
		chunk.Columns[1].Uint64 = append(chunk.Columns[1].Uint64, group)
	}
	features := chunk.Columns[x.first:]
	chunk.Rows++
	absent := float32(0)
	if x.cfg.AbsentIsMissing {
		absent = float32(math.NaN())
	}
	if x.cfg.Vector != "" && len(features) > 0 {
		v := &features[0]
		from := len(v.Float32)
		for range v.Dim {
			v.Float32 = append(v.Float32, absent)
		}
		for k, j := range index {
			v.Float32[from+int(j)] = value[k]
		}
		return
	}
	for j := range features {
		features[j].Float32 = append(features[j].Float32, absent)
	}
	for k, j := range index {
		features[j].Float32[chunk.Rows-1] = value[k]
	}
	for j := range features {
		if v := features[j].Float32[chunk.Rows-1]; v != v {
			features[j].SetMissing(chunk.Rows - 1)
		}
	}
}

// appendFloat32 appends v, NaN as a missing value.
func (c *Column) appendFloat32(v float32) {
	if v != v {
		c.SetMissing(len(c.Float32))
	}
	c.Float32 = append(c.Float32, v)
}
