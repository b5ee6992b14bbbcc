package rerank

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strings"
	"sync"

	"github.com/recsyskit/recsys"
)

// Interleave is a re-ranker: groups of rows take turns by quotas, each giving its best row left: three of the places in five to rows of one
// retriever, two to those of another; or one in four to a category. See [SelectInterleaved].
//
// Each slot gets the places that [Apportion] gives it of K, spread evenly over the list. Where a slot has too few rows that may come, the
// others share its places. A row may belong to several slots when they are sources; it counts for the one
// whose turn it was. Rows of no slot come where no slot has any, unless Rest gives them a quota.
//
// The K places (of the request) are filled through [recsys.Candidates.Slate], so that constraints hold on the way. Rows that are not
// chosen follow in their old order. Utilities are dealt out again: the row at place i gets what the row at place i had. Rows of
// utility -Inf (a NaN score) are never chosen while another may come.
//
// A quota that must hold in the slate that is shown, whatever an explorer does, is a constraint: [Require], [MaxPer]. Ties between slots go
// to the first. It costs O(n·K) at most and, once warm, allocates nothing. Safe for concurrent use.
type Interleave struct {
	// Attribute names the ID column of items that slots speak of. Empty: slots are retrievers.
	Attribute string
	// Slots lists who takes turns: 1 to 63 of them, each named once.
	Slots []Slot
	// Rest is the quota of the rows of no slot, in units of Slot.Share. 0 means none.
	Rest float64
	// Method is how places are dealt out. The default is LargestRemainder.
	Method Apportionment
}

// Slot is a quota of an [Interleave].
type Slot struct {
	// Value is the value of the attribute. Without an attribute it must be 0.
	Value uint64
	// Source names a retriever, as it is called in the pipeline. With an attribute it must be empty.
	Source string
	// Share is the weight of the slot, > 0; only ratios count.
	Share float64
}

var (
	_ recsys.ReRanker                = Interleave{}
	_ recsys.Binder[recsys.ReRanker] = Interleave{}
	_ recsys.Validator               = Interleave{}
	_ recsys.Versioned               = Interleave{}
)

// Validate reports what is wrong with the fields, joined.
func (x Interleave) Validate() error {
	errs := problems{stage: "Interleave"}
	if n := len(x.Slots); n < 1 || n > 63 {
		errs.bad("Slots has %d elements; want 1 to 63", n)
	}
	seen := map[Slot]bool{}
	for i, s := range x.Slots {
		if !(s.Share > 0) || math.IsInf(s.Share, 0) {
			errs.bad("Slots[%d].Share is %v; want a finite number > 0", i, s.Share)
		}
		switch {
		case x.Attribute == "" && s.Source == "":
			errs.bad("Slots[%d].Source is empty; name a retriever, or name an ID column of items in Attribute", i)
		case x.Attribute == "" && s.Value != 0:
			errs.bad("Slots[%d].Value is %d; want 0, since Attribute is empty", i, s.Value)
		case x.Attribute != "" && s.Source != "":
			errs.bad("Slots[%d].Source is %q; want \"\", since Attribute is %q", i, s.Source, x.Attribute)
		}
		key := Slot{Value: s.Value, Source: s.Source}
		if seen[key] {
			errs.bad("Slots[%d] names %v a second time", i, s.name(x.Attribute != ""))
		}
		seen[key] = true
	}
	if !(x.Rest >= 0) || math.IsInf(x.Rest, 0) {
		errs.bad("Rest is %v; want a finite number >= 0", x.Rest)
	}
	if x.Method > DHondt {
		errs.bad("Method is %d; want LargestRemainder or DHondt", uint8(x.Method))
	}
	return errs.join()
}

func (s Slot) name(byValue bool) string {
	if byValue {
		return fmt.Sprint(s.Value)
	}
	return fmt.Sprintf("%q", s.Source)
}

// Bind finds the column of the attribute, or the retrievers. It keeps a copy of Slots.
func (x Interleave) Bind(s *recsys.Schema) (recsys.ReRanker, error) {
	b, err := x.bind(s)
	if err != nil {
		return nil, err
	}
	return b, nil
}

func (x Interleave) bind(s *recsys.Schema) (*boundInterleave, error) {
	b := &boundInterleave{Interleave: x}
	var errs []error
	if x.Attribute != "" {
		var err error
		b.attribute, err = bindAttribute(s, "Interleave.Attribute", x.Attribute)
		errs = append(errs, err)
	}
	for i, slot := range x.Slots {
		b.shares = append(b.shares, slot.Share)
		if x.Attribute != "" {
			b.values = append(b.values, slot.Value)
			continue
		}
		source, err := s.Source(slot.Source)
		if err != nil {
			errs = append(errs, fmt.Errorf("rerank: Interleave.Slots[%d].Source: %w", i, err))
		}
		b.sources = append(b.sources, source)
	}
	if x.Rest > 0 {
		b.shares = append(b.shares, x.Rest)
	}
	normalize(b.shares)
	b.pool.New = func() any { return &interleaveWork{cfg: b} }
	return b, errors.Join(errs...)
}

// ReRank finds the column or the retrievers by name and does what the bound re-ranker does.
func (x Interleave) ReRank(ctx context.Context, q *recsys.Query, c *recsys.Candidates, order []int32) ([]int32, error) {
	b, err := x.bind(c.Schema())
	if err != nil {
		return nil, err
	}
	return b.ReRank(ctx, q, c, order)
}

// Version returns the fields as text.
func (x Interleave) Version() string {
	slots := make([]string, len(x.Slots))
	for i, s := range x.Slots {
		slots[i] = fmt.Sprintf("%s:%v", s.name(x.Attribute != ""), s.Share)
	}
	return fmt.Sprintf("attribute=%q slots=%s rest=%v method=%v", x.Attribute, strings.Join(slots, ","), x.Rest, x.Method)
}

type boundInterleave struct {
	Interleave
	attribute attribute
	values    []uint64
	sources   []int
	shares    []float64 // of the slots and, if Rest has one, of the rest; sum 1
	pool      sync.Pool // *interleaveWork
}

// slotsOf returns the set of slots that a row belongs to, as bits.
func (x *boundInterleave) slotsOf(c *recsys.Candidates, row int) (slots uint64) {
	if x.Attribute != "" {
		ids, missing := x.attribute.of(c)
		for i, v := range x.values {
			if ids[row] == v && !missing.Has(row) {
				slots |= 1 << uint(i)
			}
		}
	} else {
		mask := c.Sources(row)
		for i, s := range x.sources {
			slots |= (mask >> uint(s) & 1) << uint(i)
		}
	}
	if slots == 0 && x.Rest > 0 {
		return 1 << uint(len(x.Slots))
	}
	return slots
}

// interleaveWork is the memory of one call.
type interleaveWork struct {
	list
	turns
	cfg   *boundInterleave
	c     *recsys.Candidates
	slots []uint64 // of each item
	ready []bool
	first []int32 // the item that each slot would give
	whose int     // the slot of the item that best returned
}

// ReRank lets slots take turns.
func (x *boundInterleave) ReRank(_ context.Context, q *recsys.Query, c *recsys.Candidates, order []int32) ([]int32, error) {
	if len(order) == 0 {
		return order, nil
	}
	w := x.pool.Get().(*interleaveWork)
	defer func() {
		w.c = nil
		x.pool.Put(w)
	}()
	w.c = c
	w.list.read(c, order, len(order))
	w.turns.reset(x.shares, max(0, min(q.K, len(order))), x.Method)
	w.ready, w.first, w.slots, w.whose = resize(w.ready, len(x.shares)), resize(w.first, len(x.shares)), w.slots[:0], -1
	utility := c.Utility()
	for _, row := range w.rows {
		w.add(row, utility[row])
	}
	if err := w.fill(w, q, c, order, 0); err != nil {
		return nil, err
	}
	w.write(c, order)
	return order, nil
}

// add appends an item.
func (w *interleaveWork) add(row int32, _ float32) {
	w.slots = append(w.slots, w.cfg.slotsOf(w.c, int(row)))
	w.whose = -1
}

func (w *interleaveWork) best(open recsys.Bits) int {
	clear(w.ready)
	left, any := uint64(1)<<uint(len(w.ready))-1, -1
	for i, slots := range w.slots {
		if slots&left == 0 && any >= 0 || !open.Has(int(w.rows[i])) {
			continue
		}
		if any < 0 {
			any = i
		}
		for found := slots & left; found != 0; found &= found - 1 {
			s := bits.TrailingZeros64(found)
			w.ready[s], w.first[s] = true, int32(i)
		}
		if left &^= slots; left == 0 {
			break
		}
	}
	if w.whose = w.turns.turn(w.ready); w.whose < 0 {
		return any
	}
	return int(w.first[w.whose])
}

func (w *interleaveWork) pick(int) {
	w.turns.take(w.whose)
	w.whose = -1
}
