package cli

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// progressEvery is the least time between two lines of progress.
const progressEvery = time.Second

// Progress reports how far a piece of work is and when it will be done, one
// line at a time, at most one a second:
//
//	train: 1200/5000 24%, 12s left
//
// Its methods may be called concurrently. A nil *Progress reports nothing.
type Progress struct {
	mu    sync.Mutex
	w     io.Writer
	now   func() time.Time
	label string
	done  int
	total int
	start time.Time
	last  time.Time
}

// NewProgress starts to report total steps of work called label to w. The
// clock is now, nil means [time.Now].
func NewProgress(w io.Writer, label string, total int, now func() time.Time) *Progress {
	if now == nil {
		now = time.Now
	}
	t := now()
	return &Progress{w: w, now: now, label: label, total: total, start: t, last: t}
}

// Add counts n steps as done.
func (p *Progress) Add(n int) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += n
	t := p.now()
	if t.Sub(p.last) < progressEvery || p.done <= 0 || p.done >= p.total {
		return
	}
	p.last = t
	share := float64(p.done) / float64(p.total)
	left := time.Duration(float64(t.Sub(p.start)) * (1 - share) / share)
	fmt.Fprintf(p.w, "%s: %d/%d %.0f%%, %v left\n", p.label, p.done, p.total, 100*share, round(left))
}

// Done reports the total and the time that it took.
func (p *Progress) Done() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.w, "%s: %d in %v\n", p.label, p.done, round(p.now().Sub(p.start)))
}

// Steps returns a function that reports the progress of work called label to w, in the form
// that the trainers of the library call: with how many steps of all are done. It returns nil,
// which they take for no report, when w is nil.
func Steps(w io.Writer, label string) func(done, all int) {
	if w == nil {
		return nil
	}
	var p *Progress
	reported := 0
	return func(done, all int) {
		if p == nil {
			p = NewProgress(w, label, all, nil)
		}
		p.Add(done - reported)
		reported = done
		if done == all {
			p.Done()
		}
	}
}

// round drops digits that nobody reads.
func round(d time.Duration) time.Duration {
	if d >= 10*time.Second {
		return d.Round(time.Second)
	}
	return d.Round(10 * time.Millisecond)
}
