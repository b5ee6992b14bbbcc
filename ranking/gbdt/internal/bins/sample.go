package bins

import (
	"cmp"
	"context"
	"slices"

	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

// sampleRow returns the row at place i of a sample of m out of n rows: the sample has one of
// each m-th part of the rows, so no row is in it twice.
func sampleRow(seed uint64, i, m, n int) int {
	if m == n {
		return i
	}
	lo := int(uint64(i) * uint64(n) / uint64(m))
	hi := int(uint64(i+1) * uint64(n) / uint64(m))
	return lo + int(hash.Combine(seed, uint64(i))%uint64(hi-lo))
}

// find returns the features with their bins.
func find(ctx context.Context, in Input, cfg Config) ([]Feature, error) {
	d := len(in.Features)
	m := min(in.Rows, cfg.SampleRows)
	rows := make([]int, m)
	for i := range rows {
		rows[i] = sampleRow(cfg.Seed, i, m, in.Rows)
	}
	kinds, err := scan(ctx, in, cfg)
	if err != nil {
		return nil, err
	}
	features := make([]Feature, d)
	for j := range features {
		features[j] = Feature{Name: in.Features[j].Name, Categorical: in.Features[j].Categorical, Missing: kinds[j], MissingBin: -1}
	}
	type scratch struct {
		sorter
		columns [gatherColumns][]uint32
	}
	memory := make([]scratch, cfg.Workers)
	err = each(ctx, cfg.Workers, (d+gatherColumns-1)/gatherColumns, func(worker, group int) {
		first := group * gatherColumns
		fs := features[first:min(first+gatherColumns, d)]
		s := &memory[worker]
		columns := s.columns[:len(fs)]
		gather(columns, fs, in.Values[first:], rows, d)
		for j := range fs {
			if ctx.Err() != nil {
				break
			}
			s.keys, columns[j] = columns[j], s.keys
			if fs[j].Categorical {
				fs[j].setCategories(&s.sorter, cfg)
			} else {
				fs[j].setCuts(&s.sorter, cfg)
			}
			s.keys, columns[j] = columns[j], s.keys
		}
	})
	return features, err
}

// gatherColumns is how many columns are gathered in one pass over the rows: a cache line.
const gatherColumns = 16

// gather takes the keys of the values in the rows that are not missing, column by column, from rows of
// d values.
func gather(to [][]uint32, features []Feature, values []float32, rows []int, d int) {
	for j := range to {
		to[j] = slices.Grow(to[j][:0], len(rows))
	}
	for _, r := range rows {
		for j, x := range values[r*d:][:len(to)] {
			f := &features[j]
			if !f.Categorical {
				if x == x && !f.missing(x) {
					to[j] = append(to[j], keyOf(x))
				}
			} else if c := tree.CategoryOf(float64(x)); c >= 0 {
				to[j] = append(to[j], uint32(c))
			}
		}
	}
}

// setCuts finds the bins of the numeric values whose keys s has.
func (f *Feature) setCuts(s *sorter, cfg Config) {
	bins := cfg.Bins
	if f.Missing != tree.MissingNone {
		bins--
	}
	s.sort()
	s.runs = s.runs[:0]
	for i, k := range s.keys {
		if i == 0 || k != s.keys[i-1] {
			s.runs = append(s.runs, run{value: valueOf(k)})
		}
		s.runs[len(s.runs)-1].count++
	}
	f.Cuts = cutsOf(s.runs, bins, cfg.MinRowsPerBin)
	f.Bins = len(f.Cuts) + 1
	if f.Missing != tree.MissingNone {
		f.MissingBin = f.Bins
		f.Bins++
	}
	f.keys.setCuts(f.Cuts)
}

// setCategories gives bins to the most frequent of the categories that s has, the smaller
// first among equals.
func (f *Feature) setCategories(s *sorter, cfg Config) {
	type frequency struct {
		category int32
		count    int
	}
	s.sort()
	var all []frequency
	for i, k := range s.keys {
		if i == 0 || k != s.keys[i-1] {
			all = append(all, frequency{category: int32(k)})
		}
		all[len(all)-1].count++
	}
	slices.SortStableFunc(all, func(a, b frequency) int { return cmp.Compare(b.count, a.count) })
	for _, c := range all[:min(len(all), cfg.Bins-1)] {
		if c.count >= cfg.MinRowsPerBin {
			f.Categories = append(f.Categories, c.category)
		}
	}
	slices.Sort(f.Categories)
	f.Bins = len(f.Categories) + 1
	f.keys.setCategories(f.Categories)
}

// sorter sorts keys; its memory is used again.
type sorter struct {
	keys, spare []uint32
	runs        []run
}

// sort sorts the keys by radix, in three rounds of 11 bits.
func (s *sorter) sort() {
	if len(s.keys) < 1024 {
		slices.Sort(s.keys)
		return
	}
	const bits, buckets = 11, 1 << 11
	var starts [3][buckets]uint32
	for _, k := range s.keys {
		starts[0][k%buckets]++
		starts[1][k>>bits%buckets]++
		starts[2][k>>(2*bits)]++
	}
	s.spare = slices.Grow(s.spare[:0], len(s.keys))[:len(s.keys)]
	for round := range starts {
		var sum uint32
		for i, n := range starts[round] {
			starts[round][i] = sum
			sum += n
		}
		for _, k := range s.keys {
			b := k >> (round * bits) % buckets
			s.spare[starts[round][b]] = k
			starts[round][b]++
		}
		s.keys, s.spare = s.spare, s.keys
	}
}
