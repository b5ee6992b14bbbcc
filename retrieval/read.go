package retrieval

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/recsyskit/recsys"
)

// ReadOptions says how to read interactions from text. The zero value reads what
// most data sets are published as.
//
// A line ends with LF or CRLF; blank lines are skipped, and so is a byte order
// mark. There are no comments: a line that starts with # is data. With the
// separators comma, semicolon and tab a field may stand in double quotes, a quote
// in it doubled; it cannot span lines.
type ReadOptions struct {
	// UserID and ItemID turn a field into an id; nil reads an unsigned decimal
	// number below 2^64. A vocabulary gives ids to strings:
	//
	//	UserID: func(s string) (recsys.UserID, error) {
	//		id, err := users.Add(s)
	//		return recsys.UserID(id), err
	//	},
	//
	// They are called in the order of the file, by one goroutine, and once for a
	// run of equal fields. What they remember stays when reading fails later.
	UserID func(string) (recsys.UserID, error)
	ItemID func(string) (recsys.ItemID, error)

	// Columns names the columns for [ReadInteractions]: "user" and "item", at
	// most one "value" and one "time", and "" for a column to be skipped. A file
	// may have fewer columns, so that value or time is missing, but no more. Nil
	// takes the names from the header; without a header it means user, item,
	// value, time. Of three fields the last is then a time if the first line has
	// a time there that is no number below 10^8, which is 1973 in Unix seconds; a
	// value otherwise. Of four fields the third is the time if it looks like one on the
	// first line and the fourth does not.
	Columns []string

	// Header says whether the first line names the columns.
	Header Header

	// Separator stands between fields: ',', ';', '\t', or ' ' for any run of
	// spaces and tabs. 0 takes the first of tab, comma, semicolon and space that
	// the first line has.
	Separator byte

	// Merge says what becomes of repeated pairs; see [NewInteractions].
	Merge Merge

	// MaxLine is the longest line in bytes, its end not counted; 0 means 16 MiB.
	MaxLine int
}

// Header says whether the first line of a file names the columns.
type Header uint8

const (
	// HeaderDetect takes the first line for a header if one of its fields is a
	// usual name of a user column and another of an item column, such as user,
	// user_id, userId, session_id; item, itemid, movieId, product_id, in any
	// case. Values are called value, weight, rating, score or count; times time,
	// timestamp, ts or date. Columns of other names are skipped. If Columns is
	// set, it counts and the header is skipped. A first line of other names, none
	// a number and none empty, above a line of numbers and times alone is skipped
	// as well: ids that are text want HeaderNone if such a line may be data.
	HeaderDetect Header = iota
	// HeaderSkip skips the first line, whatever it says.
	HeaderSkip
	// HeaderNone takes the first line for data.
	HeaderNone
)

const defaultMaxLine = 16 << 20

func (o *ReadOptions) validate() error {
	switch {
	case o.MaxLine < 0:
		return fmt.Errorf("retrieval: ReadOptions.MaxLine is %d; want >= 0 (0 means 16 MiB)", o.MaxLine)
	case o.Separator != 0 && !strings.ContainsRune(",;\t ", rune(o.Separator)):
		return fmt.Errorf("retrieval: ReadOptions.Separator is %q; want ',', ';', '\\t', ' ', or 0 to detect it", o.Separator)
	case o.Header > HeaderNone:
		return fmt.Errorf("retrieval: ReadOptions.Header is %d; want HeaderDetect (0), HeaderSkip (1) or HeaderNone (2)", o.Header)
	case o.Merge > LastWeight:
		return fmt.Errorf("retrieval: ReadOptions.Merge is %d; want SumWeights (0) or LastWeight (1)", o.Merge)
	case o.Columns != nil:
		if _, err := columnsOf(o.Columns); err != nil {
			return fmt.Errorf("retrieval: ReadOptions.Columns is %q; %w", o.Columns, err)
		}
	}
	return nil
}

// ReadError says where a file cannot be read as interactions, and why.
type ReadError struct {
	File   string // the name that the caller gave
	Line   int    // from 1
	Field  string // "user", "item", "value" or "time"; empty if the line is meant
	Value  string // of the field, at most 40 bytes of it
	Reason string // and what to do
	Err    error  // the cause, such as what ReadOptions.UserID or the reader returned; may be nil
}

// Error returns "retrieval: FILE:LINE: FIELD VALUE: REASON".
func (e *ReadError) Error() string {
	s := "retrieval: " + e.File + ":" + strconv.Itoa(e.Line) + ": "
	if e.Field != "" {
		s += fmt.Sprintf("%s %q: ", e.Field, e.Value)
	}
	return s + e.Reason
}

// Unwrap returns Err.
func (e *ReadError) Unwrap() error { return e.Err }

// ReadInteractions reads lines "user item [value] [time]" of CSV, TSV or text
// separated by spaces, in any order, with or without a header; see [ReadOptions].
// The value is the weight, a finite number >= 0; without one it is 1. The time is
// in Unix seconds or, from 10^11 on, milliseconds, both with decimals at will, or
// in RFC 3339, and lies in the years 1678 to 2261; without one the order of lines
// is the order of time. Every line has as many fields as the first, none of them
// empty.
//
// It reads to the end of r. Nothing is returned along with an error, which is a
// *[ReadError] unless an option is wrong or the data is too large. The name stands
// for r in errors. A file without lines gives empty interactions.
func ReadInteractions(r io.Reader, name string, opt ReadOptions) (*Interactions, error) {
	p, err := newParser(r, name, &opt)
	if err != nil {
		return nil, err
	}
	for p.next() {
		p.record()
	}
	return p.interactions()
}

// ReadLists reads lines "user item item ...": what a user took, in the order of
// time, each with weight 1. A user may have several lines, or one without items,
// which adds nothing. Columns and Header do not apply.
//
// All else is as in [ReadInteractions].
func ReadLists(r io.Reader, name string, opt ReadOptions) (*Interactions, error) {
	p, err := newParser(r, name, &opt)
	if err != nil {
		return nil, err
	}
	for p.next() {
		if p.user(p.fields[0]) {
			p.list(p.fields[1:])
		}
	}
	return p.interactions()
}

// ReadSessions reads lines "item item ...": sessions of unknown users, in the
// order of time. The user of a session is the number of its line, from 1, so that
// rows are in the order of the file. UserID, Columns and Header do not apply.
//
// All else is as in [ReadLists].
func ReadSessions(r io.Reader, name string, opt ReadOptions) (*Interactions, error) {
	p, err := newParser(r, name, &opt)
	if err != nil {
		return nil, err
	}
	for p.next() {
		p.lastUser = recsys.UserID(p.line)
		p.list(p.fields)
	}
	return p.interactions()
}
