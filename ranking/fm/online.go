package fm

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/ranking"
)

// OnlineConfig configures [NewOnline].
type OnlineConfig struct {
	// Label writes the labels of one shown row, in the order of the heads, into dst, which
	// arrives as NaN: unknown. feedback is all that came for the row; it is empty when
	// nothing came, which is a label too: not clicked. It must not be nil.
	Label func(dst []float32, feedback []recsys.Feedback) error

	// Join says how long feedback is waited for; see [recsys.JoinerConfig]. Feedback that comes
	// late, before its slate, doubled or for what was not shown is what a [recsys.Joiner] makes of it.
	Join recsys.JoinerConfig

	// Publish is the number of rows that are learned at once: then the parameters are copied
	// for requests to see. >= 0; 0 means 4096.
	Publish int
}

// Online is a ranker that learns while it serves. It takes slates as they were served, with
// their features, as a sink of exposures, and feedback as a [recsys.Learner]; when the window
// of a slate has closed, its rows are labelled and learned, one after the other:
//
//	online, err := fm.NewOnline(model, fm.OnlineConfig{Label: label})
//	p, err := recsys.NewPipeline(…, recsys.Rank(online), …, recsys.Log(online.Sink())).Build()
//	err = p.Learn(ctx, feedback)
//
// So a row is learned from the features that it was served with, once, with all its feedback.
// Means, scales and vocabularies stay those of the model; give it Config.HashBits for IDs
// to come. Requests read an immutable [Model], each the same one from start to end, which is
// replaced after OnlineConfig.Publish rows.
//
// All methods are safe for concurrent use; learning waits for learning, requests wait for nothing.
type Online struct {
	state *onlineState
	bound *binding // nil until Bind
}

// onlineState is what an Online and its bound copies share.
type onlineState struct {
	current atomic.Pointer[Model]
	base    *Model

	inbox struct { // slates that Learn has not taken yet
		sync.Mutex
		slates []*recsys.Exposure
	}

	mu        sync.Mutex
	cfg       OnlineConfig
	joiner    *recsys.Joiner
	collector *ranking.Collector
	waiting   int // rows in collector
	learners  []*learner
	stats     OnlineStats
}

// OnlineStats counts what an [Online] has done.
type OnlineStats struct {
	Learned   int // rows with a label
	Waiting   int // labelled rows that wait for Publish of them
	Published int // models that requests have seen, the first one not counted
	Join      recsys.JoinStats
}

var (
	_ recsys.Ranker                = (*Online)(nil)
	_ recsys.HeadWriter            = (*Online)(nil)
	_ recsys.Versioned             = (*Online)(nil)
	_ recsys.Learner               = (*Online)(nil)
	_ recsys.Binder[recsys.Ranker] = (*Online)(nil)
)

// NewOnline returns a ranker that goes on where the training of m ended. m stays as it is. It is
// an error if m was not trained with Config.Resumable or the configuration is not valid.
func NewOnline(m *Model, cfg OnlineConfig) (*Online, error) {
	if !m.Resumable() {
		return nil, errors.New("fm: NewOnline: the model does not say what its optimizer knows; train it with Config.Resumable")
	}
	if cfg.Label == nil {
		return nil, errors.New("fm: OnlineConfig.Label is nil; want a function that makes labels of feedback")
	}
	if cfg.Publish < 0 {
		return nil, fmt.Errorf("fm: OnlineConfig.Publish is %d; want >= 0 (0 means 4096)", cfg.Publish)
	}
	joiner, err := recsys.NewJoiner(cfg.Join)
	if err != nil {
		return nil, fmt.Errorf("fm: OnlineConfig.Join: %w", err)
	}
	s := &onlineState{base: m, cfg: cfg, joiner: joiner}
	s.cfg.Publish = orDefault(cfg.Publish, 4096)
	for h := range m.heads {
		c := m.optimizer.config()
		c.Loss = m.loss
		s.learners = append(s.learners, newLearner(c, m.learned[h].clone(), m.steps[h]))
	}
	if err := s.collect(); err != nil {
		return nil, err
	}
	first := *m
	first.bound = nil
	s.current.Store(&first)
	return &Online{state: s}, nil
}

// Heads returns the names of the heads. The slice is the model's.
func (o *Online) Heads() []string { return o.state.base.heads }

// Version returns the version of the model that learning went out from, marked as online:
// records of requests do not tell which parameters were in use.
func (o *Online) Version() string { return o.state.base.version + "-online" }

// Model returns the model that requests see now. It is immutable, not resumable and not bound.
// Its version counts how often it was replaced.
func (o *Online) Model() *Model { return o.state.current.Load() }

// Stats returns the counts so far.
func (o *Online) Stats() OnlineStats {
	s := o.state
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := s.stats
	stats.Join, stats.Waiting = s.joiner.Stats(), s.waiting
	return stats
}

// Bind finds the model's columns in the schema, as [Model.Bind] does. The bound ranker learns
// together with the receiver.
func (o *Online) Bind(schema *recsys.Schema) (recsys.Ranker, error) {
	b, err := o.state.base.bind(schema)
	if err != nil {
		return nil, err
	}
	return &Online{state: o.state, bound: b}, nil
}

// Rank does what [Model.Rank] does, with the parameters of the last publication.
func (o *Online) Rank(_ context.Context, _ *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
	if o.bound == nil {
		return ranking.ErrUnbound
	}
	return o.state.current.Load().rank(o.bound, c, out)
}

// maxInbox bounds the slates between two calls of Learn.
const maxInbox = 1 << 16

// ErrFull is returned by the sink of an [Online] when more than 65,536 slates wait for a call of [Online.Learn].
var ErrFull = errors.New("fm: slate dropped: too many wait for a call of Learn")

// Sink returns the sink through which served slates arrive. It copies them as far as they are needed
// and does not wait for learning, which the next call of Learn does. Its error is ErrFull.
func (o *Online) Sink() recsys.ExposureSink { return recsys.ExposureSinkFunc(o.logExposure) }

func (o *Online) logExposure(_ context.Context, x *recsys.Exposure) error {
	shown := *x
	shown.Rows = x.Rows[:min(x.Shown, len(x.Rows))]
	c, in := shown.Clone(), &o.state.inbox
	in.Lock()
	defer in.Unlock()
	if len(in.slates) >= maxInbox {
		return ErrFull
	}
	in.slates = append(in.slates, c)
	return nil
}

// take gives the slates of the inbox to the joiner.
func (s *onlineState) take() {
	s.inbox.Lock()
	slates := s.inbox.slates
	s.inbox.slates = nil
	s.inbox.Unlock()
	for _, x := range slates {
		s.joiner.AddExposure(x)
	}
}

// Learn takes feedback, late, out of order and doubled as it may be, and learns from slates whose
// window has closed since the last call, on the goroutine that calls it: call it from time to
// time, with nothing if nothing came. The error is that of a label or of learning; such slates are left out. When ctx is
// done it wraps ctx.Err(), and the next call goes on.
func (o *Online) Learn(ctx context.Context, feedback []recsys.Feedback) error {
	s := o.state
	s.mu.Lock()
	defer s.mu.Unlock()
	s.take()
	for i := range feedback {
		s.joiner.AddFeedback(&feedback[i])
	}
	return s.drain(ctx)
}

// Flush closes all windows, learns what there is to learn, and publishes it: at the end of a
// log, or before [Online.Snapshot].
func (o *Online) Flush() error {
	s := o.state
	s.mu.Lock()
	defer s.mu.Unlock()
	s.take()
	s.joiner.Flush()
	return errors.Join(s.drain(context.Background()), s.learn())
}

// Update learns the rows of d, in their order, and publishes: what [Train] does in an epoch, but
// for the order. d has the model's columns and heads, found by name; columns that it does
// not have are an error, and labels as Config.Loss wants them. Labels are NaN where unknown. A head whose
// parameters leave all bounds goes back to what it was, and the error wraps [ranking.ErrDiverged]; the others learn.
func (o *Online) Update(d *ranking.Dataset) error {
	s := o.state
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.update(d)
}

// Snapshot returns a resumable copy of what has been learned, published or not, to be saved.
func (o *Online) Snapshot() *Model {
	s := o.state
	s.mu.Lock()
	defer s.mu.Unlock()
	m := *s.base
	m.bound, m.tables, m.learned, m.steps = nil, nil, nil, nil
	for _, l := range s.learners {
		m.tables = append(m.tables, l.table.alone())
		m.learned = append(m.learned, l.table.clone())
		m.steps = append(m.steps, l.steps)
	}
	m.finish()
	return &m
}

// collect starts a new collection of rows.
func (s *onlineState) collect() (err error) {
	none := func(names []string) []string { return append([]string{}, names...) }
	s.waiting = 0
	s.collector, err = ranking.NewCollector(ranking.CollectorConfig{
		Columns: none(s.base.columns), IDColumns: none(s.base.idColumns), Heads: s.base.heads,
		AnyVersion: true, // it goes on with what is served
	})
	return err
}

// drain takes the slates whose windows have closed, and learns when there are enough rows.
func (s *onlineState) drain(ctx context.Context) error {
	var errs []error
	for ctx.Err() == nil {
		j, ok := s.joiner.Next()
		if !ok {
			return errors.Join(errs...)
		}
		known := 0
		err := s.collector.AddJoined(j, func(dst []float32, feedback []recsys.Feedback) error {
			err := s.cfg.Label(dst, feedback)
			labelled := 0
			for h, y := range dst {
				if s.base.loss == Logistic && (y < 0 || y > 1) || math.IsInf(float64(y), 0) {
					return errors.Join(err, fmt.Errorf("fm: label of head %q is %v; want 0 to 1, or NaN", s.base.heads[h], y))
				}
				if y == y {
					labelled = 1
				}
			}
			known += labelled
			return err
		})
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if s.waiting += known; s.waiting >= s.cfg.Publish {
			errs = append(errs, s.learn())
		}
	}
	return errors.Join(append(errs, fmt.Errorf("fm: learning: %w", ctx.Err()))...)
}

// learn learns the rows that wait.
func (s *onlineState) learn() error {
	if s.waiting == 0 {
		return nil
	}
	d, err := s.collector.Dataset()
	err = errors.Join(err, s.collect())
	if err != nil {
		return err
	}
	return s.update(d)
}

// update learns the rows of d.
func (s *onlineState) update(d *ranking.Dataset) error {
	if err := checkTraining(d, s.base.loss); err != nil {
		return err
	}
	floats, ids, err := s.base.find(d)
	if err != nil {
		return err
	}
	heads := make([]int, len(s.base.heads))
	for h, name := range s.base.heads {
		if heads[h] = slices.Index(d.Heads, name); heads[h] < 0 {
			return fmt.Errorf("fm: the dataset has no head %q (heads: %q)", name, d.Heads)
		}
	}
	var r rows
	s.base.encode(&r, d, floats, ids, 0, d.Len())
	learned := make([]bool, d.Len())
	var errs []error
	for h, l := range s.learners {
		before, steps := l.table.clone(), l.steps
		for i := range d.Len() {
			y, c := d.LabelRow(i)[heads[h]], d.Weight(i)
			if y != y || c == 0 {
				continue
			}
			l.batch(&r, i, i+1, 1, func(_ int32, z float32) float32 {
				_, slope := l.cfg.Loss.of(y, z)
				return float32(slope * float64(c))
			})
		}
		if !l.table.bounded() {
			l.table.assign(&before)
			l.steps, l.constants = steps, [8]float32{}
			errs = append(errs, fmt.Errorf("fm: head %q: %w; its %d rows are left out", s.base.heads[h], ranking.ErrDiverged, d.Len()))
			continue
		}
		for i := range learned {
			y := d.LabelRow(i)[heads[h]]
			learned[i] = learned[i] || y == y && d.Weight(i) > 0
		}
	}
	if len(errs) == len(s.learners) {
		return errors.Join(errs...)
	}
	for _, yes := range learned {
		if yes {
			s.stats.Learned++
		}
	}
	s.publish()
	return errors.Join(errs...)
}

// publish lets requests see what has been learned.
func (s *onlineState) publish() {
	s.stats.Published++
	next := *s.current.Load()
	next.tables, next.learned, next.steps = nil, nil, nil
	for _, l := range s.learners {
		next.tables = append(next.tables, l.table.alone())
	}
	next.version = fmt.Sprintf("%s-online-%d", s.base.version, s.stats.Published)
	s.current.Store(&next)
}
