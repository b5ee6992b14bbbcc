package grow

// Pack and Units are pack and units.
var (
	Pack  = pack
	Units = units
)

// Split returns the two numbers of a packed one.
func Split(p int64) (grad, hess int64) { return gradOf(p), hessOf(p) }

// Counted tells whether rows had to be counted so far.
func (g *Grower) Counted() bool { return len(g.ones) > 0 }

// Held returns how many bytes the grower holds for rows and histograms.
func (g *Grower) Held() int64 {
	n := 8*(cap(g.packed)+cap(g.ones)) + 4*(cap(g.rows)+cap(g.spare))
	for _, h := range append(append([][]int64{}, g.pool.free...), g.jobs.shard...) {
		n += 8 * cap(h)
	}
	for i := range g.leaves {
		n += 8 * cap(g.leaves[i].hist)
	}
	return int64(n)
}
