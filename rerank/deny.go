package rerank

import (
	"errors"
	"fmt"

	"github.com/recsyskit/recsys"
)

// Deny is a constraint: no row of a slate has one of the values of an attribute. It
// differs from a filter in that the rows stay in the table: they are ranked, logged and
// explained, and a pipeline may declare to relax the rule.
//
// It is hereditary. Restrict is allocation-free and does its work once per slate: O(n), times
// the logarithm of the number of values when there are more than eight.
type Deny struct {
	// Attribute names an ID column of items. Required.
	Attribute string
	// Values lists what is denied, at least one; doubles do no harm. Text that no
	// vocabulary knows is recsys.HashID of it, where the column holds such hashes.
	Values []uint64
	// AllowMissing admits rows of unknown value. By default they are denied as well:
	// a rule of policy must not fail open because a feature source did. While the source
	// is down nothing can be served then, unless the rule is declared with recsys.Relax.
	AllowMissing bool
}

var (
	_ recsys.Constraint                = Deny{}
	_ recsys.Binder[recsys.Constraint] = Deny{}
	_ recsys.Hereditary                = Deny{}
	_ recsys.Validator                 = Deny{}
	_ recsys.Versioned                 = Deny{}
)

// Validate reports what is wrong with the fields, joined.
func (x Deny) Validate() error {
	var errs []error
	if x.Attribute == "" {
		errs = append(errs, errors.New("rerank: Deny.Attribute is empty; name an ID column of items"))
	}
	if len(x.Values) == 0 {
		errs = append(errs, errors.New("rerank: Deny.Values is empty; list what is denied"))
	}
	return errors.Join(errs...)
}

// Bind finds the column of the attribute. It keeps a copy of Values.
func (x Deny) Bind(s *recsys.Schema) (recsys.Constraint, error) { return x.bind(s) }

func (x Deny) bind(s *recsys.Schema) (boundDeny, error) {
	a, err := bindAttribute(s, "Deny.Attribute", x.Attribute)
	return boundDeny{x, a, newValueSet(x.Values)}, err
}

// Restrict finds the column by its name and does what the bound constraint does. It
// panics if the table has no such column.
func (x Deny) Restrict(c *recsys.Candidates, k int, slate []int32, admissible recsys.Bits) {
	must(x.bind(c.Schema())).Restrict(c, k, slate, admissible)
}

// Hereditary returns true.
func (x Deny) Hereditary() bool { return true }

// Version returns the fields as text.
func (x Deny) Version() string {
	return fmt.Sprintf("attribute=%q values=%v allow-missing=%t", x.Attribute, newValueSet(x.Values), x.AllowMissing)
}

type boundDeny struct {
	Deny
	attribute attribute
	values    valueSet
}

// Restrict clears the denied rows before the first pick; they stay cleared.
func (x boundDeny) Restrict(c *recsys.Candidates, _ int, slate []int32, admissible recsys.Bits) {
	if len(slate) > 0 {
		return
	}
	ids, missing := x.attribute.of(c)
	for w, word := range admissible {
		if word == 0 {
			continue
		}
		word &^= x.values.members(ids, missing, w)
		if !x.AllowMissing {
			word &^= missing[w]
		}
		admissible[w] = word
	}
}
