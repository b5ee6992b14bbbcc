package asof

import (
	"cmp"
	"fmt"
	"math"
	"time"
	"unsafe"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
)

// Inputs are turned into records of 64-bit words, all of one length in an input, which are what is
// sorted, spilled and kept. Word 0 is the moment by which records are ordered.
//
// A row of a table:
//
//	word 0    when it becomes visible
//	word 1    key
//	word 2    event time
//	word 3    created, where the table has arrival times
//	then      IDs; then Floats and Vectors, two float32s to a word
//
// What an entity keeps is the record from word 2 on.
const (
	visibleWord = 0
	keyWord     = 1
	stateWord   = 2
)

// rowLayout says where the values of a table's rows are in a record.
type rowLayout struct {
	columns []recsys.Column
	arrival bool
	strict  bool
	future  int64 // 0: rows may be dated ahead of their arrival by any time

	ids, floats, values int // values: Floats and Vectors
	payload             int // the word at which IDs begin
	words               int
}

func newRowLayout(t *Table) rowLayout {
	l := rowLayout{columns: t.Columns, arrival: t.Arrival, strict: t.Strict, future: int64(t.Future), payload: stateWord + 1}
	if t.Arrival {
		l.payload++
	}
	for i := range t.Columns {
		switch c := &t.Columns[i]; c.Kind {
		case recsys.Float:
			l.floats++
			l.values++
		case recsys.ID:
			l.ids++
		case recsys.Vector:
			l.values += c.Dim
		}
	}
	l.words = l.payload + l.ids + (l.values+1)/2
	return l
}

// visible returns when a row can first be read; ok: it ever can. Strictly before a label there is no end of time.
func (l *rowLayout) visible(r *Row) (at int64, ok bool) {
	at = r.Time
	if l.strict {
		if at == math.MaxInt64 {
			return at, false
		}
		at++
	}
	if l.arrival {
		at = max(at, r.Created)
	}
	return at, true
}

// refused says that an online store would not have taken the row.
func (l *rowLayout) refused(r *Row) bool {
	return l.arrival && l.future > 0 && r.Time > r.Created && since(r.Time, r.Created) > l.future
}

// encode writes r, which has been checked, into rec.
func (l *rowLayout) encode(rec []uint64, r *Row, visible int64) {
	rec[visibleWord], rec[keyWord], rec[stateWord] = uint64(visible), r.Key, uint64(r.Time)
	if l.arrival {
		rec[stateWord+1] = uint64(r.Created)
	}
	copy(rec[l.payload:], r.IDs)
	values := float32s(rec[l.payload+l.ids:], l.values)
	copy(values, r.Floats)
	copy(values[l.floats:], r.Vectors)
}

// check returns what is wrong with the values of a row, as features.Store has it.
func (l *rowLayout) check(r *Row) (column string, err error) {
	if len(r.Floats) != l.floats || len(r.IDs) != l.ids || len(r.Vectors) != l.values-l.floats {
		return "", fmt.Errorf("%d floats, %d ids and %d vector values; want %d, %d and %d, for the table's columns",
			len(r.Floats), len(r.IDs), len(r.Vectors), l.floats, l.ids, l.values-l.floats)
	}
	for j, v := range r.Floats {
		if math.IsInf(float64(v), 0) {
			return columnsOf(nil, l.columns, recsys.Float)[j], fmt.Errorf("%v; want a finite number, or NaN where it is unknown", v)
		}
	}
	for j, v := range r.Vectors {
		if v-v != 0 {
			return l.vectorAt(j), fmt.Errorf("%v; want finite numbers, or all zeros where the vector is unknown", v)
		}
	}
	return "", nil
}

// vectorAt returns the name of the column to which value j of the vectors belongs.
func (l *rowLayout) vectorAt(j int) string {
	for i := range l.columns {
		if c := &l.columns[i]; c.Kind == recsys.Vector {
			if j < c.Dim {
				return c.Name
			}
			j -= c.Dim
		}
	}
	return ""
}

// float32s views words as n float32s. The words are 64-bit aligned, and a float32 has the
// layout of half a word; byte order does not matter, as both sides are this process.
func float32s(words []uint64, n int) []float32 {
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(&words[:(n+1)/2][0])), n)
}

// A label's record:
//
//	word 0    time
//	word 1    its number in the source
//	word 2    group
//	word 3    propensity, the bits of a float64
//	word 4    weight, the bits of a float32, and position << 32
//	then      keys; IDs; Values and Floats, two float32s to a word
const labelWords = 5

// labelLayout says where the parts of a label are in a record.
type labelLayout struct {
	keys, ids, heads, floats int
	words                    int
	names                    []string // of the heads
}

func newLabelLayout(l *Labels) labelLayout {
	n := labelLayout{names: l.Heads, keys: len(l.Keys), ids: len(l.IDColumns), heads: len(l.Heads), floats: len(l.Columns)}
	n.words = labelWords + n.keys + n.ids + (n.heads+n.floats+1)/2
	return n
}

func (l *labelLayout) encode(rec []uint64, number int64, a *Label) error {
	if len(a.Keys) != l.keys || len(a.Values) != l.heads || len(a.Floats) != l.floats || len(a.IDs) != l.ids {
		return fmt.Errorf("%d keys, %d values, %d floats and %d ids; want %d, %d, %d and %d, as Labels declares",
			len(a.Keys), len(a.Values), len(a.Floats), len(a.IDs), l.keys, l.heads, l.floats, l.ids)
	}
	weight, propensity := cmp.Or(a.Weight, 1), a.Propensity
	if !(weight > 0) || math.IsInf(float64(weight), 0) {
		return fmt.Errorf("weight %v; want a finite number > 0, or 0 for 1", weight)
	}
	switch {
	case propensity == 0:
		propensity = math.NaN()
	case propensity < 0 || propensity > 1:
		return fmt.Errorf("propensity %v; want one in (0, 1], or NaN or 0 where it is not known", propensity)
	}
	for h, v := range a.Values {
		if math.IsInf(float64(v), 0) {
			return fmt.Errorf("label %q is %v; want a finite number, or NaN where it is unknown", l.names[h], v)
		}
	}
	rec[0], rec[1], rec[2] = uint64(a.Time), uint64(number), a.Group
	rec[3] = math.Float64bits(propensity)
	rec[4] = uint64(math.Float32bits(weight)) | uint64(uint32(a.Position))<<32
	copy(rec[labelWords:], a.Keys)
	copy(rec[labelWords+l.keys:], a.IDs)
	values := float32s(rec[labelWords+l.keys+l.ids:], l.heads+l.floats)
	copy(values, a.Values)
	copy(values[l.heads:], a.Floats)
	return nil
}

// decode writes a record into out: a label, and what the columns of out begin with.
func (l *labelLayout) decode(out *Joined, rec []uint64) {
	a := &out.Label
	a.Time, out.Number, a.Group = int64(rec[0]), int64(rec[1]), rec[2]
	a.Propensity = math.Float64frombits(rec[3])
	a.Weight, a.Position = math.Float32frombits(uint32(rec[4])), int32(rec[4]>>32)
	a.Keys = append(a.Keys[:0], rec[labelWords:labelWords+l.keys]...)
	a.IDs = append(a.IDs[:0], rec[labelWords+l.keys:labelWords+l.keys+l.ids]...)
	values := float32s(rec[labelWords+l.keys+l.ids:], l.heads+l.floats)
	a.Values = append(a.Values[:0], values[:l.heads]...)
	a.Floats = append(a.Floats[:0], values[l.heads:]...)
}

// lookup says how a table's row becomes columns of the output.
type lookup struct {
	rowLayout
	key   int // of the label's keys
	ttl   int64
	stale features.StalePolicy
	age   bool

	defaults []float32 // of the Float columns
	oldest   int64     // the smallest MaxAge; 0: none
	maxAge   []int64   // by column
	dims     []int     // by column
}

func newLookup(t *Table, key int) *lookup {
	l := &lookup{rowLayout: newRowLayout(t), key: key, ttl: int64(t.TTL), stale: t.Stale, age: t.Age != ""}
	for i := range t.Columns {
		c := &t.Columns[i]
		if c.Kind == recsys.Float {
			v := float32(math.NaN())
			if c.Default != nil {
				v = *c.Default
			}
			l.defaults = append(l.defaults, v)
		}
		l.maxAge, l.dims = append(l.maxAge, int64(c.MaxAge)), append(l.dims, c.Dim)
		if c.MaxAge > 0 && (l.oldest == 0 || int64(c.MaxAge) < l.oldest) {
			l.oldest = int64(c.MaxAge)
		}
	}
	return l
}

// append adds the columns of a row to out, or defaults when state is nil.
func (l *lookup) append(out *Joined, state []uint64, age int64) {
	floats, ids, vectors := len(out.Floats), len(out.IDs), len(out.Vectors)
	if state == nil {
		out.Floats = append(out.Floats, l.defaults...)
		out.IDs = appendZeros(out.IDs, l.ids)
		out.Vectors = appendZeros(out.Vectors, l.values-l.floats)
	} else {
		at := l.payload - stateWord
		out.IDs = append(out.IDs, state[at:at+l.ids]...)
		values := float32s(state[at+l.ids:], l.values)
		out.Floats = append(out.Floats, values[:l.floats]...)
		out.Vectors = append(out.Vectors, values[l.floats:]...)
		row := out.Floats[floats:]
		for j, v := range row {
			if v != v {
				row[j] = l.defaults[j]
			}
		}
		if l.stale == features.DefaultStale && l.oldest > 0 && age > l.oldest {
			l.expire(row, out.IDs[ids:], out.Vectors[vectors:], age)
		}
	}
	seconds := float32(math.NaN())
	if state != nil {
		seconds = float32(float64(age) / float64(time.Second))
	}
	out.Ages = append(out.Ages, seconds)
	if l.age {
		out.Floats = append(out.Floats, seconds)
	}
}

// expire writes the default into each value that is older than its column's MaxAge.
func (l *lookup) expire(floats []float32, ids []uint64, vectors []float32, age int64) {
	f, n, v := 0, 0, 0
	for i := range l.columns {
		old := l.maxAge[i] > 0 && age > l.maxAge[i]
		switch l.columns[i].Kind {
		case recsys.Float:
			if old {
				floats[f] = l.defaults[f]
			}
			f++
		case recsys.ID:
			if old {
				ids[n] = 0
			}
			n++
		case recsys.Vector:
			if old {
				clear(vectors[v : v+l.dims[i]])
			}
			v += l.dims[i]
		}
	}
}

func appendZeros[T uint64 | float32](dst []T, n int) []T {
	for range n {
		dst = append(dst, 0)
	}
	return dst
}

// since returns now - at >= 0, or the largest duration where that is more.
func since(now, at int64) int64 {
	if d := now - at; d >= 0 {
		return d
	}
	return math.MaxInt64
}
