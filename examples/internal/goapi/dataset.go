package goapi

import (
	"fmt"
	"sort"
	"time"

	"github.com/recsyskit/recsys"
)

// LongDwell is the number of uses in one file from which [Dataset.Events]
// reports a stay instead of a click.
const LongDwell = 3

// Epoch returns the time of the first event of every user: the hour in which
// Go was published, 2009-11-10 23:00 UTC. The event at position i, from 0, is i
// seconds later.
func Epoch() time.Time { return time.Date(2009, time.November, 10, 23, 0, 0, 0, time.UTC) }

// Kind says what a symbol is.
type Kind uint8

// The kinds of symbols.
const (
	Func Kind = iota
	Type
	Const
	Var
)

// String returns "func", "type", "const" or "var", or "Kind(N)" for another value.
func (k Kind) String() string {
	switch k {
	case Func:
		return "func"
	case Type:
		return "type"
	case Const:
		return "const"
	case Var:
		return "var"
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// Item is an exported symbol of the standard library with its features.
type Item struct {
	Name    string // the package path, a dot and the symbol: "net/http.Get"
	Package string // the creator, an import path: "net/http"
	Symbol  string // "Get"
	Kind    Kind
	Depth   int // elements of the package path, >= 1: 2 for "net/http"

	// Since is the minor number of the release that first listed the symbol: 0 for
	// Go 1, 21 for Go 1.21. It is 0 and means nothing when HasSince is false:
	// the toolchain has no api folder, or the folder does not list the symbol.
	Since    int
	HasSince bool

	// Variants is the number of declarations, >= 1; more than one for what differs
	// by platform or build tag.
	Variants int

	// The doc comment of the symbol, else the comment at the end of its line, else
	// that of the parenthesized group around it.
	DocChars int    // length in runes
	DocWords int    // length in words
	Summary  string // first sentence; "" without a comment

	// Deprecated is true when the comment of the symbol or of its group has a
	// paragraph that begins with "Deprecated: ".
	Deprecated bool
}

// Use is an event: a user used an item.
type Use struct {
	Item  recsys.ItemID
	Count int // how often the file uses the item, >= 1
}

// User is a source file with its features and its events.
type User struct {
	Path    string // below src, with forward slashes: "net/http/client.go"
	Dir     string // the folder of Path: "net/http"; "." for a file in src itself
	Package string // the name in the package clause: "http", "http_test"
	Bytes   int
	Lines   int
	Imports int  // import declarations, those of the tree's internal packages included
	Test    bool // the name ends with _test.go
	Cmd     bool // the file is below src/cmd

	// Uses holds each item that the file uses once, in order of first use.
	Uses []Use
}

// Dataset is the result of [Load]. Items are sorted by name and users by path;
// the place in the slice is the ID. It is not changed after Load, so any number
// of goroutines may read it.
type Dataset struct {
	Root    string // the toolchain's folder
	Version string // as the toolchain states it: "go1.26.0"; "" when it does not
	Items   []Item // the place is the recsys.ItemID
	Users   []User // the place is the recsys.UserID

	// HasAge is false when the toolchain came without the api folder; then
	// HasSince is false for every item, and a line of Notes says so.
	HasAge bool

	// Notes are lines for a person: what was missing, and what that changes.
	Notes []string

	Stats Stats
}

// Lookup returns the ID of the item called name, such as "net/http.Get", and
// whether there is one. The cost is a binary search.
func (d *Dataset) Lookup(name string) (recsys.ItemID, bool) {
	i := sort.Search(len(d.Items), func(i int) bool { return d.Items[i].Name >= name })
	if i == len(d.Items) || d.Items[i].Name != name {
		return 0, false
	}
	return recsys.ItemID(i), true
}

// Events appends one event per use to dst and returns it. The event at position
// i of uses has the time [Epoch] plus i seconds. Its kind is [recsys.Click], with
// value 0, when the count is below [LongDwell], else [recsys.Dwell] with the count
// as value. To get the events of a history, give the history.
func Events(dst []recsys.Event, uses []Use) []recsys.Event {
	return EventsAt(dst, uses, 0)
}

// EventsAt does what [Events] does for uses that begin at position first of
// their user's list: the targets of [Cut] come after their history.
func EventsAt(dst []recsys.Event, uses []Use, first int) []recsys.Event {
	start := Epoch().Add(time.Duration(first) * time.Second)
	for i, u := range uses {
		e := recsys.Event{Item: u.Item, Kind: recsys.Click, Time: start.Add(time.Duration(i) * time.Second)}
		if u.Count >= LongDwell {
			e.Kind, e.Value = recsys.Dwell, float32(u.Count)
		}
		dst = append(dst, e)
	}
	return dst
}
