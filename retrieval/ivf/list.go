package ivf

import (
	"math"
	"sync/atomic"

	"github.com/recsyskit/recsys/internal/simd"
)

// list is one cell of the partition: the rows of its vectors and their codes, one after
// the other in slots. Searches that can see a list see only its slots die. A list that
// is changed in another way is a new one, which may share memory: slots are only ever
// written beyond the end of all older lists.
type list struct {
	rows     []uint32  // row of each slot, or dead
	codes    []uint8   // code of each slot
	biases   []float32 // of each slot, see codec.bias; nil if there are none
	segments []segment
	shape    shape

	gone  int // dead slots; the writer's
	added int // slots that came after the list was made; the writer's
}

// segment is a run of slots that are quantised alike. Build orders the slots of a list by
// falling norm, all of which are 1 with cosine, and begins a segment where the norm has halved, so that a search can stop
// where the norms are too small, and small vectors have codes as precise as large ones.
type segment struct {
	End   uint32  // the slot after the last
	Scale float32 // Int8: value of a code step
	Error float32 // Int8: bound of |x - decode(code)|; PQ: the least bias
	Norm  float32 // bound of |x|
}

// shape bounds where the vectors of a list lie.
type shape struct {
	Norm   float32 // bound of |x|; L2: not used
	Radius float32 // L2: bound of |x - centroid|; else of the sine of the angle to it
	Cos    float32 // lower bound of the cosine of the angle to the centroid; L2: not used
}

// dead is the row of a slot whose item is gone.
const dead = math.MaxUint32

// row returns the row of a slot, or dead. Whoever does not hold the lock of the writers
// must read rows by it.
func (l *list) row(slot uint32) uint32 { return atomic.LoadUint32(&l.rows[slot]) }

// kill marks a slot as dead. Searches under way may still find its item.
func (l *list) kill(slot int) {
	atomic.StoreUint32(&l.rows[slot], dead)
	l.gone++
}

// len returns the number of items.
func (l *list) len() int { return len(l.rows) - l.gone }

// table holds the lists of a state in leaves, so that a change of one list copies a leaf
// and the table of leaves, not all lists.
type table []*leaf

const (
	leafBits = 6
	leafSize = 1 << leafBits
)

type leaf [leafSize]*list

func makeTable(lists []list) table {
	t := make(table, (len(lists)+leafSize-1)/leafSize)
	for i := range lists {
		if i%leafSize == 0 {
			t[i/leafSize] = new(leaf)
		}
		t[i/leafSize][i%leafSize] = &lists[i]
	}
	return t
}

func (t table) at(i uint32) *list { return t[i>>leafBits][i&(leafSize-1)] }

// with returns a table in which list i is l.
func (t table) with(i uint32, l *list) table {
	u := append(table(nil), t...)
	changed := *u[i>>leafBits]
	changed[i&(leafSize-1)] = l
	u[i>>leafBits] = &changed
	return u
}

// longest returns a bound of the lengths of all vectors.
func longest(lists []list) float32 {
	var top float32
	for i := range lists {
		for _, g := range lists[i].segments {
			top = max(top, g.Norm)
		}
	}
	return top
}

// include widens the shape to hold x, whose list has the given centroid.
func (s *shape) include(x, centroid []float32, l2 bool) {
	if l2 {
		s.Radius = max(s.Radius, up(math.Sqrt(distance(x, centroid)), len(x)))
		return
	}
	ab, aa, bb := sums(x, centroid)
	norm := math.Sqrt(aa)
	cos := 1.0 // of a vector without a direction
	switch {
	case bb == 0:
		cos = -1 // nothing is known
	case norm > 0:
		cos = max(-1, min(1, ab/norm/math.Sqrt(bb)))
	}
	s.Norm = max(s.Norm, up(norm, len(x)))
	if c := float32(cos - slack(len(x))); c < s.Cos {
		s.Cos = c
		s.Radius = float32(math.Sqrt(max(0, 1-float64(c)*float64(c))))
	}
}

// emptyShape holds nothing.
func emptyShape() shape { return shape{Cos: 1} }

// distance returns |a-b|² in float64.
func distance(a, b []float32) float64 {
	if d := simd.L2Sq(a, b); d > 0x1p-100 && d <= 0x1p100 {
		return float64(d)
	}
	var s float64
	for i, x := range a {
		d := float64(x) - float64(b[i])
		s += float64(d * d)
	}
	return s
}

// slack bounds the relative error of a sum of d products, and of what is derived from it:
// each of the 16 partial sums of a kernel takes d/16 roundings.
func slack(d int) float64 { return 1e-6 + float64(d)*0x1p-27 }

// up returns a float32 that is not less than a positive number of which x, a sum of d
// products, is an approximation.
func up(x float64, d int) float32 {
	x *= 1 + slack(d)
	f := float32(x)
	if float64(f) < x { // below the normal range the slack is less than half a step
		f = math.Nextafter32(f, float32(math.Inf(1)))
	}
	return f
}

// finite returns the float32 that is nearest to a positive number.
func finite(x float64) float32 { return float32(min(x, math.MaxFloat32)) }

// sums returns a·b, a·a and b·b in float64.
func sums(a, b []float32) (ab, aa, bb float64) {
	if x, y, z := simd.CosineSums(a, b); y > 0x1p-100 && y <= 0x1p100 && z > 0x1p-100 && z <= 0x1p100 {
		return float64(x), float64(y), float64(z)
	}
	for i, x := range a {
		y := b[i]
		ab += float64(float64(x) * float64(y))
		aa += float64(float64(x) * float64(x))
		bb += float64(float64(y) * float64(y))
	}
	return ab, aa, bb
}
