package simd_test

import (
	"syscall"
	"testing"
	"unsafe"

	"github.com/recsyskit/recsys/internal/simd"
)

// fenced returns size bytes between two pages that cannot be touched.
func fenced(t *testing.T, size int) []byte {
	t.Helper()
	page := syscall.Getpagesize()
	size = (size + page - 1) / page * page
	mem, err := syscall.Mmap(-1, 0, size+2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Munmap(mem) })
	for _, fence := range [][]byte{mem[:page], mem[page+size:]} {
		if err := syscall.Mprotect(fence, syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	return mem[page : page+size]
}

// place returns n elements at the end or at the start of the memory.
func place[T any](mem []byte, n int, end bool) []T {
	var zero T
	all := unsafe.Slice((*T)(unsafe.Pointer(&mem[0])), len(mem)/int(unsafe.Sizeof(zero)))
	if end {
		return all[len(all)-n:]
	}
	return all[:n]
}

// TestNothingIsReadOutside puts each slice at the edge of a page that cannot be touched: a
// byte read or written outside ends the program.
func TestNothingIsReadOutside(t *testing.T) {
	a, b, c := fenced(t, 1<<16), fenced(t, 1<<18), fenced(t, 1<<16)
	ds := []int{200, 255, 256, 257, 271, 272, 273, 287, 288, 300, 1000}
	for d := range 147 {
		ds = append(ds, d)
	}
	eachTier(t, func(t *testing.T) {
		for _, end := range []bool{true, false} {
			for _, d := range ds {
				q := place[float32](a, d, end)
				simd.Dot(q, place[float32](b, d, end))
				simd.L2Sq(place[float32](b, d, end), q)
				simd.CosineSums(q, place[float32](b, d, end))
				q8 := place[int8](a, d, end)
				simd.DotInt8(q8, place[uint8](b, d, end))
				for n := range 20 {
					stride := d + n%3
					size := 0
					if n > 0 {
						size = (n-1)*stride + d
					}
					ids := make([]uint32, n)
					for i := range ids {
						ids[i] = uint32(n - 1 - i/2)
					}
					out, out8 := place[float32](c, n, end), place[int32](c, n, end)
					rows, rows8 := place[float32](b, size, end), place[uint8](b, size, end)
					simd.DotBatch(out, q, rows, stride)
					simd.L2SqBatch(out, q, rows, stride)
					simd.DotGather(out, q, rows, stride, ids)
					simd.L2SqGather(out, q, rows, stride, ids)
					simd.DotInt8Batch(out8, q8, rows8, stride)
					simd.DotInt8Gather(out8, q8, rows8, stride, ids)
					kept := make([]uint32, n+16)
					simd.DotAbove(kept, place[float32](c, n+16, end), q, rows, stride, n, -1, 0)
					simd.DotInt8Above(kept, place[int32](c, n+16, end), q8, rows8, stride, n, -1, 0)
				}
				kept := make([]uint32, d+16)
				simd.SelectAbove(kept, place[float32](c, d+16, end), place[float32](b, d, end), -1, 0)
				simd.DotGather(make([]float32, d), q[:min(d, 1)], q, 1, place[uint32](c, min(d, 1), end))
			}
			for n := range 40 { // ids at the edge
				ids := place[uint32](c, n, end)
				clear(ids)
				simd.DotGather(make([]float32, n), make([]float32, 16), make([]float32, 16), 16, ids)
				simd.DotInt8Gather(make([]int32, n), make([]int8, 16), make([]uint8, 16), 16, ids)
				simd.DotAbove(place[uint32](c, n+16, end), make([]float32, n+16), nil, nil, 0, n, -1, 0)
			}
		}
	})
}
