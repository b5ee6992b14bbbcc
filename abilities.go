package recsys

import (
	"context"
	"fmt"
	"reflect"
)

// What a stage can do beyond its interface, it says by further small interfaces,
// which Build and the pipeline find by type assertion. A stage implements those it needs:
//
//	Binder          names become columns once, at Build
//	Validator       a stage built as a struct literal checks itself at Build
//	HeadWriter      a ranker writes several heads
//	HeadKinder      a ranker says what its heads are, an objective what it takes them for
//	Wrapper         a stage works through another, which has the abilities that it lacks
//	Versioned       the version stands in every exposure record
//	io.Closer       Pipeline.Close closes the stage
//	Hereditary      a constraint never re-admits a row
//	Overwriter      a feature source writes every cell itself
//	CandidateHydrator  a feature source reads the candidate table
//	ItemScorer      a retriever scores given items
//	Judge           an explorer gives the propensities of a logged slate
//	ExplorationKinder  an explorer says that its propensities are estimated, or that it does not explore
//	ViewSource      a feature source serves declared views
//	EncoderSource   a feature source derives columns, as views declare
//	ViewUser        a stage was trained on views, which Build compares
//	AgeWriter       a feature source says how old its rows are
//	RemoteCaller    a stage asks another machine, so it must be marked Remote
//	Learner         a stage learns from feedback while it serves

// Binder is implemented by stages that read columns, heads or sources by name. Bind
// resolves the names and returns a new, bound stage; the receiver stays as it was.
// S is exactly the stage's interface: Binder[Ranker] for a ranker. A missing or
// mistyped name is an error that joins all of them (errors.Join).
type Binder[S any] interface {
	Bind(s *Schema) (S, error)
}

// Bind binds a stage if it is a [Binder], and returns it as it is otherwise. Stages
// that wrap other stages call it on the inner one. It is an error when the stage has
// a method called Bind that makes it no Binder[S]: it would be skipped silently.
func Bind[S any](stage S, s *Schema) (S, error) {
	if b, ok := any(stage).(Binder[S]); ok {
		bound, err := b.Bind(s)
		if err != nil {
			return stage, err
		}
		if isNil(bound) {
			return stage, fmt.Errorf("%T.Bind returned nil", stage)
		}
		return bound, nil
	}
	if t := reflect.TypeOf(stage); t != nil {
		if m, ok := t.MethodByName("Bind"); ok {
			return stage, fmt.Errorf("method Bind of %T is %v; want func(*recsys.Schema) (%v, error)",
				stage, m.Type, reflect.TypeFor[S]())
		}
	}
	return stage, nil
}

// Validator is implemented by stages that are built as struct literals: Build calls
// Validate before it binds, and reports the error with the stage's name.
type Validator interface{ Validate() error }

// HeadWriter is implemented by a [Ranker] that predicts several things: click,
// dwell, purchase. Heads returns their names in the order of [Scores].Heads.
type HeadWriter interface{ Heads() []string }

// HeadKind says what the numbers of a head are. Each kind is one of those before it too.
// It is a plain string so that package objective, which imports nothing of the pipeline, can name it.
type HeadKind = string

// The kinds of heads.
const (
	// HeadScore orders rows, within a request, and says no more: it has no unit and no zero. Of models
	// trained on pairs or lists: LambdaMART, BPR.
	HeadScore HeadKind = "score"
	// HeadValue estimates an amount in the unit of its label: seconds, price, a rating.
	HeadValue HeadKind = "value"
	// HeadProbability estimates the probability of what the head is named after, in [0, 1].
	HeadProbability HeadKind = "probability"
)

// headKinds has the kinds from weak to strong.
var headKinds = [...]HeadKind{HeadScore, HeadValue, HeadProbability}

// HeadKinder is implemented by a [Ranker] that knows what its heads are and by an
// [Objective] that needs to know. HeadKinds()[i] is the kind of Heads()[i], "" where nothing
// is known or needed. Build compares the two: a head that is less than the
// objective takes it for is a [*HeadKindError].
type HeadKinder interface{ HeadKinds() []HeadKind }

// HeadKindError says that an objective takes a head for what it is not.
type HeadKindError struct {
	Head       string
	Ranker     string // label of the stage that writes the head
	Have, Want HeadKind
}

// Error names the head, its ranker and what to do.
func (e *HeadKindError) Error() string {
	have, want := map[HeadKind]string{
		HeadScore: "a score, good only for the order within a request",
		HeadValue: "a value, not a probability",
	}[e.Have], "a "+e.Want
	remedy := "calibrate it (package ranking/calibrate)"
	if e.Want == HeadValue {
		want = "a value or a probability"
	}
	return fmt.Sprintf("head %q of %s is %s; the objective takes it for %s: %s, or declare the weaker kind in the objective",
		e.Head, e.Ranker, have, want, remedy)
}

// Wrapper is implemented by a stage that works through another of its kind and
// leaves Close, Learn and Version to it, and of an explorer [Judge] and [ExplorationKinder]: what the stage does not
// implement is looked for in the stage that Unwrap returns, and so on. A wrapper that changes what an explorer picks
// must be a Judge itself. A stage in two wrappers is still one stage: it
// is closed once, when no pipeline uses it. Binding and heads are the wrapper's own matter; see [Bind].
type Wrapper[S any] interface{ Unwrap() S }

// AbilityOf returns the first of stage and those that it wraps, see [Wrapper], which implements A, an interface such as
// [Judge]. S is the interface of the stage, of which it is a Wrapper[S]. Stages that wrap others find with it what the inner one can
// do. Unlike those of the pipeline's own stages, a panic of Unwrap is not caught.
func AbilityOf[A, S any](stage S) (a A, ok bool) {
	for range 64 { // a stage that unwraps to itself must not hang
		if isNil(stage) {
			break
		}
		if a, ok = any(stage).(A); ok {
			return a, true
		}
		w, wraps := any(stage).(Wrapper[S])
		if !wraps {
			break
		}
		stage = w.Unwrap()
	}
	return a, false
}

// ability is AbilityOf. The error is a panic of Unwrap.
func ability[A, S any](stage S) (a A, ok bool, err error) {
	defer catch(&err)
	a, ok = AbilityOf[A](stage)
	return a, ok, nil
}

// Objective turns heads into the score; see package objective.
type Objective interface {
	// Heads names the heads that it reads.
	Heads() []string
	// Score writes a score for each row: heads is row-major, len(dst) x len(Heads()),
	// in the order of Heads. It allocates nothing and is safe for concurrent use.
	Score(dst, heads []float32) error
}

// Versioned is implemented by stages that have a version: a model file's hash, a configuration's number.
type Versioned interface{ Version() string }

// RemoteCaller is implemented by a retriever, feature source or ranker that, if CallsRemote returns true, asks another machine. Build
// fails unless such a stage is marked [Remote]: unmarked, a request would wait for it as long as the stage itself
// does. A wrapper that never waits for the stage within implements it and returns false.
type RemoteCaller interface{ CallsRemote() bool }

// Hereditary is implemented by a [Constraint] that, if Hereditary returns true,
// never re-admits a row: what must not come at one place of a slate must not come at
// any later one. The claim defines what the rule means, since cleared bits stay cleared; a
// constraint that looks at the newest pick only and claims it wrongly is another rule.
// reranktest.Rule checks it against the rule spelled out.
type Hereditary interface{ Hereditary() bool }

// Overwriter is implemented by a [FeatureSource] that, if Overwrites returns true,
// promises to write every cell of the block or to call Miss for the row. The
// pipeline then does not fill the block with defaults first.
type Overwriter interface{ Overwrites() bool }

// CandidateHydrator is implemented by a [FeatureSource] that turns what the table
// holds already (sources, ranks, earlier columns) into item features. It is called
// in place of Hydrate for columns of scope PerItem, always in process.
type CandidateHydrator interface {
	HydrateCandidates(ctx context.Context, q *Query, c *Candidates, out *Block) error
}

// ItemScorer is implemented by a [Retriever] that can score given items: for
// sampled evaluation, as a ranking feature, to judge logged slates.
type ItemScorer interface {
	// ScoreItems writes the score of items[i] into dst[i]: what Retrieve would give
	// it, 0 for an item that it does not know.
	ScoreItems(ctx context.Context, q *Query, items []ItemID, dst []float32) error
}

// Judge is implemented by an [Explorer] that can say how probable a given slate was.
type Judge interface {
	// Propensities writes into dst[i] the probability that the explorer picks
	// slate[i] at place i, given the picks above it. s is an empty slate over the same
	// order, window and constraints that Explore would get; the judge walks it:
	//
	//	for i, row := range slate {
	//		if !s.Next() || !s.Admissible().Has(int(row)) { break } // 0 from here on
	//		dst[i] = …
	//		s.Pick(row, dst[i])
	//	}
	//
	// len(dst) == len(slate); places that could not have come get 0, and so do all below them.
	Propensities(ctx context.Context, q *Query, c *Candidates, s *Slate, slate []int32, dst []float64) error
}

// Learner is implemented by stages that learn while they serve. Feedback may come
// late, out of order and doubled.
type Learner interface {
	Learn(ctx context.Context, feedback []Feedback) error
}
