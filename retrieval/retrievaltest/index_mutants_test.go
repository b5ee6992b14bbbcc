package retrievaltest_test

import (
	"io"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/retrievaltest"
	"github.com/recsyskit/recsys/retrieval/vector"
)

type (
	neighbor   = retrieval.Neighbor
	options    = retrieval.SearchOptions
	searchFunc = func(x *retrievaltest.Exact, dst []neighbor, q []float32, k int, opt options) ([]neighbor, error)
)

// mutant is an exact index with one fault: a function that is not nil stands in for the
// method.
type mutant struct {
	*retrievaltest.Exact
	search searchFunc
	score  func(x *retrievaltest.Exact, dst, q []float32, items []recsys.ItemID) error
	vector func(x *retrievaltest.Exact, dst []float32, item recsys.ItemID) ([]float32, bool)
	insert func(x *retrievaltest.Exact, item recsys.ItemID, vec []float32) error
	update func(x *retrievaltest.Exact, item recsys.ItemID, vec []float32) error
	remove func(x *retrievaltest.Exact, item recsys.ItemID) error
	write  func(x *retrievaltest.Exact, dst io.Writer) (int64, error)
	dim    int
}

func (m *mutant) Search(dst []neighbor, q []float32, k int, opt options) ([]neighbor, error) {
	if m.search != nil {
		return m.search(m.Exact, dst, q, k, opt)
	}
	return m.Exact.Search(dst, q, k, opt)
}

func (m *mutant) Score(dst, q []float32, items []recsys.ItemID) error {
	if m.score != nil {
		return m.score(m.Exact, dst, q, items)
	}
	return m.Exact.Score(dst, q, items)
}

func (m *mutant) Vector(dst []float32, item recsys.ItemID) ([]float32, bool) {
	if m.vector != nil {
		return m.vector(m.Exact, dst, item)
	}
	return m.Exact.Vector(dst, item)
}

func (m *mutant) Insert(item recsys.ItemID, vec []float32) error {
	if m.insert != nil {
		return m.insert(m.Exact, item, vec)
	}
	return m.Exact.Insert(item, vec)
}

func (m *mutant) Update(item recsys.ItemID, vec []float32) error {
	if m.update != nil {
		return m.update(m.Exact, item, vec)
	}
	return m.Exact.Update(item, vec)
}

func (m *mutant) Delete(item recsys.ItemID) error {
	if m.remove != nil {
		return m.remove(m.Exact, item)
	}
	return m.Exact.Delete(item)
}

func (m *mutant) WriteTo(dst io.Writer) (int64, error) {
	if m.write != nil {
		return m.write(m.Exact, dst)
	}
	return m.Exact.WriteTo(dst)
}

func (m *mutant) Dim() int { return m.Exact.Dim() + m.dim }

// of builds exact indexes with the fault of m, and state of their own.
func of(m func() mutant) retrievaltest.BuildIndex {
	return func(metric retrieval.Metric, items []recsys.ItemID, vectors vector.Matrix, _ int) (retrieval.Index, error) {
		x, err := retrievaltest.NewExact(metric, items, vectors)
		if err != nil {
			return nil, err
		}
		out := m()
		out.Exact = x
		return &out, nil
	}
}

// searching is a fault of Search that needs no state.
func searching(f searchFunc) retrievaltest.BuildIndex {
	return of(func() mutant { return mutant{search: f} })
}

// answered changes what a search found.
func answered(change func(x *retrievaltest.Exact, found []neighbor) []neighbor) retrievaltest.BuildIndex {
	return searching(func(x *retrievaltest.Exact, dst []neighbor, q []float32, k int, opt options) ([]neighbor, error) {
		out, err := x.Search(dst, q, k, opt)
		return append(out[:len(dst)], change(x, out[len(dst):])...), err
	})
}

// asked changes the options before the search.
func asked(change func(opt *options)) retrievaltest.BuildIndex {
	return searching(func(x *retrievaltest.Exact, dst []neighbor, q []float32, k int, opt options) ([]neighbor, error) {
		change(&opt)
		return x.Search(dst, q, k, opt)
	})
}

type indexFault struct {
	name  string // of the case that must find it
	what  string
	build retrievaltest.BuildIndex
	suite func(s *retrievaltest.IndexSuite)
}

func indexFaults() []indexFault {
	return slices.Concat(searchFaults(), optionFaults(), buildFaults(), changeFaults(), fileFaults(), closeFaults())
}

func TestEachCaseFindsAnIndexThatBreaksItsRule(t *testing.T) {
	var covered []string
	for _, f := range indexFaults() {
		covered = append(covered, f.name)
		t.Run(f.name+"/"+f.what, func(t *testing.T) {
			if f.name == "allocates-nothing" && race.Enabled {
				t.Skip("the case says nothing under the race detector")
			}
			s := exactSuite()
			if f.suite != nil {
				f.suite(&s)
			}
			found := s.CheckCase(f.name, f.build)
			require.NotEmpty(t, found, "the case does not find an index that breaks its rule")
			require.Equal(t, f.name, found[0].Case)
			require.NotEmpty(t, found[0].Rule)
			require.NotContains(t, found[0].Detail, "nil pointer", "the fault is in the test")
		})
	}
	require.Subset(t, covered, retrievaltest.IndexCaseNames(), "a case without a fault")
}

// searchOnly is an index that nobody can change, write or open.
type searchOnly struct{ retrieval.Index }

func unchangeable(m retrieval.Metric, items []recsys.ItemID, vectors vector.Matrix, workers int) (retrieval.Index, error) {
	x, err := exact(m, items, vectors, workers)
	if err != nil {
		return nil, err
	}
	return searchOnly{x}, nil
}

func TestWhatAnIndexCannotDoIsSkipped(t *testing.T) {
	require.Empty(t, retrievaltest.IndexSuite{}.Check(unchangeable))
	require.Empty(t, exactSuite().Check(unchangeable))
}

func TestAMethodThatIsMissingIsNamed(t *testing.T) {
	suite := retrievaltest.IndexSuite{Mutable: true}
	found := suite.CheckCase("mutable", unchangeable)
	require.Len(t, found, 3)
	for i, method := range []string{"Insert", "Update", "Delete"} {
		require.Contains(t, found[i].Detail, "has no method "+method+"(recsys.ItemID")
	}
	require.Empty(t, suite.CheckCase("mutable", exact))
}

func TestSettingsOutOfTheirDomainAreViolations(t *testing.T) {
	for want, s := range map[string]retrievaltest.IndexSuite{
		"IndexSuite.Recall is 1.5; want a number in (0, 1]":    {Recall: 1.5},
		"IndexSuite.Recall is -1; want":                        {Recall: -1},
		"IndexSuite.Recall is NaN; want":                       {Recall: math.NaN()},
		"IndexSuite.Metrics is empty; want":                    {Metrics: []retrieval.Metric{}},
		"IndexSuite.Metrics[1] is Metric(7); want":             {Metrics: []retrieval.Metric{0, 7}},
		"IndexSuite.Patience is -1ns; want >= 0 (0 means five": {Patience: -1},
	} {
		found := s.Check(exact)
		require.Len(t, found, 1, want)
		require.Contains(t, found[0].Detail, want)
	}
	found := retrievaltest.IndexSuite{Recall: 2}.Check(nil)
	require.Len(t, found, 2)
	require.Equal(t, "retrievaltest: the function that builds indexes is nil", found[0].Detail)
}

func TestAllocationsMayBeAllowed(t *testing.T) {
	for _, f := range indexFaults() {
		if f.name == "allocates-nothing" {
			require.Empty(t, retrievaltest.IndexSuite{AllowAllocs: true}.CheckCase(f.name, f.build))
		}
	}
}

// A cosine that is not taken of normalised vectors is right but for its last bits.
func TestViolationsSayWhatIsWanted(t *testing.T) {
	cosine := func(q, v []float32) float32 { return vector.Cosine(q, v) }
	build := of(func() mutant {
		return mutant{score: func(x *retrievaltest.Exact, dst, q []float32, items []recsys.ItemID) error {
			if err := x.Score(dst, q, items); err != nil || x.Metric() != retrieval.Cosine {
				return err
			}
			for i, item := range items {
				if v, ok := x.Vector(nil, item); ok {
					dst[i] = cosine(q, v)
				}
			}
			return nil
		}}
	})
	found := exactSuite().CheckCase("score", build)
	require.NotEmpty(t, found)
	require.Contains(t, found[0].Detail, "vector.Cosine differs in the last bits")
	for name, want := range map[string]string{
		"stats":               "fill Plan (which method was taken), Scored (how many rows were compared",
		"refuses-bad-vectors": "want the row and the item in the text",
	} {
		var all string
		for _, f := range indexFaults() {
			if f.name == name {
				for _, v := range exactSuite().CheckCase(name, f.build) {
					all += v.Detail
				}
			}
		}
		require.Contains(t, all, want)
	}
}

func TestApproximateIndexesPassByTheirRecall(t *testing.T) {
	build := searching(missing(1))
	for _, v := range (retrievaltest.IndexSuite{Recall: 0.85}).CheckCase("nearest", build) {
		t.Error(v)
	}
	require.NotEmpty(t, retrievaltest.IndexSuite{}.CheckCase("nearest", build), "as an exact index")
}
