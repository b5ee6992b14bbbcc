package rerank

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/recsyskit/recsys"
)

// attribute is a bound ID column of items.
type attribute struct{ index, group int }

// bindAttribute finds the ID column called name for the field of a stage.
func bindAttribute(s *recsys.Schema, field, name string) (attribute, error) {
	f, err := s.ID(name)
	if err != nil {
		return attribute{}, fmt.Errorf("rerank: %s: %w", field, err)
	}
	if f.Scope != recsys.PerItem {
		return attribute{}, fmt.Errorf("rerank: %s: feature %q describes the request; want one of items", field, name)
	}
	return attribute{f.Index, f.Group}, nil
}

// vectorOfItems finds the vector column called name for the field of a stage, or the only one if name is empty.
// empty names the fields that say so.
func vectorOfItems(s *recsys.Schema, field, empty, name string) (recsys.Field, error) {
	if name != "" {
		f, err := s.Vector(name)
		switch {
		case err != nil:
			return f, fmt.Errorf("rerank: %s: %w", field, err)
		case f.Scope != recsys.PerItem:
			return f, fmt.Errorf("rerank: %s: feature %q describes the request; want one of items", field, name)
		}
		return f, nil
	}
	var found []recsys.Field
	var names []string
	for _, f := range s.Fields() {
		if f.Kind == recsys.Vector && f.Scope == recsys.PerItem {
			found, names = append(found, f), append(names, f.Name)
		}
	}
	if len(found) != 1 {
		return recsys.Field{}, fmt.Errorf("rerank: %s empty and items have %d vector columns (%s);"+
			" name what similarity is measured in", empty, len(found), strings.Join(names, ", "))
	}
	return found[0], nil
}

// numberOfItems finds the float or ID column called name for the field of a stage.
func numberOfItems(s *recsys.Schema, field, name string) (recsys.Field, error) {
	f, ok := s.Field(name)
	var err error
	switch {
	case !ok:
		_, err = s.Float(name) // says what columns there are
	case f.Kind == recsys.Vector:
		err = fmt.Errorf("feature %q is a vector; want a float or an ID", name)
	case f.Scope != recsys.PerItem:
		err = fmt.Errorf("feature %q describes the request; want one of items", name)
	}
	if err != nil {
		return f, fmt.Errorf("rerank: %s: %w", field, err)
	}
	return f, nil
}

// number returns what a float or ID column holds for a row.
func number(c *recsys.Candidates, f recsys.Field, row int) float64 {
	if f.Kind == recsys.ID {
		return float64(c.IDColumn(f.Index)[row])
	}
	return float64(c.Row(row)[f.Index])
}

// of returns the column and the rows whose value is unknown.
func (a attribute) of(c *recsys.Candidates) (ids []uint64, missing recsys.Bits) {
	return c.IDColumn(a.index), c.Missing(a.group)
}

// must panics with err. Build finds out that a constraint cannot be bound; one that is used
// without a pipeline has no other way to say so.
func must[T any](bound T, err error) T {
	if err != nil {
		panic(err)
	}
	return bound
}

// clearEqual clears the rows of b whose value is known and is v.
func clearEqual(b recsys.Bits, ids []uint64, missing recsys.Bits, v uint64) {
	for w, word := range b {
		if word != 0 {
			b[w] = word &^ (equal(block(ids, w), v) &^ missing[w])
		}
	}
}

// block returns the values of the rows of word w.
func block(ids []uint64, w int) []uint64 { return ids[w*64 : min(w*64+64, len(ids))] }

// equal returns a word with bit j set if ids[j] is v. len(ids) <= 64.
//
// Few rows have a given value, so eight are passed over together, and where one has it the
// eight bits are made without jumps: BenchmarkConstraints/MaxPer=1 takes 17 us instead of
// the 58 us of a test per row, and values that many rows have cost no mispredictions.
func equal(ids []uint64, v uint64) uint64 {
	hits, j := uint64(0), 0
	for ; j+8 <= len(ids); j += 8 {
		x := (*[8]uint64)(ids[j:])
		if x[0] != v && x[1] != v && x[2] != v && x[3] != v &&
			x[4] != v && x[5] != v && x[6] != v && x[7] != v {
			continue
		}
		eight := same(x[0], v) | same(x[1], v)<<1 | same(x[2], v)<<2 | same(x[3], v)<<3 |
			same(x[4], v)<<4 | same(x[5], v)<<5 | same(x[6], v)<<6 | same(x[7], v)<<7
		hits |= eight << uint(j)
	}
	for ; j < len(ids); j++ {
		hits |= same(ids[j], v) << uint(j)
	}
	return hits
}

// same returns 1 if a equals b, without a jump.
func same(a, b uint64) uint64 {
	bit := uint64(0)
	if a == b {
		bit = 1
	}
	return bit
}

// valueSet is a set of attribute values: sorted, without doubles.
type valueSet []uint64

func newValueSet(values []uint64) valueSet {
	s := slices.Clone(values)
	slices.Sort(s)
	return slices.Compact(s)
}

func (s valueSet) has(v uint64) bool {
	if len(s) <= 8 {
		return slices.Contains(s, v)
	}
	_, ok := slices.BinarySearch(s, v)
	return ok
}

// members returns a word with the bit of each row of word w whose value is known and in the set.
func (s valueSet) members(ids []uint64, missing recsys.Bits, w int) uint64 {
	hits := uint64(0)
	if len(s) == 1 {
		hits = equal(block(ids, w), s[0])
	} else {
		for j, id := range block(ids, w) {
			if s.has(id) {
				hits |= 1 << uint(j)
			}
		}
	}
	return hits &^ missing[w]
}

// keep clears the rows of b that are not known to be in the set.
func (s valueSet) keep(b recsys.Bits, ids []uint64, missing recsys.Bits) {
	for w, word := range b {
		if word != 0 {
			b[w] = word & s.members(ids, missing, w)
		}
	}
}

// count returns how many rows of slate are known to be in the set.
func (s valueSet) count(slate []int32, ids []uint64, missing recsys.Bits) int {
	n := 0
	for _, row := range slate {
		if s.has(ids[row]) && !missing.Has(int(row)) {
			n++
		}
	}
	return n
}

// String prints the values for a version: "1,2,3".
func (s valueSet) String() string {
	text := make([]string, len(s))
	for i, v := range s {
		text[i] = strconv.FormatUint(v, 10)
	}
	return strings.Join(text, ",")
}
