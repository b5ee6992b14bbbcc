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
