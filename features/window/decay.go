package window

import (
	"math"

	"github.com/recsyskit/recsys/internal/fmath"
)

// A decaying sum is kept as of a mark, a whole number of half-lives: each event adds
// v·2^((t-mark)/h). Moving the mark multiplies by a power of two, which is exact, so that the
// sum never gathers the roundings of decaying it again and again: each event is
// rounded once, however many follow.
//
// Source: Cormode, Shkapenyuk, Srivastava and Xu, "Forward decay", ICDE 2009, section
// 3.1; the landmark of exponential decay is free, as its section 6 uses.

// Words of a decay.
const (
	decayMark  = 0 // in half-lives
	decaySum   = 1 // high, low
	decayWords = 3
)

// decayReach is after how many half-lives without an event a decaying sum is 0.
const decayReach = 64

func (d *decay) reset(rec []uint64) {
	mark := int64(never)
	rec[d.at], rec[d.at+1], rec[d.at+2] = uint64(mark), 0, 0
}

// growth returns 2^(r/h), r in [0, h).
func growth(r, h int64) float64 {
	return fmath.Exp(float64(float64(r) / float64(h) * math.Ln2))
}

// add counts an event.
func (d *decay) add(rec []uint64, e *Event) {
	st := rec[d.at:]
	q := floorDiv(e.Time, d.half)
	v := growth(e.Time-q*d.half, d.half)
	if d.value {
		v = float64(v * float64(e.Value))
	}
	mark := int64(st[decayMark])
	switch {
	case mark == never:
		st[decayMark] = uint64(q)
	case q > mark:
		high, low := sumAt(st[decaySum:])
		st[decaySum] = math.Float64bits(shrink(high, q-mark))
		st[decaySum+1] = math.Float64bits(shrink(low, q-mark))
		st[decayMark] = uint64(q)
	case q < mark:
		v = shrink(v, mark-q)
	}
	addTo(st[decaySum:], v, 0)
}

// shrink returns x·2^-n.
func shrink(x float64, n int64) float64 { return math.Ldexp(x, -int(min(n, 4096))) }

// read returns the sum at now, which is not before the newest event.
func (d *decay) read(rec []uint64, now int64) float64 {
	st := rec[d.at:]
	mark := int64(st[decayMark])
	q := floorDiv(now, d.half)
	if mark == never || q-mark > decayReach {
		return 0
	}
	high, _ := sumAt(st[decaySum:])
	return shrink(high/growth(now-q*d.half, d.half), q-mark)
}
