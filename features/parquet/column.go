package parquet

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/recsyskit/recsys/features/frame"
)

// column reads one column of the frame from its leaf in the file.
type column struct {
	field  frame.Field
	leaf   int // index among the leaves of the file
	typ    string
	list   int // definition level from which on a list is not null; -1: no list
	value  int // definition level of a value that is not null
	append func(c *frame.Column, v pq.Value) error

	pages  pq.Pages
	page   pq.Page
	values pq.ValueReader
	buf    [512]pq.Value
	at, n  int
}

var (
	errNegative = errors.New("a negative number in a column that was declared as uint64")
	errTooLarge = errors.New("a number above the largest int64 in a column that was declared as int64")
	errTimeEnds = errors.New("a time outside of 1677 to 2262")
	errBounds   = errors.New("a number outside the range of float32 in a vector")
	errRows     = errors.New("fewer rows than the row group has")
	errMoreRows = errors.New("more rows than the row group has")
)

// newColumn finds out how the top-level node becomes a column of a frame. The error is a *TypeError.
func newColumn(file string, top *pq.Column, want *frame.Field) (*column, error) {
	c := &column{field: frame.Field{Name: top.Name()}, list: -1, typ: describe(top)}
	leaf := top
	nested := 0
	for n := top; ; n = n.Columns()[0] {
		if n.Repeated() {
			nested++
			c.list = c.value
		}
		if !n.Required() {
			c.value++
		}
		if leaf = n; n.Leaf() || len(n.Columns()) != 1 {
			break
		}
	}
	fail := func() (*column, error) {
		e := &TypeError{File: file, Want: c.field, Have: c.typ, Any: want == nil}
		if want != nil {
			e.Want = *want
		}
		return nil, e
	}
	if !leaf.Leaf() || nested > 1 || nested == 0 && leaf != top {
		return fail()
	}
	c.leaf = leaf.Index()
	kind, scale, ok := kindOf(leaf)
	switch {
	case !ok:
		return fail()
	case nested == 1 && (kind == frame.Float32 || kind == frame.Float64):
		c.field.Kind = frame.Vector
	case nested == 1:
		return fail()
	default:
		c.field.Kind = kind
	}
	if want != nil {
		if !converts(c.field.Kind, want.Kind) {
			return fail()
		}
		c.field = *want
	}
	c.append = appender(leaf, kind, c.field.Kind, scale)
	return c, nil
}

// converts reports whether values of a kind can be read as another one.
func converts(from, to frame.Kind) bool {
	whole := func(k frame.Kind) bool { return k == frame.Int64 || k == frame.Uint64 }
	return from == to || from == frame.Float32 && to == frame.Float64 || whole(from) && whole(to)
}

// describe returns the type of a column as messages name it.
func describe(c *pq.Column) string {
	s := "required "
	switch {
	case c.Optional():
		s = "optional "
	case c.Repeated():
		s = "repeated "
	}
	if !c.Leaf() {
		parts := make([]string, 0, len(c.Columns()))
		for _, child := range c.Columns() {
			parts = append(parts, describe(child))
		}
		return s + "group of {" + strings.Join(parts, "; ") + "}"
	}
	physical, logical := c.Type().Kind().String(), c.Type().String()
	if physical == logical {
		return s + physical
	}
	return s + physical + " (" + logical + ")"
}

// kindOf returns the kind that holds a leaf's values, and what they are multiplied by.
func kindOf(leaf *pq.Column) (kind frame.Kind, scale float64, ok bool) {
	var logical format.LogicalTypeValue
	if l := leaf.Type().LogicalType(); l != nil {
		logical = l.Value
	}
	physical := leaf.Type().Kind()
	switch l := logical.(type) {
	case *format.TimestampType:
		if l.Unit.Value == nil {
			return 0, 0, false
		}
		return frame.Time, float64(l.Unit.Value.Duration()), physical == pq.Int64
	case *format.DateType:
		return frame.Time, 86400e9, physical == pq.Int32
	case *format.DecimalType:
		return frame.Float64, float64(l.Scale), physical == pq.Int32 || physical == pq.Int64
	case *format.IntType:
		if !l.IsSigned {
			return frame.Uint64, 1, physical == pq.Int32 || physical == pq.Int64
		}
	case *format.StringType, *format.EnumType, *format.JsonType, nil:
	default:
		return 0, 0, false
	}
	switch physical {
	case pq.Boolean:
		return frame.Uint64, 1, true
	case pq.Int32, pq.Int64:
		return frame.Int64, 1, true
	case pq.Float:
		return frame.Float32, 1, true
	case pq.Double:
		return frame.Float64, 1, true
	case pq.Int96:
		return frame.Time, 1, true
	case pq.ByteArray:
		return frame.String, 1, true
	}
	return 0, 0, false
}

// appender returns what appends a value of the leaf to a column of kind to.
func appender(leaf *pq.Column, kind, to frame.Kind, scale float64) func(*frame.Column, pq.Value) error {
	physical := leaf.Type().Kind()
	switch kind {
	case frame.String:
		return func(c *frame.Column, v pq.Value) error {
			c.String = append(c.String, string(v.ByteArray()))
			return nil
		}
	case frame.Time:
		return timeAppender(physical, int64(scale))
	case frame.Int64, frame.Uint64:
		return wholeAppender(physical, kind == frame.Uint64, to)
	}
	number := func(v pq.Value) float64 { return v.Double() }
	switch physical {
	case pq.Float:
		number = func(v pq.Value) float64 { return float64(v.Float()) }
	case pq.Int32, pq.Int64: // a decimal; division rounds once
		by := math.Pow(10, scale)
		number = func(v pq.Value) float64 { return float64(whole(physical, v)) / by }
	}
	switch to {
	case frame.Float64:
		return func(c *frame.Column, v pq.Value) error {
			c.Float64 = append(c.Float64, number(v))
			return nil
		}
	case frame.Vector:
		return func(c *frame.Column, v pq.Value) error {
			x := number(v)
			if !math.IsInf(x, 0) && math.IsInf(float64(float32(x)), 0) {
				return errBounds
			}
			c.Float32 = append(c.Float32, float32(x))
			return nil
		}
	}
	return func(c *frame.Column, v pq.Value) error {
		c.Float32 = append(c.Float32, v.Float())
		return nil
	}
}

func whole(physical pq.Kind, v pq.Value) int64 {
	switch physical {
	case pq.Int32:
		return int64(v.Int32())
	case pq.Boolean:
		if v.Boolean() {
			return 1
		}
		return 0
	}
	return v.Int64()
}

func wholeAppender(physical pq.Kind, unsigned bool, to frame.Kind) func(*frame.Column, pq.Value) error {
	return func(c *frame.Column, v pq.Value) error {
		x := whole(physical, v)
		if unsigned && physical == pq.Int32 {
			x = int64(uint32(x))
		}
		switch {
		case to == frame.Uint64 && !unsigned && x < 0:
			return errNegative
		case to == frame.Int64 && unsigned && x < 0:
			return errTooLarge
		case to == frame.Uint64:
			c.Uint64 = append(c.Uint64, uint64(x))
		default:
			c.Int64 = append(c.Int64, x)
		}
		return nil
	}
}

func timeAppender(physical pq.Kind, unit int64) func(*frame.Column, pq.Value) error {
	return func(c *frame.Column, v pq.Value) error {
		var x, rest int64
		per := unit
		if physical == pq.Int96 { // nanoseconds of the day, then the Julian day
			i := v.Int96()
			x, per = int64(i[2])-2440588, 86400e9
			rest = int64(i[0]) | int64(i[1])<<32
		} else {
			x = whole(physical, v)
		}
		if x > math.MaxInt64/per-1 && per > 1 || x < math.MinInt64/per+1 && per > 1 || rest < 0 || rest > 86400e9 {
			return errTimeEnds
		}
		c.Int64 = append(c.Int64, x*per+rest)
		return nil
	}
}

// peek returns the next value without taking it. The error at the end of the chunk is io.EOF.
func (c *column) peek() (pq.Value, error) {
	for c.at == c.n {
		if c.values == nil {
			page, err := c.pages.ReadPage()
			if err != nil {
				return pq.Value{}, err
			}
			pq.Release(c.page)
			c.page, c.values = page, page.Values()
		}
		n, err := c.values.ReadValues(c.buf[:])
		if n == 0 && err == nil {
			return pq.Value{}, io.ErrNoProgress
		}
		if c.at, c.n = 0, n; err != nil {
			c.values = nil
			if err != io.EOF {
				return pq.Value{}, err
			}
		}
	}
	return c.buf[c.at], nil
}

// row appends the next row to the column of a frame.
func (c *column) row(to *frame.Column) error {
	v, err := c.peek()
	if err == io.EOF {
		return errRows
	}
	if err != nil {
		return err
	}
	c.at++
	switch {
	case c.list >= 0:
		return c.listRow(to, v)
	case v.IsNull():
		to.AppendMissing()
		return nil
	}
	return c.append(to, v)
}

// listRow reads a row of a list whose first value is v.
func (c *column) listRow(to *frame.Column, v pq.Value) error {
	if v.DefinitionLevel() < max(1, c.list) { // a list that cannot be null is empty instead
		to.AppendMissing()
		return nil
	}
	n := 0
	for {
		switch {
		case v.DefinitionLevel() <= c.list: // an empty list
		case v.IsNull():
			to.Float32 = append(to.Float32, float32(math.NaN()))
			n++
		default:
			if err := c.append(to, v); err != nil {
				return err
			}
			n++
		}
		var err error
		if v, err = c.peek(); err == io.EOF || err == nil && v.RepetitionLevel() == 0 {
			break
		}
		if err != nil {
			return err
		}
		if n >= to.Dim {
			n++
			break
		}
		c.at++
	}
	if n != to.Dim {
		return fmt.Errorf("a list of %s values; want %d", atLeast(n, to.Dim), to.Dim)
	}
	return nil
}

func atLeast(n, dim int) string {
	if n > dim {
		return fmt.Sprintf("more than %d", dim)
	}
	return fmt.Sprint(n)
}

// close lets go of the pages.
func (c *column) close() {
	if c.pages != nil {
		c.pages.Close()
		pq.Release(c.page)
	}
	c.pages, c.page, c.values, c.at, c.n = nil, nil, nil, 0, 0
}
