package materialize

import (
	"context"
	"errors"
	"slices"

	"github.com/recsyskit/recsys/features/window"
)

// Batches reads the whole log and returns the windows of each target as a batch, which can be asked for any time: what training
// rows are made of, and what a store is compared with. It counts the same events as a run does: doubles and events of the future
// are left out, malformed lines are treated by the same policy, and lateness goes by the order of the log.
//
// Of config it takes Log, which must not be followed, Targets without the stores' rows, Horizon, Future, Now, Bad and Each. It
// keeps every event: see [window.Batch]. Errors are those of [New] and [Materializer.Run].
func Batches(ctx context.Context, config Config) ([]*window.Batch, Counts, error) {
	if config.Log.Follow {
		return nil, Counts{}, errors.New("materialize: Log.Follow is set; want a log that ends")
	}
	each := config.Each
	config.Checkpoints, config.Progress, config.Each = "", nil, nil
	m, err := New(config)
	if err != nil {
		return nil, Counts{}, err
	}
	targets := m.lanes[0].targets
	events := make([][]window.Event, len(targets))
	l := &lane{m: m, seen: newSeen(m.config.Horizon), parser: m.lanes[0].parser}
	m.config.Each = func(e *Event) {
		for i, t := range targets {
			if w, ok := t.event(e); ok {
				events[i] = append(events[i], w)
			}
		}
		if each != nil {
			each(e)
		}
	}
	if err := l.run(ctx); err != nil {
		return nil, l.counts, err
	}
	batches := make([]*window.Batch, len(targets))
	for i, t := range targets {
		if batches[i], err = window.NewBatch(t.Aggregates, slices.Values(events[i])); err != nil {
			return nil, l.counts, err
		}
	}
	return batches, l.counts, nil
}
