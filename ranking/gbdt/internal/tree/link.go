package tree

import (
	"fmt"

	"github.com/recsyskit/recsys/internal/fmath"
)

// LinkKind says how raw scores become predictions.
type LinkKind uint8

// The links.
const (
	Identity     LinkKind = iota
	Sigmoid               // 1/(1+exp(-Slope x)), each output by itself
	Exp                   // exp(x): Poisson, gamma, Tweedie
	Softmax               // over the outputs
	ArgMax                // the output with the largest score, the first of equals: one prediction
	SignedSquare          // sign(x) x^2: regression on square roots
	Softplus              // log(1+exp(x)): LightGBM's cross_entropy_lambda
	Step                  // 1 if x > 0, else 0: hinge
	linkKinds
)

// Link turns the raw scores of a row into predictions.
type Link struct {
	Kind  LinkKind
	Slope float64 // of Sigmoid; 0 means 1
}

func (l Link) check(outputs int) error {
	if l.Kind >= linkKinds {
		return fmt.Errorf("link %d is unknown", l.Kind)
	}
	if !finite(l.Slope) || l.Slope < 0 {
		return fmt.Errorf("slope of the link is %v; want a number >= 0", l.Slope)
	}
	return nil
}

// Width returns how many predictions the link makes of outputs raw scores.
func (l Link) Width(outputs int) int {
	if l.Kind == ArgMax {
		return 1
	}
	return outputs
}

// Apply turns the raw scores of one row, in place, into predictions; ArgMax leaves its one in x[0].
func (l Link) Apply(x []float64) {
	switch l.Kind {
	case Sigmoid:
		slope := l.Slope
		if slope == 0 {
			slope = 1
		}
		for i, v := range x {
			x[i] = 1 / (1 + fmath.Exp(-slope*v))
		}
	case Exp:
		for i, v := range x {
			x[i] = fmath.Exp(v)
		}
	case Softmax:
		softmax(x)
	case ArgMax:
		best := 0
		for i, v := range x {
			if v > x[best] {
				best = i
			}
		}
		x[0] = float64(best)
	case SignedSquare:
		for i, v := range x {
			x[i] = v * max(v, -v)
		}
	case Softplus:
		for i, v := range x {
			x[i] = max(v, 0) + fmath.Log(1+fmath.Exp(-max(v, -v)))
		}
	case Step:
		for i, v := range x {
			x[i] = 0
			if v > 0 {
				x[i] = 1
			}
		}
	}
}

func softmax(x []float64) {
	top := x[0]
	for _, v := range x {
		top = max(top, v)
	}
	sum := 0.0
	for i, v := range x {
		x[i] = fmath.Exp(v - top)
		sum += x[i]
	}
	for i := range x {
		x[i] /= sum
	}
}
