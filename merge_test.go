package recsys

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func rankOracle(score []float32, ids []ItemID, keep Bits) []int32 {
	var rows []int32
	for i := range score {
		if keep == nil || keep.Has(i) {
			rows = append(rows, int32(i))
		}
	}
	slices.SortFunc(rows, func(a, b int32) int {
		x, y := score[a], score[b]
		switch {
		case x != x && y != y, x == y:
			return cmp.Compare(ids[a], ids[b])
		case x != x:
			return 1
		case y != y:
			return -1
		}
		return cmp.Compare(y, x)
	})
	return rows
}

func TestSorterEqualsSortingByScoreThenID(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	special := []float32{float32(math.NaN()), 0, float32(math.Copysign(0, -1)), float32(math.Inf(1)), float32(math.Inf(-1)), math.MaxFloat32, -math.SmallestNonzeroFloat32, 1, -1}
	var s sorter
	for _, n := range []int{0, 1, 2, 3, 7, 8, 9, 31, 64, 127, 128, 129, 500, 1500} {
		for trial := range 30 {
			score, ids := make([]float32, n), make([]ItemID, n)
			for i, v := range r.Perm(n) {
				ids[i] = ItemID(v) << 40
				switch trial % 3 {
				case 0:
					score[i] = r.Float32() - 0.5
				case 1:
					score[i] = special[r.IntN(len(special))]
				case 2:
					score[i] = float32(r.IntN(4))
				}
			}
			var keep Bits
			if trial%2 == 1 {
				keep = MakeBits(n)
				for i := range n {
					if r.IntN(3) > 0 {
						keep.Set(i)
					}
				}
			}
			want := rankOracle(score, ids, keep)
			require.Equal(t, want, s.all(nil, score, ids, keep), "n %d", n)
			for _, k := range []int{-1, 0, 1, 2, n / 8, n / 4, n - 1, n, n + 5} {
				got := s.top(nil, score, ids, keep, k)
				require.True(t, slices.Equal(want[:max(0, min(k, len(want)))], got), "n %d k %d: %v, want %v", n, k, got, want)
			}
		}
	}
}

// mergeOracle is the merge as the doc comments of Merge state it, with maps.
func mergeOracle(how Merge, lists [][]ItemID, scores [][]float32, w []float32) (map[ItemID]float64, map[ItemID]uint64) {
	value, mask := map[ItemID]float64{}, map[ItemID]uint64{}
	for s := range lists {
		lo, hi := math.Inf(1), math.Inf(-1)
		for _, x := range scores[s] {
			if x-x == 0 {
				lo, hi = min(lo, float64(x)), max(hi, float64(x))
			}
		}
		seen := map[ItemID]bool{}
		for rank, id := range lists[s] {
			if seen[id] {
				continue
			}
			seen[id] = true
			mask[id] |= 1 << s
			x := float64(scores[s][rank])
			unit := 1.0
			if hi > lo {
				unit = min(max((x-lo)/(hi-lo), 0), 1)
			}
			if math.IsNaN(x) {
				unit = 0
			}
			switch how {
			case RRF:
				value[id] += float64(w[s]) / float64(60+rank+1)
			case WeightedScore:
				value[id] += float64(w[s]) * unit
			case MaxScore:
				value[id] = max(value[id], float64(w[s])*unit)
			case RoundRobin:
				value[id] = max(value[id], 1/float64(1+rank))
			}
		}
	}
	return value, mask
}

func TestMergeEqualsItsDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	var m merger
	for trial := range 400 {
		S := 1 + r.IntN(6)
		schema, err := NewSchema(SchemaConfig{Sources: make([]string, S)})
		require.NoError(t, err)
		var c Candidates
		var sinks []*Sink
		lists, scores := make([][]ItemID, S), make([][]float32, S)
		weights := make([]float32, S)
		var rrf [][]float32
		for s := range S {
			n := r.IntN(40)
			sink := NewSink(n)
			for range n {
				id, x := ItemID(r.IntN(50))*0x9e3779b9, float32(r.NormFloat64())
				switch r.IntN(12) {
				case 0:
					x = float32(math.NaN())
				case 1:
					x = float32(math.Inf(1))
				}
				sink.Add(id, x)
				lists[s], scores[s] = append(lists[s], id), append(scores[s], x)
			}
			weights[s] = 0.5 + r.Float32()
			rrf = append(rrf, rrfGains(weights[s], n))
			sinks = append(sinks, sink)
		}
		how := Merge(trial % int(merges))
		c.reset(schema)
		m.merge(how, &c, sinks, weights, rrf)
		value, mask := mergeOracle(how, lists, scores, weights)
		require.Len(t, value, c.Len())
		for row, id := range c.IDs() {
			require.InDelta(t, value[id], c.merged[row], 1e-5)
			require.Equal(t, mask[id], c.Sources(row))
			for s := range S {
				first := slices.Index(lists[s], id)
				require.Equal(t, first, c.SourceRank(row, s))
				if first >= 0 {
					require.True(t, sameFloat(scores[s][first], c.SourceScore(row, s)))
				} else {
					require.Zero(t, c.SourceScore(row, s))
				}
			}
		}
		// cut keeps the best n with all they carry.
		n := r.IntN(c.Len() + 2)
		want := rankOracle(c.merged, c.ids, nil)[:min(n, c.Len())]
		slices.Sort(want)
		var ids []ItemID
		var ranks []int32
		for _, row := range want {
			ids = append(ids, c.ids[row])
			ranks = append(ranks, c.ranks[int(row)*S:(int(row)+1)*S]...)
		}
		before := c.Len()
		gone := m.cut(&c, n, nil, true)
		require.ElementsMatch(t, ids, c.IDs())
		require.Equal(t, ranks, append([]int32(nil), c.ranks...))
		require.Len(t, gone, before-c.Len())
	}
}

func TestIDTableEqualsAMap(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	var table idTable
	_, ok := table.get(0)
	require.False(t, ok)
	for range 200 {
		n := r.IntN(300)
		table.reset(n)
		want := map[ItemID]int32{}
		for i := range n {
			id := ItemID(r.IntN(100)) << (8 * r.IntN(8)) // 0 is an item too
			have, fresh := table.put(id, int32(i))
			first, known := want[id]
			require.Equal(t, !known, fresh)
			if !known {
				want[id], first = int32(i), int32(i)
			}
			require.Equal(t, first, have)
		}
		for id := range ItemID(120) {
			row, ok := table.get(id)
			first, known := want[id]
			require.Equal(t, known, ok)
			require.Equal(t, first, row)
		}
	}
}

func TestBitsEqualASet(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 1))
	for range 200 {
		n := r.IntN(200)
		b, set := MakeBits(n), map[int]bool{}
		for range n {
			i := r.IntN(n)
			if r.IntN(3) == 0 {
				b.Clear(i)
				delete(set, i)
			} else {
				b.Set(i)
				set[i] = true
			}
		}
		require.Equal(t, len(set), b.Count())
		require.Equal(t, len(set) == 0, b.Empty())
		seen := 0
		for i := b.Next(0); i >= 0; i = b.Next(i + 1) {
			require.True(t, set[i] && b.Has(i))
			seen++
		}
		require.Equal(t, len(set), seen)
		b.SetFirst(n)
		require.Equal(t, n, b.Count())
		k := r.IntN(n + 1)
		b.SetFirst(k)
		require.Equal(t, k, b.Count())
		require.True(t, k == n || !b.Has(k))
	}
}
