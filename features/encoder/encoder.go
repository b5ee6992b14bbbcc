package encoder

import (
	"context"
	"math"

	"github.com/recsyskit/recsys"
)

// Encoder turns columns of a row into others. It is one of the types of this package: what a [Set] writes is saved,
// hashed, and the same offline as at serving, which only holds for encoders that the set knows. A computation of
// your own is a [recsys.FeatureSource] behind the set, or before it.
//
// An encoder is a plain struct. What it can learn from data stands in its exported fields; where those are nil or
// zero, [Set.Fit] sets them.
type Encoder interface {
	// kind names the type in files and hashes.
	kind() string
	// plan checks the parameters and the columns that are read, and returns those that are written.
	// The row's time is read when there are none.
	plan(name string, in []recsys.Column) ([]recsys.Column, error)
	// fitter returns what learns the parameters, nil when they are given.
	fitter(in []recsys.Column, cfg *FitConfig) fitter
	// kernel returns the computation; the encoder is planned and fitted.
	kernel(in []recsys.Column) kernel
	// sum adds all parameters to a hash.
	sum(h *fingerprint)
}

// kernel computes the columns of a step. It keeps no state and allocates nothing.
type kernel interface {
	run(n int, in, out []lane, t *Counts)
}

// fitter learns the parameters of an encoder from rows.
type fitter interface {
	observe(n int, in []lane)
	fit(ctx context.Context) (Encoder, error)
}

// lane is one column of some rows, where it lies: row i of a float is f[i*stride], of an ID u[i*stride], of a
// vector f[i*stride : i*stride+dim]. A stride of 0 repeats one value for all rows.
type lane struct {
	f      []float32
	u      []uint64
	t      []int64 // Unix nanoseconds, or noTime
	stride int
	dim    int // 1 unless a vector
}

// noTime stands for an unknown time.
const noTime = math.MinInt64

// from returns the lane from row i on.
func (l lane) from(i int) lane {
	at := i * l.stride
	switch {
	case l.f != nil:
		l.f = l.f[at:]
	case l.u != nil:
		l.u = l.u[at:]
	case l.t != nil:
		l.t = l.t[at:]
	}
	return l
}

// row returns the values of row i: one for a float.
func (l *lane) row(i int) []float32 {
	at := i * l.stride
	return l.f[at : at+l.dim : at+l.dim]
}

// Counts says how often an input of a step was out of the ordinary. Each count is of values: the components of a
// vector and the places of a list count one by one.
type Counts struct {
	Rows    uint64 // rows encoded
	NaN     uint64 // missing floats, times and weights
	Inf     uint64 // infinite floats
	Clipped uint64 // values beyond a bound of the encoder, and set to it
	Unknown uint64 // IDs that the encoder does not know
}

// nan32 is the one NaN that encoders write, so that rows can be compared bit by bit.
var nan32 = math.Float32frombits(0x7fc00000)

func isInf(x float32) bool { return x > math.MaxFloat32 || x < -math.MaxFloat32 }

// width returns the float32s of a column in a row: 0 for an ID.
func width(c *recsys.Column) int {
	switch c.Kind {
	case recsys.Float:
		return 1
	case recsys.Vector:
		return c.Dim
	}
	return 0
}
