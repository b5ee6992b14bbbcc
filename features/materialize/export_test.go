package materialize

import "time"

// Line is what a test sees of a line.
type Line struct {
	Event               Event
	Skip                bool
	Field, Reason, Text string
}

// ParseLine reads one line of a log whose times count unit and that must name user and item.
func ParseLine(text string, unit time.Duration) Line {
	p := parser{unit: int64(unit), need: hasUser | hasItem}
	var l Line
	l.Skip, l.Field, l.Reason = p.parse([]byte(text), &l.Event)
	return l
}

// Lines reads a log from a position: each line, and what ended it. Before each line at is called with the place.
func Lines(log Log, from Position, at func(Position)) (lines []string, torn bool, end error) {
	log, errs := log.withDefaults()
	if len(errs) > 0 {
		return nil, false, errs[0]
	}
	r, err := newLineReader(&log, from)
	if err != nil {
		return nil, false, err
	}
	defer r.Close()
	for {
		line, t, err := r.next()
		switch {
		case err == errTooLong:
			lines = append(lines, "(too long)")
		case err != nil:
			return lines, torn, err
		default:
			lines = append(lines, string(line))
			if torn = t; t {
				r.accept()
			}
		}
		if at != nil {
			at(r.position())
		}
	}
}

// ErrIdle is the end of a followed log for now.
var ErrIdle = errIdle

// Follow opens a log and returns a function that gives the lines which have come since, and what ended them.
func Follow(log Log) func() ([]string, error) {
	log, _ = log.withDefaults()
	r, failed := newLineReader(&log, Position{})
	return func() (lines []string, err error) {
		for err = failed; err == nil; {
			var line []byte
			if line, _, err = r.next(); err == nil {
				lines = append(lines, string(line))
			}
		}
		return lines, err
	}
}
