package recsys

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// BenchmarkIDTable enters 1,250 IDs, some of them twice: what a merge does.
func BenchmarkIDTable(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	ids := make([]ItemID, 1250)
	for i := range ids {
		ids[i] = ItemID(r.IntN(2000)) * 0x9e3779b97f4a7c15
	}
	b.Run("impl=table", func(b *testing.B) {
		var t idTable
		for b.Loop() {
			t.reset(len(ids))
			for i, id := range ids {
				t.put(id, int32(i))
			}
		}
	})
	b.Run("impl=map", func(b *testing.B) {
		m := map[ItemID]int32{}
		for b.Loop() {
			clear(m)
			for i, id := range ids {
				if _, ok := m[id]; !ok {
					m[id] = int32(i)
				}
			}
		}
	})
}

// BenchmarkBlock compares the default fill that an Overwriter spares with the copy of
// rows that a store does: 1,000 rows of 100 columns.
func BenchmarkBlock(b *testing.B) {
	cols := make([]Column, 100)
	for i := range cols {
		cols[i].Name = fmt.Sprint("c", i)
	}
	block := NewBlock(cols, PerItem, 1000)
	rows, order := make([]float32, 2000*100), rand.New(rand.NewPCG(1, 2)).Perm(2000)
	b.Run("fill", func(b *testing.B) {
		for b.Loop() {
			block.fill()
		}
	})
	b.Run("copy", func(b *testing.B) {
		for b.Loop() {
			for i := range 1000 {
				copy(block.FloatRow(i), rows[order[i]*100:])
			}
		}
	})
}
