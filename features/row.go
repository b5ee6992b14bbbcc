package features

import (
	"fmt"
	"math"
	"time"
	"unsafe"

	"github.com/recsyskit/recsys"
)

// Row is one row of a [Store]: the values of one item or user, and when they were true.
type Row struct {
	// Key is the ItemID or UserID.
	Key uint64

	// Time is the event time: when the values were observed, not when they
	// arrived. It lies in the years 1678 to 2261. The zero time means unknown: such a
	// row is older than every dated one, and is refused where a column has a MaxAge.
	Time time.Time

	// Floats holds a value for each Float column, in the order of the columns.
	// NaN means that this one value is missing; readers see the column's Default.
	Floats []float32

	// IDs holds a value for each ID column, 0 for a missing one.
	IDs []uint64

	// Vectors holds the Vector columns one behind the other, Dim values each, zeros
	// for a missing one.
	Vectors []float32
}

// RowError says what is wrong with a row.
type RowError struct {
	Key    uint64
	Column string // empty when the row as a whole is wrong
	Reason string // the value, and what to give instead
}

// Error names the key, the column and the reason.
func (e *RowError) Error() string {
	if e.Column == "" {
		return fmt.Sprintf("features: row of key %d: %s", e.Key, e.Reason)
	}
	return fmt.Sprintf("features: row of key %d: column %q: %s", e.Key, e.Column, e.Reason)
}

// undated is the event time of a row without one.
const undated = math.MinInt64

// The first and the last nanosecond that nanoOf takes.
const (
	firstTime = -9214560000000000000 // 1678-01-01
	lastTime  = 9214646399999999999  // the end of 2261-12-31
)

// Words of a row before its values.
const (
	keyWord  = 0
	timeWord = 1
	idWord   = 2
)

// layout is the row codec: where the columns lie in a row of 64-bit words.
//
//	word 0    key
//	word 1    event time, Unix nanoseconds, or undated
//	words 2…  ID columns
//	then      Float columns, then Vector columns: float32s, two to a word
//
// Rows hold no pointers, so the garbage collector does not look into them.
type layout struct {
	columns []Column
	floats  int   // Float columns
	ids     int   // ID columns
	dims    []int // of the Vector columns
	values  int   // float32s of a row
	words   int   // of a row
	stride  int   // words from one row to the next
	lines   int   // cache lines to fetch ahead for a row

	absent   []uint64 // what reads as a row without values
	defaults []place  // Float columns with a Default
	aged     []place  // columns with a MaxAge
	maxAge   int64    // the smallest MaxAge in nanoseconds, 0 for none
	ttl      int64    // in nanoseconds, 0 for none
	age      bool     // the last Float column of a block is the age
	nonzero  bool     // key 0 is none
}

// place is a column that reading treats specially.
type place struct {
	kind  recsys.Kind
	index int // within its kind
	value float32
	age   int64
}

// newLayout lays out the columns of a valid view.
func newLayout(v *View) *layout {
	l := &layout{columns: v.Columns, ttl: int64(v.TTL), age: v.Age != "", nonzero: v.Entity == Context}
	for i := range v.Columns {
		c := &v.Columns[i]
		p := place{kind: c.Kind, value: float32(math.NaN()), age: int64(c.MaxAge)}
		switch c.Kind {
		case recsys.Float:
			p.index, l.floats = l.floats, l.floats+1
			if c.Default != nil {
				p.value = *c.Default
				l.defaults = append(l.defaults, p)
			}
		case recsys.ID:
			p.index, l.ids = l.ids, l.ids+1
		case recsys.Vector:
			p.index, l.dims = len(l.dims), append(l.dims, c.Dim)
			l.values += c.Dim
		}
		if p.age > 0 {
			l.aged = append(l.aged, p)
			if l.maxAge == 0 || p.age < l.maxAge {
				l.maxAge = p.age
			}
		}
	}
	l.values += l.floats
	l.words = idWord + l.ids + (l.values+1)/2
	l.stride, l.lines = strideOf(l.words)
	l.absent = alignedWords(l.words)
	return l
}

// strideOf pads a row to whole cache lines of 8 words if that costs at most a quarter,
// and returns how many lines to fetch ahead; the hardware follows a longer run by itself.
//
// Measured on rows of 27 words among a million: padded to 32, a cold read takes three
// quarters of the time.
func strideOf(words int) (stride, lines int) {
	const line, most = 8, 16
	stride = (words + line - 1) / line * line
	if 4*stride <= 5*words {
		return stride, min(stride/line, most)
	}
	return words, min((words+line-1+straddle)/line, most)
}

// float32s views the values of a row. The words are 64-bit aligned, and a float32
// has the layout of half a word; byte order does not matter, as both sides are memory.
func (l *layout) float32s(row []uint64) []float32 {
	if l.values == 0 {
		return nil
	}
	words := row[idWord+l.ids : l.words]
	return unsafe.Slice((*float32)(unsafe.Pointer(&words[0])), l.values)
}

// view returns the row that starts at a word of a slab.
func (l *layout) view(first *uint64) []uint64 { return unsafe.Slice(first, l.words) }

// encode writes r, which has been checked, and its event time.
func (l *layout) encode(row []uint64, r *Row, at int64) {
	row[keyWord], row[timeWord] = r.Key, uint64(at)
	copy(row[idWord:], r.IDs)
	values := l.float32s(row)
	copy(values, r.Floats)
	copy(values[l.floats:], r.Vectors)
}

// decode writes a row into r, reusing its slices.
func (l *layout) decode(r *Row, row []uint64) {
	r.Key, r.Time = row[keyWord], timeOf(int64(row[timeWord]))
	r.IDs = append(r.IDs[:0], row[idWord:idWord+l.ids]...)
	values := l.float32s(row)
	r.Floats = append(r.Floats[:0], values[:l.floats]...)
	r.Vectors = append(r.Vectors[:0], values[l.floats:]...)
}

// copyGroup writes n rows into a block from row first on, and fetches those of ahead meanwhile.
func (l *layout) copyGroup(out *recsys.Block, first, n int, rows, ahead **uint64) {
	lines, at := l.lines, 8*(idWord+l.ids)
	if l.floats > 0 {
		copyRows(unsafe.Pointer(&out.Float[first*out.Stride]), 4*out.Stride, rows, at, 4*l.floats, n, ahead, lines)
		lines, at = 0, at+4*l.floats
	}
	for j, d := range l.dims {
		copyRows(unsafe.Pointer(&out.Vector[j][first*d]), 4*d, rows, at, 4*d, n, ahead, lines)
		lines, at = 0, at+4*d
	}
	if lines > 0 {
		fetchLines(ahead, n, lines)
	}
	row := unsafe.Slice(rows, n)
	for j := range out.ID {
		ids := out.ID[j][first:][:n]
		for i, w := range row {
			ids[i] = l.view(w)[idWord+j]
		}
	}
	for k := range l.defaults {
		p := &l.defaults[k]
		for i := range n {
			if v := &out.Float[(first+i)*out.Stride+p.index]; *v != *v {
				*v = p.value
			}
		}
	}
}

// copyTo writes a row into row i of a block.
func (l *layout) copyTo(out *recsys.Block, i int, row []uint64) {
	values := l.float32s(row)
	if l.floats > 0 {
		dst := out.Float[i*out.Stride:]
		copy(dst[:l.floats], values)
		for k := range l.defaults {
			if p := &l.defaults[k]; dst[p.index] != dst[p.index] {
				dst[p.index] = p.value
			}
		}
	}
	for j, id := range row[idWord : idWord+l.ids] {
		out.ID[j][i] = id
	}
	at := l.floats
	for j, d := range l.dims {
		copy(out.Vector[j][i*d:(i+1)*d], values[at:])
		at += d
	}
}

// expire writes the default into each value of row i that is older than its column's MaxAge.
func (l *layout) expire(out *recsys.Block, i int, at, now int64) {
	for k := range l.aged {
		p := &l.aged[k]
		if at >= before(now, p.age) {
			continue
		}
		switch p.kind {
		case recsys.Float:
			out.Float[i*out.Stride+p.index] = p.value
		case recsys.ID:
			out.ID[p.index][i] = 0
		case recsys.Vector:
			clear(out.VectorAt(p.index, i))
		}
	}
}

// fits returns an error unless out has the columns of the layout and the given rows, with memory for all of them.
func (l *layout) fits(out *recsys.Block, rows int) error {
	floats := l.floats
	if l.age {
		floats++
	}
	ok := out.Floats == floats && len(out.ID) == l.ids && len(out.Vector) == len(l.dims) && len(out.Dims) == len(l.dims)
	for j := 0; ok && j < len(l.dims); j++ {
		ok = out.Dims[j] == l.dims[j]
	}
	switch {
	case !ok:
		return fmt.Errorf("features: block of %d floats, %d ids and vectors of dimensions %v; the store's columns are %d, %d and %v",
			out.Floats, len(out.ID), out.Dims, floats, l.ids, l.dims)
	case out.Rows != rows:
		return fmt.Errorf("features: block of %d rows for %d keys", out.Rows, rows)
	case rows == 0:
		return nil
	}
	words := (rows + 63) / 64
	ok = len(out.Missing) >= words && len(out.Stale) >= words &&
		out.Stride >= floats && len(out.Float) >= (rows-1)*out.Stride+floats &&
		(out.Age == nil || len(out.Age) >= rows)
	for j, d := range l.dims {
		ok = ok && len(out.Vector[j]) >= rows*d
	}
	for j := range out.ID {
		ok = ok && len(out.ID[j]) >= rows
	}
	if !ok {
		return fmt.Errorf("features: block of %d rows whose slices are shorter", rows)
	}
	return nil
}

// before returns now - age, kept above undated. No row is older than the largest age, as ages are held to it everywhere.
func before(now, age int64) int64 {
	if age == math.MaxInt64 || now < undated+1+age {
		return undated + 1
	}
	return now - age
}

// nanoOf returns t as stored in a row, and whether it can be.
func nanoOf(t time.Time) (int64, bool) {
	if t.IsZero() {
		return undated, true
	}
	year := t.UTC().Year()
	return t.UnixNano(), year >= 1678 && year <= 2261
}

// timeOf is the inverse of nanoOf.
func timeOf(nano int64) time.Time {
	if nano == undated {
		return time.Time{}
	}
	return time.Unix(0, nano).UTC()
}
