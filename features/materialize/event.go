package materialize

import "github.com/recsyskit/recsys"

// Event is one act of the log, as a line of it says.
type Event struct {
	// ID names the act, so that one that stands in the log twice counts once; see
	// [Config].Horizon. Empty: it always counts.
	ID string

	User recsys.UserID
	Item recsys.ItemID
	Kind recsys.EventKind

	// Value is the measure of the act, meaning by Kind; finite, 0 where a line has none.
	Value float64

	// Time is when it happened, Created when it came to be known, both in Unix
	// nanoseconds. Created is 0 where a line has none.
	Time, Created int64
}

// known returns the time of the event by which its id is remembered: not one after it came to be known, which a clock
// that is ahead would make the newest of all.
func (e *Event) known() int64 {
	if e.Created != 0 {
		return min(e.Time, e.Created)
	}
	return e.Time
}

// fields is a set of fields of a line.
type fields uint16

const (
	hasTime fields = 1 << iota
	hasUser
	hasItem
	hasKind
	hasValue
	hasID
	hasCreated
	hasType
)

// fieldOf returns the field of a name, 0 for one that means nothing here.
func fieldOf(name []byte) fields {
	switch string(name) {
	case "time":
		return hasTime
	case "user":
		return hasUser
	case "item":
		return hasItem
	case "kind":
		return hasKind
	case "value":
		return hasValue
	case "id":
		return hasID
	case "created":
		return hasCreated
	case "type":
		return hasType
	}
	return 0
}

// names of the fields a line can lack.
var fieldNames = [...]struct {
	field fields
	name  string
}{{hasTime, "time"}, {hasUser, "user"}, {hasItem, "item"}, {hasKind, "kind"}}

// missing returns the name of the first field of want that have lacks.
func missing(want, have fields) string {
	for _, f := range fieldNames {
		if want&^have&f.field != 0 {
			return f.name
		}
	}
	return ""
}
