package simd

import (
	"math"

	"github.com/viterin/vek/vek32"
)

// This file is all that the module takes from vek: element-wise work and extremes, which are
// exact, so that its AVX2 loops give the bits of the loops in Go that take over elsewhere
// (under PureGo, and within vek where a processor has no AVX2). Its sums depend on the
// length of a register (see Sum), and its exp, log, sqrt, division, norms, cosines and
// matrix product are inexact, or wrong far from 1: they have kernels of their own here or
// are not needed.
//
// vek works on a whole slice in one call, which cannot be preempted; it gets 8,192 elements
// at a time here.
const vekChunk = 8192

// Add computes y[i] += x[i]. It panics if the lengths differ. x must not overlap y.
func Add(y, x []float32) {
	if len(x) != len(y) {
		panic(errLengths)
	}
	if tier == PureGo {
		for i, v := range x {
			y[i] += v
		}
		return
	}
	for ; len(y) > 0; y, x = y[chunk(y):], x[chunk(x):] {
		vek32.Add_Inplace(y[:chunk(y)], x[:chunk(x)])
	}
}

// Sub computes y[i] -= x[i], with the rules of [Add].
func Sub(y, x []float32) {
	if len(x) != len(y) {
		panic(errLengths)
	}
	if tier == PureGo {
		for i, v := range x {
			y[i] -= v
		}
		return
	}
	for ; len(y) > 0; y, x = y[chunk(y):], x[chunk(x):] {
		vek32.Sub_Inplace(y[:chunk(y)], x[:chunk(x)])
	}
}

// Mul computes y[i] *= x[i], with the rules of [Add].
func Mul(y, x []float32) {
	if len(x) != len(y) {
		panic(errLengths)
	}
	if tier == PureGo {
		for i, v := range x {
			y[i] *= v
		}
		return
	}
	for ; len(y) > 0; y, x = y[chunk(y):], x[chunk(x):] {
		vek32.Mul_Inplace(y[:chunk(y)], x[:chunk(x)])
	}
}

func chunk(x []float32) int { return min(len(x), vekChunk) }

func maxGeneric(x []float32) float32 {
	top := float32(math.Inf(-1))
	for _, v := range x {
		top = max(top, v)
	}
	return top
}

func minGeneric(x []float32) float32 {
	low := float32(math.Inf(1))
	for _, v := range x {
		low = min(low, v)
	}
	return low
}

// Max returns the largest element of x, -Inf if there is none. The result is undefined if an
// element is NaN, as is the sign of a zero.
func Max(x []float32) float32 {
	if tier == PureGo {
		return maxGeneric(x)
	}
	top := float32(math.Inf(-1))
	for ; len(x) > 0; x = x[chunk(x):] {
		part := vek32.Max(x[:chunk(x)])
		if part == -math.MaxFloat32 { // what vek gives for infinities alone
			part = maxGeneric(x[:chunk(x)])
		}
		top = max(top, part)
	}
	return top
}

// Min returns the smallest element of x, +Inf if there is none. The result is undefined if
// an element is NaN, as is the sign of a zero.
func Min(x []float32) float32 {
	if tier == PureGo {
		return minGeneric(x)
	}
	low := float32(math.Inf(1))
	for ; len(x) > 0; x = x[chunk(x):] {
		part := vek32.Min(x[:chunk(x)])
		if part == math.MaxFloat32 { // what vek gives for infinities alone
			part = minGeneric(x[:chunk(x)])
		}
		low = min(low, part)
	}
	return low
}

// ArgMax returns the index of the largest element of x, the first one of equals, -1 if there
// is none. The result is undefined, but in range, if an element is NaN.
func ArgMax(x []float32) int {
	best, top := -1, float32(0)
	if tier == PureGo {
		for i, v := range x {
			if best < 0 || v > top {
				best, top = i, v
			}
		}
		return best
	}
	for from := 0; from < len(x); from += vekChunk {
		part := x[from:min(from+vekChunk, len(x))]
		i := max(vek32.ArgMax(part), 0) // -1 for infinities alone, and for some NaN
		if best < 0 || part[i] > top {
			best, top = from+i, part[i]
		}
	}
	return best
}
