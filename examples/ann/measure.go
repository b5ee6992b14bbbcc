package main

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/recsyskit/recsys/examples/internal/annset"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// subject is an index, one setting of it, and what was measured of them.
type subject struct {
	built  *built
	effort int
	filter *filter
	ids    []int32 // what was found in the first pass, k per query, -1 for none

	recall   float64
	rates    []float64 // queries per second of each round
	p50, p99 time.Duration
	plan     string  // what most searches did
	scored   float64 // vectors compared per query
}

// qps returns the median rate.
func (s *subject) qps() float64 { return median(s.rates) }

func median(x []float64) float64 {
	if len(x) == 0 {
		return 0
	}
	x = slices.Sorted(slices.Values(x))
	return x[len(x)/2]
}

// meter answers queries and takes the time.
type meter struct {
	queries vector.Matrix
	k       int
	threads int
}

// options returns how a subject is searched.
func (s *subject) options() retrieval.SearchOptions {
	opt := retrieval.SearchOptions{Effort: s.effort}
	if s.filter != nil {
		opt.Filter = s.filter.items
	}
	return opt
}

// first answers all queries once, which also warms what the searches use, and keeps the answers.
func (m *meter) first(ctx context.Context, s *subject) error {
	s.ids = make([]int32, m.queries.Rows*m.k)
	for i := range s.ids {
		s.ids[i] = -1
	}
	plans := map[string]int{}
	scored := 0
	var stats retrieval.SearchStats
	opt := s.options()
	opt.Stats = &stats
	dst := make([]retrieval.Neighbor, 0, m.k)
	for q := range m.queries.Rows {
		if err := ctx.Err(); err != nil {
			return err
		}
		var err error
		if dst, err = s.built.index.Search(dst[:0], m.queries.Row(q), m.k, opt); err != nil {
			return err
		}
		for i, n := range dst {
			s.ids[q*m.k+i] = int32(n.Item)
		}
		scored += stats.Scored
		plans[stats.Plan]++
		if plans[stats.Plan] > plans[s.plan] {
			s.plan = stats.Plan
		}
	}
	s.scored = float64(scored) / float64(m.queries.Rows)
	return nil
}

// found returns the answers of the first pass per query.
func (m *meter) found(s *subject) [][]int32 {
	lists := make([][]int32, m.queries.Rows)
	for q := range lists {
		lists[q] = s.ids[q*m.k : (q+1)*m.k]
	}
	return lists
}

// round answers all queries once and adds the rate: queries by the mean CPU time of a thread.
func (m *meter) round(ctx context.Context, s *subject) error {
	cpu := make([]time.Duration, m.threads)
	errs := make([]error, m.threads)
	var wg sync.WaitGroup
	for t := range m.threads {
		wg.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			dst := make([]retrieval.Neighbor, 0, m.k)
			opt := s.options()
			clock := annset.StartClock()
			for q := t; q < m.queries.Rows && errs[t] == nil; q += m.threads {
				dst, errs[t] = s.built.index.Search(dst[:0], m.queries.Row(q), m.k, opt)
			}
			cpu[t] = clock.Elapsed()
		})
	}
	wg.Wait()
	total := time.Duration(0)
	for t, err := range errs {
		if err != nil {
			return err
		}
		total += cpu[t]
	}
	s.rates = append(s.rates, float64(m.queries.Rows*m.threads)/max(total, 1).Seconds())
	return ctx.Err()
}

// warm answers some queries, so that an index whose turn it is finds its vectors in the cache
// at its first effort as at the others.
func (m *meter) warm(s *subject) error {
	dst := make([]retrieval.Neighbor, 0, m.k)
	for q := range min(m.queries.Rows, 200) {
		var err error
		if dst, err = s.built.index.Search(dst[:0], m.queries.Row(q), m.k, s.options()); err != nil {
			return err
		}
	}
	return nil
}

// latency takes the time of each query by itself, on one thread, and sets the percentiles.
func (m *meter) latency(ctx context.Context, s *subject) error {
	times := make([]time.Duration, m.queries.Rows)
	dst := make([]retrieval.Neighbor, 0, m.k)
	opt := s.options()
	for q := range times {
		start := time.Now()
		var err error
		if dst, err = s.built.index.Search(dst[:0], m.queries.Row(q), m.k, opt); err != nil {
			return err
		}
		times[q] = time.Since(start)
	}
	slices.Sort(times)
	s.p50, s.p99 = times[len(times)/2], times[len(times)*99/100]
	return ctx.Err()
}

// sweep measures all subjects in rounds that take them in turn.
func (m *meter) sweep(ctx context.Context, subjects []*subject, rounds int, progress func(int)) error {
	runtime.GC()
	var last *built
	for range rounds {
		for _, s := range subjects {
			if s.built != last {
				if err := m.warm(s); err != nil {
					return err
				}
				last = s.built
			}
			if err := m.round(ctx, s); err != nil {
				return err
			}
			progress(1)
		}
	}
	for _, s := range subjects {
		if err := m.latency(ctx, s); err != nil {
			return err
		}
	}
	return nil
}
