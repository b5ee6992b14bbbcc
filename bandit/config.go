package bandit

import (
	"fmt"
	"math"
	"time"

	"github.com/recsyskit/recsys"
)

// Config is what all policies have in common, whatever the [Algorithm]. The zero value
// is a policy whose arms are the items, that takes a click for a reward of 1.
type Config struct {
	// Arm names an ID column of items whose value is the arm: "creator". Items of the same value share
	// what is learned; those without one are the arm 0. Empty: each item is an arm.
	Arm string

	// Segment names an ID column of the request, for example "country": each of its values
	// has arms of its own, and starts cold. Each value that ever had feedback costs memory: name a column of few values. Empty: there is
	// one segment.
	Segment string

	// Reward turns feedback into a reward, or says that it does not count. The rewards of different feedback on one shown
	// item add up, and the sum is held within the domain of the algorithm. Nil means [ClickReward].
	// It must be a pure function that does not call the policy; it is called from any goroutine.
	Reward func(f *recsys.Feedback) (reward float64, counts bool)

	// Window is how long a shown item waits for feedback: when event time (the latest
	// [recsys.Feedback].Time that Learn has seen, or what Advance was told) has passed the decision by more than that, the item counts as
	// shown with reward 0. Feedback that comes later corrects it. 0 means one hour, as of
	// [recsys.Joiner]; below 0 nothing counts until it has feedback: for logs that report rewards of 0 too.
	Window time.Duration

	// Retention is the number of decisions that are remembered for their feedback; beyond it the oldest
	// goes, its waiting items counted with reward 0 (or not at all, if Window is below 0), and what
	// comes for it later is [Stats].Unmatched. 0 means 100,000, of about 430 bytes and 55 per place each,
	// without contexts. It should exceed the decisions of a Window and of the lateness of feedback.
	Retention int
}

const (
	defaultWindow    = time.Hour
	defaultRetention = 100_000
)

// Validate returns an error that names the field that is out of its domain.
func (c *Config) Validate() error {
	if c.Retention < 0 || c.Retention > math.MaxInt32 {
		return fmt.Errorf("bandit: Config.Retention is %d; want 0 to %d (0 means %d)", c.Retention, math.MaxInt32, defaultRetention)
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.Reward == nil {
		c.Reward = ClickReward
	}
	if c.Window == 0 {
		c.Window = defaultWindow
	}
	if c.Retention == 0 {
		c.Retention = defaultRetention
	}
	return c
}

// ClickReward is the default of [Config].Reward: 1 for a click; 0 for a skip, a dislike and a
// hide, so that the item does not wait any longer; other kinds do not count.
func ClickReward(f *recsys.Feedback) (reward float64, counts bool) {
	switch f.Kind {
	case recsys.Click:
		return 1, true
	case recsys.Skip, recsys.Dislike, recsys.Hide:
		return 0, true
	}
	return 0, false
}

// KindReward returns a [Config].Reward that gives each kind its number; kinds that are not
// in the map do not count. It keeps no reference to the map.
func KindReward(rewards map[recsys.EventKind]float64) func(f *recsys.Feedback) (float64, bool) {
	var table [256]float64
	var counts [256]bool
	for kind, r := range rewards {
		table[kind], counts[kind] = r, true
	}
	return func(f *recsys.Feedback) (float64, bool) { return table[f.Kind], counts[f.Kind] }
}

// ValueReward returns a [Config].Reward that takes [recsys.Feedback].Value of one kind; other
// kinds do not count.
func ValueReward(kind recsys.EventKind) func(f *recsys.Feedback) (float64, bool) {
	return func(f *recsys.Feedback) (float64, bool) { return float64(f.Value), f.Kind == kind }
}
