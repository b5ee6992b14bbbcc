package encoder

import (
	"context"
	"fmt"

	"github.com/recsyskit/recsys"
)

// Buckets turns a number into the ID of the interval that it lies in. It reads one Float column and writes
// an ID column:
//
//	0                    NaN: a missing number
//	1 + #{b <= x}        x in [b_i, b_i+1) has 1 + i, i counted from 0 below all boundaries
//
// so IDs run from 0 to len(Boundaries)+1. ±Inf lies in the last and the first interval, and is counted.
// That is 1 + numpy.digitize(x, boundaries). Numbers and boundaries are compared as float32.
type Buckets struct {
	// Boundaries are finite and strictly ascending, at most 65,535. Nil: Fit takes quantiles.
	Boundaries []float32 `json:"boundaries"`
	// Count is the number of intervals of equal frequency that Fit looks for, 2 to 65,536; 0 means 10. Boundaries are the quantiles
	// 1/Count, 2/Count, … of the finite values (linear between order statistics, as numpy's default); equal ones count once,
	// so there may be fewer.
	Count int `json:"count"`
}

const maxBoundaries = 1<<16 - 1

func (e Buckets) kind() string { return "buckets" }

func (e Buckets) plan(name string, in []recsys.Column) ([]recsys.Column, error) {
	if err := wantKinds(in, recsys.Float); err != nil {
		return nil, err
	}
	if len(e.Boundaries) > maxBoundaries {
		return nil, fmt.Errorf("field Boundaries has %d values; want at most %d", len(e.Boundaries), maxBoundaries)
	}
	if e.Count != 0 && (e.Count < 2 || e.Count > maxBoundaries+1) {
		return nil, fmt.Errorf("field Count is %d; want 2 to %d (0 means 10)", e.Count, maxBoundaries+1)
	}
	for i, b := range e.Boundaries {
		if b-b != 0 {
			return nil, fmt.Errorf("field Boundaries[%d] is %v; want a finite number", i, b)
		}
		if i > 0 && b <= e.Boundaries[i-1] {
			return nil, fmt.Errorf("field Boundaries[%d] is %v, after %v; want strictly ascending numbers", i, b, e.Boundaries[i-1])
		}
	}
	return []recsys.Column{{Name: name, Kind: recsys.ID}}, nil
}

func (e Buckets) kernel([]recsys.Column) kernel { return bucketKernel(e.Boundaries) }
func (e Buckets) sum(h *fingerprint)            { h.singles(e.Boundaries).num(uint64(e.Count)) }

type bucketKernel []float32

func (k bucketKernel) run(n int, in, out []lane, t *Counts) {
	a, o := &in[0], &out[0]
	for i := range n {
		x := a.f[i*a.stride]
		id := uint64(0)
		switch {
		case x != x:
			t.NaN++
		default:
			if isInf(x) {
				t.Inf++
			}
			id = 1 + k.below(x)
		}
		o.u[i*o.stride] = id
	}
}

// below returns how many boundaries are <= x.
func (k bucketKernel) below(x float32) uint64 {
	low := 0
	for n := len(k); n > 0; {
		half := n / 2
		if k[low+half] <= x {
			low += half + 1
			n -= half + 1
		} else {
			n = half
		}
	}
	return uint64(low)
}

func (e Buckets) fitter(_ []recsys.Column, cfg *FitConfig) fitter {
	if e.Boundaries != nil {
		return nil
	}
	return &bucketFitter{e, newSample(cfg, 1)}
}

type bucketFitter struct {
	Buckets
	sample sample
}

func (f *bucketFitter) observe(n int, in []lane) { f.sample.observe(n, &in[0]) }

func (f *bucketFitter) fit(context.Context) (Encoder, error) {
	sorted := f.sample.sorted(0)
	if len(sorted) == 0 {
		return nil, ErrNoData
	}
	count := f.Count
	if count == 0 {
		count = 10
	}
	e := f.Buckets
	e.Boundaries = []float32{}
	for i := 1; i < count; i++ {
		b := float32(quantile(sorted, float64(i)/float64(count)))
		if last := len(e.Boundaries); last == 0 || b > e.Boundaries[last-1] {
			e.Boundaries = append(e.Boundaries, b)
		}
	}
	return e, nil
}
