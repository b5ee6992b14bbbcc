package retrieval

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
)

// lines cuts a text into lines of fields.
type lines struct {
	scan   *bufio.Scanner
	name   string
	line   int // of fields, from 1
	fields [][]byte
	sep    byte // 0 as long as no line has shown one
	max    int
	err    error     // the first; a *ReadError
	back   *heldLine // to be given again by next
}

// heldLine is a line that was read.
type heldLine struct {
	number int
	fields [][]byte
}

// take returns the line that next read, in memory of its own.
func (l *lines) take() *heldLine {
	t := &heldLine{number: l.line, fields: make([][]byte, len(l.fields))}
	for i, f := range l.fields {
		t.fields[i] = bytes.Clone(f)
	}
	return t
}

func newLines(r io.Reader, name string, sep byte, maxLine int) lines {
	if maxLine == 0 {
		maxLine = defaultMaxLine
	}
	maxLine = min(maxLine, math.MaxInt-3)
	scan := bufio.NewScanner(r)
	// The scanner gives up when its buffer is full: one byte more than the line
	// and its end.
	scan.Buffer(make([]byte, 0, min(maxLine+3, 64<<10)), maxLine+3)
	return lines{scan: scan, name: name, sep: sep, max: maxLine}
}

// next reads the next line that is not blank.
func (l *lines) next() bool {
	if b := l.back; b != nil && l.err == nil {
		l.line, l.fields, l.back = b.number, b.fields, nil
		return true
	}
	for l.err == nil && l.scan.Scan() {
		l.line++
		if l.scan.Err() != nil {
			break // what was scanned may be part of a line
		}
		text := bytes.TrimRight(l.scan.Bytes(), "\r")
		if l.line == 1 {
			text = l.first(text)
		}
		trimmed := trim(text)
		if len(trimmed) == 0 {
			continue
		}
		if l.sep == 0 {
			l.sep = separator(trimmed)
		}
		switch {
		case len(text) > l.max:
			l.failTooLong()
		case l.sep == 0:
			l.fields = append(l.fields[:0], trimmed)
		case l.sep == ' ':
			l.cutSpaces(text)
		default:
			l.cut(text)
		}
		if l.err == nil {
			return true
		}
	}
	switch err := l.scan.Err(); {
	case err == nil || l.err != nil:
	case errors.Is(err, bufio.ErrTooLong):
		l.line++
		l.failTooLong()
	default:
		l.err = &ReadError{File: l.name, Line: max(l.line, 1), Reason: err.Error(), Err: err}
	}
	return false
}

func (l *lines) fail(format string, args ...any) {
	if l.err == nil {
		l.err = &ReadError{File: l.name, Line: l.line, Reason: fmt.Sprintf(format, args...)}
	}
}

func (l *lines) failTooLong() {
	l.fail("longer than %d bytes; raise ReadOptions.MaxLine if the line is meant", l.max)
}

// first looks at what a file starts with.
func (l *lines) first(text []byte) []byte {
	switch {
	case bytes.HasPrefix(text, []byte("\x1f\x8b")):
		l.fail("the file is compressed; give the reader of compress/gzip")
	case bytes.HasPrefix(text, []byte("\xff\xfe")), bytes.HasPrefix(text, []byte("\xfe\xff")):
		l.fail("the file is in UTF-16; want UTF-8")
	}
	return bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
}

// separator returns the separator that the line has, or 0.
func separator(line []byte) byte {
	for _, sep := range []byte("\t,; ") {
		if bytes.IndexByte(line, sep) >= 0 {
			return sep
		}
	}
	return 0
}

// separated says by what the fields of the line are separated, for an error.
func (l *lines) separated() string {
	if l.sep == 0 {
		return "no separator found"
	}
	return fmt.Sprintf("ReadOptions.Separator is %q", l.sep)
}

// cutSpaces sets fields to what stands between runs of spaces and tabs.
func (l *lines) cutSpaces(line []byte) {
	l.fields = l.fields[:0]
	start := 0
	for i, c := range line {
		if c == ' ' || c == '\t' {
			if start < i {
				l.fields = append(l.fields, line[start:i])
			}
			start = i + 1
		}
	}
	if start < len(line) {
		l.fields = append(l.fields, line[start:])
	}
}

// cut sets fields to what stands between separators.
func (l *lines) cut(line []byte) {
	l.fields = l.fields[:0]
	for more := true; more && l.err == nil; {
		var field []byte
		field, line, more = l.field(line)
		l.fields = append(l.fields, field)
	}
}

// field returns the first field of the line, what follows its separator, and
// whether there was one.
func (l *lines) field(line []byte) (field, rest []byte, more bool) {
	if start := bytes.TrimLeft(line, " "); len(start) > 0 && start[0] == '"' {
		return l.quoted(start[1:])
	}
	if i := bytes.IndexByte(line, l.sep); i >= 0 {
		field, rest, more = line[:i], line[i+1:], true
	} else {
		field = line
	}
	return trim(field), rest, more
}

// quoted returns the field before the closing quote of line.
func (l *lines) quoted(line []byte) (field, rest []byte, more bool) {
	for {
		i := bytes.IndexByte(line, '"')
		if i < 0 {
			l.fail("a double quote is not closed on its line")
			return nil, nil, false
		}
		field = append(field, line[:i]...)
		line = line[i+1:]
		if len(line) == 0 || line[0] != '"' {
			break
		}
		field = append(field, '"')
		line = line[1:]
	}
	after, rest, more := bytes.Cut(line, []byte{l.sep})
	if len(trim(after)) > 0 {
		l.fail("%q follows a closing double quote; double the quotes inside of a field", clip(after))
	}
	return field, rest, more
}

// trim returns b without spaces and tabs at its ends. Other white space may belong
// to an id.
func trim(b []byte) []byte {
	blank := func(c byte) bool { return c == ' ' || c == '\t' }
	for len(b) > 0 && blank(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && blank(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

// clip returns the beginning of a field, for an error.
func clip(field []byte) string {
	const limit = 40
	if len(field) > limit {
		return string(field[:limit-3]) + "..."
	}
	return string(field)
}
