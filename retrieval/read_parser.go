package retrieval

import (
	"bytes"
	"fmt"
	"io"
	"slices"

	"github.com/recsyskit/recsys"
)

// parser gathers the records of a text.
type parser struct {
	lines
	opt     *ReadOptions
	records Records

	cols        columns
	columnsFrom string // what said so; empty until something did
	skipped     bool   // the first line has been looked at

	// The last ids, for runs of equal fields.
	userText, itemText []byte
	lastUser           recsys.UserID
	lastItem           recsys.ItemID
}

func newParser(r io.Reader, name string, opt *ReadOptions) (*parser, error) {
	if err := opt.validate(); err != nil {
		return nil, err
	}
	return &parser{lines: newLines(r, name, opt.Separator, opt.MaxLine), opt: opt}, nil
}

// interactions returns what was read, unless something was wrong.
func (p *parser) interactions() (*Interactions, error) {
	if p.err != nil {
		return nil, p.err
	}
	x, err := NewInteractions(p.records, p.opt.Merge)
	if err != nil {
		return nil, fmt.Errorf("%w (in %s)", err, p.name)
	}
	return x, nil
}

// record reads a line of ReadInteractions.
func (p *parser) record() {
	if p.columnsFrom == "" && p.header() {
		return
	}
	switch n := len(p.fields); {
	case p.err != nil:
		return
	case n != p.cols.n:
		p.fail("%d fields; want %d as in %s (%s)", n, p.cols.n, p.columnsFrom, p.separated())
		return
	case !p.user(p.fields[p.cols.user]) || !p.item(p.fields[p.cols.item]):
		return
	}
	r := &p.records
	r.Users = append(r.Users, p.lastUser)
	r.Items = append(r.Items, p.lastItem)
	if p.cols.value >= 0 {
		w, err := parseValue(p.fields[p.cols.value])
		p.check("value", p.fields[p.cols.value], err)
		r.Weights = append(r.Weights, w)
	}
	if p.cols.time >= 0 {
		t, err := parseTime(p.fields[p.cols.time])
		p.check("time", p.fields[p.cols.time], err)
		r.Times = append(r.Times, t)
	}
}

// header settles the columns from the first line, or from the second if the first
// is skipped, and reports whether the line is a header.
func (p *parser) header() bool {
	var named bool
	var err error
	if p.opt.Header == HeaderDetect && !p.skipped {
		p.cols, named, err = headerColumns(p.fields)
	}
	if p.opt.Header == HeaderDetect && !p.skipped && !named && err == nil && p.names() {
		p.skipped = true
		return true
	}
	skip := named || p.opt.Header == HeaderSkip && !p.skipped
	p.skipped = true
	switch {
	case p.opt.Columns != nil:
		p.columnsFrom = fmt.Sprintf("ReadOptions.Columns and line %d", p.line)
		p.cols, err = columnsOf(p.opt.Columns[:min(len(p.opt.Columns), len(p.fields))])
	case named:
		p.columnsFrom = "the header"
	case !skip:
		p.columnsFrom = fmt.Sprintf("line %d", p.line)
		p.cols, err = guessColumns(p.fields)
	}
	if err != nil {
		p.fail("%d fields: %v (%s)", len(p.fields), err, p.separated())
	}
	return skip
}

// names reports whether the first line is a header of unknown names, for which it looks at the
// second.
func (p *parser) names() bool {
	if slices.ContainsFunc(p.fields, numeric) {
		return false
	}
	first := p.take()
	if !p.next() {
		if p.err == nil {
			p.line, p.fields = first.number, first.fields
		}
		return false
	}
	p.back = p.take()
	p.line, p.fields = first.number, first.fields
	return namesAbove(first.fields, p.back.fields)
}

// list reads the items of one user.
func (p *parser) list(items [][]byte) {
	for _, field := range items {
		if !p.item(field) {
			return
		}
		p.records.Users = append(p.records.Users, p.lastUser)
		p.records.Items = append(p.records.Items, p.lastItem)
	}
}

// user sets lastUser to the field's id.
func (p *parser) user(field []byte) bool {
	if len(field) > 0 && bytes.Equal(field, p.userText) {
		return true
	}
	id, err := readID(field, p.opt.UserID)
	p.lastUser, p.userText = id, append(p.userText[:0], field...)
	return p.check("user", field, err)
}

// item sets lastItem to the field's id.
func (p *parser) item(field []byte) bool {
	if len(field) > 0 && bytes.Equal(field, p.itemText) {
		return true
	}
	id, err := readID(field, p.opt.ItemID)
	p.lastItem, p.itemText = id, append(p.itemText[:0], field...)
	return p.check("item", field, err)
}

func readID[ID ~uint64](field []byte, read func(string) (ID, error)) (ID, error) {
	switch {
	case len(field) == 0:
		return 0, errEmpty
	case read != nil:
		return read(string(field))
	}
	id, err := parseID(field)
	return ID(id), err
}

// check records what is wrong with a field, and reports whether nothing is.
func (p *parser) check(field string, value []byte, err error) bool {
	if err == nil {
		return true
	}
	reason := err.Error()
	if err == errID {
		reason += map[string]string{"user": "; for other ids set ReadOptions.UserID", "item": "; for other ids set ReadOptions.ItemID"}[field]
		if p.line == 1 && p.columnsFrom != "" {
			reason += ", for a header of other names Columns and HeaderSkip"
		}
	}
	// Where ids are numbers a header has failed by its first fields.
	if p.line == 1 && p.columnsFrom == "line 1" && p.opt.UserID != nil && (field == "value" || field == "time") {
		reason += "; if this is a header, it must name a user and an item"
	}
	if p.err == nil {
		p.err = &ReadError{File: p.name, Line: p.line, Field: field, Value: clip(value), Reason: reason, Err: err}
	}
	return false
}
