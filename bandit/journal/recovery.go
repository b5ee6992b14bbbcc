package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/recsyskit/recsys/bandit"
	"github.com/recsyskit/recsys/internal/envelope"
)

const (
	segmentSuffix  = ".journal"
	snapshotSuffix = ".snapshot"
)

// segmentName is the name of the file whose first record is first, snapshotName that of the snapshot whose last one is last. Names sort
// by number.
func segmentName(first uint64) string { return fmt.Sprintf("%016x%s", first, segmentSuffix) }
func snapshotName(last uint64) string { return fmt.Sprintf("%016x%s", last, snapshotSuffix) }

func numberOf(name, suffix string) (uint64, bool) {
	digits, ok := strings.CutSuffix(name, suffix)
	if !ok || len(digits) != 16 {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 16, 64)
	return n, err == nil
}

// folder is what there is of a journal.
type folder struct {
	dir       string
	segments  []uint64 // first records, ascending
	snapshots []uint64 // last records, ascending
	leftovers []string // of saves that were killed
}

func survey(dir string) (*folder, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	f := &folder{dir: dir}
	for _, e := range entries { // sorted by name
		name := e.Name()
		if n, ok := numberOf(name, segmentSuffix); ok {
			f.segments = append(f.segments, n)
		} else if n, ok := numberOf(name, snapshotSuffix); ok {
			f.snapshots = append(f.snapshots, n)
		} else if strings.HasPrefix(name, ".") && strings.HasSuffix(name, ".tmp") && strings.Contains(name, snapshotSuffix+".") {
			f.leftovers = append(f.leftovers, name)
		}
	}
	return f, nil
}

func (f *folder) path(name string) string { return filepath.Join(f.dir, name) }

// ending is where a journal ends.
type ending struct {
	Recovery
	next uint64 // number of the next record
	size int64  // of what is whole in the last segment
}

// restore reads the newest snapshot that can be read into policy, and the records after it.
func (f *folder) restore(policy *bandit.Policy, version uint64) (ending, error) {
	var e ending
	promised := uint64(0) // records up to this one had been synced before a snapshot was saved
	if k := len(f.snapshots); k > 0 {
		promised = f.snapshots[k-1]
	}
	for _, last := range slices.Backward(f.snapshots) {
		err := loadSnapshot(f.path(snapshotName(last)), last, version, policy)
		if err == nil {
			e.Snapshot = last
			break
		}
		if !errors.Is(err, ErrCorrupt) {
			return e, err
		}
		e.Broken = append(e.Broken, err)
	}
	f.snapshots = f.snapshots[:len(f.snapshots)-len(e.Broken)]
	var c bandit.Change
	err := f.walk(e.Snapshot, version, &e, func(_ uint64, payload []byte) error {
		if err := decodeChange(&c, payload); err != nil {
			return err
		}
		e.Replayed++
		return policy.Redo(&c)
	})
	if err == nil && e.next <= promised {
		err = &FileError{
			Path: f.dir, Offset: 0, Seq: e.next, Err: ErrCorrupt,
			Reason: fmt.Sprintf("the journal ends here, but there is a snapshot of record %d", promised),
		}
	}
	if err != nil {
		return e, errors.Join(append([]error{err}, e.Broken...)...)
	}
	return e, nil
}

// walk calls visit for all records after number after.
func (f *folder) walk(after, version uint64, e *ending, visit func(seq uint64, payload []byte) error) error {
	e.next = after + 1
	if len(f.segments) == 0 && len(f.snapshots) == 0 && len(e.Broken) == 0 {
		return nil
	}
	from, exact := slices.BinarySearch(f.segments, after+1)
	if !exact {
		from--
	}
	if from < 0 {
		return &FileError{
			Path: f.path(segmentName(after + 1)), Seq: after + 1, Err: ErrCorrupt,
			Reason: "the file is missing, and none before it has the record",
		}
	}
	for i := from; i < len(f.segments); i++ {
		first := f.segments[i]
		s, err := readSegment(f.path(segmentName(first)), first, version, i == len(f.segments)-1)
		if err != nil {
			return err
		}
		if i > from && first != e.next {
			return s.damage(0, e.next, fmt.Sprintf("the file begins with record %d", first))
		}
		end, next, err := s.walk(func(seq uint64, payload []byte) error {
			if seq <= after {
				return nil
			}
			return visit(seq, payload)
		})
		if err != nil {
			return err
		}
		e.next, e.size, e.Torn = next, int64(end), int64(len(s.bytes)-end)
		if s.bytes == nil {
			e.Torn = 0
		}
	}
	return nil
}

// readSegment reads a file and checks its header. The last one may be one whose creation was cut short: it is empty.
func readSegment(path string, first, version uint64, last bool) (*segment, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	s := &segment{path: path, bytes: b, first: first, last: last}
	h, reason, err := readHeader(b)
	switch {
	case errors.Is(err, ErrCorrupt) && last && len(b) <= headerSize:
		s.bytes = nil
		return s, nil
	case err != nil:
		return s, &FileError{Path: path, Reason: reason, Err: err}
	case h.first != first:
		return s, s.damage(0, 0, fmt.Sprintf("the file is that of record %d", h.first))
	case version != 0 && h.policy != version:
		return s, &FileError{Path: path, Reason: "another Policy.Version wrote it", Err: ErrPolicy}
	}
	return s, nil
}

// repair makes the end of the journal fit to be followed by another segment. It reports whether the last segment has no record: then it is
// the one to be made again.
func (f *folder) repair(d disk, e ending) (again bool, err error) {
	for _, name := range f.leftovers {
		if err := d.Remove(f.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false, err
		}
	}
	k := len(f.segments)
	if k == 0 {
		return false, nil
	}
	if f.segments[k-1] == e.next {
		return true, nil
	}
	// Also what is whole may not have been synced, and will soon be relied on.
	return false, d.Cut(f.path(segmentName(f.segments[k-1])), e.size)
}

// A snapshot is two envelopes: this one, and the policy's.
const (
	snapshotKind    = "bandit-journal"
	snapshotVersion = 1
)

type snapshotHeader struct {
	Last uint64 `json:"last"` // record
}

func writeSnapshot(dst io.Writer, last, version uint64, policy []byte) error {
	w := envelope.NewWriter(dst, snapshotKind, snapshotVersion, version)
	w.WriteJSON("journal", snapshotHeader{last})
	if _, err := w.Close(); err != nil {
		return err
	}
	_, err := dst.Write(policy)
	return err
}

// loadSnapshot fills policy, or changes nothing. The error is a [*FileError] if the file could be read.
func loadSnapshot(path string, last, version uint64, policy *bandit.Policy) error {
	err := envelope.Load(path, func(src io.Reader) error {
		r := envelope.NewReader(src, snapshotKind, snapshotVersion)
		r.CheckSchema(version)
		var h snapshotHeader
		r.ReadJSON("journal", &h)
		if h.Last != last {
			r.Fail(fmt.Sprintf("this is the snapshot of record %d; want %d", h.Last, last))
		}
		if _, err := r.Close(); err != nil {
			return err
		}
		_, err := policy.ReadFrom(src)
		return err
	})
	if err == nil {
		return nil
	}
	at := int64(0)
	if e := (*envelope.Error)(nil); errors.As(err, &e) {
		at = e.Offset
	}
	kind := error(nil)
	switch {
	case errors.Is(err, envelope.ErrSchema):
		kind = ErrPolicy
	case errors.Is(err, envelope.ErrNewer):
		kind = ErrNewer
	case errors.Is(err, envelope.ErrKind), errors.Is(err, envelope.ErrTruncated), errors.Is(err, envelope.ErrCorrupt):
		kind = ErrCorrupt
	default:
		return fmt.Errorf("journal: %w", err)
	}
	return &FileError{Path: path, Offset: at, Reason: err.Error(), Err: kind}
}
