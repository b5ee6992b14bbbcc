package rerank

import (
	"errors"
	"fmt"

	"github.com/recsyskit/recsys"
)

// Floor is a constraint: at least Min rows of a full slate have one of the values of an
// attribute. [Require] is its short form.
//
// It binds as late as it can: places stay free while enough of them are left, and
// the last ones are kept for rows that count. The full slate holds the floor whenever
// the table has Min rows that count and no other constraint closes them. If it has fewer,
// the slate ends early with a dead end, since no full slate is right; declare the constraint
// with recsys.Relax to have the other places filled. A Min above the number of places keeps all of
// them. A [Spread] over the same attribute is at odds with this: the last places cannot all go to one value.
//
// A row of unknown value never counts. The constraint is hereditary: once a row is
// held back, only rows that count are picked, so it is never free again. Restrict is
// allocation-free: O(k) per pick and O(n) when it binds.
type Floor struct {
	// Attribute names an ID column of items. Required.
	Attribute string
	// Values lists the values that count, at least one; doubles do no harm.
	Values []uint64
	// Min is the number of rows that must have one of the values, >= 1.
	Min int
}

// Require returns the constraint that at least n rows of a full slate have one of the values of the attribute.
func Require(attribute string, n int, values ...uint64) Floor {
	return Floor{Attribute: attribute, Values: values, Min: n}
}

var (
	_ recsys.Constraint                = Floor{}
	_ recsys.Binder[recsys.Constraint] = Floor{}
	_ recsys.Hereditary                = Floor{}
	_ recsys.Validator                 = Floor{}
	_ recsys.Versioned                 = Floor{}
)

// Validate reports what is wrong with the fields, joined.
func (x Floor) Validate() error {
	var errs []error
	if x.Attribute == "" {
		errs = append(errs, errors.New("rerank: Floor.Attribute is empty; name an ID column of items"))
	}
	if len(x.Values) == 0 {
		errs = append(errs, errors.New("rerank: Floor.Values is empty; list the values that count"))
	}
	if x.Min < 1 {
		errs = append(errs, fmt.Errorf("rerank: Floor.Min is %d; want >= 1", x.Min))
	}
	return errors.Join(errs...)
}

// Bind finds the column of the attribute. It keeps a copy of Values.
func (x Floor) Bind(s *recsys.Schema) (recsys.Constraint, error) { return x.bind(s) }

func (x Floor) bind(s *recsys.Schema) (boundFloor, error) {
	a, err := bindAttribute(s, "Floor.Attribute", x.Attribute)
	return boundFloor{x, a, newValueSet(x.Values)}, err
}

// Restrict finds the column by its name and does what the bound constraint does. It
// panics if the table has no such column.
func (x Floor) Restrict(c *recsys.Candidates, k int, slate []int32, admissible recsys.Bits) {
	must(x.bind(c.Schema())).Restrict(c, k, slate, admissible)
}

// Hereditary returns true.
func (x Floor) Hereditary() bool { return true }

// Version returns the fields as text.
func (x Floor) Version() string {
	return fmt.Sprintf("attribute=%q values=%v min=%d", x.Attribute, newValueSet(x.Values), x.Min)
}

type boundFloor struct {
	Floor
	attribute attribute
	values    valueSet
}

// Restrict holds back the rows that do not count once all places left are needed.
func (x boundFloor) Restrict(c *recsys.Candidates, k int, slate []int32, admissible recsys.Bits) {
	ids, missing := x.attribute.of(c)
	x.values.atLeast(x.Min, ids, missing, k, slate, admissible)
}

// atLeast clears the rows outside the set when the places left are all needed for n of it.
func (s valueSet) atLeast(n int, ids []uint64, missing recsys.Bits, k int, slate []int32, admissible recsys.Bits) {
	left := k - len(slate)
	if left > n { // nothing that the slate holds can matter yet
		return
	}
	if left <= n-s.count(slate, ids, missing) {
		s.keep(admissible, ids, missing)
	}
}
