package recsys

import (
	"fmt"
	"time"
)

// Builder collects the stages of a pipeline; see [NewPipeline].
type Builder struct {
	sources     []*stage[Retriever]
	features    []*stage[FeatureSource]
	context     []Column
	filters     []*stage[Filter]
	rankers     []*stage[Ranker]
	objectives  []*stage[Objective]
	rerankers   []*stage[ReRanker]
	constraints []*stage[Constraint]
	explorers   []*stage[Explorer]
	sinks       []*stage[ExposureSink]
	observers   []Observer

	merge   Merge
	cap     *int
	budget  *time.Duration
	depth   *int
	clock   func() time.Time
	version string
	errs    []error
}

// Option adds a stage or a setting to a [Builder].
type Option func(*Builder)

// NewPipeline returns a builder with the given stages. Stages run in funnel order
// whatever the order of the options; stages of one kind run in the order given.
func NewPipeline(opts ...Option) *Builder { return new(Builder).With(opts...) }

// With adds stages and returns b.
func (b *Builder) With(opts ...Option) *Builder {
	for _, o := range opts {
		if o == nil {
			b.errs = append(b.errs, fmt.Errorf("option is nil"))
			continue
		}
		o(b)
	}
	return b
}

// stage is one stage as it was declared and, after Build, as it was bound.
type stage[S any] struct {
	kind  string // "retrieve"
	name  string // "als"; Build gives a name to stages without one
	label string // "retrieve/als"
	hash  uint64 // of the label: what the stage's randomness derives from
	given S      // as declared
	run   S      // as bound
	stageOptions
	gate  semaphore // of a remote stage
	index int       // in the trace
}

// stageOptions holds what StageOptions set; pointers tell unset from zero.
type stageOptions struct {
	quota        *int
	weight       *float64
	remote       *time.Duration
	inFlight     *int
	sample       *int
	fallback     bool
	required     bool
	optional     bool
	relaxed      bool
	level        *LogLevel
	explicitName *string
	nameOption   bool // a retriever was given a Name beside its name
}

// StageOption modifies one stage. Build reports an option that the stage has no use for.
type StageOption interface{ apply(*stageOptions) }

type stageOption func(*stageOptions)

func (f stageOption) apply(o *stageOptions) { f(o) }

func (l LogLevel) apply(o *stageOptions) { o.level = &l }

// Quota is the number of candidates that a retriever may propose, 1 to 1,000,000. The default is 100.
func Quota(n int) StageOption { return stageOption(func(o *stageOptions) { o.quota = &n }) }

// Weight is the retriever's weight in the merge, > 0. The default is 1.
func Weight(w float64) StageOption { return stageOption(func(o *stageOptions) { o.weight = &w }) }

// Remote says that a retriever, feature source or ranker waits for another machine:
// it runs on a goroutine of its own with a context that ends after budget, on a deep
// copy of the query. The pipeline does not wait for it longer, and what it answers after
// that is dropped. Stages without Remote run on the request's goroutine and are not interrupted.
func Remote(budget time.Duration) StageOption {
	return stageOption(func(o *stageOptions) { o.remote = &budget })
}

// InFlight bounds the calls of a [Remote] stage that run at once, abandoned ones
// included; beyond it the stage counts as failed at once. The default is 256.
func InFlight(n int) StageOption { return stageOption(func(o *stageOptions) { o.inFlight = &n }) }

// AsFallback marks a stage that serves when others cannot. A retriever is called only
// if another one failed or fewer than K candidates were found. A ranker, which must
// follow another and write the same heads, is called only if that one failed.
func AsFallback() StageOption { return stageOption(func(o *stageOptions) { o.fallback = true }) }

// Required makes a failure of the stage the failure of the request. Filters are required
// unless said otherwise; all other stages are optional.
func Required() StageOption { return stageOption(func(o *stageOptions) { o.required = true }) }

// Optional lets a request go on without the stage when it fails; see [Required].
func Optional() StageOption { return stageOption(func(o *stageOptions) { o.optional = true }) }

// Relax allows a constraint to be given up, for the rest of a slate, when it
// leaves no row for a place. The last such constraint goes first.
func Relax() StageOption { return stageOption(func(o *stageOptions) { o.relaxed = true }) }

// Name names a stage in errors, traces and records, and for its random source.
// Without it a feature source of one view has the name of the view, see [ViewSource], and other stages that of their Go type.
func Name(name string) StageOption {
	return stageOption(func(o *stageOptions) { o.explicitName = &name })
}

// Sample makes LogSlate records hold n rows that were not shown, drawn uniformly
// from the merged set.
func Sample(n int) StageOption { return stageOption(func(o *stageOptions) { o.sample = &n }) }

func newStage[S any](kind string, s S, opts []StageOption) *stage[S] {
	st := &stage[S]{kind: kind, given: s}
	for _, o := range opts {
		if o != nil {
			o.apply(&st.stageOptions)
		}
	}
	return st
}

// Retrieve adds a candidate source. Names are unique.
//
// Options: Quota, Weight, Remote, InFlight, AsFallback, Required, Optional.
func Retrieve(name string, r Retriever, opts ...StageOption) Option {
	return func(b *Builder) {
		st := newStage("retrieve", r, opts)
		st.nameOption = st.explicitName != nil
		st.explicitName = &name
		b.sources = append(b.sources, st)
	}
}

// Features adds a feature source. When it fails, its columns have their defaults and
// the rows count as missing. Options: Name, Remote, InFlight, Required, Optional.
func Features(s FeatureSource, opts ...StageOption) Option {
	return func(b *Builder) { b.features = append(b.features, newStage("features", s, opts)) }
}

// Context declares the context columns that [Pipeline.Context] resolves. Their scope
// is PerRequest, whatever the column says.
func Context(columns ...Column) Option {
	return func(b *Builder) {
		for _, c := range columns {
			c.Scope = PerRequest
			b.context = append(b.context, c)
		}
	}
}

// FilterBy adds a filter. Options: Name, Required (the default), Optional.
func FilterBy(f Filter, opts ...StageOption) Option {
	return func(b *Builder) { b.filters = append(b.filters, newStage("filter", f, opts)) }
}

// Rank adds a ranker. Several write different heads; the score of the last one
// counts unless there is an objective. When no ranker could serve, the order of the
// merge stands. Options: Name, Remote, InFlight, AsFallback, Required, Optional.
func Rank(r Ranker, opts ...StageOption) Option {
	return func(b *Builder) { b.rankers = append(b.rankers, newStage("rank", r, opts)) }
}

// Score sets the objective that turns heads into the score. When it fails the score
// of the last ranker counts. Options: Name, Required, Optional.
func Score(o Objective, opts ...StageOption) Option {
	return func(b *Builder) { b.objectives = append(b.objectives, newStage("score", o, opts)) }
}

// ReRank adds a re-ranker. When it fails, the order before it stands. Options: Name, Required, Optional.
func ReRank(r ReRanker, opts ...StageOption) Option {
	return func(b *Builder) { b.rerankers = append(b.rerankers, newStage("rerank", r, opts)) }
}

// Constrain adds a hard rule on slates. Options: Name, Relax.
func Constrain(c Constraint, opts ...StageOption) Option {
	return func(b *Builder) { b.constraints = append(b.constraints, newStage("constrain", c, opts)) }
}

// Explore sets the explorer. Without one, or when it fails, the slate is the best
// admissible row for each place. Options: Name, Required, Optional.
func Explore(e Explorer, opts ...StageOption) Option {
	return func(b *Builder) { b.explorers = append(b.explorers, newStage("explore", e, opts)) }
}

// Log adds a sink for exposure records. Options: Name, LogSlate (the default), LogFull, Sample.
// Whoever wants to judge other pipelines or explorers on the log later must take [LogFull] now: records
// of LogSlate do not hold what those choose from.
func Log(s ExposureSink, opts ...StageOption) Option {
	return func(b *Builder) { b.sinks = append(b.sinks, newStage("log", s, opts)) }
}

// Observe adds an observer.
func Observe(o Observer) Option {
	return func(b *Builder) { b.observers = append(b.observers, o) }
}

// MergeBy sets how the sources' lists become one. The default is [RRF].
func MergeBy(m Merge) Option { return func(b *Builder) { b.merge = m } }

// MaxCandidates caps the merged set: the best n by the merge's score go on. The
// default is no cap beyond the sum of the quotas.
func MaxCandidates(n int) Option { return func(b *Builder) { b.cap = &n } }

// Depth is how many rows of the order an explorer chooses from. The default is 4 x K.
func Depth(n int) Option { return func(b *Builder) { b.depth = &n } }

// Budget is the time that remote stages may take in a whole request. Build checks that
// their budgets fit: sequential ones add, concurrent ones count once. It is a check of
// the wiring; at run time the stages' own budgets hold, and the caller's context.
func Budget(d time.Duration) Option { return func(b *Builder) { b.budget = &d } }

// Clock sets what gives Now to requests without one. The default is time.Now.
func Clock(now func() time.Time) Option {
	return func(b *Builder) {
		if now == nil {
			b.errs = append(b.errs, fmt.Errorf("clock: function is nil"))
		}
		b.clock = now
	}
}

// Version names the pipeline in results and records. The default derives from the
// stages' names and versions.
func Version(v string) Option { return func(b *Builder) { b.version = v } }
