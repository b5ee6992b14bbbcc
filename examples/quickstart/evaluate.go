package main

import (
	"context"
	"slices"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/metrics"
)

// outcome is how a variant did, by test user where not said otherwise.
type outcome struct {
	variant
	recall, ndcg []float64
	first        []float64 // whether the item at place 1 was a target
	diversity    []float64 // share of pairs in the slate that differ in the attribute; NaN for fewer than two
	took         []time.Duration
	shown        []float64         // by item of the catalogue: slates that it stood in
	stages       []string          // names, in funnel order
	stageTook    [][]time.Duration // by stage and user; -1 where it did not run
}

func newOutcome(v variant, users, items int) *outcome {
	o := &outcome{
		variant: v, recall: make([]float64, users), ndcg: make([]float64, users), first: make([]float64, users),
		diversity: make([]float64, users), took: make([]time.Duration, users), shown: make([]float64, items),
		stages: v.pipeline.Stages(),
	}
	for range o.stages {
		o.stageTook = append(o.stageTook, make([]time.Duration, users))
	}
	return o
}

// warm is the number of requests that are served before the clock counts.
const warm = 32

// evaluate serves each of the users once and compares the slate with the user's targets.
func evaluate(ctx context.Context, d *data, users []int, v variant, workers int, progress *cli.Progress) (*outcome, error) {
	o := newOutcome(v, len(users), len(d.items))
	slates := make([][]recsys.ItemID, len(users))
	results := make([]recsys.Result, workers)
	answer := func(w, i int) (*recsys.Result, error) {
		history, targets := d.users[users[i]].cut()
		req, res := request(d, users[i], history), &results[w]
		if v.recorder != nil {
			v.recorder.prepare(i, req)
		}
		if err := serve(ctx, v.pipeline, req, res); err != nil {
			return nil, err
		}
		if v.recorder != nil {
			return res, v.recorder.record(ctx, req, targets, res)
		}
		return res, nil
	}
	if v.recorder == nil {
		err := each(ctx, min(warm, len(users)), workers, func(w, i int) error {
			_, err := answer(w, i)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	err := each(ctx, len(users), workers, func(w, i int) error {
		res, err := answer(w, i)
		if err != nil {
			return err
		}
		slates[i] = itemsOf(res)
		o.time(i, res)
		progress.Add(1)
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i, u := range users {
		o.judge(d, i, &d.users[u], slates[i])
	}
	return o, nil
}

func itemsOf(res *recsys.Result) []recsys.ItemID {
	ids := make([]recsys.ItemID, len(res.Items))
	for i, x := range res.Items {
		ids[i] = x.ID
	}
	return ids
}

// time takes over how long the request of test user i took.
func (o *outcome) time(i int, res *recsys.Result) {
	o.took[i] = res.Trace.Total
	for s, x := range res.Trace.Stages {
		if o.stageTook[s][i] = x.Took; !x.Ran {
			o.stageTook[s][i] = -1
		}
	}
}

// judge compares the slate of test user i with what the user did. It is not safe for
// concurrent use.
func (o *outcome) judge(d *data, i int, u *user, slate []recsys.ItemID) {
	_, targets := u.cut()
	gains := make([]float32, len(slate))
	for place, id := range slate {
		o.shown[id]++
		gains[place] = flag(hits(targets, id))
	}
	o.recall[i] = metrics.Recall(gains, len(targets), cutoff)
	o.ndcg[i] = metrics.NDCGBinary(gains, len(targets), cutoff)
	o.first[i] = metrics.HitRate(gains, 1)
	o.diversity[i] = metrics.IntraListDiversity(slate, func(a, b recsys.ItemID) float64 {
		return float64(flag(d.items[a].maker != d.items[b].maker))
	})
}

// exposure returns how often each item of the catalogue was shown, zeros included.
func (o *outcome) exposure(catalogue []recsys.ItemID) []float64 {
	list := make([]float64, len(catalogue))
	for i, id := range catalogue {
		list[i] = o.shown[id]
	}
	return list
}

// quantile returns the smallest time that a share q of the requests did not exceed, in
// microseconds; requests in which the stage did not run do not count. 0 without any.
func quantile(took []time.Duration, q float64) float64 {
	list := slices.DeleteFunc(slices.Clone(took), func(t time.Duration) bool { return t < 0 })
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	at := max(0, int(q*float64(len(list))+0.999999)-1)
	return float64(list[min(at, len(list)-1)]) / float64(time.Microsecond)
}

// request is what a service would send for a user of whom the history is known.
func request(d *data, u int, history []recsys.Event) *recsys.Request {
	req := &recsys.Request{ID: d.users[u].name, User: recsys.UserID(u), Surface: "editor", K: cutoff, History: history, Now: d.end}
	for _, e := range history {
		req.Exclude = append(req.Exclude, e.Item)
	}
	return req
}
