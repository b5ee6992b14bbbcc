package asof

import (
	"fmt"
	"strings"
	"time"
)

// Report says what a join found. Counts are of what has been read so far; after the last
// label they are final.
type Report struct {
	Labels int64
	Tables []TableReport
	// Runs and Spilled are what was written to disk to sort: sorted runs, and bytes.
	Runs    int
	Spilled int64
}

// TableReport says what became of a table. Every label is one of Matched, Missing and Expired.
type TableReport struct {
	Name string
	// Arrival: the rows had arrival times. Without them a row counts as known from its event time on, so
	// what arrived late leaks into labels before its arrival, and how much cannot be known.
	Arrival bool

	Matched int64 // labels that got a row
	Missing int64 // labels without a row: none with their key had happened and arrived
	Expired int64 // labels whose row was older than the TTL, or stale where Stale is DropStale
	Stale   int64 // labels with a row in which a value was older than its column's MaxAge

	Rows int64 // read
	// Late rows arrived after their event time, by MaxDelay at most.
	Late     int64
	MaxDelay time.Duration
	// Ahead rows are dated after their arrival: a clock was wrong. They count from their event time on.
	Ahead int64
	// Refused rows, which are Ahead too, are dated further ahead than Table.Future and were left out.
	Refused int64
	// Superseded rows found a better one in place when they became visible, so no label got them.
	Superseded int64
	// Future rows became visible only after the last label.
	Future int64

	Entities int64 // that have a visible row
	Bytes    int64 // of memory that their rows take
}

// row counts a row that was read.
func (t *TableReport) row(r *Row, arrival bool) {
	t.Rows++
	if !arrival {
		return
	}
	switch {
	case r.Created > r.Time:
		t.Late++
		t.MaxDelay = max(t.MaxDelay, time.Duration(since(r.Created, r.Time)))
	case r.Created < r.Time:
		t.Ahead++
	}
}

// String prints the report as text, a paragraph for each table.
func (r Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d labels\n", r.Labels)
	for i := range r.Tables {
		t := &r.Tables[i]
		fmt.Fprintf(&b, "%s: %d rows of %d entities\n", t.Name, t.Rows, t.Entities)
		fmt.Fprintf(&b, "  labels: %d matched, %d missing, %d expired, %d with stale values\n", t.Matched, t.Missing, t.Expired, t.Stale)
		if t.Arrival {
			fmt.Fprintf(&b, "  rows: %d late, by at most %v, %d superseded, %d ahead of their arrival, %d of them refused, %d in the future of all labels\n",
				t.Late, t.MaxDelay, t.Superseded, t.Ahead, t.Refused, t.Future)
		} else {
			fmt.Fprintf(&b, "  rows: %d in the future of all labels\n", t.Future)
			b.WriteString("  no arrival column: rows count as known from their event time on, so those that arrived late leak the future\n")
		}
	}
	if r.Runs > 0 {
		fmt.Fprintf(&b, "sorted on disk: %d runs, %d bytes\n", r.Runs, r.Spilled)
	}
	return b.String()
}
