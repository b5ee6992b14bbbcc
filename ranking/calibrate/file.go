package calibrate

import (
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/internal/hash"
)

const (
	fileKind    = "calibrators"
	fileVersion = 1
)

// What can be wrong with a file; the errors of LoadHeads and ReadFrom wrap one of them.
var (
	ErrKind      = envelope.ErrKind      // not a file of calibrators
	ErrNewer     = envelope.ErrNewer     // written by a later version of this module
	ErrTruncated = envelope.ErrTruncated // the file ends too early
	ErrCorrupt   = envelope.ErrCorrupt   // a checksum does not hold, or the contents contradict each other
)

// Heads has the calibrators of a model's heads, by name. [FitHeads] makes one.
type Heads map[string]*Calibrator

// names returns the heads in order.
func (h Heads) names() []string {
	var names []string
	for name := range h {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Version returns a hash of the names and versions of all calibrators.
func (h Heads) Version() string {
	sum := uint64(len(h))
	for _, name := range h.names() {
		sum = hash.String(sum, name)
		if c := h[name]; c != nil {
			sum = hash.String(sum, c.version)
		}
	}
	return fmt.Sprintf("calibrators-%016x", sum)
}

// Save writes the calibrators to the file path, whole or not at all.
func (h Heads) Save(path string) error {
	err := envelope.Save(path, func(w io.Writer) error {
		_, err := h.WriteTo(w)
		return err
	})
	if err != nil {
		return fmt.Errorf("calibrate: %w", err)
	}
	return nil
}

// LoadHeads reads what [Heads.Save] wrote. Its error names the file and wraps
// ErrKind, ErrNewer, ErrTruncated or ErrCorrupt, or what the operating system reported.
func LoadHeads(path string) (Heads, error) {
	var h Heads
	err := envelope.Load(path, func(r io.Reader) error {
		_, err := h.ReadFrom(r)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("calibrate: %w", err)
	}
	return h, nil
}

// WriteTo writes the calibrators to w and returns the number of bytes. A nil calibrator is an error.
func (h Heads) WriteTo(w io.Writer) (int64, error) {
	names := h.names()
	var kinds []string
	var flags []uint8
	var par, x, y []float64
	var sizes []uint64
	for _, name := range names {
		c := h[name]
		if c == nil {
			return 0, fmt.Errorf("calibrate: head %q has no calibrator", name)
		}
		flag := uint8(0)
		if c.logOdds {
			flag = 1
		}
		kinds, flags, par = append(kinds, c.method.String()), append(flags, flag), append(par, c.par[:]...)
		x, y = append(x, c.x...), append(y, c.y...)
		sizes = append(sizes, uint64(len(c.x)), uint64(len(c.y)))
	}
	e := envelope.NewWriter(w, fileKind, fileVersion, 0)
	e.WriteStrings("heads", names)
	e.WriteStrings("methods", kinds)
	envelope.Write(e, "log_odds", flags)
	envelope.Write(e, "parameters", par)
	envelope.Write(e, "sizes", sizes)
	envelope.Write(e, "x", x)
	envelope.Write(e, "y", y)
	return e.Close()
}

// ReadFrom makes h what r holds, and returns the number of bytes read. On an error h
// stays as it was; the error wraps ErrKind, ErrNewer, ErrTruncated, ErrCorrupt or r's error.
func (h *Heads) ReadFrom(r io.Reader) (int64, error) {
	e := envelope.NewReader(r, fileKind, fileVersion)
	names, kinds := e.ReadStrings("heads"), e.ReadStrings("methods")
	flags := envelope.ReadN[uint8](e, "log_odds", len(names))
	par := envelope.ReadN[float64](e, "parameters", 3*len(names))
	sizes := envelope.ReadN[uint64](e, "sizes", 2*len(names))
	x, y := envelope.Read[float64](e, "x"), envelope.Read[float64](e, "y")
	in := Heads{}
	if e.Err() == nil && len(kinds) != len(names) {
		e.Fail(fmt.Sprintf("%d methods for %d heads", len(kinds), len(names)))
	}
	take := func(from *[]float64, n uint64) (values []float64) {
		if n > uint64(len(*from)) {
			e.Fail("more values of calibrators than there are")
			return nil
		}
		values, *from = (*from)[:n:n], (*from)[n:]
		return values
	}
	for i := 0; e.Err() == nil && i < len(names); i++ {
		c := &Calibrator{logOdds: flags[i] == 1, par: [3]float64(par[3*i : 3*i+3])}
		c.x, c.y = take(&x, sizes[2*i]), take(&y, sizes[2*i+1])
		m, err := ParseMethod(kinds[i])
		c.method = m
		switch {
		case e.Err() != nil:
		case err != nil:
			e.Fail(err.Error())
		case in[names[i]] != nil || i > 0 && names[i] < names[i-1] || flags[i] > 1:
			e.Fail(fmt.Sprintf("head %q is out of order, doubled or of an unknown form", names[i]))
		default:
			if why := c.wrong(); why != "" {
				e.Fail(fmt.Sprintf("head %q: %s", names[i], why))
			}
		}
		in[names[i]] = c.finish()
	}
	if e.Err() == nil && len(x)+len(y) > 0 {
		e.Fail("values of no calibrator")
	}
	n, err := e.Close()
	if err != nil {
		return n, fmt.Errorf("calibrators: %w", err)
	}
	*h = in
	return n, nil
}

// wrong returns what a calibrator of its method cannot be, or "".
func (c *Calibrator) wrong() string {
	knots := c.method == Isotonic || c.method == Histogram
	zeros := 3 // trailing parameters that are not there
	switch c.method {
	case Platt:
		zeros = 1
	case Temperature:
		zeros = 2
	case Beta:
		zeros = 0
	}
	for j, v := range c.par {
		slope := c.method == Temperature && j == 0 || c.method == Platt && j == 0 || c.method == Beta && j < 2
		if !finite.ok(v) || j >= 3-zeros && v != 0 || slope && v < 0 {
			return fmt.Sprintf("parameter %d is %v", j, v)
		}
	}
	if c.logOdds && c.method != Platt {
		return "log odds for another method than platt"
	}
	if !knots && len(c.x)+len(c.y) > 0 {
		return "knots for a method without"
	}
	if c.method == Isotonic && (len(c.x) == 0 || len(c.y) != len(c.x)) || c.method == Histogram && len(c.y) != len(c.x)+1 {
		return fmt.Sprintf("%d knots with %d values", len(c.x), len(c.y))
	}
	for k, v := range c.x {
		if !finite.ok(v) || math.Abs(v) > math.MaxFloat32 || k > 0 && v <= c.x[k-1] {
			return fmt.Sprintf("knot %d is %v", k, v)
		}
	}
	for k, v := range c.y {
		if !unit.ok(v) || c.method == Isotonic && k > 0 && v < c.y[k-1] {
			return fmt.Sprintf("value %d is %v", k, v)
		}
	}
	return ""
}
