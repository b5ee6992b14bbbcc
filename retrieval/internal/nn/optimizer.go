package nn

import (
	"fmt"

	"github.com/recsyskit/recsys/internal/simd"
)

// Kind is an optimiser.
type Kind uint8

const (
	// Adam is that of Kingma and Ba (ICLR 2015) with their betas, 0.9 and 0.999.
	Adam Kind = iota
	// AdaGrad is that of Duchi, Hazan and Singer (JMLR 2011).
	AdaGrad
)

var kinds = [...]string{Adam: "adam", AdaGrad: "adagrad"}

// String returns "adam" or "adagrad".
func (k Kind) String() string {
	if int(k) < len(kinds) {
		return kinds[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// Valid reports whether k is one of the constants.
func (k Kind) Valid() bool { return int(k) < len(kinds) }

// MarshalText writes the form of [Kind.String].
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads the form of [Kind.String].
func (k *Kind) UnmarshalText(text []byte) error {
	for i, name := range kinds {
		if name == string(text) {
			*k = Kind(i)
			return nil
		}
	}
	return fmt.Errorf("unknown optimizer %q; want adam or adagrad", text)
}

// Optimizer makes steps of one kind.
type Optimizer struct {
	Kind  Kind
	Decay float32 // decoupled weight decay of Adam (AdamW); 0 means none
}

// Step is one step with its constants computed, good for any number of weights.
type Step struct {
	kind Kind
	adam simd.AdamStep
	ada  simd.AdaGrad
}

// At returns step t = 1, 2, … with a rate.
func (o Optimizer) At(t int, rate float32) Step {
	if o.Kind == AdaGrad {
		return Step{kind: AdaGrad, ada: simd.AdaGrad{Rate: rate, Epsilon: 1e-10}}
	}
	return Step{adam: simd.Adam{Rate: rate, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, Decay: o.Decay}.At(t)}
}

// Apply changes w by its gradient g and updates the moments. m is nil for AdaGrad.
func (s *Step) Apply(w, g, m, v []float32) {
	if s.kind == AdaGrad {
		s.ada.Step(w, g, v)
		return
	}
	s.adam.Apply(w, g, m, v)
}

// Weights are the weights of dense layers with the state of their optimiser.
type Weights struct {
	W, G, M, V []float32 // weights, gradient, moments; M is nil for AdaGrad
	opt        Optimizer
}

// NewWeights returns n weights of 0.
func NewWeights(n int, opt Optimizer) *Weights {
	w := &Weights{W: make([]float32, n), G: make([]float32, n), V: make([]float32, n), opt: opt}
	if opt.Kind == Adam {
		w.M = make([]float32, n)
	}
	return w
}

// Step applies the gradient G as step t = 1, 2, …. The result is the same to the bit for any
// number of workers.
func (w *Weights) Step(workers, t int, rate float32) {
	step := w.opt.At(t, rate)
	spans(workers, len(w.W), func(from, to int) {
		var m []float32
		if w.M != nil {
			m = w.M[from:to]
		}
		step.Apply(w.W[from:to], w.G[from:to], m, w.V[from:to])
	})
}
