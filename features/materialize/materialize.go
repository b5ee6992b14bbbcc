package materialize

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// Materialize fills the stores from the log until it ends, or, when the log is followed, until ctx is done. It
// is [New] and [Materializer.Run].
func Materialize(ctx context.Context, config Config) (Stats, error) {
	m, err := New(config)
	if err != nil {
		return Stats{}, err
	}
	err = m.Run(ctx)
	return m.Stats(), err
}

// Materializer fills online stores with aggregates of an event log. It counts every event of the log once, however often it was
// killed and started again, and what it has written can be compared and restored; see the package documentation. Its methods
// may be called concurrently. Of one checkpoint folder one runs at a time.
type Materializer struct {
	config Config
	lanes  []*lane

	started sync.Once
	saving  sync.Mutex // held for Progress and Bad
}

// New checks the configuration and takes over the checkpoints. The error lists every mistake of the configuration, or says what is
// wrong with a checkpoint, see [ErrCorrupt] and others, or wraps [ErrLogChanged].
func New(config Config) (*Materializer, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	m := &Materializer{config: config}
	var errs []error
	var targets []*target
	type version struct {
		view string
		hash uint64
	}
	versions := map[version]int{}
	for i, c := range config.Targets {
		t, err := newTarget(c)
		if err != nil {
			errs = append(errs, fmt.Errorf("materialize: Config.Targets[%d]: %w", i, err))
			continue
		}
		v := version{t.view.Name, t.view.RowHash()}
		if first, doubled := versions[v]; doubled {
			errs = append(errs, fmt.Errorf("materialize: Config.Targets[%d] is the version of view %q that Config.Targets[%d] is; "+
				"set View.Computed where they are computed otherwise, so that stores tell their rows apart", i, v.view, first))
		}
		versions[v] = i
		targets = append(targets, t)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	if config.Checkpoints != "" {
		if err := os.MkdirAll(config.Checkpoints, 0o755); err != nil {
			return nil, fmt.Errorf("materialize: Config.Checkpoints: %w", err)
		}
	}
	for _, t := range targets {
		if err := m.place(t); err != nil {
			return nil, err
		}
	}
	if config.Log.Reader != nil && len(m.lanes) > 1 {
		return nil, fmt.Errorf("materialize: targets are at different places of the log, %v and %v, and Log.Reader can be read once; use Log.Paths",
			m.lanes[0].at, m.lanes[1].at)
	}
	for _, l := range m.lanes {
		l.publish()
	}
	return m, nil
}

// place puts a target into the lane that is where its checkpoint is. Targets that start together, and those that were
// killed between no two checkpoints, share one; a new version of a view has its own until the next run.
func (m *Materializer) place(t *target) error {
	s := newSeen(m.config.Horizon)
	var at Position
	var counts Counts
	if m.config.Checkpoints != "" {
		var err error
		if at, counts, _, err = t.load(m.config.Checkpoints, s); err != nil {
			return err
		}
	}
	for _, l := range m.lanes {
		if l.at == at {
			l.join(t)
			return nil
		}
	}
	l := &lane{m: m, at: at, counts: counts, seen: s}
	l.join(t)
	m.lanes = append(m.lanes, l)
	return nil
}

// Run reads the log from where the checkpoints are to its end, counts its events and writes rows, and returns nil when all is written
// and saved. When the log is followed it returns when ctx is done, with an error that wraps ctx.Err(). Other errors: a
// [*recsys.ParseError], [ErrTooManyBad], [ErrLogChanged], [ErrLocked], the store's once Retry gives up, one of the operating system. After an error, make another
// Materializer: it goes on from the last checkpoint. A second call of Run is an error.
func (m *Materializer) Run(ctx context.Context) error {
	first := false
	m.started.Do(func() { first = true })
	if !first {
		return errors.New("materialize: Run was called before; make another Materializer")
	}
	release, err := m.takeFolder()
	if err != nil {
		return err
	}
	defer release()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var work sync.WaitGroup
	var failed sync.Once
	for _, l := range m.lanes {
		work.Go(func() {
			e := l.run(ctx)
			l.mu.Lock()
			l.publish()
			l.mu.Unlock()
			if e != nil {
				failed.Do(func() { err = e })
				cancel(e)
			}
		})
	}
	work.Wait()
	return err
}

// Counts says what the lines of a log were.
type Counts struct {
	Lines   int64 `json:"lines"`   // that were read
	Events  int64 `json:"events"`  // of them were events, and went to the aggregates
	Other   int64 `json:"other"`   // were blank, or records of another type
	Bad     int64 `json:"bad"`     // were malformed and passed over
	Doubled int64 `json:"doubled"` // were events whose id had been counted
	Future  int64 `json:"future"`  // were events that came to be known, or happened, too far ahead of the clock
}

// Stats is what a [Materializer] has done; a checkpoint keeps the counts of the log and the aggregates.
type Stats struct {
	Views []ViewStats // in the order of Config.Targets where no checkpoint has parted them
}

// Progress is the state of the views that stand at one place of the log.
type Progress struct {
	Position Position
	Counts   Counts
	Clock    time.Time // of the newest event; zero before the first
	CaughtUp bool      // the end of the log was reached in this run
	Views    []ViewStats
}

// Stats returns the counts, at the end of a run those of then, during it those of a flush a thousand lines ago at most, or, when a store
// has not answered since, of its last error, which stands in ViewStats.Err. It waits for nothing.
func (m *Materializer) Stats() Stats {
	var s Stats
	for _, l := range m.lanes {
		l.showing.Lock()
		s.Views = append(s.Views, l.shown...)
		l.showing.Unlock()
	}
	return s
}
