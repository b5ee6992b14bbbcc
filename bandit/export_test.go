package bandit

import "github.com/recsyskit/recsys"

// Luce gives tests the inside of the choice rule.
type Luce struct{ l luce[float32] }

func (x *Luce) Open(utility []float32, window []int32, temperature float64) {
	x.l.open(utility, window, temperature)
}
func (x *Luce) Ready(admissible recsys.Bits) { x.l.ready(admissible) }
func (x *Luce) Draw(u float64) int32         { return x.l.draw(u) }
func (x *Luce) Propensity(row int32) float64 { return x.l.propensity(row) }
func (x *Luce) Total() float64               { return x.l.total }

var (
	Unit  = unit
	Below = below
	Nth   = nth
)
