package rerank

import (
	"errors"
	"fmt"
	"math"
	"math/bits"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/fmath"
)

// ExposureFloor is a constraint: at least a share of the exposure of a full slate goes to a
// group, the rows that have one of the values of an attribute.
//
// By default each place counts the same, so that the group gets at least
// ceil(Share·K) of K places; the constraint then works exactly as [Floor] does and
// is hereditary. With ByPosition the place of rank r counts 1/log2(1+r), as in DCG: two
// of ten places are not the same at the top and at the bottom. That rule is not hereditary: a
// place may be kept for the group, and the next one be free again.
//
// Either way it binds as late as it can, and the full slate holds the floor whenever
// the group has enough rows for it and no other constraint closes them. If the group has not, the
// slate ends early with a dead end; see [Floor]. A row of unknown value is not in the group.
//
// Restrict is allocation-free: O(k) per pick and O(n) when it binds; ByPosition O(n) per
// pick at most, until the floor is reached.
//
// Source of the position weights: Singh and Joachims, "Fairness of Exposure in
// Rankings", KDD 2018, section 3, with the discount of DCG.
type ExposureFloor struct {
	// Attribute names an ID column of items. Required.
	Attribute string
	// Values lists the values of the group, at least one; doubles do no harm.
	Values []uint64
	// Share is the share of the exposure, in (0, 1]. Required.
	Share float64
	// ByPosition weighs places by 1/log2(1+rank) instead of equally.
	ByPosition bool
}

var (
	_ recsys.Constraint                = ExposureFloor{}
	_ recsys.Binder[recsys.Constraint] = ExposureFloor{}
	_ recsys.Hereditary                = ExposureFloor{}
	_ recsys.Validator                 = ExposureFloor{}
	_ recsys.Versioned                 = ExposureFloor{}
)

// Validate reports what is wrong with the fields, joined.
func (x ExposureFloor) Validate() error {
	var errs []error
	if x.Attribute == "" {
		errs = append(errs, errors.New("rerank: ExposureFloor.Attribute is empty; name an ID column of items"))
	}
	if len(x.Values) == 0 {
		errs = append(errs, errors.New("rerank: ExposureFloor.Values is empty; list the values of the group"))
	}
	if !(x.Share > 0 && x.Share <= 1) {
		errs = append(errs, fmt.Errorf("rerank: ExposureFloor.Share is %v; want a share in (0, 1]", x.Share))
	}
	return errors.Join(errs...)
}

// Bind finds the column of the attribute. It keeps a copy of Values.
func (x ExposureFloor) Bind(s *recsys.Schema) (recsys.Constraint, error) { return x.bind(s) }

func (x ExposureFloor) bind(s *recsys.Schema) (boundExposure, error) {
	a, err := bindAttribute(s, "ExposureFloor.Attribute", x.Attribute)
	b := boundExposure{x, a, newValueSet(x.Values), nil}
	if x.ByPosition {
		b.exposure = newExposure(256)
	}
	return b, err
}

// Restrict finds the column by its name and does what the bound constraint does. It
// panics if the table has no such column.
func (x ExposureFloor) Restrict(c *recsys.Candidates, k int, slate []int32, admissible recsys.Bits) {
	must(x.bind(c.Schema())).Restrict(c, k, slate, admissible)
}

// Hereditary returns whether places count equally.
func (x ExposureFloor) Hereditary() bool { return !x.ByPosition }

// Version returns the fields as text.
func (x ExposureFloor) Version() string {
	return fmt.Sprintf("attribute=%q values=%v share=%v by-position=%t",
		x.Attribute, newValueSet(x.Values), x.Share, x.ByPosition)
}

type boundExposure struct {
	ExposureFloor
	attribute attribute
	values    valueSet
	exposure  exposure
}

// slack is what rounding may take from a sum of shares: Share·K is compared with
// sums that are not exact, and 0.07·100 is 7.000000000000001.
const slack = 1e-9

// Restrict keeps the next place for the group when the floor could not be reached otherwise.
func (x boundExposure) Restrict(c *recsys.Candidates, k int, slate []int32, admissible recsys.Bits) {
	ids, missing := x.attribute.of(c)
	if !x.ByPosition {
		n := int(math.Ceil(float64(x.Share*float64(k)) - slack))
		x.values.atLeast(n, ids, missing, k, slate, admissible)
		return
	}
	t := len(slate)
	if t >= k {
		return
	}
	need := float64(x.Share*x.exposure.upTo(k)) - slack
	for i, row := range slate {
		if x.values.has(ids[row]) && !missing.Has(int(row)) {
			need -= x.exposure.upTo(i+1) - x.exposure.upTo(i)
		}
	}
	if need > 0 && x.binds(need, t, k, ids, missing, admissible) {
		x.values.keep(admissible, ids, missing)
	}
}

// binds reports whether place t must go to the group, which still needs some exposure.
func (x boundExposure) binds(need float64, t, k int, ids []uint64, missing, admissible recsys.Bits) bool {
	e := x.exposure
	if e.upTo(k)-e.upTo(t+1) < need {
		return true // all later places together are too little
	}
	// The fewest later places that suffice: the next ones, since exposure falls.
	places := 1
	for e.upTo(t+1+places)-e.upTo(t+1) < need {
		places++
	}
	rows := 0
	for w, word := range admissible {
		if word != 0 {
			rows += bits.OnesCount64(word & x.values.members(ids, missing, w))
		}
		if rows >= places {
			return false
		}
	}
	// The group has too few rows to give this place away, unless the floor is out of
	// reach anyway: then the slate runs on until it cannot.
	return e.upTo(min(t+rows, k))-e.upTo(t) >= need
}

// exposure holds at i the exposure of the first i places together.
type exposure []float64

func newExposure(n int) exposure {
	e := make(exposure, n+1)
	for i := range n {
		e[i+1] = e[i] + discount(i)
	}
	return e
}

// discount returns the exposure of place i, from 0: 1/log2(2+i).
func discount(i int) float64 { return math.Ln2 / fmath.Log(float64(2+i)) }

// upTo returns the exposure of the first i places.
func (e exposure) upTo(i int) float64 {
	if i < len(e) {
		return e[i]
	}
	sum := e[len(e)-1]
	for j := len(e) - 1; j < i; j++ {
		sum += discount(j)
	}
	return sum
}
