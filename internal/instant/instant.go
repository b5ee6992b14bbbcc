// Package instant reads points in time as files of events write them, into Unix nanoseconds.
package instant

import (
	"math"
	"time"
)

// Unit returns the nanoseconds of the unit in which v counts from 1970 on, judged by its
// magnitude: seconds below 1e11 (the year 5138), milliseconds below 1e14, microseconds
// below 1e17, else nanoseconds. So a time within 100 s of 1970 cannot be told in a finer unit.
func Unit(v int64) int64 {
	switch a := max(v, -v); {
	case a < 0: // the most negative number
		return 1
	case a < 1e11:
		return 1e9
	case a < 1e14:
		return 1e6
	case a < 1e17:
		return 1e3
	}
	return 1
}

// Scale returns v*unit, and whether that is within int64.
func Scale(v, unit int64) (ns int64, ok bool) {
	if v > math.MaxInt64/unit || v < math.MinInt64/unit {
		return 0, false
	}
	return v * unit, true
}

// Text reads RFC 3339, the same with a space for the T or without a zone, which then is UTC,
// and a date alone, its midnight UTC. It reports false for other text and for what
// is outside of int64 nanoseconds, 1677 to 2262.
func Text(s string) (ns int64, ok bool) {
	if len(s) < len(time.DateOnly) {
		return 0, false
	}
	var b [64]byte
	if len(s) > 10 && len(s) <= len(b) && s[10] == ' ' {
		n := copy(b[:], s)
		b[10] = 'T'
		s = string(b[:n])
	}
	for _, layout := range [...]string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04:05Z07", time.DateOnly} {
		t, err := time.Parse(layout, s)
		if err == nil {
			ns = t.UnixNano()
			return ns, time.Unix(0, ns).Equal(t)
		}
	}
	return 0, false
}
