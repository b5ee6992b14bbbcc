package quad

import (
	"math"

	"github.com/recsyskit/recsys/internal/fmath"
)

// arm is one distribution, as a density of y. For a normal arm y is the value, for a Beta arm
// the logarithm of its odds.
type arm struct {
	lo, hi float64 // where the density is exp(-tail) of its highest
	mode   float64
	height float64 // the density there

	sigma float64 // of a normal arm, else 0

	a, b       float64 // parameters of a Beta arm
	sd         float64 // of the normal density of the same curvature at the mode
	x, other   float64 // its mean a/(a+b), which is the mode, and 1 less that
	lx, lother float64 // ln x, ln other
	logs       float64 // a·lx + b·lother
}

// Densities of Beta arms of a+b above few are computed from the difference to the mean: there
// the sum of the two logarithms cancels too many digits.
const few = 4096

// finest is the smallest standard deviation of a normal arm, as a part of its mean: panels are twice as wide, and
// must be wide beside the distance of two neighbouring floats.
const finest = 1e-13

func (a *arm) normal(mu, sigma float64) {
	sigma = max(sigma, finest*math.Abs(mu), 1e-300)
	reach := float64(sigma * math.Sqrt(2*tail))
	*a = arm{mode: mu, sigma: sigma, lo: mu - reach, hi: mu + reach, height: 1 / (sigma * math.Sqrt(2*math.Pi))}
}

// Beyond these, parameters of a Beta arm change no probability that floats can tell.
const (
	least = 1e-100
	most  = 1e18
)

func (a *arm) beta(alpha, beta float64) {
	if m := max(alpha, beta); m > most {
		alpha, beta = alpha*(most/m), beta*(most/m)
	}
	alpha, beta = max(alpha, least), max(beta, least)
	n := alpha + beta
	*a = arm{a: alpha, b: beta, x: alpha / n, other: beta / n, mode: fmath.Log(alpha / beta)}
	// Γ(n) x^α (1-x)^β / (Γ(α)Γ(β)) at the mean, by what Stirling's formula leaves of each Γ: no large numbers cancel.
	a.height = math.Sqrt(alpha*(beta/n)/(2*math.Pi)) * fmath.Exp(stirling(n)-stirling(alpha)-stirling(beta))
	a.lx, a.lother = fmath.Log(a.x), fmath.Log(a.other)
	a.logs = float64(alpha*a.lx) + float64(beta*a.lother)
	a.sd = math.Sqrt(1/alpha + 1/beta)
	a.lo = a.reach(a.mode - float64(a.sd*math.Sqrt(2*tail)))
	a.hi = a.reach(a.mode + float64(a.sd*math.Sqrt(2*tail)))
}

// reach returns where the fall of the density is tail, or a little more, on y's side of the mode. The fall is convex in y:
// Newton's steps stay beyond that place once they are there.
func (a *arm) reach(y float64) float64 {
	for range 100 {
		x, other := odds(y)
		fall := a.fall(x, other, y)
		if fall >= tail && fall < tail+1 {
			break
		}
		y -= (fall - tail - 0.25) / ((a.a + a.b) * a.difference(x, other))
	}
	return y
}

// fall returns ln(height/density) at y, of which x and other are the value and 1 less that.
func (a *arm) fall(x, other, y float64) float64 {
	if a.a+a.b <= few {
		return a.logs - float64(a.a*logistic(y)) - float64(a.b*logistic(-y))
	}
	return a.fallFar(x, other, logistic(y), logistic(-y))
}

// fallFar is fall for a+b > few; lx and lo are the logarithms of x and other.
func (a *arm) fallFar(x, other, lx, lo float64) float64 {
	d := a.difference(x, other)
	return -float64(a.a*logRatio(d/a.x, lx-a.lx)) - float64(a.b*logRatio(-d/a.other, lo-a.lother))
}

// logRatio returns ln(1+u), given a rough value of it.
func logRatio(u, rough float64) float64 {
	if u > -0.5 && u < 1 {
		return fmath.Log1p(u)
	}
	return rough // u has lost its digits, or is beyond them
}

// difference returns the value less its mean, from the smaller of the two forms.
func (a *arm) difference(x, other float64) float64 {
	if x < other {
		return x - a.x
	}
	return a.other - other
}

// odds returns the value whose log-odds are y, and 1 less the value, each to full precision.
func odds(y float64) (x, other float64) {
	e := fmath.Exp(-math.Abs(y))
	small, large := e/(1+e), 1/(1+e)
	if y < 0 {
		return small, large
	}
	return large, small
}

// logistic returns ln(1/(1+exp(-y))).
func logistic(y float64) float64 {
	if y < 0 {
		return y - fmath.Log1p(fmath.Exp(y))
	}
	return -fmath.Log1p(fmath.Exp(-y))
}

// step returns how wide a panel that ends at y may be, as far as this arm is concerned.
func (a *arm) step(y float64) float64 {
	if a.sigma > 0 {
		return 2 * a.sigma
	}
	// As a function of complex y the density is singular at ±iπ.
	w := 2 + float64(math.Abs(y)/2)
	// In the tails it falls as exp(a·y) and exp(-b·y).
	if y < a.mode {
		w = min(w, max(4/a.a, 2*a.sd))
	} else if y-w > a.mode {
		w = min(w, max(4/a.b, 2*a.sd))
	}
	// Elsewhere it falls like a normal density; the curvature is largest at 0.
	x, other := odds(min(y, max(y-w, 0)))
	return min(w, 2/math.Sqrt((a.a+a.b)*x*other))
}

// grid is the nodes of a panel, and what the densities at them share.
type grid struct {
	from                float64
	right               [nodes]float64 // of from
	y, x, other, lx, lo [nodes]float64
	odds                bool // x, other and their logarithms are there
}

func (g *grid) place(p panel) {
	width := (p.to - p.from) / 2
	g.from = p.from
	for i, x := range rule.x {
		g.right[i] = float64(width * (1 + x))
		g.y[i] = p.from + g.right[i]
	}
	g.odds = false
}

// ready fills in what Beta arms need.
func (g *grid) ready() {
	for i, y := range g.y {
		e := fmath.Exp(-math.Abs(y))
		small, large := e/(1+e), 1/(1+e)
		l := -fmath.Log1p(e)
		if y < 0 {
			g.x[i], g.other[i], g.lx[i], g.lo[i] = small, large, y+l, l
		} else {
			g.x[i], g.other[i], g.lx[i], g.lo[i] = large, small, l, l-y
		}
	}
	g.odds = true
}

// density writes the density at the nodes.
func (a *arm) density(f *[nodes]float64, g *grid) {
	if a.sigma > 0 {
		for i, d := range g.right {
			z := ((g.from - a.mode) + d) / a.sigma // exact also where y has few digits for a narrow arm
			f[i] = float64(a.height * fmath.Exp(-float64(z*z)/2))
		}
		return
	}
	if !g.odds {
		g.ready()
	}
	if a.a+a.b <= few {
		for i := range f {
			f[i] = float64(a.height * fmath.Exp(float64(a.a*g.lx[i])+float64(a.b*g.lo[i])-a.logs))
		}
		return
	}
	for i := range f {
		f[i] = float64(a.height * fmath.Exp(-a.fallFar(g.x[i], g.other[i], g.lx[i], g.lo[i])))
	}
}

// stirling returns what Stirling's formula leaves of ln Γ(z): ln Γ(z) - (z-1/2) ln z + z - ln(2π)/2, z > 0.
//
// Source: NIST Digital Library of Mathematical Functions, 5.11.1; below 10 by the recurrence 5.5.1.
func stirling(z float64) float64 {
	shift := 0.0
	for z < 10 {
		// stirling(z) - stirling(z+1) = (z+1/2) ln(1+1/z) - 1
		if z > 1e-3 {
			shift += float64((z+0.5)*fmath.Log1p(1/z)) - 1
		} else {
			shift += float64((z+0.5)*(fmath.Log1p(z)-fmath.Log(z))) - 1
		}
		z++
	}
	r := 1 / z
	r2 := float64(r * r)
	sum := -1.0 / 360360 * 691
	sum = float64(sum*r2) + 1.0/1188
	sum = float64(sum*r2) - 1.0/1680
	sum = float64(sum*r2) + 1.0/1260
	sum = float64(sum*r2) - 1.0/360
	sum = float64(sum*r2) + 1.0/12
	return shift + float64(sum*r)
}
