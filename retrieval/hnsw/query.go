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
	peak  float32 // a value of 127 in code stands for this
	ratio float32 // of the scale of codes to peak; for L2

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
	q.peak = peak(vec)
	q.ratio = s.scale / q.peak // for a peak of 0, all rows are equally far as products go
	step := codeStep(q.peak)
	for i, v := range vec {
		q.code[i] = int8(toInt8(v * step))
	}
	clear(q.code[len(vec):])
}

// unit returns what a product of codes has to be multiplied by.
func (q *query) unit() float32 { return q.scale / 127 * (q.peak / 127) }

// keys fills dst with the keys of rows.
func (q *query) keys(dst, rows []uint32) {
	dst = dst[:len(rows)]
	if q.coded {
		q.products = resize(q.products, len(rows))
		products := q.products
		simd.DotInt8Gather(products, q.code, q.codes, q.pitch, rows)
		if q.squares != nil {
			for i, row := range rows {
				// |q-x|² is |q|² - 2 q·x + |x|²; the first is the same for all rows.
				products[i] = 2*products[i] - int32(min(float32(q.ratio*float32(q.squares[row])), 1<<30))
			}
		}
		for i, p := range products {
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

// floatKey maps numbers to keys of the same order.
func floatKey(x float32) uint32 {
	b := math.Float32bits(x)
	return b ^ (uint32(int32(b)>>31) | 1<<31)
}

// keyFloat is the inverse of floatKey.
func keyFloat(key uint32) float32 {
	return math.Float32frombits(key ^ (uint32(int32(^key)>>31) | 1<<31))
}

// toInt8 rounds to the nearest whole number, halves away from zero, within ±127.
func toInt8(x float32) int32 {
	if x < 0 {
		return int32(max(x, -127) - 0.5)
	}
	return int32(min(x, 127) + 0.5)
}

// resize returns a slice of length n, reusing s.
func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, max(n, 2*cap(s)))
	}
	return s[:n]
}
