package ranking

import (
	"slices"

	"github.com/recsyskit/recsys/internal/idtable"
)

// design is the matrix that a linear model is trained on, made of a Dataset row by row:
//
//	coordinate 0             1, for the intercept
//	1 to d                   the float columns, standardised; a missing value is 0
//	d+1 to dense-1           1 where the value of a column is missing, if asked for
//	dense to total-1         one-hot: 1 where the row has the ID
//
// Rows have all dense coordinates and at most one one-hot coordinate for each ID column.
type design struct {
	data      *Dataset
	mean, inv []float64 // of the float columns; inv is 1/scale
	scale     []float64
	missing   []float64 // share of missing values
	flags     []int32   // float columns that have a coordinate for "missing"
	dense     int
	total     int
	vocab     []vocabulary // of the ID columns
	codes     []int32      // n x c: coordinate of the row's ID, or -1
}

// vocabulary lists the IDs of one column that have a coordinate, in ascending order.
type vocabulary struct {
	ids   []uint64
	first int // coordinate of ids[0]
	table idtable.Table
}

// newDesign learns means, scales and vocabularies from d.
func newDesign(d *Dataset, cfg *LinearConfig) *design {
	x := &design{data: d}
	x.standardise(cfg.workers())
	x.dense = 1 + len(d.Columns)
	if cfg.MissingIndicators {
		for j, share := range x.missing {
			if share > 0 {
				x.flags = append(x.flags, int32(j))
			}
		}
		x.dense += len(x.flags)
	}
	x.total = x.dense
	for j := range d.IDColumns {
		v := newVocabulary(d, j, max(cfg.MinCount, 1))
		v.first = x.total
		x.total += len(v.ids)
		x.vocab = append(x.vocab, v)
	}
	x.encode()
	return x
}

// of returns the design of another dataset with the same columns, in the terms of x.
func (x *design) of(d *Dataset) *design {
	y := *x
	y.data = d
	y.encode()
	return &y
}

// newVocabulary takes the IDs that at least least rows have.
func newVocabulary(d *Dataset, column, least int) vocabulary {
	c := len(d.IDColumns)
	all := make([]uint64, 0, d.Len())
	for at := column; at < len(d.IDs); at += c {
		all = append(all, d.IDs[at])
	}
	slices.Sort(all)
	var v vocabulary
	for from := 0; from < len(all); {
		to := from + 1
		for to < len(all) && all[to] == all[from] {
			to++
		}
		if to-from >= least {
			v.ids = append(v.ids, all[from])
		}
		from = to
	}
	v.table = idtable.New(v.ids)
	return v
}

func (x *design) encode() {
	c := len(x.vocab)
	x.codes = make([]int32, x.data.Len()*c)
	for j := range x.vocab {
		v := &x.vocab[j]
		for at := j; at < len(x.codes); at += c {
			x.codes[at] = -1
			if k := v.table.Find(x.data.IDs[at]); k >= 0 {
				x.codes[at] = int32(v.first) + k
			}
		}
	}
}

// row writes the dense coordinates of row i into dst.
func (x *design) row(dst []float64, i int) {
	dst[0] = 1
	in := x.data.FloatRow(i)
	out := dst[1 : 1+len(in)]
	mean, inv := x.mean[:len(in)], x.inv[:len(in)]
	// Four at a time: see widen on why conversions should not share a register.
	n := len(in) &^ 3
	for j := 0; j < n; j += 4 {
		a, b, c, d := float64(in[j]), float64(in[j+1]), float64(in[j+2]), float64(in[j+3])
		out[j] = orZero(float64((a - mean[j]) * inv[j]))
		out[j+1] = orZero(float64((b - mean[j+1]) * inv[j+1]))
		out[j+2] = orZero(float64((c - mean[j+2]) * inv[j+2]))
		out[j+3] = orZero(float64((d - mean[j+3]) * inv[j+3]))
	}
	for j := n; j < len(in); j++ {
		out[j] = orZero(float64((float64(in[j]) - mean[j]) * inv[j]))
	}
	for k, j := range x.flags {
		flag := 0.0
		if v := in[j]; v != v {
			flag = 1
		}
		dst[1+len(in)+k] = flag
	}
}

// orZero returns z, or 0 for NaN.
func orZero(z float64) float64 {
	if z != z {
		return 0
	}
	return z
}

// active returns the one-hot coordinates of row i; -1 stands for an ID without one.
func (x *design) active(i int) []int32 {
	c := len(x.vocab)
	return x.codes[i*c : (i+1)*c]
}

// logit returns the product of row i with w; row holds its dense coordinates.
func (x *design) logit(row, w []float64, i int) float64 {
	z := dot64(row, w)
	for _, k := range x.active(i) {
		if k >= 0 {
			z += w[k]
		}
	}
	return z
}

// dot64 returns the sum of a[j]*b[j] over the length of a.
func dot64(a, b []float64) float64 {
	b = b[:len(a)]
	var s0, s1, s2, s3 float64
	for len(a) >= 4 {
		p, q := (*[4]float64)(a), (*[4]float64)(b)
		s0 += float64(p[0] * q[0])
		s1 += float64(p[1] * q[1])
		s2 += float64(p[2] * q[2])
		s3 += float64(p[3] * q[3])
		a, b = a[4:], b[4:]
	}
	for j := range a {
		s0 += float64(a[j] * b[j])
	}
	return (s0 + s1) + (s2 + s3)
}

// axpy64 adds f*x to dst.
func axpy64(dst, x []float64, f float64) {
	x = x[:len(dst)]
	for j := range dst {
		dst[j] += float64(f * x[j])
	}
}
