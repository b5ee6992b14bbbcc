package flat

import (
	"fmt"
	"slices"

	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/code8"
	"github.com/recsyskit/recsys/retrieval/internal/gate"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// The plans of [retrieval.SearchStats].
const (
	planScan    = "scan"         // all rows, by descending norm, in float32
	planCodes   = "scan int8"    // all rows, by descending norm, in int8; some again in float32
	planAllowed = "allowed"      // the rows that pass, in float32
	planGather  = "allowed int8" // the rows that pass, in int8; some again in float32
	planAll     = "all"          // all rows without any bound: something may overflow
)

// search is the memory of one search.
type search struct {
	view
	*door
	own   door // door points here unless searches share one
	set   settings
	exact []float32 // the query, normalised under the cosine
	query code8.Query
	best  best

	cursors []cursor
	seeded  int  // block that was read first, -1 for none
	bounded bool // in a batch: the blocks are read under bounds

	ids      [largestBlock + 16]uint32
	scores   [largestBlock + 16]float32
	products [largestBlock + 16]int32

	scored, rescored int
}

// door is what the options of a search ask of rows. It is only read while rows are
// compared, so that the searches of a batch share one.
type door struct {
	opt      retrieval.SearchOptions
	gate     gate.Gate
	open     bool // no filter: every row passes that is alive and not excluded by name
	excluded itemSet
	found    []uint32 // rows that pass, when listed
}

// Search appends the k best items to dst; see [retrieval.Index]. The answer is exact: it
// has the items and the bits that comparing every vector would give.
//
// Under the inner product, rows are read by descending norm until |q||x| is below the k-th
// best score, since none can follow then. With codes, rows are first compared in int8, and
// again in float32 where the error bound does not exclude them. With a filter that few
// items pass, or with SearchOptions.Allow, only those rows are read, in the same order.
//
// Where |q| or a norm is above 2^61 the scores may overflow. Such a search compares every
// vector; a score may then be infinite, or NaN, which comes last.
func (x *Index) Search(dst []retrieval.Neighbor, q []float32, k int, opt retrieval.SearchOptions) ([]retrieval.Neighbor, error) {
	e := x.epoch.Load()
	if e.closed {
		return dst, closed("search")
	}
	if err := x.checkVector(q); err != nil {
		return dst, fmt.Errorf("flat: query: %w", err)
	}
	s := x.scratch.Get().(*search) // lost, not reused, if a filter's function panics
	s.door = &s.own
	s.opt = opt
	s.begin(x, e.view(), q, k)
	plan := planAll
	if s.best.k > 0 {
		rows, listed := s.pass()
		plan = s.run(rows, listed)
		dst = s.best.result(dst)
	}
	if opt.Stats != nil {
		*opt.Stats = retrieval.SearchStats{Plan: plan, Scored: s.scored, Rescored: s.rescored}
	}
	s.end()
	x.scratch.Put(s)
	return dst, nil
}

// prepare returns the query as it is compared with rows, and codes it.
func (s *search) prepare(set settings, q []float32) []float32 {
	s.exact = append(s.exact[:0], q...)
	if set.Metric == retrieval.Cosine {
		vector.Normalize(s.exact)
	}
	return s.exact
}

// begin makes ready for the k best rows of a view.
func (s *search) begin(x *Index, v view, q []float32, k int) {
	s.set, s.view = x.set, v
	s.prepare(x.set, q)
	s.query.Set(s.exact)
	s.best.reset(max(min(k, s.limit()), 0), s.rows)
	s.scored, s.rescored, s.seeded = 0, 0, -1
}

// maxKept bounds the memory that a search leaves behind, in entries.
const maxKept = 1 << 16

// end lets go of what belongs to the index and to the caller.
func (s *search) end() {
	s.view, s.door = view{}, nil
	s.own.opt = retrieval.SearchOptions{}
	s.own.gate.Close()
	s.best.rows = nil
	clear(s.cursors[:cap(s.cursors)])
	if cap(s.best.entries) > maxKept {
		s.best.entries = nil
	}
}

// run collects the best rows, of those listed if so, and returns the plan.
func (s *search) run(rows []uint32, listed bool) string {
	if !s.query.Safe(s.maxNorm()) {
		s.everything(rows, listed)
		return planAll
	}
	if listed {
		return s.allowed(rows)
	}
	return s.scan()
}

// pass opens the gate and decides between scanning rows with a look at the gate and going
// through a list of the rows that pass. Items that are excluded by name are looked for among
// the few rows that are good enough, not before.
//
// A list is taken only when no writer changed rows meanwhile: it then holds every item
// once, with a vector that was current during the search. It may hold rows that are newer
// than the view.
func (s *search) pass() (rows []uint32, listed bool) {
	s.excluded.fill(s.opt.Exclude)
	opt := s.opt
	opt.Exclude = nil
	busy := s.busy.Load()
	s.gate.Open(s.rows, &opt)
	s.open = s.gate.Everything()
	if s.open {
		return nil, false
	}
	list, listed := s.gate.List()
	still := busy&1 == 0 && s.busy.Load() == busy
	switch {
	case listed && still:
		return list, true
	case listed:
		return s.relist(), true
	case still && s.listPays(s.gate.Selection()):
		return s.gate.Selection().List(), true
	}
	return nil, false
}

// relist finds the rows of the allowed items in one step, and asks the filter of each item
// by name.
func (s *search) relist() []uint32 {
	s.found = s.rows.FindAll(s.found[:0], s.opt.Allow)
	slices.Sort(s.found)
	s.found = slices.DeleteFunc(slices.Compact(s.found), func(row uint32) bool { return !s.matches(row) })
	return s.found
}

// matches asks the filter of a row's item.
func (s *search) matches(row uint32) bool {
	return s.opt.Filter == nil || s.opt.Filter.Match(s.rows.Item(row))
}

// The cost of a row in nanoseconds, from BenchmarkPlans on 41,000 rows; only their ratios
// matter. A gathered row costs more than one that is read in its turn, but the less so the
// longer it is: of 32, 64, 128 and 256 bytes a scan took 0.8, 1.0, 1.7 and 3.5 ns each, a
// list 2.1, 2.2, 3.2 and 5.0. So a list pays up to 33, 43, 56 or 70 % of the rows.
const (
	scanCost = 0.3    // of a row of a scan
	listCost = 1.6    // of a row of a list
	byteCost = 0.0107 // of each byte of it, in both
	makeCost = 3.0    // of a row when the list is made
)

// listPays reports whether to go through a list of the rows that a filter selects rather
// than to scan all. A list is made once for a selection; while writers come between the
// searches, each has a selection of its own, and only a short list is worth making.
func (s *search) listPays(selected *retrieval.Selection) bool {
	size := 4 * s.set.stride()
	if s.set.Codes {
		size = code8.Stride(s.set.Dim)
	}
	count := float64(selected.Count())
	scan := float64(s.limit()) * (scanCost + float64(size)*byteCost)
	list := count * (listCost + float64(size)*byteCost)
	version := selected.Version() + 1
	seen := s.selected.Load() == version
	if !seen {
		s.selected.Store(version)
		list += count * makeCost
	}
	return list < scan
}

// admits reports whether a row of a scan may be returned: it is alive in the view and
// passes the options.
func (s *search) admits(row uint32) bool {
	if died := s.death(row); died != 0 {
		// Alive in the view only if it died later; the gate may not know it any more.
		return died > s.version && s.matches(row) && s.named(row)
	}
	return s.gate.Pass(row) && s.named(row)
}

// named reports whether a row's item is not among those that are excluded by name.
func (s *search) named(row uint32) bool {
	return s.excluded.n == 0 || !s.excluded.has(s.rows.Item(row))
}

// everything compares the query with each row, without any bound.
func (s *search) everything(rows []uint32, listed bool) {
	if listed {
		for _, row := range rows {
			if s.named(row) {
				s.best.add(s.set.score(s.exact, s.vector(row)), row)
			}
		}
		s.scored = len(rows)
		return
	}
	for row := range uint32(s.limit()) {
		if s.admits(row) {
			s.best.add(s.set.score(s.exact, s.vector(row)), row)
		}
	}
	s.scored = s.limit()
}
