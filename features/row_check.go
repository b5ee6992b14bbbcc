package features

import (
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/recsyskit/recsys"
)

// check returns a [*RowError] unless r can be stored, and its event time.
func (l *layout) check(r *Row) (at int64, err error) {
	bad := func(column, format string, args ...any) (int64, error) {
		return 0, &RowError{Key: r.Key, Column: column, Reason: fmt.Sprintf(format, args...)}
	}
	at, ok := nanoOf(r.Time)
	switch {
	case r.Key == 0 && l.nonzero:
		return bad("", "key 0 stands for a request without a key; want another one")
	case !ok:
		return bad("", "event time %v; want one in the years 1678 to 2261", r.Time)
	case at == undated && l.ttl > 0:
		return bad("", "it has no event time, but rows of the view expire after %v; set Time", time.Duration(l.ttl))
	case at == undated && len(l.aged) > 0:
		c := l.column(l.aged[0].kind, l.aged[0].index)
		return bad("", "it has no event time, but column %q has MaxAge %v; set Time", c.Name, c.MaxAge)
	}
	if err := l.checkValues(r); err != nil {
		return 0, err
	}
	return at, nil
}

// checkStored checks a row of a snapshot. It may be undated where new rows may not, as MaxAge and TTL can be set later.
func (l *layout) checkStored(r *Row, at int64) error {
	switch {
	case r.Key == 0 && l.nonzero:
		return &RowError{Key: r.Key, Reason: "key 0 stands for a request without a key"}
	case at != undated && (at < firstTime || at > lastTime):
		return &RowError{Key: r.Key, Reason: fmt.Sprintf("event time of %d ns; want one in the years 1678 to 2261", at)}
	}
	return l.checkValues(r)
}

// checkValues checks all but the event time.
func (l *layout) checkValues(r *Row) error {
	bad := func(column, format string, args ...any) error {
		return &RowError{Key: r.Key, Column: column, Reason: fmt.Sprintf(format, args...)}
	}
	switch {
	case len(r.Floats) != l.floats:
		return bad("", "%d floats; want %d, one for each of %s", len(r.Floats), l.floats, l.names(recsys.Float))
	case len(r.IDs) != l.ids:
		return bad("", "%d ids; want %d, one for each of %s", len(r.IDs), l.ids, l.names(recsys.ID))
	case len(r.Vectors) != l.values-l.floats:
		return bad("", "%d vector values; want %d, for %s", len(r.Vectors), l.values-l.floats, l.names(recsys.Vector))
	}
	for j, v := range r.Floats {
		if math.IsInf(float64(v), 0) {
			return bad(l.column(recsys.Float, j).Name, "%v; want a finite number, or NaN when it is unknown", v)
		}
	}
	values := r.Vectors
	for j, d := range l.dims {
		for k, v := range values[:d] {
			if v-v != 0 {
				return bad(l.column(recsys.Vector, j).Name, "value %d is %v; want finite numbers, or all zeros when it is unknown", k, v)
			}
		}
		values = values[d:]
	}
	return nil
}

// column returns column j of a kind.
func (l *layout) column(kind recsys.Kind, j int) *Column {
	for i := range l.columns {
		if l.columns[i].Kind == kind {
			if j == 0 {
				return &l.columns[i]
			}
			j--
		}
	}
	return nil
}

// names lists the columns of a kind for an error.
func (l *layout) names(kind recsys.Kind) string {
	var names []string
	for i := range l.columns {
		c := &l.columns[i]
		switch {
		case c.Kind != kind:
		case kind == recsys.Vector:
			names = append(names, fmt.Sprintf("%q (%d)", c.Name, c.Dim))
		default:
			names = append(names, strconv.Quote(c.Name))
		}
	}
	return list(names)
}

// list joins at most a dozen names.
func list(names []string) string {
	const most = 12
	switch {
	case len(names) == 0:
		return "no columns"
	case len(names) > most:
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}

// named returns a row of the values given by column name.
func (l *layout) named(key uint64, at time.Time, values map[string]any) (Row, error) {
	r := Row{
		Key: key, Time: at,
		Floats:  make([]float32, l.floats),
		IDs:     make([]uint64, l.ids),
		Vectors: make([]float32, l.values-l.floats),
	}
	for j := range r.Floats {
		r.Floats[j] = float32(math.NaN())
	}
	known := 0
	floats, ids, vectors := 0, 0, 0
	for i := range l.columns {
		c := &l.columns[i]
		v, given := values[c.Name]
		if given {
			known++
		}
		ok := true
		switch c.Kind {
		case recsys.Float:
			if given {
				r.Floats[floats], ok = asFloat(v)
			}
			floats++
		case recsys.ID:
			if given {
				r.IDs[ids], ok = asID(v)
			}
			ids++
		case recsys.Vector:
			if given {
				ok = asVector(r.Vectors[vectors:vectors+c.Dim], v)
			}
			vectors += c.Dim
		}
		if !ok {
			return Row{}, &RowError{Key: key, Column: c.Name, Reason: fmt.Sprintf("%T %v; want %s", v, v, wanted(c))}
		}
	}
	if known < len(values) {
		return Row{}, l.unknown(key, values)
	}
	_, err := l.check(&r)
	return r, err
}

// unknown returns the error for values of columns that there are not.
func (l *layout) unknown(key uint64, values map[string]any) error {
	have := map[string]bool{}
	var all, extra []string
	for i := range l.columns {
		have[l.columns[i].Name] = true
		all = append(all, strconv.Quote(l.columns[i].Name))
	}
	for name := range values {
		if !have[name] {
			extra = append(extra, name)
		}
	}
	sort.Strings(extra)
	return &RowError{Key: key, Column: extra[0], Reason: "the store has no such column; it has " + list(all)}
}

func wanted(c *Column) string {
	switch c.Kind {
	case recsys.Float:
		return "a float32, float64, int, int64 or bool that fits a float32"
	case recsys.ID:
		return "a uint64, ItemID, UserID, int >= 0 or string"
	default:
		return fmt.Sprintf("a []float32 of length %d", c.Dim)
	}
}

func asFloat(v any) (float32, bool) {
	switch x := v.(type) {
	case float32:
		return x, true
	case float64:
		return float32(x), math.IsInf(x, 0) || !(math.Abs(x) > math.MaxFloat32)
	case int:
		return float32(x), true
	case int64:
		return float32(x), true
	case bool:
		if x {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

func asID(v any) (uint64, bool) {
	switch x := v.(type) {
	case uint64:
		return x, true
	case recsys.ItemID:
		return uint64(x), true
	case recsys.UserID:
		return uint64(x), true
	case int:
		return uint64(x), x >= 0
	case string:
		return recsys.HashID(x), true
	}
	return 0, false
}

func asVector(dst []float32, v any) bool {
	x, ok := v.([]float32)
	return ok && copy(dst, x) == len(x) && len(x) == len(dst)
}
