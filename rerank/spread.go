package rerank

import (
	"errors"
	"fmt"

	"github.com/recsyskit/recsys"
)

// Gap is a constraint: two rows of a slate that share a value of an attribute have
// at least Places other rows between them. With Places 1 no two neighbours share a
// value. [Spread] is its short form.
//
// It re-admits rows, so it is not hereditary: a value is closed for the next Places
// places and then open again. It looks at the picks above alone and plans nothing: it can
// run into a dead end (all rows left share the value of the last one) that another order
// of the same rows would have avoided. Declare it with recsys.Relax if a full slate matters more.
//
// Restrict is allocation-free and costs O(n·Places) per pick.
type Gap struct {
	// Attribute names an ID column of items. Required.
	Attribute string
	// Places is how many places after a row its value stays closed, >= 1.
	Places int
	// CountMissing makes the rows of unknown value one more value. By default they
	// stand anywhere.
	CountMissing bool
}

// Spread returns the constraint that no two rows of one value of the attribute stand within gap places.
func Spread(attribute string, gap int) Gap { return Gap{Attribute: attribute, Places: gap} }

var (
	_ recsys.Constraint                = Gap{}
	_ recsys.Binder[recsys.Constraint] = Gap{}
	_ recsys.Validator                 = Gap{}
	_ recsys.Versioned                 = Gap{}
)

// Validate reports what is wrong with the fields, joined.
func (x Gap) Validate() error {
	var errs []error
	if x.Attribute == "" {
		errs = append(errs, errors.New("rerank: Gap.Attribute is empty; name an ID column of items"))
	}
	if x.Places < 1 {
		errs = append(errs, fmt.Errorf("rerank: Gap.Places is %d; want >= 1", x.Places))
	}
	return errors.Join(errs...)
}

// Bind finds the column of the attribute.
func (x Gap) Bind(s *recsys.Schema) (recsys.Constraint, error) { return x.bind(s) }

func (x Gap) bind(s *recsys.Schema) (boundGap, error) {
	a, err := bindAttribute(s, "Gap.Attribute", x.Attribute)
	return boundGap{x, a}, err
}

// Restrict finds the column by its name and does what the bound constraint does. It
// panics if the table has no such column.
func (x Gap) Restrict(c *recsys.Candidates, k int, slate []int32, admissible recsys.Bits) {
	must(x.bind(c.Schema())).Restrict(c, k, slate, admissible)
}

// Version returns the fields as text.
func (x Gap) Version() string {
	return fmt.Sprintf("attribute=%q places=%d count-missing=%t", x.Attribute, x.Places, x.CountMissing)
}

type boundGap struct {
	Gap
	attribute attribute
}

// Restrict closes the values of the last Places picks.
func (x boundGap) Restrict(c *recsys.Candidates, _ int, slate []int32, admissible recsys.Bits) {
	ids, missing := x.attribute.of(c)
	for _, row := range slate[max(len(slate)-x.Places, 0):] {
		switch {
		case !missing.Has(int(row)):
			clearEqual(admissible, ids, missing, ids[row])
		case x.CountMissing:
			for w := range admissible {
				admissible[w] &^= missing[w]
			}
		}
	}
}
