package ivf

import "math"

var nan = float32(math.NaN())

// candidates are the rows that may be among the best of a search. For each there is an
// interval that holds its score. A row whose upper end is below the lower ends of enough
// others is none.
type candidates struct {
	rows  []uint32
	upper []float32
	heap  []float32 // the need greatest lower ends, the least one first
	need  int
	floor float32 // heap[0] when the heap is full, else -Inf
}

func (c *candidates) reset(need int) {
	c.rows, c.upper, c.heap = c.rows[:0], c.upper[:0], c.heap[:0]
	c.need, c.floor = need, float32(math.Inf(-1))
}

// add takes a row whose score is between lower and upper. A NaN is no bound.
func (c *candidates) add(row uint32, lower, upper float32) {
	if upper < c.floor {
		return
	}
	c.rows, c.upper = append(c.rows, row), append(c.upper, upper)
	if !(lower >= -math.MaxFloat32) {
		lower = float32(math.Inf(-1))
	}
	if len(c.heap) < c.need {
		c.push(lower)
	} else if lower > c.floor {
		c.replace(lower)
	}
}

func (c *candidates) push(v float32) {
	h := append(c.heap, v)
	i := len(h) - 1
	for i > 0 {
		p := (i - 1) / 2
		if h[p] <= v {
			break
		}
		h[i] = h[p]
		i = p
	}
	h[i] = v
	c.heap = h
	if len(h) == c.need {
		c.floor = h[0]
	}
}

func (c *candidates) replace(v float32) {
	h := c.heap
	i := 0
	for {
		child := 2*i + 1
		if child >= len(h) {
			break
		}
		if child+1 < len(h) && h[child+1] < h[child] {
			child++
		}
		if h[child] >= v {
			break
		}
		h[i] = h[child]
		i = child
	}
	h[i] = v
	c.floor = h[0]
}

// settle drops the rows that the others have left behind.
func (c *candidates) settle() {
	n := 0
	for i, u := range c.upper {
		if !(u < c.floor) {
			c.rows[n], c.upper[n] = c.rows[i], u
			n++
		}
	}
	c.rows, c.upper = c.rows[:n], c.upper[:n]
}
