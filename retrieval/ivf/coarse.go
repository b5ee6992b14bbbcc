package ivf

import (
	"math"
	"slices"

	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval/internal/kmeans"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// coarse is the coarse quantiser: the centroids, and for each list what was seen of the
// vectors in it. It never changes once searches can see it.
type coarse struct {
	centroids vector.Matrix
	mean      []float32 // mean cosine to the centroid; L2: root mean square distance to it
	high, low []float32 // greatest and least length of a vector; L2: not used
	l2        bool

	reach       float32
	slope, rise []float32 // derived, see aim

	codes []uint8   // derived: the centroids as int8, see guess
	step  float32   // of the codes
	flats []float32 // L2: squared lengths of the centroids
}

// aim derives what promises takes. What a list promises is the score of a vector that lies
// as far from the centroid as those of the list do on average, the share reach of that way
// in the direction of the query, and is as long as the longest. With the angles a between
// query and centroid, and b between centroid and vector,
//
//	promise = |q| high (cos a cos b + reach sin a sin b),
//
// which for reach 1 is the bound of Cauchy and Schwarz. That bound is far from what a list
// holds in more than a few dimensions, so Build measures which reach orders the lists best.
// For L2, with the distance d of query and centroid and the mean radius r, it is
// -(d² - 2 reach r d + r²).
func (c *coarse) aim(reach float32) {
	n := c.centroids.Rows
	if c.codes == nil {
		c.encode()
	}
	c.reach, c.slope, c.rise = reach, make([]float32, n), make([]float32, n)
	for i := range n {
		c.aimAt(i, reach)
	}
}

func (c *coarse) aimAt(i int, reach float32) {
	m := c.mean[i]
	if c.l2 {
		c.slope[i], c.rise[i] = m*m, 2*reach*m
		return
	}
	c.slope[i], c.rise[i] = m*c.high[i], reach*root(1-float32(m*m))*c.high[i]
}

// encode derives the codes of the centroids.
func (c *coarse) encode() {
	data := c.centroids.Data[:c.centroids.Rows*c.centroids.Dim]
	c.step = scale8(data)
	c.codes = make([]uint8, len(data))
	encode8(c.codes, data, c.step)
	if c.l2 {
		c.flats = make([]float32, c.centroids.Rows)
		for i := range c.flats {
			c.flats[i] = simd.Dot(c.centroids.Row(i), c.centroids.Row(i))
		}
	}
}

// moved returns a coarse quantiser in which centroid c is the mean of n vectors.
func (c *coarse) moved(list uint32, n int, vectors func(i int) []float32) *coarse {
	out := *c
	out.centroids.Data, out.codes, out.flats = slices.Clone(c.centroids.Data), slices.Clone(c.codes), slices.Clone(c.flats)
	dim := c.centroids.Dim
	row := out.centroids.Row(int(list))
	kmeans.Mean(row, n, vectors, !c.l2)
	encode8(out.codes[int(list)*dim:(int(list)+1)*dim], row, c.step)
	if c.l2 {
		out.flats[list] = simd.Dot(row, row)
	}
	return &out
}

// promises fills out with what each list promises a query, over the query's length, and
// dots with the products (L2: squared distances) of the query and the centroids.
func (c *coarse) promises(out, dots, q []float32, length float64) {
	if c.l2 {
		simd.L2SqBatch(dots, q, c.centroids.Data, c.centroids.Stride)
	} else {
		simd.DotBatch(dots, q, c.centroids.Data, c.centroids.Stride)
	}
	c.weigh(out, dots, length)
}

// guess fills out with about what promises would, but for lists that promise less than 0:
// the products are those of codes, which read a quarter of the memory.
func (c *coarse) guess(out []float32, ints []int32, q *coded, length float64) {
	simd.DotInt8Batch(ints, q.codes, c.codes, c.centroids.Dim)
	n := len(ints)
	out, slope, rise := out[:n], c.slope[:n], c.rise[:n]
	step := q.scale * c.step
	if c.l2 {
		square, flats := float32(length*length), c.flats[:n]
		for i, v := range ints {
			d := square + flats[i] - float32(2*step*float32(v))
			out[i] = float32(rise[i]*sine(d)) - d - slope[i]
		}
		return
	}
	step *= inverseOf(length)
	for i, v := range ints {
		cos := float32(v) * step
		out[i] = float32(slope[i]*cos) + float32(rise[i]*sine(1-float32(cos*cos)))
	}
}

// sine is the square root of |x|: without a branch, which would be mispredicted.
func sine(x float32) float32 { return float32(math.Sqrt(math.Abs(float64(x)))) }

// settle replaces what was guessed of some lists.
func (c *coarse) settle(out, dots, q []float32, length float64, lists []uint32, some []float32) {
	some = some[:len(lists)]
	if c.l2 {
		simd.L2SqGather(some, q, c.centroids.Data, c.centroids.Stride, lists)
	} else {
		simd.DotGather(some, q, c.centroids.Data, c.centroids.Stride, lists)
	}
	inverse := inverseOf(length)
	for i, id := range lists {
		dots[id] = some[i]
		out[id] = c.promise(int(id), some[i], inverse)
	}
}

// weigh makes promises of dots; both may be one slice.
func (c *coarse) weigh(out, dots []float32, length float64) {
	inverse := inverseOf(length)
	out = out[:len(dots)]
	for i, d := range dots {
		out[i] = c.promise(i, d, inverse)
	}
}

// promise is what list i promises a query that has the given product with the centroid.
func (c *coarse) promise(i int, d, inverse float32) float32 {
	if c.l2 {
		return float32(c.rise[i]*root(d)) - d - c.slope[i]
	}
	cos := d * inverse
	v := float32(c.slope[i]*cos) + float32(c.rise[i]*root(1-float32(cos*cos)))
	if v < 0 {
		v *= c.low[i] / c.high[i]
	}
	return v
}

// inverseOf returns 1/length, 0 for 0.
func inverseOf(length float64) float32 {
	if length > 0 {
		return float32(1 / length)
	}
	return 0
}

// root is the square root of x, 0 for what is negative or NaN.
func root(x float32) float32 {
	if !(x > 0) {
		return 0
	}
	return float32(math.Sqrt(float64(x)))
}

// bound returns what no score of a query with the given length, and the given product with
// the centroid (L2: squared distance to it), exceeds in a list, per unit of the vectors'
// length (L2: as it is), but for tiny.
func (s *shape) bound(dot, length float64, l2 bool, slack, tiny float64) float64 {
	if l2 {
		away := math.Sqrt(max(0, dot-tiny))*(1-slack) - float64(s.Radius)
		if away <= 0 {
			return 0
		}
		return tiny - away*away*(1-slack)
	}
	if length == 0 {
		return 0
	}
	cos := min(1, dot/length+slack)
	if cos >= float64(s.Cos) {
		return length * (1 + slack)
	}
	b := cos*float64(s.Cos) + math.Sqrt(1-cos*cos)*float64(s.Radius) + slack
	return max(0, b*length)
}
