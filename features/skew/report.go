package skew

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
)

// Verdict says how bad a difference is.
type Verdict uint8

// The verdicts, from good to bad.
const (
	OK    Verdict = iota
	Empty         // nothing to compare: no rows, no columns, or no value of the column on either side
	Drift         // from 0.4 of a threshold on
	Skew          // from a threshold on
)

// String returns "ok", "nothing to compare", "drift" or "skew".
func (v Verdict) String() string {
	if v <= Skew {
		return [...]string{"ok", "nothing to compare", "drift", "skew"}[v]
	}
	return fmt.Sprintf("Verdict(%d)", uint8(v))
}

// Example is the first row at which a column differs.
type Example struct {
	Row              int64 // from 0
	Logged, Rejoined string
}

// Column is what a report says of one column.
type Column struct {
	Name string
	Kind string // as it was logged: "price float32"

	Mismatch        float64 // share of the rows that differ
	MaxDiff         float64 // largest difference of two numbers; 0 for categories
	LoggedMissing   float64 // share of the rows without a value
	RejoinedMissing float64
	PSI             float64
	KS              float64 // NaN for categories

	Bins             []string  // what the shares are of
	Logged, Rejoined []float64 // shares per bin, smoothed

	Example *Example // nil when no row differs
	Verdict Verdict
	Reasons []string // which figures passed which thresholds, or why there was nothing to compare
}

// Report is the comparison of two tables. It is the caller's.
type Report struct {
	Rows    int64
	Columns []Column // worst first; equal verdicts in the order of the log

	OnlyLogged, OnlyRejoined []string // columns that one side has alone; not judged
	Verdict                  Verdict  // the worst of the columns; Empty without any
}

func (c *comparison) report() *Report {
	r := &Report{Rows: c.rows, OnlyLogged: c.onlyLogged, OnlyRejoined: c.onlyRejoined}
	if len(c.columns) == 0 {
		r.Verdict = Empty
	}
	for _, col := range c.columns {
		x := col.judged(c.cfg)
		r.Verdict = max(r.Verdict, x.Verdict)
		r.Columns = append(r.Columns, x)
	}
	slices.SortStableFunc(r.Columns, func(a, b Column) int { return int(b.Verdict) - int(a.Verdict) })
	return r
}

// judged returns what is said of the column.
func (c *column) judged(cfg Config) Column {
	n := float64(max(1, c.compared))
	x := Column{
		Name: c.name, Kind: c.field.String(),
		Mismatch: float64(c.mismatches) / n, MaxDiff: c.largest,
		LoggedMissing: float64(c.loggedMissing) / n, RejoinedMissing: float64(c.rejoinedMissing) / n,
		Example: c.example,
	}
	x.Bins, x.Logged, x.Rejoined, x.KS = c.distribution()
	x.PSI = psi(x.Logged, x.Rejoined)
	switch {
	case c.compared == 0:
		x.Verdict, x.Reasons = Empty, []string{"there are no rows"}
		return x
	case c.loggedMissing == c.compared && c.rejoinedMissing == c.compared:
		x.Verdict, x.Reasons = Empty, []string{fmt.Sprintf("no value on either side in %d rows", c.compared)}
		return x
	}
	for _, f := range []struct {
		name    string
		v, from float64
	}{
		{"mismatch", x.Mismatch, cfg.Mismatch},
		{"missing", math.Abs(float64(c.loggedMissing-c.rejoinedMissing)) / n, cfg.Missing}, // of counts, so that it is exact
		{"PSI", x.PSI, cfg.PSI},
		{"KS", x.KS, cfg.KS},
	} {
		verdict := OK
		switch {
		case f.v >= f.from:
			verdict = Skew
		case f.v >= 0.4*f.from:
			verdict = Drift
		default: // NaN too
			continue
		}
		x.Verdict = max(x.Verdict, verdict)
		x.Reasons = append(x.Reasons, fmt.Sprintf("%s %.4g (%v: %.4g)", f.name, f.v, Skew, f.from))
	}
	return x
}

// WriteText writes the report as a table of text, worst columns first.
func (r *Report) WriteText(w io.Writer) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "%v: %d rows, %d columns\n", r.Verdict, r.Rows, len(r.Columns))
	for _, o := range []struct {
		what  string
		names []string
	}{{"only logged", r.OnlyLogged}, {"only re-joined", r.OnlyRejoined}} {
		if len(o.names) > 0 {
			fmt.Fprintf(out, "%s: %q\n", o.what, o.names)
		}
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "column\tverdict\tmismatch\tmax diff\tmissing logged\tre-joined\tPSI\tKS\tfirst difference")
	for _, c := range r.Columns {
		first := "-"
		if e := c.Example; e != nil {
			first = fmt.Sprintf("row %d: %s, %s", e.Row, clip(e.Logged), clip(e.Rejoined))
		}
		fmt.Fprintf(t, "%s\t%v\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", oneLine(c.Name), c.Verdict, figure(c.Mismatch), figure(c.MaxDiff),
			figure(c.LoggedMissing), figure(c.RejoinedMissing), figure(c.PSI), figure(c.KS), oneLine(first))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return out.Flush()
}

func figure(v float64) string {
	if v != v {
		return "-"
	}
	return fmt.Sprintf("%.4g", v)
}

// oneLine keeps names from breaking the table.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '\ufffd'
		}
		return r
	}, s)
}

func clip(s string) string {
	if len(s) > 40 {
		return strings.ToValidUTF8(s[:37], "") + "..."
	}
	return s
}
