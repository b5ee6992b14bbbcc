package encoder

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/recsyskit/recsys"
)

// Standard brings numbers to mean 0 and standard deviation 1: (x - Mean) / Deviation, in float64, rounded once. It reads
// a Float or a Vector column and writes one like it, component by component.
//
// NaN stays NaN. ±Inf becomes ±Clip, or NaN without Clip; both are counted. Fit takes the finite values by Welford's
// method; the deviation is that of the population (divided by n), and 1 where all values are equal, which makes them 0.
//
// Source: Welford, "Note on a Method for Calculating Corrected Sums of Squares and Products", Technometrics 4(3), 1962.
type Standard struct {
	// Mean and Deviation have a value for each component, one for a Float; finite, Deviation > 0. Both nil: Fit finds them.
	Mean      []float64 `json:"mean"`
	Deviation []float64 `json:"deviation"`
	// Clip bounds the magnitude of the result, > 0; 0 means no bound.
	Clip float64 `json:"clip"`
}

// MinMax brings numbers to [0, 1]: (x - Min) / (Max - Min), in float64, rounded once. It reads a Float or a Vector column
// and writes one like it, component by component.
//
// NaN stays NaN. What lies outside of [Min, Max] is clipped and counted; ±Inf becomes 1 and 0. Where Min is
// Max, the result is 0 up to there and 1 above. Fit takes the least and the greatest finite value: one outlier sets the scale, which [Robust] avoids.
type MinMax struct {
	// Min and Max have a value for each component, one for a Float; finite, Min <= Max. Both nil: Fit finds them.
	Min []float64 `json:"min"`
	Max []float64 `json:"max"`
}

// Robust is [Standard] with the median in place of the mean and the distance of the quartiles in place of the deviation:
// (x - Median) / Range. A few values far out do not change its scale.
//
// NaN and ±Inf are as for Standard. Fit takes the quartiles of the finite values (linear between order statistics); where they
// are equal the range is 1.
type Robust struct {
	// Median and Range have a value for each component, one for a Float; finite, Range > 0. Both nil: Fit finds them.
	Median []float64 `json:"median"`
	Range  []float64 `json:"range"`
	// Clip bounds the magnitude of the result, > 0; 0 means no bound.
	Clip float64 `json:"clip"`
}

// planScale checks a center and a scale for each component.
func planScale(name string, in []recsys.Column, a, b string, center, scale []float64, clip float64, least func(c float64) float64) ([]recsys.Column, error) {
	out, err := planNumbers(name, in)
	if err != nil {
		return nil, err
	}
	var errs []error
	if !(clip >= 0 && clip <= math.MaxFloat32) {
		errs = append(errs, fmt.Errorf("field Clip is %v; want a number > 0, or 0 for no bound", clip))
	}
	if center == nil && scale == nil {
		return out, errors.Join(errs...)
	}
	if n := width(&in[0]); len(center) != n || len(scale) != n {
		errs = append(errs, fmt.Errorf("field %s has %d values and %s %d; want %d each, or nil both to fit them", a, len(center), b, len(scale), n))
		return nil, errors.Join(errs...)
	}
	for i := range center {
		if center[i]-center[i] != 0 {
			errs = append(errs, fmt.Errorf("field %s[%d] is %v; want a finite number", a, i, center[i]))
		}
		if low := least(center[i]); !(scale[i] >= low && scale[i]-scale[i] == 0) {
			errs = append(errs, fmt.Errorf("field %s[%d] is %v; want a finite number >= %v", b, i, scale[i], low))
		}
	}
	return out, errors.Join(errs...)
}

func positive(float64) float64 { return math.SmallestNonzeroFloat64 }
func itself(c float64) float64 { return c }

func (e Standard) kind() string { return "standard" }
func (e MinMax) kind() string   { return "minmax" }
func (e Robust) kind() string   { return "robust" }

func (e Standard) plan(name string, in []recsys.Column) ([]recsys.Column, error) {
	return planScale(name, in, "Mean", "Deviation", e.Mean, e.Deviation, e.Clip, positive)
}

func (e MinMax) plan(name string, in []recsys.Column) ([]recsys.Column, error) {
	return planScale(name, in, "Min", "Max", e.Min, e.Max, 0, itself)
}

func (e Robust) plan(name string, in []recsys.Column) ([]recsys.Column, error) {
	return planScale(name, in, "Median", "Range", e.Median, e.Range, e.Clip, positive)
}

func (e Standard) sum(h *fingerprint) { h.reals(e.Mean).reals(e.Deviation).real(e.Clip) }
func (e MinMax) sum(h *fingerprint)   { h.reals(e.Min).reals(e.Max) }
func (e Robust) sum(h *fingerprint)   { h.reals(e.Median).reals(e.Range).real(e.Clip) }

func (e Standard) kernel([]recsys.Column) kernel { return centerKernel{e.Mean, e.Deviation, e.Clip} }
func (e MinMax) kernel([]recsys.Column) kernel   { return rangeKernel{e.Min, e.Max} }
func (e Robust) kernel([]recsys.Column) kernel   { return centerKernel{e.Median, e.Range, e.Clip} }

// centerKernel computes (x - center) / scale within ±clip.
type centerKernel struct {
	center, scale []float64
	clip          float64
}

func (k centerKernel) run(n int, in, out []lane, t *Counts) {
	a, o := &in[0], &out[0]
	bound := k.clip
	if bound == 0 {
		bound = math.MaxFloat32
	}
	for i := range n {
		to := o.row(i)
		for j, x := range a.row(i) {
			y := (float64(x) - k.center[j]) / k.scale[j]
			switch {
			case x != x:
				t.NaN++
				to[j] = nan32
				continue
			case isInf(x):
				t.Inf++
				if k.clip == 0 {
					to[j] = nan32
					continue
				}
				y = math.Copysign(bound, float64(x))
			case y > bound:
				t.Clipped++
				y = bound
			case y < -bound:
				t.Clipped++
				y = -bound
			}
			to[j] = float32(y)
		}
	}
}

// rangeKernel computes (x - low) / (high - low) within [0, 1].
type rangeKernel struct{ low, high []float64 }

func (k rangeKernel) run(n int, in, out []lane, t *Counts) {
	a, o := &in[0], &out[0]
	for i := range n {
		to := o.row(i)
		for j, x := range a.row(i) {
			v, low, high := float64(x), k.low[j], k.high[j]
			y := 0.0
			switch {
			case x != x:
				t.NaN++
				to[j] = nan32
				continue
			case isInf(x):
				t.Inf++
				if x > 0 {
					y = 1
				}
			case v > high:
				t.Clipped++
				y = 1
			case v < low:
				t.Clipped++
			case v > low:
				y = (v - low) / (high - low)
			}
			to[j] = float32(y)
		}
	}
}

func (e Standard) fitter(in []recsys.Column, _ *FitConfig) fitter {
	if e.Mean != nil || e.Deviation != nil {
		return nil
	}
	dim := width(&in[0])
	return &momentFitter{e, make([]float64, dim), make([]float64, dim), make([]float64, dim)}
}

type momentFitter struct {
	Standard
	n, mean, squares []float64
}

func (f *momentFitter) observe(n int, in []lane) {
	for i := range n {
		for j, x := range in[0].row(i) {
			if x-x != 0 {
				continue
			}
			f.n[j]++
			d := float64(x) - f.mean[j]
			f.mean[j] += d / f.n[j]
			f.squares[j] += float64(d * (float64(x) - f.mean[j]))
		}
	}
}

func (f *momentFitter) fit(context.Context) (Encoder, error) {
	e := f.Standard
	e.Mean, e.Deviation = f.mean, make([]float64, len(f.mean))
	for j := range f.mean {
		if f.n[j] == 0 {
			return nil, noData(j, len(f.mean))
		}
		e.Deviation[j] = math.Sqrt(f.squares[j] / f.n[j])
		if e.Deviation[j] == 0 {
			e.Deviation[j] = 1
		}
	}
	return e, nil
}

func noData(j, dim int) error {
	if dim == 1 {
		return ErrNoData
	}
	return fmt.Errorf("component %d: %w", j, ErrNoData)
}

func (e MinMax) fitter(in []recsys.Column, _ *FitConfig) fitter {
	if e.Min != nil || e.Max != nil {
		return nil
	}
	f := &rangeFitter{make([]float64, width(&in[0])), make([]float64, width(&in[0]))}
	for j := range f.low {
		f.low[j], f.high[j] = math.Inf(1), math.Inf(-1)
	}
	return f
}

type rangeFitter struct{ low, high []float64 }

func (f *rangeFitter) observe(n int, in []lane) {
	for i := range n {
		for j, x := range in[0].row(i) {
			if x-x == 0 {
				f.low[j], f.high[j] = min(f.low[j], float64(x)), max(f.high[j], float64(x))
			}
		}
	}
}

func (f *rangeFitter) fit(context.Context) (Encoder, error) {
	for j := range f.low {
		if f.low[j] > f.high[j] {
			return nil, noData(j, len(f.low))
		}
	}
	return MinMax{f.low, f.high}, nil
}

func (e Robust) fitter(in []recsys.Column, cfg *FitConfig) fitter {
	if e.Median != nil || e.Range != nil {
		return nil
	}
	return &robustFitter{e, newSample(cfg, width(&in[0]))}
}

type robustFitter struct {
	Robust
	sample sample
}

func (f *robustFitter) observe(n int, in []lane) { f.sample.observe(n, &in[0]) }

func (f *robustFitter) fit(context.Context) (Encoder, error) {
	e := f.Robust
	for j := range f.sample.values {
		v := f.sample.sorted(j)
		if len(v) == 0 {
			return nil, noData(j, len(f.sample.values))
		}
		spread := quantile(v, 0.75) - quantile(v, 0.25)
		if spread == 0 {
			spread = 1
		}
		e.Median, e.Range = append(e.Median, quantile(v, 0.5)), append(e.Range, spread)
	}
	return e, nil
}
