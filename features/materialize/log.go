package materialize

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"time"
)

// Log says where events come from: files, or a reader. They are JSON lines, one event each:
//
//	{"time":1700000000000000000,"user":17,"item":"42","kind":"click","value":1,"id":"a7","created":1700000000250000000}
//
//	field    what it is                                                        required
//	time     when it happened: a number of nanoseconds since 1970 (another     yes
//	         unit: TimeUnit), or a text as RFC 3339 has it
//	user     the UserID: a number or a text with one; see Key                  if a target is keyed by it
//	item     the ItemID, likewise                                              if a target is keyed by it
//	kind     the name of a recsys.EventKind, as in "click" or "kind-64"        yes
//	value    a finite number                                                   no: 0
//	id       what names the event, up to 256 bytes; one that comes again       no: it always counts
//	         within Config.Horizon does not count
//	created  when it came to be known, as time                                 no
//	type     "event", or "feedback": a line of a recsys log, in which a user   no
//	         or item of 0 and the kind impression are absent
//
// Lines of other types, as the exposures of a recsys log, and blank lines are passed over and
// counted. Unknown fields are ignored, null counts as absent, a field that stands twice is a
// mistake. Bytes that start as gzip does are decompressed.
type Log struct {
	// Paths are files and patterns of [filepath.Match]. The log is the files in the order of Paths,
	// those of a pattern in the order of their names. Base names must differ: a checkpoint
	// remembers the one that it was in, so a folder may move and files that were read may go.
	Paths []string

	// Reader is the log if Paths is empty, from its very beginning, also where a checkpoint lets the
	// run start later. It serves one run and one position: all targets stand at the same one.
	Reader io.Reader
	// Name stands for Reader in errors and checkpoints. The default is "log".
	Name string

	// Follow waits at the end of the last file for more of it, or for a further file that a pattern
	// matches, until the context is done. A file is taken to be complete once a further
	// one is there: files rotate by a new name that sorts after the old ones. Renaming or
	// truncating the file that is read is not supported; it ends the run with [ErrLogChanged], and so does
	// a new file that sorts before it.
	// Compressed files are read to their end and not waited on.
	Follow bool
	// Poll is how long to wait at the end before looking again. The default 0 means 100 ms.
	Poll time.Duration

	// TimeUnit is what a time that is a number counts. The default 0 means time.Nanosecond. Times before April
	// 1970 are taken for a wrong unit.
	TimeUnit time.Duration

	// MaxLine bounds a line in bytes; a longer one is malformed. The default 0 means 1 MiB.
	MaxLine int

	// Key makes an ID of the text of the field "user" or "item", which it must not keep: of a text
	// by a hash, for example, or a Vocabulary that outlives the process. It must give the same ID in every run; targets at
	// different places of the log call it at the same time. Nil
	// means decimal numbers.
	Key func(field string, text []byte) (uint64, error)

	// MaxBad is how many malformed lines are passed over, counted and shown to Config.Bad, in the whole log, before the
	// run ends with [ErrTooManyBad]. The default 0 means that the first ends it.
	MaxBad int64
}

// What can be wrong with a log, beside a [*recsys.ParseError].
var (
	// ErrLogChanged: the file is not the one that was read before, or no longer has what was read of it.
	ErrLogChanged = errors.New("materialize: the log is not what was read before")
	// ErrTooManyBad: more lines are malformed than Log.MaxBad allows; the error also wraps the last *recsys.ParseError.
	ErrTooManyBad = errors.New("materialize: too many malformed lines")
)

const (
	defaultName    = "log"
	defaultPoll    = 100 * time.Millisecond
	defaultMaxLine = 1 << 20
	maxMaxLine     = 1 << 30
)

// withDefaults returns the log with defaults filled in, or all its mistakes.
func (l Log) withDefaults() (Log, []error) {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("materialize: Log."+format, args...)) }
	switch {
	case len(l.Paths) == 0 && l.Reader == nil:
		bad("Paths is empty and Log.Reader nil; want one of them")
	case len(l.Paths) > 0 && l.Reader != nil:
		bad("Paths and Log.Reader are both set; want one of them")
	case l.Reader != nil && l.Follow:
		bad("Follow is set with Log.Reader; want it with Log.Paths, a reader waits by itself")
	}
	for _, p := range l.Paths {
		if _, err := filepath.Match(p, ""); err != nil {
			bad("Paths has %q: %v", p, err)
		}
	}
	if l.Name == "" {
		l.Name = defaultName
	}
	if l.Poll < 0 {
		bad("Poll is %v; want > 0, or 0 for %v", l.Poll, defaultPoll)
	} else if l.Poll == 0 {
		l.Poll = defaultPoll
	}
	if l.TimeUnit < 0 {
		bad("TimeUnit is %v; want time.Second or the like, or 0 for nanoseconds", l.TimeUnit)
	} else if l.TimeUnit == 0 {
		l.TimeUnit = time.Nanosecond
	}
	if l.MaxLine < 0 || l.MaxLine > maxMaxLine {
		bad("MaxLine is %d; want 1 to %d, or 0 for %d", l.MaxLine, maxMaxLine, defaultMaxLine)
	} else if l.MaxLine == 0 {
		l.MaxLine = defaultMaxLine
	}
	if l.MaxBad < 0 {
		bad("MaxBad is %d; want >= 0 (0 means that the first malformed line ends the run)", l.MaxBad)
	}
	return l, errs
}

// files returns the files that there are, in the order of the log. A path that is no pattern must
// exist; a pattern may match nothing yet when the log is followed.
func (l *Log) files() ([]string, error) {
	var all []string
	for _, p := range l.Paths {
		matches, err := filepath.Glob(p)
		if err != nil {
			return nil, fmt.Errorf("materialize: %s: %w", p, err)
		}
		if len(matches) == 0 && !l.Follow {
			return nil, fmt.Errorf("materialize: %s: %w", p, fs.ErrNotExist)
		}
		slices.Sort(matches)
		all = append(all, matches...)
	}
	seen := map[string]string{}
	for _, p := range all {
		name := filepath.Base(p)
		if first, doubled := seen[name]; doubled {
			return nil, fmt.Errorf("materialize: %s and %s have the same name; want names that differ, a checkpoint goes by them", first, p)
		}
		seen[name] = p
	}
	return all, nil
}

// Position is a place between two lines of a log, and what identifies the bytes before it.
type Position struct {
	File   string `json:"file"`   // base name; empty before the first file
	Offset int64  `json:"offset"` // bytes of the file, decompressed, before the place
	Line   int64  `json:"line"`   // lines of the file before the place

	// Head and Tail are the XXH64 of the first and last HeadBytes and TailBytes before the
	// place, up to 4 KiB each: whether a file is the one that was read is told by them, not by its name alone.
	Head      uint64 `json:"head,string"`
	HeadBytes int    `json:"headBytes"`
	Tail      uint64 `json:"tail,string"`
	TailBytes int    `json:"tailBytes"`
}

// String returns "FILE:LINE", the line that comes next.
func (p Position) String() string {
	if p.File == "" {
		return "the beginning"
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line+1)
}
