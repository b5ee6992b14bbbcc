package hnsw

import (
	"math"

	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval"
)

// query compares one vector with the rows of a store, on codes or on the float vectors. A
// comparison is a key: a number that is the larger the nearer the row is. Keys of one query
// can be compared with each other, and those on float vectors with all others.
type query struct {
	*store
	vec   []float32
	coded bool
	code  []int8
	unit  float32 // what 1 in code stands for

	products  []int32
	distances []float32
}

// set makes the query ready for a vector, on codes if the store has them and float is
// false. It keeps vec.
func (q *query) set(s *store, vec []float32, float bool) {
	q.store, q.vec = s, vec
	q.coded = s.codes != nil && !float
	if !q.coded {
		return
	}
	q.code = resize(q.code, s.pitch)
	p := peak(vec)
	q.unit = p / 127
	step := codeStep(p)
	for i, v := range vec {
		q.code[i] = int8(toInt8(v * step))
	}
	clear(q.code[len(vec):])
}

// keys fills dst with the keys of rows.
func (q *query) keys(dst, rows []uint32) {
	dst = dst[:len(rows)]
	if q.coded {
		q.products = resize(q.products, len(rows))
		simd.DotInt8Gather(q.products, q.code, q.codes, q.pitch, rows)
		if q.squares != nil || q.units != nil {
			q.floatKeys(dst, rows)
			return
		}
		for i, p := range q.products {
			dst[i] = uint32(p) ^ 1<<31
		}
		return
	}
	q.distances = resize(q.distances, len(rows))
	q.scores(q.distances, rows)
	for i, d := range q.distances {
		dst[i] = floatKey(d)
	}
}

// floatKeys makes keys of the products of codes where those alone do not do. Under L2,
// |q-x|² is |q|² - 2 q·x + |x|²; the first is the same for all rows.
func (q *query) floatKeys(dst, rows []uint32) {
	products := q.products[:len(dst)]
	rows = rows[:len(dst)]
	switch {
	case q.squares == nil:
		for i, row := range rows {
			dst[i] = floatKey(float32(products[i]) * q.units[row])
		}
	case q.units == nil:
		unit := 2 * float32(q.unit*(q.scale/127))
		for i, row := range rows {
			dst[i] = floatKey(float32(unit*float32(products[i])) - q.squares[row])
		}
	default:
		for i, row := range rows {
			product := float32(float32(products[i]) * q.units[row])
			dst[i] = floatKey(float32(2*q.unit*product) - q.squares[row])
		}
	}
}

// keyProduct is the inverse of keys for products of codes.
func (q *query) keyProduct(key uint32) float32 {
	if q.units == nil {
		return float32(int32(key^1<<31)) * (q.scale / 127) * q.unit
	}
	return keyFloat(key) * q.unit
}

// bound returns a slope and a rest: no product of the query, as its keys have it, is more
// than slope times the norm of the vector and rest. Those of codes can be more than that of
// the norms, since each value is off by up to half a unit.
func (q *query) bound() (slope, rest float32) {
	if !q.coded {
		return normAbove(q.vec), 0
	}
	sum, square := 0, 0
	for _, c := range q.code {
		sum += max(int(c), -int(c))
		square += int(c) * int(c)
	}
	const slack = 1 + 1e-4 // for rounding, here and in codes
	slope = slack * float32(math.Sqrt(float64(square))) * q.unit
	rest = slack * float32(sum) / 2 * q.unit / 127 // times the largest value of the vector
	if q.units != nil {
		return slope + rest, 0
	}
	return slope, rest * q.scale
}

// scores fills dst with the scores of rows.
func (q *query) scores(dst []float32, rows []uint32) {
	dst = dst[:len(rows)]
	if q.metric != retrieval.L2 {
		simd.DotGather(dst, q.vec, q.vectors, q.dim, rows)
		return
	}
	simd.L2SqGather(dst, q.vec, q.vectors, q.dim, rows)
	for i, d := range dst {
		dst[i] = -d
	}
}

// floatKey maps numbers to keys of the same order. Both zeros have one key; a NaN, which a
// score that overflows may be, has the least.
func floatKey(x float32) uint32 {
	if x != x {
		return 0
	}
	b := math.Float32bits(x + 0)
	return b ^ (uint32(int32(b)>>31) | 1<<31)
}

// keyFloat is the inverse of floatKey.
func keyFloat(key uint32) float32 {
	return math.Float32frombits(key ^ (uint32(int32(^key)>>31) | 1<<31))
}

// resize returns a slice of length n, reusing s.
func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, max(n, 2*cap(s)))
	}
	return s[:n]
}
