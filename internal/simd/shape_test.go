package simd_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/internal/simd"
)

func panics(f func()) (message any) {
	defer func() { message = recover() }()
	f()
	return nil
}

func TestWrongShapesPanic(t *testing.T) {
	const (
		lengths = "simd: lengths differ"
		stride  = "simd: stride is less than the dimension"
		rows    = "simd: rows is too short"
		out     = "simd: out is too short"
		id      = "simd: id is out of range"
		count   = "simd: row count is negative"
		keep    = "simd: ids or scores are shorter than the rows and 16 more"
	)
	f := func(n int) []float32 { return make([]float32, n) }
	u := func(n int) []uint32 { return make([]uint32, n) }
	i32 := func(n int) []int32 { return make([]int32, n) }
	i8 := func(n int) []int8 { return make([]int8, n) }
	u8 := func(n int) []uint8 { return make([]uint8, n) }
	many := func(n int, at uint32) []uint32 { // the last of n ids is at
		ids := u(n)
		ids[n-1] = at
		return ids
	}
	eachTier(t, func(t *testing.T) {
		for _, c := range []struct {
			name, want string
			f          func()
		}{
			{"Dot", lengths, func() { simd.Dot(f(3), f(4)) }},
			{"L2Sq", lengths, func() { simd.L2Sq(f(4), f(3)) }},
			{"CosineSums", lengths, func() { simd.CosineSums(f(1), nil) }},
			{"DotBatch stride", stride, func() { simd.DotBatch(f(2), f(4), f(8), 3) }},
			{"DotBatch negative stride", stride, func() { simd.DotBatch(f(2), f(4), f(8), -4) }},
			{"DotBatch rows", rows, func() { simd.DotBatch(f(2), f(4), f(7), 4) }},
			{"DotBatch no rows", rows, func() { simd.DotBatch(f(1), f(4), nil, 4) }},
			{"DotBatch huge stride", rows, func() { simd.DotBatch(f(5), f(4), f(100), math.MaxInt/4+1) }},
			{"L2SqBatch rows", rows, func() { simd.L2SqBatch(f(3), f(4), f(13), 5) }},
			{"DotGather stride", stride, func() { simd.DotGather(f(2), f(4), f(8), 3, u(1)) }},
			{"DotGather out", out, func() { simd.DotGather(f(2), f(4), f(8), 4, u(3)) }},
			{"DotGather id", id, func() { simd.DotGather(f(1), f(4), f(8), 4, []uint32{2}) }},
			{"DotGather last id", id, func() { simd.DotGather(f(40), f(4), f(8), 4, many(40, 2)) }},
			{"DotGather partial row", id, func() { simd.DotGather(f(40), f(4), f(11), 4, many(33, 2)) }},
			{"DotGather largest id", id, func() { simd.DotGather(f(8), f(4), f(8), 4, many(8, math.MaxUint32)) }},
			{"DotGather no row", id, func() { simd.DotGather(f(8), f(4), f(3), 4, many(8, 0)) }},
			{"DotGather huge stride", id, func() { simd.DotGather(f(8), f(4), f(8), math.MaxInt/2, many(8, 2)) }},
			{"DotGather long", id, func() { simd.DotGather(f(1), f(5000), f(5000), 5000, []uint32{1}) }},
			{"L2SqGather id", id, func() { simd.L2SqGather(f(9), f(300), f(600), 300, many(9, 2)) }},
			{"L2SqGather out", out, func() { simd.L2SqGather(f(2), f(4), f(8), 4, u(3)) }},
			{"SelectAbove ids", keep, func() { simd.SelectAbove(u(18), f(19), f(3), 0, 0) }},
			{"SelectAbove dst", keep, func() { simd.SelectAbove(u(19), f(18), f(3), 0, 0) }},
			{"DotAbove n", count, func() { simd.DotAbove(u(40), f(40), f(4), f(8), 4, -1, 0, 0) }},
			{"DotAbove rows", rows, func() { simd.DotAbove(u(40), f(40), f(4), f(8), 4, 3, 0, 0) }},
			{"DotAbove ids", keep, func() { simd.DotAbove(u(17), f(40), f(4), f(8), 4, 2, 0, 0) }},
			{"DotInt8", lengths, func() { simd.DotInt8(i8(3), u8(4)) }},
			{"DotInt8Batch stride", stride, func() { simd.DotInt8Batch(i32(2), i8(4), u8(8), 3) }},
			{"DotInt8Batch rows", rows, func() { simd.DotInt8Batch(i32(2), i8(64), u8(127), 64) }},
			{"DotInt8Gather id", id, func() { simd.DotInt8Gather(i32(30), i8(64), u8(127), 64, many(30, 1)) }},
			{"DotInt8Gather out", out, func() { simd.DotInt8Gather(i32(3), i8(64), u8(127), 64, u(4)) }},
			{"DotInt8Above ids", keep, func() { simd.DotInt8Above(u(17), i32(40), i8(4), u8(8), 4, 2, 0, 0) }},
			{"DotInt8Above n", count, func() { simd.DotInt8Above(u(17), i32(40), i8(4), u8(8), 4, -2, 0, 0) }},
		} {
			if got := panics(c.f); got != c.want {
				t.Errorf("%s: panic %v, want %q", c.name, got, c.want)
			}
		}
		// A stride that no slice has is fine for a single row.
		simd.DotGather(f(1), f(4), f(4), math.MaxInt, u(1))
		simd.DotBatch(f(1), f(4), f(4), math.MaxInt)
	})
}

// TestCallsAreShort: what one call into assembly reads is bounded, so that a goroutine is not
// kept from preemption, and cutting work in pieces goes through all of it in whole blocks.
func TestCallsAreShort(t *testing.T) {
	for _, cut := range []func(n, bytes int) int{simd.RowsPerCall, simd.RowsPerGather} {
		for bytes := 1; bytes <= 16384; bytes = bytes*5/4 + 1 {
			for _, n := range []int{1, 7, 8, 9, 100, 1000, 1 << 16} {
				got := cut(n, bytes)
				if got < 1 || got > n || got < n && got%8 != 0 || got > 8 && got*bytes > simd.CallBytes || got > simd.CallBytes/8 {
					t.Fatalf("%d rows of %d bytes: the first call takes %d", n, bytes, got)
				}
			}
		}
	}
}

func TestNothingIsAllocated(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	eachTier(t, func(t *testing.T) {
		n := testing.AllocsPerRun(20, func() {
			// Arrays of the caller must stay on its stack.
			var q, out [64]float32
			var rows [256]float32
			var ids, keep [40]uint32
			var scores [40]float32
			var q8 [64]int8
			var rows8 [256]uint8
			var out8 [40]int32
			simd.DotBatch(out[:4], q[:], rows[:], 64)
			simd.L2SqBatch(out[:4], q[:], rows[:], 64)
			simd.DotGather(out[:4], q[:], rows[:], 64, ids[:4])
			simd.L2SqGather(out[:4], q[:], rows[:], 64, ids[:4])
			out[0] = simd.Dot(q[:], rows[:64]) + simd.L2Sq(q[:], rows[:64])
			simd.CosineSums(q[:], rows[:64])
			simd.SelectAbove(keep[:], scores[:], out[:20], 0, 0)
			simd.DotAbove(keep[:], scores[:], q[:], rows[:], 64, 4, 0, 0)
			simd.DotInt8(q8[:], rows8[:64])
			simd.DotInt8Batch(out8[:4], q8[:], rows8[:], 64)
			simd.DotInt8Gather(out8[:4], q8[:], rows8[:], 64, ids[:4])
			simd.DotInt8Above(keep[:], out8[:], q8[:], rows8[:], 64, 4, 0, 0)
		})
		if n != 0 {
			t.Errorf("%v allocations, want none", n)
		}
	})
}

// FuzzShapes calls every kernel with shapes from the input: each returns or panics with one
// of the messages, and all tiers agree to the bit.
func FuzzShapes(f *testing.F) {
	f.Add(uint64(1), 3, 64, 64, 1000)
	f.Add(uint64(2), 9, 17, 18, 150)
	f.Add(uint64(3), 33, 300, 310, 9000)
	f.Fuzz(func(t *testing.T, seed uint64, n, d, stride, size int) {
		n, d, size = n&63, d&1023, size&0xffff
		r := rand.New(rand.NewPCG(seed, 1))
		q, rows := drawn(r, d, fills[int(seed%6)].draw), drawn(r, size, fills[int(seed%6)].draw)
		q8, _ := codes(r, d)
		_, rows8 := codes(r, size)
		ids := make([]uint32, n)
		for i := range ids {
			ids[i] = uint32(r.IntN(n + 1))
		}
		var first [6][]float32
		for k, tier := range simd.Available() {
			simd.Use(t, tier)
			var got [6][]float32
			got[0] = attempt(t, n, func(out []float32) { simd.DotBatch(out, q, rows, stride) })
			got[1] = attempt(t, n, func(out []float32) { simd.L2SqBatch(out, q, rows, stride) })
			got[2] = attempt(t, n, func(out []float32) { simd.DotGather(out, q, rows, stride, ids) })
			got[3] = attempt(t, n, func(out []float32) { simd.L2SqGather(out, q, rows, stride, ids) })
			exact := func(f func(out []int32)) []float32 {
				return attempt(t, n, func(out []float32) {
					sums := make([]int32, n)
					f(sums)
					for i, s := range sums {
						out[i] = math.Float32frombits(uint32(s))
					}
				})
			}
			got[4] = exact(func(out []int32) { simd.DotInt8Batch(out, q8, rows8, stride) })
			got[5] = exact(func(out []int32) { simd.DotInt8Gather(out, q8, rows8, stride, ids) })
			if k == 0 {
				first = got
			}
			for j := range got {
				if (got[j] == nil) != (first[j] == nil) {
					t.Fatalf("kernel %d, n=%d d=%d stride=%d size=%d: %v and %v do not agree on the shape", j, n, d, stride, size, simd.Available()[0], tier)
				}
				for i := range got[j] {
					if !sameFloat(got[j][i], first[j][i]) {
						t.Fatalf("kernel %d, n=%d d=%d stride=%d: place %d is %x on %v, %x on %v", j, n, d, stride, i, first[j][i], simd.Available()[0], got[j][i], tier)
					}
				}
			}
		}
	})
}

// attempt returns what f fills in, nil if it panics with a message of the package.
func attempt(t *testing.T, n int, f func(out []float32)) (out []float32) {
	out = make([]float32, n)
	if message := panics(func() { f(out) }); message != nil {
		if s, ok := message.(string); !ok || len(s) < 6 || s[:6] != "simd: " {
			t.Fatalf("panic: %v", message)
		}
		return nil
	}
	return out
}
