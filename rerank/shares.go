package rerank

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/recsyskit/recsys"
)

// shares are bound columns that describe items, and perhaps the request, by numbers >= 0 for each of some
// aspects: genres, topics, groups.
type shares struct {
	items   recsys.Field
	values  []uint64 // of an ID column of items: the aspects; nil for a vector column
	dim     int      // aspects
	request recsys.Field
	wanted  bool // request is bound
}

// bindShares finds the columns of a stage: items of items, a vector or an ID with values, and the vector request of the request, which may be
// empty.
func bindShares(s *recsys.Schema, stage, itemsField, items string, values []uint64, requestField, request string) (b shares, err error) {
	var errs []error
	if f, ok := s.Field(items); ok && f.Kind == recsys.ID {
		b.items, b.values, b.dim = f, slices.Clone(values), len(values)
	} else {
		b.items, err = s.Vector(items)
		b.dim = b.items.Dim
	}
	switch {
	case err != nil:
		errs = append(errs, fmt.Errorf("rerank: %s.%s: %w", stage, itemsField, err))
	case b.items.Kind == recsys.ID && len(values) == 0:
		errs = append(errs, fmt.Errorf("rerank: %s.%s: feature %q is an ID; list the values that are aspects in Values", stage, itemsField, items))
	case b.items.Kind != recsys.ID && len(values) > 0:
		errs = append(errs, fmt.Errorf("rerank: %s.Values has %d elements; want none, since feature %q is a vector", stage, len(values), items))
	case b.items.Scope != recsys.PerItem:
		errs = append(errs, fmt.Errorf("rerank: %s.%s: feature %q describes the request; want one of items", stage, itemsField, items))
	}
	if request == "" {
		return b, errors.Join(errs...)
	}
	b.request, err = s.Vector(request)
	switch {
	case err != nil:
		errs = append(errs, fmt.Errorf("rerank: %s.%s: %w", stage, requestField, err))
	case b.request.Scope != recsys.PerRequest:
		errs = append(errs, fmt.Errorf("rerank: %s.%s: feature %q describes items; want one of the request", stage, requestField, request))
	case len(errs) == 0 && b.request.Dim != b.dim:
		errs = append(errs, fmt.Errorf("rerank: %s.%s: feature %q has %d numbers; want %d, as %q has",
			stage, requestField, request, b.request.Dim, b.dim, items))
	}
	b.wanted = true
	return b, errors.Join(errs...)
}

// appendItem appends the numbers of a row to dst: what is no number >= 0 counts as 0, and so does all of a row that is
// not known. With whole they are brought to a sum of 1, unless all are 0; without, none is more than 1.
func (b shares) appendItem(dst []float64, c *recsys.Candidates, row int, whole bool) []float64 {
	from := len(dst)
	known := !c.Missing(b.items.Group).Has(row)
	if b.items.Kind == recsys.ID {
		for range b.dim {
			dst = append(dst, 0)
		}
		if z := slices.Index(b.values, c.IDColumn(b.items.Index)[row]); z >= 0 && known {
			dst[from+z] = 1
		}
		return dst
	}
	for _, x := range c.Vector(b.items.Index, row) {
		if !known {
			x = 0
		}
		dst = append(dst, share(x))
	}
	if whole {
		normalize(dst[from:])
		return dst
	}
	for i, x := range dst[from:] {
		dst[from+i] = min(x, 1)
	}
	return dst
}

// appendWanted appends the numbers that the request wants, brought to a sum of 1, and reports whether there are any.
func (b shares) appendWanted(dst []float64, q *recsys.Query) ([]float64, bool) {
	if !b.wanted || q.Missing(b.request.Group) {
		return dst, false
	}
	from := len(dst)
	for _, x := range q.Vector(b.request.Index) {
		dst = append(dst, share(x))
	}
	return dst, normalize(dst[from:])
}

// share returns x, or 0 for what is no share: negative numbers, NaN and infinities.
func share(x float32) float64 {
	if !(x > 0) || math.IsInf(float64(x), 0) {
		return 0
	}
	return float64(x)
}

// normalize brings p to a sum of 1 and reports whether it can: not if all are 0.
func normalize(p []float64) bool {
	sum := 0.0
	for _, x := range p {
		sum += x
	}
	if sum == 0 {
		return false
	}
	if math.IsInf(sum, 0) { // numbers near the largest there is
		for i := range p {
			p[i] /= float64(len(p))
		}
		return normalize(p)
	}
	for i := range p {
		p[i] /= sum
	}
	return true
}

// sumSlack is how far the sum of probabilities that a caller gives may be from 1: what rounding to four places
// does to 200 of them at most.
const sumSlack = 1e-2

// distribution checks that p is one: numbers >= 0 with the sum 1. It returns it in float64 with exactly that sum, but for rounding.
func distribution[F float32 | float64](fn, name string, p []F) ([]float64, error) {
	out, sum := make([]float64, len(p)), 0.0
	for i, x := range p {
		out[i] = float64(x)
		if !(x >= 0) || math.IsInf(out[i], 0) {
			return nil, fmt.Errorf("rerank: %s: %s[%d] is %v; want a probability", fn, name, i, x)
		}
		sum += out[i]
	}
	if len(p) > 0 && !(math.Abs(sum-1) <= sumSlack) {
		return nil, fmt.Errorf("rerank: %s: the %d numbers of %s sum to %v; want 1", fn, len(p), name, sum)
	}
	return out, nil
}

// finite checks relevance.
func finite[F float32 | float64](fn, name string, x []F) error {
	for i, v := range x {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return fmt.Errorf("rerank: %s: %s[%d] is %v; want a finite number", fn, name, i, v)
		}
	}
	return nil
}

// aspectsOf checks the row-major numbers of n items for z aspects each, in [0, 1], and returns them in float64.
func aspectsOf[F float32 | float64](fn, name string, a []F, n, z int) ([]float64, error) {
	if len(a) != n*z {
		return nil, fmt.Errorf("rerank: %s: %s has %d numbers; want %d for %d items and %d aspects", fn, name, len(a), n*z, n, z)
	}
	out := make([]float64, len(a))
	for i, x := range a {
		if !(x >= 0 && x <= 1) {
			return nil, fmt.Errorf("rerank: %s: %s[%d] is %v (item %d, aspect %d); want a number in [0, 1]", fn, name, i, x, i/z, i%z)
		}
		out[i] = float64(x)
	}
	return out, nil
}

// run takes k items by a selector and returns them with their scores, which the selector appended to scores.
func run[F float32 | float64](x selector, n, k int, scores *[]float64) (order []int32, out []F) {
	open := recsys.MakeBits(n)
	open.SetFirst(n)
	for range min(k, n) {
		i := x.best(open)
		if i < 0 {
			break
		}
		x.pick(i)
		open.Clear(i)
		order = append(order, int32(i))
		out = append(out, F((*scores)[len(*scores)-1]))
	}
	return order, out
}

// sequence returns 0 … n-1.
func sequence(n int) []int32 {
	rows := make([]int32, n)
	for i := range rows {
		rows[i] = int32(i)
	}
	return rows
}
