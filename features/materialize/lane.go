package materialize

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features/window"
)

// ViewStats says how far a view is, and what was written.
type ViewStats struct {
	View string // name
	Hash uint64 // View.RowHash

	Position Position  // of the log, at the last flush
	Counts   Counts    // of the log so far
	Clock    time.Time // of the newest event; zero before the first
	CaughtUp bool      // the end of the log was reached in this run

	Aggregates window.Stats // which events counted, and why others did not

	// Of this run:
	Rows        int64 // acknowledged by the store; those of a batch that was repeated count once
	Stored      int64 // of them were stored
	Late        int64 // were refused because a later row is there
	Future      int64 // were refused because the store takes them for rows of the future; they are written again with the next flush
	Retries     int64 // calls of the store that returned an error
	Err         error // of the last one of them, while the call is made again and again; nil when the store has answered since
	Verified    Verified
	Checkpoints int64
}

// lane is targets that stand at the same place of the log, and what reads it for them.
type lane struct {
	m *Materializer

	mu      sync.Mutex // held while a line is worked on, and by Verify
	targets []*target
	at      Position // of the last flush
	counts  Counts
	seen    *seen
	parser  parser

	reader    *lineReader // of the goroutine that runs
	caughtUp  bool
	unflushed int       // events
	flushed   int64     // event time of the last flush
	told      int64     // lines, at the last flush
	unsaved   int       // events
	saved     int64     // lines, at the last checkpoint
	savedAt   time.Time // by Config.Now

	publicized int64      // lines, when shown was set
	showing    sync.Mutex // held for shown, never long
	shown      []ViewStats
}

// join adds a target.
func (l *lane) join(t *target) {
	l.targets = append(l.targets, t)
	t.publish = l.publish
	l.parser.need |= t.need
}

// run works through the log.
func (l *lane) run(ctx context.Context) (err error) {
	c := &l.m.config
	l.parser.unit, l.parser.key = int64(c.Log.TimeUnit), c.Log.Key
	if l.reader, err = newLineReader(&c.Log, l.at); err != nil {
		return err
	}
	defer l.reader.Close()
	l.savedAt = c.Now()
	if err := l.resume(ctx); err != nil {
		return err
	}
	for n := 0; ; n++ {
		if n%256 == 0 && ctx.Err() != nil {
			return ended(ctx)
		}
		line, torn, err := l.reader.next()
		switch {
		case err == io.EOF:
			return l.finish(ctx)
		case err == errIdle:
			if err := l.idle(ctx); err != nil {
				return err
			}
			continue
		case err != nil && err != errTooLong:
			return err
		}
		l.mu.Lock()
		end, err := l.line(ctx, line, torn, err)
		l.mu.Unlock()
		if err != nil {
			return err
		}
		if end {
			return l.finish(ctx)
		}
	}
}

// resume compares what the stores have with what they acknowledged before the checkpoint.
func (l *lane) resume(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flushed, _ = l.clock()
	l.told, l.saved = l.counts.Lines, l.counts.Lines
	for _, t := range l.targets {
		if t.resumed && !l.m.config.NoVerify {
			if _, err := t.verify(ctx, l.m); err != nil {
				return err
			}
		}
	}
	return nil
}

// line works on a line. end says that it is the unfinished end of the log, which was left.
func (l *lane) line(ctx context.Context, text []byte, torn bool, tooLong error) (end bool, err error) {
	c := &l.m.config
	var e Event
	var skip bool
	var field, reason string
	if tooLong != nil {
		reason = fmt.Sprintf("longer than %d bytes; raise Log.MaxLine if the line is meant", c.Log.MaxLine)
	} else {
		skip, field, reason = l.parser.parse(text, &e)
	}
	number := l.reader.at.Line
	if torn {
		if reason != "" {
			if further, err := l.reader.further(); further == "" || err != nil {
				return true, err
			}
		}
		l.reader.accept()
		number = l.reader.at.Line
	}
	l.counts.Lines++
	switch {
	case reason != "":
		return false, l.bad(&recsys.ParseError{File: l.reader.path, Line: int(number), Field: field, Err: errors.New(reason)})
	case skip:
		l.counts.Other++
		return false, l.passed(ctx)
	case cmp.Or(e.Created, e.Time) > c.Now().Add(c.Future).UnixNano():
		l.counts.Future++
		return false, l.passed(ctx)
	case !l.seen.first(e.ID, e.known()):
		l.counts.Doubled++
		return false, l.passed(ctx)
	}
	l.counts.Events++
	for _, t := range l.targets {
		t.add(&e)
	}
	if c.Each != nil {
		c.Each(&e)
	}
	l.unflushed++
	l.unsaved++
	return false, l.due(ctx)
}

// passed saves a checkpoint when it is time to, also where a log has no events for long.
func (l *lane) passed(ctx context.Context) error {
	c := &l.m.config
	if l.counts.Lines%1024 != 0 || c.Now().Sub(l.savedAt) < c.CheckpointInterval {
		return nil
	}
	if err := l.flush(ctx); err != nil {
		return err
	}
	return l.save()
}

// bad counts a malformed line, and returns the error when there are too many.
func (l *lane) bad(line *recsys.ParseError) error {
	c := &l.m.config
	if c.Log.MaxBad == 0 {
		return fmt.Errorf("materialize: %w", line)
	}
	l.counts.Bad++
	if l.counts.Bad > c.Log.MaxBad {
		return fmt.Errorf("%w: %d; Log.MaxBad is %d: %w", ErrTooManyBad, l.counts.Bad, c.Log.MaxBad, line)
	}
	if c.Bad != nil {
		l.m.saving.Lock()
		defer l.m.saving.Unlock()
		c.Bad(line)
	}
	return nil
}

// clock returns the time of the newest event of any target.
func (l *lane) clock() (int64, bool) {
	var newest int64
	found := false
	for _, t := range l.targets {
		if at, ok := t.clock(); ok && (!found || at > newest) {
			newest, found = at, true
		}
	}
	return newest, found
}

// due writes and saves when it is time to.
func (l *lane) due(ctx context.Context) error {
	c := &l.m.config
	now, _ := l.clock()
	flush := l.unflushed >= c.FlushEvents || c.FlushTime > 0 && now-l.flushed >= int64(c.FlushTime)
	save := l.unsaved >= c.CheckpointEvents || l.unsaved%1024 == 0 && c.Now().Sub(l.savedAt) >= c.CheckpointInterval
	if flush || save {
		if err := l.flush(ctx); err != nil {
			return err
		}
	}
	for _, t := range l.targets {
		if err := t.refreshIfDue(ctx, l.m, l.caughtUp); err != nil {
			return err
		}
	}
	if save {
		return l.save()
	}
	return nil
}

// refreshIfDue refreshes a target when its clock has advanced far enough.
func (t *target) refreshIfDue(ctx context.Context, m *Materializer, caughtUp bool) error {
	every := m.config.Refresh
	if every == 0 {
		every = defaultRefresh
		if !caughtUp {
			every = max(every, t.agg.Horizon()/4) // often enough that keys are forgotten
		}
	}
	now, ok := t.clock()
	switch {
	case !ok:
		return nil
	case t.refreshed == 0:
		t.refreshed = now
	case now-t.refreshed >= int64(every):
		return t.refresh(ctx, m)
	}
	return nil
}

// flush writes what has changed, looks at stores that were in trouble, and tells of the progress.
func (l *lane) flush(ctx context.Context) error {
	for _, t := range l.targets {
		if err := t.flush(ctx, l.m); err != nil {
			return err
		}
	}
	return l.flushedAll(ctx)
}

func (l *lane) flushedAll(ctx context.Context) error {
	for _, t := range l.targets {
		if t.doubtful() && !l.m.config.NoVerify {
			if _, err := t.verify(ctx, l.m); err != nil {
				return err
			}
		}
	}
	l.unflushed, l.told, l.at = 0, l.counts.Lines, l.reader.position()
	l.flushed, _ = l.clock()
	if l.counts.Lines-l.publicized >= 1024 {
		l.publish()
	}
	if tell := l.m.config.Progress; tell != nil {
		p := Progress{Position: l.at, Counts: l.counts, Clock: l.time(), CaughtUp: l.caughtUp, Views: l.views()}
		l.m.saving.Lock()
		defer l.m.saving.Unlock()
		tell(p)
	}
	return nil
}

// time returns the clock as a time.
func (l *lane) time() time.Time {
	if now, ok := l.clock(); ok {
		return time.Unix(0, now).UTC()
	}
	return time.Time{}
}

// rewrite writes all rows.
func (l *lane) rewrite(ctx context.Context) error {
	for _, t := range l.targets {
		if err := t.rewrite(ctx, l.m); err != nil {
			return err
		}
	}
	return l.flushedAll(ctx)
}

// save saves the checkpoints. All that changed has been written.
func (l *lane) save() error {
	l.unsaved, l.saved, l.savedAt = 0, l.counts.Lines, l.m.config.Now()
	if l.m.config.Checkpoints == "" {
		return nil
	}
	for _, t := range l.targets {
		if err := t.save(l.m.config.Checkpoints, l.at, l.counts, l.seen); err != nil {
			return err
		}
	}
	return nil
}

// finish ends the run at the end of the log.
func (l *lane) finish(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.rewrite(ctx); err != nil {
		return err
	}
	if err := l.save(); err != nil {
		return err
	}
	return l.caught(ctx)
}

// idle writes what there is at the end of a followed log, and waits for more.
func (l *lane) idle(ctx context.Context) error {
	c := &l.m.config
	if err := l.pause(ctx); err != nil {
		return err
	}
	if err := wait(ctx, c.Log.Poll); err != nil {
		return ended(ctx)
	}
	return nil
}

// pause writes and saves what there is.
func (l *lane) pause(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.caughtUp {
		if err := l.rewrite(ctx); err != nil {
			return err
		}
		if err := l.caught(ctx); err != nil {
			return err
		}
	}
	if l.counts.Lines > l.told || l.inDoubt() {
		if err := l.flush(ctx); err != nil {
			return err
		}
	}
	if l.counts.Lines > l.publicized {
		l.publish()
	}
	if l.counts.Lines > l.saved && l.reader.between() && l.m.config.Now().Sub(l.savedAt) >= l.m.config.CheckpointInterval {
		return l.save()
	}
	return nil
}

// inDoubt reports whether a store lacks rows, or may.
func (l *lane) inDoubt() bool {
	for _, t := range l.targets {
		if len(t.refused) > 0 || !l.m.config.NoVerify && t.doubtful() {
			return true
		}
	}
	return false
}

// caught tells the targets that they have what the log held.
func (l *lane) caught(ctx context.Context) error {
	l.caughtUp = true
	l.publish()
	for _, t := range l.targets {
		if t.CaughtUp == nil || t.caughtUp {
			continue
		}
		t.caughtUp = true
		if err := t.CaughtUp(ctx); err != nil {
			return fmt.Errorf("materialize: view %q: CaughtUp: %w", t.view.Name, err)
		}
	}
	return nil
}

// publish shows the state of the targets to Stats.
func (l *lane) publish() {
	views := l.views()
	l.publicized = l.counts.Lines
	l.showing.Lock()
	defer l.showing.Unlock()
	l.shown = views
}

// views returns the state of the targets.
func (l *lane) views() []ViewStats {
	var all []ViewStats
	for _, t := range l.targets {
		s := t.stats
		s.Position, s.Counts, s.CaughtUp, s.Aggregates = l.at, l.counts, l.caughtUp, t.agg.Stats()
		if now, ok := t.clock(); ok {
			s.Clock = time.Unix(0, now).UTC()
		}
		all = append(all, s)
	}
	return all
}
