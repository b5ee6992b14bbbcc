package materialize_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/materialize"
	"github.com/recsyskit/recsys/features/window"
)

const (
	lateness = 2 * time.Minute
	horizon  = 10 * time.Minute
)

// story is a log and what is to be counted of it.
type story struct {
	lines   []string
	events  []materialize.Event // that count: doubles left out, late ones not
	newest  int64
	other   int // lines
	doubles int // of them, late ones too
}

// newStory makes up a log: events that come late, some too late, some twice, among records of other types.
func newStory(rng *rand.Rand, n int) *story {
	s := &story{}
	now := int64(noon)
	kinds := []recsys.EventKind{recsys.Impression, recsys.Click, recsys.Purchase, recsys.Hide}
	later := map[int][]string{}
	for i := range n {
		s.lines = append(s.lines, later[i]...)
		now += int64(rng.ExpFloat64() * float64(2*time.Second))
		if rng.IntN(400) == 0 {
			now += int64(rng.Int64N(int64(20 * time.Minute)))
		}
		e := materialize.Event{
			ID: fmt.Sprintf("e%d", i), Time: now, User: recsys.UserID(rng.IntN(60)), Item: recsys.ItemID(rng.ExpFloat64() * 12),
			Kind: kinds[rng.IntN(len(kinds))], Value: float64(rng.IntN(1000)) / 8,
		}
		switch rng.IntN(20) {
		case 0, 1, 2:
			e.Time -= rng.Int64N(int64(lateness))
		case 3:
			e.Time -= rng.Int64N(int64(2 * lateness))
		case 4:
			e.ID = ""
		case 5:
			s.lines, s.other = append(s.lines, `{"type":"schema","v":1}`), s.other+1
		case 6:
			s.lines, s.other = append(s.lines, ""), s.other+1
		}
		line := lineOf(&e, rng.IntN(2) == 0)
		s.lines, s.events, s.newest = append(s.lines, line), append(s.events, e), max(s.newest, e.Time)
		if e.ID != "" && rng.IntN(10) == 0 {
			s.doubles++
			at := min(i+rng.IntN(50), n-1)
			if at == i {
				s.lines = append(s.lines, line)
			} else {
				later[at] = append(later[at], line)
			}
		}
	}
	return s
}

func lineOf(e *materialize.Event, created bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, `{"time":%d,"user":"%d","item":%d,"kind":%q,"value":%v`, e.Time, e.User, e.Item, e.Kind, e.Value)
	if e.ID != "" {
		fmt.Fprintf(&b, `,"id":%q`, e.ID)
	}
	if created {
		fmt.Fprintf(&b, `,"created":%d`, e.Time+int64(time.Second))
	}
	return b.String() + "}"
}

func (s *story) text() string { return strings.Join(s.lines, "\n") + "\n" }

func itemView() *features.View {
	return &features.View{Name: "item.stats", Columns: []recsys.Column{
		{Name: "clicks.5m"}, {Name: "clicks.1h"}, {Name: "value.1h"}, {Name: "users.1h"}, {Name: "heat.10m"},
	}}
}

func itemWindows() window.Config {
	return window.Config{Lateness: lateness, Aggregates: []window.Aggregate{
		{Name: "clicks", Kinds: []recsys.EventKind{recsys.Click, recsys.Purchase}, Windows: []time.Duration{5 * time.Minute, time.Hour}},
		{Name: "value", Func: window.Sum, Kinds: []recsys.EventKind{recsys.Purchase}, Windows: []time.Duration{time.Hour}},
		{Name: "users", Func: window.Distinct, Windows: []time.Duration{time.Hour}},
		{Name: "heat", Func: window.Decay, HalfLives: []time.Duration{10 * time.Minute}},
		{Name: "unused", Windows: []time.Duration{time.Hour}},
	}}
}

func userView() *features.View {
	return &features.View{Name: "user.recent", Entity: features.User, Columns: []recsys.Column{
		{Name: "last.1", Kind: recsys.ID}, {Name: "last.2", Kind: recsys.ID}, {Name: "ctr.1h"},
	}}
}

func userWindows() window.Config {
	return window.Config{Lateness: lateness, Granularity: 5 * time.Minute, Aggregates: []window.Aggregate{
		{Name: "ctr", Func: window.Rate, Kinds: []recsys.EventKind{recsys.Click}, Of: []recsys.EventKind{recsys.Impression}, Windows: []time.Duration{time.Hour}},
		{Name: "last", Func: window.LastK, K: 2, Kinds: []recsys.EventKind{recsys.Click}, Windows: []time.Duration{30 * time.Minute}},
	}}
}

func pairView() *features.View {
	return &features.View{Name: "pair.seen", Entity: features.UserItem, Columns: []recsys.Column{{Name: "seen.15m"}}}
}

func pairWindows() window.Config {
	return window.Config{Lateness: lateness, Aggregates: []window.Aggregate{{Name: "seen", Windows: []time.Duration{15 * time.Minute}}}}
}

// requireBatch holds a shelf against a batch recomputation of the story: the values of each key at the time of the newest event.
func (s *story) requireBatch(t *testing.T, have *shelf, cfg window.Config, what string) {
	t.Helper()
	s.requireRows(t, have, cfg, what, true)
}

// requireRows holds each row of a shelf against a batch recomputation for its own time, which need not be that of the newest
// event.
func (s *story) requireRows(t *testing.T, have *shelf, cfg window.Config, what string, newest bool) {
	t.Helper()
	have.mu.Lock()
	defer have.mu.Unlock()
	entity := have.view.Entity
	batch, err := window.NewBatch(cfg, func(yield func(window.Event) bool) {
		for i := range s.events {
			e := &s.events[i]
			w := window.Event{Time: e.Time, Kind: e.Kind, Value: float32(e.Value), Key: uint64(e.Item), ID: uint64(e.User)}
			if entity != features.Item {
				w.Key, w.ID = uint64(e.User), uint64(e.Item)
			}
			if entity == features.UserItem {
				w.Key = features.PairKey(e.User, e.Item)
			}
			if !yield(w) {
				return
			}
		}
	})
	require.NoError(t, err)
	require.NotEmpty(t, batch.Keys())
	names := map[string]int{}
	counts := map[recsys.Kind]int{}
	for _, c := range batch.Columns() {
		names[c.Name] = counts[c.Kind]
		counts[c.Kind]++
	}
	var want window.Row
	alive := 0
	for _, key := range batch.Keys() {
		row, ok := have.rows[key]
		require.True(t, ok, "%s: key %d has no row", what, key)
		known := batch.Read(key, s.newest, &want)
		batch.Read(key, row.Time.UnixNano(), &want)
		if known {
			alive++
		}
		if known && newest {
			ahead := row.Time.UnixNano() - s.newest
			require.True(t, ahead >= 0 && ahead < int64(time.Microsecond), "%s: key %d is of %d ns after the newest event", what, key, ahead)
		}
		floats, ids := 0, 0
		for _, c := range have.view.Columns {
			if c.Kind == recsys.ID {
				require.Equal(t, want.IDs[names[c.Name]], row.IDs[ids], "%s: key %d, %s", what, key, c.Name)
				ids++
				continue
			}
			w, h := want.Floats[names[c.Name]], float64(row.Floats[floats])
			floats++
			if w != w {
				require.True(t, h != h, "%s: key %d, %s: %v; want none", what, key, c.Name, h)
				continue
			}
			require.LessOrEqual(t, math.Abs(w-h), 1e-6*max(1, math.Abs(w)), "%s: key %d, %s: %v; want %v", what, key, c.Name, h, w)
		}
	}
	require.Greater(t, alive, 0)
}
