package objective

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// AnyKind in a [Rule] stands for an event of any kind, also one that no rule names.
const AnyKind = "*"

// LabelConfig declares how events become labels. [NewLabeler] and [ParseLabeler] check it.
//
// Each head has a list of rules, tried in order: the first rule that the events
// satisfy gives the label, and no rule at all gives NaN, unknown. Order is how
// conflicts are decided. With
//
//	dwell at least 30  -> 1
//	dwell below 5      -> 0.1
//	click              -> unknown
//	impression         -> 0
//
// a click with a short dwell is a soft negative, a click with nothing more is
// unknown (perhaps the dwell event is still to come), and an impression alone is a negative.
type LabelConfig struct {
	Name    string      `json:"name"`            // required
	Version string      `json:"version"`         // required
	Heads   []HeadRules `json:"heads,omitempty"` // at least one, no name twice
}

// HeadRules is the label of one head.
type HeadRules struct {
	Head  string `json:"head"`
	Rules []Rule `json:"rules,omitempty"` // at least one
}

// Rule is satisfied by the events of one kind, and then gives the label.
type Rule struct {
	// Kind is the kind of event: "click", "dwell", or [AnyKind]. Required.
	Kind string `json:"kind"`

	// AtLeast and Below bound the sum of the values of all events of the kind: the rule
	// is satisfied if AtLeast <= sum < Below. Nil means no bound. A sum that is unknown (NaN)
	// satisfies no bound. Not with AnyKind: values of different kinds do not add.
	AtLeast *float64 `json:"at_least,omitempty"`
	Below   *float64 `json:"below,omitempty"`

	// Label is the label, finite, unless Value or Unknown is set. In a file exactly
	// one of the three is given.
	Label float64 `json:"label"`

	// Value makes the sum of the values, transformed, the label: a price, a dwell time.
	Value     bool      `json:"value,omitempty"`
	Transform Transform `json:"transform,omitempty"` // of the sum; empty means Identity; only with Value

	// Unknown makes the label NaN: these events do not tell.
	Unknown bool `json:"unknown,omitempty"`
}

// maxKinds is how many kinds the rules of one configuration may name.
const maxKinds = 64

// Validate reports every mistake of the configuration, joined.
func (c *LabelConfig) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("objective: "+format, args...)) }
	if c.Name == "" {
		bad("name is empty; say what the labels are for")
	}
	if c.Version == "" {
		bad("version is empty; declare one")
	}
	if len(c.Heads) == 0 {
		bad("heads is empty; name at least one head")
	}
	for i := range c.Heads {
		h := &c.Heads[i]
		where := fmt.Sprintf("heads[%d] (%q)", i, h.Head)
		if h.Head == "" {
			bad("%s: head has no name", where)
		}
		if j := slices.IndexFunc(c.Heads[:i], func(o HeadRules) bool { return o.Head == h.Head }); j >= 0 {
			bad("%s: the head stands in heads[%d] already; name it once", where, j)
		}
		if len(h.Rules) == 0 {
			bad("%s: rules is empty: every label would be unknown", where)
		}
		for j := range h.Rules {
			for _, err := range h.Rules[j].check() {
				bad("%s: rules[%d]: %w", where, j, err)
			}
		}
	}
	if n := len(c.kinds()); n > maxKinds {
		bad("rules name %d kinds of event; at most %d", n, maxKinds)
	}
	return errors.Join(errs...)
}

func (r *Rule) check() (errs []error) {
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if r.Kind == "" {
		bad("kind is empty; name one, or %q for any", AnyKind)
	}
	for _, b := range []struct {
		name  string
		bound *float64
	}{{"at_least", r.AtLeast}, {"below", r.Below}} {
		switch {
		case b.bound == nil:
		case !finite(*b.bound):
			bad("%s is %v; want a finite number, or leave it out", b.name, *b.bound)
		case r.Kind == AnyKind:
			bad("%s with kind %q: values of different kinds do not add", b.name, AnyKind)
		}
	}
	if r.AtLeast != nil && r.Below != nil && !(*r.AtLeast < *r.Below) {
		bad("at_least is %v, not smaller than below %v: nothing satisfies the rule", *r.AtLeast, *r.Below)
	}
	if !(math.Abs(r.Label) <= math.MaxFloat32) {
		bad("label is %v; want a finite float32 (unknown is a field of its own)", r.Label)
	}
	switch {
	case r.Value && r.Unknown:
		bad("both value and unknown; a rule gives one label")
	case (r.Value || r.Unknown) && r.Label != 0:
		bad("label is %v beside value or unknown; a rule gives one label", r.Label)
	case r.Value && r.Kind == AnyKind:
		bad("value with kind %q: values of different kinds do not add", AnyKind)
	}
	switch {
	case !r.Transform.known():
		bad("transform is %q; want %s", r.Transform, transformNames)
	case r.Transform != "" && !r.Value:
		bad("transform is %q without value", r.Transform)
	}
	return errs
}

// kinds returns the kinds that rules name, each once, in order of appearance.
func (c *LabelConfig) kinds() []string {
	var kinds []string
	for i := range c.Heads {
		for _, r := range c.Heads[i].Rules {
			if r.Kind != AnyKind && !slices.Contains(kinds, r.Kind) {
				kinds = append(kinds, r.Kind)
			}
		}
	}
	return kinds
}

// canonical is to LabelConfig what it is to [Config].
func (c *LabelConfig) canonical() string {
	var b strings.Builder
	field := func(name, value string) { fmt.Fprintf(&b, "%s=%q\n", name, value) }
	field("name", c.Name)
	field("version", c.Version)
	for i := range c.Heads {
		field("head", c.Heads[i].Head)
		for _, r := range c.Heads[i].Rules {
			field("kind", r.Kind)
			if r.AtLeast != nil {
				field("at_least", number(*r.AtLeast))
			}
			if r.Below != nil {
				field("below", number(*r.Below))
			}
			switch {
			case r.Unknown:
				field("label", "unknown")
			case r.Value && (r.Transform == "" || r.Transform == Identity):
				field("label", "value")
			case r.Value:
				field("label", string(r.Transform))
			default:
				field("label", number(r.Label))
			}
		}
	}
	return b.String()
}

// StandardLabels returns the rules that fit most feeds and shops, to be used as they
// are or changed. Times are in seconds: a dwell of longDwell or more is a success, one
// below shortDwell a soft negative with the label soft, usually in [0, 0.5]: someone who
// came and left at once told less than someone who hid the item. 30, 5 and 0.1 are
// common. The kinds are named as recsys.EventKind prints them.
//
//	head        1                       0                               unknown
//	click       click, dwell, purchase  skip, hide, impression
//	long-dwell  dwell >= longDwell      hide, skip, impression          dwell between, click or purchase without dwell
//	purchase    purchase                all else
//	value       sum of purchases        all else
//	skip        skip                    all else
//	hide        hide                    all else
//
// Conflicts: hide beats all but a fact (a click stays a click, a purchase a
// purchase); for long-dwell it is a negative even after a long dwell. A click beats a skip. A
// click with a short dwell is 1 for click and soft for long-dwell. No event at
// all is unknown for every head: log the impression to say that the item was seen.
//
// It is an error if a number is not finite, or not 0 < shortDwell <= longDwell, or
// soft is not in [0, 1].
//
// Source: the 30 seconds are those of Fox et al., ACM TOIS 23(2), 2005; dwell time
// as a graded signal is Yi et al., RecSys 2014.
func StandardLabels(longDwell, shortDwell, soft float64) (LabelConfig, error) {
	switch {
	case !finite(longDwell) || !(shortDwell > 0) || !(shortDwell <= longDwell):
		return LabelConfig{}, fmt.Errorf("objective: StandardLabels: dwell times are %v and %v seconds; want 0 < short <= long",
			longDwell, shortDwell)
	case !(soft >= 0 && soft <= 1):
		return LabelConfig{}, fmt.Errorf("objective: StandardLabels: soft is %v; want a label in [0, 1]", soft)
	}
	is := func(label float64, kinds ...string) (rules []Rule) {
		for _, k := range kinds {
			rules = append(rules, Rule{Kind: k, Label: label})
		}
		return rules
	}
	return LabelConfig{
		Name:    "standard",
		Version: "1",
		Heads: []HeadRules{
			{"click", append(is(1, "click", "dwell", "purchase"), is(0, "skip", "hide", "impression")...)},
			{"long-dwell", append([]Rule{
				{Kind: "hide", Label: 0},
				{Kind: "dwell", AtLeast: &longDwell, Label: 1},
				{Kind: "dwell", Below: &shortDwell, Label: soft},
				{Kind: "dwell", Unknown: true},
				{Kind: "click", Unknown: true},
				{Kind: "purchase", Unknown: true},
			}, is(0, "skip", "impression")...)},
			{"purchase", append(is(1, "purchase"), is(0, AnyKind)...)},
			{"value", append([]Rule{{Kind: "purchase", Value: true}}, is(0, AnyKind)...)},
			{"skip", append(append(is(0, "click", "dwell", "purchase"), is(1, "skip")...), is(0, AnyKind)...)},
			{"hide", append(is(1, "hide"), is(0, AnyKind)...)},
		},
	}, nil
}

// MarshalJSON writes the form that [ParseLabeler] reads: with exactly one of label, value and unknown.
func (r Rule) MarshalJSON() ([]byte, error) {
	type plain Rule // without this method
	text := struct {
		plain
		Label *float64 `json:"label,omitempty"`
	}{plain: plain(r)}
	if !r.Value && !r.Unknown {
		text.Label = &r.Label
	}
	return json.Marshal(text)
}
