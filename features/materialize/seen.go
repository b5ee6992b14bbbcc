package materialize

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/internal/hash"
)

// seen remembers which events were counted, so that one that stands in the log again is not. It keeps a hash of
// 64 bits of an event's id and its time, and forgets it when it is older than the horizon.
type seen struct {
	horizon int64            // 0: nothing is remembered
	times   map[uint64]int64 // by hash of the id
	newest  int64            // event time
	swept   int64            // newest when it last forgot
}

func newSeen(horizon time.Duration) *seen {
	return &seen{horizon: int64(horizon), times: map[uint64]int64{}}
}

// first reports whether the event is to count: its id, if it has one, was not seen within the horizon.
func (s *seen) first(id string, at int64) bool {
	if id == "" || s.horizon == 0 {
		return true
	}
	key := hash.String(0, id)
	if _, doubled := s.times[key]; doubled {
		return false
	}
	s.times[key] = at
	s.newest = max(s.newest, at)
	if s.newest-s.swept > s.horizon/4 {
		s.sweep()
	}
	return true
}

// sweep forgets what is older than the horizon. It comes after each quarter of a horizon, so
// it costs an event a constant.
func (s *seen) sweep() {
	s.swept = s.newest
	maps.DeleteFunc(s.times, func(_ uint64, at int64) bool { return at < s.newest-s.horizon })
}

// write adds what is remembered to a file, in an order that depends on nothing else.
func (s *seen) write(w *envelope.Writer) {
	keys := slices.SortedFunc(maps.Keys(s.times), func(a, b uint64) int {
		return cmp.Or(cmp.Compare(s.times[a], s.times[b]), cmp.Compare(a, b))
	})
	times := make([]int64, len(keys))
	for i, key := range keys {
		times[i] = s.times[key]
	}
	envelope.Write(w, "seen.ids", keys)
	envelope.Write(w, "seen.times", times)
	envelope.Write(w, "seen.clock", []int64{s.newest, s.swept})
}

// read takes what write wrote.
func (s *seen) read(r *envelope.Reader) {
	times := readTimes(r, "seen.ids", "seen.times")
	clock := envelope.ReadN[int64](r, "seen.clock", 2)
	if r.Err() == nil {
		s.times, s.newest, s.swept = times, clock[0], clock[1]
	}
}

// readTimes reads two sections as a map of times by key.
func readTimes(r *envelope.Reader, keySection, timeSection string) map[uint64]int64 {
	keys := envelope.Read[uint64](r, keySection)
	times := envelope.ReadN[int64](r, timeSection, len(keys))
	if r.Err() != nil {
		return nil
	}
	all := make(map[uint64]int64, len(keys))
	for i, key := range keys {
		all[key] = times[i]
	}
	if len(all) < len(keys) {
		r.Fail(fmt.Sprintf("%s has a key twice", keySection))
	}
	return all
}
