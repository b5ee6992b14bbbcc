package features

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/envelope"
)

// The envelope of a snapshot: a JSON section "store", then for each part the sections
// keys, times, ids, floats. Version 1 had the hash of the columns where version 2 has the view's RowHash, and no name.
const (
	snapshotKind    = "features.store"
	snapshotVersion = 2
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
	View    string           `json:"view,omitempty"`
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

// SchemaError says that a snapshot is of another view than the store: another name, entity or key, or columns of other names, kinds,
// dimensions or order. MaxAge, Default, TTL, policies and encoders may differ.
type SchemaError struct {
	Want, Have string // the view of the store and of the snapshot, with their columns
	err        error
}

// Error lists both.
func (e *SchemaError) Error() string {
	return fmt.Sprintf("features: snapshot has %s; the store has %s", e.Have, e.Want)
}

// Unwrap returns an error that wraps [ErrSchema]: a [*ViewError] with the RowHash of both, or for a snapshot that knows
// no view that of the file.
func (e *SchemaError) Unwrap() error { return e.err }

// WriteTo writes a snapshot of all rows. Each row is whole; rows that are written
// meanwhile may be in it as they were or as they are. Stores with the same rows, columns
// and number of shards write the same bytes. It takes no lock and the memory of one shard.
func (s *Store) WriteTo(w io.Writer) (int64, error) {
	e := envelope.NewWriter(w, snapshotKind, snapshotVersion, s.view.RowHash())
	e.WriteJSON("store", snapshotHeader{View: s.view.Name, Columns: s.snapshotColumns(), Parts: len(s.shards)})
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

// ReadFrom puts every row of a snapshot into the store, as if it had been put before what the store has: a row of the same
// or later event time stays. So a snapshot can be read while a stream of
// events writes already. Nothing is put before the whole snapshot has been read and
// checked; then readers see it come in shard by shard. Undated rows are taken, and count as stale
// where a column has a MaxAge; rows ahead of the store's clock are taken too, as they were accepted once.
//
// The error is a [*SchemaError] for a snapshot of other columns, else it wraps [ErrKind],
// [ErrNewer], [ErrTruncated] or [ErrCorrupt], or r's error.
func (s *Store) ReadFrom(r io.Reader) (int64, error) {
	staged, n, err := s.readStaged(r)
	if err == nil {
		s.merge(staged)
	}
	return n, err
}

// readStaged reads a snapshot, and checks it, into a store of its own.
func (s *Store) readStaged(r io.Reader) (*Store, int64, error) {
	e := envelope.NewReader(r, snapshotKind, snapshotVersion)
	var head snapshotHeader
	e.ReadJSON("store", &head)
	if e.Err() == nil {
		if err := s.checkView(e, &head); err != nil {
			n, _ := e.Close()
			return nil, n, err
		}
		if head.Parts < 1 || head.Parts > maxParts {
			e.Fail(fmt.Sprintf("%d parts", head.Parts))
		}
	}
	staged := s.stage(e, head.Parts)
	n, err := e.Close()
	if err != nil {
		return nil, n, fmt.Errorf("features: snapshot: %w", err)
	}
	return staged, n, nil
}

// checkView returns a [*SchemaError] unless the snapshot is of the store's view.
func (s *Store) checkView(e *envelope.Reader, head *snapshotHeader) error {
	err := &SchemaError{
		Want: describe(s.view.Name, s.snapshotColumns()),
		Have: describe(head.View, head.Columns),
	}
	if e.Version() > 1 {
		want, have := s.view.RowHash(), e.Schema()
		if want == have {
			return nil
		}
		err.err = &ViewError{View: s.view.Name, Column: s.differs(head.Columns), Want: want, Have: have, Reason: "the snapshot is of another version"}
		return err
	}
	schema, _ := recsys.NewSchema(recsys.SchemaConfig{Columns: s.view.Columns}) // which were checked
	if e.CheckSchema(schema.Hash()); e.Err() != nil {
		err.err = e.Err()
		return err
	}
	return nil
}

// differs returns the name of the first column that the snapshot has not, or has otherwise or elsewhere.
func (s *Store) differs(have []snapshotColumn) string {
	for i, c := range s.snapshotColumns() {
		if i >= len(have) || c != have[i] {
			return c.Name
		}
	}
	return ""
}

// Save writes a snapshot to a file, which is replaced as a whole or not at all.
func (s *Store) Save(path string) error {
	return envelope.Save(path, func(w io.Writer) error {
		_, err := s.WriteTo(w)
		return err
	})
}

// Load reads a snapshot from a file, as [Store.ReadFrom] does; the file holds nothing else: with bytes after the snapshot's end it is
// corrupt, and nothing is put. Errors name the path.
func (s *Store) Load(path string) error {
	return envelope.Load(path, func(r io.Reader) error {
		staged, _, err := s.readStaged(r)
		if err != nil {
			return err
		}
		switch _, err := io.ReadFull(r, make([]byte, 1)); err {
		case io.EOF:
			s.merge(staged)
			return nil
		case nil:
			return fmt.Errorf("features: snapshot: %w: there are bytes after the end", ErrCorrupt)
		default:
			return fmt.Errorf("features: snapshot: %w", err)
		}
	})
}

func (s *Store) snapshotColumns() []snapshotColumn {
	out := make([]snapshotColumn, len(s.view.Columns))
	for i := range out {
		c := &s.view.Columns[i]
		out[i] = snapshotColumn{c.Name, c.Kind.String(), c.Dim, c.Scope.String()}
	}
	return out
}

// describe lists the columns of a view for an error.
func describe(view string, columns []snapshotColumn) string {
	scope := ""
	var names []string
	for _, c := range columns {
		names = append(names, c.String())
		scope = c.Scope
	}
	text := strings.TrimSpace("the columns " + list(names) + " of " + scope)
	if view != "" {
		text = fmt.Sprintf("view %q with %s", view, text)
	}
	return text
}
