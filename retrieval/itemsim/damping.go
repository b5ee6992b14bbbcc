package itemsim

import (
	"errors"
	"fmt"
	"math"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval/internal/profile"
)

// Damping says how the weight x > 0 of an item in the history counts. Trainers that transform
// the interactions they learn from ask for the same at serving.
type Damping uint8

const (
	// Linear counts x.
	Linear Damping = iota
	// SquareRoot counts √x, as TF-IDF weights do.
	SquareRoot
	// Saturating counts x / (x + s) with the s of the item, as BM25 weights do.
	Saturating
)

var dampings = [...]string{Linear: "linear", SquareRoot: "sqrt", Saturating: "saturating"}

// String returns "linear", "sqrt" or "saturating".
func (d Damping) String() string {
	if int(d) < len(dampings) {
		return dampings[d]
	}
	return fmt.Sprintf("Damping(%d)", uint8(d))
}

// MarshalText writes the form of [Damping.String].
func (d Damping) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads the form of [Damping.String].
func (d *Damping) UnmarshalText(text []byte) error {
	for i, name := range dampings {
		if name == string(text) {
			*d = Damping(i)
			return nil
		}
	}
	return fmt.Errorf("itemsim: unknown damping %q; want linear, sqrt or saturating", text)
}

// check says how the saturation of the items contradicts d.
func (d Damping) check(saturation []float32, items []recsys.ItemID) error {
	switch {
	case int(d) >= len(dampings):
		return fmt.Errorf("Spec.Damping is %d; want Linear, SquareRoot or Saturating", uint8(d))
	case d == Saturating && len(saturation) != len(items):
		return fmt.Errorf("Spec.Saturation has %d items; want %d", len(saturation), len(items))
	case d != Saturating && len(saturation) > 0:
		return errors.New("Spec.Saturation without Saturating")
	}
	for i, s := range saturation {
		if !saturates(s) {
			return fmt.Errorf("Spec.Saturation of item %d is %v; want a finite number >= 0", items[i], s)
		}
	}
	return nil
}

func saturates(s float32) bool { return s >= 0 && s <= math.MaxFloat32 }

// damp applies the damping to a profile.
func (m *Model) damp(entries []profile.Entry) {
	switch m.header.Damping {
	case SquareRoot:
		for k := range entries {
			entries[k].Weight = float32(math.Sqrt(float64(entries[k].Weight)))
		}
	case Saturating:
		for k := range entries {
			e := &entries[k]
			e.Weight = 1 / (1 + m.saturation[e.Item]/e.Weight) // a form that no weight overflows
		}
	}
}
