package main

import (
	"fmt"

	"github.com/viterin/vek/vek32"

	"github.com/recsyskit/recsys/examples/bench/internal/lap"
	"github.com/recsyskit/recsys/internal/simd"
)

// Sizes of the data that a kernel reads: one stays in the second-level cache, the other
// does not fit in any.
const (
	inL2   = 256 << 10
	inDRAM = 512 << 20
)

func distanceEvents() []event {
	var all []event
	for _, d := range []int{16, 32, 64, 100, 128, 256, 768} {
		all = append(all, dotBatch(d, "L2", inL2))
	}
	all = append(all, dotBatch(64, "DRAM", inDRAM), dotBatch(128, "DRAM", inDRAM))
	for _, d := range []int{64, 128} {
		all = append(all, dotGather(d, "L2", inL2), dotGather(d, "DRAM", inDRAM), int8Batch(d), halfBatch(d))
	}
	for _, d := range []int{1, 2, 3, 4, 7, 8, 12, 15, 16, 17, 24, 31, 32, 33, 48, 63, 64, 65, 96, 100, 127, 128, 129, 192, 255, 256, 384, 512, 768, 1023, 1024} {
		all = append(all, single(d))
	}
	return all
}

// dotBatch is one query against consecutive rows.
func dotBatch(d int, where string, bytes int) event {
	n := bytes / (4 * d)
	return event{
		name:  fmt.Sprintf("dot batch/d=%d/%s", d, where),
		bytes: float64(4 * n * d),
		lanes: func(g *generator) []lap.Lane {
			rows, q, out := g.cheap(n*d), g.floats(d), make([]float32, n)
			lanes := []lap.Lane{
				{Name: "ours", Do: func() { simd.DotBatch(out, q, rows, d) }},
				{Name: "vek", Do: func() {
					for i := range out {
						out[i] = vek32.Dot(q, rows[i*d:(i+1)*d])
					}
				}},
			}
			if bytes == inDRAM {
				// The bandwidth that there is: a pass that only adds.
				lanes = append(lanes, lap.Lane{Name: "read", Do: func() { simd.Sum(rows) }})
			}
			return lanes
		},
	}
}

// dotGather is one query against 32 scattered rows.
func dotGather(d int, where string, bytes int) event {
	const rowsPerCall = 32
	n := bytes / (4 * d)
	return event{
		name:  fmt.Sprintf("dot gather/d=%d/%s", d, where),
		bytes: 4 * rowsPerCall * float64(d),
		lanes: func(g *generator) []lap.Lane {
			rows, q, out := g.cheap(n*d), g.floats(d), make([]float32, rowsPerCall)
			// Far more ids than a cache could remember, and each lane at another place.
			ids := g.ids(rowsPerCall<<14, n)
			next := func() func() []uint32 {
				at := g.r.IntN(1<<14) * rowsPerCall
				return func() []uint32 {
					at = (at + rowsPerCall) % len(ids)
					return ids[at : at+rowsPerCall]
				}
			}
			ours, vek := next(), next()
			return []lap.Lane{
				{Name: "ours", Do: func() { simd.DotGather(out, q, rows, d, ours()) }},
				{Name: "vek", Do: func() {
					for i, id := range vek() {
						out[i] = vek32.Dot(q, rows[int(id)*d:int(id+1)*d])
					}
				}},
			}
		},
	}
}

// int8Batch is one query against consecutive rows of codes; the rival is our own float kernel.
func int8Batch(d int) event {
	n := inL2 / (4 * d)
	return event{
		name:  fmt.Sprintf("int8 batch/d=%d/L2", d),
		bytes: float64(n * d),
		lanes: func(g *generator) []lap.Lane {
			rows, q, out := g.cheap(n*d), g.floats(d), make([]float32, n)
			codes, qc, sums := make([]uint8, n*d), make([]int8, d), make([]int32, n)
			for i := range codes {
				codes[i] = uint8(1 + g.r.IntN(255))
			}
			for i := range qc {
				qc[i] = int8(g.r.IntN(255) - 127)
			}
			return []lap.Lane{
				{Name: "ours", Do: func() { simd.DotInt8Batch(sums, qc, codes, d) }},
				{Name: "our float", Do: func() { simd.DotBatch(out, q, rows, d) }},
			}
		},
	}
}

// halfBatch is one query against consecutive rows of half the width; the rival is our own
// float kernel.
func halfBatch(d int) event {
	n := inL2 / (4 * d)
	return event{
		name:  fmt.Sprintf("bf16 batch/d=%d/L2", d),
		bytes: float64(2 * n * d),
		lanes: func(g *generator) []lap.Lane {
			rows, q, out := g.cheap(n*d), g.floats(d), make([]float32, n)
			bf16, f16 := make([]uint16, n*d), make([]uint16, n*d)
			simd.EncodeBF16(bf16, rows)
			simd.EncodeF16(f16, rows)
			return []lap.Lane{
				{Name: "ours", Do: func() { simd.DotBF16Batch(out, q, bf16, d) }},
				{Name: "our f16", Do: func() { simd.DotF16Batch(out, q, f16, d) }},
				{Name: "our float", Do: func() { simd.DotBatch(out, q, rows, d) }},
			}
		},
	}
}

// single is one product.
func single(d int) event {
	return event{
		name: fmt.Sprintf("dot/d=%d", d),
		lanes: func(g *generator) []lap.Lane {
			a, b := g.floats(d), g.floats(d)
			sink := make([]float32, 2)
			return []lap.Lane{
				{Name: "ours", Do: func() {
					for range 100 {
						sink[0] = simd.Dot(a, b)
					}
				}},
				{Name: "vek", Do: func() {
					for range 100 {
						sink[1] = vek32.Dot(a, b)
					}
				}},
			}
		},
	}
}
