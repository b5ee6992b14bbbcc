package main

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/retrieval"
)

// What tuning holds out.
const (
	heldShare     = 0.2    // of each user's items, under the full protocol
	negatives     = 100    // per held-out item, under the sampled one
	maxTunedUsers = 10_000 // users whose held-out items are ranked
)

// tune returns the best settings that the trials found, and tells of each.
func (p *program) tune(ctx context.Context, in *retrieval.Interactions) (settings, error) {
	rnd := rand.New(rand.NewPCG(p.common.Seed, 0x7475_6e65)) // "tune"
	d, err := validation(in, p.sampled, rnd)
	if err != nil {
		return nil, err
	}
	if len(d.tests) == 0 {
		return nil, cli.Usagef("-tune needs users with two items or more, and %s has none", p.trainFile)
	}
	progress := cli.NewProgress(p.log, "tune", p.trials, nil)
	var best settings
	bestScore := math.Inf(-1)
	for trial := range p.trials {
		s := p.draw(rnd, trial, best)
		score, seconds, err := p.try(ctx, d, s)
		if err != nil {
			return nil, err
		}
		if score > bestScore {
			best, bestScore = s, score
		}
		progress.Add(1)
		fields := append(p.model.fields(s), cli.F(p.tuned(), score), cli.F("seconds", seconds))
		if err := p.event("trial", append([]cli.Field{cli.F("trial", trial)}, fields...)...); err != nil {
			return nil, err
		}
	}
	progress.Done()
	return best, p.event("tuned", append(p.model.fields(best), cli.F(p.tuned(), bestScore))...)
}

// tuned returns the name of the metric that tuning raises.
func (p *program) tuned() string { return p.tuneMetric + "@" + strconv.Itoa(p.cutoffs[0]) }

// draw returns the settings of a trial: first the defaults, then random ones, and in the
// second half random ones near the best.
func (p *program) draw(rnd *rand.Rand, trial int, best settings) settings {
	s := settings{}
	near := trial > p.trials/2
	for i := range p.model.params {
		q := &p.model.params[i]
		switch {
		case trial == 0 || p.given[q.name]:
			s[q.name] = p.settings[q.name]
		case near:
			s[q.name] = q.near(rnd, best[q.name])
		default:
			s[q.name] = q.random(rnd)
		}
	}
	return s
}

// random returns a value of what is searched, the default where nothing is.
func (q *param) random(rnd *rand.Rand) string {
	switch {
	case len(q.choices) > 0:
		return q.choices[rnd.IntN(len(q.choices))]
	case q.hi > q.lo:
		return q.at(rnd.Float64())
	}
	return q.def
}

// near returns a value like the given one: a choice changes one time in five, a number moves
// by about a tenth of its range.
func (q *param) near(rnd *rand.Rand, value string) string {
	switch {
	case len(q.choices) > 0:
		if rnd.IntN(5) == 0 {
			return q.random(rnd)
		}
		return value
	case q.hi > q.lo:
		x, _ := strconv.ParseFloat(value, 64)
		return q.at(q.unit(x) + float64(0.1*rnd.NormFloat64()))
	}
	return value
}

// at returns the value at place t of the range, 0 its start and 1 its end, rounded to what a
// person would type.
func (q *param) at(t float64) string {
	t = min(max(t, 0), 1)
	x := q.lo + float64(t*(q.hi-q.lo))
	if q.log {
		x = q.lo * math.Pow(q.hi/q.lo, t)
	}
	if q.integer {
		return strconv.Itoa(int(math.Round(x)))
	}
	x, _ = strconv.ParseFloat(strconv.FormatFloat(x, 'g', 3, 64), 64)
	return strconv.FormatFloat(x, 'f', -1, 64)
}

// unit is the inverse of at; places outside of the range are moved to its ends.
func (q *param) unit(x float64) float64 {
	x = min(max(x, q.lo), q.hi)
	if q.log {
		return math.Log(x/q.lo) / math.Log(q.hi/q.lo)
	}
	return (x - q.lo) / (q.hi - q.lo)
}

// try trains a model and returns its metric on the tests.
func (p *program) try(ctx context.Context, d *data, s settings) (score, seconds float64, err error) {
	start := time.Now()
	m, err := p.model.train(ctx, d.train, s, p.env(nil))
	if err != nil {
		return 0, 0, err
	}
	task := d.task(p.options)
	task.Cutoffs = p.cutoffs[:1]
	r, err := task.Evaluate(ctx, m)
	if err != nil {
		return 0, 0, err
	}
	score = map[string][]float64{"ndcg": r.NDCG, "recall": r.Recall, "hr": r.HitRate}[p.tuneMetric][0]
	return score, time.Since(start).Seconds(), nil
}

// validation holds items of every user with two or more out, and tests them on a sample of
// the users.
func validation(in *retrieval.Interactions, sampled bool, rnd *rand.Rand) (*data, error) {
	var kept retrieval.Records
	var held [][]int32 // by user row: item rows, ascending
	for u, user := range in.Users() {
		row, _ := in.ByUser().Row(u)
		n := 0
		switch {
		case len(row) < 2:
		case sampled:
			n = 1
		default:
			n = max(1, int(math.Round(heldShare*float64(len(row)))))
		}
		out := slices.Clone(row)
		rnd.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
		out = out[:n]
		slices.Sort(out)
		held = append(held, out)
		for _, e := range in.History(u) {
			item, _ := in.ItemRow(e.Item)
			if _, is := slices.BinarySearch(out, int32(item)); is {
				continue
			}
			kept.Users, kept.Items = append(kept.Users, user), append(kept.Items, e.Item)
			kept.Weights = append(kept.Weights, e.Value)
			if in.HasTimes() {
				kept.Times = append(kept.Times, e.Time.UnixNano())
			}
		}
	}
	train, err := retrieval.NewInteractions(kept, retrieval.SumWeights)
	if err != nil {
		return nil, err
	}
	d := newData(train, in.Items()...)
	for _, u := range sample(held, rnd) {
		t := test{user: in.Users()[u], weight: 1}
		for _, i := range held[u] {
			t.relevant = append(t.relevant, d.place(in.Items()[i]))
		}
		if sampled {
			row, _ := in.ByUser().Row(int(u))
			t.candidates = d.withNegatives(t.relevant, row, in.Items(), rnd)
		}
		d.tests = append(d.tests, t)
		d.positives += len(t.relevant)
	}
	return d, nil
}

// sample returns the rows of at most maxTunedUsers of the users who have something held
// out, ascending.
func sample(held [][]int32, rnd *rand.Rand) []int32 {
	var users []int32
	for u, items := range held {
		if len(items) > 0 {
			users = append(users, int32(u))
		}
	}
	if len(users) > maxTunedUsers {
		rnd.Shuffle(len(users), func(i, j int) { users[i], users[j] = users[j], users[i] })
		users = users[:maxTunedUsers]
		slices.Sort(users)
	}
	return users
}

// withNegatives returns the places of the positive and of random items that the user does not
// have, ascending.
func (d *data) withNegatives(positive, row []int32, items []recsys.ItemID, rnd *rand.Rand) []int32 {
	places := slices.Clone(positive)
	for range min(negatives, len(items)-len(row)) {
		for {
			i := int32(rnd.IntN(len(items)))
			at := d.place(items[i])
			_, had := slices.BinarySearch(row, i)
			if !had && !slices.Contains(places, at) {
				places = append(places, at)
				break
			}
		}
	}
	slices.Sort(places)
	return places
}
