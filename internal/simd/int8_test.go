package simd_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/recsyskit/recsys/internal/simd"
)

// codes draws an int8 vector as a query and its codes as rows; one in four is extreme.
func codes(r *rand.Rand, n int) ([]int8, []uint8) {
	v, c := make([]int8, n), make([]uint8, n)
	extreme := r.IntN(4) == 0
	for i := range v {
		v[i], c[i] = int8(r.IntN(256)-128), uint8(r.IntN(256))
		if extreme {
			v[i], c[i] = []int8{-128, 127}[r.IntN(2)], []uint8{0, 255}[r.IntN(2)]
		}
	}
	return v, c
}

func oracleInt8(q []int8, row []uint8) int32 {
	var s int64
	for i := range q {
		s += int64(q[i]) * (int64(row[i]) - 128)
	}
	return int32(s)
}

func TestInt8IsExact(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(5, 7))
		for _, d := range append(dims(), 32768, 65536, 65537, 65552, 100001, 131071) {
			for range 3 {
				q, _ := codes(r, d)
				_, row := codes(r, d)
				if got, want := simd.DotInt8(q, row), oracleInt8(q, row); got != want {
					t.Fatalf("DotInt8, d=%d: %d, want %d", d, got, want)
				}
			}
			if d > 20000 {
				continue
			}
			for n := range 41 {
				if d > 160 && n > 20 && n%7 != 0 || d > 400 && n > 10 && n%13 != 0 || d > 5000 && n > 3 || !worthwhile(d, n) {
					continue
				}
				checkInt8(t, r, d, n, d+[]int{0, 1, 3, 16}[r.IntN(4)])
			}
		}
		checkInt8(t, r, 64, 5000, 64)
		checkInt8(t, r, 128, 3000, 129)
	})
}

func checkInt8(t *testing.T, r *rand.Rand, d, n, stride int) {
	t.Helper()
	const guard = 12345
	q, _ := codes(r, d)
	size := 0
	if n > 0 {
		size = (n-1)*stride + d
	}
	_, rows := codes(r, size)
	want := make([]int32, n)
	for i := range want {
		want[i] = oracleInt8(q, rows[i*stride:i*stride+d])
	}
	buf := make([]int32, n+2)
	run := func(name string, fill func(out []int32), want func(i int) int32) {
		t.Helper()
		for i := range buf {
			buf[i] = guard
		}
		fill(buf[1 : n+1])
		if buf[0] != guard || buf[n+1] != guard {
			t.Fatalf("%s, d=%d n=%d: wrote beside out", name, d, n)
		}
		for i, got := range buf[1 : n+1] {
			if w := want(i); got != w {
				t.Fatalf("%s, d=%d n=%d stride=%d: out[%d] = %d, want %d", name, d, n, stride, i, got, w)
			}
		}
	}
	run("DotInt8Batch", func(out []int32) { simd.DotInt8Batch(out, q, rows, stride) }, func(i int) int32 { return want[i] })
	ids := make([]uint32, n)
	for i := range ids {
		ids[i] = uint32(r.IntN(n))
	}
	run("DotInt8Gather", func(out []int32) { simd.DotInt8Gather(out, q, rows, stride, ids) }, func(i int) int32 { return want[ids[i]] })
	for _, threshold := range []int32{math.MinInt32, -1, 0, 1000, math.MaxInt32} {
		gotIDs, got := make([]uint32, n+16), make([]int32, n+16)
		kept := simd.DotInt8Above(gotIDs, got, q, rows, stride, n, threshold, 1<<32-5)
		at := 0
		for i, s := range want {
			if s <= threshold {
				continue
			}
			if at >= kept || got[at] != s || gotIDs[at] != uint32(i)-5 {
				t.Fatalf("DotInt8Above, d=%d n=%d above %d: place %d of %d holds %d, %d; want %d, %d",
					d, n, threshold, at, kept, gotIDs[at], got[at], uint32(i)-5, s)
			}
			at++
		}
		if at != kept {
			t.Fatalf("DotInt8Above, d=%d n=%d above %d: kept %d, want %d", d, n, threshold, kept, at)
		}
	}
}
