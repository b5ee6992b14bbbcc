package engine

import (
	"math"

	"github.com/recsyskit/recsys/internal/simd"
)

// load writes the words of n rows from row first on, n <= lanes, side by side: word w of row
// first+i is dst[w*lanes+i]. Lanes without a row are left as they are.
func (l *layout) load(dst []int32, rows *Rows, first, n, lanes int) {
	l.loadNumbers(dst, rows, first, n, lanes, 0, len(l.columns))
	l.loadSets(dst, rows, first, n, lanes)
}

// loadNumbers loads columns from to to-1.
func (l *layout) loadNumbers(dst []int32, rows *Rows, first, n, lanes, from, to int) {
	for i := from; i < to; i++ {
		// As ForestColumn.Word, in registers.
		low, span, missing := l.columns[i].From, l.columns[i].Span, l.columns[i].Missing
		x, stride := rows.column(int(l.features[i]), first)
		words, at := dst[i*lanes:i*lanes+n], 0
		for k := range words {
			b := math.Float32bits(x[at])
			w := int32(b) ^ int32(b)>>31&math.MaxInt32
			if b&math.MaxInt32-low >= span {
				w = missing
			}
			words[k] = w
			at += stride
		}
	}
}

func (l *layout) loadSets(dst []int32, rows *Rows, first, n, lanes int) {
	for i := range l.sets {
		s, words := &l.sets[i], l.setWords[i]
		x, stride := rows.column(int(l.setFeatures[i]), first)
		for k := range n {
			row := s.Row(x[k*stride]) * int(s.Words)
			to := dst[words*lanes+k:]
			for w, bits := range s.Table[row : row+int(s.Words)] {
				to[w*lanes] = bits
			}
		}
	}
}

// loadRow is load for row i alone. dst has room for 16 words more than there are.
func (l *layout) loadRow(dst []int32, rows *Rows, i int, s *Scratch) {
	row := rows.Floats[min(i*rows.Stride, len(rows.Floats)):]
	dst = dst[:l.words+simd.TileColumns]
	if groups := l.single.Len() / simd.TileColumns; simd.Active() == simd.AVX512 {
		for at := 0; at < groups; at++ {
			if at = l.single.Load(dst, at, rows.Columns, row); at < groups {
				l.gatherRow(dst, rows, row, i, at, at+1)
			}
		}
	} else {
		l.gatherRow(dst, rows, row, i, 0, groups)
	}
	if len(l.sets) == 0 {
		return
	}
	s.values = grown(s.values, l.singleSets.Len())
	for j, f := range l.setFeatures {
		if c := rows.Columns[f]; c >= 0 {
			s.values[j] = row[c]
		} else {
			s.values[j] = rows.Extra[^c][i]
		}
	}
	l.singleSets.Load(dst[len(l.features):], s.values)
}

// gatherRow is loadRow for groups from to to-1 of the columns.
func (l *layout) gatherRow(dst []int32, rows *Rows, row []float32, i, from, to int) {
	features := l.features[:min(to*simd.TileColumns, len(l.features))]
	for j := from * simd.TileColumns; j < len(features); j++ {
		if c := rows.Columns[features[j]]; c >= 0 {
			dst[j] = int32(math.Float32bits(row[c]))
		} else {
			dst[j] = int32(math.Float32bits(rows.Extra[^c][i]))
		}
	}
	l.single.Order(dst, from, to)
}

// fewColumns is how many neighbouring columns are not worth a tile.
const fewColumns = 3

// loadBlock is load for simd.ForestLanes rows: columns that are near each other in the rows are loaded
// 16 at a time. dst has room for simd.TileColumns columns more than there are words.
func (l *layout) loadBlock(dst []int32, rows *Rows, first int) {
	var tile [simd.TileColumns * lanes]float32
	var from [simd.TileColumns]uint32
	floats := rows.Floats[min(first*rows.Stride, len(rows.Floats)):]
	last := len(floats) - (lanes-1)*rows.Stride - simd.TileColumns // where the last tile begins
	for i := 0; i < len(l.columns); {
		begin := int(rows.Columns[l.features[i]])
		if begin > last && begin < last+simd.TileColumns {
			begin = last
		}
		n := 0
		for n < len(from) && i+n < len(l.columns) && begin >= 0 && begin <= last {
			at := int(rows.Columns[l.features[i+n]]) - begin
			if at < 0 || at >= simd.TileColumns {
				break
			}
			from[n] = uint32(at)
			n++
		}
		if n <= fewColumns {
			n = max(n, 1)
			l.loadNumbers(dst, rows, first, lanes, lanes, i, i+n)
		} else {
			simd.ForestTile(&tile, floats[begin:], rows.Stride)
			simd.ForestOrder(dst[i*lanes:], &tile, l.columns[i:i+n], from[:n])
		}
		i += n
	}
	l.loadBlockSets(dst, rows, first)
}

// loadBlockSets loads the words of sets for simd.ForestLanes rows.
func (l *layout) loadBlockSets(dst []int32, rows *Rows, first int) {
	var tile [simd.TileColumns * lanes]float32
	floats := rows.Floats[min(first*rows.Stride, len(rows.Floats)):]
	last := len(floats) - (lanes-1)*rows.Stride - simd.TileColumns // where the last tile begins
	for i := 0; i < len(l.sets); {
		c := int(rows.Columns[l.setFeatures[i]])
		if c < 0 {
			x := rows.Extra[^c][first:]
			l.sets[i].Turn(dst[l.setWords[i]*lanes:], (*[lanes]float32)(x))
			i++
			continue
		}
		if begin := min(c, last); begin >= 0 && c < begin+simd.TileColumns {
			simd.ForestTile(&tile, floats[begin:], rows.Stride)
			for i < len(l.sets) {
				at := int(rows.Columns[l.setFeatures[i]]) - begin
				if at < 0 || at >= simd.TileColumns {
					break
				}
				l.sets[i].Turn(dst[l.setWords[i]*lanes:], (*[lanes]float32)(tile[at*lanes:]))
				i++
			}
			continue
		}
		for k := range lanes {
			tile[k] = floats[k*rows.Stride+c]
		}
		l.sets[i].Turn(dst[l.setWords[i]*lanes:], (*[lanes]float32)(tile[:]))
		i++
	}
}

// column returns feature j from row first on: every stride-th value.
func (r *Rows) column(j, first int) ([]float32, int) {
	if c := r.Columns[j]; c >= 0 {
		return r.Floats[first*r.Stride+int(c):], r.Stride
	}
	return r.Extra[^r.Columns[j]][first:], 1
}
