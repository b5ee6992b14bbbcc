package encoder

import (
	"fmt"
	"math"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/fmath"
)

// Log1p takes the logarithm of counts, prices and durations, on both sides of zero:
//
//	sign(x) · log(1 + min(|x|, Max))
//
// It reads a Float or a Vector column and writes one like it. NaN stays NaN. A number beyond ±Max is clipped and
// counted, ±Inf too, so the result is finite: within ±88.73.
type Log1p struct {
	// Max is the largest magnitude, > 0; 0 means the largest float32.
	Max float64 `json:"max"`
}

func (e Log1p) kind() string { return "log1p" }

func (e Log1p) plan(name string, in []recsys.Column) ([]recsys.Column, error) {
	if !(e.Max >= 0 && e.Max <= math.MaxFloat32) {
		return nil, fmt.Errorf("field Max is %v; want a number > 0, or 0 for the largest float32", e.Max)
	}
	return planNumbers(name, in)
}

// planNumbers is the plan of what works number by number.
func planNumbers(name string, in []recsys.Column) ([]recsys.Column, error) {
	if len(in) != 1 {
		return nil, fmt.Errorf("reads %d columns; want 1 Float or Vector column", len(in))
	}
	if in[0].Kind == recsys.ID {
		return nil, wrongKind(&in[0], recsys.Float)
	}
	return []recsys.Column{{Name: name, Kind: in[0].Kind, Dim: in[0].Dim}}, nil
}

func (e Log1p) fitter([]recsys.Column, *FitConfig) fitter { return nil }

func (e Log1p) kernel([]recsys.Column) kernel {
	if e.Max == 0 {
		return logKernel{math.MaxFloat32}
	}
	return logKernel{e.Max}
}

func (e Log1p) sum(h *fingerprint) { h.real(e.Max) }

type logKernel struct{ max float64 }

func (k logKernel) run(n int, in, out []lane, t *Counts) {
	a, o := &in[0], &out[0]
	for i := range n {
		to := o.row(i)
		for j, x := range a.row(i) {
			m := math.Abs(float64(x))
			switch {
			case x != x:
				t.NaN++
				to[j] = nan32
				continue
			case isInf(x):
				t.Inf++
				m = k.max
			case m > k.max:
				t.Clipped++
				m = k.max
			}
			to[j] = float32(math.Copysign(fmath.Log1p(m), float64(x)))
		}
	}
}
