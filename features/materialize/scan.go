package materialize

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// maxDepth is how deep a field that means nothing here may be nested.
const maxDepth = 64

// scanner takes one JSON object apart. The first mistake stays, and every later call returns
// nothing.
type scanner struct {
	text   []byte
	at     int
	reason string // of the first mistake
}

func (s *scanner) failf(format string, args ...any) {
	if s.reason == "" {
		s.reason = fmt.Sprintf(format, args...)
	}
}

// next returns the byte after white space without taking it, 0 at the end.
func (s *scanner) next() byte {
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

func (s *scanner) want(c byte) {
	if have := s.next(); have != c {
		s.unexpected(fmt.Sprintf("%q", c))
		return
	}
	s.at++
}

func (s *scanner) unexpected(want string) {
	if s.at >= len(s.text) {
		s.failf("the line ends early; want %s", want)
		return
	}
	s.failf("found %q at byte %d; want %s", s.text[s.at], s.at, want)
}

// more takes a comma and returns true, or takes end.
func (s *scanner) more(end byte) bool {
	if s.reason != "" {
		return false
	}
	switch s.next() {
	case ',':
		s.at++
		return true
	case end:
		s.at++
	default:
		s.unexpected(fmt.Sprintf("',' or %q", end))
	}
	return false
}

// str takes a string. The bytes are part of the text when the string has no escape.
func (s *scanner) str() []byte {
	if s.want('"'); s.reason != "" {
		return nil
	}
	from, escaped, ascii := s.at, false, true
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == '"':
			raw := s.text[from:s.at]
			s.at++
			if escaped {
				return s.unescape(s.text[from-1 : s.at])
			}
			if !ascii && !utf8.Valid(raw) {
				s.failf("the string at byte %d is not UTF-8", from-1)
				return nil
			}
			return raw
		case c == '\\':
			escaped = true
			s.at++
		case c >= utf8.RuneSelf:
			ascii = false
		case c < ' ':
			s.failf("control character %#02x at byte %d", c, s.at)
			return nil
		}
	}
	s.at = len(s.text)
	s.failf("the line ends within a string")
	return nil
}

func (s *scanner) unescape(quoted []byte) []byte {
	var out string
	if err := json.Unmarshal(quoted, &out); err != nil {
		s.failf("the string before byte %d: %v", s.at, err)
	}
	return []byte(out)
}

// number takes a number and returns its text, which is as JSON wants it.
func (s *scanner) number() []byte {
	s.next()
	from := s.at
	s.skipByte('-')
	if !s.skipByte('0') {
		s.digits()
	}
	if s.skipByte('.') {
		s.digits()
	}
	if s.skipByte('e') || s.skipByte('E') {
		if !s.skipByte('+') {
			s.skipByte('-')
		}
		s.digits()
	}
	return s.text[from:s.at]
}

func (s *scanner) skipByte(c byte) bool {
	if s.at < len(s.text) && s.text[s.at] == c {
		s.at++
		return true
	}
	return false
}

func (s *scanner) digits() {
	from := s.at
	for s.at < len(s.text) && s.text[s.at]-'0' <= 9 {
		s.at++
	}
	if s.at == from {
		s.unexpected("a digit")
	}
}

// skip takes any value.
func (s *scanner) skip(depth int) {
	if depth > maxDepth {
		s.failf("nested more than %d deep", maxDepth)
		return
	}
	switch c := s.next(); c {
	case '"':
		s.str()
	case 't':
		s.word("true")
	case 'f':
		s.word("false")
	case 'n':
		s.word("null")
	case '{', '[':
		s.at++
		end := c + 2 // of both
		if s.next() == end {
			s.at++
			return
		}
		for more := true; more; more = s.more(end) {
			if c == '{' {
				s.str()
				s.want(':')
			}
			if s.reason == "" {
				s.skip(depth + 1)
			}
		}
	default:
		s.number()
	}
}

func (s *scanner) word(w string) {
	if len(s.text)-s.at < len(w) || string(s.text[s.at:s.at+len(w)]) != w {
		s.unexpected(w)
		return
	}
	s.at += len(w)
}
