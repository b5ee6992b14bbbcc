package encoder

import (
	"fmt"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/fmath"
)

// Period is what a [Cyclic] goes around in.
type Period uint8

// The periods.
const (
	// Day goes around in 24 hours, by the time of day to the nanosecond.
	Day Period = iota
	// Week goes around in seven days, by whole days; Monday is 0.
	Week
	// Year goes around in 365 or 366 days, by whole days; January 1st is 0.
	Year
)

var periodNames = [...]string{Day: "day", Week: "week", Year: "year"}

// String returns "day", "week" or "year".
func (p Period) String() string {
	if int(p) < len(periodNames) {
		return periodNames[p]
	}
	return fmt.Sprintf("Period(%d)", uint8(p))
}

// Cyclic writes where a time stands in its day, week or year, as a point on the circle, so that 23:59 is close to
// 0:00 and Sunday to Monday. It writes two Float columns, NAME.sin and NAME.cos. With the names "hour" and "weekday" these are the columns of
// features.RequestTime, with the same values.
//
// Without From it reads the time of the row: [recsys.Query].Now at serving, [Rows].Time offline. With one
// ID column it reads a time since 1970 from there, a negative one as its two's complement. A missing ID is 0, the start of 1970. A time that is unknown, or
// cannot be told in 64 bits of nanoseconds (before 1678, after 2261), gives NaN twice and is counted.
type Cyclic struct {
	// Period is [Day], [Week] or [Year].
	Period Period `json:"period"`
	// Offset is added to UTC, east is positive; within 14 hours. It is fixed: a replay in another zone must give the same numbers.
	Offset time.Duration `json:"offset"`
	// Unit is what an ID column counts, > 0; 0 means seconds. Without From it has no meaning.
	Unit time.Duration `json:"unit"`
}

func (e Cyclic) kind() string { return "cyclic" }

func (e Cyclic) plan(name string, in []recsys.Column) ([]recsys.Column, error) {
	switch {
	case e.Period > Year:
		return nil, fmt.Errorf("field Period is %d; want Day, Week or Year", e.Period)
	case e.Offset < -14*time.Hour || e.Offset > 14*time.Hour:
		return nil, fmt.Errorf("field Offset is %v; want -14h to 14h", e.Offset)
	case e.Unit < 0:
		return nil, fmt.Errorf("field Unit is %v; want > 0, or 0 for a second", e.Unit)
	case len(in) > 0:
		if err := wantKinds(in, recsys.ID); err != nil {
			return nil, err
		}
	}
	return []recsys.Column{{Name: name + ".sin"}, {Name: name + ".cos"}}, nil
}

func (e Cyclic) fitter([]recsys.Column, *FitConfig) fitter { return nil }

func (e Cyclic) kernel([]recsys.Column) kernel {
	if e.Unit == 0 {
		e.Unit = time.Second
	}
	return cyclicKernel{e}
}

func (e Cyclic) sum(h *fingerprint) {
	h.num(uint64(e.Period)).num(uint64(e.Offset)).num(uint64(e.Unit))
}

type cyclicKernel struct{ Cyclic }

func (k cyclicKernel) run(n int, in, out []lane, t *Counts) {
	a, sin, cos := &in[0], &out[0], &out[1]
	for i := range n {
		ns, ok := int64(noTime), false
		if a.t != nil {
			ns = a.t[i*a.stride]
			ok = firstDay*dayNanos <= ns && ns < lastDay*dayNanos // as nanoseconds has it, so that both sides do the same
		} else {
			ns, ok = scaleTime(int64(a.u[i*a.stride]), int64(k.Unit))
		}
		s, c := nan32, nan32
		if ok {
			x, y := fmath.Turn(k.part(ns))
			s, c = float32(x), float32(y)
		} else {
			t.NaN++
		}
		sin.f[i*sin.stride], cos.f[i*cos.stride] = s, c
	}
}

// The days of a query's Now that nanoseconds tell, from 1970 on: from the start of 1678 to that of 2262.
const (
	firstDay = -106650
	lastDay  = 106651
	dayNanos = int64(24 * time.Hour)
)

// scaleTime returns v units as nanoseconds, and whether they can be told in them.
func scaleTime(v, unit int64) (int64, bool) {
	ns := v * unit
	return ns, ns/unit == v && ns != noTime
}

// part returns which part of the period has gone by.
func (k *cyclicKernel) part(ns int64) float64 {
	const day = dayNanos
	days, since := floorDiv(ns, day)
	if since += int64(k.Offset); since < 0 { // apart, since the sum of all may overflow
		days, since = days-1, since+day
	} else if since >= day {
		days, since = days+1, since-day
	}
	switch k.Period {
	case Day:
		return float64(since) / float64(day)
	case Week:
		_, weekday := floorDiv(days+3, 7) // 1970 began on a Thursday
		return float64(weekday) / 7
	}
	t := time.Unix(days*86400, 0).UTC()
	length := 365.0
	if y := t.Year(); y%4 == 0 && (y%100 != 0 || y%400 == 0) {
		length = 366
	}
	return float64(t.YearDay()-1) / length
}

// floorDiv returns a/b, rounded down, and the rest, which is not negative.
func floorDiv(a, b int64) (quotient, rest int64) {
	quotient, rest = a/b, a%b
	if rest < 0 {
		quotient, rest = quotient-1, rest+b
	}
	return quotient, rest
}

// nanoseconds returns t as Unix nanoseconds, noTime for the zero time and what they cannot tell.
func nanoseconds(t time.Time) int64 {
	if y := t.Year(); y < 1678 || y > 2261 {
		return noTime
	}
	return t.UnixNano()
}
