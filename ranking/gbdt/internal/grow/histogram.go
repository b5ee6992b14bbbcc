package grow

import (
	"math"
	"unsafe"

	"github.com/recsyskit/recsys/internal/simd"
)

const binsPerColumn = simd.HistogramBins

// histogramBytes is the default of Config.HistogramBytes.
const histogramBytes = 1 << 30

// pool keeps the memory of histograms.
type pool struct {
	c     *columns
	free  [][]int64
	limit int // histograms
	out   int
}

func (p *pool) init(c *columns, bytes int64, leaves int) {
	if bytes == 0 {
		bytes = histogramBytes
	}
	p.c = c
	size := int64(c.sums) * int64(unsafe.Sizeof(int64(0)))
	p.limit = int(min(int64(leaves)+1, bytes/max(size, 1)))
	p.limit = max(p.limit, 3)
}

// take returns a histogram. Beyond the limit it is that of the leaf with the least to gain, which
// will have to be summed again; those of the leaves in keep stay.
func (p *pool) take(leaves []leaf, keep ...int) []int64 {
	if n := len(p.free); n > 0 {
		h := p.free[n-1]
		p.free = p.free[:n-1]
		return h
	}
	if p.out >= p.limit {
		if h := rob(leaves, keep); h != nil {
			return h
		}
	}
	p.out++
	return make([]int64, p.c.sums)
}

// rob takes the histogram from the leaf with the least to gain, the first of equals.
func rob(leaves []leaf, keep []int) (h []int64) {
	least, from := math.Inf(1), -1
search:
	for i := range leaves {
		if leaves[i].hist == nil || leaves[i].best.gain >= least {
			continue
		}
		for _, k := range keep {
			if i == k {
				continue search
			}
		}
		least, from = leaves[i].best.gain, i
	}
	if from >= 0 {
		h, leaves[from].hist = leaves[from].hist, nil
	}
	return h
}

// give takes a histogram back.
func (p *pool) give(h *[]int64) {
	if *h != nil {
		p.free = append(p.free, *h)
		*h = nil
	}
}

func (p *pool) takeBack(leaves []leaf) {
	for i := range leaves {
		p.give(&leaves[i].hist)
	}
}

// shardRows is from how many rows for each worker on rows are shared out, each worker with sums
// of its own; wordSums is from how many additions on columns are.
const (
	shardRows = 1 << 13
	wordSums  = 1 << 16
	ctxRows   = 1 << 15 // between looks at ctx
)

// sum sums the packed numbers of the rows by bin.
func (g *Grower) sum(h []int64, rows []int32) {
	g.sumOf(h, rows, g.packed)
}

func (g *Grower) sumOf(h []int64, rows []int32, values []int64) {
	j := &g.jobs
	j.hist, j.rows, j.values = h, rows, values
	workers := g.cfg.Workers
	switch {
	case workers > 1 && len(rows) >= workers*shardRows:
		j.shards = workers
		for len(j.shard) < workers-1 {
			j.shard = append(j.shard, make([]int64, g.columns.sums))
		}
		g.crew.run(workers, j.sumShard)
		g.crew.run(len(g.columns.active), j.addShards)
	case workers > 1 && len(rows)*len(g.columns.active) >= wordSums:
		g.clear(h)
		g.crew.run(len(g.columns.runs), j.sumRun)
	default:
		g.clear(h)
		for i := range g.columns.runs {
			g.sumRun(h, &g.columns.runs[i], rows, values)
		}
	}
}

func (g *Grower) sumRun(h []int64, r *run, rows []int32, values []int64) {
	for len(rows) > 0 && g.ctx.Err() == nil {
		n := min(len(rows), ctxRows)
		simd.Histogram(h[r.sums:], r.block.Data[r.at:], r.block.Stride, r.columns, rows[:n], values)
		rows = rows[n:]
	}
}

// clear zeroes the bins of the columns that are in use.
func (g *Grower) clear(h []int64) {
	for _, c := range g.columns.active {
		clear(h[int(c)*binsPerColumn:][:g.columns.bins[c]])
	}
}

// subtract takes b off a.
func (g *Grower) subtract(a, b []int64) {
	for _, c := range g.columns.active {
		n := g.columns.bins[c]
		x, y := a[int(c)*binsPerColumn:][:n], b[int(c)*binsPerColumn:][:n]
		for i, v := range y {
			x[i] -= v
		}
	}
}

// jobs are the parts of work for the crew, bound once so that none is allocated again, and what
// they work on.
type jobs struct {
	measure, pack, sumShard, addShards, sumRun, leafSum, assign func(int)

	hist   []int64
	rows   []int32
	values []int64
	shards int
	shard  [][]int64 // sums of the workers but the first
}

func (j *jobs) bind(g *Grower) {
	j.measure = func(k int) {
		p := &g.portions[k]
		p.a, p.h = magnitudes(g.grad, g.hess, part(g.rows, k))
	}
	j.pack = func(k int) {
		g.portions[k].packed = pack(g.packed, g.grad, g.hess, part(g.rows, k), g.gradUnit, g.hessUnit, g.search.seed)
	}
	j.sumShard = func(k int) {
		h := j.hist
		if k > 0 {
			h = j.shard[k-1]
		}
		g.clear(h)
		n := len(j.rows)
		rows := j.rows[k*n/j.shards : (k+1)*n/j.shards]
		for i := range g.columns.runs {
			g.sumRun(h, &g.columns.runs[i], rows, j.values)
		}
	}
	j.addShards = func(k int) {
		c := g.columns.active[k]
		x := j.hist[int(c)*binsPerColumn:][:g.columns.bins[c]]
		for _, s := range j.shard[:j.shards-1] {
			for i, v := range s[int(c)*binsPerColumn:][:len(x)] {
				x[i] += v
			}
		}
	}
	j.sumRun = func(k int) { g.sumRun(j.hist, &g.columns.runs[k], j.rows, j.values) }
	j.leafSum = func(k int) { g.leafSum(&g.leaves[k]) }
}
