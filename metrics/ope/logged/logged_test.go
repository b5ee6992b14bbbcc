package logged_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"iter"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/metrics/ope"
	"github.com/recsyskit/recsys/metrics/ope/logged"
)

var ctx = context.Background()

const logger = luce(0.5)

func evaluate(t testing.TB, log logged.Source, cfg logged.Config) *logged.Report {
	t.Helper()
	r, err := logged.Evaluate(ctx, log, cfg)
	require.NoError(t, err)
	return r
}

func byName(r *logged.Report) map[string]ope.Estimate {
	out := map[string]ope.Estimate{}
	for _, e := range append(append([]ope.Estimate{}, r.Slates.Estimates...), r.Top.Estimates...) {
		out[e.Estimator] = e
	}
	return out
}

// within fails when an estimate is more than 4 standard errors from the truth.
func within(t *testing.T, e ope.Estimate, want float64) {
	t.Helper()
	if !(math.Abs(e.Value-want) <= 4*e.SE) || !(e.SE < 0.1*want) {
		t.Errorf("%v ± %v, want %v", e, e.SE, want)
	}
}

// fitMeans is a reward model: the mean reward of each item, by its feature, with a column of the
// table read on the way.
func fitMeans(_ context.Context, train iter.Seq2[*recsys.Exposure, []float64]) (recsys.Ranker, error) {
	sum, n := map[float32]float64{}, map[float32]float64{}
	for x, rewards := range train {
		for i, r := range rewards {
			sum[x.Rows[i].Floats[0]] += r
			n[x.Rows[i].Floats[0]]++
		}
	}
	return recsys.RankerFunc(func(_ context.Context, _ *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
		for i := range out.Score {
			out.Score[i] = float32(sum[c.Row(i)[0]] / math.Max(n[c.Row(i)[0]], 1))
		}
		return nil
	}), nil
}

func TestEstimatesFromALogAreTheTruth(t *testing.T) {
	log := serve(t, 6000, 3, recsys.LogFull, recsys.Explore(logger))
	slate, top := truth(0.3, 3)
	cfg := logged.Config{Target: judge(t, luce(0.3), logger), Model: &logged.Model{Fit: fitMeans}}
	got := byName(evaluate(t, log, cfg))
	require.Len(t, got, 10)
	for name, e := range got {
		switch name {
		case "dm": // the model knows no places
		case "ips", "snips", "dr", "sndr":
			within(t, e, top)
		default:
			within(t, e, slate)
		}
		require.Equal(t, 6000, e.N)
	}
	require.Less(t, got["dr"].SE, got["ips"].SE, "the model explains something")
}

// Source: Li et al., KDD 2018, section 4: IIPS is unbiased when places earn independently.
func TestIIPSEnumeratesThePlaces(t *testing.T) {
	log := serve(t, 3000, 3, recsys.LogFull, recsys.Explore(logger))
	alone := func(x *recsys.Exposure, place int, _ []recsys.Feedback) float64 {
		return float64(x.Rows[place].Item%3) / float64(1+place)
	}
	cfg := logged.Config{
		Target: judge(t, luce(0.2), logger), Reward: alone,
		Slates: []ope.SlateEstimator{ope.IIPS(), ope.SNIIPS(), ope.SNRIPS()},
	}
	got := byName(evaluate(t, log, cfg))
	cold := serve(t, 3000, 3, recsys.LogFull, recsys.Explore(luce(0.2)))
	own := evaluate(t, cold, logged.Config{Target: judge(t, luce(0.2), luce(0.2)), Reward: alone}).Slates.Estimates[0]
	for _, name := range []string{"iips", "sniips", "snrips"} {
		e := got[name]
		require.InDelta(t, own.Value, e.Value, 4*math.Hypot(own.SE, e.SE), name)
	}
	require.Less(t, got["sniips"].SE, got["snrips"].SE)
	cfg.Target = judge(t, logger, logger)
	for _, e := range evaluate(t, log, cfg).Slates.Estimates {
		require.InEpsilon(t, 3000, e.ESS, 1e-9)
	}
	unproven, err := logged.Judge(logger, logged.JudgeConfig{Unproven: true})
	require.NoError(t, err)
	cfg.Target = unproven
	_, err = logged.Evaluate(ctx, log, cfg)
	require.ErrorContains(t, err, "JudgeConfig.Logger")
}

// Without a logger to prove it, only a shown row beyond the window tells that the window is wrong.
func TestAnUnprovenJudgeRefusesRowsBeyondItsWindow(t *testing.T) {
	log := serve(t, 300, 1, recsys.LogFull, recsys.Explore(luce(5)), recsys.Depth(items))
	for _, depth := range []int{0, items - 1, items} {
		target, err := logged.Judge(luce(5), logged.JudgeConfig{Unproven: true, Depth: depth})
		require.NoError(t, err)
		report, err := logged.Evaluate(ctx, log, logged.Config{Target: target})
		if depth == items {
			require.NoError(t, err)
			require.InEpsilon(t, 300, report.Top.Estimates[0].ESS, 1e-9)
			continue
		}
		var window *logged.WindowError
		require.ErrorAs(t, err, &window)
		if depth == 0 {
			depth = 4
		}
		require.Equal(t, depth, window.Depth)
		require.GreaterOrEqual(t, window.Rank, depth)
		require.ErrorContains(t, err, "JudgeConfig.Depth")
	}
}

func TestAPipelineIsATargetPolicy(t *testing.T) {
	log := serve(t, 500, 3, recsys.LogFull, recsys.Explore(logger))
	a := evaluate(t, log, logged.Config{Target: build(t, recsys.Explore(luce(0.3)))})
	b := evaluate(t, log, logged.Config{Target: judge(t, luce(0.3), logger)})
	for i, want := range b.Slates.Estimates {
		require.InEpsilon(t, want.Value, a.Slates.Estimates[i].Value, 1e-12)
	}
}

func TestTheLoggerItselfEarnsTheMeanReward(t *testing.T) {
	for _, level := range []recsys.LogLevel{recsys.LogFull, recsys.LogSlate} {
		log := serve(t, 300, 3, level, recsys.Explore(logger))
		clicks, top := 0.0, 0.0
		first := map[string]recsys.ItemID{}
		for rec := range log.Records() {
			if x := rec.Exposure; x != nil {
				first[x.ID] = x.Rows[0].Item
			}
			if f := rec.Feedback; f != nil {
				clicks++
				if f.Item == first[f.Request] {
					top++
				}
			}
		}
		own := logged.PolicyFunc(func(_ context.Context, x *recsys.Exposure, dst []float64) error {
			for i := range dst {
				dst[i] = x.Rows[i].Propensity
			}
			return nil
		})
		r := evaluate(t, log, logged.Config{Target: own})
		for _, e := range r.Slates.Estimates {
			require.InEpsilon(t, clicks/300, e.Value, 1e-12, e.Estimator)
			require.InEpsilon(t, 300, e.ESS, 1e-12)
		}
		for _, e := range r.Top.Estimates {
			require.InEpsilon(t, top/300, e.Value, 1e-12, e.Estimator)
		}
		require.Equal(t, int(clicks), r.Counts.Feedback)
		if level == recsys.LogFull {
			r = evaluate(t, log, logged.Config{Target: judge(t, logger, logger)})
			require.InEpsilon(t, clicks/300, r.Slates.Estimates[0].Value, 1e-9)
		}
	}
}

func TestTheGreedyTargetIsJudgedOnItsOwnSlates(t *testing.T) {
	log := serve(t, 6000, 1, recsys.LogFull, recsys.Explore(logger))
	r := evaluate(t, log, logged.Config{Target: judge(t, greedy{}, logger)})
	within(t, r.Top.Estimates[1], chance([]recsys.ItemID{items - 1}, 0))
	require.InDelta(t, r.Top.Estimates[1].Value, r.Slates.Estimates[1].Value, 1e-12, "a slate of one place is its top")
}

func TestEveryKindOfIntervalHasItsDefaults(t *testing.T) {
	log := serve(t, 50, 2, recsys.LogFull, recsys.Explore(logger))
	for kind, n := range map[ope.Interval]int{ope.Normal: 4, ope.Bernstein: 3, ope.Bootstrap: 4, ope.Anytime: 4} {
		r := evaluate(t, log, logged.Config{Target: judge(t, luce(0.4), logger), Options: ope.Options{Interval: kind}})
		require.Len(t, r.Slates.Estimates, n)
		for _, e := range append(r.Slates.Estimates, r.Top.Estimates...) {
			require.LessOrEqual(t, e.Lower, e.Value)
			require.LessOrEqual(t, e.Value, e.Upper)
		}
	}
}

func TestRewards(t *testing.T) {
	log := serve(t, 200, 2, recsys.LogFull, recsys.Explore(logger))
	target := judge(t, logger, logger)
	clicks := evaluate(t, log, logged.Config{Target: target}).Slates.Estimates[0].Value
	require.InEpsilon(t, 2*clicks, evaluate(t, log, logged.Config{Target: target, Reward: logged.Sum(recsys.Click)}).Slates.Estimates[0].Value, 1e-12)
	require.Zero(t, evaluate(t, log, logged.Config{Target: target, Reward: logged.Any(recsys.Purchase)}).Slates.Estimates[0].Value)
	nan := func(*recsys.Exposure, int, []recsys.Feedback) float64 { return math.NaN() }
	_, err := logged.Evaluate(ctx, log, logged.Config{Target: target, Reward: nan})
	var row *ope.RowError
	var record *logged.RecordError
	require.ErrorAs(t, err, &row)
	require.ErrorAs(t, err, &record)
	require.Equal(t, "r0", record.ID)
}

func TestPartialRecordsAreRefused(t *testing.T) {
	log := serve(t, 20, 2, recsys.LogSlate, recsys.Explore(logger))
	for _, target := range []logged.Policy{judge(t, luce(1), logger), build(t, recsys.Explore(luce(1)))} {
		_, err := logged.Evaluate(ctx, log, logged.Config{Target: target})
		require.ErrorIs(t, err, recsys.ErrPartialRecord)
		require.ErrorContains(t, err, `record "r0"`)
	}
}

func TestALogThatTheLoggerDidNotMakeIsRefused(t *testing.T) {
	var mismatch *logged.MismatchError
	for name, log := range map[string]memory{
		"other temperature": serve(t, 20, 2, recsys.LogFull, recsys.Explore(luce(0.6))),
		"other depth":       serve(t, 20, 2, recsys.LogFull, recsys.Explore(logger), recsys.Depth(3)),
		"a filter": serve(t, 20, 2, recsys.LogFull, recsys.Explore(logger), recsys.FilterBy(recsys.FilterFunc(
			func(_ context.Context, _ *recsys.Query, _ *recsys.Candidates, keep recsys.Bits) error {
				keep.Clear(2)
				return nil
			}))),
	} {
		_, err := logged.Evaluate(ctx, log, logged.Config{Target: judge(t, luce(1), logger)})
		require.ErrorAs(t, err, &mismatch, name)
	}
	// Said so, it is none.
	log := serve(t, 20, 2, recsys.LogFull, recsys.Explore(logger), recsys.Depth(3))
	p, err := logged.Judge(luce(1), logged.JudgeConfig{Logger: logger, Depth: 3})
	require.NoError(t, err)
	evaluate(t, log, logged.Config{Target: p})
	rule := recsys.ConstraintFunc(func(_ *recsys.Candidates, _ int, slate []int32, admissible recsys.Bits) {
		if len(slate) == 0 {
			admissible.Clear(items - 1)
		}
	})
	log = serve(t, 20, 2, recsys.LogFull, recsys.Explore(logger), recsys.Constrain(rule))
	p, err = logged.Judge(luce(1), logged.JudgeConfig{Logger: logger, Constraints: []recsys.Constraint{rule}})
	require.NoError(t, err)
	evaluate(t, log, logged.Config{Target: p})
}

func TestLogsWithoutSupportAreRefused(t *testing.T) {
	anything := logged.PolicyFunc(func(_ context.Context, _ *recsys.Exposure, dst []float64) error {
		for i := range dst {
			dst[i] = 0.5
		}
		return nil
	})
	for name, log := range map[string]memory{
		"greedy":      serve(t, 5, 2, recsys.LogFull, recsys.Explore(greedy{})),
		"no explorer": serve(t, 5, 2, recsys.LogFull),
	} {
		_, err := logged.Evaluate(ctx, log, logged.Config{Target: anything})
		require.ErrorIs(t, err, ope.ErrDeterministic, name)
	}
	log := serve(t, 5, 2, recsys.LogFull, recsys.Explore(guess{logger}))
	_, err := logged.Evaluate(ctx, log, logged.Config{Target: anything})
	require.ErrorIs(t, err, logged.ErrEstimated)
	evaluate(t, log, logged.Config{Target: anything, Estimated: true})
}

func TestMixesAreRefused(t *testing.T) {
	target := judge(t, luce(1), logger)
	var mix *logged.MixError
	refused := func(log memory, cfg logged.Config, field string) {
		cfg.Target = target
		_, err := logged.Evaluate(ctx, log, cfg)
		require.ErrorAs(t, err, &mix)
		require.Equal(t, field, mix.Field)
	}
	a := serve(t, 20, 2, recsys.LogFull, recsys.Explore(logger), recsys.Version("a"))
	b := serve(t, 30, 2, recsys.LogFull, recsys.Explore(logger), recsys.Version("b"))
	// The requests of both have the same IDs; rename those of b.
	both := append(append(memory{}, a...), bytes.ReplaceAll(b, []byte(`:"r`), []byte(`:"s`))...)
	refused(both, logged.Config{}, "Pipeline")
	r := evaluate(t, both, logged.Config{Target: target, Mixed: true})
	require.Equal(t, map[string]int{"a": 20, "b": 30}, r.Counts.Pipelines)
	r = evaluate(t, both, logged.Config{Target: target, Pipeline: "b"})
	require.Equal(t, 30, r.Counts.Judged)
	require.Equal(t, 20, r.Counts.OtherPipeline)
	_, err := logged.Evaluate(ctx, both, logged.Config{Target: target, Pipeline: "c"})
	require.ErrorIs(t, err, ope.ErrEmpty)

	c := serve(t, 20, 3, recsys.LogFull, recsys.Explore(logger), recsys.Version("a"))
	both = append(append(memory{}, a...), bytes.ReplaceAll(c, []byte(`:"r`), []byte(`:"s`))...)
	refused(both, logged.Config{}, "K")
	r = evaluate(t, both, logged.Config{Target: target, MixedK: true})
	require.Equal(t, 40, r.Counts.Judged)

	d := serve(t, 20, 2, recsys.LogFull, recsys.Explore(logger), recsys.Version("a"), recsys.Features(recsys.FeatureFunc{
		Cols: []recsys.Column{{Name: "new"}},
		Func: func(context.Context, *recsys.Query, []recsys.ItemID, *recsys.Block) error { return nil },
	}))
	refused(append(append(memory{}, a...), bytes.ReplaceAll(d, []byte(`:"r`), []byte(`:"s`))...), logged.Config{}, "Schema")
}

func TestDegradedRecordsAreLeftOut(t *testing.T) {
	calls := 0
	log := serve(t, 20, 2, recsys.LogFull, recsys.Explore(recsys.ExplorerFunc(func(c context.Context, q *recsys.Query, t *recsys.Candidates, s *recsys.Slate) error {
		if calls++; calls%4 == 0 {
			return errors.New("out of luck")
		}
		return logger.Explore(c, q, t, s)
	})))
	r := evaluate(t, log, logged.Config{Target: judge(t, luce(1), logger)})
	require.Equal(t, 5, r.Counts.Degraded)
	require.Equal(t, 15, r.Counts.Judged)
	require.Equal(t, 20, r.Counts.Exposures)
}

func TestFilesTornAndEmpty(t *testing.T) {
	dir := t.TempDir()
	log := serve(t, 50, 2, recsys.LogFull, recsys.Explore(logger))
	torn := filepath.Join(dir, "torn.jsonl")
	last := bytes.LastIndexByte(log[:len(log)-1], '\n')
	require.NoError(t, os.WriteFile(torn, log[:last+20], 0o600))
	files := logged.Files(torn)
	r := evaluate(t, files, logged.Config{Target: judge(t, luce(1), logger)})
	require.Equal(t, 1, r.Log.Torn)

	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := z.Write(log)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	gz := filepath.Join(dir, "log.gz")
	require.NoError(t, os.WriteFile(gz, packed.Bytes(), 0o600))
	r = evaluate(t, logged.Files(gz), logged.Config{Target: judge(t, luce(1), logger), Model: &logged.Model{Fit: fitMeans, Folds: 2}})
	require.Equal(t, 50, r.Counts.Judged)

	empty := filepath.Join(dir, "empty.jsonl")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	_, err = logged.Evaluate(ctx, logged.Files(empty), logged.Config{Target: judge(t, luce(1), logger)})
	require.ErrorIs(t, err, ope.ErrEmpty)
	_, err = logged.Evaluate(ctx, logged.Files(filepath.Join(dir, "none")), logged.Config{Target: judge(t, luce(1), logger)})
	require.ErrorIs(t, err, os.ErrNotExist)

	newer := filepath.Join(dir, "newer.jsonl")
	require.NoError(t, os.WriteFile(newer, bytes.ReplaceAll(log, []byte(`"v":1`), []byte(`"v":9`)), 0o600))
	_, err = logged.Evaluate(ctx, logged.Files(newer), logged.Config{Target: judge(t, luce(1), logger)})
	var version *recsys.VersionError
	require.ErrorAs(t, err, &version)
	var at *recsys.LogError
	require.ErrorAs(t, err, &at)
	require.Equal(t, 1, at.Line)
}

func TestWrongPropensitiesAreRefused(t *testing.T) {
	x := recsys.Exposure{
		ID: "x", K: 1, Shown: 1, Candidates: 1, Explorer: "explore", Now: time.Unix(1, 0),
		Rows: []recsys.ExposureRow{{Item: 1, Inclusion: 1}},
	}
	one := logged.PolicyFunc(func(_ context.Context, _ *recsys.Exposure, dst []float64) error {
		dst[0] = 1
		return nil
	})
	for _, p := range []float64{0, -0.5, 1.5, math.NaN()} {
		x.Rows[0].Propensity = p
		source := logged.SourceFunc(func() iter.Seq2[recsys.LogRecord, error] {
			return func(yield func(recsys.LogRecord, error) bool) { yield(recsys.LogRecord{Exposure: &x}, nil) }
		})
		_, err := logged.Evaluate(ctx, source, logged.Config{Target: one})
		var row *ope.RowError
		require.ErrorAs(t, err, &row, "propensity %v", p)
		require.Equal(t, "Propensity[0]", row.Field)
		require.ErrorContains(t, err, `record "x"`)
	}
}

func TestATableIsATargetPolicy(t *testing.T) {
	log := serve(t, 40, 2, recsys.LogSlate, recsys.Explore(logger))
	table := logged.Table{}
	for rec := range log.Records() {
		if x := rec.Exposure; x != nil {
			table[x.ID] = []float64{x.Rows[0].Propensity, x.Rows[1].Propensity}
		}
	}
	r := evaluate(t, log, logged.Config{Target: table})
	require.InDelta(t, 40, r.Slates.Estimates[0].ESS, 1e-9)
	table["r3"] = table["r3"][:1]
	_, err := logged.Evaluate(ctx, log, logged.Config{Target: table})
	require.ErrorContains(t, err, "1 propensities for 2 places")
	delete(table, "r3")
	_, err = logged.Evaluate(ctx, log, logged.Config{Target: table})
	require.ErrorIs(t, err, logged.ErrUnknownRecord)
}

func TestCrossFittingNeverSeesTheUser(t *testing.T) {
	log := serve(t, 300, 2, recsys.LogFull, recsys.Explore(logger))
	fold := 0
	model := &logged.Model{Folds: 3, Fit: func(_ context.Context, train iter.Seq2[*recsys.Exposure, []float64]) (recsys.Ranker, error) {
		seen := map[recsys.UserID]bool{}
		for x := range train {
			seen[x.User] = true
		}
		require.Greater(t, len(seen), 30)
		require.Less(t, len(seen), 100)
		fold++
		return recsys.RankerFunc(func(_ context.Context, q *recsys.Query, _ *recsys.Candidates, _ recsys.Scores) error {
			require.False(t, seen[q.User])
			return nil
		}), nil
	}}
	evaluate(t, log, logged.Config{Target: judge(t, luce(1), logger), Model: model})
	require.Equal(t, 3, fold)

	bad := errors.New("no model today")
	model.Fit = func(context.Context, iter.Seq2[*recsys.Exposure, []float64]) (recsys.Ranker, error) { return nil, bad }
	_, err := logged.Evaluate(ctx, log, logged.Config{Target: judge(t, luce(1), logger), Model: model})
	require.ErrorIs(t, err, bad)
	model.Fit = func(_ context.Context, train iter.Seq2[*recsys.Exposure, []float64]) (recsys.Ranker, error) {
		for range train { // stops at once
			break
		}
		return nil, nil
	}
	_, err = logged.Evaluate(ctx, log, logged.Config{Target: judge(t, luce(1), logger), Model: model})
	require.ErrorContains(t, err, "Model.Fit")
}

func TestConfigIsChecked(t *testing.T) {
	log := serve(t, 2, 2, recsys.LogFull, recsys.Explore(logger))
	target := judge(t, luce(1), logger)
	pipeline := build(t, recsys.Explore(luce(1)))
	fit := &logged.Model{Fit: fitMeans}
	for name, cfg := range map[string]logged.Config{
		"Config.Target":             {},
		"Model.Fit":                 {Target: target, Model: &logged.Model{}},
		"Model.Folds":               {Target: target, Model: &logged.Model{Fit: fitMeans, Folds: 1}},
		"which is no Chooser":       {Target: pipeline, Model: fit},
		"which is no Placer":        {Target: pipeline, Slates: []ope.SlateEstimator{ope.IIPS()}},
		"Config.Slates is pi":       {Target: target, Slates: []ope.SlateEstimator{ope.PseudoInverse()}},
		"for cascade_dr":            {Target: target, Slates: []ope.SlateEstimator{ope.CascadeDR()}},
		"for dr":                    {Target: target, Top: []ope.Estimator{ope.DR()}},
		"Config.Top is balanced_dr": {Target: target, Top: []ope.Estimator{ope.BalancedDR()}},
		"Options.Level":             {Target: target, Options: ope.Options{Level: 7}},
	} {
		_, err := logged.Evaluate(ctx, log, cfg)
		var field *ope.FieldError
		require.ErrorAs(t, err, &field, name)
		require.ErrorContains(t, err, name)
	}
	_, err := logged.Evaluate(ctx, nil, logged.Config{Target: target})
	require.ErrorContains(t, err, "Source")
	for _, cfg := range []logged.JudgeConfig{{}, {Logger: logger, Depth: -1}} {
		_, err := logged.Judge(logger, cfg)
		require.ErrorContains(t, err, "JudgeConfig")
	}
	_, err = logged.Judge(nil, logged.JudgeConfig{Unproven: true})
	require.ErrorContains(t, err, "target")
	done, cancel := context.WithCancel(ctx)
	cancel()
	_, err = logged.Evaluate(done, log, logged.Config{Target: target})
	require.ErrorIs(t, err, context.Canceled)
}
