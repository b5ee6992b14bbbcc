// Package libsvm reads the lines of libsvm (svmlight) files:
//
//	label [qid:GROUP] index:value index:value … [# comment]
package libsvm

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
)

// MaxColumns bounds the width that a short line can claim.
const MaxColumns = 1 << 20

// Error says which token of which line is wrong.
type Error struct {
	Line  int    // from 1
	Field string // "label", "qid", "index", "index:value"; empty: the input itself failed
	Value string // the token
	Err   error
}

// Error returns the reason alone: readers give it a place.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

var (
	errNoNumber  = errors.New("want a number")
	errNotFinite = errors.New("want a number that is finite as float32")
	errNoInteger = errors.New("want an integer >= 0")
	errPair      = errors.New("want index:value")
	errIndex0    = errors.New("want an index >= 0")
	errIndex1    = errors.New("want an index >= 1")
	errSomeQID   = errors.New("some lines have one and some have none")
	errTwice     = errors.New("comes twice in the line")
)

// Scanner reads rows. After each Next the fields hold the row; the slices are the scanner's.
type Scanner struct {
	OneBased bool // the first index is 1
	Columns  int  // indexes at or beyond it are errors; 0: only [MaxColumns] holds

	Label    float32
	Group    uint64 // the qid
	HasGroup bool   // all rows have one or none has
	Index    []int32
	Value    []float32

	in     *bufio.Reader
	buf    []byte
	line   int
	rows   int
	sorted []int32
}

// NewScanner returns a scanner of r.
func NewScanner(r io.Reader) *Scanner { return &Scanner{in: bufio.NewReaderSize(r, 1<<16)} }

// Line returns the line of the last row.
func (s *Scanner) Line() int { return s.line }

// Number returns the index of column j as it stands in the file.
func (s *Scanner) Number(j int) int {
	if s.OneBased {
		j++
	}
	return j
}

// Next reads the next row. The error is io.EOF after the last one, else an [*Error].
func (s *Scanner) Next() error {
	for {
		text, err := s.readLine()
		if err != nil {
			return err
		}
		text, _, _ = bytes.Cut(text, []byte("#"))
		if text = bytes.TrimSpace(text); len(text) > 0 {
			return s.row(text)
		}
	}
}

func (s *Scanner) readLine() ([]byte, error) {
	s.buf = s.buf[:0]
	for {
		part, err := s.in.ReadSlice('\n')
		s.buf = append(s.buf, part...)
		switch {
		case err == bufio.ErrBufferFull:
		case err == nil || err == io.EOF && len(s.buf) > 0:
			s.line++
			return s.buf, nil
		case err == io.EOF:
			return nil, err
		default:
			return nil, &Error{Line: s.line + 1, Err: err}
		}
	}
}

func (s *Scanner) fail(field string, token []byte, err error) error {
	return &Error{Line: s.line, Field: field, Value: string(token), Err: err}
}

func (s *Scanner) row(text []byte) error {
	had := s.HasGroup
	s.HasGroup, s.Index, s.Value = false, s.Index[:0], s.Value[:0]
	at := 0
	for token := range bytes.FieldsSeq(text) {
		qid, isQID := bytes.CutPrefix(token, []byte("qid:"))
		var err error
		switch {
		case at == 0:
			if s.Label, err = number(token); err != nil {
				return s.fail("label", token, err)
			}
		case at == 1 && isQID:
			if s.Group, err = strconv.ParseUint(string(qid), 10, 64); err != nil {
				return s.fail("qid", token, errNoInteger)
			}
			s.HasGroup = true
		default:
			if err := s.pair(token); err != nil {
				return s.fail("index:value", token, err)
			}
		}
		at++
	}
	if s.rows++; s.rows > 1 && s.HasGroup != had {
		return s.fail("qid", nil, errSomeQID)
	}
	return s.unique()
}

// pair reads one index:value.
func (s *Scanner) pair(token []byte) error {
	index, value, ok := bytes.Cut(token, []byte(":"))
	if !ok {
		return errPair
	}
	j, err := strconv.ParseInt(string(index), 10, 32)
	if s.OneBased {
		j--
	}
	switch {
	case err != nil || j < 0 && !s.OneBased:
		return errIndex0
	case j < 0:
		return errIndex1
	case s.Columns > 0 && int(j) >= s.Columns:
		return fmt.Errorf("want an index within %d columns", s.Columns)
	case j >= MaxColumns:
		return fmt.Errorf("want an index below %d; categories belong into ID columns", MaxColumns)
	}
	v, err := number(value)
	if err != nil {
		return err
	}
	s.Index, s.Value = append(s.Index, int32(j)), append(s.Value, v)
	return nil
}

// number reads a float32: a finite number, or NaN.
func number(b []byte) (float32, error) {
	v, err := strconv.ParseFloat(string(b), 32)
	if math.IsInf(v, 0) {
		return 0, errNotFinite
	}
	if err != nil {
		return 0, errNoNumber
	}
	return float32(v), nil
}

// unique returns an error when the row has an index twice.
func (s *Scanner) unique() error {
	row := s.Index
	if !slices.IsSorted(row) {
		s.sorted = append(s.sorted[:0], row...)
		row = s.sorted
		slices.Sort(row)
	}
	for i := 1; i < len(row); i++ {
		if row[i] == row[i-1] {
			return s.fail("index", strconv.AppendInt(nil, int64(s.Number(int(row[i]))), 10), errTwice)
		}
	}
	return nil
}
