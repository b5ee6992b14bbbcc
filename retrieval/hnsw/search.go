package hnsw

import (
	"fmt"
	"math"
	"slices"

	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/gate"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// scratch is the memory of one search.
type scratch struct {
	shard  uint32
	walker walker
	gate   gate.Gate
	unit   []float32 // the query, normalised
	rows   []uint32  // candidates, to be scored exactly
	scores []float32
	best   []retrieval.Neighbor
}

// prepare returns the query as it is compared: normalised, in scratch memory, under Cosine.
func (sc *scratch) prepare(m retrieval.Metric, q []float32) []float32 {
	if m != retrieval.Cosine {
		return q
	}
	sc.unit = append(sc.unit[:0], q...)
	vector.Normalize(sc.unit)
	return sc.unit
}

// Search appends the k best items that it finds to dst; see [retrieval.Index]. A score that
// overflows is infinite, or NaN, which comes last.
//
// A walk through the graph finds them, with a pool of opt.Effort. Where so few items pass the
// filter, or are there at all, that it is no slower to compare all of them, Search does
// that: the plan in the statistics is then "allowed" or "scan", not "walk". It does that as
// well when walks, each with twice the pool of the one before, find fewer than k.
//
// The answer is in order of score and item, whatever the plan. Where all are compared,
// equal vectors come in by the smaller item; so do different ones of equal score if they are
// compared as floats, with Quant None or up to 1,024 that pass. A walk that meets more items
// of the k-th score than its pool holds takes any of them.
func (x *Index) Search(dst []retrieval.Neighbor, q []float32, k int, opt retrieval.SearchOptions) ([]retrieval.Neighbor, error) {
	if err := x.checkVector(q); err != nil {
		return dst, fmt.Errorf("hnsw: query: %w", err)
	}
	var stats retrieval.SearchStats
	if k > 0 {
		sc := x.scratch.Get().(*scratch)
		// The rows are shared by a store and the larger one that takes its place, so a search
		// that saw both may have met rows that its own store does not hold.
		from := len(dst)
		for {
			s := x.store.Load()
			dst = x.search(dst[:from], sc, q, k, &opt, &stats)
			if x.store.Load() == s {
				break
			}
		}
		x.scratch.Put(sc)
	}
	if opt.Stats != nil {
		*opt.Stats = stats
	}
	return dst, nil
}

func (x *Index) search(dst []retrieval.Neighbor, sc *scratch, q []float32, k int, opt *retrieval.SearchOptions, stats *retrieval.SearchStats) []retrieval.Neighbor {
	readers := x.epochs.enter(sc.shard)
	defer readers.Add(-1)
	s := x.store.Load()
	version := s.rows.Version()
	g := &sc.gate
	g.Open(s.rows, opt)
	defer g.Close()
	if x.store.Load() != s {
		return dst // Search tries again
	}
	sc.walker.walked = 0
	q = sc.prepare(s.metric, q)
	passing := g.Count()
	k = min(k, passing)
	if k == 0 || int(s.entry.Load()) >= s.capacity {
		return dst
	}
	rescore := x.cfg.Rescore
	if rescore == 0 {
		rescore = max(3*k, 30)
	}
	rescore = max(rescore, k)
	enough := false
	for ef, ok := x.plan(s, g, k, opt.Effort); ok && !enough; ok = ef*rowsPerStep < passing {
		stats.Plan = "walk"
		sc.walk(s, q, ef)
		enough = sc.take(s, rescore, version)+g.Excluded() >= k
		ef *= 2
	}
	if !enough {
		stats.Plan = "scan"
		if !g.Everything() {
			stats.Plan = "allowed"
		}
		sc.scan(s, q, k, passing)
		sc.take(s, len(sc.walker.pool), version)
	}
	stats.Scored = sc.walker.walked
	stats.Rescored = len(sc.rows)
	from := len(dst)
	dst = sc.finish(dst, s, k, s.rows.Version() != version)
	return dst[:from+len(g.Settle(dst[from:], opt))]
}

// What a search costs, as far as the choice of its plan depends on it.
const (
	// rowsPerStep is how many rows can be compared in a scan in the time in which a walk
	// makes one step, which compares about 14 rows that lie anywhere and sorts them in.
	rowsPerStep = 150
	// filteredEffort is the least pool, in rows that pass, of a walk under a filter, which
	// must find 99 of 100 whatever the effort.
	filteredEffort = 160
)

// plan returns the pool for a walk; ok is false when comparing all rows that pass is as
// fast.
func (x *Index) plan(s *store, g *gate.Gate, k, effort int) (ef int, ok bool) {
	if effort <= 0 {
		effort = x.Effort()
	}
	passing := g.Count()
	if _, listed := g.List(); listed {
		return 0, false
	}
	if !g.Everything() {
		effort = max(effort, filteredEffort)
	}
	effort = min(max(effort, k), maxEffort) + g.Excluded()
	// Of the pool, only rows that pass count.
	dead := float64(s.deadRows.Load())
	wide := float64(effort) * (float64(s.rows.Len()) + dead) / float64(passing)
	if dead > 0 {
		wide = max(wide, roomFor(k+g.Excluded(), dead/(dead+float64(s.rows.Len()))))
	}
	if wide*rowsPerStep >= float64(passing) || wide > 4*maxEffort {
		return 0, false
	}
	return int(wide), true
}

// roomFor returns the pool in which k rows are live, but once in some hundred times, when a
// share of all is dead.
func roomFor(k int, share float64) float64 {
	return math.Ceil((float64(k) + 3*math.Sqrt(float64(k)*share)) / (1 - share))
}

// walk fills the pool from the graph.
func (sc *scratch) walk(s *store, q []float32, ef int) {
	w := &sc.walker
	w.query.set(s, q, false)
	w.start(ef)
	entry := s.entry.Load()
	w.seed(w.descend(entry, s.level(entry), 0))
	w.seedHubs()
	w.walk(0)
}

// take fills sc.rows with the first n rows of the pool that are live and pass, and returns
// how many they are. For a row that has lost its item since it was linked it takes the row
// that the item has now: an item that is being updated is not missed.
func (sc *scratch) take(s *store, n int, version uint64) int {
	g := &sc.gate
	list, listed := g.List()
	sc.rows = sc.rows[:0]
	moved := false
	for _, e := range sc.walker.pool {
		if len(sc.rows) >= n {
			break
		}
		row := rowOf(e)
		if !s.live(row) {
			if int(row) >= s.rows.Limit() || s.isDead(row) && s.rows.Version() == version {
				continue // the item was gone, or elsewhere, when the search began
			}
			now, ok := s.rows.Find(s.rows.Item(row))
			if !ok || int(now) >= s.capacity {
				continue
			}
			row, moved = now, true
		}
		if !g.Pass(row) {
			continue
		}
		if listed {
			if _, ok := slices.BinarySearch(list, row); !ok {
				continue
			}
		}
		sc.rows = append(sc.rows, row)
	}
	if moved {
		slices.Sort(sc.rows)
		sc.rows = slices.Compact(sc.rows)
	}
	return len(sc.rows)
}

// finish scores sc.rows and appends the k best to dst. If rows have changed since the search
// began, both rows of an item may be there.
func (sc *scratch) finish(dst []retrieval.Neighbor, s *store, k int, changed bool) []retrieval.Neighbor {
	sc.scores = resize(sc.scores, len(sc.rows))
	sc.walker.query.scores(sc.scores, sc.rows)
	best, room := sc.best[:0], k
	if changed {
		room = len(sc.rows)
	}
	if len(sc.rows) > 512 {
		for i, row := range sc.rows {
			best = append(best, retrieval.Neighbor{Item: s.rows.Item(row), Score: sc.scores[i]})
		}
		slices.SortFunc(best, compare)
	} else {
		for i, row := range sc.rows {
			if len(best) == room && sc.scores[i] < best[room-1].Score {
				continue
			}
			best = insert(best, retrieval.Neighbor{Item: s.rows.Item(row), Score: sc.scores[i]}, room)
		}
	}
	sc.best = best
	kept := 0
	for i, n := range best {
		if kept == k {
			break
		}
		if changed && slices.ContainsFunc(best[:i], func(m retrieval.Neighbor) bool { return m.Item == n.Item }) {
			continue
		}
		dst = append(dst, n)
		kept++
	}
	return dst
}

// insert puts n into its place among at most k.
func insert(best []retrieval.Neighbor, n retrieval.Neighbor, k int) []retrieval.Neighbor {
	at := len(best)
	for at > 0 && compare(n, best[at-1]) < 0 {
		at--
	}
	if at == k {
		return best
	}
	if len(best) < k {
		best = append(best, n)
	}
	copy(best[at+1:], best[at:])
	best[at] = n
	return best
}

// compare orders neighbours best first.
func compare(a, b retrieval.Neighbor) int {
	switch {
	case a.Score > b.Score:
		return -1
	case a.Score < b.Score:
		return 1
	case a.Score != a.Score && b.Score == b.Score: // NaN after all numbers
		return 1
	case a.Score == a.Score && b.Score != b.Score:
		return -1
	case a.Item < b.Item:
		return -1
	case a.Item > b.Item:
		return 1
	}
	return 0
}
