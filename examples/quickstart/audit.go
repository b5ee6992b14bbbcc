package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync/atomic"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/metrics"
)

// audit is what the log of the explored pipeline says, beside what was seen online.
type audit struct {
	log  recsys.LogStats
	join recsys.JoinStats

	recall, ndcg []float64 // by test user, from the joined log
	equal        int       // test users of whom log and online agree on both, to the bit
	identical    int       // records that were answered again to the bit
	differs      string    // the first difference

	ips       metrics.Summary // of the click rate at place 1 of the greedy pipeline, from the log
	effective float64         // sample size of the estimate: (Σw)²/Σw²
	measured  metrics.Summary // the same, served
}

// audit reads the log in dir, joins clicks to slates, and measures, replays and re-weighs them.
func (m *models) audit(ctx context.Context, dir string, users []int, online, greedy *outcome, workers int) (*audit, error) {
	j, err := newAuditor(m, users, greedy.pipeline)
	if err != nil {
		return nil, err
	}
	files, err := recsys.LogFiles(dir, "")
	if err != nil {
		return nil, err
	}
	reader, err := recsys.OpenLog(files...)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	joiner, err := recsys.NewJoiner(recsys.JoinerConfig{Window: time.Minute, Lateness: time.Hour})
	if err != nil {
		return nil, err
	}
	batch := make([]recsys.Joined, 0, 64)
	judge := func() error {
		err := each(ctx, len(batch), workers, func(_, i int) error { return j.judge(ctx, &batch[i]) })
		batch = batch[:0]
		return err
	}
	for joined, err := range joiner.Join(reader.All()) {
		if err != nil {
			return nil, err
		}
		if batch = append(batch, joined); len(batch) == cap(batch) {
			if err := judge(); err != nil {
				return nil, err
			}
		}
	}
	if err := judge(); err != nil {
		return nil, err
	}
	a := j.result(online, greedy)
	a.log, a.join = reader.Stats(), joiner.Stats()
	return a, nil
}

// auditor judges the records of a log one by one, any number at a time.
type auditor struct {
	m      *models
	users  []int
	place  map[recsys.UserID]int // of a user among the test users
	again  *recsys.Pipeline      // the explored pipeline, built anew
	greedy *recsys.Pipeline

	identical    atomic.Int64
	recall, ndcg []float64 // by test user, as all that follow
	weight       []float64 // of the item at place 1 under greedy, against the log
	estimate     []float64
	differs      []string
}

func newAuditor(m *models, users []int, greedy *recsys.Pipeline) (*auditor, error) {
	nothing := recsys.ExposureSinkFunc(func(context.Context, *recsys.Exposure) error { return nil })
	again, err := recsys.NewPipeline(m.explored(nothing)...).Build()
	if err != nil {
		return nil, err
	}
	n := len(users)
	j := &auditor{
		m: m, users: users, place: make(map[recsys.UserID]int, n), again: again, greedy: greedy,
		recall: make([]float64, n), ndcg: make([]float64, n), weight: make([]float64, n), estimate: make([]float64, n),
		differs: make([]string, n),
	}
	for i, u := range users {
		j.place[recsys.UserID(u)] = i
	}
	return j, nil
}

func (j *auditor) judge(ctx context.Context, joined *recsys.Joined) error {
	x := joined.Exposure
	i, known := j.place[x.User]
	if !known || x.Shown == 0 {
		return nil
	}
	clicks := make([]float32, x.Shown)
	for row, feedback := range joined.Feedback {
		clicks[row] = flag(len(feedback) > 0)
	}
	_, targets := j.m.d.users[j.users[i]].cut()
	j.recall[i] = metrics.Recall(clicks, len(targets), cutoff)
	j.ndcg[i] = metrics.NDCGBinary(clicks, len(targets), cutoff)

	res, err := j.again.Replay(ctx, x)
	if err != nil {
		return err
	}
	if err := x.Diff(res); err != nil {
		j.differs[i] = x.ID + ": " + err.Error()
	} else {
		j.identical.Add(1)
	}
	// The greedy pipeline shows its first item with probability 1 and others not at all;
	// the record says how probable the item was under the explorer.
	target := make([]float64, x.Shown)
	if err := j.greedy.Propensities(ctx, x, target); err != nil {
		return err
	}
	j.weight[i] = target[0] / x.Rows[0].Propensity
	j.estimate[i] = j.weight[i] * float64(clicks[0])
	return nil
}

// result sums up when all records have been judged.
func (j *auditor) result(online, greedy *outcome) *audit {
	a := &audit{recall: j.recall, ndcg: j.ndcg, identical: int(j.identical.Load())}
	if i := slices.IndexFunc(j.differs, func(s string) bool { return s != "" }); i >= 0 {
		a.differs = j.differs[i]
	}
	sum, squares := 0.0, 0.0
	for i, w := range j.weight {
		if j.recall[i] == online.recall[i] && j.ndcg[i] == online.ndcg[i] {
			a.equal++
		}
		sum += w
		squares += w * w
	}
	if squares > 0 {
		a.effective = sum * sum / squares
	}
	a.ips, a.measured = metrics.Summarize(j.estimate), metrics.Summarize(greedy.first)
	return a
}

// lines is the audit in words.
func (a *audit) lines(users int) []string {
	list := []string{
		fmt.Sprintf("log of pipeline-explored: %d exposures, %d clicks, %.1f MB; %d clicks joined", a.log.Exposures, a.log.Feedback, float64(a.log.Bytes)/1e6, a.join.Joined),
		fmt.Sprintf("metrics from the joined log equal those seen online for %d of %d users", a.equal, users),
		fmt.Sprintf("replayed %d of %d identical", a.identical, a.join.Emitted),
	}
	if a.differs != "" {
		list = append(list, "first difference: "+a.differs)
	}
	gap := math.Abs(a.ips.Mean-a.measured.Mean) / math.Hypot(a.ips.StdErr, a.measured.StdErr)
	text := fmt.Sprintf("click rate at place 1 of pipeline: %s ± %s by inverse propensity from this log (effective sample size %.0f), %s ± %s served",
		three(a.ips.Mean), three(a.ips.StdErr), a.effective, three(a.measured.Mean), three(a.measured.StdErr))
	if !math.IsNaN(gap) && !math.IsInf(gap, 0) {
		text += fmt.Sprintf("; %.1f standard errors apart", gap)
	}
	return append(list, text)
}
