package auto

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// Trial is what was measured of one candidate.
type Trial struct {
	// Index is the name of the candidate.
	Index string
	// Effort is the default effort that was set; 0 for an index that is exact or sets its own.
	Effort int
	// Recall is the mean recall at K, of the kind of queries for which it is least. The
	// effort was set by the same queries.
	Recall float64
	// Bound is that less two standard errors: what it takes luck to fall below. Of fewer than
	// twenty queries it says little.
	Bound float64
	// Filtered is the least mean recall under random filters that let 50, 10, 1 and 0.1 % of
	// the items through.
	Filtered float64
	// Query is the CPU time of a search, FilteredQuery its mean over the filters: the least
	// of several rounds.
	Query, FilteredQuery time.Duration
	// Build is how long building took, on the clock on the wall; 0 for an index that was not
	// built because it could not be taken. Then nothing else is known.
	Build time.Duration
	// Bytes is what stays resident.
	Bytes int64
	// Verdict says why the candidate was taken or not.
	Verdict string

	queries int   // that Recall is the mean of; 0 where nothing was measured
	index   sized // nil if it was not built or is out of question
}

// fewQueries is a number of queries below which Bound says more of them than of the index.
const fewQueries = 20

// unsure reports whether Bound means nothing.
func (t *Trial) unsure() bool { return t.queries > 0 && t.queries < fewQueries }

const (
	// rounds is how often each candidate is timed, in turn with the others.
	rounds = 5
	// timed is how many queries are timed.
	timed = 256
)

// race times the candidates that are in question, in turn.
func (b *bench) race(ctx context.Context, trials []Trial) error {
	queries := b.timedQueries()
	for round := range rounds {
		b.cfg.Progress("timing", round, rounds)
		for i := range trials {
			t := &trials[i]
			if t.index == nil {
				continue
			}
			var times [1 + len(shares)]time.Duration
			for f := range times {
				var err error
				if times[f], err = b.time(ctx, t.index, queries, f); err != nil {
					return err
				}
			}
			sum := time.Duration(0)
			for _, x := range times[1:] {
				sum += x
			}
			mean := sum / time.Duration(len(shares))
			if round == 0 {
				t.Query, t.FilteredQuery = times[0], mean
			}
			t.Query, t.FilteredQuery = min(t.Query, times[0]), min(t.FilteredQuery, mean)
		}
	}
	return nil
}

// timedQueries returns some queries of each group.
func (b *bench) timedQueries() vector.Matrix {
	var all vector.Matrix
	for _, g := range b.groups {
		some := g.queries.Slice(0, min(g.queries.Rows, max(1, timed/len(b.groups))))
		all = vector.From(append(all.Data, some.Data...), some.Dim)
	}
	return all
}

// time returns the CPU time of one pass over queries, per query.
func (b *bench) time(ctx context.Context, x retrieval.Index, queries vector.Matrix, filter int) (time.Duration, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	opt := b.options(filter, 0)
	found := make([]retrieval.Neighbor, 0, b.cfg.K)
	start := threadTime()
	for i := range queries.Rows {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		var err error
		if found, err = x.Search(found[:0], queries.Row(i), b.cfg.K, opt); err != nil {
			return 0, err
		}
	}
	return (threadTime() - start) / time.Duration(max(1, queries.Rows)), nil
}

// table writes the trials for people.
func table(trials []Trial) string {
	var s strings.Builder
	w := tabwriter.NewWriter(&s, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "index\teffort\trecall\tat least\tfiltered\tquery\tfiltered query\tbuild\tresident\tverdict")
	for _, t := range trials {
		if t.Build == 0 {
			fmt.Fprintf(w, "%s\t\t\t\t\t\t\t\t\t%s\n", t.Index, t.Verdict)
			continue
		}
		recall, timing := "\t\t", "\t"
		if t.Recall > 0 {
			bound := "–"
			if !t.unsure() {
				bound = fmt.Sprintf("%.4f", t.Bound)
			}
			recall = fmt.Sprintf("%.4f\t%s\t%.4f", t.Recall, bound, t.Filtered)
		}
		if t.Query > 0 {
			timing = fmt.Sprintf("%v\t%v", tenths(t.Query), tenths(t.FilteredQuery))
		}
		effort := "–"
		if t.Effort > 0 {
			effort = fmt.Sprint(t.Effort)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%v\t%.1f MB\t%s\n", t.Index, effort, recall, timing, t.Build.Round(time.Millisecond), float64(t.Bytes)/1e6, t.Verdict)
	}
	w.Flush()
	return s.String()
}

// tenths rounds to tenths of a microsecond.
func tenths(d time.Duration) time.Duration { return d.Round(100 * time.Nanosecond) }
