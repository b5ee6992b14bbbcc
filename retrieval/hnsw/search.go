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

	// See moved.go.
	opt     retrieval.SearchOptions // of the search
	moves   uint64                  // of the index when it began
	version uint64                  // of the rows, too
	unsure  bool                    // whether rows have changed since
	listed  bool
	list    []uint32 // rows that pass, if listed
	found   []uint32
	changed []uint32
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
	if x.closed {
		return dst, closed("search")
	}
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
	passing := sc.open(x, s, opt)
	defer sc.close()
	if x.store.Load() != s {
		return dst // Search tries again
	}
	sc.walker.walked = 0
	q = sc.prepare(s.metric, q)
	k = min(k, passing)
	if k == 0 || int(s.entry.Load()) >= s.capacity {
		return dst
	}
	rescore := x.cfg.Rescore
	if rescore == 0 {
		rescore = max(3*k, 30)
	}
	rescore = max(rescore, k)
	enough := false // for a walk, many more pass than are excluded
	for ef, ok := x.plan(s, &sc.gate, k, opt.Effort); ok && !enough; ok = ef*rowsPerStep < passing {
		stats.Plan = "walk"
		sc.walk(s, q, ef)
		enough = sc.settle(x, s, rescore, k) >= k
		ef *= 2
	}
	if !enough {
		stats.Plan = "scan"
		if !sc.gate.Everything() {
			stats.Plan = "allowed"
		}
		// As many of the best may be spoiled as rows have changed.
		for room, more := scanRoom, true; more; room *= 2 {
			sc.scan(s, q, k, passing, room)
			sc.settle(x, s, len(sc.walker.pool), 0)
			more = sc.unsure && s.rows.Version()-sc.version > uint64(room)
		}
	}
	stats.Scored = sc.walker.walked
	stats.Rescored = len(sc.rows)
	return sc.finish(dst, s, k)
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
	all, count := s.linked(), s.linked()
	if selection := g.Selection(); selection != nil {
		count = s.linkedOf(selection)
	}
	count = max(count, 1)
	all = max(all, count) // a damaged file may have more followers than items
	wide := float64(effort) * (float64(all) + dead) / float64(count)
	if dead > 0 {
		wide = max(wide, roomFor(k+g.Excluded(), dead/(dead+float64(all))))
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

// finish scores sc.rows and appends the k best to dst. If rows have changed since the search
// began, both rows of an item may be there.
func (sc *scratch) finish(dst []retrieval.Neighbor, s *store, k int) []retrieval.Neighbor {
	sc.scores = resize(sc.scores, len(sc.rows))
	sc.walker.query.scores(sc.scores, sc.rows)
	best, room := sc.best[:0], k
	if sc.unsure {
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
		if sc.unsure && slices.ContainsFunc(best[:i], func(m retrieval.Neighbor) bool { return m.Item == n.Item }) {
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
