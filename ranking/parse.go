package ranking

import (
	"math"
	"strconv"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/instant"
)

// ParseError says which cell of a text file could not be read.
type ParseError = recsys.ParseError

type parseFailure string

func (e parseFailure) Error() string { return string(e) }

const (
	errNoNumber  = parseFailure("want a number")
	errNotFinite = parseFailure("want a number that is finite as float32")
	errNoInteger = parseFailure("want an integer >= 0")
	errNoTime    = parseFailure("want Unix seconds, milliseconds, microseconds or nanoseconds, or RFC 3339")
)

// clip shortens a value for an error.
func clip(s string) string {
	if len(s) > 40 {
		return s[:37] + "..."
	}
	return s
}

// parseFloat reads a float32: a finite number, or NaN.
func parseFloat(s string) (float32, error) {
	v, err := strconv.ParseFloat(s, 32)
	if math.IsInf(v, 0) {
		return 0, errNotFinite
	}
	if err != nil {
		return 0, errNoNumber
	}
	return float32(v), nil
}

// parseID reads a number as it is and hashes any other text, as [recsys.Pipeline.Context] does.
func parseID(s string) uint64 {
	if v, err := strconv.ParseUint(s, 10, 64); err == nil {
		return v
	}
	return recsys.HashID(s)
}

// parseTime reads a time; a number's magnitude tells its unit, up to the year 5138. What is
// beyond nanoseconds is the nearest number that fits.
func parseTime(s string) (int64, error) {
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		ns, ok := instant.Text(s)
		if !ok {
			return 0, errNoTime
		}
		return ns, nil
	}
	ns, ok := instant.Scale(v, instant.Unit(v))
	switch {
	case !ok && v > 0:
		return math.MaxInt64, nil
	case !ok:
		return math.MinInt64, nil
	}
	return ns, nil
}
