package recsys

import (
	"fmt"
	"time"
)

// Result is one answer. It is the caller's; [Pipeline.RecommendInto] reuses its memory.
type Result struct {
	ID    string // names the decision: put it into [Feedback].Request
	Items []Item // the slate, best place first

	// Degraded lists what did not go as declared. An empty list is a clean answer.
	Degraded []Degradation

	Trace Trace

	// Err is the error that Recommend returned, for observers.
	Err error

	// What the request resolved to.
	Now  time.Time
	Seed uint64

	Version string // of the pipeline

	explanation explanation
	traced      bool
}

// Item is one place of a slate.
type Item struct {
	ID         ItemID
	Score      float32
	Utility    float32 // what the explorer chose by: the score after re-ranking
	Propensity float64 // probability of the item here, given the items above it; 1 without an explorer
	// PropensityError is the standard error of Propensity where that is an estimate, else 0.
	PropensityError float64
	Sources         uint64 // mask of the retrievers that proposed it; see [Schema.Source]
}

// Reason says in which way a stage fell short.
type Reason string

// The reasons.
const (
	ReasonError     Reason = "error"     // the stage returned an error
	ReasonPanic     Reason = "panic"     // the stage panicked
	ReasonTimeout   Reason = "timeout"   // a remote stage did not answer within its budget
	ReasonSaturated Reason = "saturated" // too many calls of a remote stage hang already
	ReasonFallback  Reason = "fallback"  // the stage, declared a fallback, served
	ReasonNaN       Reason = "nan"       // scores were NaN and sort last
	ReasonDeadEnd   Reason = "dead end"  // a constraint left no row: the slate is shorter
	ReasonRelaxed   Reason = "relaxed"   // a constraint was given up, as declared by Relax
)

// Degradation is one thing that did not go as declared.
type Degradation struct {
	Stage  string // "retrieve/als", "rank/main"
	Reason Reason
	Err    error // nil for the reasons that are no failure
	Count  int   // rows concerned, for ReasonNaN
}

// String prints stage, reason and cause.
func (d Degradation) String() string {
	switch {
	case d.Err != nil:
		return fmt.Sprintf("%s: %s: %v", d.Stage, d.Reason, d.Err)
	case d.Count > 0:
		return fmt.Sprintf("%s: %s (%d rows)", d.Stage, d.Reason, d.Count)
	}
	return fmt.Sprintf("%s: %s", d.Stage, d.Reason)
}

// Trace holds times and counts of one request, always on.
type Trace struct {
	Stages []StageTrace // in funnel order; stages that did not run have Ran false
	Total  time.Duration

	Merged   int // candidates after the merge
	Excluded int // proposals that Exclude or Allow refused
	Filtered int // candidates that filters dropped
	NaN      int // scores that were NaN
}

// StageTrace is one stage of a [Trace].
type StageTrace struct {
	Name string
	Took time.Duration // of a remote stage: until its result was there or given up
	Out  int           // retriever: candidates; others: rows or places
	Ran  bool
}

// Observer sees every valid request when it is answered, or has failed (then r.Err is
// set and c holds what there was so far, perhaps no rows). Observe is called on the
// request's goroutine and concurrently; q, c and r are read-only and must not be kept.
// It is the hook for metrics, monitors and traces.
type Observer interface {
	Observe(q *Query, c *Candidates, r *Result)
}

// ObserverFunc adapts a function to [Observer].
type ObserverFunc func(q *Query, c *Candidates, r *Result)

// Observe calls f.
func (f ObserverFunc) Observe(q *Query, c *Candidates, r *Result) { f(q, c, r) }
