package recsys

import (
	"cmp"
	"fmt"
	"iter"
	"math"
	"time"
)

// JoinerConfig configures a [Joiner]. The zero value is a good default.
type JoinerConfig struct {
	// Window is how long after an exposure feedback still counts for it. Zero means one
	// hour; what is right depends on the kind of feedback: minutes for a click, days for a purchase.
	Window time.Duration

	// Lateness is how far a record may stand behind newer exposures, by its time, and
	// still be joined as if all had come in order. Zero means Window.
	Lateness time.Duration

	// MaxPending bounds the feedback that waits for an exposure; beyond it, what is due
	// first is decided at once. Zero means 1,000,000.
	MaxPending int
}

// Joined is an exposure with the feedback on what it showed.
type Joined struct {
	Exposure *Exposure
	// Feedback holds a list for each of the first Shown rows: ordered by time, then ID,
	// then kind and value; empty when nothing came.
	Feedback [][]Feedback
}

// JoinStats counts what a [Joiner] has done. Every feedback ends in one of
// DuplicateFeedback, Joined, Late, NotShown, Unmatched and Pending.
type JoinStats struct {
	Exposures          int // given
	DuplicateExposures int // of them dropped: their ID had been there
	LateExposures      int // of them beyond Lateness: joined with what there is, and emitted at once
	Emitted            int
	Open               int // wait for their window to close

	Feedback          int // given
	DuplicateFeedback int // its ID had been there
	Joined            int
	Early             int // of Joined: named its request, and its time is before the exposure's, as of a clock that is slow
	Late              int // named a request whose window had closed
	NotShown          int // named a request that did not show the item
	Unmatched         int // named an unknown request; or the item was not shown to the user in the window before
	Pending           int // waits for its exposure
}

// Joiner joins feedback to the exposures that it answers, as a stream, in memory that
// is bounded by the window.
//
// Feedback that names its request belongs to that exposure, whoever the user is, unless
// it came later than Window after it. Other feedback belongs to the first exposure of the
// item to the user within Window before its time: of several exposures the first wins. Of
// exposures with one ID, and of feedback with one ID, the first that is given counts; IDs
// are remembered for Window + Lateness after that. An empty ID is not merged with anything.
//
// Time is that of events, and moves with the newest Exposure.Now alone: clocks of
// clients, which feedback carries, do not move it. Nor is anything forgotten while no
// exposure comes. An exposure is emitted when time has passed the end of its window by more
// than Lateness. As long as records stand no more than Lateness behind the newest
// exposure, the result does not depend on their order, and exposures are emitted in the
// order of Now, then ID.
//
// The same records in the same order give the same result. A Joiner is not safe for
// concurrent use. A record costs time logarithmic in the number of those that wait.
//
// On windows and late events in such a join see Ananthanarayanan et al., Photon:
// fault-tolerant and scalable joining of continuous data streams, SIGMOD 2013, and the
// online data joiner of He et al., Practical lessons from predicting clicks on ads at
// Facebook, ADKDD 2014.
type Joiner struct {
	window, lateness int64
	maxPending       int

	now    int64 // the newest Exposure.Now
	seq    int   // of arrivals, the last tie-break
	named  map[string]*openSlate
	shown  map[shownKey][]*openSlate // the first to show comes first
	slates deadlines[*openSlate]

	waiting map[string]*waitingList // by the request that has not come yet
	fresh   []*pendingFeedback      // since the last exposure
	pending deadlines[*pendingFeedback]

	feedbackIDs idWindow
	closedIDs   idWindow
	out         []Joined
	outAt       int
	stats       JoinStats
}

type shownKey struct {
	user UserID
	item ItemID
}

// openSlate is an exposure whose window has not closed.
type openSlate struct {
	x        *Exposure
	at       int64
	feedback [][]Feedback // nil until the first
}

// pendingFeedback waits for its exposure, or for earlier exposures that may come yet.
type pendingFeedback struct {
	f       Feedback
	at      int64
	decided bool
}

// waitingList is the feedback that names one request.
type waitingList struct {
	list []*pendingFeedback
	left int // not decided
}

// NewJoiner returns a joiner that has seen nothing. The error names the field that is negative.
func NewJoiner(cfg JoinerConfig) (*Joiner, error) {
	if cfg.Window < 0 || cfg.Lateness < 0 || cfg.MaxPending < 0 {
		return nil, fmt.Errorf("recsys: JoinerConfig: Window is %v, Lateness %v, MaxPending %d; want all >= 0",
			cfg.Window, cfg.Lateness, cfg.MaxPending)
	}
	window := cmp.Or(cfg.Window, time.Hour)
	return &Joiner{
		window: int64(window), lateness: int64(cmp.Or(cfg.Lateness, window)),
		maxPending: cmp.Or(cfg.MaxPending, 1_000_000),
		now:        math.MinInt64,
		named:      map[string]*openSlate{}, shown: map[shownKey][]*openSlate{}, waiting: map[string]*waitingList{},
	}, nil
}

// Join returns an iterator over the exposures of a log, each with its feedback. It
// flushes at the end of records. An error of records comes as the last pair.
func (j *Joiner) Join(records iter.Seq2[LogRecord, error]) iter.Seq2[Joined, error] {
	return func(yield func(Joined, error) bool) {
		for rec, err := range records {
			switch {
			case err != nil:
				yield(Joined{}, err)
				return
			case rec.Exposure != nil:
				j.AddExposure(rec.Exposure)
			case rec.Feedback != nil:
				j.AddFeedback(rec.Feedback)
			}
			for joined, ok := j.Next(); ok; joined, ok = j.Next() {
				if !yield(joined, nil) {
					return
				}
			}
		}
		j.Flush()
		for joined, ok := j.Next(); ok; joined, ok = j.Next() {
			if !yield(joined, nil) {
				return
			}
		}
	}
}

// AddExposure takes an exposure, which is the joiner's from then on: what [LogReader]
// returns, or [Exposure.Clone].
func (j *Joiner) AddExposure(x *Exposure) {
	j.stats.Exposures++
	if x.ID != "" && (j.named[x.ID] != nil || j.closedIDs.has(x.ID)) {
		j.stats.DuplicateExposures++
		return
	}
	s := &openSlate{x: x, at: eventNano(x.Now)}
	due := after(s.at, j.window, j.lateness)
	if due < j.now {
		j.stats.LateExposures++
	}
	j.seq++
	j.slates.push(deadline[*openSlate]{due, x.ID, j.seq, s})
	j.stats.Open++
	j.index(s)
	j.now = max(j.now, s.at)
	j.settleFresh()
	j.expire(j.now)
	j.feedbackIDs.expire(j.now)
	j.closedIDs.expire(j.now)
}

// AddFeedback takes a copy of f.
func (j *Joiner) AddFeedback(f *Feedback) {
	j.stats.Feedback++
	if f.ID != "" {
		if j.feedbackIDs.has(f.ID) {
			j.stats.DuplicateFeedback++
			return
		}
		j.feedbackIDs.add(f.ID)
	}
	at := eventNano(f.Time)
	if f.Request != "" {
		if s := j.named[f.Request]; s != nil {
			j.attach(s, f, at)
			return
		}
		if j.closedIDs.has(f.Request) {
			j.stats.Late++
			return
		}
	}
	p := &pendingFeedback{f: *f, at: at}
	if f.Request != "" {
		w := j.waiting[f.Request]
		if w == nil {
			w = new(waitingList)
			j.waiting[f.Request] = w
		}
		w.list = append(w.list, p)
		w.left++
	}
	j.fresh = append(j.fresh, p)
	j.stats.Pending++
	if j.stats.Pending > j.maxPending {
		j.settleFresh()
		j.decideFirst()
	}
}

// Next returns the next exposure whose window has closed, false when there is none yet.
func (j *Joiner) Next() (Joined, bool) {
	if j.outAt == len(j.out) {
		j.out, j.outAt = j.out[:0], 0
		return Joined{}, false
	}
	joined := j.out[j.outAt]
	j.out[j.outAt] = Joined{}
	j.outAt++
	return joined, true
}

// Flush closes all windows: it decides all feedback that waits and makes Next return all
// exposures that are left. IDs are still remembered.
func (j *Joiner) Flush() {
	j.settleFresh()
	j.expire(math.MaxInt64)
	for len(j.pending) > 0 { // due at the end of time
		j.decide(j.pending.pop())
	}
	for len(j.slates) > 0 {
		j.emit(j.slates.pop())
	}
}

// Stats returns the counts so far.
func (j *Joiner) Stats() JoinStats { return j.stats }
