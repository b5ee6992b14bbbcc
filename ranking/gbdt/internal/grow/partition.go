package grow

// partition divides the rows of a leaf. With several workers each divides a part; the parts
// are put together in order, so that rows stay in theirs.
type partition struct {
	column   []uint8
	left     [256]uint8 // 1 for bins that go left
	from, to int
	parts    int
	lefts    []int // by part
	divide   func(int)
	join     func(int)
}

// divideRows is from how many rows for each worker on the work is shared.
const divideRows = 1 << 14

// sidesOf writes which bins the split sends left.
func (g *Grower) sidesOf(dst *[256]uint8, s *split) {
	f := &g.t.Features[g.t.Used[s.column]]
	clear(dst[:])
	if s.categorical {
		for b := range f.Categories {
			dst[b] = uint8(s.set[b/64] >> (b % 64) & 1)
		}
		return
	}
	for b := range s.bin + 1 {
		dst[b] = 1
	}
	if f.MissingBin >= 0 {
		dst[f.MissingBin] = 0
		if s.missingLeft {
			dst[f.MissingBin] = 1
		}
	}
}

// divide puts the rows of the leaf that go left before the others, each in their order, and
// returns where these begin.
func (g *Grower) divide(l *leaf) int {
	p := &g.part
	g.sidesOf(&p.left, &l.best)
	p.column = g.t.Columns[l.best.column]
	p.from, p.to = l.from, l.to
	if g.cfg.Workers < 2 || l.count() < g.cfg.Workers*divideRows {
		n := divide(g.rows[l.from:l.to], g.rows[l.from:l.to], g.spare, p.column, &p.left)
		copy(g.rows[l.from+n:l.to], g.spare[:l.count()-n])
		return l.from + n
	}
	return g.divideShared()
}

func (g *Grower) divideShared() int {
	p := &g.part
	p.parts = g.cfg.Workers
	if p.divide == nil {
		p.lefts = make([]int, p.parts)
		p.bind(g)
	}
	g.crew.run(p.parts, p.divide)
	total := 0
	for _, n := range p.lefts {
		total += n
	}
	g.crew.run(p.parts, p.join)
	copy(g.rows[p.from:p.to], g.spare[p.from:p.to])
	return p.from + total
}

// bounds returns the rows of part k.
func (p *partition) bounds(k int) (from, to int) {
	n := p.to - p.from
	return p.from + k*n/p.parts, p.from + (k+1)*n/p.parts
}

func (p *partition) bind(g *Grower) {
	p.divide = func(k int) {
		from, to := p.bounds(k)
		n := divide(g.rows[from:to], g.rows[from:to], g.spare[from:to], p.column, &p.left)
		copy(g.rows[from+n:to], g.spare[from:to-n])
		p.lefts[k] = n
	}
	p.join = func(k int) {
		from, to := p.bounds(k)
		lefts, rights, total := 0, 0, 0
		for i, n := range p.lefts {
			total += n
			if i < k {
				a, b := p.bounds(i)
				lefts += n
				rights += b - a - n
			}
		}
		n := p.lefts[k]
		copy(g.spare[p.from+lefts:], g.rows[from:from+n])
		copy(g.spare[p.from+total+rights:], g.rows[from+n:to])
	}
}

// divide appends the rows whose bin goes left to left, which may be rows itself, and the others to
// right, and returns how many there are on the left. It has no branch to be mispredicted.
func divide(rows, left, right []int32, column []uint8, side *[256]uint8) int {
	l, r := 0, 0
	for _, row := range rows {
		left[l] = row
		right[r] = row
		s := int(side[column[row]])
		l += s
		r += 1 - s
	}
	return l
}

// rejoin undoes a division of ascending rows.
func (g *Grower) rejoin(l *leaf, middle int) {
	a, b := g.rows[l.from:middle], g.rows[middle:l.to]
	out := g.spare[:0]
	for len(a) > 0 && len(b) > 0 {
		if a[0] < b[0] {
			out, a = append(out, a[0]), a[1:]
		} else {
			out, b = append(out, b[0]), b[1:]
		}
	}
	out = append(append(out, a...), b...)
	copy(g.rows[l.from:l.to], out)
}

// searchExactly looks for the best split of a leaf again, with its rows counted.
func (g *Grower) searchExactly(l *leaf, at int) {
	if len(g.ones) == 0 {
		g.ones = make([]int64, g.t.Rows)
		for i := range g.ones {
			g.ones[i] = 1
		}
	}
	rows := g.leafRows(l)
	if l.hist == nil {
		l.hist = g.pool.take(g.leaves, at)
		g.sum(l.hist, rows)
	}
	counts := g.pool.take(g.leaves, at)
	g.sumOf(counts, rows, g.ones)
	g.search.counts = counts
	g.search.find(l, at)
	g.search.counts = nil
	g.pool.give(&counts)
	g.letGo(l)
}
