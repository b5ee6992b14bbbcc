package auto

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// Trial is what was measured of one candidate.
type Trial struct {
	// Index is the name of the package.
	Index string
	// Effort is the default effort that was set; 0 for an index that is exact or sets its own.
	Effort int
	// Recall is the mean recall at K on the queries that did not set the effort.
	Recall float64
	// Filtered is the smallest mean recall on them under random filters that let 50, 10, 1
	// and 0.1 % of the items through.
	Filtered float64
	// Query is the median time of a search, FilteredQuery its mean over the filters.
	Query, FilteredQuery time.Duration
	// Build is how long building took.
	Build time.Duration
	// Bytes is what stays resident.
	Bytes int64
	// Verdict says why the candidate was taken or not.
	Verdict string
}

// shares are the parts of the items that the filters of a trial let through.
var shares = [...]float64{0.5, 0.1, 0.01, 0.001}

// rounds is how often each candidate is timed, in turn with the others.
const rounds = 5

// bench holds the queries and what exact search answers.
type bench struct {
	cfg     Config
	queries vector.Matrix
	filters [len(shares)]*retrieval.Filter
	truth   [1 + len(shares)][][]retrieval.Neighbor // without a filter, then by filter
	found   []retrieval.Neighbor
}

func newBench(ctx context.Context, cfg Config, queries vector.Matrix, exact retrieval.Index) (*bench, error) {
	b := &bench{cfg: cfg, queries: queries}
	for i, share := range shares {
		limit := uint64(share * math.MaxUint64)
		b.filters[i] = retrieval.Where(func(item recsys.ItemID) bool {
			return hash.Mix64(uint64(item)^hash.Mix64(cfg.Seed+uint64(i))) < limit
		})
	}
	for f := range b.truth {
		b.truth[f] = make([][]retrieval.Neighbor, queries.Rows)
		for i := range b.truth[f] {
			if err := ctx.Err(); err != nil {
				return nil, fmt.Errorf("auto: %w", err)
			}
			found, err := exact.Search(nil, queries.Row(i), cfg.K, b.options(f, 0))
			if err != nil {
				return nil, fmt.Errorf("auto: query %d: %w", i, err)
			}
			b.truth[f][i] = found
		}
	}
	return b, nil
}

func (b *bench) options(filter, effort int) retrieval.SearchOptions {
	opt := retrieval.SearchOptions{Effort: effort}
	if filter > 0 {
		opt.Filter = b.filters[filter-1]
	}
	return opt
}

// recall returns the mean recall over every second query from one on, and its standard error.
func (b *bench) recall(x retrieval.Index, filter, effort, from int) (mean, se float64, err error) {
	n, sum, squares := 0.0, 0.0, 0.0
	for i := from; i < b.queries.Rows; i += 2 {
		b.found, err = x.Search(b.found[:0], b.queries.Row(i), b.cfg.K, b.options(filter, effort))
		if err != nil {
			return 0, 0, err
		}
		r := overlap(b.found, b.truth[filter][i])
		n, sum, squares = n+1, sum+r, squares+r*r
	}
	if n == 0 {
		return 1, 0, nil
	}
	mean = sum / n
	return mean, math.Sqrt(max(0, squares/n-mean*mean) / n), nil
}

// overlap returns the share of the true neighbours that were found. Items that tie with
// the last true one count as found.
func overlap(found, truth []retrieval.Neighbor) float64 {
	if len(truth) == 0 {
		return 1
	}
	last, hits := truth[len(truth)-1].Score, 0
	for _, n := range found {
		if n.Score >= last {
			hits++
		}
	}
	return float64(min(hits, len(truth))) / float64(len(truth))
}

// tune returns the least effort of an ascending list whose recall is the target by more than
// its standard error; the last when none is.
func (b *bench) tune(x retrieval.Index, efforts []int) (int, error) {
	lo, hi := 0, len(efforts)-1
	for lo < hi {
		mid := (lo + hi) / 2
		mean, se, err := b.recall(x, 0, efforts[mid], 0)
		if err != nil {
			return 0, err
		}
		if mean-se >= b.cfg.Recall {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return efforts[lo], nil
}

// time returns how long one pass over the queries takes, per query.
func (b *bench) time(x retrieval.Index, filter int) (time.Duration, error) {
	start := time.Now()
	for i := range b.queries.Rows {
		var err error
		if b.found, err = x.Search(b.found[:0], b.queries.Row(i), b.cfg.K, b.options(filter, 0)); err != nil {
			return 0, err
		}
	}
	return time.Since(start) / time.Duration(max(1, b.queries.Rows)), nil
}

// race times the candidates in turn.
func (b *bench) race(ctx context.Context, indexes []retrieval.MutableIndex, trials []Trial) error {
	times := make([][1 + len(shares)][]time.Duration, len(indexes))
	for range rounds {
		for i, x := range indexes {
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("auto: %w", err)
			}
			for f := range times[i] {
				t, err := b.time(x, f)
				if err != nil {
					return fmt.Errorf("auto: %s: %w", trials[i].Index, err)
				}
				times[i][f] = append(times[i][f], t)
			}
		}
	}
	for i := range times {
		trials[i].Query = median(times[i][0])
		sum := time.Duration(0)
		for f := range shares {
			sum += median(times[i][1+f])
		}
		trials[i].FilteredQuery = sum / time.Duration(len(shares))
	}
	return nil
}

func median(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)/2]
}

// table writes the trials for people.
func table(trials []Trial) string {
	var s strings.Builder
	w := tabwriter.NewWriter(&s, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "index\teffort\trecall\tfiltered\tquery\tfiltered query\tbuild\tresident\tverdict")
	for _, t := range trials {
		fmt.Fprintf(w, "%s\t%d\t%.4f\t%.4f\t%v\t%v\t%v\t%.1f MB\t%s\n", t.Index, t.Effort, t.Recall, t.Filtered,
			t.Query.Round(100*time.Nanosecond), t.FilteredQuery.Round(100*time.Nanosecond), t.Build.Round(time.Millisecond), float64(t.Bytes)/1e6, t.Verdict)
	}
	w.Flush()
	return s.String()
}
