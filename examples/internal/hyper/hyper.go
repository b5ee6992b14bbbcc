// Package hyper holds what the programs cf and seq share about the hyper-parameters of their
// models: each is a flag with a default and a domain, and, where -tune searches it, a range.
package hyper

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/recsyskit/recsys/examples/internal/cli"
)

// Param is a hyper-parameter. It is a number, unless it has choices.
type Param struct {
	Name, Doc string
	Default   string
	Choices   []string
	Integer   bool
	Min, Max  float64 // domain; the upper bound is that of all numbers unless Max > Min
	Lo, Hi    float64 // what a search looks at; nothing unless Hi > Lo
	Log       bool    // searched on a logarithmic scale, Lo > 0
	Still     bool    // a search leaves the choice as it is
}

// Check returns an error that says what is wanted, nil for a value that p can take.
func (p *Param) Check(value string) error {
	if len(p.Choices) > 0 {
		if slices.Contains(p.Choices, value) {
			return nil
		}
		return errors.New("want " + strings.Join(p.Choices, " or "))
	}
	x, err := strconv.ParseFloat(value, 64)
	switch {
	case err != nil || p.Integer && x != float64(int(x)) || !(x >= p.Min) || x-x != 0:
		what := "a number"
		if p.Integer {
			what = "a whole number"
		}
		return fmt.Errorf("want %s >= %v", what, p.Min)
	case x > p.bound():
		return fmt.Errorf("want at most %v", p.bound())
	}
	return nil
}

// bound is the largest value. No model takes all numbers: as float32, as nanoseconds or as a
// number of rows they overflow.
func (p *Param) bound() float64 {
	switch {
	case p.Max > p.Min:
		return p.Max
	case p.Integer:
		return math.MaxInt32
	}
	return 1e12
}

// Params are the hyper-parameters of a model.
type Params []Param

// Resolve returns the value of every parameter: as given, else its default. The error is a
// *[cli.UsageError]: a value out of its domain, or a name that is no parameter of model.
func (ps Params) Resolve(model string, given map[string]string) (Settings, error) {
	s := Settings{}
	for i := range ps {
		p := &ps[i]
		value, is := given[p.Name]
		if !is {
			s[p.Name] = p.Default
			continue
		}
		if err := p.Check(value); err != nil {
			return nil, cli.Usagef("-%s is %q; %w", p.Name, value, err)
		}
		s[p.Name] = value
	}
	for name := range given {
		if _, is := s[name]; !is {
			return nil, cli.Usagef("-%s is no flag of model %s", name, model)
		}
	}
	return s, nil
}

// Validate returns an error that names every parameter whose default is out of its domain, or
// that a search would take out of it.
func (ps Params) Validate() error {
	var errs []error
	for i := range ps {
		p := &ps[i]
		values := append([]string{p.Default}, p.Choices...)
		if p.Hi > p.Lo {
			for n := range 101 {
				values = append(values, p.at(float64(n)/100))
			}
		}
		for _, value := range values {
			if err := p.Check(value); err != nil {
				errs = append(errs, fmt.Errorf("-%s would be %q; %w", p.Name, value, err))
				break
			}
		}
	}
	return errors.Join(errs...)
}

// Fields returns the settings in the order of the parameters, numbers as numbers.
func (ps Params) Fields(s Settings) []cli.Field {
	var fields []cli.Field
	for i := range ps {
		p := &ps[i]
		switch {
		case len(p.Choices) > 0:
			fields = append(fields, cli.F(p.Name, s[p.Name]))
		case p.Integer:
			fields = append(fields, cli.F(p.Name, s.Int(p.Name)))
		default:
			fields = append(fields, cli.F(p.Name, s.Float(p.Name)))
		}
	}
	return fields
}

// Settings are the values of a model's parameters by name, checked.
type Settings map[string]string

// Float returns a number.
func (s Settings) Float(name string) float64 {
	x, _ := strconv.ParseFloat(s[name], 64)
	return x
}

// Int returns a whole number.
func (s Settings) Int(name string) int { return int(s.Float(name)) }

// Usage returns the help text of every parameter of the models by its name. Models may share
// a name and differ in the rest.
func Usage(models iter.Seq2[string, Params]) map[string]string {
	lines := map[string][]string{}
	for model, ps := range models {
		for i := range ps {
			p := &ps[i]
			text := fmt.Sprintf("%s: %s (default %s", model, p.Doc, p.Default)
			if len(p.Choices) > 0 {
				text += "; " + strings.Join(p.Choices, ", ")
			}
			lines[p.Name] = append(lines[p.Name], text+")")
		}
	}
	usage := map[string]string{}
	for name, texts := range lines {
		slices.Sort(texts)
		usage[name] = "`value` of " + strings.Join(texts, "\n")
	}
	return usage
}
