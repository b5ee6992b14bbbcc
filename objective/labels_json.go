package objective

import "fmt"

// ParseLabeler reads a labeler from JSON, strictly, as [Parse] reads an objective.
// The fields are those of [LabelConfig], [HeadRules] and [Rule].
//
//	{
//	  "name": "home feed",
//	  "version": "1",
//	  "heads": [
//	    {"head": "click", "rules": [
//	      {"kind": "click", "label": 1},
//	      {"kind": "impression", "label": 0}
//	    ]},
//	    {"head": "long-dwell", "rules": [
//	      {"kind": "dwell", "at_least": 30, "label": 1},
//	      {"kind": "dwell", "below": 5, "label": 0.1},
//	      {"kind": "click", "unknown": true},
//	      {"kind": "impression", "label": 0}
//	    ]},
//	    {"head": "value", "rules": [{"kind": "purchase", "value": true, "transform": "log1p"}]}
//	  ]
//	}
func ParseLabeler(name string, data []byte) (*Labeler, error) {
	c, err := ParseLabelConfig(name, data)
	if err != nil {
		return nil, err
	}
	l, err := NewLabeler(c)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return l, nil
}

// ReadLabelerFile reads a labeler from a file, as [ParseLabeler] does.
func ReadLabelerFile(path string) (*Labeler, error) {
	data, err := readSmall(path)
	if err != nil {
		return nil, err
	}
	return ParseLabeler(path, data)
}

// ParseLabelConfig reads a configuration as [ParseLabeler] does, without checking that it makes sense.
func ParseLabelConfig(name string, data []byte) (LabelConfig, error) {
	var c LabelConfig
	r := newReader(name, data)
	err := r.whole(func() error {
		return r.object("", map[string]func(string) error{
			"name":    r.text(&c.Name),
			"version": r.text(&c.Version),
			"heads": func(path string) error {
				return r.array(path, func(path string) error {
					h, err := r.headRules(path)
					c.Heads = append(c.Heads, h)
					return err
				})
			},
		})
	})
	if err != nil {
		return LabelConfig{}, err
	}
	return c, nil
}

func (r *reader) headRules(path string) (h HeadRules, err error) {
	err = r.object(path, map[string]func(string) error{
		"head": r.text(&h.Head),
		"rules": func(path string) error {
			return r.array(path, func(path string) error {
				rule, err := r.rule(path)
				h.Rules = append(h.Rules, rule)
				return err
			})
		},
	}, "head")
	return h, err
}

// rule reads one rule, which must say what the label is: a rule that forgot it
// would read as a negative.
func (r *reader) rule(path string) (rule Rule, err error) {
	var label *float64
	err = r.object(path, map[string]func(string) error{
		"kind":      r.text(&rule.Kind),
		"at_least":  r.maybe(&rule.AtLeast),
		"below":     r.maybe(&rule.Below),
		"label":     r.maybe(&label),
		"value":     r.flag(&rule.Value),
		"transform": r.text((*string)(&rule.Transform)),
		"unknown":   r.flag(&rule.Unknown),
	}, "kind")
	if err != nil {
		return rule, err
	}
	given := 0
	if label != nil {
		rule.Label = *label
		given++
	}
	if rule.Value {
		given++
	}
	if rule.Unknown {
		given++
	}
	if given != 1 {
		return rule, r.bad(path, `want exactly one of "label", "value": true and "unknown": true`)
	}
	return rule, nil
}
