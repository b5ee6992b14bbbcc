package content

import (
	"fmt"
	"math"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/fmath"
	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/internal/simd"
)

// Item is the description of an item.
type Item struct {
	// Bags holds the terms of each of Config.Bags, in any order, repetition included; nil
	// for an item without any.
	Bags [][]uint64
	// Numbers holds the value of each of Config.Numbers; one that is not finite is unknown.
	Numbers []float32
}

// check returns an error unless the item has the fields of the model.
func (c *Config) check(it *Item) error {
	switch {
	case len(it.Bags) != len(c.Bags):
		return fmt.Errorf("%d bags; want the %d of Config.Bags", len(it.Bags), len(c.Bags))
	case len(it.Numbers) != len(c.Numbers):
		return fmt.Errorf("%d numbers; want the %d of Config.Numbers", len(it.Numbers), len(c.Numbers))
	}
	return nil
}

// Embed appends the vector of an item to dst, Dim values, and returns the result. The item
// need not be one of the model's; terms that the model has not met weigh as rare ones. The
// vector has length 1, or is zero when nothing is known of the item; after [Model.Onto] it is
// the prediction. It keeps nothing of the item, allocates only to grow dst, and takes some
// 0.2 µs for each term, and 3 µs for each number.
//
// It fails, and returns dst as it was, when the item has another number of fields.
func (m *Model) Embed(dst []float32, it *Item) ([]float32, error) {
	if err := m.config.check(it); err != nil {
		return dst, fmt.Errorf("content: an item with %w", err)
	}
	s := m.acquire()
	defer m.pool.Put(s)
	m.embed(s, it)
	at := len(dst)
	dst = slices.Grow(dst, m.Dim())[:at+m.Dim()]
	m.finish(dst[at:], s)
	return dst, nil
}

// scratch is the memory of one call.
type scratch struct {
	keys   []uint64
	weight []float64
	sum    []float64 // Dim
	vector []float32 // Dim
}

func (m *Model) acquire() *scratch {
	if s, ok := m.pool.Get().(*scratch); ok {
		return s
	}
	return &scratch{sum: make([]float64, m.config.Dim), vector: make([]float32, m.config.Dim)}
}

// embed fills s.vector: the sum of the fields, made one long.
func (m *Model) embed(s *scratch, it *Item) {
	clear(s.sum)
	for f := range m.config.Bags {
		s.keys, s.weight = termKeys(s.keys[:0], it.Bags[f], m.bagSeeds[f]), s.weight[:0]
		n := 0
		for i := 0; i < len(s.keys); {
			j := i + 1
			for j < len(s.keys) && s.keys[j] == s.keys[i] {
				j++
			}
			s.keys[n] = s.keys[i]
			n++
			s.weight = append(s.weight, float64((1+fmath.Log(float64(j-i)))*m.idf(s.keys[i])))
			i = j
		}
		project(s.sum, s.keys[:n], s.weight, m.config.Bags[f].Weight)
	}
	for f := range m.config.Numbers {
		p, ok := place(m.knots[f*(levels+1):(f+1)*(levels+1)], it.Numbers[f])
		if !ok {
			continue
		}
		s.keys, s.weight = s.keys[:0], s.weight[:0]
		for k := range levels {
			s.keys = append(s.keys, hash.Combine(m.numberSeeds[f], uint64(k)))
			s.weight = append(s.weight, min(max(float64(2*levels*p)-float64(2*k+1), -1), 1))
		}
		project(s.sum, s.keys, s.weight, m.config.Numbers[f].Weight)
	}
	square := 0.0
	for _, x := range s.sum {
		square += float64(x * x)
	}
	scale := 0.0
	if square > 0 {
		scale = 1 / math.Sqrt(square)
	}
	for j, x := range s.sum {
		s.vector[j] = float32(x * scale)
	}
}

// finish writes the vector of the model for the content in s.vector.
func (m *Model) finish(dst []float32, s *scratch) {
	if m.onto == nil {
		copy(dst, s.vector)
		return
	}
	copy(dst, m.shift)
	simd.GemvT(dst, m.onto, len(dst), s.vector)
}

// termKeys appends the keys of terms to dst, in ascending order.
func termKeys(dst, terms []uint64, seed uint64) []uint64 {
	for _, t := range terms {
		dst = append(dst, hash.Combine(seed, t))
	}
	slices.Sort(dst)
	return dst
}

// idf returns ln((1 + items) / (1 + items with the term)).
func (m *Model) idf(key uint64) float64 {
	if at := m.terms.Find(recsys.ItemID(key)); at >= 0 {
		return float64(m.rarity[at])
	}
	return float64(m.unknown)
}

// signs is how many components a term has.
const signs = 16

// project adds the weights of the keys, made as long as length, to sum: each key to one
// component of each of 16 blocks, with a random sign.
func project(sum []float64, keys []uint64, weights []float64, length float64) {
	square := 0.0
	for _, w := range weights {
		square += float64(w * w)
	}
	if square == 0 {
		return
	}
	scale := length / math.Sqrt(signs*square)
	for i, key := range keys {
		w := weights[i] * scale
		for b := range signs {
			lo, hi := b*len(sum)/signs, (b+1)*len(sum)/signs
			r := hash.Mix64(key + uint64(b+1)*0x9e3779b97f4a7c15)
			at := lo + int(uint64(uint32(r>>32))*uint64(hi-lo)>>32)
			if r&1 == 0 {
				sum[at] += w
			} else {
				sum[at] -= w
			}
		}
	}
}

// levels is how many steps a number is coded in.
const levels = 16

// place returns where x stands among the values that the knots, their quantiles, cut into
// equal parts: 0 below all, 1 above all, the middle of where it could stand if several knots
// are equal to it. It returns false where that tells nothing.
func place(knots []float32, x float32) (float64, bool) {
	if x-x != 0 || !(knots[0] < knots[levels]) {
		return 0, false
	}
	below, _ := slices.BinarySearch(knots, x)
	above := below
	for above < len(knots) && knots[above] == x {
		above++
	}
	switch {
	case above > below: // x is a knot, or several
		return float64(below+above-1) / (2 * levels), true
	case below == 0:
		return 0, true
	case below == len(knots):
		return 1, true
	}
	lo, hi := float64(knots[below-1]), float64(knots[below])
	return (float64(below-1) + (float64(x)-lo)/(hi-lo)) / levels, true
}
