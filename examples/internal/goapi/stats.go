package goapi

import (
	"fmt"
	"sort"
	"strings"
	"time"
)

// Stats says what [Load] read and what it made of it. Files is the sum of
// Generated, len(Unparsed), FewItems and Users.
type Stats struct {
	Version string // of the toolchain; "" when unknown

	Files     int         // .go files seen, those of ignored folders not among them
	Ignored   int         // folders and files passed over by name: testdata, vendor, ".x", "_x"
	Generated int         // generated files, which are no users
	Unparsed  []FileError // files with a syntax error, by path
	FewItems  int         // files with fewer items than Config.MinItems

	Declared int // exported symbols of the standard library
	Unlisted int // uses, by users, of names that only tests or assembly declare

	Users  int
	Items  int     // of the catalogue; Declared less the unused ones, unless Config.Unused
	Events int     // pairs of a user and an item that it uses
	Uses   int     // the sum of the counts of all events
	Median float64 // events per user

	// Density is Events / (Users · Items), in [0, 1]; 0 without users or items.
	Density float64

	Elapsed time.Duration // of Load, by the clock on the wall
}

// FileError is a file that could not be parsed, and why.
type FileError struct {
	Path string // below src, with forward slashes
	Err  error
}

// Error returns "path: reason".
func (e FileError) Error() string { return e.Path + ": " + e.Err.Error() }

// Unwrap returns the parser's error.
func (e FileError) Unwrap() error { return e.Err }

// String returns the size of the data set in one line, without a line break.
func (s Stats) String() string {
	var b strings.Builder
	if s.Version != "" {
		b.WriteString(s.Version + ": ")
	}
	fmt.Fprintf(&b, "%d users × %d items, %d events (median %g a user, density %.2f %%) from %d files",
		s.Users, s.Items, s.Events, s.Median, 100*s.Density, s.Files)
	if n := len(s.Unparsed); n > 0 {
		fmt.Fprintf(&b, ", %d unparsed", n)
	}
	fmt.Fprintf(&b, " in %.1f s", s.Elapsed.Seconds())
	return b.String()
}

// count fills what follows from users and items.
func (s *Stats) count(users []User, items []Item) {
	s.Users, s.Items = len(users), len(items)
	sizes := make([]int, len(users))
	for i, u := range users {
		sizes[i] = len(u.Uses)
		s.Events += len(u.Uses)
		for _, use := range u.Uses {
			s.Uses += use.Count
		}
	}
	if s.Users == 0 || s.Items == 0 {
		return
	}
	s.Density = float64(s.Events) / (float64(s.Users) * float64(s.Items))
	sort.Ints(sizes)
	s.Median = float64(sizes[(s.Users-1)/2]+sizes[s.Users/2]) / 2
}
