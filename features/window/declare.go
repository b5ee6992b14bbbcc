package window

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/recsyskit/recsys"
)

// Func is what an [Aggregate] computes.
type Func uint8

// The functions. "Events" are those of the window whose kind is in Aggregate.Kinds.
const (
	// Count is the number of events; exact.
	Count Func = iota
	// Sum is the sum of their values.
	Sum
	// Mean is the mean of their values; missing of none.
	Mean
	// Rate is the number of events divided by the number of those whose kind is in
	// Aggregate.Of; missing where that is 0. It has no prior: of one impression it is 0 or 1. For a smoothed
	// rate declare two Counts, and an encoder.Rate of both.
	Rate
	// Min is the smallest value; missing of no event. Reading it looks at every granule of the window.
	Min
	// Max is the largest value; missing of no event. Reading it looks at every granule of the window.
	Max
	// LastK lists the IDs of the last K events, newest first; of the same time, the smaller
	// ID first.
	LastK
	// Distinct is the number of different IDs, estimated by HyperLogLog. Its relative
	// standard error is 1.04/√(2^Precision).
	Distinct
	// Decay is the number of events, each weighing 2^(-age/half-life). It has no window.
	Decay
	// DecaySum is the sum of their values, weighed so.
	DecaySum
	funcs
)

var funcNames = [...]string{"Count", "Sum", "Mean", "Rate", "Min", "Max", "LastK", "Distinct", "Decay", "DecaySum"}

// String returns the function's name.
func (f Func) String() string {
	if f < funcs {
		return funcNames[f]
	}
	return fmt.Sprintf("Func(%d)", uint8(f))
}

// decays reports whether f has half-lives in place of windows.
func (f Func) decays() bool { return f == Decay || f == DecaySum }

// Aggregate declares one or several columns: a function over windows.
//
// The columns are called NAME.WINDOW, as in "clicks.1h" and "clicks.7d", one for each
// of Windows or HalfLives. LastK has the ID columns NAME.1 to NAME.K and, with
// Ages, the Float columns NAME.age.1 to NAME.age.K.
type Aggregate struct {
	// Name starts the columns' names; required.
	Name string

	// Func is what is computed. The default is Count.
	Func Func

	// Kinds lists the events that count; empty means all of them. Of a Rate it is the numerator.
	Kinds []recsys.EventKind

	// Of lists the kinds of the denominator of a Rate, which needs it.
	Of []recsys.EventKind

	// Windows are the lengths W of the windows, each a positive multiple of the
	// granularity, at most MaxGranules of them; one for LastK. All functions but the decays need one.
	Windows []time.Duration

	// Granularity is the step on which the windows move. The default is Config.Granularity.
	Granularity time.Duration

	// HalfLives are those of Decay and DecaySum, which need one, from 1 ms to 366 days.
	HalfLives []time.Duration

	// K is the length of LastK's list, 1 to 64. The default is 8.
	K int

	// Unique lists each ID of LastK once, at its latest time. By default doubles stay.
	Unique bool

	// Ages adds columns with the seconds from each of LastK's events to Now; missing where there is none.
	Ages bool

	// Precision is the number of bits of a hash that choose the register of Distinct, 4 to
	// 14. The default is 10: 1024 registers, a standard error of 3.2 %.
	Precision int
}

// Config is what an [Aggregator] is made of. All but Aggregates has a default.
type Config struct {
	// Aggregates are the columns; required. Names of columns are unique.
	Aggregates []Aggregate

	// Granularity is the g of the aggregates that name none. The default is 1 minute.
	Granularity time.Duration

	// Lateness is how much earlier than the newest event seen, of whatever key, an event
	// may be. The default 0 takes no event that is earlier, only those of the same time.
	Lateness time.Duration

	// Future is how much later than its arrival an event may say that it happened: clocks
	// differ. One event with a wrong clock would otherwise make all others late. Events
	// without an Arrival are not checked. The default is 1 minute.
	Future time.Duration

	// MaxKeys is how many keys there may be, in multiples of 16 and at least 16. A new key
	// beyond them takes the place of the one of a sample that has been idle for longest; it
	// is counted, and its row is not handed out by Rows. The default 0 is no limit: then memory grows with the keys of one
	// horizon; see [Aggregator.Horizon].
	MaxKeys int

	// Changes keeps what [Aggregator.Rows] needs: a key is forgotten only after its last
	// row, whose windows are empty, was handed out.
	Changes bool
}

// MaxGranules is the largest number of granules in a window.
const MaxGranules = 1 << 16

const (
	defaultGranularity = time.Minute
	defaultFuture      = time.Minute
	defaultK           = 8
	maxK               = 64
	defaultPrecision   = 10
	minPrecision       = 4
	maxPrecision       = 14
	minHalfLife        = time.Millisecond
	maxHalfLife        = 366 * 24 * time.Hour
	maxWindow          = 40 * 365 * 24 * time.Hour
	maxKeys            = 1 << 31
)

// fill returns c with the defaults filled in, in memory of its own, and every mistake.
func (c Config) fill() (Config, error) {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("window: Config."+format, args...)) }
	if len(c.Aggregates) == 0 {
		bad("Aggregates is empty; want at least one")
	}
	if c.Granularity < 0 {
		bad("Granularity is %v; want > 0 (0 means %v)", c.Granularity, defaultGranularity)
	}
	if c.Lateness < 0 || c.Lateness > maxWindow {
		bad("Lateness is %v; want 0 to %v", c.Lateness, maxWindow)
	}
	if c.Future < 0 || c.Future > maxWindow {
		bad("Future is %v; want 0 to %v (0 means %v)", c.Future, maxWindow, defaultFuture)
	}
	if c.MaxKeys < 0 || uint64(c.MaxKeys) > maxKeys {
		bad("MaxKeys is %d; want 0 to %d (0 means no limit)", c.MaxKeys, uint64(maxKeys))
	}
	c.Granularity = or(c.Granularity, defaultGranularity)
	c.Future = or(c.Future, defaultFuture)
	c.Aggregates = append([]Aggregate(nil), c.Aggregates...)
	names := map[string]int{}
	for i := range c.Aggregates {
		a := &c.Aggregates[i]
		errs = append(errs, a.fill(i, c.Granularity))
		for _, col := range a.columns() {
			if first, ok := names[col.Name]; ok {
				bad("Aggregates[%d]: column %q is also that of Aggregates[%d]", i, col.Name, first)
			}
			names[col.Name] = i
		}
	}
	return c, errors.Join(errs...)
}

func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// fill fills in the defaults of aggregate i and returns its mistakes.
func (a *Aggregate) fill(i int, granularity time.Duration) error {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("window: Config.Aggregates[%d] %q: %s", i, a.Name, fmt.Sprintf(format, args...)))
	}
	a.Granularity = or(a.Granularity, granularity)
	a.Windows = append([]time.Duration(nil), a.Windows...)
	a.HalfLives = append([]time.Duration(nil), a.HalfLives...)
	a.Kinds = append([]recsys.EventKind(nil), a.Kinds...)
	a.Of = append([]recsys.EventKind(nil), a.Of...)
	if a.Name == "" {
		bad("Name is empty")
	}
	if a.Func >= funcs {
		bad("Func is %d; want Count to DecaySum", a.Func)
	}
	if a.Granularity < 0 {
		bad("Granularity is %v; want > 0 (0 means Config.Granularity)", a.Granularity)
	}
	if (a.Func == Rate) != (len(a.Of) > 0) {
		bad("Of has %d kinds; a Rate needs one, and no other function has any", len(a.Of))
	}
	a.fillSpans(bad)
	a.fillOptions(bad)
	return errors.Join(errs...)
}

// fillSpans checks windows and half-lives.
func (a *Aggregate) fillSpans(bad func(format string, args ...any)) {
	spans, none := len(a.Windows), len(a.HalfLives)
	if a.Func.decays() {
		spans, none = none, spans
	}
	switch {
	case spans == 0 && a.Func.decays():
		bad("HalfLives is empty; want at least one")
	case spans == 0:
		bad("Windows is empty; want at least one")
	case none > 0 && a.Func.decays():
		bad("Windows has %d entries; a decay has HalfLives", none)
	case none > 0:
		bad("HalfLives has %d entries; only decays have them", none)
	case spans > 1 && a.Func == LastK:
		bad("Windows has %d entries; want one for LastK", spans)
	}
	for _, w := range a.Windows {
		switch g := a.Granularity; {
		case w <= 0 || w > maxWindow:
			bad("window %v; want > 0 and at most %v", w, maxWindow)
		case g > 0 && w%g != 0:
			bad("window %v is no multiple of the granularity %v", w, g)
		case g > 0 && w/g > MaxGranules:
			bad("window %v has %d granules of %v; want at most %d", w, w/g, g, MaxGranules)
		}
	}
	for _, h := range a.HalfLives {
		if h < minHalfLife || h > maxHalfLife {
			bad("half-life %v; want %v to %v", h, minHalfLife, maxHalfLife)
		}
	}
}

// fillOptions checks what belongs to single functions.
func (a *Aggregate) fillOptions(bad func(format string, args ...any)) {
	if a.Func == LastK {
		if a.K < 0 || a.K > maxK {
			bad("K is %d; want 1 to %d (0 means %d)", a.K, maxK, defaultK)
			a.K = 1
		}
		a.K = or(a.K, defaultK)
	} else if a.K != 0 || a.Unique || a.Ages {
		bad("K, Unique and Ages belong to LastK, not to %v", a.Func)
	}
	if a.Func == Distinct {
		a.Precision = or(a.Precision, defaultPrecision)
		if a.Precision < minPrecision || a.Precision > maxPrecision {
			bad("Precision is %d; want %d to %d (0 means %d)", a.Precision, minPrecision, maxPrecision, defaultPrecision)
		}
	} else if a.Precision != 0 {
		bad("Precision belongs to Distinct, not to %v", a.Func)
	}
}

// columns returns the columns of a, which has its defaults.
func (a *Aggregate) columns() []recsys.Column {
	var out []recsys.Column
	if a.Func == LastK {
		for k := range a.K {
			out = append(out, recsys.Column{Name: a.Name + "." + strconv.Itoa(k+1), Kind: recsys.ID})
		}
		for k := range a.K {
			if a.Ages {
				out = append(out, recsys.Column{Name: a.Name + ".age." + strconv.Itoa(k+1)})
			}
		}
		return out
	}
	spans := a.Windows
	if a.Func.decays() {
		spans = a.HalfLives
	}
	for _, s := range spans {
		c := recsys.Column{Name: a.Name + "." + Span(s)}
		switch a.Func {
		case Count, Sum, Distinct, Decay, DecaySum:
			c.Default = new(float32) // of a key that nothing happened to there are 0
		}
		out = append(out, c)
	}
	return out
}

// Span returns a duration as names of columns have it: in the largest unit of which
// it is a multiple, "45s", "5m", "1h", "24h", and in days from two of them, "7d".
func Span(d time.Duration) string {
	const day = 24 * time.Hour
	for _, u := range [...]struct {
		unit time.Duration
		name string
	}{{day, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}, {time.Millisecond, "ms"}} {
		if d != 0 && d%u.unit == 0 && (u.unit != day || d >= 2*day) {
			return strconv.FormatInt(int64(d/u.unit), 10) + u.name
		}
	}
	return d.String()
}
