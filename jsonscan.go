package recsys

import (
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// jsonScanner reads one JSON text. The first mistake sticks: from then on every method
// returns zero values, and path says where it was, innermost first.
type jsonScanner struct {
	b    []byte
	i    int
	err  error
	path []string
}

// errUnterminated is the mistake of a text that ends too early.
var errUnterminated = errors.New("text ends within a value")

const maxJSONDepth = 64

func (s *jsonScanner) reset(b []byte) { *s = jsonScanner{b: b, path: s.path[:0]} }

func (s *jsonScanner) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

func (s *jsonScanner) failf(format string, args ...any) { s.fail(fmt.Errorf(format, args...)) }

// field returns the place of the mistake: "rows[3].floats".
func (s *jsonScanner) field() string {
	out := ""
	for i := len(s.path) - 1; i >= 0; i-- {
		if out != "" && s.path[i][0] != '[' {
			out += "."
		}
		out += s.path[i]
	}
	return out
}

// next skips white space and returns the byte after it, without taking it.
func (s *jsonScanner) next() byte {
	for s.err == nil {
		if s.i == len(s.b) {
			s.fail(errUnterminated)
			break
		}
		switch c := s.b[s.i]; c {
		case ' ', '\t', '\r', '\n':
			s.i++
		default:
			return c
		}
	}
	return 0
}

func (s *jsonScanner) want(c byte) {
	if have := s.next(); have == c {
		s.i++
	} else {
		s.failf("found %q at byte %d; want %q", have, s.i, c)
	}
}

// end checks that nothing but white space follows.
func (s *jsonScanner) end() {
	if s.err == nil {
		if c := s.next(); s.err == nil {
			s.failf("found %q at byte %d after the record", c, s.i)
		} else {
			s.err = nil
		}
	}
}

// object calls f for every field that is not null; f reads the value.
func (s *jsonScanner) object(f func(key []byte)) {
	s.want('{')
	if s.next() == '}' {
		s.i++
		return
	}
	for s.err == nil {
		key := s.str()
		s.want(':')
		if s.next() == 'n' {
			s.skip()
		} else if s.err == nil {
			f(key)
		}
		if s.err != nil && len(key) > 0 {
			s.path = append(s.path, printable(key))
		}
		if !s.more('}') {
			return
		}
	}
}

// array calls f for every element; f reads it.
func (s *jsonScanner) array(f func(i int)) {
	s.want('[')
	if s.next() == ']' {
		s.i++
		return
	}
	for i := 0; s.err == nil; i++ {
		f(i)
		if s.err != nil {
			s.path = append(s.path, "["+strconv.Itoa(i)+"]")
		}
		if !s.more(']') {
			return
		}
	}
}

// more takes a comma, or the end of the list.
func (s *jsonScanner) more(end byte) bool {
	switch c := s.next(); {
	case s.err != nil:
		return false
	case c == ',':
		s.i++
		return true
	case c == end:
		s.i++
		return false
	default:
		s.failf("found %q at byte %d; want ',' or %q", c, s.i, end)
		return false
	}
}

// printable is a key of someone else's choice as part of an error.
func printable(key []byte) string {
	if len(key) > 40 {
		key = key[:40]
	}
	return string(key)
}

// str takes a string. The bytes are a view of the text when it holds no escape.
func (s *jsonScanner) str() []byte {
	s.want('"')
	if s.err != nil {
		return nil
	}
	from, escaped := s.i, false
	for ; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; {
		case c == '"':
			raw := s.b[from:s.i]
			s.i++
			if !utf8.Valid(raw) {
				s.failf("string is not UTF-8")
				return nil
			}
			if escaped {
				return s.unescape(raw)
			}
			return raw
		case c == '\\':
			escaped = true
			s.i++
		case c < ' ':
			s.failf("control character %#02x at byte %d", c, s.i)
			return nil
		}
	}
	s.i = len(s.b)
	s.fail(errUnterminated)
	return nil
}

// number takes a number and returns its text.
func (s *jsonScanner) number() []byte {
	c := s.next()
	from := s.i
	if c == '-' {
		s.i++
	}
	ok := true
	if s.i < len(s.b) && s.b[s.i] == '0' {
		s.i++
	} else {
		ok = s.digits()
	}
	if s.i < len(s.b) && s.b[s.i] == '.' {
		s.i++
		ok = s.digits() && ok
	}
	if s.i < len(s.b) && s.b[s.i]|0x20 == 'e' {
		s.i++
		if s.i < len(s.b) && (s.b[s.i] == '+' || s.b[s.i] == '-') {
			s.i++
		}
		ok = s.digits() && ok
	}
	switch {
	case s.err != nil:
		return nil
	case s.i == len(s.b): // a record never ends with a number
		s.fail(errUnterminated)
		return nil
	case !ok:
		s.failf("found %q at byte %d; want a number", c, from)
		return nil
	}
	return s.b[from:s.i]
}

func (s *jsonScanner) digits() bool {
	from := s.i
	for s.i < len(s.b) && s.b[s.i]-'0' <= 9 {
		s.i++
	}
	return s.i > from
}

// skip takes any value.
func (s *jsonScanner) skip() { s.skipTo(0) }

func (s *jsonScanner) skipTo(depth int) {
	if depth == maxJSONDepth {
		s.failf("nested more than %d deep", maxJSONDepth)
		return
	}
	switch c := s.next(); {
	case s.err != nil:
	case c == '{':
		s.object(func([]byte) { s.skipTo(depth + 1) })
	case c == '[':
		s.array(func(int) { s.skipTo(depth + 1) })
	case c == '"':
		s.str()
	case c == 't':
		s.word("true")
	case c == 'f':
		s.word("false")
	case c == 'n':
		s.word("null")
	default:
		s.number()
	}
}

func (s *jsonScanner) word(w string) {
	switch have := s.b[s.i:min(len(s.b), s.i+len(w))]; {
	case string(have) == w:
		s.i += len(w)
	case s.i+len(w) > len(s.b):
		s.fail(errUnterminated)
	default:
		s.failf("found %q at byte %d; want %s", have, s.i, w)
	}
}
