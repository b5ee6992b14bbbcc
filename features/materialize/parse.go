package materialize

import (
	"bytes"
	"math"
	"strconv"
	"time"

	"github.com/recsyskit/recsys"
)

const (
	maxID = 256 // bytes of an event's id

	// A number before April 1970 is no time in nanoseconds, but one in another unit: seconds of
	// today are below 1e10, milliseconds below 1e13, microseconds below 1e16.
	minNano = int64(1e16)
)

// parser makes events of lines. It keeps nothing of a line.
type parser struct {
	unit int64 // of a time that is a number, in nanoseconds
	need fields
	key  func(field string, text []byte) (uint64, error) // nil: decimal numbers

	scan  scanner
	have  fields
	field string // of the mistake
	other bool   // the line is a record of another type
}

// parse reads one line into e. skip says that the line is blank, or of another type of record. A reason
// that is not empty says what is wrong with the line, and field where.
func (p *parser) parse(line []byte, e *Event) (skip bool, field, reason string) {
	p.scan = scanner{text: line}
	p.have, p.field, p.other = 0, "", false
	*e = Event{}
	s := &p.scan
	if s.next() == 0 && s.at == len(line) {
		return true, "", ""
	}
	feedback := p.object(e)
	if s.reason == "" && s.next() != 0 {
		s.failf("found %q at byte %d after the event", s.text[s.at], s.at)
	}
	if s.reason != "" {
		return false, p.field, s.reason
	}
	if p.other {
		return true, "", ""
	}
	want := p.need | hasTime | hasKind
	if feedback { // what is zero may be absent there
		want = hasTime
	}
	if name := missing(want, p.have); name != "" {
		return false, name, "is missing"
	}
	return false, "", ""
}

// object reads the fields and reports whether they are of a feedback record.
func (p *parser) object(e *Event) (feedback bool) {
	s := &p.scan
	s.want('{')
	if s.reason == "" && s.next() == '}' {
		s.at++
		return false
	}
	for more := true; more && s.reason == ""; more = s.more('}') {
		name := s.str()
		s.want(':')
		if s.reason != "" {
			return false
		}
		f := fieldOf(name)
		if f == 0 || s.next() == 'n' { // null counts as absent
			s.skip(0)
			continue
		}
		if p.have&f != 0 {
			s.failf("stands twice in the line")
		}
		p.have |= f
		if f == hasType {
			typ := string(s.str())
			feedback = typ == "feedback"
			p.other = !feedback && typ != "event"
		} else {
			p.value(f, e)
		}
		if s.reason != "" && p.field == "" {
			p.field = string(name)
		}
	}
	return feedback
}

// value reads the value of a field.
func (p *parser) value(f fields, e *Event) {
	switch f {
	case hasTime:
		e.Time = p.time()
	case hasCreated:
		e.Created = p.time()
	case hasUser:
		e.User = recsys.UserID(p.id("user"))
	case hasItem:
		e.Item = recsys.ItemID(p.id("item"))
	case hasKind:
		if text := p.scan.str(); p.scan.reason == "" {
			if err := e.Kind.UnmarshalText(text); err != nil {
				p.scan.failf("%q is no kind of event; want impression, click, dwell, like, dislike, share, save, purchase, skip, hide or kind-N", clip(text))
			}
		}
	case hasValue:
		e.Value = p.float()
	case hasID:
		text := p.token()
		if len(text) > maxID {
			p.scan.failf("%d bytes; want at most %d", len(text), maxID)
		}
		e.ID = string(text)
	}
}

// token takes a string or a number and returns its text.
func (p *parser) token() []byte {
	s := &p.scan
	switch c := s.next(); {
	case c == '"':
		return s.str()
	case c == '-' || c-'0' <= 9:
		return s.number()
	}
	s.unexpected("a string or a number")
	return nil
}

// id takes an ItemID or UserID.
func (p *parser) id(field string) uint64 {
	text := p.token()
	if p.scan.reason != "" {
		return 0
	}
	if p.key != nil {
		key, err := p.key(field, text)
		if err != nil {
			p.scan.failf("%v", err)
		}
		return key
	}
	key, ok := decimal(text)
	if !ok {
		p.scan.failf("%q; want a decimal number of 64 bits without sign, or set Log.Key", clip(text))
	}
	return key
}

// decimal reads a number in the one form that an ID has.
func decimal(text []byte) (key uint64, ok bool) {
	if len(text) == 0 || len(text) > 20 {
		return 0, false
	}
	for i, c := range text {
		d := uint64(c - '0')
		if d > 9 || i == 19 && (key > math.MaxUint64/10 || key*10 > math.MaxUint64-d) {
			return 0, false
		}
		key = key*10 + d
	}
	return key, true
}

// float takes a number, or a string with one as the log writes what JSON has no number for.
func (p *parser) float() float64 {
	text := p.token()
	if p.scan.reason != "" {
		return 0
	}
	v, err := strconv.ParseFloat(string(text), 64)
	if err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
		p.scan.failf("%q; want a finite number", clip(text))
	}
	return v
}

// time takes a number in the unit of the log, or a text as of RFC 3339.
func (p *parser) time() int64 {
	text := p.token()
	if p.scan.reason != "" {
		return 0
	}
	if bytes.IndexByte(text, 'T') > 0 {
		at, err := time.Parse(time.RFC3339Nano, string(text))
		if year := at.UTC().Year(); err != nil || year < 1971 || year > 2261 {
			p.scan.failf("%q; want a time of the years 1971 to 2261 as RFC 3339 has it, or a number", clip(text))
			return 0
		}
		return at.UnixNano()
	}
	n, ok := decimal(text)
	if !ok || n > uint64(math.MaxInt64/p.unit) {
		p.scan.failf("%q; want a whole number of %v since 1970, or RFC 3339", clip(text), time.Duration(p.unit))
		return 0
	}
	nano := int64(n) * p.unit
	if nano < minNano {
		p.scan.failf("%d of %v since 1970 is before April 1970; is Log.TimeUnit right?", n, time.Duration(p.unit))
	}
	return nano
}

// clip returns the beginning of a text, for an error.
func clip(text []byte) string {
	if len(text) > 40 {
		return string(text[:37]) + "..."
	}
	return string(text)
}
