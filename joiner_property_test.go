package recsys_test

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/recsyskit/recsys"
)

// joinNaively joins with all records at hand, by the words of the doc comment.
func joinNaively(records []any, window int64) (out []string, stats recsys.JoinStats) {
	byID := map[string]*recsys.Exposure{}
	var exposures []*recsys.Exposure
	for _, r := range records {
		if x, ok := r.(*recsys.Exposure); ok {
			stats.Exposures++
			if byID[x.ID] != nil {
				stats.DuplicateExposures++
				continue
			}
			byID[x.ID] = x
			exposures = append(exposures, x)
		}
	}
	slices.SortFunc(exposures, func(a, b *recsys.Exposure) int {
		return cmp.Or(a.Now.Compare(b.Now), strings.Compare(a.ID, b.ID))
	})
	stats.Emitted = len(exposures)
	type place struct {
		x   *recsys.Exposure
		row int
	}
	joined := map[place][]recsys.Feedback{}
	seen := map[string]bool{}
	for _, r := range records {
		f, ok := r.(*recsys.Feedback)
		if !ok {
			continue
		}
		stats.Feedback++
		if f.ID != "" && seen[f.ID] {
			stats.DuplicateFeedback++
			continue
		}
		seen[f.ID] = true
		candidates := exposures
		if f.Request != "" {
			candidates = nil
			if x := byID[f.Request]; x != nil {
				candidates = []*recsys.Exposure{x}
			}
		}
		outcome := &stats.Unmatched
		for _, x := range candidates {
			delta := f.Time.Sub(x.Now).Nanoseconds()
			row := slices.IndexFunc(x.Rows[:x.Shown], func(r recsys.ExposureRow) bool { return r.Item == f.Item })
			if f.Request != "" {
				switch {
				case delta > window:
					outcome = &stats.Late
				case row < 0:
					outcome = &stats.NotShown
				default:
					outcome = &stats.Joined
					if delta < 0 {
						stats.Early++
					}
				}
			} else if x.User == f.User && row >= 0 && delta >= 0 && delta <= window {
				outcome = &stats.Joined
			}
			if outcome == &stats.Joined {
				joined[place{x, row}] = append(joined[place{x, row}], *f)
				break
			}
		}
		*outcome++
	}
	for _, x := range exposures {
		for row := range x.Shown {
			list := joined[place{x, row}]
			if len(list) == 0 {
				continue
			}
			slices.SortStableFunc(list, func(a, b recsys.Feedback) int {
				return cmp.Or(a.Time.Compare(b.Time), strings.Compare(a.ID, b.ID))
			})
			var ids []string
			for _, f := range list {
				ids = append(ids, f.ID)
			}
			out = append(out, fmt.Sprintf("%s/%d: %s", x.ID, row, strings.Join(ids, " ")))
		}
	}
	return out, stats
}

// randomStream makes exposures and feedback of few users and items, so that all cases
// of attribution come up, in an order that is off by up to lateness.
func randomStream(g *rand.Rand, n int, window, lateness time.Duration) []any {
	type arrival struct {
		r  any
		at time.Duration
	}
	var stream []arrival
	var ids []string
	var idTimes []time.Duration
	now := time.Duration(0)
	jitter := func() time.Duration {
		return time.Duration(g.Int64N(int64(lateness)/2 + 1))
	}
	for i := range n {
		now += time.Duration(g.Int64N(int64(window / 8)))
		if g.IntN(50) == 0 {
			now += 5 * window // a quiet night
		}
		user := recsys.UserID(g.IntN(3))
		if g.IntN(3) == 0 {
			id := fmt.Sprintf("x%04d", i)
			if last := max(0, len(ids)-3); g.IntN(10) == 0 && len(ids) > 0 && now-idTimes[last] < window {
				id = ids[last]
			}
			ids, idTimes = append(ids, id), append(idTimes, now)
			var items []recsys.ItemID
			for _, item := range g.Perm(6)[:g.IntN(4)] {
				items = append(items, recsys.ItemID(item))
			}
			x := shownAt(id, 0, user, items...)
			x.Now = time.Unix(0, int64(now)).UTC()
			stream = append(stream, arrival{x, now + jitter()})
			continue
		}
		f := &recsys.Feedback{ID: fmt.Sprintf("f%04d", i), User: user, Item: recsys.ItemID(g.IntN(7)), Time: time.Unix(0, int64(now)).UTC()}
		if g.IntN(2) == 0 && len(ids) > 0 {
			f.Request = ids[max(0, len(ids)-1-g.IntN(6))]
			if g.IntN(8) == 0 { // a clock that is slow
				f.Time = f.Time.Add(-lateness / 2)
			}
		}
		if g.IntN(20) == 0 {
			f.Request = "unknown"
		}
		stream = append(stream, arrival{f, now + jitter()})
		if g.IntN(5) == 0 {
			stream = append(stream, arrival{f, now + jitter()})
		}
	}
	slices.SortStableFunc(stream, func(a, b arrival) int { return cmp.Compare(a.at, b.at) })
	var records []any
	for _, a := range stream {
		records = append(records, a.r)
	}
	return records
}

// Whatever the order of records within Lateness, the stream gives what the naive join
// gives that has all of them in memory.
func TestJoinerEqualsNaiveJoin(t *testing.T) {
	total := recsys.JoinStats{}
	for seed := range uint64(300) {
		g := rand.New(rand.NewPCG(seed, 5))
		window := time.Duration(1+g.IntN(100)) * time.Second
		lateness := time.Duration(1+g.Int64N(int64(2*window))) * 1
		records := randomStream(g, 400, window, lateness)
		want, wantStats := joinNaively(records, int64(window))
		j := newJoiner(t, recsys.JoinerConfig{Window: window, Lateness: lateness})
		have := joinAll(j, records...)
		if !slices.Equal(have, want) {
			t.Fatalf("seed %d: joined\n%q\nwant\n%q", seed, have, want)
		}
		st := j.Stats()
		if st.Pending != 0 || st.Open != 0 || st.LateExposures != 0 {
			t.Fatalf("seed %d: left over: %+v", seed, st)
		}
		// A request that is long closed is forgotten: then late feedback is unmatched.
		forgotten := st.Unmatched - wantStats.Unmatched
		wantStats.Unmatched += forgotten
		wantStats.Late -= forgotten
		if st != wantStats || forgotten < 0 {
			t.Fatalf("seed %d: stats\n%+v\nwant\n%+v", seed, st, wantStats)
		}
		total.Joined += st.Joined
		total.Late += st.Late
		total.NotShown += st.NotShown
		total.DuplicateExposures += st.DuplicateExposures
		total.Early += st.Early
	}
	if total.Joined < 1000 || total.Late < 100 || total.NotShown < 100 || total.DuplicateExposures < 100 || total.Early < 10 {
		t.Errorf("the streams show too little: %+v", total)
	}
}

// Every feedback has exactly one outcome, at any time, whatever comes: records far
// beyond Lateness, clocks that jump, times at the ends of the range.
func TestJoinerAccountsForEveryFeedback(t *testing.T) {
	for seed := range uint64(200) {
		g := rand.New(rand.NewPCG(seed, 6))
		j := newJoiner(t, recsys.JoinerConfig{Window: 50 * time.Second, Lateness: time.Duration(g.Int64N(1e11)), MaxPending: 1 + g.IntN(20)})
		records := randomStream(g, 300, 50*time.Second, 1000*time.Second)
		emitted := 0
		for i, r := range records {
			odd := [...]int64{math.MinInt64, math.MaxInt64, 0, 1e18}
			switch r := r.(type) {
			case *recsys.Exposure:
				if g.IntN(100) == 0 {
					r.Now = time.Unix(0, odd[g.IntN(4)])
				}
				j.AddExposure(r)
			case *recsys.Feedback:
				f := *r
				if g.IntN(10) == 0 {
					f.Time = time.Unix(0, odd[g.IntN(4)])
				}
				j.AddFeedback(&f)
			}
			if i == len(records)-1 {
				j.Flush()
			}
			for _, ok := j.Next(); ok; _, ok = j.Next() {
				emitted++
			}
			st := j.Stats()
			if sum := st.DuplicateFeedback + st.Joined + st.Late + st.NotShown + st.Unmatched + st.Pending; sum != st.Feedback {
				t.Fatalf("seed %d, record %d: outcomes of %d feedback: %+v", seed, i, sum, st)
			}
			if st.Exposures != st.DuplicateExposures+st.Emitted+st.Open || st.Emitted != emitted {
				t.Fatalf("seed %d, record %d: %d emitted, %+v", seed, i, emitted, st)
			}
		}
		if st := j.Stats(); st.Open != 0 || st.Pending != 0 {
			t.Fatalf("seed %d: left after Flush: %+v", seed, st)
		}
	}
}
