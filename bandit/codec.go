package bandit

import (
	"encoding/binary"
	"errors"
	"math"
)

// encoder appends what a learner knows to a list of bytes; decoder reads it back.
type encoder struct{ b []byte }

func (e *encoder) uint(x uint64)   { e.b = binary.LittleEndian.AppendUint64(e.b, x) }
func (e *encoder) float(x float64) { e.uint(math.Float64bits(x)) }

func (e *encoder) floats(x []float64) {
	e.uint(uint64(len(x)))
	for _, v := range x {
		e.float(v)
	}
}

var (
	errShort    = errors.New("the state is shorter than it says")
	errTrailing = errors.New("the state is longer than it says")
)

// decoder keeps its first error; what is read after it is 0.
type decoder struct {
	b   []byte
	err error
}

func (d *decoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
	d.b = nil
}

func (d *decoder) uint() uint64 {
	if len(d.b) < 8 {
		d.fail(errShort)
		return 0
	}
	x := binary.LittleEndian.Uint64(d.b)
	d.b = d.b[8:]
	return x
}

func (d *decoder) float() float64 { return math.Float64frombits(d.uint()) }

// length reads the length of a list of words, which must be there.
func (d *decoder) length() int {
	n := d.uint()
	if n > uint64(len(d.b)/8) {
		d.fail(errShort)
		return 0
	}
	return int(n)
}

func (d *decoder) floats() []float64 {
	x := make([]float64, d.length())
	for i := range x {
		x[i] = d.float()
	}
	return x
}

// finite reports whether all numbers are, as those of a learner must be.
func finite(lists ...[]float64) bool {
	for _, x := range lists {
		for _, v := range x {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return false
			}
		}
	}
	return true
}
