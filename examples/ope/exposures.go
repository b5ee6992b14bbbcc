package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/bandit"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/metrics/ope"
	"github.com/recsyskit/recsys/metrics/ope/logged"
	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/gbdt"
	"github.com/recsyskit/recsys/rerank"
)

// judgeLog judges a policy on an exposure log.
func (o *options) judgeLog(ctx context.Context) (*results, error) {
	files, err := logFiles(o.log)
	if err != nil {
		return nil, err
	}
	kind, reward, err := rewardOf(o.reward)
	if err != nil {
		return nil, err
	}
	o.seen = map[recsys.EventKind]int{}
	o.counts = kind
	cfg := logged.Config{
		Reward: o.counting(reward), Options: o.opt, Pipeline: o.pipeline, Mixed: o.mixed, MixedK: o.mixedK, Estimated: o.estimated,
	}
	if cfg.Target, err = o.policy(files); err != nil {
		return nil, err
	}
	if o.model != "none" {
		if _, ok := cfg.Target.(logged.Chooser); !ok {
			return nil, cli.Usagef("-model %s goes with a policy, not with a file of propensities", o.model)
		}
		cfg.Model = &logged.Model{Fit: o.fit, Folds: o.folds, Seed: o.Seed}
	}
	if o.positions {
		if _, ok := cfg.Target.(logged.Placer); !ok || o.unproven {
			return nil, cli.Usagef("-positions goes with a policy and a known logger, not with -unproven or a file of propensities")
		}
		cfg.Slates = []ope.SlateEstimator{ope.SIPS(), ope.SNSIPS(), ope.IIPS(), ope.SNIIPS(), ope.RIPS(), ope.SNRIPS()}
		if cfg.Model != nil {
			cfg.Slates = append(cfg.Slates, ope.CascadeDR())
		}
	}
	report, err := logged.Evaluate(ctx, logged.Files(files...), cfg)
	if err != nil {
		return nil, o.blameLog(err)
	}
	if err := o.noFeedback(); err != nil {
		return nil, err
	}
	r := &results{
		title: fmt.Sprintf("%s per slate, by %s, on %d records of %s", o.reward, o.target, report.Counts.Judged, o.log),
		notes: []string{fmt.Sprintf("%d exposures: %d judged, %d degraded, %d of other pipelines; %d acts joined; %d torn lines",
			report.Counts.Exposures, report.Counts.Judged, report.Counts.Degraded, report.Counts.OtherPipeline, report.Join.Joined, report.Log.Torn)},
	}
	for i, e := range report.Slates.Estimates {
		r.lines = append(r.lines, line{name: e.Estimator, of: "slate", known: true, est: e})
		r.tails = append(r.tails, tail{e.Estimator, report.Slates.Diagnostics[i]})
	}
	for _, e := range report.Top.Estimates {
		r.lines = append(r.lines, line{name: e.Estimator, of: "first place", known: true, est: e})
	}
	r.tails = append(r.tails, tail{"first place", report.Top.Diagnostics})
	return r, nil
}

// logFiles returns the files of a log, which may be a folder.
func logFiles(name string) ([]string, error) {
	st, err := os.Stat(name)
	if err != nil {
		return nil, cli.Inputf(name, 0, "%v", reason(err))
	}
	if !st.IsDir() {
		return []string{name}, nil
	}
	files, err := filepath.Glob(filepath.Join(name, "*.jsonl*")) // names sort by time
	if err == nil && len(files) == 0 {
		err = errors.New("the folder holds no .jsonl file")
	}
	if err != nil {
		return nil, cli.Inputf(name, 0, "%v", err)
	}
	return files, nil
}

// reason is the error without the path, which stands before it.
func reason(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// blameLog makes an error about the log's content one of the caller's input.
func (o *options) blameLog(err error) error {
	var at *recsys.LogError
	var record *logged.RecordError
	var mismatch *logged.MismatchError
	var window *logged.WindowError
	var field *ope.FieldError
	var input *cli.InputError
	switch {
	case errors.As(err, &input):
		return input
	case errors.As(err, &record) && errors.As(err, &window):
		return cli.Inputf(o.log, 0, "record %q: place %d shows row %d of the order, beyond the %d that its explorer is taken to have chosen from: say the pipeline's depth by -depth",
			record.ID, window.Place, window.Rank+1, window.Depth)
	case errors.As(err, &record) && errors.As(err, &mismatch):
		return cli.Inputf(o.log, 0, "record %q: place %d was logged with propensity %v; the logger, as far as flags tell, gives %v: say -logger, -depth or -max-per, or judge by a file of propensities",
			record.ID, mismatch.Place, mismatch.Logged, mismatch.Computed)
	case errors.As(err, &at):
		return cli.Inputf(at.File, at.Line, "%s", strings.TrimPrefix(at.Field+": "+reason(at.Err).Error(), ": "))
	case errors.As(err, &record), errors.Is(err, ope.ErrEmpty):
		return cli.Inputf(o.log, 0, "%v", err)
	case errors.As(err, &field) && strings.HasPrefix(field.Field, "Options"):
		return &cli.UsageError{Err: err}
	}
	return err
}

// rewardOf returns the reward of a name, and the kind of feedback that it counts.
func rewardOf(name string) (recsys.EventKind, logged.Reward, error) {
	kindName, sum := strings.CutPrefix(name, "sum:")
	var kind recsys.EventKind
	if err := kind.UnmarshalText([]byte(kindName)); err != nil {
		return kind, nil, cli.Usagef("-reward is %q; want a kind of feedback such as click, or sum: before it", name)
	}
	if sum {
		return kind, logged.Sum(kind), nil
	}
	return kind, logged.Any(kind), nil
}

// counting returns the reward, and counts in o.seen what feedback it is given.
func (o *options) counting(reward logged.Reward) logged.Reward {
	return func(x *recsys.Exposure, place int, feedback []recsys.Feedback) float64 {
		for i := range feedback {
			o.seen[feedback[i].Kind]++
		}
		return reward(x, place, feedback)
	}
}

// noFeedback returns an error if no record has feedback of the kind that counts: then every policy
// would earn 0, and that says more of the flag or the join than of the policy.
func (o *options) noFeedback() error {
	if o.seen[o.counts] > 0 {
		return nil
	}
	var kinds []string
	for kind := range o.seen {
		kinds = append(kinds, kind.String())
	}
	slices.Sort(kinds)
	has := "no feedback at all"
	if len(kinds) > 0 {
		has = strings.Join(kinds, ", ")
	}
	return cli.Inputf(o.log, 0, "-reward %s: no such feedback in the log: its records have %s", o.reward, has)
}

// explorerOf returns the explorer of a name; ok is false when there is none.
func explorerOf(name string) (j recsys.Judge, ok bool, err error) {
	kind, value, _ := strings.Cut(name, ":")
	var x float64
	switch kind {
	case "uniform", "greedy":
		if kind != name {
			return nil, true, cli.Usagef("%s takes no parameter, not %q", kind, value)
		}
	case "softmax", "pl", "eps":
		if x, err = strconv.ParseFloat(value, 64); err != nil {
			return nil, true, cli.Usagef("%q: want a number behind %s:", name, kind)
		}
	default:
		return nil, false, nil
	}
	switch kind {
	case "uniform":
		return bandit.Uniform{}, true, nil
	case "greedy":
		return bandit.EpsilonGreedy(0), true, nil
	case "eps":
		j = bandit.EpsilonGreedy(x)
	default:
		j = bandit.PlackettLuce(x)
	}
	if err := j.(recsys.Validator).Validate(); err != nil {
		return nil, true, cli.Usagef("%q: %v", name, err)
	}
	return j, true, nil
}

// policy returns the target policy.
func (o *options) policy(files []string) (logged.Policy, error) {
	target, ok, err := explorerOf(o.target)
	if err != nil {
		return nil, err
	}
	if !ok {
		return readTable(o.target)
	}
	cfg := logged.JudgeConfig{Depth: o.depth, Unproven: o.unproven}
	if !o.unproven {
		if cfg.Logger, err = o.loggerOf(files); err != nil {
			return nil, err
		}
	}
	if o.maxPer != "" {
		column, value, _ := strings.Cut(o.maxPer, ":")
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 || column == "" {
			return nil, cli.Usagef("-max-per is %q; want column:n", o.maxPer)
		}
		cfg.Constraints = []recsys.Constraint{rerank.MaxPer(column, n)}
	}
	return logged.Judge(target, cfg)
}

// loggerOf returns the explorer that made the log: that of the flag, or what the first record says.
func (o *options) loggerOf(files []string) (recsys.Judge, error) {
	if o.logger != "" {
		j, ok, err := explorerOf(o.logger)
		if err == nil && !ok {
			err = cli.Usagef("-logger is %q; want uniform, softmax:T, pl:T or eps:E", o.logger)
		}
		return j, err
	}
	for rec, err := range logged.Files(files...).Records() {
		if err != nil {
			return nil, o.blameLog(err)
		}
		x := rec.Exposure
		if x == nil || x.Explorer == "" || o.pipeline != "" && x.Pipeline != o.pipeline {
			continue
		}
		if x.Exploration == recsys.ExplorationDeterministic {
			return nil, o.blameLog(&logged.RecordError{ID: x.ID, Err: ope.ErrDeterministic})
		}
		for _, v := range x.Versions {
			if j := versioned(v.Version); j != nil && v.Stage == x.Explorer {
				return j, nil
			}
		}
		return nil, cli.Inputf(o.log, 0, "record %q: its explorer %q is none that this program knows by its version; name it by -logger, set -unproven, or give -target a file", x.ID, x.Explorer)
	}
	return bandit.Uniform{}, nil // no record has an explorer: the log is refused for that
}

// versioned returns the explorer of a version; nil if there is none.
func versioned(version string) recsys.Judge {
	name, value, _ := strings.Cut(version, "=")
	x, err := strconv.ParseFloat(value, 64)
	switch {
	case version == bandit.Uniform{}.Version():
		return bandit.Uniform{}
	case err == nil && strings.HasPrefix(name, "plackett-luce/1 "):
		return bandit.PlackettLuce(x)
	case err == nil && strings.HasPrefix(name, "epsilon-greedy/1 "):
		return bandit.EpsilonGreedy(x)
	}
	return nil
}

// readTable reads a file of propensities.
func readTable(name string) (logged.Policy, error) {
	table := logged.Table{}
	err := cli.ReadLines(name, func(_ int, text []byte) error {
		if len(strings.TrimSpace(string(text))) == 0 {
			return nil
		}
		var l struct {
			ID           *string    `json:"id"`
			Propensities []*float64 `json:"propensities"`
		}
		if err := json.Unmarshal(text, &l); err != nil {
			return err
		}
		if l.ID == nil || l.Propensities == nil {
			return errors.New(`want {"id":"…","propensities":[…]}`)
		}
		if table[*l.ID] != nil {
			return fmt.Errorf("id %q comes twice", *l.ID)
		}
		p := make([]float64, len(l.Propensities))
		for i, x := range l.Propensities {
			if x == nil || !(*x >= 0 && *x <= 1) {
				return fmt.Errorf("propensities[%d] of %q is no number in [0, 1]", i, *l.ID)
			}
			p[i] = *x
		}
		table[*l.ID] = p
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(table) == 0 {
		return nil, cli.Inputf(name, 0, "the file holds no propensities")
	}
	return table, nil
}

// fit trains the reward model on features as they were served.
func (o *options) fit(ctx context.Context, train iter.Seq2[*recsys.Exposure, []float64]) (recsys.Ranker, error) {
	collector, err := ranking.NewCollector(ranking.CollectorConfig{Heads: []string{"reward"}})
	if err != nil {
		return nil, err
	}
	var labels []float32
	binary, records := true, 0
	for x, rewards := range train {
		records++
		labels = labels[:0]
		for _, r := range rewards {
			labels = append(labels, float32(r))
			binary = binary && (r == 0 || r == 1)
		}
		if err := collector.Add(x, labels); err != nil {
			return nil, err
		}
	}
	if records == 0 {
		return nil, ope.ErrEmpty
	}
	if err := o.noFeedback(); err != nil { // the model would learn nothing
		return nil, err
	}
	data, err := collector.Dataset()
	if err != nil {
		return nil, err
	}
	if len(data.Columns)+len(data.IDColumns) == 0 {
		return nil, cli.Inputf(o.log, 0, "-model %s: the records hold no feature columns to predict rewards from; leave out -model", o.model)
	}
	if o.model == "linear" {
		if !binary {
			return nil, errors.New("-model linear predicts probabilities, and a reward is neither 0 nor 1; want -model boosted")
		}
		return ranking.TrainLinear(ctx, ranking.LinearConfig{Seed: o.Seed, Workers: o.Workers}, data)
	}
	cfg := gbdt.Config{Rounds: 50, LearningRate: 0.1, Leaves: 15, Seed: o.Seed, Workers: o.Workers}
	if binary {
		cfg.Objective.Loss = gbdt.LogLoss
	}
	return gbdt.Train(ctx, cfg, data)
}

// finite reports whether x is a number.
func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
