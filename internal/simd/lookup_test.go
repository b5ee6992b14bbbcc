package simd_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/recsyskit/recsys/internal/simd"
)

func TestLookupSumsEntries(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(3, 9))
		for _, pairs := range []int{0, 1, 2, 3, 8, 16, 32, 33, 64, 257, 258} {
			for _, blocks := range []int{0, 1, 2, 3, 7, 20} {
				for _, limit := range []int{1, 64, 128, 256} {
					checkLookup(t, r, pairs, blocks, limit)
				}
			}
		}
		checkLookup(t, r, 4, 700, 128) // more than one call
	})
}

func checkLookup(t *testing.T, r *rand.Rand, pairs, blocks, limit int) {
	t.Helper()
	table, codes := make([]uint8, 32*pairs), make([]uint8, 64*pairs*blocks)
	for i := range table {
		table[i] = uint8(r.IntN(limit))
	}
	for i := range codes {
		codes[i] = uint8(r.Uint32())
	}
	want := make([]uint16, 64*blocks)
	for b := range blocks {
		for row := range 64 {
			for p := range pairs {
				c := codes[(b*pairs+p)*64+row]
				lo, hi := int(table[32*p+int(c&15)]), int(table[32*p+16+int(c>>4)])
				want[64*b+row] += uint16((lo + hi) % 256)
			}
		}
	}
	thresholds := []uint16{0, 1, uint16(pairs * limit / 2), uint16(pairs * (limit - 1)), 65535}
	if len(want) > 0 {
		thresholds = append(thresholds, want[r.IntN(len(want))], want[r.IntN(len(want))])
	}
	for _, threshold := range thresholds {
		const untouched = 54321
		sums, kept := make([]uint16, 64*blocks+1), make([]uint64, blocks)
		for i := range sums {
			sums[i] = untouched
		}
		simd.LookupAtLeast(sums, kept, table, codes, threshold)
		if sums[64*blocks] != untouched {
			t.Fatalf("pairs=%d blocks=%d: wrote behind sums", pairs, blocks)
		}
		for b, set := range kept {
			for row := range 64 {
				w, got := want[64*b+row], sums[64*b+row]
				if set>>row&1 != 0 != (w >= threshold) {
					t.Fatalf("pairs=%d: row %d of block %d has sum %d; kept at %d: %v", pairs, row, b, w, threshold, set>>row&1)
				}
				if set != 0 && got != w || set == 0 && got != untouched {
					t.Fatalf("pairs=%d: sum of row %d of block %d is %d, want %d (kept %#x)", pairs, row, b, got, w, set)
				}
			}
		}
	}
}

func TestLookupRefusesShapes(t *testing.T) {
	for name, f := range map[string]func(){
		"table": func() { simd.LookupAtLeast(nil, nil, make([]uint8, 31), nil, 0) },
		"long":  func() { simd.LookupAtLeast(nil, nil, make([]uint8, 32*259), nil, 0) },
		"codes": func() {
			simd.LookupAtLeast(make([]uint16, 64), make([]uint64, 1), make([]uint8, 32), make([]uint8, 63), 0)
		},
		"sums": func() {
			simd.LookupAtLeast(make([]uint16, 63), make([]uint64, 1), make([]uint8, 32), make([]uint8, 64), 0)
		},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		})
	}
}

func BenchmarkLookup(b *testing.B) {
	for _, pairs := range []int{16, 32, 64} {
		for _, tier := range simd.Available() {
			b.Run(fmt.Sprintf("pairs=%d/impl=%v", pairs, tier), func(b *testing.B) {
				simd.Use(b, tier)
				const blocks = 64
				sums, kept := make([]uint16, 64*blocks), make([]uint64, blocks)
				table, codes := make([]uint8, 32*pairs), make([]uint8, 64*pairs*blocks)
				b.SetBytes(int64(len(codes)))
				for b.Loop() {
					simd.LookupAtLeast(sums, kept, table, codes, 1)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(64*blocks), "ns/row")
			})
		}
	}
}
