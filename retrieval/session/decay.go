package session

import (
	"fmt"
	"math"

	"github.com/recsyskit/recsys/internal/fmath"
)

// Decay says how much something counts that is a number of steps away: 1 at 0 steps, and less
// further off. The zero value is Reciprocal.
type Decay struct {
	Form Form

	// Scale, of Exponential alone, is the number of steps after which 1/e is left, > 0 and
	// finite.
	Scale float64 `json:",omitempty"`
}

// Form is the form of a [Decay].
type Form uint8

const (
	// Reciprocal is 1 / (steps + 1).
	Reciprocal Form = iota
	// Constant is 1.
	Constant
	// Linear is 1 - steps/10, and 0 from 10 steps on.
	Linear
	// Proportional is 1 - steps/n, where n is the length of the request's session. Fields
	// that have nothing to do with one do not take it.
	Proportional
	// Exponential is exp(-steps/Scale).
	Exponential
	// Quadratic is 1 / (steps + 1)².
	Quadratic
)

var forms = [...]string{
	Reciprocal: "reciprocal", Constant: "constant", Linear: "linear", Proportional: "proportional", Exponential: "exponential",
	Quadratic: "quadratic",
}

// String returns "reciprocal", "constant", "linear", "proportional", "exponential" or
// "quadratic".
func (f Form) String() string {
	if int(f) < len(forms) {
		return forms[f]
	}
	return fmt.Sprintf("Form(%d)", uint8(f))
}

// MarshalText writes the form of [Form.String].
func (f Form) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads the form of [Form.String].
func (f *Form) UnmarshalText(text []byte) error {
	for i, name := range forms {
		if name == string(text) {
			*f = Form(i)
			return nil
		}
	}
	return fmt.Errorf("session: unknown form %q; want reciprocal, constant, linear, proportional, exponential or quadratic", text)
}

// validate returns an error that names the field of a struct.
func (d Decay) validate(field string, proportional bool) error {
	switch {
	case d.Form == Proportional && !proportional:
		return fmt.Errorf("session: %s.Form is %v; want Reciprocal, Constant, Linear, Exponential or Quadratic", field, d.Form)
	case int(d.Form) >= len(forms):
		return fmt.Errorf("session: %s.Form is %d; want Reciprocal, Constant, Linear, Proportional, Exponential or Quadratic", field, d.Form)
	case d.Form == Exponential && !(d.Scale > 0 && d.Scale <= math.MaxFloat32):
		return fmt.Errorf("session: %s.Scale is %v; want a finite number > 0", field, d.Scale)
	case d.Form != Exponential && d.Scale != 0:
		return fmt.Errorf("session: %s.Scale is %v; want 0 with the form %v", field, d.Scale, d.Form)
	}
	return nil
}

// at returns what is left at a number of steps in a sequence of length n.
func (d Decay) at(steps, n int) float64 {
	switch d.Form {
	case Constant:
		return 1
	case Linear:
		return max(0, float64(10-steps)/10)
	case Proportional:
		return max(0, float64(n-steps)/float64(max(n, 1)))
	case Exponential:
		return fmath.Exp(-float64(steps) / d.Scale)
	case Quadratic:
		return 1 / (float64(steps+1) * float64(steps+1))
	}
	return 1 / float64(steps+1)
}

// table returns what is left at 0, 1, … n-1 steps, of forms other than Proportional.
func (d Decay) table(n int) []float32 {
	t := make([]float32, max(n, 0))
	for steps := range t {
		t[steps] = float32(d.at(steps, 0))
	}
	return t
}
