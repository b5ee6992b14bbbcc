package ivf

import (
	"math"
	"slices"

	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval"
)

// A segment ends where the norm has fallen by segmentFall since its start, if it has
// segmentMin slots by then. On real factors of matrix factorisation the norms of a list
// span a factor of ten.
const (
	segmentFall = 0.8
	segmentMin  = 32
)

// insertSlots is how many slots a list has at most whose new vectors go where they fit best.
const insertSlots = 2048

// bias8 is what an int8 code exceeds its value by.
const bias8 = 128

// encode8 quantises x in steps of scale to code, and returns a bound of the length of
// what is lost.
func encode8(code []uint8, x []float32, scale float32) (lost float64) {
	if scale == 0 {
		for i := range code {
			code[i] = bias8
		}
		return 0
	}
	for i, v := range x {
		r := math.RoundToEven(float64(v) / float64(scale))
		r = max(-127, min(127, r))
		code[i] = uint8(int(r) + bias8)
		d := float64(v) - r*float64(scale)
		lost += float64(d * d)
	}
	return math.Sqrt(lost)
}

// scale8 returns the step that x can be quantised with.
func scale8(x []float32) float32 {
	var top float32
	for _, v := range x {
		top = max(top, v, -v)
	}
	if top/127 == 0 || top/127*127 > math.MaxFloat32 {
		return float32(math.Ceil(float64(top))) // what is so small counts as zero
	}
	// Not less than a 127th, so that the greatest value has a code.
	return math.Nextafter32(top/127, math.MaxFloat32)
}

// coded is a query as int8.
type coded struct {
	codes []int8
	scale float32 // value of a step
	lost  float64 // bound of the length that the codes lose
}

func (c *coded) set(q []float32) {
	c.codes = grow(c.codes, len(q))
	c.scale, c.lost = scale8(q), 0
	if c.scale == 0 {
		clear(c.codes)
		return
	}
	// Any code will do, since lost tells how good it is.
	scale, inverse := float64(c.scale), 1/float64(c.scale)
	var even, odd float64 // one sum would wait for each addition
	codes := c.codes[:len(q)]
	for i, v := range q {
		r := math.RoundToEven(float64(v) * inverse)
		r = max(-127, min(127, r))
		codes[i] = int8(r)
		d := float64(v) - float64(r*scale)
		even, odd = odd, even+float64(d*d)
	}
	c.lost = math.Sqrt(even + odd)
}

// codec writes the codes of lists.
type codec struct {
	dim  int
	l2   bool
	pq   bool
	unit bool      // all vectors have length 1, or 0
	sub  int       // dimensions of a subspace of PQ
	book []float32 // of PQ: 16 centroids for each subspace; empty before it is trained

	borders []float32 // derived from book
}

func newCodec(cfg *Config, dim int) *codec {
	return &codec{dim: dim, l2: cfg.Metric == retrieval.L2, pq: cfg.Codes == PQ, unit: cfg.Metric == retrieval.Cosine, sub: max(1, cfg.SubDim)}
}

// lost returns how far the code of a slot is from the vector.
func (c *codec) lost(l *list, slot int, x []float32, g *segment) float64 {
	var lost float64
	for i, b := range l.codes[slot*c.dim : (slot+1)*c.dim] {
		d := float64(x[i]) - float64(int(b)-bias8)*float64(g.Scale)
		lost += float64(d * d)
	}
	return math.Sqrt(lost)
}

// size returns how many bytes the codes of n slots take.
func (c *codec) size(n int) int {
	if c.pq {
		return (n + blockRows - 1) / blockRows * blockRows * c.subspaces() / 2
	}
	return n * c.dim
}

// encode fills a list that has its rows: codes, segments, shape. The vectors come in
// the order of the slots, the longest first where segments are to be any good.
func (c *codec) encode(l *list, vectors func(slot int) []float32, centroid []float32) {
	norms := make([]float64, len(l.rows))
	l.shape = emptyShape()
	for i := range norms {
		norms[i] = norm(vectors(i))
		l.shape.include(vectors(i), centroid, c.l2)
	}
	if c.pq {
		c.encodePQ(l, vectors, norms, centroid)
		return
	}
	if c.l2 {
		for i, n := range norms {
			l.biases[i] = float32(n * n)
		}
	}
	for at := 0; at < len(norms); {
		end := at + 1
		for end < len(norms) && (end-at < segmentMin || norms[end] >= segmentFall*norms[at]) && norms[end] >= 0.5*norms[at] {
			end++
		}
		l.segments = append(l.segments, c.segment(l.codes, vectors, norms, at, end))
		at = end
	}
}

// segment encodes the slots from at to end.
func (c *codec) segment(codes []uint8, vectors func(slot int) []float32, norms []float64, at, end int) segment {
	g := segment{End: uint32(end)}
	var top, lost float64
	for i := at; i < end; i++ {
		g.Scale = max(g.Scale, scale8(vectors(i)))
		top = max(top, norms[i])
	}
	for i := at; i < end; i++ {
		lost = max(lost, encode8(codes[i*c.dim:(i+1)*c.dim], vectors(i), g.Scale))
	}
	g.Norm, g.Error = up(top, c.dim), up(lost, c.dim)
	return g
}

// add returns a list with one more slot.
func (c *codec) add(l *list, row uint32, x, centroid []float32) *list {
	out := *l
	length := norm(x)
	out.shape.include(x, centroid, c.l2)
	out.added++
	out.segments = slices.Clone(l.segments)
	if c.pq {
		out.rows = append(out.rows, row)
		if c.biased() {
			out.biases = append(out.biases, c.bias(length, 0))
		}
		c.addPQ(&out, x, centroid, length)
		return &out
	}
	step := scale8(x)
	at, least := len(out.segments)-1, 0
	if len(l.rows) > insertSlots {
		least = at // what comes behind a segment must be copied
	}
	for at >= least && at >= 0 && !out.segments[at].fits(step, up(length, c.dim)) {
		at--
	}
	if at < max(least, 0) {
		// Room for vectors that are a little longer, so that not each begins a segment.
		at = len(out.segments)
		out.segments = append(out.segments, segment{End: uint32(len(l.rows)), Scale: finite(float64(step) * 1.25), Norm: up(length, c.dim) * 1.25})
	}
	g := &out.segments[at]
	slot := int(g.End)
	out.rows = inserted(l.rows, slot, row)
	if c.biased() {
		out.biases = inserted(l.biases, slot, c.bias(length, 0))
	}
	out.codes = inserted(l.codes, slot*c.dim, make([]uint8, c.dim)...)
	lost := encode8(out.codes[slot*c.dim:(slot+1)*c.dim], x, g.Scale)
	g.Error = max(g.Error, up(lost, c.dim))
	for i := at; i < len(out.segments); i++ {
		out.segments[i].End++
	}
	return &out
}

// fits reports whether a segment is for a vector with a step and a bound of its length.
func (g *segment) fits(step, length float32) bool {
	return step <= g.Scale && length <= g.Norm && length >= g.Norm/4
}

// inserted returns a slice with more values at i, which may share memory with s behind its
// end only.
func inserted[T any](s []T, i int, values ...T) []T {
	if i == len(s) {
		return append(s, values...)
	}
	out := make([]T, 0, len(s)+len(s)/16+len(values))
	out = append(out, s[:i]...)
	out = append(out, values...)
	return append(out, s[i:]...)
}

// squeeze returns a list without its dead slots; the others keep their order and codes.
func (c *codec) squeeze(old *list) *list {
	n := old.len()
	l := &list{rows: make([]uint32, 0, n), codes: make([]uint8, c.size(n)), shape: old.shape, added: old.added}
	at := 0
	for i := range old.segments {
		g := old.segments[i]
		for ; at < int(g.End); at++ {
			if old.rows[at] == dead {
				continue
			}
			slot := len(l.rows)
			c.move(l.codes, old.codes, slot, at)
			l.rows = append(l.rows, old.rows[at])
			if c.biased() {
				l.biases = append(l.biases, old.biases[at])
			}
			l.extend(&g, slot, c)
		}
	}
	l.codes = l.codes[:c.size(len(l.rows))] // a damaged file has slots that nobody killed
	return l
}

// extend counts the last slot as one of a segment like g. Of PQ a segment begins with a
// block, and those that meet in a block become one.
func (l *list) extend(g *segment, slot int, c *codec) {
	last := len(l.segments) - 1
	switch {
	case !c.pq && (last < 0 || l.segments[last].Scale != g.Scale || l.segments[last].Error != g.Error || l.segments[last].Norm != g.Norm),
		c.pq && slot%blockRows == 0:
		l.segments = append(l.segments, *g)
		last++
	}
	into := &l.segments[last]
	into.End = uint32(slot + 1)
	into.Norm, into.Error = max(into.Norm, g.Norm), min(into.Error, g.Error)
}

// move copies the code of a slot.
func (c *codec) move(dst, src []uint8, to, from int) {
	if !c.pq {
		copy(dst[to*c.dim:(to+1)*c.dim], src[from*c.dim:])
		return
	}
	pairs := c.subspaces() / 2
	dst, src = dst[to/blockRows*blockRows*pairs+to%blockRows:], src[from/blockRows*blockRows*pairs+from%blockRows:]
	for p := range pairs {
		dst[p*blockRows] = src[p*blockRows]
	}
}

// norm returns the length of x, which neither overflows nor vanishes.
func norm(x []float32) float64 {
	_, s, _ := sums(x, x)
	return math.Sqrt(s)
}

// score returns the exact score of x.
func score(q, x []float32, l2 bool) float32 {
	if l2 {
		return -simd.L2Sq(q, x)
	}
	return simd.Dot(q, x)
}
