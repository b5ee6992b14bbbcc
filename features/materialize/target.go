package materialize

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/window"
	"github.com/recsyskit/recsys/internal/hash"
)

// LossCounter is what a store may be that learns of acknowledged writes that it lost, or may have lost: a cluster in which a replica
// became the master. When the count has risen, the store is compared; see [Materializer.Verify].
type LossCounter interface {
	// Losses returns how often that has happened so far.
	Losses() uint64
}

// target is a Target at work. Its lane's lock guards it.
type target struct {
	Target
	view *features.View
	agg  *window.Aggregator

	key   func(*Event) (uint64, bool)
	other func(*Event) uint64
	need  fields

	decays      bool  // values change with time alone
	floats, ids []int // where the columns of the view are among those of the aggregates

	// written holds the event time of the newest acknowledged row of each key that the aggregates know. dirty has the keys of events
	// since their last row.
	written map[uint64]int64
	dirty   map[uint64]struct{}
	refused map[uint64]struct{} // keys of rows that the store took for rows of the future: to be written again

	refreshed int64 // event time of the last refresh
	losses    uint64
	suspect   bool        // the store returned an error since it was compared
	resumed   bool        // from a checkpoint
	loaded    fs.FileInfo // of the checkpoint; nil if there was none
	caughtUp  bool

	keys []uint64 // to be written
	rows []features.Row
	row  window.Row
	back []features.Row // read

	stats   ViewStats
	publish func() // shows the stats
}

func newTarget(cfg Target) (*target, error) {
	if cfg.Store == nil {
		return nil, errors.New("the Store is nil; want where the rows go")
	}
	view := cfg.Store.View()
	if view == nil {
		return nil, errors.New("the Store has no view")
	}
	t := &target{
		Target: cfg, view: view,
		written: map[uint64]int64{}, dirty: map[uint64]struct{}{}, refused: map[uint64]struct{}{},
		stats: ViewStats{View: view.Name, Hash: view.RowHash()},
	}
	var err error
	cfg.Aggregates.Changes = true
	if t.agg, err = window.New(cfg.Aggregates); err != nil {
		return nil, fmt.Errorf("view %q: %w", view.Name, err)
	}
	if have := t.agg.Hash(); view.Computed != 0 && view.Computed != have {
		return nil, &recsys.ViewError{
			View: view.Name, Want: view.Computed, Have: have,
			Reason: "these are versions of what computes it; set View.Computed to the Hash of a window.Aggregator of the Aggregates, which makes " +
				"another version of the view, or take the Aggregates that it was defined with",
		}
	}
	if t.floats, t.ids, err = columnsOf(view.Columns, t.agg.Columns()); err != nil {
		return nil, fmt.Errorf("view %q: %w", view.Name, err)
	}
	if t.key, t.other, t.need = cfg.keyOf(view.Entity); t.key == nil {
		return nil, fmt.Errorf("view %q: Key is nil; want a function, as rows of %v have no key in the log", view.Name, view.Entity)
	}
	t.decays = slices.ContainsFunc(cfg.Aggregates.Aggregates, func(a window.Aggregate) bool {
		return a.Func == window.Decay || a.Func == window.DecaySum
	})
	if c, ok := cfg.Store.(LossCounter); ok {
		t.losses = c.Losses()
	}
	return t, nil
}

// identity tells versions apart: the stored columns and all that computes them.
func (t *target) identity() uint64 { return hash.Combine(t.view.RowHash(), t.agg.Hash()) }

// clock returns the time of the newest event, and false before the first.
func (t *target) clock() (int64, bool) {
	mark, ok := t.agg.Watermark()
	return mark + int64(t.Aggregates.Lateness), ok
}

// event returns what the aggregates count of an event, false for nothing.
func (t *target) event(e *Event) (window.Event, bool) {
	key, ok := t.key(e)
	if !ok {
		return window.Event{}, false
	}
	return window.Event{Key: key, Time: e.Time, Arrival: e.Created, ID: t.other(e), Value: float32(e.Value), Kind: e.Kind}, true
}

// add counts an event.
func (t *target) add(e *Event) {
	if w, ok := t.event(e); ok && t.agg.Add(w) == window.Accepted {
		t.dirty[w.Key] = struct{}{}
	}
}

// flush writes the rows of the keys that changed.
func (t *target) flush(ctx context.Context, m *Materializer) error {
	maps.Copy(t.dirty, t.refused)
	clear(t.refused)
	t.keys = slices.AppendSeq(t.keys[:0], maps.Keys(t.dirty))
	if err := t.write(ctx, m, t.keys); err != nil {
		return err
	}
	clear(t.dirty)
	return nil
}

// refresh writes the rows that changed, by an event or because one left a window.
func (t *target) refresh(ctx context.Context, m *Materializer) error {
	now, ok := t.clock()
	if !ok {
		return nil
	}
	t.rows, t.keys = t.rows[:0], t.keys[:0]
	for row := range t.agg.Rows(now) {
		t.keys = append(t.keys, row.Key)
		t.rows = t.appendRow(t.rows, row, t.date(row.Key, now))
		if len(t.keys) == m.config.Batch {
			if err := t.putRows(ctx, m); err != nil {
				return err
			}
			t.rows, t.keys = t.rows[:0], t.keys[:0]
		}
	}
	if err := t.putRows(ctx, m); err != nil {
		return err
	}
	clear(t.dirty)
	if err := t.forget(ctx, m, now); err != nil {
		return err
	}
	if every := int64(m.config.Renew); every > 0 {
		return t.writeOlder(ctx, m, now-every)
	}
	return nil
}

// forget lets go of the keys that the aggregates do not know any more. Their last row says that their windows are empty; a
// decay in it has become nothing since.
func (t *target) forget(ctx context.Context, m *Materializer, now int64) error {
	t.keys = t.keys[:0]
	for key := range t.written {
		if !t.agg.Read(key, now, &t.row) {
			t.keys = append(t.keys, key)
		}
	}
	if t.decays {
		if err := t.write(ctx, m, t.keys); err != nil {
			return err
		}
	}
	for _, key := range t.keys {
		delete(t.written, key)
	}
	t.refreshed = now
	return nil
}

// rewrite writes the rows of all keys, as of the clock.
func (t *target) rewrite(ctx context.Context, m *Materializer) error {
	if err := t.refresh(ctx, m); err != nil {
		return err
	}
	now, _ := t.clock()
	return t.writeOlder(ctx, m, now)
}

// writeOlder writes the rows that are older than a time, as of the clock.
func (t *target) writeOlder(ctx context.Context, m *Materializer, than int64) error {
	t.keys = t.keys[:0]
	for key, at := range t.written {
		if at < than {
			t.keys = append(t.keys, key)
		}
	}
	return t.write(ctx, m, t.keys)
}

// write writes the rows of keys as of the clock, by the batch and in the order of the keys.
func (t *target) write(ctx context.Context, m *Materializer, keys []uint64) error {
	now, ok := t.clock()
	if !ok {
		return nil
	}
	slices.Sort(keys)
	for batch := range slices.Chunk(keys, m.config.Batch) {
		t.rows = t.rows[:0]
		for _, key := range batch {
			t.agg.Read(key, now, &t.row)
			t.rows = t.appendRow(t.rows, &t.row, t.date(key, now))
		}
		if err := t.putRows(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// date returns the event time of the next row of a key: the clock, or 1 ns after the key's row before it where the clock stood still. So
// no two versions of a row have the same time: a store can tell which is the later one, and Verify which one is there.
func (t *target) date(key uint64, now int64) int64 {
	if before, ok := t.written[key]; ok {
		return max(now, before+1)
	}
	return now
}

// putRows writes t.rows and notes them as written.
func (t *target) putRows(ctx context.Context, m *Materializer) error {
	if len(t.rows) == 0 {
		return nil
	}
	w, err := t.call(ctx, m, func(ctx context.Context) (features.Written, error) { return t.Store.PutBatch(ctx, t.rows) })
	if err == nil && w.Late+w.Future > 0 {
		err = t.settle(ctx, m, &w)
	}
	if err != nil {
		return fmt.Errorf("materialize: view %q: %w", t.view.Name, err)
	}
	t.stats.Rows += int64(len(t.rows))
	t.stats.Stored += int64(w.Stored)
	t.stats.Late += int64(w.Late)
	t.stats.Future += int64(w.Future)
	for i := range t.rows {
		t.written[t.rows[i].Key] = nanos(&t.rows[i])
	}
	return nil
}

// appendRow appends a row of the aggregates as one of the view.
func (t *target) appendRow(rows []features.Row, from *window.Row, at int64) []features.Row {
	if len(rows) < cap(rows) {
		rows = rows[:len(rows)+1]
	} else {
		rows = append(rows, features.Row{})
	}
	r := &rows[len(rows)-1]
	r.Key, r.Time = from.Key, time.Unix(0, at).UTC()
	r.Floats, r.IDs = r.Floats[:0], r.IDs[:0]
	for _, i := range t.floats {
		r.Floats = append(r.Floats, narrow(from.Floats[i]))
	}
	for _, i := range t.ids {
		r.IDs = append(r.IDs, from.IDs[i])
	}
	return rows
}

// narrow returns the nearest finite float32, or NaN.
func narrow(v float64) float32 {
	if v == v {
		v = min(max(v, -math.MaxFloat32), math.MaxFloat32)
	}
	return float32(v)
}

func nanos(r *features.Row) int64 { return r.Time.UnixNano() }

// lag is how much later than ours a row in the store may be and still be another version of it: versions are
// nanoseconds apart where the clock stood still.
const lag = int64(time.Millisecond)

// settle looks at the rows that the store refused. What a run that was killed wrote further on in the log is left: this
// run comes there again. What it wrote at the same clock is replaced, dated after it. Rows that the store takes for rows of the future, as its
// clock is behind, are kept in mind, and written again with the next flush.
func (t *target) settle(ctx context.Context, m *Materializer, w *features.Written) error {
	keys := make([]uint64, len(t.rows))
	byKey := make(map[uint64]int, len(keys))
	for i := range t.rows {
		keys[i] = t.rows[i].Key
		byKey[keys[i]] = i
	}
	if err := t.lookup(ctx, m, keys); err != nil {
		return err
	}
	if w.Future > 0 {
		for _, key := range keys {
			t.refused[key] = struct{}{}
		}
		for i := range t.back {
			if nanos(&t.back[i]) >= nanos(&t.rows[byKey[t.back[i].Key]]) {
				delete(t.refused, t.back[i].Key)
			}
		}
	}
	var again []features.Row
	for i := range t.back {
		r := &t.rows[byKey[t.back[i].Key]]
		if ahead := nanos(&t.back[i]) - nanos(r); ahead > 0 && ahead <= lag {
			r.Time = t.back[i].Time.Add(1)
			again = append(again, *r)
		}
	}
	if len(again) == 0 {
		return nil
	}
	more, err := t.call(ctx, m, func(ctx context.Context) (features.Written, error) { return t.Store.PutBatch(ctx, again) })
	w.Late -= len(again)
	w.Add(more)
	return err
}

// lookup reads the rows of keys into t.back.
func (t *target) lookup(ctx context.Context, m *Materializer, keys []uint64) error {
	_, err := t.call(ctx, m, func(ctx context.Context) (_ features.Written, err error) {
		t.back, err = t.Store.Lookup(ctx, keys, t.back[:0])
		return features.Written{}, err
	})
	return err
}

// call calls the store until it answers.
func (t *target) call(ctx context.Context, m *Materializer, f func(context.Context) (features.Written, error)) (w features.Written, err error) {
	err = m.config.Retry.do(ctx, func(ctx context.Context) (err error) {
		w, err = f(ctx)
		return err
	}, func(err error) {
		t.stats.Retries++
		t.stats.Err = err
		t.suspect = true
		t.publish()
	})
	if err == nil && t.stats.Err != nil {
		t.stats.Err = nil
		t.publish()
	}
	return w, err
}

// doubtful reports whether the store may lack rows that it acknowledged.
func (t *target) doubtful() bool {
	if c, ok := t.Store.(LossCounter); ok {
		if n := c.Losses(); n != t.losses {
			t.losses, t.suspect = n, true
		}
	}
	return t.suspect
}

// verify compares the store with what it acknowledged and writes again what differs.
func (t *target) verify(ctx context.Context, m *Materializer) (v Verified, err error) {
	t.suspect = false
	newest, _ := t.clock()
	expired := int64(0)
	if t.view.TTL > 0 {
		expired = newest - int64(t.view.TTL)
	}
	all := slices.Sorted(maps.Keys(t.written))
	var lost []uint64
	for keys := range slices.Chunk(all, m.config.Batch) {
		if err := t.lookup(ctx, m, keys); err != nil {
			return v, fmt.Errorf("materialize: view %q: verify: %w", t.view.Name, err)
		}
		have := make(map[uint64]int64, len(t.back))
		for i := range t.back {
			have[t.back[i].Key] = nanos(&t.back[i])
		}
		for _, key := range keys {
			want := t.written[key]
			at, ok := have[key]
			switch {
			case want < expired:
				continue
			case !ok || at < want:
				v.Lost++
				lost = append(lost, key)
			case at > want:
				v.Ahead++
				lost = append(lost, key)
			}
			v.Keys++
		}
	}
	t.stats.Verified.add(v)
	return v, t.write(ctx, m, lost)
}
