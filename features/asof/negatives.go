package asof

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/recsyskit/recsys"
)

// Negatives adds sampled negatives to labels.
type Negatives struct {
	// Sampler draws them; required.
	Sampler *Sampler
	// Item is the name of the labels' key that is the item; required.
	Item string
	// Exclude appends what must not come for a positive, beside its own item: what the user
	// took or was shown, see [Seen]. Nil: nothing.
	Exclude func(dst []recsys.ItemID, positive *Label) []recsys.ItemID
	// Rekey recomputes keys that depend on the item. Nil: there are none but "user-item", which is always
	// recomputed where there are the keys "user" and "item" and the latter is replaced.
	Rekey func(keys []uint64)
}

// Labels returns labels that give each label of l, which is taken for a positive, and behind it its negatives. A negative is
// the positive with another item: same time, group and features; all labels 0, Weight that of the positive (1 where it is 0) times [Negative].Weight,
// Position -1 and Propensity NaN. The number of an example, which decides what is drawn, is its place in l.
//
// The error says what is missing, or that l has no key called Item.
func (n Negatives) Labels(l Labels) (Labels, error) {
	at := slices.Index(l.Keys, n.Item)
	switch {
	case n.Sampler == nil || l.Rows == nil:
		return l, errors.New("asof: Negatives: Sampler or the labels' Rows is nil; want both")
	case at < 0:
		return l, fmt.Errorf("asof: Negatives.Item is %q; want one of the labels' keys, %q", n.Item, l.Keys)
	}
	rekey, paired := n.Rekey, false
	if p, ok := pairOf(l.Keys); ok && n.Item == itemKey {
		paired = true
		rekey = func(keys []uint64) {
			p.set(keys)
			if n.Rekey != nil {
				n.Rekey(keys)
			}
		}
	}
	if !paired && rekey == nil && slices.Contains(l.Keys, pairKey) {
		return l, fmt.Errorf("asof: Negatives: the key %q depends on the item; want Rekey, or the keys %q and %q", pairKey, userKey, itemKey)
	}
	positives := l.Rows
	l.Rows = func(yield func(Label, error) bool) {
		var drawn []Negative
		var exclude []recsys.ItemID
		var a Label
		number := uint64(0)
		for positive, err := range positives {
			if !yield(positive, err) || err != nil {
				return
			}
			if len(positive.Keys) != len(l.Keys) {
				yield(Label{}, fmt.Errorf("%d keys; want %d, as Labels declares", len(positive.Keys), len(l.Keys)))
				return
			}
			exclude = append(exclude[:0], recsys.ItemID(positive.Keys[at]))
			if n.Exclude != nil {
				exclude = n.Exclude(exclude, &positive)
			}
			drawn = n.Sampler.Draw(drawn[:0], number, exclude)
			number++
			keys, values := append(a.Keys[:0], positive.Keys...), append(a.Values[:0], positive.Values...)
			clear(values)
			a = positive
			a.Keys, a.Values, a.Position, a.Propensity = keys, values, -1, math.NaN()
			for _, d := range drawn {
				a.Keys[at], a.Weight = uint64(d.Item), cmp.Or(positive.Weight, 1)*d.Weight
				if rekey != nil {
					rekey(a.Keys)
				}
				if !yield(a, nil) {
					return
				}
			}
		}
	}
	return l, nil
}
