package materialize

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/window"
)

// Target is a view and what fills it: aggregates of the log's events, by key.
type Target struct {
	// Store takes the rows; required. Nobody else writes the rows of its view.
	Store features.OnlineStore

	// Aggregates compute the columns; required. Each stored column of the store's view is one of them, by name, kind and
	// dimension; those that the view does not have are computed for nothing. A view that says what it is
	// Computed by is held to it: another hash is a [*recsys.ViewError].
	Aggregates window.Config

	// Key returns the key that an event counts for, or false for none. Nil means by the view's entity: the item,
	// the user, or the [features.PairKey] of both. The entity Context needs a function.
	Key func(e *Event) (key uint64, ok bool)

	// Other returns what LastK lists and Distinct counts. Nil means the user of an event where the entity is
	// Item, else the item.
	Other func(e *Event) uint64

	// CaughtUp is called once in a run, from the goroutine that writes the target, when the store first has all that the log
	// held when the run started: the moment to let a pipeline that reads a new version of a view
	// replace the old one, see [recsys.Live]. The run waits meanwhile, so it must not call the Materializer. An error ends the run.
	CaughtUp func(ctx context.Context) error
}

// Config is what a [Materializer] is made of. Log and Targets are required.
type Config struct {
	Log     Log
	Targets []Target

	// Checkpoints is a folder, made if it is not there, for a file per version of a view. Empty means that every run
	// starts at the beginning of the log. One run has the folder, held by a lock on its file "lock", which the system gives free when
	// the process ends; where there is no such lock, on systems other than Linux, BSD, macOS and Windows, see to it yourself.
	Checkpoints string
	// A checkpoint is saved after so many events, or when so much time has passed since the last one. The defaults
	// 0 mean 1,000,000 and a minute. It costs a write of the whole state, during which no event is read.
	CheckpointEvents   int
	CheckpointInterval time.Duration

	// FlushEvents and FlushTime say when changed rows are written: after so many events, or when the event time has advanced so
	// far. The defaults 0 mean 10,000 events, and not by event time. At the end of a log, also of
	// a followed one, all are written.
	FlushEvents int
	FlushTime   time.Duration

	// Refresh is how far the event time advances until the rows are written that have changed without an event, because
	// one left a window. It costs a look at every key. The default 0 means a minute, and while a run still catches up with its
	// log a quarter of the aggregates' Horizon. When it has caught up, and at the end of a log that is not followed, all rows are
	// written once: they then have the time of the newest event and the values of that moment.
	Refresh time.Duration

	// Renew is how old a row may become while nothing changes in it, until a refresh writes it again with the time of the newest event. With it a row that
	// is older says that the store is behind, and columns can have a MaxAge; without it, it may also say that nothing has
	// happened. It costs a row for each key in that time. The default 0 means never.
	Renew time.Duration

	// Batch is how many rows one PutBatch gets. The default 0 means 500.
	Batch int

	// Horizon is how far back in event time an event's id is remembered, at 40 bytes each. The default 0 means an hour, or the longest
	// Lateness of a target where that is longer; -1 means that no id is. An event that is doubled after more than
	// the horizon counts again unless it is late for its aggregates.
	Horizon time.Duration

	// Future is how far the created of an event, or its time if it has none, may lie ahead of Now; one beyond is refused and counted. The
	// default 0 means a minute. The time of an event that has a created is held against that: see window.Config.
	Future time.Duration

	// Retry is for when a store is down.
	Retry Retry

	// NoVerify leaves out the comparisons of [Materializer.Verify] that otherwise come by themselves: when a run goes on from a
	// checkpoint, and when a store that returned errors, or that counts losses (see [LossCounter]), works again.
	NoVerify bool

	// Progress is called after each flush, and Bad for each malformed line that is passed over; from one goroutine at a
	// time. Nil: nobody is told.
	Progress func(Progress)
	Bad      func(*recsys.ParseError)

	// Each is called for each event that counts, after the aggregates have it and before rows are written because of it: for
	// what else learns from the log. It is called while the run holds its lock, so it must not call the Materializer; of targets that
	// stand at different places of the log it is called for each, from several goroutines at once. After a kill, events since the checkpoint come again.
	Each func(*Event)

	// Now is the clock, for CheckpointInterval and Future. Nil means [time.Now].
	Now func() time.Time
}

const (
	defaultCheckpointEvents   = 1_000_000
	defaultCheckpointInterval = time.Minute
	defaultFlushEvents        = 10_000
	defaultBatch              = 500
	defaultRefresh            = time.Minute
	defaultHorizon            = time.Hour
	defaultFuture             = time.Minute
)

// withDefaults returns the configuration with defaults filled in, or all its mistakes.
func (c Config) withDefaults() (Config, error) {
	var errs, more []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("materialize: Config."+format, args...))
	}
	c.Log, errs = c.Log.withDefaults()
	c.Retry, more = c.Retry.withDefaults()
	errs = append(errs, more...)
	if len(c.Targets) == 0 {
		bad("Targets is empty; want at least one")
	}
	count := func(name string, n *int, otherwise int) {
		if *n < 0 {
			bad("%s is %d; want > 0, or 0 for %d", name, *n, otherwise)
		} else if *n == 0 {
			*n = otherwise
		}
	}
	span := func(name string, d *time.Duration, otherwise time.Duration) {
		if *d < 0 {
			bad("%s is %v; want >= 0 (0 means %v)", name, *d, otherwise)
		} else if *d == 0 {
			*d = otherwise
		}
	}
	count("CheckpointEvents", &c.CheckpointEvents, defaultCheckpointEvents)
	count("FlushEvents", &c.FlushEvents, defaultFlushEvents)
	count("Batch", &c.Batch, defaultBatch)
	span("CheckpointInterval", &c.CheckpointInterval, defaultCheckpointInterval)
	span("FlushTime", &c.FlushTime, 0)
	span("Refresh", &c.Refresh, 0)
	span("Renew", &c.Renew, 0)
	span("Future", &c.Future, defaultFuture)
	horizon := defaultHorizon
	for i := range c.Targets {
		horizon = max(horizon, c.Targets[i].Aggregates.Lateness)
	}
	switch {
	case c.Horizon == -1:
		c.Horizon = 0
	case c.Horizon == 0:
		c.Horizon = horizon
	case c.Horizon < 0:
		bad("Horizon is %v; want > 0, 0 for %v, or -1 for none", c.Horizon, horizon)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c, errors.Join(errs...)
}

// keyOf returns how events are keyed for an entity, the other party, and which fields of a line that takes.
func (t *Target) keyOf(entity features.Entity) (key func(*Event) (uint64, bool), other func(*Event) uint64, need fields) {
	key, other = t.Key, t.Other
	if other == nil {
		otherIs := hasItem
		other = func(e *Event) uint64 { return uint64(e.Item) }
		if entity == features.Item {
			otherIs = hasUser
			other = func(e *Event) uint64 { return uint64(e.User) }
		}
		for i := range t.Aggregates.Aggregates {
			if f := t.Aggregates.Aggregates[i].Func; f == window.LastK || f == window.Distinct {
				need = otherIs
			}
		}
	}
	if key != nil {
		return key, other, need
	}
	switch entity {
	case features.Item:
		return func(e *Event) (uint64, bool) { return uint64(e.Item), true }, other, need | hasItem
	case features.User:
		return func(e *Event) (uint64, bool) { return uint64(e.User), true }, other, need | hasUser
	case features.UserItem:
		return func(e *Event) (uint64, bool) { return features.PairKey(e.User, e.Item), true }, other, need | hasUser | hasItem
	}
	return nil, other, need
}

// columnsOf finds each column of a view among those of the aggregates: its index among the columns of its kind.
func columnsOf(view, have []recsys.Column) (floats, ids []int, err error) {
	type place struct {
		kind  recsys.Kind
		index int
	}
	places := map[string]place{}
	var counts [3]int
	for _, c := range have {
		places[c.Name] = place{c.Kind, counts[c.Kind]}
		counts[c.Kind]++
	}
	var errs []error
	for _, c := range view {
		p, ok := places[c.Name]
		switch {
		case !ok:
			errs = append(errs, fmt.Errorf("column %q is none of the aggregates, which are %s", c.Name, names(have)))
		case p.kind != c.Kind:
			errs = append(errs, fmt.Errorf("column %q is of kind %v in the view and %v in the aggregates", c.Name, c.Kind, p.kind))
		case p.kind == recsys.ID:
			ids = append(ids, p.index)
		default:
			floats = append(floats, p.index)
		}
	}
	return floats, ids, errors.Join(errs...)
}

func names(columns []recsys.Column) string {
	var b strings.Builder
	for i := range columns {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(columns[i].Name)
	}
	return b.String()
}
