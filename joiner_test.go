package recsys_test

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/recsyskit/recsys"
)

func newJoiner(t testing.TB, cfg recsys.JoinerConfig) *recsys.Joiner {
	t.Helper()
	j, err := recsys.NewJoiner(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// shownAt is an exposure of items to a user at a second.
func shownAt(id string, sec int64, user recsys.UserID, items ...recsys.ItemID) *recsys.Exposure {
	x := &recsys.Exposure{ID: id, Now: unixSec(sec), User: user, Shown: len(items)}
	for i, item := range items {
		x.Rows = append(x.Rows, recsys.ExposureRow{Item: item, Row: i, Position: i})
	}
	// A row of the record that was not shown.
	x.Rows = append(x.Rows, recsys.ExposureRow{Item: 999, Row: len(items), Position: -1})
	return x
}

func actAt(id, request string, sec int64, user recsys.UserID, item recsys.ItemID) *recsys.Feedback {
	return &recsys.Feedback{ID: id, Request: request, Time: unixSec(sec), User: user, Item: item, Kind: recsys.Click}
}

// joinAll gives records in order and returns "exposure/row: feedback IDs" for each row with feedback.
func joinAll(j *recsys.Joiner, records ...any) (out []string) {
	for _, r := range records {
		switch r := r.(type) {
		case *recsys.Exposure:
			j.AddExposure(r)
		case *recsys.Feedback:
			j.AddFeedback(r)
		}
	}
	j.Flush()
	for joined, ok := j.Next(); ok; joined, ok = j.Next() {
		out = append(out, describeJoin(joined)...)
	}
	return out
}

func describeJoin(joined recsys.Joined) (out []string) {
	for row, list := range joined.Feedback {
		if len(list) > 0 {
			var ids []string
			for _, f := range list {
				ids = append(ids, f.ID)
			}
			out = append(out, fmt.Sprintf("%s/%d: %s", joined.Exposure.ID, row, strings.Join(ids, " ")))
		}
	}
	return out
}

func TestJoinerAttribution(t *testing.T) {
	const window = 100 * time.Second
	for _, c := range []struct {
		name    string
		records []any
		want    []string
		stats   recsys.JoinStats // what is not 0 apart from the totals
	}{
		{
			"by request, whoever the user is",
			[]any{shownAt("x", 10, 1, 5, 6), actAt("a", "x", 20, 77, 6)},
			[]string{"x/1: a"},
			recsys.JoinStats{Joined: 1},
		},
		{
			"by user and item",
			[]any{shownAt("x", 10, 1, 5, 6), shownAt("y", 10, 2, 5, 6), actAt("a", "", 20, 2, 5)},
			[]string{"y/0: a"},
			recsys.JoinStats{Joined: 1},
		},
		{
			"the window ends with its last nanosecond",
			[]any{
				shownAt("x", 10, 1, 5), actAt("in", "x", 110, 1, 5), actAt("late", "x", 111, 1, 5),
				actAt("in too", "", 110, 1, 5), actAt("unmatched", "", 111, 1, 5),
			},
			[]string{"x/0: in in too"},
			recsys.JoinStats{Joined: 2, Late: 1, Unmatched: 1},
		},
		{
			"of several exposures of an item the first wins",
			[]any{shownAt("x", 10, 1, 5), shownAt("y", 20, 1, 5), actAt("a", "", 30, 1, 5), actAt("b", "y", 30, 1, 5)},
			[]string{"x/0: a", "y/0: b"},
			recsys.JoinStats{Joined: 2},
		},
		{
			"the first within the window, that is",
			[]any{shownAt("x", 10, 1, 5), shownAt("y", 60, 1, 5), actAt("a", "", 111, 1, 5)},
			[]string{"y/0: a"},
			recsys.JoinStats{Joined: 1},
		},
		{
			"an exposure after the act is not its cause",
			[]any{shownAt("x", 10, 1, 5), actAt("a", "", 9, 1, 5)},
			nil,
			recsys.JoinStats{Unmatched: 1},
		},
		{
			"but a named request is, by a clock that is slow",
			[]any{shownAt("x", 10, 1, 5), actAt("a", "x", 9, 1, 5), &recsys.Feedback{ID: "b", Request: "x", Item: 5}},
			[]string{"x/0: b a"}, // b has no time at all
			recsys.JoinStats{Joined: 2, Early: 2},
		},
		{
			"which may come after it",
			[]any{shownAt("w", 1000, 3, 5), actAt("a", "x", 1, 1, 5), shownAt("v", 1010, 3, 5), shownAt("x", 1005, 1, 5)},
			[]string{"x/0: a"},
			recsys.JoinStats{Joined: 1, Early: 1},
		},
		{
			"feedback before its exposure",
			[]any{actAt("a", "x", 20, 1, 5), actAt("b", "", 20, 1, 6), shownAt("w", 30, 3, 1), shownAt("x", 10, 1, 5, 6)},
			[]string{"x/0: a", "x/1: b"},
			recsys.JoinStats{Joined: 2},
		},
		{
			"doubled exposures and feedback count once",
			[]any{
				shownAt("x", 10, 1, 5), shownAt("x", 11, 1, 6), actAt("a", "x", 20, 1, 5), actAt("a", "x", 21, 1, 5),
				actAt("", "x", 22, 1, 5), actAt("", "x", 22, 1, 5), actAt("b", "x", 22, 1, 6),
			},
			[]string{"x/0: a  "},
			recsys.JoinStats{Joined: 3, DuplicateExposures: 1, DuplicateFeedback: 1, NotShown: 1},
		},
		{
			"rows that were not shown",
			[]any{shownAt("x", 10, 1, 5), actAt("a", "x", 20, 1, 999), actAt("b", "x", 20, 1, 4), actAt("c", "", 20, 1, 999)},
			nil,
			recsys.JoinStats{NotShown: 2, Unmatched: 1},
		},
		{
			"an item that a slate shows twice",
			[]any{shownAt("x", 10, 1, 5, 5), actAt("a", "", 20, 1, 5), actAt("b", "x", 20, 1, 5)},
			[]string{"x/0: a b"},
			recsys.JoinStats{Joined: 2},
		},
		{
			"an unknown request",
			[]any{shownAt("x", 10, 1, 5), actAt("a", "y", 20, 1, 5)},
			nil,
			recsys.JoinStats{Unmatched: 1},
		},
		{
			"a request whose window has closed",
			[]any{
				shownAt("x", 10, 1, 5), shownAt("y", 211, 1, 5), actAt("late", "x", 20, 1, 5), shownAt("x", 211, 1, 5),
				shownAt("z", 1000, 2, 5), actAt("forgotten", "x", 20, 1, 5),
			},
			nil,
			recsys.JoinStats{Late: 1, Unmatched: 1, DuplicateExposures: 1},
		},
		{
			"an exposure that comes too late is emitted all the same",
			[]any{actAt("a", "x", 20, 1, 5), shownAt("y", 150, 1, 5), shownAt("z", 251, 2, 9), shownAt("x", 10, 1, 5)},
			nil, // a was given up at 251: it came at 150
			recsys.JoinStats{Unmatched: 1, LateExposures: 1},
		},
		{
			"exposures without ID are not one",
			[]any{shownAt("", 10, 1, 5), shownAt("", 20, 2, 5), actAt("a", "", 30, 2, 5)},
			[]string{"/0: a"},
			recsys.JoinStats{Joined: 1},
		},
		{
			"an exposure that shows nothing",
			[]any{shownAt("x", 10, 1), &recsys.Exposure{ID: "y", Shown: 3}, actAt("a", "x", 10, 1, 999)},
			nil,
			recsys.JoinStats{NotShown: 1},
		},
		{
			"the clock of a client runs a year ahead",
			[]any{shownAt("x", 10, 1, 5), actAt("a", "x", 3e7, 1, 5), actAt("b", "", 3e7, 1, 5), actAt("c", "x", 20, 1, 5)},
			[]string{"x/0: c"},
			recsys.JoinStats{Joined: 1, Late: 1, Unmatched: 1},
		},
		{
			"after a quiet night",
			[]any{
				shownAt("x", 10, 1, 5), actAt("a", "y", 100_020, 2, 6), actAt("a", "y", 100_020, 2, 6), actAt("b", "", 100_020, 2, 6),
				shownAt("w", 100_000, 3, 5), actAt("a", "y", 100_020, 2, 6), shownAt("y", 100_010, 2, 6),
			},
			[]string{"y/0: a b"},
			recsys.JoinStats{Joined: 2, DuplicateFeedback: 2},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := newJoiner(t, recsys.JoinerConfig{Window: window})
			have := joinAll(j, c.records...)
			if !slices.Equal(have, c.want) {
				t.Errorf("joined %q; want %q", have, c.want)
			}
			for _, r := range c.records {
				if _, ok := r.(*recsys.Exposure); ok {
					c.stats.Exposures++
				} else {
					c.stats.Feedback++
				}
			}
			c.stats.Emitted = c.stats.Exposures - c.stats.DuplicateExposures
			if st := j.Stats(); st != c.stats {
				t.Errorf("stats %+v\nwant  %+v", st, c.stats)
			}
		})
	}
}

func TestJoinerEmitsWhenTheWindowHasClosed(t *testing.T) {
	j := newJoiner(t, recsys.JoinerConfig{Window: 100 * time.Second, Lateness: 10 * time.Second})
	j.AddExposure(shownAt("x", 0, 1, 5))
	j.AddFeedback(actAt("client clock", "", 1_000_000, 1, 5))
	j.AddExposure(shownAt("y", 110, 1, 5))
	if joined, ok := j.Next(); ok {
		t.Fatalf("emitted %s while late feedback may come", joined.Exposure.ID)
	}
	j.AddFeedback(actAt("a", "", 99, 1, 5)) // 11 s behind, and before the window closes
	j.AddFeedback(actAt("b", "x", 100, 1, 5))
	j.AddExposure(shownAt("z", 111, 1, 5))
	joined, ok := j.Next()
	if !ok || joined.Exposure.ID != "x" || len(joined.Feedback) != 1 || len(joined.Feedback[0]) != 2 {
		t.Fatalf("got %+v, %v; want x with its feedback", joined, ok)
	}
	if joined, ok := j.Next(); ok {
		t.Errorf("emitted %s too early", joined.Exposure.ID)
	}
}

// However long the stream is, what is kept is what came within the windows.
func TestJoinerForgetsWhatIsOver(t *testing.T) {
	j := newJoiner(t, recsys.JoinerConfig{Window: 10 * time.Second, Lateness: 5 * time.Second})
	most, pending := 0, 0
	for i := range int64(50_000) {
		j.AddExposure(shownAt(fmt.Sprint("x", i), i, 1, 5, 6))
		j.AddFeedback(actAt(fmt.Sprint("a", i), fmt.Sprint("x", i-1), i, 1, 5))
		j.AddFeedback(actAt(fmt.Sprint("b", i), "unknown", i, 1, 5))
		j.AddFeedback(actAt(fmt.Sprint("c", i), "", i, 1, 6))
		j.AddFeedback(actAt(fmt.Sprint("d", i), "", i+1e9, 1, 6)) // a clock that is far ahead
		for _, ok := j.Next(); ok; _, ok = j.Next() {
		}
		most, pending = max(most, j.Stats().Open), max(pending, j.Stats().Pending)
	}
	if most > 17 || pending > 100 {
		t.Errorf("%d exposures and %d feedback records were kept at once; the window and lateness are 15 s, one of each kind a second", most, pending)
	}
	if n := recsys.JoinerSize(j); n > 5000 {
		t.Errorf("%d entries are left in the tables after 50,000 exposures", n)
	}
}

func TestJoinerBoundsPendingFeedback(t *testing.T) {
	j := newJoiner(t, recsys.JoinerConfig{MaxPending: 100})
	for i := range int64(10_000) {
		j.AddFeedback(actAt(fmt.Sprint(i), "never", i, 1, 5))
		if st := j.Stats(); st.Pending > 100 {
			t.Fatalf("%d pending", st.Pending)
		}
	}
	if st := j.Stats(); st.Unmatched != 9900 {
		t.Errorf("%+v; want 9,900 given up", st)
	}
}

func TestJoinerRemembersFeedbackFromBeforeTheFirstExposure(t *testing.T) {
	j := newJoiner(t, recsys.JoinerConfig{MaxPending: 1})
	for _, id := range []string{"a", "b", "c", "a"} {
		j.AddFeedback(actAt(id, "x", 1000, 1, 5))
	}
	j.AddExposure(shownAt("x", 999, 1, 5))
	for _, id := range []string{"a", "b", "c", "d"} {
		j.AddFeedback(actAt(id, "x", 1000, 1, 5))
	}
	if st := j.Stats(); st.DuplicateFeedback != 4 || st.Unmatched != 2 || st.Joined != 2 {
		t.Errorf("%+v; want 4 duplicates, 2 given up, and c and d joined", st)
	}
}

func TestJoinIsStreaming(t *testing.T) {
	broken := errors.New("broken")
	records := func(yield func(recsys.LogRecord, error) bool) {
		for i := range int64(10) {
			if !yield(recsys.LogRecord{Exposure: shownAt(fmt.Sprint(i), 1000*i, 1, 5)}, nil) ||
				!yield(recsys.LogRecord{Feedback: actAt("a", fmt.Sprint(i), 1000*i+1, 1, 5)}, nil) {
				return
			}
		}
		yield(recsys.LogRecord{}, broken)
	}
	n := 0
	var last error
	for joined, err := range newJoiner(t, recsys.JoinerConfig{Window: time.Second}).Join(records) {
		if last = err; err == nil {
			if joined.Exposure.ID != fmt.Sprint(n) {
				t.Errorf("exposure %s; want %d", joined.Exposure.ID, n)
			}
			n++
		}
	}
	if n != 9 || last != broken { // the last window had not closed
		t.Errorf("%d exposures, then %v; want 9 and the error of the log", n, last)
	}
	next, stop := iter.Pull2(newJoiner(t, recsys.JoinerConfig{Window: time.Second}).Join(records))
	defer stop()
	if joined, err, ok := next(); !ok || err != nil || joined.Exposure.ID != "0" {
		t.Errorf("%+v, %v, %v; want the first", joined, err, ok)
	}
}

func TestJoinerConfigIsChecked(t *testing.T) {
	for _, cfg := range []recsys.JoinerConfig{{Window: -1}, {Lateness: -1}, {MaxPending: -1}} {
		if _, err := recsys.NewJoiner(cfg); err == nil || !strings.Contains(err.Error(), "-1") {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}

// BenchmarkJoiner measures one exposure of ten rows with two feedback records, with
// some 3,600 windows open.
func BenchmarkJoiner(b *testing.B) {
	j := newJoiner(b, recsys.JoinerConfig{Window: time.Hour, Lateness: time.Minute})
	i := int64(0)
	for b.Loop() {
		x := shownAt(fmt.Sprint("x", i), i, recsys.UserID(i%50), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
		j.AddExposure(x)
		j.AddFeedback(actAt(fmt.Sprint("a", i), x.ID, i+1, x.User, recsys.ItemID(i%10)))
		j.AddFeedback(actAt(fmt.Sprint("b", i), "", i+1, x.User, recsys.ItemID(i%10)))
		for _, ok := j.Next(); ok; _, ok = j.Next() {
		}
		i++
	}
}
