package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/metrics"
	"github.com/recsyskit/recsys/ranking"
)

// run is one variant in one world.
type run struct {
	w *world
	v variant

	joiner    *recsys.Joiner
	collector *ranking.Collector
	rows      []shown // as they stand in the collector
	history   [][]recsys.Event
	taken     [][]recsys.ItemID // by user: what was clicked, and is not shown again

	exposure [][]int     // by round, by item
	slates   [][][]int32 // by round, by user
	seen     []float64   // the examination that was last estimated, of weighted variants
}

// course is how a run went, by round after the warm-up.
type course struct {
	reward, gini, coverage, recall []float64
	start                          float64   // Gini of the warm-up
	seen                           []float64 // the examination that was last estimated, of weighted variants
}

// historyLength is how many clicks of a user a request carries.
const historyLength = 50

func newRun(w *world, v variant) (*run, error) {
	r := &run{w: w, v: v, history: make([][]recsys.Event, w.Users), taken: make([][]recsys.ItemID, w.Users)}
	var err error
	if r.joiner, err = recsys.NewJoiner(recsys.JoinerConfig{Window: time.Hour}); err != nil {
		return nil, err
	}
	r.collector, err = ranking.NewCollector(ranking.CollectorConfig{
		Columns: []string{"rate", "popularity", "age", "topic", "similar"}, IDColumns: []string{}, Heads: []string{"click"},
	})
	return r, err
}

// play lets the loop run: serve, log, join, train, and again.
func (w *world) play(ctx context.Context, v variant, progress func()) (*course, error) {
	r, err := newRun(w, v)
	if err != nil {
		return nil, err
	}
	c := &course{}
	for n := range w.rounds {
		reward, err := r.round(ctx, n)
		if err != nil {
			return nil, fmt.Errorf("%s, seed %d, round %d: %w", v.name, w.seed, n, err)
		}
		switch {
		case n == w.Warmup-1:
			c.start, _ = r.spread(n)
		case n >= w.Warmup:
			gini, coverage := r.spread(n)
			c.reward, c.gini, c.coverage = append(c.reward, reward), append(c.gini, gini), append(c.coverage, coverage)
			c.recall = append(c.recall, r.recall(n))
		}
		progress()
	}
	c.seen = r.seen
	return c, nil
}

// round serves all users once, joins their clicks, and returns the mean worth of the slates.
func (r *run) round(ctx context.Context, n int) (float64, error) {
	slates, err := r.serveAll(ctx, n)
	if err != nil {
		return 0, err
	}
	exposure, worth := make([]int, len(r.w.items)), 0.0
	for u, slate := range slates {
		worth += r.w.worth(n, u, slate) / float64(len(slates))
		for k, i := range slate {
			exposure[i]++
			if r.w.clicks(n, u, int(i), k) {
				r.click(n, u, recsys.ItemID(i))
			}
		}
	}
	r.exposure, r.slates = append(r.exposure, exposure), append(r.slates, slates)
	return worth, r.join(n)
}

// serveAll returns the slate of each user.
func (r *run) serveAll(ctx context.Context, n int) ([][]int32, error) {
	slates := make([][]int32, r.w.Users)
	if r.v.oracle && n >= r.w.Warmup {
		for u := range slates {
			slates[u] = r.ideal(n, u)
		}
		return slates, nil
	}
	m, err := r.train(ctx, n)
	if err != nil {
		return nil, err
	}
	if m.seen != nil {
		r.seen = m.seen
	}
	p, err := r.serve(n, m)
	if err != nil {
		return nil, err
	}
	var res recsys.Result
	for u := range slates {
		req := r.request(n, u)
		if err := p.RecommendInto(ctx, &req, &res); err != nil {
			return nil, err
		}
		if len(res.Degraded) > 0 || len(res.Items) != r.w.Slate {
			return nil, fmt.Errorf("user %d got %d items; degraded: %v", u, len(res.Items), res.Degraded)
		}
		for _, x := range res.Items {
			slates[u] = append(slates[u], int32(x.ID))
		}
	}
	return slates, p.Close(ctx)
}

func (r *run) request(n, user int) recsys.Request {
	id := fmt.Sprintf("%d/%d", n, user)
	return recsys.Request{
		ID: id, User: recsys.UserID(user), K: r.w.Slate, Now: timeOf(n).Add(time.Duration(user) * time.Second),
		Seed: recsys.HashID(fmt.Sprint(r.w.seed, "/", id)), History: r.history[user], Exclude: r.taken[user],
	}
}

// log keeps an exposure record until its round is over.
func (r *run) log(_ context.Context, x *recsys.Exposure) error {
	r.joiner.AddExposure(x.Clone())
	return nil
}

// click logs feedback, and remembers it for later requests.
func (r *run) click(n, user int, item recsys.ItemID) {
	now := timeOf(n).Add(time.Duration(user)*time.Second + time.Second/2)
	r.joiner.AddFeedback(&recsys.Feedback{Request: fmt.Sprintf("%d/%d", n, user), User: recsys.UserID(user), Item: item, Kind: recsys.Click, Time: now})
	r.history[user] = append(r.history[user], recsys.Event{Item: item, Kind: recsys.Click, Time: now})
	if over := len(r.history[user]) - historyLength; over > 0 {
		r.history[user] = slices.Clone(r.history[user][over:])
	}
	r.taken[user] = append(r.taken[user], item)
}

// join turns what the round has logged into rows to train on.
func (r *run) join(n int) error {
	r.joiner.Flush()
	for {
		j, ok := r.joiner.Next()
		if !ok {
			return nil
		}
		err := r.collector.AddJoined(j, func(dst []float32, feedback []recsys.Feedback) error {
			dst[0] = 0
			if len(feedback) > 0 {
				dst[0] = 1
			}
			return nil
		})
		if err != nil {
			return err
		}
		for k, row := range j.Exposure.Rows[:j.Exposure.Shown] {
			r.rows = append(r.rows, shown{
				n, int(j.Exposure.User), int(row.Item), k, row.Propensity, len(j.Feedback[k]) > 0,
			})
		}
	}
}

// ideal is the slate of the items that the user likes best and has not taken.
func (r *run) ideal(n, user int) []int32 {
	liked := slices.Clone(r.w.rounds[n].liked[user])
	for _, i := range r.taken[user] {
		liked[i] = -1
	}
	return best(liked, r.w.Slate)
}

// spread returns the Gini index of the exposure in the window that ends with round n, and the share of items that were shown in it. Items
// that arrived within the window are left out, since they had less time to be shown.
func (r *run) spread(n int) (gini, coverage float64) {
	from := max(0, n+1-r.w.Window)
	counts := make([]int, r.w.rounds[from].items)
	for _, of := range r.exposure[from : n+1] {
		for i := range counts {
			counts[i] += of[i]
		}
	}
	covered := 0
	for _, c := range counts {
		if c > 0 {
			covered++
		}
	}
	return metrics.Gini(counts), float64(covered) / float64(len(counts))
}

// recall returns, of the items that a user would like best now, the share that he was shown in the window, or has taken before: the
// mean over users.
func (r *run) recall(n int) (mean float64) {
	for u := range r.w.Users {
		met := map[int32]bool{}
		for _, of := range r.slates[max(0, n+1-r.w.Window) : n+1] {
			for _, i := range of[u] {
				met[i] = true
			}
		}
		for _, i := range r.taken[u] {
			met[int32(i)] = true
		}
		hits := 0
		for _, i := range r.w.rounds[n].wanted[u] {
			if met[i] {
				hits++
			}
		}
		mean += float64(hits) / float64(len(r.w.rounds[n].wanted[u])) / float64(r.w.Users)
	}
	return mean
}
