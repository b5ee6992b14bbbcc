package simd_test

import (
	"cmp"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/internal/simd"
)

func TestForestTileTurnsRowsOnTheirSide(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(2, 2))
		for _, stride := range []int{0, 1, 15, 16, 17, 200} {
			rows := make([]float32, 31*stride+16)
			for i := range rows {
				rows[i] = r.Float32()
			}
			var tile [16 * 32]float32
			simd.ForestTile(&tile, rows, stride)
			for i := range 32 {
				for j := range 16 {
					require.Equal(t, rows[stride*i+j], tile[32*j+i], "stride %d, row %d, column %d", stride, i, j)
				}
			}
		}
		require.Panics(t, func() { simd.ForestTile(new([512]float32), make([]float32, 31*20+15), 20) })
	})
}

func TestForestOrderKeepsTheOrderOfFloats(t *testing.T) {
	values := []float32{
		float32(math.Inf(-1)), -math.MaxFloat32, -1, -1e-34, -1e-36, -math.SmallestNonzeroFloat32, float32(math.Copysign(0, -1)),
		0, math.SmallestNonzeroFloat32, 1e-36, 1e-34, 1, 2.5, math.MaxFloat32, float32(math.Inf(1)), float32(math.NaN()), math.Float32frombits(0xffc00001),
	}
	zero := math.Float32bits(1e-35) + 1
	columns := []simd.ForestColumn{
		{Span: 0x7f800001, Missing: 77}, // NaN is missing
		{From: zero, Span: 0x7f800001 - zero, Missing: math.MinInt32},
	}
	eachTier(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(2, 3))
		var tile [16 * 32]float32
		for i := range tile {
			tile[i] = values[r.IntN(len(values))]
		}
		for count := range 40 {
			var used []simd.ForestColumn
			var from []uint32
			for range count {
				used = append(used, columns[r.IntN(2)])
				from = append(from, r.Uint32N(16))
			}
			words := make([]int32, 32*count+1)
			words[32*count] = 9
			simd.ForestOrder(words, &tile, used, from)
			for c := range count {
				checkOrder(t, words[32*c:32*c+32], tile[32*from[c]:32*from[c]+32], used[c])
			}
			require.EqualValues(t, 9, words[32*count])
		}
		require.Panics(t, func() { simd.ForestOrder(make([]int32, 31), &tile, columns[:1], []uint32{0}) })
		require.Panics(t, func() { simd.ForestOrder(make([]int32, 32), &tile, columns[:1], []uint32{16}) })
		require.Panics(t, func() { simd.ForestOrder(make([]int32, 32), &tile, columns[:1], nil) })
	})
}

func TestRowColumnsOrderAsTheColumnsDo(t *testing.T) {
	zero := math.Float32bits(1e-35) + 1
	eachTier(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(2, 4))
		for _, n := range []int{0, 1, 15, 16, 17, 200, 5000} {
			columns, words, want := make([]simd.ForestColumn, n), make([]int32, n+16), make([]int32, n)
			for i := range columns {
				columns[i] = simd.ForestColumn{Span: 0x7f800001, Missing: r.Int32()}
				if r.IntN(2) == 0 {
					columns[i].From, columns[i].Span = zero, 0x7f800001-zero
				}
				x := float32(r.NormFloat64())
				switch r.IntN(5) {
				case 0:
					x = math.Float32frombits(r.Uint32())
				case 1:
					x = 0
				}
				words[i], want[i] = int32(math.Float32bits(x)), columns[i].Word(x)
			}
			c := simd.NewRowColumns(columns, make([]int32, n))
			require.Equal(t, (n+15)/16*16, c.Len())
			words[n+15] = 9 // never a column
			cut := r.IntN(c.Len()/16 + 1)
			c.Order(words, 0, cut)
			c.Order(words, cut, c.Len()/16)
			require.Equal(t, want, words[:n])
			require.EqualValues(t, 9, words[n+15])
			if n > 0 {
				require.Panics(t, func() { c.Order(words[:c.Len()-1], 0, c.Len()/16) })
				require.Panics(t, func() { c.Order(words, 0, c.Len()/16+1) })
			}
		}
	})
}

func TestRowColumnsLoadWhatIsNear(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(2, 4))
		for range 2000 {
			n := 1 + r.IntN(70)
			columns, features := make([]simd.ForestColumn, n), make([]int32, n)
			last := int32(0)
			for i := range columns {
				columns[i] = simd.ForestColumn{Span: 0x7f800001, Missing: r.Int32()}
				last += int32(r.IntN(3) * r.IntN(2))
				if r.IntN(30) == 0 {
					last += 40
				}
				features[i] = last
			}
			places := make([]int32, last+1)
			shift := r.Int32N(3)
			for i := range places {
				places[i] = int32(i) + shift
				if r.IntN(50) == 0 {
					places[i] = r.Int32N(last+1) - 2
				}
			}
			row := make([]float32, last+1+shift)
			for i := range row {
				row[i] = math.Float32frombits(r.Uint32())
			}
			c := simd.NewRowColumns(columns, features)
			words := make([]int32, c.Len())
			from := r.IntN(c.Len()/16 + 1)
			to := c.Load(words, from, places, row)
			for i := 16 * from; i < min(16*to, n); i++ {
				require.Equal(t, columns[i].Word(row[places[features[i]]]), words[i], "column %d", i)
			}
			require.GreaterOrEqual(t, to, from)
			if to < c.Len()/16 && simd.Active() == simd.AVX512 {
				requireFar(t, features[16*to:min(16*to+16, n)], places)
			}
			require.Panics(t, func() { c.Load(words[1:], 0, places, row) })
		}
		c := simd.NewRowColumns(make([]simd.ForestColumn, 2), []int32{0, 3})
		require.Panics(t, func() { c.Load(make([]int32, 16), 0, make([]int32, 3), make([]float32, 3)) })
	})
}

// requireFar checks that there was a reason to stop at the features.
func requireFar(t *testing.T, features, places []int32) {
	t.Helper()
	far := false
	for _, f := range features {
		far = far || f-features[0] >= 32 || places[f] < places[features[0]] || places[f]-places[features[0]] >= 32 || places[f] < 0
	}
	require.True(t, far, "%v", features)
}

func checkOrder(t *testing.T, words []int32, x []float32, c simd.ForestColumn) {
	t.Helper()
	missing := func(v float32) bool { return v != v || c.From > 0 && math.Abs(float64(v)) <= 1e-35 }
	for i, v := range x {
		if missing(v) {
			require.Equal(t, c.Missing, words[i], "%v", v)
			continue
		}
		for j, w := range x {
			if !missing(w) && v != w {
				require.Equal(t, cmp.Compare(v, w), cmp.Compare(words[i], words[j]), "%v and %v", v, w)
			}
		}
	}
}
