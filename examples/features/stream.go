package main

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/materialize"
)

// candidates is how many items a request chooses from: those that were last clicked.
const candidates = 200

// study is a log that is streamed, the requests meanwhile, and what they got.
type study struct {
	o        *options
	list     []definition
	progress *cli.Progress

	stores   []*features.Store
	targets  []materialize.Target
	pipeline *recsys.Pipeline
	now      time.Time // of the log: when the newest event arrived
	recent   []recsys.ItemID
	counted  int64 // events that the program has seen
	skip     int64 // events that come again after the crash
	crashes  int
	crash    func()
	user     recsys.UserID
	waiting  bool  // a request of the user, at now
	failed   error // of a request

	served   []*recsys.Exposure
	micros   []float64
	restored int64 // rows, after the crash
	again    int64 // events that came again
	stats    []materialize.ViewStats
	took     time.Duration // of streaming, without requests
	judged   judgement
}

// stream fills the stores from the log, in two runs if the first one crashes, and serves meanwhile.
func stream(ctx context.Context, o *options, stderr io.Writer) (*study, error) {
	s := &study{o: o, list: definitions(o.lateness), progress: cli.NewProgress(stderr, "events", 0, nil)}
	start := time.Now()
	err := s.run(ctx)
	if errors.Is(err, errCrashed) {
		s.crashes++
		err = s.run(ctx)
	}
	if err != nil {
		return nil, err
	}
	s.progress.Done()
	s.took = time.Since(start)
	for _, us := range s.micros {
		s.took -= time.Duration(us * 1e3)
	}
	return s, nil
}

var errCrashed = errors.New("crashed")

// run makes empty stores and fills them, from the checkpoint if there is one.
func (s *study) run(ctx context.Context) error {
	var err error
	if s.stores, s.targets, err = newStores(s.list, func() time.Time { return s.now }); err != nil {
		return err
	}
	if s.pipeline, err = s.build(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s.crash = func() { cancel(errCrashed) }
	cfg := s.config(s.targets)
	cfg.Each = s.tap
	cfg.Checkpoints = s.o.checkpoints
	cfg.CheckpointEvents, cfg.CheckpointInterval = 20_000, 1000*time.Hour // by events alone, so that each run is the same
	m, err := materialize.New(cfg)
	if err != nil {
		return err
	}
	s.skip = s.counted - m.Stats().Views[0].Counts.Events
	s.again += s.skip
	err = m.Run(ctx)
	s.stats = m.Stats().Views
	for _, v := range s.stats {
		s.restored += v.Verified.Lost
	}
	return errors.Join(s.failed, err)
}

func (s *study) config(targets []materialize.Target) materialize.Config {
	cfg := materialize.Config{
		Log:     materialize.Log{Paths: []string{s.o.log}, MaxBad: s.o.maxBad},
		Targets: targets, FlushTime: s.o.flush, Refresh: time.Minute, Renew: s.o.renew,
	}
	if s.o.flush == 0 {
		cfg.FlushEvents = 1
	}
	return cfg
}

// build returns the pipeline that reads the stores.
func (s *study) build() (*recsys.Pipeline, error) {
	encoders, err := newEncoders()
	if err != nil {
		return nil, err
	}
	latest := recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
		for i, item := range s.recent {
			if !out.Add(item, float32(len(s.recent)-i)) {
				break
			}
		}
		return nil
	})
	keep := recsys.ExposureSinkFunc(func(_ context.Context, x *recsys.Exposure) error {
		part := *x
		part.Rows = x.Rows[:min(len(x.Rows), judgedRows)]
		s.served = append(s.served, part.Clone())
		return nil
	})
	opts := []recsys.Option{recsys.Retrieve("recent", latest, recsys.Quota(candidates))}
	for i, store := range s.stores {
		opts = append(opts, recsys.Features(store, recsys.Name(s.list[i].name)))
	}
	opts = append(opts,
		recsys.Features(encoders, recsys.Name("encoded")),
		recsys.Rank(ranker{}, recsys.Name("rate")),
		recsys.Log(keep, recsys.LogFull),
	)
	return recsys.NewPipeline(opts...).Build()
}

// tap sees each event that counts. The request that comes at an event is served before the next one, when the stores have been written, if it
// was time to. Events that come again after the crash have had their turn.
func (s *study) tap(e *materialize.Event) {
	if s.skip > 0 {
		s.skip--
		return
	}
	if s.waiting && s.failed == nil {
		s.failed = s.serve()
		s.waiting = false
	}
	s.counted++
	s.progress.Add(1)
	if at := time.Unix(0, max(e.Time, e.Created)).UTC(); at.After(s.now) {
		s.now = at
	}
	if e.Kind == recsys.Click {
		s.recent = slices.DeleteFunc(s.recent, func(item recsys.ItemID) bool { return item == e.Item })
		s.recent = slices.Insert(s.recent, 0, e.Item)[:min(len(s.recent)+1, candidates)]
	}
	s.user, s.waiting = e.User, s.counted%int64(s.o.every) == 0 && len(s.recent) > 0
	if s.counted == s.o.crash || s.failed != nil {
		s.crash()
	}
}

// serve answers the request that waits.
func (s *study) serve() error {
	req := recsys.Request{ID: fmt.Sprintf("r%d", s.counted), User: s.user, K: s.o.k, Now: s.now}
	var res recsys.Result
	start := time.Now()
	err := s.pipeline.RecommendInto(context.Background(), &req, &res)
	s.micros = append(s.micros, float64(time.Since(start).Nanoseconds())/1e3)
	for _, d := range res.Degraded {
		err = errors.Join(err, fmt.Errorf("request %s: %v", req.ID, d))
	}
	return err
}

// inputError makes a mistake of the log one of the caller's.
func (o *options) inputError(err error) error {
	if p, ok := errors.AsType[*recsys.ParseError](err); ok {
		reason := p.Err
		if p.Field != "" {
			reason = fmt.Errorf("field %q: %w", p.Field, p.Err)
		}
		return &cli.InputError{File: filepath.Clean(p.File), Line: p.Line, Err: reason}
	}
	for _, damage := range []error{io.ErrUnexpectedEOF, gzip.ErrHeader, gzip.ErrChecksum, fs.ErrPermission} {
		if !o.simulated && errors.Is(err, damage) {
			return &cli.InputError{File: o.log, Err: err}
		}
	}
	return err
}
