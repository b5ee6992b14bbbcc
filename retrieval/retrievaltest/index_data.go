package retrievaltest

import (
	"math"
	"math/rand/v2"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval/vector"
)

var nan = float32(math.NaN())

// catalogue is what an index under test is built from: clustered vectors whose norms
// differ, as those of a matrix factorisation do, under items in no order.
type catalogue struct {
	items   []recsys.ItemID
	vectors vector.Matrix
	queries [][]float32
	rng     *rand.Rand
	centres vector.Matrix
}

// manyQueries is how many queries a recall is measured with.
const manyQueries = 40

func newCatalogue(seed uint64, n, dim int) *catalogue {
	c := &catalogue{rng: rand.New(rand.NewPCG(seed, uint64(n)<<32|uint64(dim)))}
	c.centres = vector.NewMatrix(max(2, n/60), dim)
	for i := range c.centres.Data {
		c.centres.Data[i] = float32(c.rng.NormFloat64())
	}
	c.vectors = vector.NewMatrix(n, dim)
	for i := range n {
		c.draw(c.vectors.Row(i))
	}
	for i, at := range c.rng.Perm(n) {
		switch {
		case i == n-2:
			c.items = append(c.items, math.MaxUint64)
		default:
			c.items = append(c.items, recsys.ItemID(3*at)) // 0 is an item
		}
	}
	for range manyQueries {
		q := make([]float32, dim)
		c.draw(q)
		c.queries = append(c.queries, q)
	}
	return c
}

// draw fills v with a vector of the catalogue's distribution.
func (c *catalogue) draw(v []float32) {
	centre := c.centres.Row(c.rng.IntN(c.centres.Rows))
	norm := math.Exp(0.5 * c.rng.NormFloat64())
	for j := range v {
		v[j] = float32(norm * (float64(centre[j]) + 0.7*c.rng.NormFloat64()))
	}
}

// fresh returns an item that the catalogue does not have; n tells them apart.
func fresh(n int) recsys.ItemID { return recsys.ItemID(1_000_000_000 + 7*n) }

// clone returns deep copies, for an index to keep.
func (c *catalogue) clone() ([]recsys.ItemID, vector.Matrix) {
	v := c.vectors
	v.Data = append([]float32(nil), v.Data...)
	return append([]recsys.ItemID(nil), c.items...), v
}
