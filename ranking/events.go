package ranking

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/hash"
)

// EventsConfig says how [FromEvents] makes rows of events.
type EventsConfig struct {
	// Columns, IDColumns and Heads are those of the dataset.
	Columns, IDColumns, Heads []string

	// Features writes the features of an item for a user at the time of the event:
	// as they were then, not as they are now. floats arrives as NaN, ids as 0.
	Features func(floats []float32, ids []uint64, user recsys.UserID, item recsys.ItemID, at time.Time) error

	// Negatives appends items that the user did not choose at the event, as sampled
	// by the caller. Nil: there are none.
	Negatives func(dst []recsys.ItemID, user recsys.UserID, e recsys.Event) []recsys.ItemID

	// Labels writes the labels of the event's item into dst, which arrives as NaN. Nil: all are 1.
	// The labels of sampled negatives are 0.
	Labels func(dst []float32, e recsys.Event)

	// NegativeWeight is the weight of a sampled negative, > 0; 0 means 1. With
	// 1/r, where r is the share of negatives that were sampled, probabilities come out
	// unbiased (McMahan et al., KDD 2013, section 4.6).
	NegativeWeight float32
}

// FromEvents returns a dataset of the events, each followed by its sampled
// negatives: the positive and its negatives are one group. It stands in where
// exposures were not logged: what was not chosen there may not have been seen, so
// what is learned is which items are chosen, not which are clicked once shown.
//
// An error of Features ends it; the error says which event.
func FromEvents(cfg EventsConfig, events iter.Seq2[recsys.UserID, recsys.Event]) (*Dataset, error) {
	c := eventCollector{EventsConfig: cfg, d: &Dataset{Columns: cfg.Columns, IDColumns: cfg.IDColumns, Heads: cfg.Heads}}
	if err := c.check(); err != nil {
		return nil, err
	}
	n := uint64(0)
	for user, e := range events {
		if err := c.add(n, user, e); err != nil {
			return nil, fmt.Errorf("ranking: event %d (user %d, item %d): %w", n, user, e.Item, err)
		}
		n++
	}
	return c.d, c.d.Validate()
}

type eventCollector struct {
	EventsConfig
	d         *Dataset
	negatives []recsys.ItemID
}

func (c *eventCollector) check() error {
	errs := c.d.checkShape()
	if c.Features == nil {
		errs = append(errs, errors.New("ranking: EventsConfig.Features is nil"))
	}
	if len(c.Heads) == 0 {
		errs = append(errs, errors.New("ranking: EventsConfig.Heads is empty; want the names of the labels"))
	}
	if c.NegativeWeight < 0 || !isFinite(float64(c.NegativeWeight)) {
		errs = append(errs, fmt.Errorf("ranking: EventsConfig.NegativeWeight is %v; want > 0, or 0 for 1", c.NegativeWeight))
	}
	if c.NegativeWeight == 0 {
		c.NegativeWeight = 1
	}
	return errors.Join(errs...)
}

// add appends event n and its negatives.
func (c *eventCollector) add(n uint64, user recsys.UserID, e recsys.Event) error {
	group := hash.Combine(n, uint64(user))
	if err := c.row(group, user, e.Item, e.Time, 1); err != nil {
		return err
	}
	labels := c.d.Labels[len(c.d.Labels)-len(c.Heads):]
	if c.Labels == nil {
		fill(labels, 1)
	} else {
		fill(labels, float32(math.NaN()))
		c.Labels(labels, e)
	}
	if c.Negatives == nil {
		return nil
	}
	c.negatives = c.Negatives(c.negatives[:0], user, e)
	for _, item := range c.negatives {
		if err := c.row(group, user, item, e.Time, c.NegativeWeight); err != nil {
			return fmt.Errorf("negative item %d: %w", item, err)
		}
	}
	return nil
}

// row appends a row with all labels 0.
func (c *eventCollector) row(group uint64, user recsys.UserID, item recsys.ItemID, at time.Time, weight float32) error {
	d := c.d
	d.Floats = extend(d.Floats, len(c.Columns), float32(math.NaN()))
	d.IDs = extend(d.IDs, len(c.IDColumns), 0)
	d.Labels = extend(d.Labels, len(c.Heads), 0)
	d.Weights = append(d.Weights, weight)
	d.Groups = append(d.Groups, group)
	d.Times = append(d.Times, unixNano(at))
	i := len(d.Groups) - 1
	return c.Features(d.FloatRow(i), d.IDRow(i), user, item, at)
}

func fill[T any](s []T, v T) {
	for i := range s {
		s[i] = v
	}
}

// extend appends v n times.
func extend[T any](s []T, n int, v T) []T {
	for range n {
		s = append(s, v)
	}
	return s
}

// unixNano returns t in nanoseconds since 1970, 0 for the zero time.
func unixNano(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}
