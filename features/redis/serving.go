package redis

import (
	"math"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
)

// serving is what reading makes of a stored row, by its age: the policies of a view.
type serving struct {
	columns []recsys.Column // served
	policy  features.StalePolicy
	ttl     int64
	oldest  int64 // the smallest MaxAge, 0 for none

	floats   int // stored Float columns
	age      int // the Float column of the age, -1 for none
	defaults []place32
	aged     []agedColumn
}

// place32 is a Float column with a default.
type place32 struct {
	index int
	value float32
}

// agedColumn is a column with a MaxAge.
type agedColumn struct {
	kind   recsys.Kind
	index  int // within its kind
	value  float32
	maxAge int64
}

func newServing(v *features.View) *serving {
	s := &serving{columns: v.Served(), policy: v.Stale, ttl: int64(v.TTL), age: -1}
	var ids, vectors int
	for _, c := range v.Stored() {
		a := agedColumn{kind: c.Kind, value: float32(math.NaN()), maxAge: int64(c.MaxAge)}
		switch c.Kind {
		case recsys.Float:
			a.index, s.floats = s.floats, s.floats+1
			if c.Default != nil {
				a.value = *c.Default
				s.defaults = append(s.defaults, place32{a.index, a.value})
			}
		case recsys.ID:
			a.index, ids = ids, ids+1
		case recsys.Vector:
			a.index, vectors = vectors, vectors+1
		}
		if a.maxAge > 0 {
			s.aged = append(s.aged, a)
			if s.oldest == 0 || a.maxAge < s.oldest {
				s.oldest = a.maxAge
			}
		}
	}
	if v.Age != "" {
		s.age = s.floats
	}
	return s
}

// undated is the event time of a row without one.
const undated = math.MinInt64

// nanoOf returns a time as rows store it, and whether it can be.
func nanoOf(t time.Time) (int64, bool) {
	if t.IsZero() {
		return undated, true
	}
	year := t.UTC().Year()
	return t.UnixNano(), year >= 1678 && year <= 2261
}

// moment is a query's Now as rows store time.
type moment struct {
	now   int64
	known bool
}

func momentOf(now time.Time) moment {
	n, ok := nanoOf(now)
	switch {
	case now.IsZero():
		return moment{}
	case !ok && now.Year() < 1970:
		n = undated + 1
	case !ok:
		n = math.MaxInt64
	}
	return moment{n, true}
}

// age returns now - at, the largest int64 where it overflows or the row is undated.
func (m moment) age(at int64) int64 {
	age := m.now - at
	switch {
	case at == undated, age < 0 && m.now > at:
		return math.MaxInt64
	case age > 0 && m.now < at:
		return math.MinInt64
	}
	return age
}

// outcome is what became of a row.
type outcome uint8

const (
	missing outcome = iota
	fresh
	stale
	expired // missing, since it is older than the TTL
)

// finish applies the policies to row i, which has been written as it is stored. The block's bits start cleared.
func (s *serving) finish(b *recsys.Block, i int, at int64, m moment) outcome {
	seconds := float32(math.NaN())
	result, age := fresh, int64(0)
	if m.known {
		age = m.age(at)
		if s.ttl > 0 && age > s.ttl {
			s.miss(b, i)
			return expired
		}
		if at != undated {
			seconds = float32(time.Duration(age).Seconds())
		}
		if s.oldest > 0 && age > s.oldest {
			result = stale
			b.Stale.Set(i)
		}
	}
	if result == stale && s.policy == features.DropStale {
		s.miss(b, i)
		return stale
	}
	row := b.FloatRow(i)
	for _, d := range s.defaults {
		if row[d.index] != row[d.index] {
			row[d.index] = d.value
		}
	}
	if result == stale && s.policy == features.DefaultStale {
		s.expire(b, i, age)
	}
	if s.age >= 0 {
		row[s.age] = seconds
	}
	setAge(b, i, seconds)
	return result
}

// expire writes the defaults of the columns that are too old.
func (s *serving) expire(b *recsys.Block, i int, age int64) {
	for _, c := range s.aged {
		if age <= c.maxAge {
			continue
		}
		switch c.kind {
		case recsys.Float:
			b.FloatRow(i)[c.index] = c.value
		case recsys.ID:
			b.ID[c.index][i] = 0
		case recsys.Vector:
			clear(b.VectorAt(c.index, i))
		}
	}
}

// miss writes the defaults of all columns and sets the bit.
func (s *serving) miss(b *recsys.Block, i int) {
	b.Miss(i)
	setAge(b, i, float32(math.NaN()))
}

// fits reports whether a block has the columns that are served, and n rows.
func (s *serving) fits(b *recsys.Block, n int) bool {
	floats, ids, vectors := 0, 0, 0
	for i := range s.columns {
		switch c := &s.columns[i]; c.Kind {
		case recsys.Float:
			floats++
		case recsys.ID:
			ids++
		case recsys.Vector:
			if vectors >= len(b.Dims) || b.Dims[vectors] != c.Dim {
				return false
			}
			vectors++
		}
	}
	return b.Rows == n && b.Floats == floats && len(b.ID) == ids && len(b.Vector) == vectors
}
