package simd_test

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/viterin/vek/vek32"
	"golang.org/x/sys/unix"

	"github.com/recsyskit/recsys/internal/simd"
)

// cpuTime returns the processor time of this thread in nanoseconds.
func cpuTime() int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		panic(err)
	}
	return t.Nano()
}

// duel runs ours and a peer's code for the same work in turn, so that both meet the same
// clock rate and neighbours, and reports the median processor time of each per unit (there
// are units in one call of each) and the median of their ratio.
func duel(b *testing.B, unit, peer string, units int, ours, theirs func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ours()
	theirs()
	calls := 1 // per measurement, so that it takes 50 µs at least
	for {
		start := cpuTime()
		for range calls {
			ours()
		}
		if cpuTime()-start > 50e3 {
			break
		}
		calls *= 2
	}
	measure := func(f func()) float64 {
		start := cpuTime()
		for range calls {
			f()
		}
		return float64(cpuTime()-start) / float64(calls*units)
	}
	var own, other, ratio []float64
	for b.Loop() {
		o, t := measure(ours), measure(theirs)
		own, other, ratio = append(own, o), append(other, t), append(ratio, t/o)
	}
	median := func(v []float64) float64 {
		slices.Sort(v)
		return v[len(v)/2]
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(own), "ns/"+unit)
	b.ReportMetric(median(other), peer+"-ns/"+unit)
	b.ReportMetric(median(ratio), "x-"+peer)
}

// sizes of the rows that a benchmark goes through: half a second level cache of 1 MiB, and
// many times the third.
var benchSizes = []struct {
	name  string
	bytes int
}{{"L2", 512 << 10}, {"DRAM", 256 << 20}}

var benchSink float32

func BenchmarkDot(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, d := range []int{1, 2, 4, 7, 8, 15, 16, 24, 31, 32, 33, 48, 63, 64, 65, 96, 100, 127, 128, 160, 192, 224, 255, 256, 320, 384, 512, 640, 768, 896, 1024} {
		b.Run(benchName("d=%d", d), func(b *testing.B) {
			const n = 32
			q, rows := normals(r, d), normals(r, n*d)
			duel(b, "dot", "vek", n, func() {
				for i := range n {
					benchSink += simd.Dot(q, rows[i*d:i*d+d])
				}
			}, func() {
				for i := range n {
					benchSink += vek32.Dot(q, rows[i*d:i*d+d])
				}
			})
		})
	}
}

func BenchmarkDotBatch(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, size := range benchSizes {
		for _, d := range []int{16, 32, 64, 128, 768} {
			n := size.bytes / 4 / d
			b.Run(benchName("cache=%s/d=%d", size.name, d), func(b *testing.B) {
				q, rows, out := normals(r, d), benchRows(size.bytes/4), make([]float32, n)
				duel(b, "row", "vek", n, func() { simd.DotBatch(out, q, rows, d) }, func() {
					for i := range out {
						out[i] = vek32.Dot(q, rows[i*d:i*d+d])
					}
				})
			})
		}
	}
}

// BenchmarkStream compares a scan of rows in main memory with reading them to add them up.
// A ratio of 0.9 is 90 % of the bandwidth of reading.
func BenchmarkStream(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	const bytes = 256 << 20
	for _, d := range []int{16, 64, 128, 768} {
		n := bytes / 4 / d
		q, rows := normals(r, d), benchRows(bytes/4)
		ids, scores := make([]uint32, n+16), make([]float32, n+16)
		read := func() {
			for at := 0; at < len(rows); at += 1 << 14 {
				benchSink += vek32.Sum(rows[at : at+1<<14])
			}
		}
		b.Run(benchName("kernel=DotBatch/d=%d", d), func(b *testing.B) {
			duel(b, "row", "sum", n, func() { simd.DotBatch(scores[:n], q, rows, d) }, read)
		})
		b.Run(benchName("kernel=DotAbove/d=%d", d), func(b *testing.B) {
			duel(b, "row", "sum", n, func() { simd.DotAbove(ids, scores, q, rows, d, n, 1e9, 0) }, read)
		})
	}
}

func BenchmarkDotGather(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, size := range benchSizes {
		for _, d := range []int{16, 32, 64, 128, 768} {
			for _, m := range []int{4, 32} {
				n := size.bytes / 4 / d
				b.Run(benchName("cache=%s/d=%d/ids=%d", size.name, d, m), func(b *testing.B) {
					q, rows, out := normals(r, d), benchRows(size.bytes/4), make([]float32, m)
					const lists = 64
					ids := make([][lists][]uint32, 64) // other rows every time
					for i := range ids {
						for j := range ids[i] {
							ids[i][j] = make([]uint32, m)
							for k := range ids[i][j] {
								ids[i][j][k] = uint32(r.IntN(n))
							}
						}
					}
					at := 0
					next := func() [lists][]uint32 {
						at = (at + 1) % len(ids)
						return ids[at]
					}
					duel(b, "row", "vek", lists*m, func() {
						for _, list := range next() {
							simd.DotGather(out, q, rows, d, list)
						}
					}, func() {
						for _, list := range next() {
							for k, id := range list {
								out[k] = vek32.Dot(q, rows[int(id)*d:int(id)*d+d])
							}
						}
					})
				})
			}
		}
	}
}

// BenchmarkDotInt8 compares int8 with the same kernel in float32, for as many rows.
func BenchmarkDotInt8(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, d := range []int{32, 64, 100, 128, 256, 768} {
		n := 512 << 10 / 4 / d
		q, rows, out := normals(r, d), benchRows(n*d), make([]float32, n)
		q8, _ := codes(r, d)
		_, rows8 := codes(r, n*d)
		out8 := make([]int32, n)
		b.Run(benchName("kernel=Batch/d=%d", d), func(b *testing.B) {
			duel(b, "row", "float", n, func() { simd.DotInt8Batch(out8, q8, rows8, d) }, func() { simd.DotBatch(out, q, rows, d) })
		})
		for _, m := range []int{4, 8, 32} {
			b.Run(benchName("kernel=Gather/d=%d/ids=%d", d, m), func(b *testing.B) {
				const lists = 256
				ids := make([]uint32, m*lists)
				for i := range ids {
					ids[i] = uint32(r.IntN(n))
				}
				duel(b, "row", "float", len(ids), func() {
					for at := 0; at < len(ids); at += m {
						simd.DotInt8Gather(out8, q8, rows8, d, ids[at:at+m])
					}
				}, func() {
					for at := 0; at < len(ids); at += m {
						simd.DotGather(out, q, rows, d, ids[at:at+m])
					}
				})
			})
		}
	}
}

func BenchmarkSelectAbove(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	const n = 4096
	scores := normals(r, n)
	ids, dst := make([]uint32, n+16), make([]float32, n+16)
	for _, threshold := range []float32{-10, 0, 2, 10} {
		b.Run(benchName("threshold=%v", threshold), func(b *testing.B) {
			duel(b, "score", "loop", n, func() { simd.SelectAbove(ids, dst, scores, threshold, 0) }, func() {
				kept := 0
				for i, s := range scores {
					if s > threshold {
						ids[kept], dst[kept] = uint32(i), s
						kept++
					}
				}
			})
		})
	}
}

// benchRows returns n numbers that cost little to draw.
func benchRows(n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(uint32(i)*2654435761>>22)/512 - 1
	}
	return v
}
