package frame

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/recsyskit/recsys/internal/instant"
)

var (
	errNoNumber = errors.New("want a number")
	errRange    = errors.New("want a number within the range of its type")
	errNoInt    = errors.New("want an integer")
	errNoUint   = errors.New("want an integer >= 0")
	errNoTime   = errors.New("want a time: RFC 3339, a date, or Unix seconds, milliseconds, microseconds or nanoseconds")
	errTimeEnds = errors.New("want a time from 1677 to 2262")
)

// number reads a float. Infinity and NaN are what the text says; a number too large is an error.
func number(b []byte, bits int) (float64, error) {
	v, err := strconv.ParseFloat(string(b), bits)
	switch {
	case err == nil:
		return v, nil
	case errors.Is(err, strconv.ErrRange):
		return 0, errRange
	}
	return 0, errNoNumber
}

// unixTime reads a time. The unit of numbers is told by their magnitude if it is 0.
func unixTime(b []byte, unit time.Duration) (int64, error) {
	v, err := strconv.ParseInt(string(b), 10, 64)
	if err != nil {
		if ns, ok := instant.Text(string(b)); ok {
			return ns, nil
		}
		return 0, errNoTime
	}
	per := int64(unit)
	if per == 0 {
		per = instant.Unit(v)
	}
	ns, ok := instant.Scale(v, per)
	if !ok {
		return 0, errTimeEnds
	}
	return ns, nil
}

// appendVector reads dim numbers between spaces, commas, semicolons or bars, in brackets or not.
func appendVector(dst []float32, b []byte, dim int) ([]float32, error) {
	if n := len(b); n > 1 && (b[0] == '[' && b[n-1] == ']' || b[0] == '(' && b[n-1] == ')') {
		b = b[1 : n-1]
	}
	n := 0
	for part := range bytes.FieldsFuncSeq(b, betweenNumbers) {
		if n++; n > dim {
			break
		}
		v, err := number(part, 32)
		if err != nil {
			return nil, fmt.Errorf("value %d: %w", n, err)
		}
		dst = append(dst, float32(v))
	}
	if n != dim {
		return nil, fmt.Errorf("want %d numbers", dim)
	}
	return dst, nil
}

func betweenNumbers(r rune) bool {
	return r == ' ' || r == ',' || r == ';' || r == '|' || r == '\t' || r == '\n' || r == '\r'
}

// texts makes strings of cells and remembers some of them, so that a word that comes again
// and again is one string.
type texts struct{ seen [256]string }

func (t *texts) of(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	h := uint32(2166136261)
	for _, c := range b[:min(len(b), 32)] {
		h = (h ^ uint32(c)) * 16777619
	}
	at := &t.seen[(h^h>>16)&255]
	if *at != string(b) {
		*at = string(b)
	}
	return *at
}

// guess is what the cells of a column look like so far.
type guess struct {
	any                         bool // there was a value
	notInt, notFloat, notTime   bool
	negative, beyond, beyondU64 bool // below 0; above the largest int64; out of uint64
}

// see looks at a value.
func (g *guess) see(b []byte) {
	g.any = true
	if !g.notFloat {
		if _, err := number(b, 64); err != nil {
			g.notFloat, g.notInt = true, true
		}
	}
	if !g.notInt {
		g.integer(b)
	}
	if !g.notTime {
		_, ok := instant.Text(string(b))
		g.notTime = !ok
	}
}

// integer looks at a number.
func (g *guess) integer(b []byte) {
	digits := bytes.TrimPrefix(b, []byte("-"))
	if len(digits) > 1 && digits[0] == '0' { // a code: numbers would lose its zeros
		g.notFloat = g.notFloat || isDigits(digits)
		g.notInt = true
		return
	}
	if !isDigits(digits) {
		g.notInt = true
		return
	}
	if len(digits) < len(b) {
		g.negative = true
		_, err := strconv.ParseInt(string(b), 10, 64)
		g.beyondU64 = g.beyondU64 || err != nil
		return
	}
	v, err := strconv.ParseUint(string(b), 10, 64)
	g.beyondU64 = g.beyondU64 || err != nil
	g.beyond = g.beyond || v > math.MaxInt64
}

func isDigits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}

// kind returns the narrowest kind that holds all values.
func (g *guess) kind() Kind {
	switch {
	case !g.any:
		return String
	case !g.notInt && (g.beyondU64 || g.beyond && g.negative):
		return String // floats would make two IDs one
	case !g.notInt && g.beyond:
		return Uint64
	case !g.notInt:
		return Int64
	case !g.notFloat:
		return Float64
	case !g.notTime:
		return Time
	}
	return String
}
