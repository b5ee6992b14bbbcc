package frame

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// cell is one field of a record.
type cell struct {
	text   []byte // a view of the scanner's memory, until the next record
	quoted bool
	line   int // where it begins
}

// recordScanner splits CSV text into records and cells.
type recordScanner struct {
	in      *bufio.Reader
	comma   byte
	literal bool // quotes are text
	max     int  // bytes of a record
	line    int  // lines read
	first   bool // nothing was read yet
	buf     []byte
	spans   []span
	cells   []cell
	at      int // where in buf the next cell begins
	end     int // where in buf the text of the last line ends
}

// span is a cell as offsets, which stay true while buf grows.
type span struct {
	from, to, line int
	quoted         bool
}

var (
	errBareQuote = errors.New(`a quote within a field that has none at its begin; write "" for " and put the field in quotes`)
	errAfter     = errors.New("text between the closing quote and the end of the field")
	errOpenQuote = errors.New("the file ends within quotes")
)

func newRecordScanner(r io.Reader, comma byte, literal bool, maxRecord int) *recordScanner {
	return &recordScanner{in: bufio.NewReaderSize(r, 1<<16), comma: comma, literal: literal, max: maxRecord, first: true}
}

// next returns the cells of the next record that is not an empty line, or io.EOF. Any other
// error belongs to s.line.
func (s *recordScanner) next() ([]cell, error) {
	for {
		s.buf, s.spans, s.at = s.buf[:0], s.spans[:0], 0
		if err := s.readLine(); err != nil {
			return nil, err
		}
		if s.first {
			s.first = false
			if bytes.HasPrefix(s.buf, []byte("\ufeff")) {
				s.at = len("\ufeff")
			}
		}
		if s.end > s.at {
			break
		}
	}
	for more := true; more; {
		var err error
		if more, err = s.cell(); err != nil {
			return nil, err
		}
	}
	s.cells = s.cells[:0]
	for _, p := range s.spans {
		s.cells = append(s.cells, cell{s.buf[p.from:p.to], p.quoted, p.line})
	}
	return s.cells, nil
}

// readLine appends the next line to buf and sets end to where its text ends.
func (s *recordScanner) readLine() error {
	from := len(s.buf)
	for {
		part, err := s.in.ReadSlice('\n')
		if len(s.buf)+len(part) > s.max {
			s.line++
			return fmt.Errorf("the record has more than MaxRecord, %d bytes; is a quote left open?", s.max)
		}
		s.buf = append(s.buf, part...)
		switch {
		case err == bufio.ErrBufferFull:
			continue
		case err == io.EOF && len(s.buf) == from, err != nil && err != io.EOF:
			return err
		}
		s.line++
		line, _ := bytes.CutSuffix(s.buf[from:], []byte("\n"))
		line, _ = bytes.CutSuffix(line, []byte("\r"))
		s.end = from + len(line)
		return nil
	}
}

// cell reads the cell at s.at and reports whether another one follows in the record.
func (s *recordScanner) cell() (more bool, err error) {
	rest := s.buf[s.at:s.end]
	if !s.literal {
		if i := skipSpace(rest, s.comma); i < len(rest) && rest[i] == '"' {
			return s.quotedCell(s.at + i)
		}
	}
	end := bytes.IndexByte(rest, s.comma)
	more = end >= 0
	if !more {
		end = len(rest)
	}
	if !s.literal && bytes.IndexByte(rest[:end], '"') >= 0 {
		return false, errBareQuote
	}
	from, to := s.at, s.at+end
	for from < to && isSpace(s.buf[from]) {
		from++
	}
	for from < to && isSpace(s.buf[to-1]) {
		to--
	}
	s.spans = append(s.spans, span{from, to, s.line, false})
	s.at += end + 1
	return more, nil
}

// quotedCell reads the cell whose opening quote is at i. Doubled quotes become one in place.
func (s *recordScanner) quotedCell(i int) (more bool, err error) {
	p := span{i + 1, i + 1, s.line, true}
	for i++; ; {
		n := bytes.IndexByte(s.buf[i:s.end], '"')
		if n < 0 { // what ends the line belongs to the cell
			p.to += copy(s.buf[p.to:], s.buf[i:])
			s.buf = s.buf[:p.to]
			i = p.to
			if err := s.readLine(); err == io.EOF {
				s.line = p.line
				return false, errOpenQuote
			} else if err != nil {
				return false, err
			}
			continue
		}
		p.to += copy(s.buf[p.to:], s.buf[i:i+n])
		if i += n + 1; i == s.end || s.buf[i] != '"' {
			break
		}
		s.buf[p.to] = '"'
		p.to++
		i++
	}
	s.spans = append(s.spans, p)
	i += skipSpace(s.buf[i:s.end], s.comma)
	switch {
	case i == s.end:
		return false, nil
	case s.buf[i] != s.comma:
		return false, errAfter
	}
	s.at = i + 1
	return true, nil
}

func isSpace(b byte) bool { return b == ' ' || b == '\t' }

// skipSpace returns how many bytes of space b begins with; a separator is none.
func skipSpace(b []byte, comma byte) int {
	i := 0
	for i < len(b) && isSpace(b[i]) && b[i] != comma {
		i++
	}
	return i
}
