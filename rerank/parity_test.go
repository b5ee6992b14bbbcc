package rerank_test

import (
	"context"
	"math"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/rerank"
	"github.com/recsyskit/recsys/rerank/reranktest"
)

// market is a pipeline of six items of three creators, 2 for each, that a source ranks by ID, and that logs to ledger.
func market(t *testing.T, ledger *rerank.ExposureLedger, opts ...recsys.Option) *recsys.Pipeline {
	t.Helper()
	source := recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
		for i := range recsys.ItemID(6) {
			out.Add(i, 6-float32(i))
		}
		return nil
	})
	creators := recsys.FeatureFunc{
		Cols: []recsys.Column{{Name: "creator", Kind: recsys.ID}},
		Func: func(_ context.Context, _ *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
			for i, id := range items {
				out.ID[0][i] = uint64(id)/2 + 1
			}
			return nil
		},
	}
	score := recsys.RankerFunc(func(_ context.Context, _ *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
		for i, id := range c.IDs() {
			out.Score[i] = 6 - float32(id)
		}
		return nil
	})
	p, err := recsys.NewPipeline(recsys.Retrieve("all", source), recsys.Features(creators), recsys.Rank(score),
		recsys.Log(ledger, recsys.LogFull)).With(opts...).Build()
	require.NoError(t, err)
	return p
}

func newLedger(t *testing.T, shares map[uint64]float64) *rerank.ExposureLedger {
	t.Helper()
	l, err := rerank.NewExposureLedger("creator", shares)
	require.NoError(t, err)
	return l
}

// discount is the exposure of a place, from 0.
func discount(place int) float64 { return 1 / math.Log2(float64(place)+2) }

// serve recommends k items n times.
func serve(t *testing.T, p *recsys.Pipeline, n, k int) {
	t.Helper()
	for i := range n {
		res, err := p.Recommend(t.Context(), &recsys.Request{User: recsys.UserID(i), K: k, Now: now})
		require.NoError(t, err)
		require.Empty(t, res.Degraded)
		require.Len(t, res.Items, k)
	}
}

// The ledger receives 1/log2(1+rank) per place. Relevance of the scores 6 to 1 is 1, .8, …, 0: the creators are due 1.8/3, 1/3 and .2/3 of it.
func TestLedgerCreditsWhatIsShown(t *testing.T) {
	ledger := newLedger(t, nil)
	serve(t, market(t, ledger), 1, 3)
	total := discount(0) + discount(1) + discount(2)
	got := ledger.Accounts()
	require.Len(t, got, 3)
	for i, want := range []rerank.Account{
		{Group: 1, Received: discount(0) + discount(1), Due: 1.8 / 3 * total},
		{Group: 2, Received: discount(2), Due: 1. / 3 * total},
		{Group: 3, Due: 0.2 / 3 * total},
	} {
		require.Equal(t, want.Group, got[i].Group)
		require.InDelta(t, want.Received, got[i].Received, 1e-6)
		require.InDelta(t, want.Due, got[i].Due, 1e-6)
		require.InDelta(t, want.Due-want.Received, got[i].Deficit(), 1e-6)
	}
	declared := newLedger(t, map[uint64]float64{2: 3, 9: 1})
	serve(t, market(t, declared), 2, 3)
	require.InDelta(t, 2*total*0.75, declared.Accounts()[1].Due, 1e-9)
	require.InDelta(t, 2*total*0.25, declared.Accounts()[2].Due, 1e-9)
	require.Zero(t, declared.Accounts()[2].Received, "a group that no row has")
}

// Source: Biega et al. 2018, section 3: over a sequence of rankings what each subject received comes to what it was due, where a
// single ranking, and a ranking by relevance for ever, cannot. Deficits stay bounded, so shares converge as 1/n.
func TestExposureParityConvergesToWhatIsDue(t *testing.T) {
	for _, shares := range []map[uint64]float64{nil, {1: 1, 2: 1, 3: 1}, {3: 5, 2: 1, 1: 2}} {
		for _, lambda := range []float64{0.02, 0.5} {
			ledger := newLedger(t, shares)
			p := market(t, ledger, recsys.ReRank(rerank.ExposureParity{Ledger: ledger, Lambda: lambda}))
			serve(t, p, 400, 3)
			for _, a := range ledger.Accounts() {
				require.Less(t, math.Abs(a.Deficit()), 2+1/lambda, "shares %v, lambda %v: %+v", shares, lambda, a)
				require.InDelta(t, 1, a.Received/a.Due, 0.3)
			}
			before := ledger.Accounts()
			serve(t, p, 400, 3)
			for i, a := range ledger.Accounts() {
				require.InDelta(t, before[i].Deficit(), a.Deficit(), 2, "deficits do not grow: shares %v, lambda %v", shares, lambda)
			}
		}
	}
	ledger := newLedger(t, nil)
	serve(t, market(t, ledger), 400, 3)
	require.Greater(t, ledger.Accounts()[2].Deficit(), 50.0, "without it the last creator never gets anything")
}

// Nothing changes the ledger but the log.
func TestExposureParityReadsTheLedgerOnly(t *testing.T) {
	ledger := newLedger(t, nil)
	require.NoError(t, ledger.Restore([]rerank.Account{{Group: 2, Due: 5}}))
	c, order := table(t, 60, dim, 2)
	x := rerank.ExposureParity{Ledger: ledger, Lambda: 0.8}
	first := reRank(t, x, query(10), c, order)
	d, sameOrder := table(t, 60, dim, 2)
	require.Equal(t, first, reRank(t, x, query(10), d, sameOrder))
	require.Equal(t, []rerank.Account{{Group: 2, Due: 5}}, ledger.Accounts())
	creator := field(t, c.Schema(), "creator")
	require.Equal(t, uint64(2), c.IDColumn(creator.Index)[first[0]], "who is owed most comes first")
}

func TestExposureParityLambdaZeroIsRelevanceOrder(t *testing.T) {
	ledger := newLedger(t, nil)
	require.NoError(t, ledger.Restore([]rerank.Account{{Group: 2, Due: 5}}))
	c, order := table(t, 60, dim, 2)
	require.Equal(t, order, reRank(t, rerank.ExposureParity{Ledger: ledger}, query(10), c, order))
}

// Sampled rows stand for those that were left out: over many samples what is due comes to what a full log says.
func TestLedgerIsUnbiasedOnSamples(t *testing.T) {
	s, err := recsys.NewSchema(recsys.SchemaConfig{Columns: []recsys.Column{{Name: "creator", Kind: recsys.ID}}})
	require.NoError(t, err)
	row := func(id uint64, position int, score float32, inclusion float64) recsys.ExposureRow {
		return recsys.ExposureRow{Position: position, Score: score, Inclusion: inclusion, IDs: []uint64{id}}
	}
	full := newLedger(t, nil)
	require.NoError(t, full.LogExposure(t.Context(), &recsys.Exposure{Schema: s, Shown: 1, Rows: []recsys.ExposureRow{
		row(1, 0, 1, 1), row(2, -1, 1, 1), row(3, -1, 1, 1), row(4, -1, 0, 1), row(5, -1, float32(math.NaN()), 1),
	}}))
	require.Equal(t, []rerank.Account{{1, 1, 1. / 3}, {2, 0, 1. / 3}, {3, 0, 1. / 3}, {4, 0, 0}, {5, 0, 0}}, full.Accounts())
	sampled := newLedger(t, nil)
	for _, kept := range []uint64{2, 3} { // one of the two, by a fair coin
		require.NoError(t, sampled.LogExposure(t.Context(), &recsys.Exposure{Schema: s, Shown: 1, Rows: []recsys.ExposureRow{
			row(1, 0, 1, 1), row(kept, -1, 1, 0.5), row(4, -1, 0, 1), row(5, -1, 1, 0), // inclusion 0: a record that nobody can weigh
		}}))
	}
	for i, a := range sampled.Accounts()[:3] {
		require.InDelta(t, 2*full.Accounts()[i].Due, a.Due, 1e-12)
	}
	require.NoError(t, sampled.LogExposure(t.Context(), &recsys.Exposure{Schema: s}), "an empty slate")
	other, err := recsys.NewSchema(recsys.SchemaConfig{})
	require.NoError(t, err)
	err = sampled.LogExposure(t.Context(), &recsys.Exposure{Schema: other, Shown: 1, Rows: []recsys.ExposureRow{row(1, 0, 1, 1)}})
	require.ErrorContains(t, err, `rerank: ExposureLedger: feature "creator"`)
}

func TestLedgerRefuses(t *testing.T) {
	_, err := rerank.NewExposureLedger("", nil)
	require.EqualError(t, err, "rerank: NewExposureLedger: attribute is empty; name an ID column of items")
	for _, bad := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		_, err = rerank.NewExposureLedger("creator", map[uint64]float64{1: 1, 7: bad})
		require.ErrorContains(t, err, "the share of group 7 is")
	}
	ledger := newLedger(t, nil)
	require.NoError(t, ledger.Restore([]rerank.Account{{Group: 1, Due: 2}}))
	for _, bad := range [][]rerank.Account{{{Group: 3, Due: math.NaN()}}, {{Group: 3, Received: -1}}, {{Group: 3, Due: math.Inf(1)}}, {{Group: 3}, {Group: 3}}} {
		require.ErrorContains(t, ledger.Restore(bad), "of group 3")
	}
	require.Equal(t, []rerank.Account{{Group: 1, Due: 2}}, ledger.Accounts(), "nothing half restored")
}

// Serving, logging and reading run at the same time, and no slate is lost.
func TestLedgerIsSafeForConcurrentUse(t *testing.T) {
	ledger := newLedger(t, nil)
	p := market(t, ledger, recsys.ReRank(rerank.ExposureParity{Ledger: ledger, Lambda: 0.5}))
	const callers, calls = 8, 50
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for range calls {
				if _, err := p.Recommend(t.Context(), &recsys.Request{K: 3, Now: now}); err != nil {
					t.Error(err)
				}
				ledger.Accounts()
			}
		})
	}
	wg.Wait()
	received, due := 0.0, 0.0
	for _, a := range ledger.Accounts() {
		received, due = received+a.Received, due+a.Due
	}
	require.InDelta(t, callers*calls*(discount(0)+discount(1)+discount(2)), received, 1e-6)
	require.InDelta(t, received, due, 1e-6)
}

func TestExposureParityConformance(t *testing.T) {
	ledger := newLedger(t, nil)
	require.NoError(t, ledger.Restore([]rerank.Account{{Group: 0, Due: 3}, {Group: 1, Received: 2}, {Group: 3, Due: 0.4}}))
	declared := newLedger(t, map[uint64]float64{0: 1, 1: 4})
	for _, x := range []rerank.ExposureParity{
		{Ledger: ledger, Lambda: 0.5}, {Ledger: declared, Lambda: 1, Depth: 7, Relevance: rerank.AsIs},
	} {
		t.Run(x.Version(), func(t *testing.T) {
			reranktest.Run(t, func(*testing.T) recsys.ReRanker { return x }, reranktest.Greedy())
		})
	}
}

func TestExposureParityValidateAndBind(t *testing.T) {
	err := rerank.ExposureParity{Lambda: 2, Depth: -1, Relevance: 5}.Validate()
	for _, want := range []string{
		"rerank: ExposureParity.Ledger is nil; make one with NewExposureLedger and log to it",
		"rerank: ExposureParity.Lambda is 2; want a number in [0, 1]",
		"rerank: ExposureParity.Depth is -1",
		"rerank: ExposureParity.Relevance is 5",
	} {
		require.ErrorContains(t, err, want)
	}
	_, err = rerank.ExposureParity{}.Bind(schema(t, dim))
	require.ErrorContains(t, err, "Ledger is nil")
	ledger, err := rerank.NewExposureLedger("country", nil)
	require.NoError(t, err)
	_, err = rerank.ExposureParity{Ledger: ledger}.Bind(schema(t, dim))
	require.ErrorContains(t, err, `rerank: ExposureParity.Ledger: feature "country" describes the request`)
}

func TestExposureParityDoesNotAllocate(t *testing.T) {
	ledger := newLedger(t, nil)
	allocations(t, rerank.ExposureParity{Ledger: ledger, Lambda: 0.5}, 300)
	if race.Enabled {
		return
	}
	p := market(t, ledger, recsys.ReRank(rerank.ExposureParity{Ledger: ledger, Lambda: 0.5}))
	req, res := &recsys.Request{ID: "r", K: 3, Now: now, Seed: 1}, new(recsys.Result)
	require.NoError(t, p.RecommendInto(t.Context(), req, res))
	require.Zero(t, testing.AllocsPerRun(30, func() {
		if err := p.RecommendInto(context.Background(), req, res); err != nil {
			t.Fatal(err)
		}
	}), "logging to the ledger too")
}

// One infinite amount would outweigh all that comes after it.
func TestLedgerRefusesRecordsWithoutPlaces(t *testing.T) {
	ledger := newLedger(t, nil)
	s, err := recsys.NewSchema(recsys.SchemaConfig{Columns: []recsys.Column{{Name: "creator", Kind: recsys.ID}}})
	require.NoError(t, err)
	good := recsys.ExposureRow{IDs: []uint64{4}, Inclusion: 1}
	nowhere, bare := good, good
	nowhere.Position, bare.IDs = -1, nil
	for want, x := range map[string]*recsys.Exposure{
		"row 1, shown at position -1":   {ID: "a", Schema: s, Shown: 2, Rows: []recsys.ExposureRow{good, nowhere}},
		"row 0, shown at position 0":    {ID: "a", Schema: s, Shown: 1, Rows: []recsys.ExposureRow{bare}},
		`record "a" shows 2 of 1 rows`:  {ID: "a", Schema: s, Shown: 2, Rows: []recsys.ExposureRow{good}},
		`record "a" shows -1 of 1 rows`: {ID: "a", Schema: s, Shown: -1, Rows: []recsys.ExposureRow{good}},
	} {
		require.ErrorContains(t, ledger.LogExposure(t.Context(), x), want)
		require.Empty(t, ledger.Accounts())
	}
	require.NoError(t, ledger.LogExposure(t.Context(), &recsys.Exposure{Schema: s, Shown: 1, Rows: []recsys.ExposureRow{good, nowhere}}))
}

// Weights of any sum, even of one that is no number.
func TestSharesOfAnySum(t *testing.T) {
	ledger := newLedger(t, map[uint64]float64{1: 1e308, 2: 1e308, 3: 1e308})
	serve(t, market(t, ledger), 1, 3)
	for _, a := range ledger.Accounts() {
		require.InDelta(t, (discount(0)+discount(1)+discount(2))/3, a.Due, 1e-9)
	}
	seats, err := rerank.Apportion([]float64{1e308, 1e308, 1e308}, 9, rerank.LargestRemainder)
	require.NoError(t, err)
	require.Equal(t, []int{3, 3, 3}, seats)
	seats, err = rerank.Apportion([]float64{5e-324, 5e-324}, 4, rerank.DHondt)
	require.NoError(t, err)
	require.Equal(t, []int{2, 2}, seats)
}
