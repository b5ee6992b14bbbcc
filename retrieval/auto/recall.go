package auto

import (
	"context"
	"math"
	"sync"
	"sync/atomic"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// shares are the parts of the items that the filters of a trial let through.
var shares = [...]float64{0.5, 0.1, 0.01, 0.001}

// bench holds the queries and what exact search answers.
type bench struct {
	cfg     *Config
	groups  []*group
	filters [len(shares)]*retrieval.Filter
}

func newBench(ctx context.Context, cfg *Config, groups []*group, exact retrieval.Index) (*bench, error) {
	mine := *cfg
	mine.Queries = pool(groups) // what an index calibrates itself by
	b := &bench{cfg: &mine, groups: groups}
	for i, share := range shares {
		limit := uint64(share * math.MaxUint64)
		b.filters[i] = retrieval.Where(func(item recsys.ItemID) bool {
			return hash.Mix64(uint64(item)^hash.Mix64(cfg.Seed+uint64(i))) < limit
		})
	}
	for n, g := range groups {
		cfg.Progress("exact answers", n, len(groups))
		for f := range g.truth {
			g.truth[f] = make([][]retrieval.Neighbor, g.queries.Rows)
			err := b.each(ctx, g.queries, func(i int, q []float32, _ *[]retrieval.Neighbor) (err error) {
				g.truth[f][i], err = exact.Search(nil, q, cfg.K, b.options(f, 0))
				return err
			})
			if err != nil {
				return nil, err
			}
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

// each calls do for every query, by several goroutines with memory of their own, and returns
// the error of ctx, or one of do.
func (b *bench) each(ctx context.Context, queries vector.Matrix, do func(i int, q []float32, memory *[]retrieval.Neighbor) error) error {
	workers := max(1, min(b.cfg.Workers, queries.Rows/16))
	errs := make([]error, workers)
	var next atomic.Int64
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			var memory []retrieval.Neighbor
			for errs[w] == nil {
				i := int(next.Add(1)) - 1
				if i >= queries.Rows {
					return
				}
				if errs[w] = ctx.Err(); errs[w] == nil {
					errs[w] = do(i, queries.Row(i), &memory)
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// estimate is the recall of an index on the queries of a group.
type estimate struct {
	group *group
	mean  float64
	// bound is the mean less two standard errors, as if one query more had found nothing:
	// where no query missed anything, their number still limits what they show.
	bound float64
}

// tolerance is how far below the recall asked for the bound of an estimate may be.
const tolerance = 0.005

// holds reports whether an estimate shows a recall: the mean is that, and it would be surprising
// (one time in forty, in twenty where few queries lose all) if the true one were less by more
// than the tolerance.
//
// To ask that the bound itself be the recall would double the effort at 0.99: there, half
// of the misses cost twice the time, and 1,000 queries have a standard error of 0.002.
//
// Of queries that are too few to show it in any case, only the mean counts.
func (e *estimate) holds(recall float64) bool {
	return e.mean >= recall && (e.bound >= recall-tolerance || e.group.few)
}

func estimateOf(g *group, recalls []float64) estimate {
	n := float64(len(recalls))
	if n == 0 {
		return estimate{group: g, mean: 1, bound: 1} // nothing is in the index
	}
	sum := 0.0
	for _, r := range recalls {
		sum += r
	}
	mean := sum / n
	squares := float64(mean * mean)
	for _, r := range recalls {
		squares += float64((r - mean) * (r - mean))
	}
	return estimate{group: g, mean: mean, bound: max(0, mean-2*math.Sqrt(squares)/n)}
}

// recall estimates the recall of an index on a group.
func (b *bench) recall(ctx context.Context, x retrieval.Index, g *group, filter, effort int) (estimate, error) {
	recalls := make([]float64, g.queries.Rows)
	err := b.each(ctx, g.queries, func(i int, q []float32, memory *[]retrieval.Neighbor) (err error) {
		if *memory, err = x.Search((*memory)[:0], q, b.cfg.K, b.options(filter, effort)); err != nil {
			return err
		}
		recalls[i] = overlap(*memory, g.truth[filter][i])
		return nil
	})
	if err != nil {
		return estimate{}, err
	}
	return estimateOf(g, recalls), nil
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

// worst estimates the recall on each group under some of the filters, 0 being none, and returns
// one that does not hold if there is any, and the least of several. It stops at the first that
// does not hold if so asked.
func (b *bench) worst(ctx context.Context, x retrieval.Index, filters []int, effort int, stop bool) (estimate, error) {
	least := estimateOf(nil, nil)
	for i, f := range filters {
		for j, g := range b.groups {
			e, err := b.recall(ctx, x, g, f, effort)
			if err != nil {
				return least, err
			}
			was, is := least.holds(b.cfg.Recall), e.holds(b.cfg.Recall)
			if stop && !is {
				return e, nil
			}
			if i+j == 0 || was && !is || was == is && e.mean < least.mean {
				least = e
			}
		}
	}
	return least, nil
}

var (
	unfiltered = []int{0}
	filtered   = []int{1, 2, 3, 4}
)

// tune returns the least effort, from the first to the last, with which the recall holds
// without a filter and under each; the last when none does.
func (b *bench) tune(ctx context.Context, x retrieval.Index, first, last int) (int, error) {
	effort := first
	for _, filters := range [][]int{unfiltered, filtered} {
		var err error
		effort, err = least(effort, last, func(effort int) (bool, error) {
			e, err := b.worst(ctx, x, filters, effort, true)
			return e.holds(b.cfg.Recall), err
		})
		if err != nil {
			return 0, err
		}
	}
	return effort, nil
}

// least returns the least number from first to last that holds, taking it that all above hold as
// well: to within a thirty-second, as time hardly changes below. It returns last when none
// holds.
func least(first, last int, holds func(int) (bool, error)) (int, error) {
	lo, hi := first-1, first // lo does not hold
	for {
		ok, err := holds(hi)
		if err != nil {
			return 0, err
		}
		if ok {
			break
		}
		if hi >= last {
			return last, nil
		}
		lo, hi = hi, min(2*hi, last)
	}
	for hi-lo > max(1, lo/32) {
		mid := lo + (hi-lo)/2
		ok, err := holds(mid)
		switch {
		case err != nil:
			return 0, err
		case ok:
			hi = mid
		default:
			lo = mid
		}
	}
	return hi, nil
}
