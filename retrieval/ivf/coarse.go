package ivf

import (
	"math"

	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval/internal/topk"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// coarse is the coarse quantiser: the centroids, and for each list what Build saw of the
// vectors in it. It never changes once searches can see it.
type coarse struct {
	centroids vector.Matrix
	mean      []float32 // mean cosine to the centroid; L2: root mean square distance to it
	high, low []float32 // greatest and least length of a vector; L2: not used
	l2        bool
}

// promises fills keys with a key for each list, the most promising first when sorted, and
// keeps the products (L2: squared distances) of the query with the centroids in dots.
//
// What a list promises is the score of a vector that lies as far from the centroid as
// the vectors of the list do on average, the share reach of that way in the direction of
// the query. With reach 1 hardly any vector scores more; with 0 half of the lists have one
// that does. The bound of Cauchy and Schwarz, with the greatest angle instead of the mean,
// is far from what a list holds in more than a few dimensions.
func (c *coarse) promises(keys []uint64, dots, q []float32, length, reach float64) {
	if c.l2 {
		simd.L2SqBatch(dots, q, c.centroids.Data, c.centroids.Stride)
		for i, d := range dots {
			keys[i] = topk.Key(promiseL2(d, c.mean[i], float32(reach)), int32(i))
		}
		return
	}
	simd.DotBatch(dots, q, c.centroids.Data, c.centroids.Stride)
	var inverse float32
	if length > 0 {
		inverse = float32(1 / length)
	}
	for i, d := range dots {
		mean := c.mean[i]
		cos := d * inverse
		v := float32(cos*mean) + float32(float32(reach)*root(float32((1-float32(cos*cos))*(1-float32(mean*mean)))))
		if v > 0 {
			v *= c.high[i]
		} else {
			v *= c.low[i]
		}
		keys[i] = topk.Key(v*float32(length), int32(i))
	}
}

func promiseL2(square, radius, reach float32) float32 {
	away := root(square) - float32(reach*radius)
	return -(float32(away*away) + float32((1-float32(reach*reach))*float32(radius*radius)))
}

// root is the square root of x, 0 for what is negative.
func root(x float32) float32 {
	if x <= 0 {
		return 0
	}
	return float32(math.Sqrt(float64(x)))
}

// bound returns what no score of a query with the given length, and the given product with
// the centroid (L2: squared distance to it), exceeds in a list, per unit of the vectors'
// length (L2: as it is).
func (s *shape) bound(dot float32, length float64, l2 bool, slack float64) float64 {
	if l2 {
		away := math.Sqrt(float64(dot))*(1-slack) - float64(s.Radius)
		if away <= 0 {
			return 0
		}
		return -away * away * (1 - slack)
	}
	if length == 0 {
		return 0
	}
	cos := min(1, float64(dot)/length+slack)
	if cos >= float64(s.Cos) {
		return length * (1 + slack)
	}
	b := cos*float64(s.Cos) + math.Sqrt(1-cos*cos)*float64(s.Radius) + slack
	return max(0, b*length)
}
