package features

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/hash"
)

// View defines a group of features that are written together: whose they are, the columns, how old
// they may be. One definition serves what writes them, what reads them at serving and what joins
// them to labels for training; [View.Hash] stands wherever values or models of it are kept.
//
// A View is plain data. It is checked by [View.Validate], which constructors call; after that
// nobody changes it, and it is safe for concurrent use.
type View struct {
	// Name names the view in stores, errors and records, as in "item.stats". Required. Stores that several
	// views share keep them apart by it.
	Name string

	// Entity says whose features they are. The default is Item.
	Entity Entity

	// Key is the request's ID column whose value is the key of the row, as in "country". For the entity Context only,
	// where it is required. The value 0, which an ID column has where it is missing, has no row.
	Key string

	// Columns are what is stored; required. Their scope follows from Entity. MaxAge is the age at
	// which a column's value is stale, Default what stands for a missing float.
	Columns []Column

	// Computed is the hash of what computes the columns, as of a window.Aggregator; 0 where nothing is known. It is part of the Hash and
	// of the RowHash, so that columns which keep their names and are computed otherwise are another version: stores keep its rows
	// apart, and Build refuses models of the one before.
	Computed uint64

	// TTL is the age at which a row is gone: it reads as missing when Now - event time > TTL, whether it was removed or not,
	// and a join for training holds the same. The default 0 means that rows never expire. Negative is an error.
	TTL time.Duration

	// Stale says what becomes of a value that is older than its column's MaxAge. The default is ServeStale.
	Stale StalePolicy

	// Age names a Float column that is not stored: reading fills it with the age of the row in seconds, NaN where
	// the row is missing or has no event time. It comes after Columns. Empty: there is none.
	Age string

	// Encoders make further columns of these: an encoder.Set. The view only records their version, in its Hash; they run as a
	// source of their own, without which Build refuses the view. Nil: none.
	Encoders Derivation

	// Future is how far the event time of a row may lie ahead of the clock of the store that it is written to; a row
	// beyond is refused and counted. The default 0 means DefaultFuture. Negative is an error.
	Future time.Duration
}

// DefaultFuture is the tolerance of a [View] that names none: beyond what clocks of producers differ, below what a wrong
// unit or time zone makes.
const DefaultFuture = 5 * time.Minute

// Derivation is what a view knows of the encoders behind it: which columns they make, and a hash of all that decides their values.
type Derivation interface {
	Columns() []Column
	Hash() uint64
}

// StalePolicy says what reading does with a value that is older than its column's
// MaxAge. Whatever it is, the row's Stale bit is set and the row counts as stale.
type StalePolicy uint8

// The policies.
const (
	ServeStale   StalePolicy = iota // the value is served as it is
	DefaultStale                    // the value's column gets its default; younger columns are served
	DropStale                       // the whole row is missing: defaults and the Missing bit
)

// String returns "serve", "default" or "drop".
func (p StalePolicy) String() string {
	switch p {
	case ServeStale:
		return "serve"
	case DefaultStale:
		return "default"
	case DropStale:
		return "drop"
	}
	return fmt.Sprintf("StalePolicy(%d)", uint8(p))
}

// Validate returns all mistakes of the definition, joined, each naming the view, the field and what to give instead; nil if
// there is none.
func (v *View) Validate() error {
	var errs []error
	name := v.Name
	if name == "" {
		name = "?"
		errs = append(errs, errors.New(`features: view: Name is empty; want one as in "item.stats"`))
	}
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("features: view %q: "+format, append([]any{name}, args...)...))
	}
	if v.Entity > Context {
		bad("Entity is %d; want Item, User, UserItem or Context", v.Entity)
	}
	switch {
	case v.Entity == Context && v.Key == "":
		bad("Key is empty; want the name of the request's ID column that holds the key")
	case v.Entity != Context && v.Key != "":
		bad("Key is %q, but keys of the entity %v come from the request itself; want none, or set Entity to Context", v.Key, v.Entity)
	}
	if v.TTL < 0 {
		bad("TTL is %v; want > 0, or 0 for rows that never expire", v.TTL)
	}
	if v.Future < 0 {
		bad("Future is %v; want > 0, or 0 for %v", v.Future, DefaultFuture)
	}
	if v.Stale > DropStale {
		bad("Stale is %d; want ServeStale, DefaultStale or DropStale", v.Stale)
	}
	v.checkColumns(bad)
	return errors.Join(errs...)
}

// checkColumns checks the columns, stored and derived.
func (v *View) checkColumns(bad func(format string, args ...any)) {
	if len(v.Columns) == 0 {
		bad("no Columns; want at least one")
	}
	seen := map[string]bool{}
	claim := func(what, name string) {
		if seen[name] && name != "" {
			bad("%s %q: the name is taken", what, name)
		}
		seen[name] = true
	}
	for i := range v.Columns {
		c := v.Columns[i]
		claim("column", c.Name)
		if c.Scope == recsys.PerRequest && v.Entity.Scope() == recsys.PerItem && v.Entity <= Context {
			bad("column %q has scope PerRequest in a view of %v; set Entity to User or Context, or drop the scope", c.Name, v.Entity)
		}
		if _, err := recsys.NewSchema(recsys.SchemaConfig{Columns: []Column{c}}); err != nil {
			bad("%s", strings.TrimPrefix(err.Error(), "recsys: schema: "))
		}
		if d := c.Default; d != nil && math.IsInf(float64(*d), 0) {
			bad("column %q: Default is %v; want a finite number, or nil", c.Name, *d)
		}
	}
	if v.Age != "" {
		claim("Age", v.Age)
	}
	switch {
	case v.Encoders == nil:
	case isNil(v.Encoders):
		bad("Encoders is a nil %T; want none at all, or a fitted one", v.Encoders)
	default:
		for _, c := range v.Encoders.Columns() {
			claim("derived column", c.Name)
		}
	}
}

// isNil reports whether an interface holds a nil pointer.
func isNil(d Derivation) bool {
	r := reflect.ValueOf(d)
	return r.Kind() == reflect.Pointer && r.IsNil()
}

// Stored returns the stored columns with the scope that follows from the entity: a new slice, whose defaults are copies.
func (v *View) Stored() []Column {
	columns := slices.Clone(v.Columns)
	for i := range columns {
		c := &columns[i]
		c.Scope = v.Entity.Scope()
		if c.Default != nil {
			c.Default = new(*c.Default)
		}
	}
	return columns
}

// Served returns the columns that a source of the view writes: the stored ones, then the one that Age names.
func (v *View) Served() []Column {
	columns := v.Stored()
	if v.Age != "" {
		columns = append(columns, Column{Name: v.Age, Scope: v.Entity.Scope()})
	}
	return columns
}

// Keys finds where the keys of the view's rows come from. s is what the store can read when it is bound; only the
// entity Context needs it, and others take nil. The error is a [*recsys.ColumnError] for the column that Key names.
func (v *View) Keys(s *recsys.Schema) (Keys, error) {
	k := Keys{entity: v.Entity}
	if v.Entity != Context {
		return k, nil
	}
	f, err := s.ID(v.Key)
	switch {
	case err != nil:
		return k, fmt.Errorf("features: view %q: key: %w", v.Name, err)
	case f.Scope != recsys.PerRequest:
		return k, fmt.Errorf("features: view %q: key: column %q has a value for each item; want a column of scope PerRequest", v.Name, v.Key)
	}
	k.index = f.Index
	return k, nil
}

// Tolerance returns how far ahead of the clock an event time may lie: Future, or DefaultFuture.
func (v *View) Tolerance() time.Duration {
	if v.Future == 0 {
		return DefaultFuture
	}
	return v.Future
}

// Hash identifies the meaning of the features: name, entity, key, stored columns in their order with kind and dimension,
// what they are Computed by, and the Hash of the Encoders. It stands in model files and exposure records. It is the same on every machine and in every
// later version.
//
// TTL, MaxAge, Default, Stale, Age and Future are not part of it: they say how long a value is served, not what it
// means, so they can be tuned while a model and the stored rows stay in use.
//
// It is the XXH64, seed 0, of the text
//
//	recsys.view.1
//	view 10:item.stats item 0:
//	column 3:ctr float 0
//	column 3:emb vector 64
//	computed 00000000c0ffee00
//	encoders 00000000deadbeef
//
// with a line feed after each line; names stand as they are, in UTF-8, behind their length in bytes; entities are item, user,
// user-item and context, followed by the Key; kinds are float, id and vector, followed by the dimension, 0 but for vectors; the
// line of Computed is there only if that is not 0, the last one only if there are encoders. This one has the hash 0c0fe8eb02b9372a, and
// the RowHash 3445d99fd22ee3b7.
func (v *View) Hash() uint64 {
	if v.Encoders == nil {
		return v.RowHash()
	}
	return hash.String(0, v.canonical()+fmt.Sprintf("encoders %016x\n", v.Encoders.Hash()))
}

// RowHash is Hash without the encoders: what decides the bytes of a stored row, in which it stands. Encoders that are
// fitted anew make another Hash, and models must follow; rows that are stored stay what they are.
func (v *View) RowHash() uint64 { return hash.String(0, v.canonical()) }

// canonical is the text of which Hash is the hash.
func (v *View) canonical() string {
	var b strings.Builder
	fmt.Fprintf(&b, "recsys.view.1\nview %d:%s %v %d:%s\n", len(v.Name), v.Name, v.Entity, len(v.Key), v.Key)
	for i := range v.Columns {
		c := &v.Columns[i]
		fmt.Fprintf(&b, "column %d:%s %v %d\n", len(c.Name), c.Name, c.Kind, c.Dim)
	}
	if v.Computed != 0 {
		fmt.Fprintf(&b, "computed %016x\n", v.Computed)
	}
	return b.String()
}

// FeatureView returns the name, the Hash and that of the encoders: what a source of the view declares, see [recsys.ViewSource], and what a model
// that was trained on it keeps.
func (v *View) FeatureView() recsys.FeatureView {
	f := recsys.FeatureView{Name: v.Name, Hash: v.Hash()}
	if v.Encoders != nil {
		f.Encoders = v.Encoders.Hash()
	}
	return f
}

// String prints the view on one line, with what is easily overlooked: that rows never expire.
func (v *View) String() string {
	ttl := "rows never expire"
	if v.TTL > 0 {
		ttl = fmt.Sprintf("rows expire after %v", v.TTL)
	}
	return fmt.Sprintf("view %q of %v: %d columns, %s, version %016x", v.Name, v.Entity, len(v.Columns), ttl, v.Hash())
}
