package encoder

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/recsyskit/recsys"
)

// List returns n ID columns, NAME.0 to NAME.(n-1): a list of at most n IDs of an item, as a store keeps it and a
// [MultiHot] or a [Pooling] reads it. A place that holds 0 is empty.
func List(name string, n int) []recsys.Column {
	columns := make([]recsys.Column, max(n, 0))
	for i := range columns {
		columns[i] = recsys.Column{Name: name + "." + strconv.Itoa(i), Kind: recsys.ID}
	}
	return columns
}

// Names returns the names of columns, in their order: what a [Step] reads, when the columns are those of a [List].
func Names(columns []recsys.Column) []string {
	names := make([]string, len(columns))
	for i := range columns {
		names[i] = columns[i].Name
	}
	return names
}

// maxInFloat is the largest id+1 that a place of a Vector list tells exactly.
const maxInFloat = 1 << 24

// maxPlaces bounds the places of a list.
const maxPlaces = 1 << 12

// planList checks that the columns hold a list.
func planList(in []recsys.Column) error {
	if len(in) == 0 {
		return errors.New("reads no columns; want ID columns, or one Vector column")
	}
	if len(in) == 1 && in[0].Kind == recsys.Vector {
		return nil
	}
	if len(in) > maxPlaces {
		return fmt.Errorf("reads %d columns; want at most %d", len(in), maxPlaces)
	}
	var errs []error
	for i := range in {
		if in[i].Kind != recsys.ID {
			errs = append(errs, wrongKind(&in[i], recsys.ID))
		}
	}
	return errors.Join(errs...)
}

// list reads lists from lanes.
type list struct {
	lanes  []lane
	vector bool
	places int
}

func newList(in []lane) list {
	if in[0].u == nil {
		return list{in, true, in[0].dim}
	}
	return list{in, false, len(in)}
}

// id returns the ID at place j of row i, and whether the place is used.
func (l *list) id(i, j int, t *Counts) (uint64, bool) {
	if !l.vector {
		a := &l.lanes[j]
		id := a.u[i*a.stride]
		return id, id != 0
	}
	a := &l.lanes[0]
	switch v := a.f[i*a.stride+j]; {
	case v == 0:
		return 0, false
	case v != v:
		t.NaN++
		return 0, false
	case !(v >= 1 && v <= maxInFloat) || v != float32(uint64(v)):
		t.Unknown++
		return 0, false
	default:
		return uint64(v) - 1, true
	}
}
