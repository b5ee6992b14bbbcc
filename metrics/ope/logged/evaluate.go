package logged

import (
	"context"
	"errors"
	"fmt"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/metrics/ope"
)

// Config says what is estimated from a log. Target is required.
type Config struct {
	// Target is the policy to be judged.
	Target Policy
	// Reward is what a place earned; nil means [Any] of recsys.Click.
	Reward Reward
	// Join says how feedback finds its exposure.
	Join recsys.JoinerConfig
	// Options are those of the estimates.
	Options ope.Options
	// Slates and Top are the estimators of whole slates and of the first place. nil means the
	// self-normalized ones and what they come from (SIPS, SNSIPS, RIPS, SNRIPS; IPS, SNIPS; no SNRIPS for ope.Bernstein), and
	// with a Model CascadeDR, DM, DR and SNDR. IIPS and SNIIPS need a Target that is a [Placer].
	// PseudoInverse and SNPseudoInverse, and of those for one place the ones for several loggers,
	// need what records do not hold.
	Slates []ope.SlateEstimator
	Top    []ope.Estimator
	// Model is the reward model; nil means none. Target must be a [Chooser] then.
	Model *Model
	// Pipeline is the version whose records count; others are left out. Empty means that all
	// records must be of one version, unless Mixed says that several versions, and several
	// schemas, may be pooled.
	Pipeline string
	Mixed    bool
	// MixedK allows requests for slates of different lengths.
	MixedK bool
	// Estimated takes propensities that are themselves estimates as they are.
	Estimated bool

	places bool // an estimator asks for the probabilities of items at their places
}

// Report is what a log says about a target policy.
type Report struct {
	Slates ope.SlateReport // per slate
	Top    ope.Report      // per decision on the first place
	Counts Counts
	Join   recsys.JoinStats
	Log    recsys.LogStats // of a [FileLog], torn lines among them; else 0
}

// Evaluate estimates from a log what the target policy would have earned, in one pass; with a
// Model in one more per fold.
//
// Errors: a [*ope.FieldError] for a field of cfg; [ope.ErrEmpty] when no record is left to judge; a [*RecordError] that
// names the first record that cannot be used; a [*recsys.LogError] with file and line, or whatever the source returned. A
// torn last line of a file is not an error but counted in Report.Log.
func Evaluate(ctx context.Context, src Source, cfg Config) (*Report, error) {
	if err := cfg.check(src); err != nil {
		return nil, err
	}
	e := &evaluator{cfg: &cfg}
	var err error
	if e.slates, err = ope.NewSlateAccumulator(cfg.Options, cfg.Slates...); err != nil {
		return nil, err
	}
	if e.top, err = ope.NewAccumulator(cfg.Options, cfg.Top...); err != nil {
		return nil, err
	}
	if cfg.Model != nil {
		rankers, err := cfg.fit(ctx, src)
		if err != nil {
			return nil, err
		}
		e.model = &predictor{rankers: rankers, bound: map[boundKey]recsys.Ranker{}}
	}
	r := &Report{}
	r.Counts, r.Join, err = cfg.scan(ctx, src, func(s sample) error { return e.add(ctx, s) })
	if f, ok := src.(interface{ Stats() recsys.LogStats }); ok {
		r.Log = f.Stats()
	}
	if err != nil {
		return nil, err
	}
	if r.Counts.Judged == 0 {
		return nil, fmt.Errorf("%w: %d exposures, of them %d degraded, %d of other pipelines", ope.ErrEmpty, r.Counts.Exposures, r.Counts.Degraded, r.Counts.OtherPipeline)
	}
	if r.Slates, err = e.slates.Report(); err != nil {
		return nil, err
	}
	if r.Top, err = e.top.Report(); err != nil {
		return nil, err
	}
	return r, nil
}

// check completes cfg, or returns the error of a field.
func (cfg *Config) check(src Source) error {
	if src == nil {
		return fieldError("the Source", "nil", "a log")
	}
	if cfg.Target == nil {
		return fieldError("Config.Target", "nil", "a policy")
	}
	if cfg.Reward == nil {
		cfg.Reward = Any(recsys.Click)
	}
	if cfg.Model != nil {
		m := *cfg.Model
		if m.Fit == nil {
			return fieldError("Model.Fit", "nil", "a function that trains a ranker")
		}
		if m.Folds == 0 {
			m.Folds = 5
		}
		if m.Folds < 2 {
			return fieldError("Model.Folds", fmt.Sprint(m.Folds), "at least 2 (0 means 5)")
		}
		cfg.Model = &m
		if _, ok := cfg.Target.(Chooser); !ok {
			return fieldError("Config.Target", fmt.Sprintf("a %T, which is no Chooser", cfg.Target), "one that Judge returns, or no Model")
		}
	}
	if cfg.Slates == nil {
		cfg.Slates = []ope.SlateEstimator{ope.SIPS(), ope.SNSIPS(), ope.RIPS()}
		if cfg.Options.Interval != ope.Bernstein { // it has none of that kind
			cfg.Slates = append(cfg.Slates, ope.SNRIPS())
		}
		if cfg.Model != nil {
			cfg.Slates = append(cfg.Slates, ope.CascadeDR())
		}
	}
	if cfg.Top == nil {
		cfg.Top = []ope.Estimator{ope.IPS(), ope.SNIPS()}
		if cfg.Model != nil {
			cfg.Top = append(cfg.Top, ope.DM(), ope.DR(), ope.SNDR())
		}
	}
	return cfg.checkEstimators()
}

// checkEstimators refuses estimators that need what there is not.
func (cfg *Config) checkEstimators() error {
	for _, e := range cfg.Slates {
		switch e {
		case ope.IIPS(), ope.SNIIPS():
			if _, ok := cfg.Target.(Placer); !ok {
				return fieldError("Config.Target", fmt.Sprintf("a %T, which is no Placer", cfg.Target), "one that Judge returns, for "+e.String())
			}
			cfg.places = true
		case ope.PseudoInverse(), ope.SNPseudoInverse():
			return fieldError("Config.Slates", e.String(), "estimators on what records hold; build ope.Slate yourself for this one")
		case ope.CascadeDR():
			if cfg.Model == nil {
				return fieldError("Config.Model", "nil", "a reward model, for "+e.String())
			}
		}
	}
	for _, e := range cfg.Top {
		switch e {
		case ope.BalancedIPS(), ope.BalancedDR(), ope.WeightedIPS(), ope.WeightedDR():
			return fieldError("Config.Top", e.String(), "estimators for one logger")
		}
		if e.NeedsModel() && cfg.Model == nil {
			return fieldError("Config.Model", "nil", "a reward model, for "+e.String())
		}
	}
	return nil
}

// evaluator reduces records.
type evaluator struct {
	cfg     *Config
	slates  *ope.SlateAccumulator
	top     *ope.Accumulator
	model   *predictor
	slate   ope.Slate
	choices []float64
}

// add reduces one record.
func (e *evaluator) add(ctx context.Context, s sample) error {
	x, n := s.x, len(s.rewards)
	out := &e.slate
	out.Reward = s.rewards
	out.Propensity, out.Target = resize(out.Propensity, n), resize(out.Target, n)
	for i := range n {
		out.Propensity[i] = x.Rows[i].Propensity
	}
	if err := e.cfg.Target.Propensities(ctx, x, out.Target); err != nil {
		return err
	}
	if e.model != nil {
		if err := e.predict(ctx, x); err != nil {
			return err
		}
	}
	if e.cfg.places {
		out.PlacePropensity, out.PlaceTarget = resize(out.PlacePropensity, n), resize(out.PlaceTarget, n)
		if err := e.cfg.Target.(Placer).PlaceProbabilities(ctx, x, out.PlacePropensity, out.PlaceTarget); err != nil {
			return err
		}
	}
	if err := e.slates.Add(out); err != nil {
		return err
	}
	row := ope.Row{Reward: s.rewards[0], Propensity: out.Propensity[0], Target: out.Target[0]}
	if e.model != nil {
		row.Model, row.Direct = out.Model[0], out.Direct[0]
	}
	return e.top.Add(row)
}

// predict fills the model's part of the slate.
func (e *evaluator) predict(ctx context.Context, x *recsys.Exposure) error {
	out, n := &e.slate, len(e.slate.Target)
	out.Model, out.Direct = resize(out.Model, n), resize(out.Direct, n)
	e.choices = resize(e.choices, len(x.Rows))
	t, err := restore(x)
	if err != nil {
		return err
	}
	q, err := e.model.predict(ctx, e.cfg.Model.fold(x.User), t)
	if err != nil {
		return err
	}
	for i := range n {
		if i > 0 && out.Target[i-1] == 0 {
			break // the target policy never comes here
		}
		if err := e.cfg.Target.(Chooser).Choices(ctx, x, i, e.choices); err != nil {
			return err
		}
		out.Model[i] = float64(q[x.Rows[i].Row])
		for r, p := range e.choices {
			if p > 0 {
				out.Direct[i] += float64(p * float64(q[r]))
			}
		}
	}
	return nil
}

// resize returns n zeros in s's memory.
func resize(s []float64, n int) []float64 {
	if cap(s) < n {
		return make([]float64, n)
	}
	s = s[:n]
	clear(s)
	return s
}

// errStopped ends a scan whose reader has enough.
var errStopped = errors.New("logged: stopped")

func isStopped(err error) bool { return errors.Is(err, errStopped) }
