package ivf

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"

	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval/internal/kmeans"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// Product quantisation cuts what is left of a vector, when its list's centroid is taken
// off, into subspaces of a few dimensions, and stores for each the nearest of 16
// centroids. The product of a query with it is a sum of entries of tables, one for each
// subspace, that the query fills once for all lists:
//
//	q·x ≈ |x| (q·centroid + Σ q_m·codebook_m[code_m]),  x ≈ |x| (centroid + decoded)
//
// and for L2
//
//	-|q-x|² ≈ -|q-centroid|² - (|x|²-|centroid|²) + 2 Σ q_m·codebook_m[code_m].
//
// Entries are rounded to 7 bits, so that two of them fit a byte; see simd.LookupAtLeast
// for how the codes of 64 slots stand side by side.
//
// Sources: Jégou, Douze and Schmid, "Product quantization for nearest neighbor search",
// IEEE TPAMI 33(1), 2011; André, Kermarrec and Le Scouarnec, VLDB 2015.
const (
	blockRows    = 64
	words        = 16       // centroids of a subspace
	topEntry     = 127      // of a table
	minTrained   = 256      // vectors that a codebook is made of at least
	trainCodes   = 16 << 10 // vectors that the codebook is trained on
	codeSteps    = 16       // of k-means
	scanBlocks   = scanRows / blockRows
	maxSubspaces = 2 * 258 // of simd.LookupAtLeast
)

// subspaces returns how many codes a vector has, an even number.
func (c *codec) subspaces() int { return ((c.dim+c.sub-1)/c.sub + 1) &^ 1 }

// words returns the centroids of a subspace, sub values each.
func (c *codec) words(m int) []float32 { return c.book[m*words*c.sub : (m+1)*words*c.sub] }

// part copies the values of subspace m of x to dst; zeros beyond the end of x.
func (c *codec) part(dst, x []float32, m int) {
	clear(dst)
	if at := m * c.sub; at < len(x) {
		copy(dst, x[at:])
	}
}

// residual writes what PQ encodes of x, which has the given length, to dst.
func (c *codec) residual(dst, x, centroid []float32, length float64) {
	var by float64
	if c.l2 {
		by = 1
	} else if length > 0 {
		by = 1 / length
	}
	for i, v := range x {
		dst[i] = float32(float64(float64(v)*by) - float64(centroid[i]))
	}
}

// train makes the codebook from some of the vectors, drawn evenly. Of too few it makes none:
// codes then say nothing, and searches compare all vectors in a list at full precision.
func (c *codec) train(b *builder, rows int, at func(i int) (x, centroid []float32)) error {
	if !c.pq || rows < minTrained {
		return nil
	}
	c.book = make([]float32, c.subspaces()*words*c.sub)
	random := rand.New(rand.NewPCG(b.cfg.Seed, 0x636f6465))
	n := min(rows, trainCodes)
	left := vector.NewMatrix(n, c.dim)
	for i := range n {
		p := i
		if n < rows {
			p = random.IntN(rows)
		}
		x, centroid := at(p)
		c.residual(left.Row(i), x, centroid, norm(x))
	}
	err := kmeans.Each(b.ctx, b.cfg.Workers, c.subspaces(), 1, func(m, _ int) {
		points := vector.NewMatrix(n, c.sub)
		for i := range n {
			c.part(points.Row(i), left.Row(i), m)
		}
		got, err := kmeans.Train(b.ctx, kmeans.Config{K: words, Iterations: codeSteps, Seed: b.cfg.Seed + uint64(m), Workers: 1}, points)
		if err != nil {
			return // Each returns the error
		}
		word := c.words(m)
		for i := range word { // where there are fewer vectors than words, the last one again
			word[i] = got.Data[min(i, len(got.Data)-c.sub+i%c.sub)]
		}
		if c.sub == 1 {
			slices.Sort(word)
		}
	})
	c.derive()
	return err
}

// checkBook says what is wrong with a codebook that was read.
func (c *codec) checkBook(cfg *Config) error {
	want := 0
	if c.pq {
		want = c.subspaces() * words * c.sub
	}
	if len(c.book) != want && len(c.book) != 0 {
		return fmt.Errorf("a codebook of %d values; want %d", len(c.book), want)
	}
	for m := range len(c.book) / words {
		if c.sub != 1 {
			break
		}
		if !slices.IsSorted(c.words(m)) {
			return fmt.Errorf("the codebook of dimension %d does not ascend", m)
		}
	}
	c.derive()
	return checkSubspaces(cfg, c.dim)
}

func checkSubspaces(cfg *Config, dim int) error {
	c := codec{dim: dim, sub: max(1, cfg.SubDim)}
	if cfg.Codes == PQ && c.subspaces() > maxSubspaces {
		return fmt.Errorf("Config.SubDim is %d; want at least %d for vectors of %d values", c.sub, (dim+maxSubspaces-1)/maxSubspaces, dim)
	}
	return nil
}

// put writes the code of a slot: the nearest centroid of each subspace.
func (c *codec) put(codes []uint8, slot int, left, part []float32) {
	pairs := c.subspaces() / 2
	block := codes[slot/blockRows*blockRows*pairs:]
	if len(c.book) == 0 {
		return
	}
	for m := range 2 * pairs {
		c.part(part, left, m)
		code := c.nearest(part, m)
		at := m/2*blockRows + slot%blockRows
		block[at] |= code << (m % 2 * 4)
	}
}

// nearest returns which of the centroids of subspace m is nearest to x.
func (c *codec) nearest(x []float32, m int) uint8 {
	if c.sub == 1 {
		code, v := uint8(0), x[0]
		for _, border := range c.borders[m*words : m*words+words-1] {
			if v > border {
				code++
			}
		}
		return code
	}
	var out [words]float32
	simd.L2SqBatch(out[:], x, c.words(m), c.sub)
	at := 0
	for i, d := range out {
		if d < out[at] {
			at = i
		}
	}
	return uint8(at)
}

// derive computes the borders between centroids on a line, which must ascend.
func (c *codec) derive() {
	if c.sub != 1 {
		return
	}
	c.borders = make([]float32, len(c.book))
	for i := range c.book[:max(0, len(c.book)-1)] {
		c.borders[i] = (c.book[i] + c.book[i+1]) / 2
	}
}

// encodePQ fills a list that has its rows, in whole blocks.
func (c *codec) encodePQ(l *list, vectors func(slot int) []float32, norms []float64, centroid []float32) {
	left, part := make([]float32, c.dim), make([]float32, c.sub)
	square := c.square(centroid)
	for at := 0; at < len(norms); {
		end := min(at+blockRows, len(norms))
		for end < len(norms) && norms[end] >= segmentFall*norms[at] {
			end = min(end+blockRows, len(norms))
		}
		g := segment{End: uint32(end), Error: math.MaxFloat32}
		for i := at; i < end; i++ {
			c.measure(&g, l.biases, i, norms[i], square)
			c.residual(left, vectors(i), centroid, norms[i])
			c.put(l.codes, i, left, part)
		}
		l.segments = append(l.segments, g)
		at = end
	}
}

// measure sets the bias of a slot and widens its segment to hold it. Of PQ a segment's
// Error is the least bias.
func (c *codec) measure(g *segment, biases []float32, slot int, length, square float64) {
	g.Norm = max(g.Norm, up(length, c.dim))
	if c.biased() {
		biases[slot] = c.bias(length, square)
		g.Error = min(g.Error, biases[slot])
	}
}

// bias returns what is kept of a vector beside its code, given |centroid|².
func (c *codec) bias(length, square float64) float32 {
	switch {
	case c.pq && c.l2:
		return float32(length*length - square)
	case c.l2:
		return float32(length * length)
	}
	return float32(length)
}

// biased reports whether slots have biases.
func (c *codec) biased() bool { return c.l2 || c.pq && !c.unit }

// square returns |centroid|².
func (c *codec) square(centroid []float32) float64 {
	if !c.l2 {
		return 0
	}
	_, s, _ := sums(centroid, centroid)
	return s
}

// addPQ writes the code of the last slot of out, which a list has got, to new memory: others
// may read the block that it is in.
func (c *codec) addPQ(out *list, x, centroid []float32, length float64) {
	slot := len(out.rows) - 1
	codes := make([]uint8, c.size(len(out.rows)))
	copy(codes, out.codes)
	out.codes = codes
	if slot%blockRows == 0 {
		out.segments = append(out.segments, segment{Error: math.MaxFloat32})
	}
	g := &out.segments[len(out.segments)-1]
	g.End = uint32(slot + 1)
	c.measure(g, out.biases, slot, length, c.square(centroid))
	left := make([]float32, c.dim)
	c.residual(left, x, centroid, length)
	c.put(codes, slot, left, make([]float32, c.sub))
}

// tables is what a query adds up.
type tables struct {
	entries []uint8
	step    float64 // value of 1
	offset  float64 // value of a sum of 0
	values  []float32
	least   []float32
	part    []float32
	sums    [scanRows]uint16
	kept    [scanBlocks]uint64
}

// fill computes the entries for a query: the products with the centroids of each subspace,
// rounded to steps of the widest one.
func (t *tables) fill(c *codec, q []float32) {
	n := c.subspaces()
	if len(c.book) == 0 {
		return
	}
	t.entries, t.values = grow(t.entries, n*words), grow(t.values, n*words)
	t.least, t.part = grow(t.least, n), grow(t.part, c.sub)
	var widest float32
	t.offset = 0
	for m := range n {
		c.part(t.part, q, m)
		lo, hi := t.products(c, m)
		t.least[m] = lo
		t.offset += float64(lo)
		widest = max(widest, hi-lo)
	}
	t.step = float64(widest) / topEntry
	var inverse float32
	if widest > 0 {
		inverse = topEntry / widest
	}
	for m, lo := range t.least {
		values, entries := (*[words]float32)(t.values[m*words:]), (*[words]uint8)(t.entries[m*words:])
		for i, v := range values {
			entries[i] = uint8(min(topEntry, int32(float32((v-lo)*inverse)+0.5)))
		}
	}
}

// products computes the products of t.part with the centroids of subspace m, and returns
// the least and the greatest.
func (t *tables) products(c *codec, m int) (lo, hi float32) {
	values, word := (*[words]float32)(t.values[m*words:]), c.words(m)
	if c.sub == 1 { // centroids ascend
		x := t.part[0]
		for i, w := range (*[words]float32)(word) {
			values[i] = x * w
		}
		return min(values[0], values[words-1]), max(values[0], values[words-1])
	}
	simd.DotBatch(values[:], t.part, word, c.sub)
	lo, hi = values[0], values[0]
	for _, v := range values {
		lo, hi = min(lo, v), max(hi, v)
	}
	return lo, hi
}

// scanPQ is scan for PQ.
func (r *search) scanPQ(l *list, id uint32, bound float64) {
	if len(r.state.codec.book) == 0 {
		for slot := range l.rows {
			r.consider(l, uint32(slot), math.Inf(-1), math.Inf(1))
		}
		r.scanned += len(l.rows)
		return
	}
	t := &r.tables
	dot := float64(r.order.dots[id])
	pairs := len(t.entries) / 32
	at := 0
	scale, base := t.step, dot+t.offset // score = |x| (base + scale sum)
	if r.ix.l2() {
		scale, base = 2*t.step, 2*t.offset-dot // score = base + scale sum - bias
	}
	for i := range l.segments {
		g := &l.segments[i]
		end := int(g.End)
		if !r.ix.l2() && bound*float64(g.Norm)+r.tiny < float64(r.found.floor) {
			at = end
			continue
		}
		for at < end {
			n := min(end-at, scanRows)
			blocks := (n + blockRows - 1) / blockRows
			from := at / blockRows * blockRows * pairs
			simd.LookupAtLeast(t.sums[:], t.kept[:blocks], t.entries, l.codes[from:from+blocks*blockRows*pairs],
				leastSum((r.floorPQ(g)-base)/scale))
			for b, set := range t.kept[:blocks] {
				if left := n - b*blockRows; left < blockRows {
					set &= 1<<left - 1
				}
				for ; set != 0; set &= set - 1 {
					slot := b*blockRows + bits.TrailingZeros64(set)
					v := base + scale*float64(t.sums[slot])
					if r.ix.l2() {
						v -= float64(l.biases[at+slot])
					} else if l.biases != nil {
						v *= float64(l.biases[at+slot])
					}
					if v < float64(r.found.floor) {
						continue
					}
					r.consider(l, uint32(at+slot), v, v)
				}
			}
			r.scanned += n
			at += n
		}
	}
}

// floorPQ returns what base + scale sum must reach for a score that counts, in a segment.
func (r *search) floorPQ(g *segment) float64 {
	floor := float64(r.found.floor)
	switch {
	case r.ix.l2():
		return floor + float64(g.Error)
	case !r.state.codec.biased():
		return floor
	case floor > 0:
		return floor / float64(g.Norm)
	}
	return math.Inf(-1) // vectors may be as short as can be
}

// leastSum returns the least sum that is not below x; a NaN is below everything.
func leastSum(x float64) uint16 {
	switch {
	case !(x > 0):
		return 0
	case x >= math.MaxUint16:
		return math.MaxUint16
	}
	return uint16(math.Ceil(x))
}
