package bandit

import (
	"io"

	"github.com/recsyskit/recsys"
)

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

// LoadTally reads what a tally has written, and writes it again.
func LoadTally(b []byte, decay float64, window int) ([]byte, error) {
	l := newTally(decay, window)
	d := decoder{b: b}
	if l.load(&d); d.err != nil {
		return nil, d.err
	}
	if len(d.b) > 0 {
		return nil, errTrailing
	}
	var e encoder
	l.save(&e)
	return e.b, nil
}

// SavedTally is a tally of a few outcomes.
func SavedTally(decay float64, window int) []byte {
	l := newTally(decay, window)
	for i := range 9 {
		l.add(&outcome{arm: uint64(i % 4), count: 1, reward: float64(i) / 8})
	}
	var e encoder
	l.save(&e)
	return e.b
}

// WriteChances writes p as if its first decision had had other chances.
func WriteChances(p *Policy, dst io.Writer, propensity float64, choices int32) error {
	d := &p.memory.ring[0]
	was, of := d.props[0], d.choices[0]
	d.props[0], d.choices[0] = propensity, choices
	_, err := p.WriteTo(dst)
	d.props[0], d.choices[0] = was, of
	return err
}
