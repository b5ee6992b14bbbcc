package objective

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/recsyskit/recsys/internal/hash"
)

// Config declares an objective: what stands in a JSON file. [New] and [Parse] check it.
type Config struct {
	// Name says what the objective is for: "home feed". Required.
	Name string `json:"name"`

	// Version is the declared version, changed by whoever changes the file. Required.
	Version string `json:"version"`

	// Form is how the terms become one score. Empty means Sum.
	Form Form `json:"form,omitempty"`

	// Floor is the smallest value of a head in a Product: what is below counts as
	// Floor, so that one head of 0 lowers a row instead of erasing all that the
	// other heads say. In (0, 1]; 0 means 1e-6. Only for Product.
	Floor float64 `json:"floor,omitempty"`

	// Terms lists the heads, at least one, none twice. Their order is that of [Objective.Heads].
	Terms []Term `json:"terms,omitempty"`
}

// Form is how terms become a score.
type Form string

// The forms.
const (
	// Sum scores Σ w·t(h).
	Sum Form = "sum"
	// Product scores Σ w·log max(t(h), floor), the logarithm of Π t(h)^w. It ranks as
	// the product does but cannot underflow. Scores are negative where all heads are
	// probabilities.
	Product Form = "product"
)

// Term is one head with its weight.
type Term struct {
	// Head is the name that the ranker gives the prediction. Required.
	Head string `json:"head"`

	// Weight is finite; negative for what is not wanted (hide). With weight 0 the head
	// is named but its value is ignored, NaN included. In a file it must be given.
	Weight float64 `json:"weight"`

	// Nonnegative makes a negative weight an error: a guard against a slip of sign
	// where weights are tuned.
	Nonnegative bool `json:"nonnegative,omitempty"`

	// Min and Max clip the head before it is transformed. Nil means no bound.
	Min *float64 `json:"min,omitempty"`
	Max *float64 `json:"max,omitempty"`

	// Transform is applied to the clipped head. Empty means Identity.
	Transform Transform `json:"transform,omitempty"`

	// Kind is what the head is taken for. A pipeline refuses, at Build, a ranker whose head is
	// less by its own account, such as the score of a model that was trained on pairs or
	// lists in place of a probability. Empty means what the arithmetic needs: Probability under
	// Logit; Score where the term is the only one with a weight, in a Sum, since then only the order counts;
	// else Value. With weight 0 nothing is needed.
	Kind Kind `json:"kind,omitempty"`
}

// Kind is what a head's numbers are, from weak to strong; each kind is one of those before it too.
type Kind string

// The kinds.
const (
	// Score orders rows within a request and says no more.
	Score Kind = "score"
	// Value is an amount in the unit of the label: seconds, price.
	Value Kind = "value"
	// Probability is the probability of what the head is named after.
	Probability Kind = "probability"
)

const kindNames = `"score", "value" or "probability"`

func (k Kind) known() bool { return k == "" || k == Score || k == Value || k == Probability }

// defaultFloor is what a Floor of 0 means.
const defaultFloor = 1e-6

// Validate reports every mistake of the configuration, joined.
func (c *Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("objective: "+format, args...)) }
	if c.Name == "" {
		bad("name is empty; say what the objective is for")
	}
	if c.Version == "" {
		bad("version is empty; declare one")
	}
	if c.Form != "" && c.Form != Sum && c.Form != Product {
		bad("form is %q; want %q or %q", c.Form, Sum, Product)
	}
	switch {
	case c.Floor == 0:
	case c.Form != Product:
		bad("floor is %v, but form is not %q; leave it out", c.Floor, Product)
	case !(c.Floor > 0 && c.Floor <= 1):
		bad("floor is %v; want a number in (0, 1] (0 means %v)", c.Floor, defaultFloor)
	}
	if len(c.Terms) == 0 {
		bad("terms is empty; name at least one head")
	}
	idle := true
	for i := range c.Terms {
		t := &c.Terms[i]
		where := fmt.Sprintf("terms[%d] (head %q)", i, t.Head)
		for _, err := range t.check() {
			bad("%s: %w", where, err)
		}
		if j := slices.IndexFunc(c.Terms[:i], func(o Term) bool { return o.Head == t.Head }); j >= 0 {
			bad("%s: the head stands in terms[%d] already; name it once", where, j)
		}
		idle = idle && t.Weight == 0
	}
	if idle && len(c.Terms) > 0 {
		bad("all weights are 0: every row would score the same")
	}
	return errors.Join(errs...)
}

func (t *Term) check() (errs []error) {
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if t.Head == "" {
		bad("head has no name")
	}
	switch {
	case !finite(t.Weight):
		bad("weight is %v; want a finite number", t.Weight)
	case t.Nonnegative && t.Weight < 0:
		bad("weight is %v, but the term is declared nonnegative", t.Weight)
	}
	if t.Min != nil && !finite(*t.Min) {
		bad("min is %v; want a finite number, or leave it out", *t.Min)
	}
	if t.Max != nil && !finite(*t.Max) {
		bad("max is %v; want a finite number, or leave it out", *t.Max)
	}
	if t.Min != nil && t.Max != nil && *t.Min > *t.Max {
		bad("min is %v, above max %v", *t.Min, *t.Max)
	}
	if !t.Transform.known() {
		bad("transform is %q; want %s", t.Transform, transformNames)
	}
	if !t.Kind.known() {
		bad("kind is %q; want %s", t.Kind, kindNames)
	}
	return errs
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// kinds returns what each head must be at least, "" for anything.
func (c *Config) kinds() []string {
	weighted := 0
	for i := range c.Terms {
		if c.Terms[i].Weight != 0 {
			weighted++
		}
	}
	kinds := make([]string, len(c.Terms))
	for i := range c.Terms {
		t := &c.Terms[i]
		switch {
		case t.Weight == 0:
		case t.Kind != "":
			kinds[i] = string(t.Kind)
		case t.Transform == Logit:
			kinds[i] = string(Probability)
		case weighted == 1 && c.Form != Product && t.Transform != Log1p:
			kinds[i] = string(Score)
		default:
			kinds[i] = string(Value)
		}
	}
	return kinds
}

// digest is the version of a declared text: what was declared, and a hash of what
// it says. A file that was changed under an old version is thus found out.
func digest(version, text string) string {
	return fmt.Sprintf("%s-%016x", version, hash.String(0, text))
}

// canonical is a text that is equal for two configurations exactly if they score
// alike and take their heads for the same. Fields at their default leave no trace, so that a later field changes no old hash.
func (c *Config) canonical() string {
	var b strings.Builder
	field := func(name, value string) { fmt.Fprintf(&b, "%s=%q\n", name, value) }
	field("name", c.Name)
	field("version", c.Version)
	if c.Form == Product {
		field("form", string(c.Form))
		field("floor", number(c.floor()))
	}
	for i := range c.Terms {
		t := &c.Terms[i]
		field("head", t.Head)
		field("weight", number(t.Weight))
		if t.Nonnegative {
			field("nonnegative", "true")
		}
		if t.Min != nil {
			field("min", number(*t.Min))
		}
		if t.Max != nil {
			field("max", number(*t.Max))
		}
		if t.Transform != "" && t.Transform != Identity {
			field("transform", string(t.Transform))
		}
		if t.Kind != "" {
			field("kind", string(t.Kind))
		}
	}
	return b.String()
}

func (c *Config) floor() float64 {
	if c.Floor == 0 {
		return defaultFloor
	}
	return c.Floor
}

// number writes x so that the same number always gives the same text.
func number(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
