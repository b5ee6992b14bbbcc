package skew

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/recsyskit/recsys/features/frame"
	"github.com/recsyskit/recsys/internal/hash"
)

// Config says what is compared and when a difference is too large.
type Config struct {
	// Keys names columns that must be equal row by row, so that a shifted or shuffled re-join is an
	// error and not skew. They are not judged.
	Keys []string

	// Columns names what is judged; nil means every column that both sides have.
	Columns []string

	// Tolerance is how much floats may differ: |a-b| <= Tolerance * max(1, |a|, |b|); 0 means 1e-6.
	// Integers, times and strings must be equal. Tolerances overrides it for single columns, where
	// 0 means equal.
	Tolerance  float64
	Tolerances map[string]float64

	// From these shares and values on a column is skewed; 0 means 0.001, 0.01, 0.25 and 0.1. From
	// 0.4 of them on it has drifted.
	Mismatch, Missing, PSI, KS float64

	Sample int    // rows that PSI and KS see; 0 means 8192, 128 KiB per column
	Seed   uint64 // of the sample
}

func (cfg Config) complete() (Config, error) {
	for _, d := range []struct {
		name string
		v    *float64
		zero float64
	}{
		{"Tolerance", &cfg.Tolerance, 1e-6},
		{"Mismatch", &cfg.Mismatch, 0.001},
		{"Missing", &cfg.Missing, 0.01},
		{"PSI", &cfg.PSI, 0.25},
		{"KS", &cfg.KS, 0.1},
	} {
		if !(*d.v >= 0) {
			return cfg, fmt.Errorf("skew: Config.%s is %v; want >= 0 (0 means %v)", d.name, *d.v, d.zero)
		}
		if *d.v == 0 {
			*d.v = d.zero
		}
	}
	for name, v := range cfg.Tolerances {
		if !(v >= 0) {
			return cfg, fmt.Errorf("skew: Config.Tolerances[%q] is %v; want >= 0", name, v)
		}
	}
	if cfg.Sample < 0 {
		return cfg, fmt.Errorf("skew: Config.Sample is %d; want >= 0 (0 means 8192)", cfg.Sample)
	}
	if cfg.Sample == 0 {
		cfg.Sample = 8192
	}
	return cfg, nil
}

// RowError says that the two tables do not have the same rows.
type RowError struct {
	Row              int64  // from 0
	Key              string // the key that differs; empty when one table ends before the other
	Logged, Rejoined string // its values, or "a row" and "the end"
}

// Error names the row and what stands on both sides.
func (e *RowError) Error() string {
	if e.Key == "" {
		return fmt.Sprintf("skew: row %d: %s in the log, %s in the re-join; want the same rows in the same order", e.Row, e.Logged, e.Rejoined)
	}
	return fmt.Sprintf("skew: row %d: key %q is %s in the log, %s in the re-join; want the same rows in the same order", e.Row, e.Key, e.Logged, e.Rejoined)
}

// side is one of the tables.
type side struct {
	r     frame.Reader
	chunk frame.Frame
	at    int
	done  bool
}

// rows returns how many rows are there, and reads a chunk when there are none.
func (s *side) rows() (int, error) {
	if !s.done && s.at == s.chunk.Rows {
		s.at = 0
		err := s.r.Next(&s.chunk)
		if s.done = err == io.EOF; err != nil {
			s.chunk.Reset()
			if !s.done {
				return 0, err
			}
		}
	}
	return s.chunk.Rows - s.at, nil
}

// Compare reads both tables to their ends and reports how they differ. It takes memory for two
// chunks and the samples, and time linear in the values. Equal input gives an equal report.
//
// Errors are those of the readers; a [*frame.ColumnError] for a key or column that one side does
// not have; one for a tolerance of a column that neither has; a [*RowError] when the rows do not correspond; a kind that cannot be compared; and
// ctx.Err(), wrapped.
func Compare(ctx context.Context, logged, rejoined frame.Reader, cfg Config) (*Report, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	c, err := newComparison(cfg, logged.Fields(), rejoined.Fields())
	if err != nil {
		return nil, err
	}
	l, r := &side{r: logged}, &side{r: rejoined}
	for {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("skew: stopped at row %d: %w", c.rows, err)
		}
		n, err := l.rows()
		if err != nil {
			return nil, fmt.Errorf("skew: the log: %w", err)
		}
		m, err := r.rows()
		if err != nil {
			return nil, fmt.Errorf("skew: the re-join: %w", err)
		}
		switch {
		case n == 0 && m == 0:
			return c.report(), nil
		case n == 0:
			return nil, &RowError{Row: c.rows, Logged: "the end", Rejoined: "a row"}
		case m == 0:
			return nil, &RowError{Row: c.rows, Logged: "a row", Rejoined: "the end"}
		}
		for range min(n, m) {
			if err := c.row(l, r); err != nil {
				return nil, err
			}
			l.at++
			r.at++
		}
	}
}

// comparison is what is known so far.
type comparison struct {
	cfg     Config
	rows    int64
	keys    []pair
	columns []*column

	onlyLogged, onlyRejoined []string
}

// pair is where a column stands on both sides.
type pair struct {
	name             string
	logged, rejoined int
}

func newComparison(cfg Config, logged, rejoined []frame.Field) (*comparison, error) {
	c := &comparison{cfg: cfg}
	index := func(fields []frame.Field, name string) int {
		return slices.IndexFunc(fields, func(f frame.Field) bool { return f.Name == name })
	}
	for _, f := range logged {
		if index(rejoined, f.Name) < 0 {
			c.onlyLogged = append(c.onlyLogged, f.Name)
		}
	}
	for _, f := range rejoined {
		if index(logged, f.Name) < 0 {
			c.onlyRejoined = append(c.onlyRejoined, f.Name)
		}
	}
	find := func(name string) (pair, error) {
		p := pair{name, index(logged, name), index(rejoined, name)}
		for _, s := range []struct {
			at     int
			what   string
			fields []frame.Field
		}{{p.logged, "the log", logged}, {p.rejoined, "the re-join", rejoined}} {
			if s.at < 0 {
				e := &frame.ColumnError{File: "skew: " + s.what, Missing: []string{name}}
				for _, f := range s.fields {
					e.Have = append(e.Have, f.Name)
				}
				return p, e
			}
		}
		return p, nil
	}
	for _, name := range cfg.Keys {
		p, err := find(name)
		if err != nil {
			return nil, err
		}
		c.keys = append(c.keys, p)
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.Tolerances)) {
		if index(logged, name) < 0 && index(rejoined, name) < 0 {
			return nil, fmt.Errorf("skew: Config.Tolerances names %q, which neither the log nor the re-join has", name)
		}
	}
	names := cfg.Columns
	if names == nil {
		for _, f := range logged {
			if index(rejoined, f.Name) >= 0 && !slices.Contains(cfg.Keys, f.Name) {
				names = append(names, f.Name)
			}
		}
	}
	for _, name := range names {
		p, err := find(name)
		if err != nil {
			return nil, err
		}
		col, err := newColumn(cfg, p, logged[p.logged], rejoined[p.rejoined])
		if err != nil {
			return nil, err
		}
		c.columns = append(c.columns, col)
	}
	return c, nil
}

// row compares the rows at which both sides stand.
func (c *comparison) row(l, r *side) error {
	for _, k := range c.keys {
		a, b := show(&l.chunk.Columns[k.logged], l.at), show(&r.chunk.Columns[k.rejoined], r.at)
		if a != b {
			return &RowError{Row: c.rows, Key: k.name, Logged: a, Rejoined: b}
		}
	}
	place := c.place()
	for _, col := range c.columns {
		col.add(&l.chunk.Columns[col.logged], l.at, &r.chunk.Columns[col.rejoined], r.at, c.rows, place)
	}
	c.rows++
	return nil
}

// place returns where the row goes in the samples, or -1: algorithm R, with a hash of seed and
// row for the draw.
func (c *comparison) place() int {
	if c.rows < int64(c.cfg.Sample) {
		return int(c.rows)
	}
	if at := hash.Combine(c.cfg.Seed, uint64(c.rows)) % uint64(c.rows+1); at < uint64(c.cfg.Sample) {
		return int(at)
	}
	return -1
}

// show returns a value as text.
func show(c *frame.Column, i int) string {
	switch {
	case c.IsMissing(i):
		return "missing"
	case c.Kind == frame.String:
		return fmt.Sprintf("%q", c.String[i])
	case c.Kind == frame.Uint64:
		return fmt.Sprint(c.Uint64[i])
	case c.Kind == frame.Int64 || c.Kind == frame.Time:
		return fmt.Sprint(c.Int64[i])
	case c.Kind == frame.Vector:
		return fmt.Sprint(c.VectorRow(i))
	}
	return fmt.Sprint(c.Number(i))
}
