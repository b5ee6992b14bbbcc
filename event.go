package recsys

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ItemID names an item on the hot path. Every value is an item, 0 included.
// Strings live at the edge, in features.Vocabulary.
type ItemID uint64

// UserID names a user. Every value is a user, 0 included.
type UserID uint64

// EventKind says what a user did with an item.
//
// The zero value is an impression. Values below 64 belong to this package;
// a service may use 64 to 255 for kinds of its own, which print as "kind-N".
type EventKind uint8

// The kinds that this package names. The comment gives the meaning of Value.
const (
	Impression EventKind = iota // the item was in view; Value unused
	Click                       // the item was opened; Value unused
	Dwell                       // the user stayed; Value in seconds, or another unit of the service
	Like                        // explicit approval; Value unused, or a rating
	Dislike                     // explicit disapproval; Value unused
	Share                       // the item was passed on; Value unused
	Save                        // the item was kept for later; Value unused
	Purchase                    // the item was bought; Value is the price
	Skip                        // the item was passed over on purpose; Value in seconds until the skip
	Hide                        // the user asked not to see the item; Value unused
)

var eventKindNames = [...]string{
	Impression: "impression", Click: "click", Dwell: "dwell", Like: "like", Dislike: "dislike",
	Share: "share", Save: "save", Purchase: "purchase", Skip: "skip", Hide: "hide",
}

// String returns the kind's name, or "kind-N" for a kind of the service's own.
func (k EventKind) String() string {
	if int(k) < len(eventKindNames) {
		return eventKindNames[k]
	}
	return "kind-" + strconv.Itoa(int(k))
}

// MarshalText writes the form of [EventKind.String].
func (k EventKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads the form of [EventKind.String].
func (k *EventKind) UnmarshalText(text []byte) error {
	for i, name := range eventKindNames {
		if name == string(text) {
			*k = EventKind(i)
			return nil
		}
	}
	if rest, ok := strings.CutPrefix(string(text), "kind-"); ok {
		if n, err := strconv.ParseUint(rest, 10, 8); err == nil {
			*k = EventKind(n)
			return nil
		}
	}
	return fmt.Errorf("recsys: unknown event kind %q", text)
}

// Event is one act of a user: an entry of [Request].History and of an event log.
type Event struct {
	Item  ItemID
	Kind  EventKind
	Value float32   // meaning by Kind; 0 when unused
	Time  time.Time // when it happened, to be taken as an instant: its zone is not logged; zero when unknown
}

// unixNano returns t in nanoseconds since 1970, 0 for the zero time.
func unixNano(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}
