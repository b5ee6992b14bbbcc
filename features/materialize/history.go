package materialize

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/asof"
)

// HistoryConfig is what a [History] is made of. Store is required.
type HistoryConfig struct {
	// Store takes the rows, and serves.
	Store features.OnlineStore

	// Written gets each batch of rows after the store has it, from one goroutine at a time: to append them to a file. They are
	// valid until it returns. Its error is one of PutBatch, which a [Materializer] calls again as when a store is down, so no row is
	// written and not told. Nil: the rows are kept in memory, for [History.Rows].
	Written func(rows []asof.Row) error

	// Now is the clock that serving has, for Row.Created. Nil means [time.Now]. For a log of the past that is played again
	// it is the time at which the log has arrived.
	Now func() time.Time
}

// History is a store that remembers what was written to it: as the Store of a [Target] it yields the rows of an asof.Table, each
// version of a row with its event time and when it was written. A training join over them, with asof.TableOf of the view and Arrival set,
// finds what serving found at that moment, the lag of flushes included; windows of [Batches] find what has happened.
//
// A row is created when the store has acknowledged it, so a request that runs beside the write may have seen it a little before, never
// after. Rows that the store refuses as late are there too, and no join takes them; what it refuses as future, by a clock that is not Now, or
// evicts, or loses until it is verified, the history does not know. After a kill rows come again, with the same event time and a
// later created, as they were written.
//
// Pipelines may read it as the store that it wraps, or that one. It is safe for concurrent use.
type History struct {
	features.OnlineStore
	cfg HistoryConfig

	mu   sync.Mutex
	rows []asof.Row
}

var (
	_ features.OnlineStore                 = (*History)(nil)
	_ LossCounter                          = (*History)(nil)
	_ recsys.Wrapper[recsys.FeatureSource] = (*History)(nil)
)

// NewHistory returns a history without rows.
func NewHistory(cfg HistoryConfig) (*History, error) {
	if cfg.Store == nil {
		return nil, errors.New("materialize: HistoryConfig.Store is nil; want where the rows go")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &History{OnlineStore: cfg.Store, cfg: cfg}, nil
}

// PutBatch writes rows to the store, and remembers them if it returns no error. Rows need an event time: one without is a
// [*features.RowError], and none is written.
func (h *History) PutBatch(ctx context.Context, rows []features.Row) (features.Written, error) {
	for i := range rows {
		if rows[i].Time.IsZero() {
			return features.Written{}, &features.RowError{Key: rows[i].Key, Reason: "it has no event time; a history wants one"}
		}
	}
	w, err := h.OnlineStore.PutBatch(ctx, rows)
	if err != nil || len(rows) == 0 {
		return w, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	created := h.cfg.Now().UnixNano()
	batch := make([]asof.Row, len(rows))
	for i := range rows {
		r := &rows[i]
		batch[i] = asof.Row{Key: r.Key, Time: nanos(r), Created: created, Floats: r.Floats, IDs: r.IDs, Vectors: r.Vectors}
	}
	if h.cfg.Written != nil {
		if err := h.cfg.Written(batch); err != nil {
			return w, fmt.Errorf("materialize: history of view %q: %w", h.View().Name, err)
		}
		return w, nil
	}
	for i := range batch {
		r := &batch[i]
		r.Floats, r.IDs, r.Vectors = slices.Clone(r.Floats), slices.Clone(r.IDs), slices.Clone(r.Vectors)
	}
	h.rows = append(h.rows, batch...)
	return w, nil
}

// Rows returns an iterator over the rows that are remembered when it is called, in the order in which they were written, for
// Table.Rows. It yields no error, may be run again, and goes on beside writes. There are none where Written takes them. The slices are
// read-only.
func (h *History) Rows() iter.Seq2[asof.Row, error] {
	h.mu.Lock()
	defer h.mu.Unlock()
	return asof.Rows(slices.Clip(h.rows))
}

// Losses returns those of the store, 0 if it does not count them.
func (h *History) Losses() uint64 {
	if c, ok := h.OnlineStore.(LossCounter); ok {
		return c.Losses()
	}
	return 0
}

// Unwrap returns the store.
func (h *History) Unwrap() recsys.FeatureSource { return h.OnlineStore }
