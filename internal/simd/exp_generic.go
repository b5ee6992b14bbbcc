package simd

import "math"

// exp64 returns e**x with a relative error below 2^-34, for x in [-105, 105]; beyond, it
// returns the value at the end, which as a float32 is 0 or +Inf.
//
// With x = k ln2 + r, |r| <= ln2/2, e**x = 2^k e**r. Adding 1.5·2^52 rounds x/ln2 to the
// integer k and leaves k in the low bits, from where a shift takes it into the exponent.
// ln2 in one constant is good enough: k times its error is below 2^-46.
//
// Every operation is one instruction on every tier and rounds once, so that all give the
// same bits.
func exp64(x float64) float64 {
	if x > expMax {
		x = expMax
	}
	if x < expMin {
		x = expMin
	}
	t := math.FMA(x, expLog2e, expRound)
	k := t - expRound
	r := math.FMA(k, -expLn2, x)
	p := math.FMA(expC7, r, expC6)
	p = math.FMA(p, r, expC5)
	p = math.FMA(p, r, expC4)
	p = math.FMA(p, r, expC3)
	p = math.FMA(p, r, expC2)
	p = math.FMA(p, r, expC1)
	p = math.FMA(p, r, expC0)
	return math.Float64frombits(math.Float64bits(p) + math.Float64bits(t)<<52)
}

// The polynomial is the best one of degree 7 for the relative error on |r| <= ln2/2, by
// Remez' algorithm: the error is 2^-34.5.
const (
	expMax   = 105
	expMin   = -105
	expLog2e = 0x1.71547652b82fep+0
	expLn2   = 0x1.62e42fefa39efp-1
	expRound = 0x1.8p52
	expC0    = 0x1.ffffffffabbcep-1
	expC1    = 0x1.000000010b491p+0
	expC2    = 0x1.00000059cbc23p-1
	expC3    = 0x1.5555534404420p-3
	expC4    = 0x1.555468719a846p-5
	expC5    = 0x1.1112fa2a3d018p-7
	expC6    = 0x1.6da4ac7ff7763p-10
	expC7    = 0x1.9eb726c272445p-13
)

func expGeneric(dst, x []float32, shift float32) {
	dst = dst[:len(x)]
	for i, v := range x {
		dst[i] = float32(exp64(float64(v) - float64(shift)))
	}
}

func sigmoidGeneric(dst, x []float32) {
	dst = dst[:len(x)]
	for i, v := range x {
		dst[i] = float32(1 / (1 + exp64(-float64(v))))
	}
}
