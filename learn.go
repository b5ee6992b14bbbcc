package recsys

import (
	"context"
	"errors"
)

// Learn hands feedback to every stage that is a [Learner], in funnel order. The error
// joins one [*StageError] per stage that refused it; the others have learned.
func (p *Pipeline) Learn(ctx context.Context, feedback []Feedback) error {
	if !p.gate.enter() {
		return ErrClosed
	}
	defer p.gate.leave()
	var errs []error
	for _, l := range p.learners {
		if err := l.learn(ctx, feedback); err != nil {
			errs = append(errs, &StageError{l.label, err})
		}
	}
	return errors.Join(errs...)
}

// stageLearner is a stage that learns while it serves.
type stageLearner struct {
	label string
	Learner
}

func (l *stageLearner) learn(ctx context.Context, feedback []Feedback) (err error) {
	defer catch(&err)
	return l.Learn(ctx, feedback)
}
