package asof

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
)

// Config says what is joined. Labels and Tables are required.
type Config struct {
	Labels Labels
	// Tables are looked up one by one for each label. At most 64.
	Tables []Table

	// Memory bounds what sorting takes, in bytes, all inputs together; it is divided evenly
	// among those that are not Sorted. The default is 256 MiB; at least 64 KiB for each of them.
	// What the entities take is not part of it; see [TableReport].Bytes.
	Memory int64
	// Temp is the folder for what does not fit into Memory. The default is that of
	// [os.TempDir]. A folder of its own is made in it and removed when the iteration ends, however it ends.
	Temp string

	// Progress is called on the goroutine of the iteration, each time that about 65,536 more rows of an input have been
	// read, and at its end. Nil: nobody is told.
	Progress func(Progress)
}

// Labels is the input that is joined to.
type Labels struct {
	// Rows gives the labels; required. What it yields may be reused by it at the next step.
	Rows iter.Seq2[Label, error]
	// Sorted says that they come in the order of Time; the join then reads them as they
	// come and fails with [ErrOrder] when one does not. By default they are sorted first.
	Sorted bool

	Keys      []string // names of Label.Keys; at least one
	Heads     []string // names of Label.Values
	Columns   []string // names of Label.Floats
	IDColumns []string // names of Label.IDs

	// views, unless it is nil, returns the versions of the views that the columns come from, once the rows have been
	// read; last: of versions that differ the last one counts.
	views func() (served []recsys.FeatureView, last bool)
}

// Table is a feature table. [TableOf] makes one of a view.
type Table struct {
	// Name is that of the view: "item.stats". Unique among tables.
	Name string
	// View is the version of the view, which [Training] hands on to models. Zero: not known.
	View recsys.FeatureView
	// Key is the name of the label's key by which rows are looked up.
	Key string
	// Columns are those of the rows; at least one. Default and MaxAge are honoured as they are when serving;
	// Scope does not matter here.
	Columns []recsys.Column
	// Rows gives the rows; required. What it yields may be reused by it at the next step.
	Rows iter.Seq2[Row, error]

	// Arrival says that Row.Created is known, and not 0 in any row. By default a row counts as known from its event time on.
	Arrival bool
	// Strict leaves out rows of the label's own moment: event time < t. For features that are
	// derived from the events that the labels are.
	Strict bool
	// TTL is the age beyond which a row counts as missing. Zero: it never does.
	TTL time.Duration
	// Stale says what becomes of values older than their column's MaxAge. The default is features.ServeStale.
	Stale features.StalePolicy
	// Age names a float column behind the table's own that has the row's age in seconds, NaN where
	// there is no row. The default is none.
	Age string

	// Future leaves out rows that are dated further ahead of their arrival than this, as an online store refuses them at the write, and
	// counts them. Zero: they count from their event time on. Without Arrival it has no effect.
	Future time.Duration

	// Sorted says that rows come in the order in which they become visible: by Time, and where
	// Arrival is set by the later of Time and Created (that of arrival, if no row is dated later than it
	// arrived). Where Strict is set too Time counts as a nanosecond later: of rows that arrived at one moment those
	// dated before it come first. The join then reads them as they come and fails with [ErrOrder] when one does
	// not. By default they are sorted first.
	Sorted bool
}

// ErrOrder says that an input which is declared to be sorted is not.
var ErrOrder = errors.New("rows are not in the order that Sorted declares")

const (
	defaultMemory = 256 << 20
	leastMemory   = 64 << 10 // for an input
	maxTables     = 64
)

// check returns every mistake in the configuration, and fills in defaults.
func (cfg *Config) check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("asof: Config."+format, args...)) }
	l := &cfg.Labels
	if l.Rows == nil {
		bad("Labels.Rows is nil; want the labels")
	}
	if len(l.Keys) == 0 {
		bad("Labels.Keys is empty; want the names of the labels' keys")
	}
	if name, ok := twice(l.Keys); !ok {
		bad("Labels.Keys has %q; want names, and each once", name)
	}
	if name, ok := twice(l.Heads); !ok {
		bad("Labels.Heads has %q; want names, and each once", name)
	}
	if n := len(cfg.Tables); n == 0 || n > maxTables {
		bad("Tables has %d tables; want 1 to %d", n, maxTables)
	}
	sorts := int64(0)
	if !l.Sorted {
		sorts++
	}
	tables := map[string]bool{}
	for i := range cfg.Tables {
		t := &cfg.Tables[i]
		if t.Name == "" || tables[t.Name] {
			bad("Tables[%d].Name is %q; want a name, and each once", i, t.Name)
		}
		tables[t.Name] = true
		errs = append(errs, t.check(l.Keys)...)
		if !t.Sorted {
			sorts++
		}
	}
	columns, clashes := cfg.columns()
	errs = append(errs, clashes...)
	if _, err := recsys.NewSchema(recsys.SchemaConfig{Columns: columns}); err != nil {
		errs = append(errs, fmt.Errorf("asof: Config: columns of labels and tables: %w", err))
	}
	if cfg.Memory < 0 || cfg.Memory > 0 && cfg.Memory < sorts*leastMemory {
		bad("Memory is %d bytes; want >= %d, which is %d for each of the %d inputs that are not Sorted, or 0 for %d",
			cfg.Memory, sorts*leastMemory, leastMemory, sorts, defaultMemory)
	}
	cfg.Memory = cmp.Or(cfg.Memory, max(defaultMemory, sorts*leastMemory))
	return errors.Join(errs...)
}

// columns returns the columns of the join, each name once, and an error for each name that is there again: which inputs
// have it, and what to do.
func (cfg *Config) columns() (columns []recsys.Column, errs []error) {
	const labels = "the labels"
	owners := map[string]string{}
	add := func(owner string, c recsys.Column) {
		before, taken := owners[c.Name]
		switch {
		case !taken:
			owners[c.Name] = owner
			columns = append(columns, c)
		case owner == before:
			errs = append(errs, fmt.Errorf("asof: Config: column %q is twice in %s; want each once", c.Name, owner))
		case before == labels:
			errs = append(errs, fmt.Errorf("asof: Config: column %q is in the labels and in %s; want each once: "+
				"for what was served set ExposureConfig.Prefix, else rename it or leave it out of one", c.Name, owner))
		default:
			errs = append(errs, fmt.Errorf("asof: Config: column %q is in %s and in %s; want each once: rename it, or leave it out of one", c.Name, before, owner))
		}
	}
	for _, c := range cfg.Labels.named() {
		add(labels, c)
	}
	for i := range cfg.Tables {
		t := &cfg.Tables[i]
		owner := fmt.Sprintf("table %q", t.Name)
		for _, c := range t.Columns {
			add(owner, c)
		}
		if t.Age != "" {
			add(owner, recsys.Column{Name: t.Age})
		}
	}
	return columns, errs
}

// twice returns the first name that is empty or repeated; ok: there is none.
func twice(names []string) (name string, ok bool) {
	seen := map[string]bool{"": true}
	for _, name := range names {
		if seen[name] {
			return name, false
		}
		seen[name] = true
	}
	return "", true
}

// named returns the columns that labels bring along.
func (l *Labels) named() (columns []recsys.Column) {
	for _, name := range l.Columns {
		columns = append(columns, recsys.Column{Name: name})
	}
	for _, name := range l.IDColumns {
		columns = append(columns, recsys.Column{Name: name, Kind: recsys.ID})
	}
	return columns
}

// check returns what is wrong with a table beside its name and the names of its columns.
func (t *Table) check(keys []string) (errs []error) {
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("asof: table %q: "+format, append([]any{t.Name}, args...)...))
	}
	if !slices.Contains(keys, t.Key) {
		bad("Key is %q; want one of Labels.Keys, %q", t.Key, keys)
	}
	if len(t.Columns) == 0 {
		bad("Columns is empty; want the columns of its rows")
	}
	if t.Rows == nil {
		bad("Rows is nil; want its rows")
	}
	if t.TTL < 0 {
		bad("TTL is %v; want >= 0 (0 means that rows never expire)", t.TTL)
	}
	if t.Future < 0 {
		bad("Future is %v; want >= 0 (0 means that any time ahead is taken)", t.Future)
	}
	if t.Stale > features.DropStale {
		bad("Stale is %d; want ServeStale, DefaultStale or DropStale", t.Stale)
	}
	return errs
}
