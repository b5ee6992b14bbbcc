package retrieval

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/recsyskit/recsys"
)

// ErrAttribute is wrapped by the error for an attribute that [Attributes] do not hold.
var ErrAttribute = errors.New("unknown attribute")

// ItemValue is a value of an attribute that an item has.
type ItemValue struct {
	Item  recsys.ItemID
	Value string
}

// Attributes makes filters from categorical attributes of items: language, genre, shop.
// For each value it holds the items that have it, 8 bytes for each. It is immutable and
// safe for concurrent use; when attributes change, make new ones.
//
// A filter is resolved for an index in the time of one look-up per item that has the
// value, whatever else the index holds.
type Attributes struct {
	values map[string]map[string]*Filter // by attribute and value
}

// NewAttributes returns the attributes given by name. An item may have several values of an
// attribute, or none; what is said twice counts once.
func NewAttributes(attributes map[string][]ItemValue) *Attributes {
	a := &Attributes{values: make(map[string]map[string]*Filter, len(attributes))}
	for name, pairs := range attributes {
		lists := map[string][]recsys.ItemID{}
		for _, p := range pairs {
			lists[p.Value] = append(lists[p.Value], p.Item)
		}
		filters := make(map[string]*Filter, len(lists))
		for value, items := range lists {
			filters[value] = AllowItems(items...)
		}
		a.values[name] = filters
	}
	return a
}

// Equal returns a filter that matches the items that have one of the values of an
// attribute; none for a value that no item has, and for no values. For one value that is
// the same filter at each call, so that an index need not resolve it again; a filter of
// several is a new one, to be kept and used again. The error wraps [ErrAttribute] when no
// attribute has the name, and lists those that there are.
func (a *Attributes) Equal(name string, values ...string) (*Filter, error) {
	filters, ok := a.values[name]
	if !ok {
		known := slices.Sorted(maps.Keys(a.values))
		return nil, fmt.Errorf("retrieval: %w %q; there are: %s", ErrAttribute, name, strings.Join(known, ", "))
	}
	if len(values) == 1 {
		if f := filters[values[0]]; f != nil {
			return f, nil
		}
	}
	var found []*Filter
	for _, v := range values {
		if f := filters[v]; f != nil {
			found = append(found, f)
		}
	}
	return AnyOf(found...), nil
}

// Values returns the values of an attribute in alphabetical order; nil when there is no
// such attribute.
func (a *Attributes) Values(name string) []string {
	return slices.Sorted(maps.Keys(a.values[name]))
}
