package rerank

import (
	"errors"
	"fmt"

	"github.com/recsyskit/recsys"
)

// Cap is a constraint: at most Max rows of a slate share one value of an attribute.
// It holds in every prefix of the slate. [MaxPer] is its short form.
//
// It is hereditary: a value that has reached its cap stays closed. Restrict is
// allocation-free: O(k) per pick and O(n) at the picks that reach a cap.
type Cap struct {
	// Attribute names an ID column of items. Required.
	Attribute string
	// Max is the number of rows per value, >= 1. [Deny] excludes a value altogether.
	Max int
	// CountMissing makes the rows of unknown value count together, as one more value. By default
	// they are not limited: they might all be of different values.
	CountMissing bool
}

// MaxPer returns the constraint that at most n rows of a slate share one value of the attribute.
func MaxPer(attribute string, n int) Cap { return Cap{Attribute: attribute, Max: n} }

var (
	_ recsys.Constraint                = Cap{}
	_ recsys.Binder[recsys.Constraint] = Cap{}
	_ recsys.Hereditary                = Cap{}
	_ recsys.Validator                 = Cap{}
	_ recsys.Versioned                 = Cap{}
)

// Validate reports what is wrong with the fields, joined.
func (x Cap) Validate() error {
	var errs []error
	if x.Attribute == "" {
		errs = append(errs, errors.New("rerank: Cap.Attribute is empty; name an ID column of items"))
	}
	if x.Max < 1 {
		errs = append(errs, fmt.Errorf("rerank: Cap.Max is %d; want >= 1 (Deny excludes values altogether)", x.Max))
	}
	return errors.Join(errs...)
}

// Bind finds the column of the attribute.
func (x Cap) Bind(s *recsys.Schema) (recsys.Constraint, error) { return x.bind(s) }

func (x Cap) bind(s *recsys.Schema) (boundCap, error) {
	a, err := bindAttribute(s, "Cap.Attribute", x.Attribute)
	return boundCap{x, a}, err
}

// Restrict finds the column by its name and does what the bound constraint does. It
// panics if the table has no such column.
func (x Cap) Restrict(c *recsys.Candidates, k int, slate []int32, admissible recsys.Bits) {
	must(x.bind(c.Schema())).Restrict(c, k, slate, admissible)
}

// Hereditary returns true.
func (x Cap) Hereditary() bool { return true }

// Version returns the fields as text.
func (x Cap) Version() string {
	return fmt.Sprintf("attribute=%q max=%d count-missing=%t", x.Attribute, x.Max, x.CountMissing)
}

type boundCap struct {
	Cap
	attribute attribute
}

// Restrict closes the value of the newest pick if the slate holds Max of it: the
// values of earlier picks were closed at their time.
func (x boundCap) Restrict(c *recsys.Candidates, _ int, slate []int32, admissible recsys.Bits) {
	if len(slate) < x.Max {
		return
	}
	ids, missing := x.attribute.of(c)
	newest := int(slate[len(slate)-1])
	unknown := missing.Has(newest)
	if unknown && !x.CountMissing {
		return
	}
	v, n := ids[newest], 0
	for _, row := range slate {
		if missing.Has(int(row)) == unknown && (unknown || ids[row] == v) {
			n++
		}
	}
	switch {
	case n < x.Max:
	case unknown:
		for w := range admissible {
			admissible[w] &^= missing[w]
		}
	default:
		clearEqual(admissible, ids, missing, v)
	}
}
