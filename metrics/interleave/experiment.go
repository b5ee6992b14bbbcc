package interleave

import "math"

// Experiment adds up the credits of many lists. Those of one unit, usually the user, are added up first, since they
// are not independent. The zero value is ready; it is not safe for concurrent use. Its memory grows with the number of units.
type Experiment struct {
	at          map[uint64]int
	units       []unit
	impressions int
}

// unit is what one unit has given so far.
type unit struct {
	sum   Credit
	share float64 // Σ of Credit.Share
	lists int     // with clicks
}

// Add adds the credit of one list. Credit that is negative or not finite is a [*ClickError], and nothing is added.
func (e *Experiment) Add(unitID uint64, c Credit) error {
	if !(c.A >= 0 && c.B >= 0) || math.IsInf(c.A+c.B, 0) {
		return &ClickError{-1, "the credit is negative or not finite"}
	}
	i, ok := e.at[unitID]
	if !ok {
		if e.at == nil {
			e.at = map[uint64]int{}
		}
		i = len(e.units)
		e.at[unitID], e.units = i, append(e.units, unit{})
	}
	e.impressions++
	u := &e.units[i]
	u.sum.A += c.A
	u.sum.B += c.B
	if u.share += c.Share(); c.A+c.B > 0 {
		u.lists++
	}
	return nil
}

// Result is what an [Experiment] has found so far. Units without clicks say nothing and are in Units alone.
type Result struct {
	Impressions, Units int
	WinsA, WinsB, Ties int // units with clicks, by who has more of them
	// Lift is (WinsB + Ties/2) / (WinsA + WinsB + Ties) - 1/2, in [-1/2, 1/2]: how much more than half the
	// units prefer B (Δ_AB of Chapelle et al. 2012, equation 1, for B). NaN without clicks.
	Lift float64
	// SignP is the p-value of [SignTest] of the wins.
	SignP float64
	// Share is the mean over units with clicks of their mean [Credit.Share], with its test. It sees by how
	// much a unit prefers, and is as a rule the sharper one.
	Share Mean
}

// Result returns the state of the experiment. Looking at it again and again and stopping when a p-value is small makes it wrong
// more often than the p-value says: fix the number of units beforehand.
func (e *Experiment) Result() Result {
	r := Result{Impressions: e.impressions, Units: len(e.units)}
	var shares []float64
	for _, u := range e.units {
		if u.lists == 0 {
			continue
		}
		switch u.sum.Preference() {
		case -1:
			r.WinsA++
		case 1:
			r.WinsB++
		default:
			r.Ties++
		}
		shares = append(shares, u.share/float64(u.lists))
	}
	r.Lift = (float64(r.WinsB)+float64(r.Ties)/2)/float64(len(shares)) - 0.5
	r.SignP = SignTest(r.WinsA, r.WinsB)
	r.Share = TTest(shares)
	return r
}
