package retrieval

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/retrieval/internal/fingerprint"
	"github.com/recsyskit/recsys/retrieval/internal/itemindex"
)

// What an envelope of a Popular holds.
const (
	popularKind    = "popular"
	popularVersion = 1
)

var (
	_ io.WriterTo   = (*Popular)(nil)
	_ io.ReaderFrom = (*Popular)(nil)
)

// WriteTo writes the scores as a file of kind "popular", version 1, and returns how many
// bytes dst took. Equal scores give equal bytes.
func (p *Popular) WriteTo(dst io.Writer) (int64, error) {
	names, keys := slices.Sorted(maps.Keys(p.surfaces)), slices.Sorted(maps.Keys(p.segments))
	start := []int64{0}
	var items []int32
	var scores []float32
	add := func(s *part) {
		items, scores = append(items, s.items...), append(scores, s.score...)
		start = append(start, int64(len(items)))
	}
	for _, name := range names {
		add(p.surfaces[name])
	}
	for _, key := range keys {
		add(p.segments[key])
	}
	w := envelope.NewWriter(dst, popularKind, popularVersion, 0)
	envelope.Write(w, "items", p.items.IDs())
	envelope.Write(w, "everyone", p.everyone.score)
	w.WriteStrings("column", []string{p.column})
	w.WriteStrings("surfaces", names)
	envelope.Write(w, "segments", keys)
	envelope.Write(w, "start", start)
	envelope.Write(w, "item", items)
	envelope.Write(w, "score", scores)
	n, err := w.Close()
	if err != nil {
		return n, fmt.Errorf("retrieval: Popular: %w", err)
	}
	return n, nil
}

// ReadFrom replaces p, which must not be in use, by what src holds, and returns how many
// bytes it read: those of the file and no more. After an error p is as it was. The error
// says whether the file is of another kind, newer than this program, truncated or corrupt.
func (p *Popular) ReadFrom(src io.Reader) (int64, error) {
	r := envelope.NewReader(src, popularKind, popularVersion)
	ids := envelope.Read[recsys.ItemID](r, "items")
	everyone := envelope.ReadN[float32](r, "everyone", len(ids))
	column := r.ReadStrings("column")
	names := r.ReadStrings("surfaces")
	keys := envelope.Read[uint64](r, "segments")
	start := envelope.ReadN[int64](r, "start", len(names)+len(keys)+1)
	items := envelope.Read[int32](r, "item")
	scores := envelope.ReadN[float32](r, "score", len(items))
	var parts []*part
	if r.Err() == nil {
		var err error
		if parts, err = cut(start, items, scores, len(ids)); err == nil {
			err = checkPopular(everyone, scores, column, names, keys)
		}
		if err != nil {
			r.Fail(err.Error())
		}
	}
	index, err := itemindex.New(ids)
	if err != nil {
		r.Fail(err.Error())
	}
	n, err := r.Close()
	if err != nil {
		return n, fmt.Errorf("retrieval: Popular: %w", err)
	}
	*p = *newPopular(index, rankingOf(everyone))
	p.column = column[0]
	for i, name := range names {
		p.surfaces[name] = parts[i]
	}
	for i, key := range keys {
		p.segments[key] = parts[len(names)+i]
	}
	p.version = sync.OnceValue(func() string { return fingerprint.Of(p) }) // of p, not of what it was copied from
	return n, nil
}

// cut returns the parts whose items and scores stand one behind the other.
func cut(start []int64, items []int32, scores []float32, rows int) ([]*part, error) {
	if start[0] != 0 || start[len(start)-1] != int64(len(items)) {
		return nil, fmt.Errorf("parts from %d to %d of %d items", start[0], start[len(start)-1], len(items))
	}
	for i := 1; i < len(start); i++ { // the ends are right, so ascending starts are within them
		if start[i-1] > start[i] {
			return nil, fmt.Errorf("part %d starts at %d and ends at %d", i-1, start[i-1], start[i])
		}
	}
	parts := make([]*part, len(start)-1)
	for i := range parts {
		s := &part{items: items[start[i]:start[i+1]:start[i+1]], score: scores[start[i]:start[i+1]:start[i+1]]}
		last := int32(-1)
		for _, at := range s.items {
			if at <= last || int(at) >= rows {
				return nil, fmt.Errorf("part %d has item %d after %d; want ascending and below %d", i, at, last, rows)
			}
			last = at
		}
		s.sort()
		parts[i] = s
	}
	return parts, nil
}

// checkPopular says how the other contents of a file contradict each other.
func checkPopular(everyone, scores []float32, column, names []string, keys []uint64) error {
	if len(column) != 1 || (column[0] == "") != (len(keys) == 0) {
		return fmt.Errorf("columns %q of %d segments", column, len(keys))
	}
	for i := 1; i < len(names); i++ {
		if names[i-1] >= names[i] {
			return fmt.Errorf("surface %q follows %q", names[i], names[i-1])
		}
	}
	for i := 1; i < len(keys); i++ {
		if keys[i-1] >= keys[i] {
			return fmt.Errorf("segment %d follows %d", keys[i], keys[i-1])
		}
	}
	for i, s := range everyone {
		if !(s >= 0) || s-s != 0 {
			return fmt.Errorf("score %d is %v; want a finite number >= 0", i, s)
		}
	}
	for _, s := range scores {
		if !(s > 0) || s-s != 0 {
			return errors.New("a part has a score that is not a finite number > 0")
		}
	}
	return nil
}

// Save writes p to a file, as [Popular.WriteTo] does. An old file is replaced when the new
// one is complete, and stays as it was when something fails.
func (p *Popular) Save(path string) error { return envelope.WriteFile(path, p) }

// LoadPopular returns what a file holds; errors are those of [Popular.ReadFrom], with the
// path.
func LoadPopular(path string) (*Popular, error) {
	p := new(Popular)
	if err := envelope.ReadFile(path, p); err != nil {
		return nil, err
	}
	return p, nil
}
