package fm

import (
	"math"
	"slices"

	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/internal/idtable"
	"github.com/recsyskit/recsys/ranking"
)

// space says which coordinates a row has. With d float columns:
//
//	coordinate j < d      float column j, its value standardised
//	d and up              IDs: the buckets of all columns, or the vocabulary of one column after the other; their value is 1
//
// Column j is field j, the float columns first.
type space struct {
	columns, idColumns []string

	mean, scale []float64 // of the float columns; scale 0: the column was constant and adds nothing
	bits        int       // 0: vocabularies
	seed        uint64
	ids         [][]uint64 // vocabularies, each in ascending order

	// What follows from the above.
	mu, inv []float64
	tables  []idtable.Table
	firsts  []int32  // coordinate of the first ID of a vocabulary
	seeds   []uint64 // of the hash of a column
}

// maxValue bounds what a standardised value counts as: no sum of the products with bounded
// parameters overflows then, and no score is NaN.
const maxValue = 1000

// maxCoordinates is less than what an int32 can name.
const maxCoordinates = 1 << 30

func (s *space) fields() int { return len(s.columns) + len(s.idColumns) }

// len returns the number of coordinates.
func (s *space) len() int {
	n := len(s.columns)
	if s.bits > 0 {
		return n + 1<<s.bits
	}
	for _, ids := range s.ids {
		n += len(ids)
	}
	return n
}

// newSpace learns means, scales and vocabularies from d.
func newSpace(d *ranking.Dataset, cfg *Config, memory *budget) (*space, error) {
	s := &space{columns: slices.Clone(d.Columns), idColumns: slices.Clone(d.IDColumns), bits: cfg.HashBits, seed: cfg.Seed}
	s.standardise(d)
	if s.bits == 0 {
		for j := range d.IDColumns {
			s.ids = append(s.ids, vocabulary(d, j, max(cfg.MinCount, 1)))
			if err := memory.check(s.len() - len(s.columns)); err != nil {
				return nil, err
			}
		}
	}
	s.finish()
	return s, nil
}

// vocabulary returns the IDs that at least least rows have, in ascending order.
func vocabulary(d *ranking.Dataset, column, least int) []uint64 {
	c := len(d.IDColumns)
	all := make([]uint64, 0, d.Len())
	for at := column; at < len(d.IDs); at += c {
		all = append(all, d.IDs[at])
	}
	slices.Sort(all)
	kept := all[:0]
	for from := 0; from < len(all); {
		to := from + 1
		for to < len(all) && all[to] == all[from] {
			to++
		}
		if to-from >= least {
			kept = append(kept, all[from])
		}
		from = to
	}
	return slices.Clone(kept)
}

// standardise computes the weighted mean and standard deviation of the values that are there.
func (s *space) standardise(d *ranking.Dataset) {
	average := func(f func(j int, v float64) float64) []float64 {
		sum, mass := make([]float64, len(s.columns)), make([]float64, len(s.columns))
		for i := range d.Len() {
			c := float64(d.Weight(i))
			for j, v := range d.FloatRow(i) {
				if v == v {
					sum[j] += float64(c * f(j, float64(v)))
					mass[j] += c
				}
			}
		}
		for j := range sum {
			if mass[j] > 0 {
				sum[j] /= mass[j]
			}
		}
		return sum
	}
	s.mean = average(func(_ int, v float64) float64 { return v })
	s.scale = average(func(j int, v float64) float64 { return float64((v - s.mean[j]) * (v - s.mean[j])) })
	for j, v := range s.scale {
		// A constant column's variance is what rounding leaves of the mean.
		if s.scale[j] = math.Sqrt(v); s.scale[j] <= 1e-12*math.Abs(s.mean[j]) {
			s.scale[j] = 0
		}
	}
}

// finish computes what follows from the stored fields.
func (s *space) finish() {
	s.mu, s.inv = s.mean, make([]float64, len(s.scale))
	for j, v := range s.scale {
		if v > 0 {
			s.inv[j] = 1 / v
		}
	}
	s.tables, s.firsts, s.seeds = nil, nil, nil
	first := int32(len(s.columns))
	for _, ids := range s.ids {
		s.tables, s.firsts = append(s.tables, idtable.New(ids)), append(s.firsts, first)
		first += int32(len(ids))
	}
	for _, name := range s.idColumns {
		s.seeds = append(s.seeds, hash.String(s.seed, name))
	}
}

// float returns the value of float column j for v: 0, which adds nothing, when v is missing.
func (s *space) float(j int, v float32) float32 {
	x := float64((float64(v) - s.mu[j]) * s.inv[j])
	switch {
	case v-v != 0 || x == 0:
		return 0
	case x > maxValue:
		return maxValue
	case x < -maxValue:
		return -maxValue
	}
	return float32(x)
}

// id returns the coordinate of an ID of ID column k, -1 when it has none.
func (s *space) id(k int, id uint64) int32 {
	if s.bits > 0 {
		return s.bucket(k, id)
	}
	if at := s.tables[k].Find(id); at >= 0 {
		return s.firsts[k] + at
	}
	return -1
}

func (s *space) bucket(k int, id uint64) int32 {
	return int32(len(s.columns)) + int32(hash.Mix64(id^s.seeds[k])&(1<<s.bits-1))
}

// rows are rows of a dataset as the lists of their coordinates: entries starts[i] to starts[i+1].
type rows struct {
	starts []int32
	slots  []int32
	values []float32
	fields []uint16
}

func (r *rows) reset() {
	r.starts, r.slots, r.values, r.fields = append(r.starts[:0], 0), r.slots[:0], r.values[:0], r.fields[:0]
}

func (r *rows) add(slot int32, value float32, field int) {
	r.slots, r.values, r.fields = append(r.slots, slot), append(r.values, value), append(r.fields, uint16(field))
}

// room makes room for n more entries, so that put may write them.
func (r *rows) room(n int) {
	r.slots, r.values, r.fields = slices.Grow(r.slots, n), slices.Grow(r.values, n), slices.Grow(r.fields, n)
}

// end ends a row.
func (r *rows) end() { r.starts = append(r.starts, int32(len(r.slots))) }

// gather makes r the given rows of o.
func (r *rows) gather(o *rows, which []int32) {
	r.reset()
	for _, i := range which {
		slots, values, fields := o.row(int(i))
		r.slots, r.values, r.fields = append(r.slots, slots...), append(r.values, values...), append(r.fields, fields...)
		r.end()
	}
}

// row returns the entries of row i.
func (r *rows) row(i int) (slots []int32, values []float32, fields []uint16) {
	from, to := r.starts[i], r.starts[i+1]
	return r.slots[from:to], r.values[from:to], r.fields[from:to]
}

// encode makes dst rows from to to of d, which has the columns of s at floats and ids.
func (s *space) encode(dst *rows, d *ranking.Dataset, floats, ids []int, from, to int) {
	dst.reset()
	dst.room((to - from) * s.fields())
	for i := from; i < to; i++ {
		row := d.FloatRow(i)
		for j, at := range floats {
			if x := s.float(j, row[at]); x != 0 {
				dst.add(int32(j), x, j)
			}
		}
		keys := d.IDRow(i)
		n, most := len(dst.slots), len(dst.slots)+len(ids)
		slots, values, fields := dst.slots[:most], dst.values[:most], dst.fields[:most]
		for k, at := range ids {
			if slot := s.id(k, keys[at]); slot >= 0 {
				slots[n], values[n], fields[n] = slot, 1, uint16(len(floats)+k)
				n++
			}
		}
		dst.slots, dst.values, dst.fields = slots[:n], values[:n], fields[:n]
		dst.end()
	}
}
