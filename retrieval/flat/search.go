package flat

import (
	"slices"
	"sync"

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
	set   settings
	opt   retrieval.SearchOptions
	exact []float32 // the query, normalised under the cosine
	query code8.Query
	best  best
	gate  gate.Gate
	open  bool // no filter: every row passes that is alive and not excluded by name

	found    []uint32 // rows that pass, when listed
	ids      [largestBlock + 16]uint32
	scores   [largestBlock + 16]float32
	products [largestBlock + 16]int32

	scored, rescored int
}

func newScratchPool() *sync.Pool { return &sync.Pool{New: func() any { return new(search) }} }

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
	if err := x.checkVector(q); err != nil {
		return dst, err
	}
	s := x.scratch.Get().(*search)
	s.begin(x, q, opt)
	plan := planAll
	if k = min(k, s.limit()); k > 0 {
		s.best.reset(k, s.rows)
		plan = s.run()
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

func (s *search) begin(x *Index, q []float32, opt retrieval.SearchOptions) {
	s.set, s.opt = x.set, opt
	s.view = x.epoch.Load().view()
	s.prepare(x.set, q)
	s.query.Set(s.exact)
	s.scored, s.rescored = 0, 0
}

// maxKept bounds the memory that a search leaves behind, in entries.
const maxKept = 1 << 16

// end lets go of what belongs to the index and to the caller.
func (s *search) end() {
	s.view, s.opt = view{}, retrieval.SearchOptions{}
	s.gate.Close()
	s.best.rows = nil
	if cap(s.best.entries) > maxKept {
		s.best.entries = nil
	}
}

// run collects the best rows and returns the plan.
func (s *search) run() string {
	rows, listed := s.pass()
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
// through a list of the rows that pass.
//
// A list is taken only when no writer changed rows meanwhile: it then holds every item
// once, with a vector that was current during the search, and needs no further check. It
// may hold rows that are newer than the view.
func (s *search) pass() (rows []uint32, listed bool) {
	busy := s.busy.Load()
	s.gate.Open(s.rows, &s.opt)
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
	case still && s.listPays(s.gate.Count()):
		list := s.gate.Selection().List()
		if s.gate.Excluded() == 0 {
			return list, true
		}
		s.found = s.found[:0]
		for _, row := range list {
			if s.gate.Pass(row) {
				s.found = append(s.found, row)
			}
		}
		return s.found, true
	}
	return nil, false
}

// relist finds the rows of the allowed items in one step, and asks the other conditions of
// each item by name.
func (s *search) relist() []uint32 {
	s.found = s.rows.FindAll(s.found[:0], s.opt.Allow)
	slices.Sort(s.found)
	s.found = slices.DeleteFunc(slices.Compact(s.found), func(row uint32) bool { return !s.passByName(row) })
	return s.found
}

// passByName asks the conditions other than Allow of a row's item.
func (s *search) passByName(row uint32) bool {
	item := s.rows.Item(row)
	return (s.opt.Filter == nil || s.opt.Filter.Match(item)) && !slices.Contains(s.opt.Exclude, item)
}

// pays reports whether to go through a list of the rows that pass rather than scan.
func (s *search) listPays(count int) bool {
	return count < s.limit()/listShare
}

// listShare: reading a row by number costs as much as scanning this many.
const listShare = 6

// admits reports whether a row of a scan may be returned: it is alive in the view and
// passes the options.
func (s *search) admits(row uint32) bool {
	if died := s.death(row); died != 0 {
		// Alive in the view only if it died later; the gate may not know it any more.
		return died > s.version && s.passByName(row)
	}
	return s.gate.Pass(row)
}

// everything compares the query with each row, without any bound.
func (s *search) everything(rows []uint32, listed bool) {
	if listed {
		for _, row := range rows {
			s.best.add(s.set.score(s.exact, s.vector(row)), row)
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
