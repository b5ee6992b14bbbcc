package bandit

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/hash"
)

// FeedbackError says which feedback was refused and why. Nothing of it was learned.
type FeedbackError struct {
	Index   int // in the slice that Learn was given
	ID      string
	Request string
	Item    recsys.ItemID
	Field   string  // "Time", "Value", or "Reward": what Config.Reward made of it
	Value   float64 // of a time its year
	Reason  string
}

// Error names the record, the field, its value and what is wrong with it.
func (e *FeedbackError) Error() string {
	return fmt.Sprintf("bandit: feedback %d (id %q, request %q, item %d): %s is %v; %s", e.Index, e.ID, e.Request, e.Item, e.Field, e.Value, e.Reason)
}

// Learn takes feedback into account, in the order given; late, doubled and unordered feedback is expected. See
// [Policy] for what counts. Then it settles the decisions that have waited for longer than [Config].Window, measured
// by the latest [recsys.Feedback].Time: a clock that is ahead settles decisions too soon, until their feedback corrects that. The
// error joins one [*FeedbackError] for each record with a reward that is not finite or outside the algorithm's domain, or a
// time outside the years 1678 to 2261; the others have been learned. If ctx is done, the error wraps ctx.Err(), and the records after the one
// that it names have not been looked at; to give the whole slice again does no harm. It allocates nothing in steady state.
func (p *Policy) Learn(ctx context.Context, feedback []recsys.Feedback) error {
	st := p.store
	var errs []error
	st.mu.Lock()
	defer st.mu.Unlock()
	latest, timed := st.latest, st.timed
	for i := range feedback {
		if i%256 == 0 {
			if err := ctx.Err(); err != nil {
				return errors.Join(append(errs, fmt.Errorf("bandit: learned %d of %d records: %w", i, len(feedback), err))...)
			}
		}
		f := &feedback[i]
		if at := nano(f.Time); !f.Time.IsZero() && nanoFits(f.Time) && (!timed || at > latest) {
			latest, timed = at, true
		}
		if err := st.hear(f, i, &st.spec); err != nil {
			errs = append(errs, err)
		}
	}
	if timed {
		st.advance(latest)
	}
	return errors.Join(errs...)
}

// Advance tells the policy that event time has come to now: what has waited for longer than [Config].Window
// settles with reward 0. Learn does the same by the times of feedback; a service that has none for
// long calls Advance. Time never goes back.
func (p *Policy) Advance(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.advance(nano(now))
}

func (st *store) advance(now int64) {
	if st.watch != nil {
		st.change.Kind, st.change.Now = ChangeAdvance, now
		st.watch(&st.change)
	}
	if !st.timed || now > st.latest {
		st.latest, st.timed = now, true
	}
	if st.cfg.Window < 0 {
		return
	}
	limit := st.latest - int64(st.cfg.Window)
	if limit > st.latest {
		return // before the beginning of time
	}
	for d := st.memory.overdue(limit); d != nil; d = st.memory.overdue(limit) {
		st.stats.Expired += uint64(d.waiting)
		st.settleAll(d)
	}
}

// take learns one record.
func (st *store) take(f *recsys.Feedback, index int, spec *spec) error {
	reward, counts := st.cfg.Reward(f)
	if !counts {
		st.stats.Ignored++
		return nil
	}
	if !f.Time.IsZero() && !nanoFits(f.Time) {
		return &FeedbackError{
			Index: index, ID: f.ID, Request: f.Request, Item: f.Item, Field: "Time", Value: float64(f.Time.Year()),
			Reason: "want a year from 1678 to 2261",
		}
	}
	if !(reward >= spec.lo && reward <= spec.hi) {
		e := &FeedbackError{Index: index, ID: f.ID, Request: f.Request, Item: f.Item, Field: "Reward", Value: reward, Reason: spec.domain()}
		if math.IsNaN(float64(f.Value)) || math.IsInf(float64(f.Value), 0) {
			e.Field, e.Value = "Value", float64(f.Value)
		}
		return e
	}
	d := st.memory.find(f.Request)
	if d == nil {
		st.stats.Unmatched++
		return nil
	}
	place := d.place(f.Item)
	if place < 0 {
		st.stats.Unmatched++
		return nil
	}
	if len(d.seen) == maxActs {
		st.stats.Ignored++
		return nil
	}
	if !d.note(f) {
		st.stats.Doubled++
		return nil
	}
	before := d.total[place]
	d.total[place] += reward
	st.reward(d, place, before, spec)
	return nil
}

// maxActs is the number of acts that count for one decision: who sends more is no user.
const maxActs = 1000

// note remembers that f has come, and reports whether it is new.
func (d *pending) note(f *recsys.Feedback) bool {
	key := hash.Combine(1, uint64(f.Item), uint64(f.Kind))
	if f.ID != "" {
		key = hash.String(2, f.ID)
	}
	for _, x := range d.seen {
		if x == key {
			return false
		}
	}
	d.seen = append(d.seen, key)
	return true
}

// reward settles a place whose rewards were before, or corrects it.
func (st *store) reward(d *pending, place int, before float64, spec *spec) {
	reward := st.held(d.total[place], spec)
	if !spec.cascade {
		st.observe(d, place, reward, st.held(before, spec))
		return
	}
	// The first reward ends what was seen. A reward above an earlier one takes back what was learned of the places between.
	if place >= d.end {
		st.stats.Unseen++
		return
	}
	if reward <= 0 {
		st.observe(d, place, reward, st.held(before, spec))
		return
	}
	for i := place + 1; i < d.end; i++ {
		st.withdraw(d, i, spec)
	}
	for i := range place {
		if d.state[i] == placeWaits {
			st.observe(d, i, st.held(d.total[i], spec), 0)
		}
	}
	d.end = place + 1
	st.observe(d, place, reward, st.held(before, spec))
}

func (st *store) held(total float64, spec *spec) float64 { return min(max(total, spec.lo), spec.hi) }

// observe adds a place's reward, or the difference to what was added before.
func (st *store) observe(d *pending, place int, reward, before float64) {
	o := st.outcome(d, place, 1, reward)
	if d.state[place] == placeObserved {
		if reward == before {
			return
		}
		o.count, o.reward, o.tick = 0, reward-before, d.ticks[place]
		st.stats.Corrected++
	} else {
		d.state[place] = placeObserved
		d.waiting--
		st.memory.waiting--
		st.stats.Settled++
	}
	st.learnerOf(d.segment).add(o)
	d.ticks[place] = o.tick
	st.stats.Version++
}

// outcome describes a step about a place, in the store's own memory.
func (st *store) outcome(d *pending, place int, count, reward float64) *outcome {
	st.step = outcome{
		arm: d.arms[place], count: count, reward: reward, x: d.context(place),
		propensity: d.props[place], choices: int(d.choices[place]), place: place,
	}
	return &st.step
}

// withdraw takes back what was learned of a place of a cascade that was not seen.
func (st *store) withdraw(d *pending, place int, spec *spec) {
	switch d.state[place] {
	case placeWaits:
		d.state[place] = placeObserved
		d.waiting--
		st.memory.waiting--
	case placeObserved:
		o := st.outcome(d, place, -1, -st.held(d.total[place], spec))
		o.tick = d.ticks[place]
		st.learnerOf(d.segment).add(o)
		st.stats.Version++
	}
	st.stats.Unseen++
}

// settleAll counts what still waits in d with the rewards that it has, which are 0.
func (st *store) settleAll(d *pending) {
	for i := range d.state {
		if d.state[i] == placeWaits {
			st.observe(d, i, 0, 0)
		}
	}
}
