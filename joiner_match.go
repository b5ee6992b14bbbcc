package recsys

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"
)

// index makes s known to feedback, also to that which came before it.
func (j *Joiner) index(s *openSlate) {
	for _, r := range s.rows() {
		key := shownKey{s.x.User, r.Item}
		list := j.shown[key]
		at, _ := slices.BinarySearchFunc(list, s, func(a, b *openSlate) int { // behind equals: the first given counts
			return cmp.Or(compareSlates(a, b), -1)
		})
		j.shown[key] = slices.Insert(list, at, s)
	}
	if s.x.ID == "" {
		return
	}
	j.named[s.x.ID] = s
	if w := j.waiting[s.x.ID]; w != nil {
		delete(j.waiting, s.x.ID)
		for _, p := range w.list {
			if !p.decided {
				p.decided = true
				j.stats.Pending--
				j.attach(s, &p.f, p.at)
			}
		}
	}
}

func compareSlates(a, b *openSlate) int {
	return cmp.Or(cmp.Compare(a.at, b.at), strings.Compare(a.x.ID, b.x.ID))
}

// rows returns the rows that were shown.
func (s *openSlate) rows() []ExposureRow {
	return s.x.Rows[:max(0, min(s.x.Shown, len(s.x.Rows)))]
}

// attach gives f to an exposure that it named.
func (j *Joiner) attach(s *openSlate, f *Feedback, at int64) {
	switch {
	case at > after(s.at, j.window):
		j.stats.Late++
	case !s.take(f):
		j.stats.NotShown++
	default:
		j.stats.Joined++
		if at < s.at {
			j.stats.Early++
		}
	}
}

// take adds f to the row that shows its item; false: there is none.
func (s *openSlate) take(f *Feedback) bool {
	rows := s.rows()
	for i := range rows {
		if rows[i].Item == f.Item {
			if s.feedback == nil {
				s.feedback = make([][]Feedback, len(rows))
			}
			s.feedback[i] = append(s.feedback[i], *f)
			return true
		}
	}
	return false
}

// settleFresh says, by the clock of exposures, until when the feedback waits that came
// since the last exposure: until its own time is past, and no longer than one
// window from now, should the client's clock be wrong. What came since the last exposure
// came about now, however long ago that exposure was.
func (j *Joiner) settleFresh() {
	timed := j.now != math.MinInt64 // an exposure has come
	if timed {
		j.feedbackIDs.settle(after(j.now, j.window, j.lateness))
	}
	for _, p := range j.fresh {
		if p.decided {
			continue
		}
		at := p.at
		if p.f.Request != "" {
			at = max(at, j.now)
		}
		if timed {
			at = min(at, after(j.now, j.window))
		}
		j.seq++
		j.pending.push(deadline[*pendingFeedback]{after(at, j.lateness), p.f.ID, j.seq, p})
	}
	clear(j.fresh)
	j.fresh = j.fresh[:0]
}

// expire decides and emits what is due before now. Of equal times feedback comes first.
func (j *Joiner) expire(now int64) {
	for {
		switch f, s := j.pending.first(), j.slates.first(); {
		case f < now && f <= s:
			j.decide(j.pending.pop())
		case s < now:
			j.emit(j.slates.pop())
		default:
			return
		}
	}
}

// decideFirst decides the feedback that is due first, to bound what is kept.
func (j *Joiner) decideFirst() {
	for len(j.pending) > 0 {
		if p := j.pending.pop(); !p.decided {
			j.decide(p)
			return
		}
	}
}

// decide joins feedback that has waited long enough.
func (j *Joiner) decide(p *pendingFeedback) {
	if p.decided {
		return
	}
	p.decided = true
	j.stats.Pending--
	if p.f.Request != "" {
		j.stats.Unmatched++
		w := j.waiting[p.f.Request]
		if w.left--; w.left == 0 {
			delete(j.waiting, p.f.Request)
		} else if len(w.list) > 2*w.left+16 {
			w.list = slices.DeleteFunc(w.list, func(p *pendingFeedback) bool { return p.decided })
		}
		return
	}
	list := j.shown[shownKey{p.f.User, p.f.Item}]
	first, _ := slices.BinarySearchFunc(list, p.at, func(s *openSlate, at int64) int {
		return cmp.Compare(after(s.at, j.window), at)
	})
	if first == len(list) || list[first].at > p.at {
		j.stats.Unmatched++
		return
	}
	list[first].take(&p.f)
	j.stats.Joined++
}

// emit hands out a slate whose window has closed.
func (j *Joiner) emit(s *openSlate) {
	for _, r := range s.rows() {
		j.forget(shownKey{s.x.User, r.Item}, s)
	}
	if s.x.ID != "" {
		delete(j.named, s.x.ID)
		j.closedIDs.add(s.x.ID)
		j.closedIDs.settle(after(j.now, j.window, j.lateness))
	}
	if s.feedback == nil {
		s.feedback = make([][]Feedback, len(s.rows()))
	}
	for _, list := range s.feedback {
		slices.SortStableFunc(list, compareFeedback)
	}
	j.out = append(j.out, Joined{s.x, s.feedback})
	j.stats.Open--
	j.stats.Emitted++
}

// forget takes s from the slates that showed an item to a user. Unless it was late it is the first.
func (j *Joiner) forget(key shownKey, s *openSlate) {
	list := j.shown[key]
	if list[0] == s {
		list[0] = nil
		list = list[1:]
	} else {
		at := slices.Index(list, s)
		list = slices.Delete(list, at, at+1)
	}
	if len(list) == 0 {
		delete(j.shown, key)
	} else {
		j.shown[key] = list
	}
}

func compareFeedback(a, b Feedback) int {
	return cmp.Or(a.Time.Compare(b.Time), strings.Compare(a.ID, b.ID), cmp.Compare(a.Kind, b.Kind),
		cmp.Compare(math.Float32bits(a.Value), math.Float32bits(b.Value)), strings.Compare(a.Request, b.Request))
}

// eventNano is the time that the joiner goes by; an unknown time is the epoch.
func eventNano(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return clampedNano(t)
}

// after adds durations >= 0 to a time without wrapping around.
func after(at int64, d ...int64) int64 {
	for _, v := range d {
		if at > math.MaxInt64-v {
			return math.MaxInt64
		}
		at += v
	}
	return at
}
