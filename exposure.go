package recsys

import (
	"context"
	"slices"
	"time"
)

// Feedback is what a user did with something that was shown: the second record type
// of the log, beside [Exposure].
type Feedback struct {
	// ID names the act, so that a record that arrives twice counts once. Empty: never merged.
	ID string
	// Request is the [Exposure].ID of the slate that the act answers. Empty: the join
	// goes by user, item and time; see [Joiner].
	Request string

	User  UserID
	Item  ItemID
	Kind  EventKind
	Value float32 // meaning by Kind
	Time  time.Time
}

// Exposure is the record of one served slate: all that is needed to judge it later.
// [AppendExposure] writes it, [LogReader] reads it.
type Exposure struct {
	ID      string // of the request; names the decision
	User    UserID
	Surface string
	K       int
	Now     time.Time
	Seed    uint64
	Items   []ItemID
	History []Event
	Exclude []ItemID
	Allow   []ItemID
	Arms    []string

	Pipeline string         // version of the pipeline
	Versions []StageVersion // of the stages that have one, in funnel order
	Views    []StageView    // feature views that its sources served, in funnel order
	Level    LogLevel
	Schema   *Schema

	// The request row, in the layout of Schema: what user and context features were served.
	Floats  []float32
	IDs     []uint64
	Vectors [][]float32
	Missing Bits // per group
	Stale   Bits
	// Ages are in seconds at Now, per group, NaN where unknown, as of groups of items. Nil where no source writes ages, and in records that
	// were written before ages existed.
	Ages []float32

	// Rows holds the slate in order (the first Shown rows), then, of LogSlate, the
	// sampled rows that were not shown, of LogFull all others, in table order.
	Rows       []ExposureRow
	Shown      int
	Candidates int // rows of the merged set

	// Explorer is the name of the explorer that chose. Empty: the slate is the greedy one,
	// since there is no explorer or because it failed (then Degraded says so, and the
	// propensities of 1 hold only given that failure: leave such records out of estimates).
	Explorer string
	// Exploration says what the propensities are worth: deterministic where no explorer chose.
	// Records that were written before it existed read as exact.
	Exploration Exploration

	Degraded []Degradation // what went wrong on the way
}

// ExposureRow is one candidate as it was served.
type ExposureRow struct {
	Item     ItemID
	Row      int // row of the candidate table
	Position int // from 0; -1: not shown

	// Propensity is the probability of the item at its position, given the items above it; 0 when not shown.
	Propensity float64
	// PropensityError is the standard error of Propensity where that is an estimate, else 0.
	PropensityError float64
	// Inclusion is the probability that the row stands in the record: 1 unless it was sampled.
	Inclusion float64

	Score   float32
	Utility float32   // as explorers saw it
	Heads   []float32 // in the order of Schema.Heads
	Floats  []float32 // features as served, request columns first: [Candidates.Row]
	IDs     []uint64  // ID columns as served, request columns first
	Sources uint64    // mask of the retrievers that proposed it; see [Schema.Source]
	Ages    []float32 // in seconds, per group, those of the request included; NaN where unknown, nil as [Exposure].Ages

	// Of LogFull only, else nil.
	Vectors [][]float32
	Merged  float32
	Ranks   []int32   // per source, -1: did not propose it
	Recall  []float32 // per source
	Missing uint64    // bit g: group g did not know the item
	Stale   uint64
}

// StageVersion is the version that a stage reported; see [Versioned].
type StageVersion struct {
	Stage   string `json:"stage"`
	Version string `json:"version"`
}

// LogLevel says how much an exposure record holds. It is an option of [Log]. To judge other
// pipelines or explorers on the log later, take [LogFull].
type LogLevel uint8

const (
	// LogSlate records the request, the shown rows and a sample of the others: enough to
	// train on, and for estimates of a policy whose propensities come from elsewhere. It is not
	// enough for [Pipeline.Propensities] or an explorer on the logged rows: what they would have
	// shown depends on all candidates.
	LogSlate LogLevel = iota
	// LogFull records the whole merged set: what it takes to judge another pipeline or explorer
	// later, and enough for [Pipeline.Replay].
	LogFull
)

// String returns "slate" or "full".
func (l LogLevel) String() string {
	if l == LogFull {
		return "full"
	}
	return "slate"
}

// ExposureSink takes exposure records.
//
// LogExposure must not keep x or anything it points to: it is the pipeline's and
// is reused. It is called on the request's goroutine and concurrently, so it should
// not wait; an error is reported in [Result].Degraded and never fails the request.
type ExposureSink interface {
	LogExposure(ctx context.Context, x *Exposure) error
}

// FeedbackSink takes feedback records. The same rules hold as for [ExposureSink].
type FeedbackSink interface {
	LogFeedback(ctx context.Context, f *Feedback) error
}

// The Func types adapt plain functions, as http.HandlerFunc does.
type (
	// ExposureSinkFunc adapts a function to [ExposureSink].
	ExposureSinkFunc func(ctx context.Context, x *Exposure) error
	// FeedbackSinkFunc adapts a function to [FeedbackSink].
	FeedbackSinkFunc func(ctx context.Context, f *Feedback) error
)

// LogExposure calls f.
func (f ExposureSinkFunc) LogExposure(ctx context.Context, x *Exposure) error { return f(ctx, x) }

// LogFeedback calls g.
func (g FeedbackSinkFunc) LogFeedback(ctx context.Context, f *Feedback) error { return g(ctx, f) }

// Clone returns a deep copy of x, for a sink that keeps records. The schema, which is
// immutable, and the errors in Degraded are shared.
func (x *Exposure) Clone() *Exposure {
	y := *x
	y.Items, y.History = slices.Clone(x.Items), slices.Clone(x.History)
	y.Exclude, y.Allow = slices.Clone(x.Exclude), slices.Clone(x.Allow)
	y.Arms, y.Versions = slices.Clone(x.Arms), slices.Clone(x.Versions)
	y.Floats, y.IDs, y.Vectors = slices.Clone(x.Floats), slices.Clone(x.IDs), cloneVectors(x.Vectors)
	y.Missing, y.Stale = slices.Clone(x.Missing), slices.Clone(x.Stale)
	y.Views, y.Ages = slices.Clone(x.Views), slices.Clone(x.Ages)
	y.Degraded = slices.Clone(x.Degraded)
	y.Rows = slices.Clone(x.Rows)
	for i := range y.Rows {
		r := &y.Rows[i]
		r.Heads, r.Floats, r.IDs = slices.Clone(r.Heads), slices.Clone(r.Floats), slices.Clone(r.IDs)
		r.Vectors, r.Ranks, r.Recall = cloneVectors(r.Vectors), slices.Clone(r.Ranks), slices.Clone(r.Recall)
		r.Ages = slices.Clone(r.Ages)
	}
	return &y
}

func cloneVectors(vectors [][]float32) [][]float32 {
	out := slices.Clone(vectors)
	for i := range out {
		out[i] = slices.Clone(out[i])
	}
	return out
}
