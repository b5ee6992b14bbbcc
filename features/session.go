package features

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/recsyskit/recsys"
)

// RequestSession writes what the user has done lately, from the request's History. Its
// columns, of scope PerRequest, are, in this order and for the kinds and windows declared,
//
//	session.events      events of the session
//	session.items       different items of the session
//	session.dwell       sum of the values of its Dwell events
//	session.seconds     from its first event to Now; NaN without a session
//	history.events.1h   the first three for each window
//	history.items.1h
//	history.dwell.1h
//	session.click       for each kind: its events of the session,
//	history.click.1h    of each window,
//	history.click.since and the seconds since its last event; NaN without one
//	history.item.1      the items of the last events, newest first; ID 0 where there is none
//
// A window of length W is (Now - W, Now]. The session is the run of events up to Now in
// which no two neighbours are further apart than Gap; it is over, and its columns are 0,
// when nothing happened for longer than that. Events after Now and events without a
// time are left out: a replay sees what the request saw. Events may stand in any order; of the same time the one
// that stands later is the newer.
//
// The row is missing when the query has no Now. A user without history has zeros and no missing row.
// It costs O(length · windows), and a sort when the history is not in order; once
// bound it allocates nothing.
type RequestSession struct {
	// Windows are the lengths of the windows. The default is 1 h and 24 h.
	Windows []time.Duration

	// Kinds are the kinds of events that have columns of their own. The default is none.
	// Whatever they are, all events count in the columns called "events" and "items".
	Kinds []recsys.EventKind

	// Gap is the longest pause within a session. The default is 30 minutes, which is usual;
	// Catledge and Pitkow, "Characterizing browsing strategies in the World-Wide Web",
	// WWW 1995, had 25.5.
	Gap time.Duration

	// Last is how many of the last items to write, 0 to 64. An item that comes twice is
	// written once, at its latest place. The default is none.
	Last int

	// Prefix stands before each column's name. The default is none.
	Prefix string
}

var (
	_ recsys.FeatureSource                = RequestSession{}
	_ recsys.Overwriter                   = RequestSession{}
	_ recsys.Validator                    = RequestSession{}
	_ recsys.Binder[recsys.FeatureSource] = RequestSession{}
	_ recsys.FeatureSource                = (*boundSession)(nil)
	_ recsys.Overwriter                   = (*boundSession)(nil)
)

const (
	defaultGap = 30 * time.Minute
	mostLast   = 64
)

// Validate returns an error that names every field that is out of range.
func (r RequestSession) Validate() error {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("features: RequestSession."+format, args...))
	}
	if r.Gap < 0 {
		bad("Gap is %v; want > 0 (0 means %v)", r.Gap, defaultGap)
	}
	if r.Last < 0 || r.Last > mostLast {
		bad("Last is %d; want 0 to %d", r.Last, mostLast)
	}
	for i, w := range r.Windows {
		switch {
		case w <= 0:
			bad("Windows[%d] is %v; want > 0", i, w)
		case slices.Contains(r.Windows[:i], w):
			bad("Windows[%d] is %v, which is listed before", i, w)
		}
	}
	for i, k := range r.Kinds {
		if slices.Contains(r.Kinds[:i], k) {
			bad("Kinds[%d] is %v, which is listed before", i, k)
		}
	}
	return errors.Join(errs...)
}

// windows returns the windows with the default filled in.
func (r RequestSession) windows() []time.Duration {
	if len(r.Windows) == 0 {
		return []time.Duration{time.Hour, 24 * time.Hour}
	}
	return r.Windows
}

// Columns returns the columns; see [RequestSession].
func (r RequestSession) Columns() []Column {
	names := []string{"session.events", "session.items", "session.dwell", "session.seconds"}
	for _, w := range r.windows() {
		span := spanName(w)
		names = append(names, "history.events."+span, "history.items."+span, "history.dwell."+span)
	}
	for _, k := range r.Kinds {
		names = append(names, "session."+k.String())
		for _, w := range r.windows() {
			names = append(names, "history."+k.String()+"."+spanName(w))
		}
		names = append(names, "history."+k.String()+".since")
	}
	columns := requestColumns(r.Prefix, names...)
	for i := range r.Last {
		columns = append(columns, Column{Name: r.Prefix + "history.item." + strconv.Itoa(i+1), Kind: recsys.ID, Scope: recsys.PerRequest})
	}
	return columns
}

// spanName returns a duration in the largest unit of which it is a multiple, in days from two of
// them: "45s", "5m", "1h", "24h", "7d".
func spanName(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d%day == 0 && d >= 2*day:
		return strconv.FormatInt(int64(d/day), 10) + "d"
	case d%time.Hour == 0:
		return strconv.FormatInt(int64(d/time.Hour), 10) + "h"
	case d%time.Minute == 0:
		return strconv.FormatInt(int64(d/time.Minute), 10) + "m"
	case d%time.Second == 0:
		return strconv.FormatInt(int64(d/time.Second), 10) + "s"
	}
	return d.String()
}

// Overwrites returns true.
func (r RequestSession) Overwrites() bool { return true }

// Bind returns the source with memory of its own, so that Hydrate need not allocate.
func (r RequestSession) Bind(*recsys.Schema) (recsys.FeatureSource, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	return newBoundSession(r), nil
}

// Hydrate writes the request's row.
func (r RequestSession) Hydrate(ctx context.Context, q *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
	return newBoundSession(r).Hydrate(ctx, q, items, out)
}

// boundSession is a RequestSession with its defaults and memory for concurrent calls.
type boundSession struct {
	columns []Column
	windows []time.Duration
	kinds   []recsys.EventKind
	gap     time.Duration
	floats  int
	memory  sync.Pool
}

func newBoundSession(r RequestSession) *boundSession {
	b := &boundSession{columns: r.Columns(), windows: slices.Clone(r.windows()), kinds: slices.Clone(r.Kinds), gap: r.Gap}
	if b.gap == 0 {
		b.gap = defaultGap
	}
	b.floats = len(b.columns) - r.Last
	b.memory.New = func() any { return &sessionMemory{sums: make([]float64, b.floats)} }
	return b
}

// Columns returns the columns.
func (b *boundSession) Columns() []Column { return b.columns }

// Overwrites returns true.
func (b *boundSession) Overwrites() bool { return true }

// sessionMemory is what one call needs.
type sessionMemory struct {
	order []int32 // positions in the history, newest event first
	seen  itemSet
	sums  []float64
}

// Hydrate writes the request's row.
func (b *boundSession) Hydrate(_ context.Context, q *recsys.Query, _ []recsys.ItemID, out *recsys.Block) error {
	if q.Now.IsZero() {
		out.Miss(0)
		return nil
	}
	m := b.memory.Get().(*sessionMemory)
	defer b.memory.Put(m)
	m.arrange(q.History, q.Now)
	ids := out.ID
	for j := range ids {
		ids[j][0] = 0
	}
	b.count(m, q, ids)
	row := out.FloatRow(0)
	for j, v := range m.sums {
		if v == v {
			v = min(max(v, -math.MaxFloat32), math.MaxFloat32)
		}
		row[j] = float32(v)
	}
	return nil
}

// arrange lists the dated events up to now, newest first.
func (m *sessionMemory) arrange(history []recsys.Event, now time.Time) {
	m.order = m.order[:0]
	sorted := true
	for i := len(history) - 1; i >= 0; i-- {
		t := history[i].Time
		if t.IsZero() || t.After(now) {
			continue
		}
		if n := len(m.order); n > 0 && t.After(history[m.order[n-1]].Time) {
			sorted = false
		}
		m.order = append(m.order, int32(i))
	}
	if !sorted {
		slices.SortStableFunc(m.order, func(i, j int32) int { return history[j].Time.Compare(history[i].Time) })
	}
}

// count walks from the newest event to the oldest. An item is new to the
// session, and to each window that the event is in, when it was not seen before on this walk: what
// the walk has passed lies in all of them.
func (b *boundSession) count(m *sessionMemory, q *recsys.Query, ids [][]uint64) {
	sums := m.sums
	clear(sums)
	perKind := len(b.windows) + 2
	kinds := sums[4+3*len(b.windows):]
	for i := range b.kinds {
		kinds[(i+1)*perKind-1] = math.NaN()
	}
	sums[3] = math.NaN()
	m.seen.reset(len(m.order))
	session, later, last := true, q.Now, 0
	for _, i := range m.order {
		e := &q.History[i]
		age := q.Now.Sub(e.Time)
		session = session && later.Sub(e.Time) <= b.gap
		later = e.Time
		fresh := m.seen.add(uint64(e.Item))
		if fresh && last < len(ids) {
			ids[last][0] = uint64(e.Item)
			last++
		}
		dwell := 0.0
		if v := float64(e.Value); e.Kind == recsys.Dwell && v-v == 0 {
			dwell = v
		}
		kind := slices.Index(b.kinds, e.Kind)
		var of []float64
		if kind >= 0 {
			of = kinds[kind*perKind : (kind+1)*perKind]
			if since := &of[perKind-1]; *since != *since {
				*since = age.Seconds()
			}
		}
		if session {
			countIn(sums, fresh, dwell, of, 0)
			sums[3] = age.Seconds()
		}
		for w, length := range b.windows {
			if age < length {
				countIn(sums[4+3*w:], fresh, dwell, of, 1+w)
			}
		}
	}
}

// countIn counts an event in the columns events, items and dwell, and in one of its kind's.
func countIn(sums []float64, fresh bool, dwell float64, of []float64, at int) {
	sums[0]++
	if fresh {
		sums[1]++
	}
	sums[2] += dwell
	if of != nil {
		of[at]++
	}
}

// itemSet is a set of items that is emptied without touching its memory.
type itemSet struct {
	items []uint64
	turns []uint32 // the entry counts if it is of this turn
	turn  uint32
}

// reset empties the set and makes room for n items.
func (s *itemSet) reset(n int) {
	if size := entriesFor(n); size > len(s.items) {
		s.items, s.turns, s.turn = make([]uint64, size), make([]uint32, size), 0
	}
	if s.turn++; s.turn == 0 {
		clear(s.turns)
		s.turn = 1
	}
}

// add reports whether the item is new.
func (s *itemSet) add(item uint64) bool {
	mask := len(s.items) - 1
	for p := int(hashOf(item)) & mask; ; p = (p + 1) & mask {
		if s.turns[p] != s.turn {
			s.items[p], s.turns[p] = item, s.turn
			return true
		}
		if s.items[p] == item {
			return false
		}
	}
}
