package debias

import (
	"fmt"

	"github.com/recsyskit/recsys"
)

// CounterConfig configures a [Counter]. The zero value counts clicks of users.
type CounterConfig struct {
	// Clicked says whether feedback is a click. Nil: its kind is [recsys.Click].
	Clicked func(recsys.Feedback) bool
	// Query names the query of an exposure: within one, the relevance of an item is one number. Nil: the user.
	Query func(*recsys.Exposure) uint64
	// Depth is how many places count, from the top, >= 0; 0 means all. A place that few slates reach has an
	// uncertain examination and makes the estimates fail where no pair joins it to the others.
	Depth int
}

// Counter counts impressions and clicks of a log, by pair and place:
//
//	counter, err := debias.NewCounter(debias.CounterConfig{})
//	for j, err := range joiner.Join(records) {
//		... counter.Add(j)
//	}
//	seen, err := debias.AllPairs(counter.Counts())
//
// Its memory grows with the number of different pairs and places, not with the log. It is not safe for
// concurrent use.
type Counter struct {
	cfg   CounterConfig
	tally tally
}

// NewCounter returns a counter that has seen nothing, or an error when Depth is negative.
func NewCounter(cfg CounterConfig) (*Counter, error) {
	if cfg.Depth < 0 {
		return nil, fmt.Errorf("debias: CounterConfig.Depth is %d; want >= 0 (0 means all places)", cfg.Depth)
	}
	if cfg.Clicked == nil {
		cfg.Clicked = func(f recsys.Feedback) bool { return f.Kind == recsys.Click }
	}
	if cfg.Query == nil {
		cfg.Query = func(x *recsys.Exposure) uint64 { return uint64(x.User) }
	}
	return &Counter{cfg, tally{}}, nil
}

// Add counts one exposure with its feedback: each shown row is an impression, and several clicks on it are one. An error
// names the record and the row whose position is not its place in the slate, or says that there is feedback on rows
// that were not shown; nothing of the record counts then. j is not kept.
func (c *Counter) Add(j recsys.Joined) error {
	x := j.Exposure
	if x == nil {
		return fmt.Errorf("debias: feedback without an exposure")
	}
	if x.Shown < 0 || x.Shown > len(x.Rows) || len(j.Feedback) > x.Shown {
		return fmt.Errorf("debias: exposure %q: feedback on %d of %d shown rows, and %d rows", x.ID, len(j.Feedback), x.Shown, len(x.Rows))
	}
	for i, r := range x.Rows[:x.Shown] {
		if r.Position != i || i >= maxPositions {
			return fmt.Errorf("debias: exposure %q: row %d: position is %d; want %d, below %d", x.ID, i, r.Position, i, maxPositions)
		}
	}
	query := c.cfg.Query(x)
	for i, r := range x.Rows[:x.Shown] {
		if c.cfg.Depth > 0 && i >= c.cfg.Depth {
			break
		}
		clicked := false
		if i < len(j.Feedback) {
			for _, f := range j.Feedback[i] {
				clicked = clicked || c.cfg.Clicked(f)
			}
		}
		c.tally.add(Pair{query, uint64(r.Item)}, i, clicked)
	}
	return nil
}

// Counts returns what was counted, sorted by query, item and position. The slice is the caller's.
func (c *Counter) Counts() []Count { return c.tally.counts() }
