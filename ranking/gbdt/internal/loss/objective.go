package loss

import (
	"fmt"

	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

// Objective is a loss over rows or queries. It is immutable and safe for concurrent use.
type Objective interface {
	// Outputs returns the number of raw scores that a row has.
	Outputs() int
	// Base returns the raw score of each output from which boosting starts.
	Base() []float64
	// Gradients writes the derivatives of the loss at score: all slices output-major, of
	// Outputs x n. Hessians are >= 0. The round, from 0, is what draws derive from.
	Gradients(round int, score []float64, grad, hess []float32)
	// Link says how raw scores become predictions.
	Link() tree.Link
	// Text is the objective as LightGBM's model files name it.
	Text() string
}

// Renewer is an objective of one output whose leaves are not -G/H.
type Renewer interface {
	// Renew returns what to add to the scores of rows to minimise their loss. It is no longer
	// than the rows; scratch is reused.
	Renew(score []float64, rows []int32, scratch *Scratch) float64
}

// Kind is an objective.
type Kind uint8

// The objectives.
const (
	L2 Kind = iota
	L1
	Quantile
	Huber
	LogLoss
	CrossEntropy
	Poisson
	Gamma
	Tweedie
	Softmax
	LambdaMART
	Pairwise
	XENDCG
	kinds
)

// Ranks tells whether the objective compares the rows of a group.
func (k Kind) Ranks() bool { return k == LambdaMART || k == Pairwise || k == XENDCG }

// Params are the parameters of an objective, checked by the caller; 0 is not replaced by a default here, other
// than for Classes.
type Params struct {
	Kind           Kind
	Classes        int       // Softmax; 0: one more than the largest label
	PositiveWeight float64   // LogLoss
	Alpha          float64   // Quantile: the level, in (0, 1); Huber: where the loss becomes linear, > 0
	Power          float64   // Tweedie, in (1, 2)
	MaxStep        float64   // Poisson: the hessian is multiplied with exp of it
	Sigma          float64   // LambdaMART, Pairwise: steepness of the loss of a pair
	Truncation     int       // LambdaMART, Pairwise: pairs with a row among so many best count
	Raw            bool      // LambdaMART, Pairwise: do not normalise
	Gains          []float64 // LambdaMART: gain of label 0, 1, …; empty: 2^label - 1
	Examination    []float64 // LambdaMART, Pairwise: P(examined | position), in (0, 1]; empty: not corrected
	Seed           uint64    // XENDCG
}

// maxGrade is the largest label of a ranking objective whose gain is 2^label.
const maxGrade = 31

// New returns the objective on the data, or an error that names the row whose label it
// does not take.
func New(p Params, d Data) (Objective, error) {
	switch p.Kind {
	case Softmax:
		return newSoftmax(p, d)
	case LambdaMART, Pairwise, XENDCG:
		return newRanking(p, d)
	case L2, L1, Quantile, Huber, LogLoss, CrossEntropy, Poisson, Gamma, Tweedie:
		return newPointwise(p, d)
	}
	return nil, fmt.Errorf("objective %d is unknown", p.Kind)
}
