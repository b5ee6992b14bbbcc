package retrievaltest

import (
	"fmt"
	"io"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// BuildIndex builds an index of items and their vectors, the rows of a matrix, with at most
// so many workers. What it is given is the index's to keep.
type BuildIndex func(metric retrieval.Metric, items []recsys.ItemID, vectors vector.Matrix, workers int) (retrieval.Index, error)

// RunIndex checks that the indexes that build returns keep the contract of
// [retrieval.Index], and of [retrieval.MutableIndex] if they are: the zero [IndexSuite].
func RunIndex(t *testing.T, build BuildIndex) {
	t.Helper()
	IndexSuite{}.Run(t, build)
}

// IndexSuite is the conformance suite of indexes with its settings.
//
// An index that is an [io.WriterTo] is also checked for what it writes: that it is the same
// for any number of workers, and, with Read and Open, that it comes back. One that is an
// [io.Closer] must refuse every call after Close.
type IndexSuite struct {
	// Recall is the least recall, in (0, 1], that the index must reach on every set of the
	// suite on average over its queries, with the default effort and under every filter. 0 is
	// for exact indexes: their answers must be those of [Exact] to the bit.
	Recall float64

	// Metrics are those that the index has; nil means all.
	Metrics []retrieval.Metric

	// Read returns the index that a stream holds, Open one over a file; nil: there is no
	// such thing. An opened index that has a method Verify() error may leave damage to it, and
	// one that is an io.Closer is closed.
	Read func(io.Reader) (retrieval.Index, error)
	Open func(path string) (retrieval.Index, error)

	// Mutable says that the index is meant to be a [retrieval.MutableIndex]: one that lacks a
	// method of it fails then, where it would only be searched otherwise.
	Mutable bool

	// AllowAllocs lets searches allocate.
	AllowAllocs bool

	// Patience is how long a case may take, by the wall clock; 0 means five minutes. A case
	// that takes longer counts as hung, and no further case runs.
	Patience time.Duration
}

// Run checks the indexes that build returns, one subtest for each case. Under the race
// detector, which makes them ten times as slow, it leaves out the cases of one goroutine.
func (s IndexSuite) Run(t *testing.T, build BuildIndex) {
	t.Helper()
	if wrong := s.validate(build); wrong != nil {
		for _, v := range wrong {
			t.Error(v.Detail)
		}
		return
	}
	hung := false
	for _, c := range indexCases {
		t.Run(c.name, func(t *testing.T) {
			t.Helper()
			if hung {
				t.Skip("a call of an earlier case has not returned")
			}
			if race.Enabled && !c.races {
				t.Skip("one goroutine: nothing for the race detector")
			}
			if why := s.skips(c, build); why != "" {
				t.Skip(why)
			}
			var found []Violation
			found, hung = s.check(c, build)
			for _, v := range found {
				t.Errorf("%s\nrule: %s", v.Detail, v.Rule)
			}
		})
	}
}

// Check is Run without a testing.T: it returns what it finds, at most three violations of
// each case, or what is wrong with the suite itself.
func (s IndexSuite) Check(build BuildIndex) []Violation {
	all := s.validate(build)
	if all != nil {
		return all
	}
	for _, c := range indexCases {
		if s.skips(c, build) != "" {
			continue
		}
		found, hung := s.check(c, build)
		all = append(all, found...)
		if hung {
			break
		}
	}
	return all
}

// validate returns the settings that make no sense, as violations of a case "settings".
func (s IndexSuite) validate(build BuildIndex) (all []Violation) {
	bad := func(format string, args ...any) {
		all = append(all, Violation{Case: "settings", Rule: "The settings of the suite are in their domains.", Detail: "retrievaltest: " + fmt.Sprintf(format, args...)})
	}
	if build == nil {
		bad("the function that builds indexes is nil")
	}
	if !(s.Recall >= 0 && s.Recall <= 1) {
		bad("IndexSuite.Recall is %v; want a number in (0, 1], or 0 for an exact index", s.Recall)
	}
	if s.Metrics != nil && len(s.Metrics) == 0 {
		bad("IndexSuite.Metrics is empty; want one at least, or nil for all")
	}
	for i, m := range s.Metrics {
		if m > retrieval.L2 {
			bad("IndexSuite.Metrics[%d] is %v; want InnerProduct, Cosine or L2", i, m)
		}
	}
	if s.Patience < 0 {
		bad("IndexSuite.Patience is %v; want >= 0 (0 means five minutes)", s.Patience)
	}
	return all
}

// needs says what a case is about.
type needs uint8

const (
	needsMutable needs = 1 << iota
	needsWriter
	needsRead
	needsOpen
	needsExact
	needsMutableSet
	needsNoAllocs
	needsCloser
)

// skips says why a case does not apply, or nothing.
func (s IndexSuite) skips(c indexCase, build BuildIndex) string {
	if c.needs == 0 {
		return ""
	}
	data := newCatalogue(1, 3, 4)
	items, vectors := data.clone()
	ix, err := build(s.metrics()[0], items, vectors, 1)
	if err != nil {
		return "" // the case will tell
	}
	defer closeIndex(ix)
	_, mutable := ix.(retrieval.MutableIndex)
	_, writes := ix.(io.WriterTo)
	_, closes := ix.(io.Closer)
	for need, lacks := range map[needs]string{
		needsMutable: "the index is no retrieval.MutableIndex",
		needsWriter:  "the index is no io.WriterTo",
		needsRead:    "IndexSuite.Read is not set",
		needsOpen:    "IndexSuite.Open is not set",
		needsExact:   "the index is approximate",

		needsMutableSet: "IndexSuite.Mutable is not set",
		needsNoAllocs:   "IndexSuite.AllowAllocs is set",
		needsCloser:     "the index is no io.Closer",
	} {
		has := map[needs]bool{
			needsMutable: mutable, needsWriter: writes, needsRead: s.Read != nil, needsOpen: s.Open != nil, needsExact: s.Recall == 0,
			needsMutableSet: s.Mutable, needsNoAllocs: !s.AllowAllocs, needsCloser: closes,
		}[need]
		if c.needs&need != 0 && !has {
			return lacks
		}
	}
	return ""
}

func (s IndexSuite) metrics() []retrieval.Metric {
	if s.Metrics == nil {
		return []retrieval.Metric{retrieval.InnerProduct, retrieval.Cosine, retrieval.L2}
	}
	return s.Metrics
}

func (s IndexSuite) check(c indexCase, build BuildIndex) ([]Violation, bool) {
	patience := s.Patience
	if patience <= 0 {
		patience = 5 * time.Minute
	}
	p := &indexProbe{IndexSuite: s, build: build}
	defer p.close()
	return p.run(c.name, c.rule, patience, func() { c.check(p) })
}

// indexProbe is the indexes under one case.
type indexProbe struct {
	IndexSuite
	recorder
	build  BuildIndex
	made   int               // items that the case has invented
	closes []retrieval.Index // when the case is over
}

func (p *indexProbe) close() {
	for _, ix := range p.closes {
		closeIndex(ix)
	}
}

func closeIndex(ix retrieval.Index) {
	if c, ok := ix.(io.Closer); ok {
		c.Close()
	}
}

// make builds the index of a catalogue, and its oracle. ok is false when that failed, which
// is then recorded.
func (p *indexProbe) make(m retrieval.Metric, c *catalogue) (ix retrieval.Index, oracle *Exact, ok bool) {
	items, vectors := c.clone()
	ix, err := p.build(m, items, vectors, 2)
	if err != nil {
		p.fail("%v, %d vectors of dimension %d: build: %v", m, c.vectors.Rows, c.vectors.Dim, err)
		return nil, nil, false
	}
	p.closes = append(p.closes, ix)
	oracle, err = NewExact(m, c.items, c.vectors)
	if err != nil {
		panic(err) // a mistake of the suite
	}
	return ix, oracle, true
}

// each calls look for an index of every metric, of n vectors of dimension dim.
func (p *indexProbe) each(n, dim int, look func(ix retrieval.Index, oracle *Exact, c *catalogue)) {
	for _, m := range p.metrics() {
		c := newCatalogue(7, n, dim)
		if ix, oracle, ok := p.make(m, c); ok {
			look(ix, oracle, c)
		}
	}
}

// compare searches for the k nearest to every query, checks that each answer is sound, and
// that together they are as near to those of the oracle as the suite demands.
func (p *indexProbe) compare(what string, ix retrieval.Index, oracle *Exact, queries [][]float32, k int, opt retrieval.SearchOptions) {
	hits, of := 0, 0
	for i, q := range queries {
		got, err := ix.Search(nil, q, k, opt)
		if err != nil {
			p.fail("%s: %v, query %d: %v", what, ix.Metric(), i, err)
			return
		}
		want, err := oracle.Search(nil, q, k, opt)
		if err != nil {
			panic(err)
		}
		if err := p.sound(got, want, oracle, q, opt); err != nil {
			p.fail("%s: %v, query %d, k = %d: %v", what, ix.Metric(), i, k, err)
			return
		}
		of += len(want)
		for _, n := range got {
			if n.Score >= want[len(want)-1].Score { // a tie with the last is as good
				hits++
			}
		}
	}
	if recall := float64(hits) / float64(max(of, 1)); of > 0 && recall < p.Recall {
		p.fail("%s: %v, k = %d: recall is %.4f over %d queries; want >= %v", what, ix.Metric(), k, recall, len(queries), p.Recall)
	}
}

// sound says what is wrong with an answer whatever was searched for; for an exact index,
// that it is not the one wanted.
func (p *indexProbe) sound(got, want []retrieval.Neighbor, oracle *Exact, q []float32, opt retrieval.SearchOptions) error {
	if p.Recall == 0 {
		for i := range min(len(got), len(want)) {
			if got[i] != want[i] && !sameNeighbor(got[i], want[i]) {
				return fmt.Errorf("place %d is %v; want %v%s", i, got[i], want[i], lastBit(oracle.metric, got[i].Score, want[i].Score))
			}
		}
	}
	if len(got) != len(want) {
		return fmt.Errorf("%d neighbours; want %d", len(got), len(want))
	}
	if err := ordered(got); err != nil {
		return err
	}
	var score [1]float32
	for _, n := range got {
		if err := oracle.Score(score[:], q, []recsys.ItemID{n.Item}); err != nil {
			panic(err)
		}
		switch {
		case score[0] != score[0]:
			return fmt.Errorf("item %d is not in the index", n.Item)
		case math.Float32bits(score[0]) != math.Float32bits(n.Score):
			return fmt.Errorf("item %d has score %v (%#x); want %v (%#x)%s", n.Item, n.Score, math.Float32bits(n.Score), score[0], math.Float32bits(score[0]), lastBit(oracle.metric, n.Score, score[0]))
		case !passes(n.Item, &opt):
			return fmt.Errorf("item %d does not pass the options", n.Item)
		}
	}
	return nil
}

// lastBit says where a score that is nearly right may come from.
func lastBit(m retrieval.Metric, got, want float32) string {
	if m != retrieval.Cosine || got == want || !(math.Abs(float64(got-want)) <= 1e-6) {
		return ""
	}
	return ": the score is vector.Dot of vectors scaled by vector.Normalize, from which vector.Cosine differs in the last bits"
}

func sameNeighbor(a, b retrieval.Neighbor) bool {
	return a.Item == b.Item && math.Float32bits(a.Score) == math.Float32bits(b.Score)
}

// ordered says where a list is not best first, ties by item, each item once.
func ordered(list []retrieval.Neighbor) error {
	seen := make(map[recsys.ItemID]bool, len(list))
	for i, n := range list {
		if i > 0 && better(n, list[i-1]) {
			return fmt.Errorf("place %d is %v, after %v", i, n, list[i-1])
		}
		if seen[n.Item] {
			return fmt.Errorf("item %d appears twice", n.Item)
		}
		seen[n.Item] = true
	}
	return nil
}

// alike says how the answers of two indexes differ, to the bit.
func alike(a, b retrieval.Index, queries [][]float32, k int, opt retrieval.SearchOptions) error {
	if a.Len() != b.Len() || a.Dim() != b.Dim() || a.Metric() != b.Metric() {
		return fmt.Errorf("%d items of dimension %d by %v, and %d of %d by %v", a.Len(), a.Dim(), a.Metric(), b.Len(), b.Dim(), b.Metric())
	}
	for i, q := range queries {
		x, err := a.Search(nil, q, k, opt)
		if err != nil {
			return err
		}
		y, err := b.Search(nil, q, k, opt)
		if err != nil {
			return err
		}
		if !slices.EqualFunc(x, y, sameNeighbor) {
			return fmt.Errorf("query %d: %v, and %v", i, x[:min(len(x), 3)], y[:min(len(y), 3)])
		}
	}
	return nil
}
