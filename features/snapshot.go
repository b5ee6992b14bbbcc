package features

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/recsyskit/recsys/internal/envelope"
)

// The envelope of a snapshot: a JSON section "store", then for each part the sections
// keys, times, ids, floats.
const (
	snapshotKind    = "features.store"
	snapshotVersion = 1
	maxParts        = maxShards
)

// What can be wrong with a file; the errors of [Store.ReadFrom] wrap one of them.
var (
	ErrKind      = envelope.ErrKind      // not a snapshot
	ErrNewer     = envelope.ErrNewer     // written by a later version of this module
	ErrSchema    = envelope.ErrSchema    // written for other columns; see SchemaError
	ErrTruncated = envelope.ErrTruncated // the file ends too early
	ErrCorrupt   = envelope.ErrCorrupt   // a checksum does not hold, or the contents contradict each other
)

var (
	_ io.WriterTo   = (*Store)(nil)
	_ io.ReaderFrom = (*Store)(nil)
)

// snapshotHeader is the section "store".
type snapshotHeader struct {
	Columns []snapshotColumn `json:"columns"`
	Parts   int              `json:"parts"`
}

type snapshotColumn struct {
	Name  string `json:"name"`
	Kind  string `json:"kind"`
	Dim   int    `json:"dim,omitempty"`
	Scope string `json:"scope"`
}

// String prints the column as in `"price" float`.
func (c snapshotColumn) String() string {
	if c.Dim > 0 {
		return fmt.Sprintf("%q %s of %d", c.Name, c.Kind, c.Dim)
	}
	return fmt.Sprintf("%q %s", c.Name, c.Kind)
}

// SchemaError says that a snapshot has other columns than the store: other names, kinds,
// dimensions, order or entity. MaxAge, Default and policies may differ.
type SchemaError struct {
	Want, Have string // the columns of the store and of the snapshot
	err        error
}

// Error lists both.
func (e *SchemaError) Error() string {
	return fmt.Sprintf("features: snapshot has the columns %s; the store has %s", e.Have, e.Want)
}

// Unwrap returns an error that wraps [ErrSchema].
func (e *SchemaError) Unwrap() error { return e.err }

// WriteTo writes a snapshot of all rows. Each row is whole; rows that are written
// meanwhile may be in it as they were or as they are. Stores with the same rows, columns
// and number of shards write the same bytes. It takes no lock and the memory of one shard.
func (s *Store) WriteTo(w io.Writer) (int64, error) {
	e := envelope.NewWriter(w, snapshotKind, snapshotVersion, s.schema)
	e.WriteJSON("store", snapshotHeader{Columns: s.snapshotColumns(), Parts: len(s.shards)})
	var all, keys, times, ids []uint64
	var values []float32
	for k := range s.shards {
		all = s.keys(all[:0], k)
		keys, times, ids, values = keys[:0], times[:0], ids[:0], values[:0]
		for part := range slices.Chunk(all, rangeBatch) {
			s.read(part, func(row []uint64) {
				keys = append(keys, row[keyWord])
				times = append(times, row[timeWord])
				ids = append(ids, row[idWord:idWord+s.layout.ids]...)
				values = append(values, s.layout.float32s(row)...)
			})
		}
		envelope.Write(e, fmt.Sprintf("keys.%d", k), keys)
		envelope.Write(e, fmt.Sprintf("times.%d", k), times)
		envelope.Write(e, fmt.Sprintf("ids.%d", k), ids)
		envelope.Write(e, fmt.Sprintf("floats.%d", k), values)
	}
	n, err := e.Close()
	if err != nil {
		return n, fmt.Errorf("features: snapshot: %w", err)
	}
	return n, nil
}

// ReadFrom puts every row of a snapshot into the store, as Put would: where the store
// has a row of later event time, that stays. So a snapshot can be read while a stream of
// events writes already. Nothing is put before the whole snapshot has been read and
// checked; then readers see it come in shard by shard. Undated rows are taken, and count as stale
// where a column has a MaxAge.
//
// The error is a [*SchemaError] for a snapshot of other columns, else it wraps [ErrKind],
// [ErrNewer], [ErrTruncated] or [ErrCorrupt], or r's error.
func (s *Store) ReadFrom(r io.Reader) (int64, error) {
	e := envelope.NewReader(r, snapshotKind, snapshotVersion)
	var head snapshotHeader
	e.ReadJSON("store", &head)
	if e.Err() == nil {
		if e.CheckSchema(s.schema); e.Err() != nil {
			n, err := e.Close()
			return n, &SchemaError{Want: describe(s.snapshotColumns()), Have: describe(head.Columns), err: err}
		}
		if head.Parts < 1 || head.Parts > maxParts {
			e.Fail(fmt.Sprintf("%d parts", head.Parts))
		}
	}
	staged := newStore(s.config, s.schema)
	for k := 0; k < head.Parts && e.Err() == nil; k++ {
		staged.readPart(e, k)
	}
	n, err := e.Close()
	if err != nil {
		return n, fmt.Errorf("features: snapshot: %w", err)
	}
	s.merge(staged)
	return n, nil
}

// readPart puts the rows of one part.
func (s *Store) readPart(e *envelope.Reader, k int) {
	l := s.layout
	keys := envelope.Read[uint64](e, fmt.Sprintf("keys.%d", k))
	n := len(keys)
	times := envelope.ReadN[uint64](e, fmt.Sprintf("times.%d", k), n)
	ids := envelope.ReadN[uint64](e, fmt.Sprintf("ids.%d", k), n*l.ids)
	values := envelope.ReadN[float32](e, fmt.Sprintf("floats.%d", k), n*l.values)
	if e.Err() != nil {
		return
	}
	for i, key := range keys {
		v := values[i*l.values : (i+1)*l.values]
		r := Row{Key: key, IDs: ids[i*l.ids : (i+1)*l.ids], Floats: v[:l.floats], Vectors: v[l.floats:]}
		if err := l.checkValues(&r); err != nil {
			e.Fail(err.Error())
			return
		}
		s.put(&r, int64(times[i]))
	}
}

// merge moves the rows of staged, which nobody else uses, into s.
func (s *Store) merge(staged *Store) {
	for k := range staged.shards {
		if s.adopt(staged, k) {
			continue
		}
		t := staged.table(k)
		var r Row
		for _, e := range t.index {
			if e > deletedEntry {
				row := staged.words(t, e)
				staged.layout.decode(&r, row)
				s.put(&r, int64(row[timeWord]))
			}
		}
	}
}

// adopt takes over shard k of staged if s has nothing in its own.
func (s *Store) adopt(staged *Store, k int) bool {
	const afterAllEpochs = ^uint64(0)
	from, to := &staged.shards[k], &s.shards[k]
	to.mu.Lock()
	defer to.mu.Unlock()
	if to.used > 0 {
		return false
	}
	to.live, to.deleted, to.used, to.free = from.live, from.deleted, from.used, from.free
	for slot, ok := from.retired.pop(afterAllEpochs); ok; slot, ok = from.retired.pop(afterAllEpochs) {
		to.free = append(to.free, slot)
	}
	s.swap(k, staged.table(k))
	s.rows.Add(int64(from.live))
	to.stored.Add(from.stored.Load())
	return true
}

// Save writes a snapshot to a file, which is replaced as a whole or not at all.
func (s *Store) Save(path string) error {
	return envelope.Save(path, func(w io.Writer) error {
		_, err := s.WriteTo(w)
		return err
	})
}

// Load reads a snapshot from a file; see [Store.ReadFrom]. Errors name the path.
func (s *Store) Load(path string) error {
	return envelope.Load(path, func(r io.Reader) error {
		_, err := s.ReadFrom(r)
		return err
	})
}

func (s *Store) snapshotColumns() []snapshotColumn {
	out := make([]snapshotColumn, len(s.config.Columns))
	for i := range out {
		c := &s.config.Columns[i]
		out[i] = snapshotColumn{c.Name, c.Kind.String(), c.Dim, c.Scope.String()}
	}
	return out
}

// describe lists columns for an error.
func describe(columns []snapshotColumn) string {
	scope := ""
	var names []string
	for _, c := range columns {
		names = append(names, c.String())
		scope = c.Scope
	}
	return strings.TrimSpace(list(names) + " of " + scope)
}
