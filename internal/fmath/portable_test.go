package fmath_test

import (
	"math"
	"testing"

	"github.com/recsyskit/recsys/internal/fmath"
	"github.com/recsyskit/recsys/internal/fusetest"
)

func TestSameBitsOnEveryTarget(t *testing.T) {
	if len(golden) < 50 {
		t.Fatalf("only %d values", len(golden))
	}
	byName := map[string]func(float64) float64{}
	for _, fn := range functions {
		byName[fn.name] = fn.f
	}
	for _, g := range golden {
		if got := math.Float64bits(byName[g.name](g.x)); got != g.bits {
			t.Errorf("%s(%v) has the bits %#016x; want %#016x", g.name, g.x, got, g.bits)
		}
	}
}

func TestPowHasTheSameBitsOnEveryTarget(t *testing.T) {
	for _, g := range goldenPow {
		if got := math.Float64bits(fmath.Pow(g.x, g.y)); got != g.bits {
			t.Errorf("Pow(%v, %v) has the bits %#016x; want %#016x", g.x, g.y, got, g.bits)
		}
	}
}

// golden was written on linux/amd64 by this package, which the tests against 200-bit
// arithmetic hold to one unit in the last place. A difference of one bit elsewhere is a
// bug: scores and propensities that were logged there could not be replayed.
var golden = []struct {
	name string
	x    float64
	bits uint64
}{
	{"Exp", -700.5, 0x00c4ff475c68ca02},
	{"Exp", -37.25, 0x3c93278bcd70e981},
	{"Exp", -0.3333333333333333, 0x3fe6edd3122f2ea5},
	{"Exp", -1e-05, 0x3fefffeb07515653},
	{"Exp", 1e-300, 0x3ff0000000000000},
	{"Exp", 1e-09, 0x3ff000000044b830},
	{"Exp", 0.1, 0x3ff1aec7b35a00d4},
	{"Exp", 0.7, 0x40001c2a61268987},
	{"Exp", 1.1, 0x400808883244d593},
	{"Exp", 2.718281828459045, 0x402e4efb75e4527a},
	{"Exp", 10.3, 0x40dd09279b492870},
	{"Exp", 123.456, 0x4b11428e1cbc0143},
	{"Exp", 700.125, 0x7f10c24ed83b8e53},
	{"Expm1", -700.5, 0xbff0000000000000},
	{"Expm1", -37.25, 0xbfefffffffffffff},
	{"Expm1", -0.3333333333333333, 0xbfd22459dba1a2b6},
	{"Expm1", -1e-05, 0xbee4f8aea9acf2c9},
	{"Expm1", 1e-300, 0x01a56e1fc2f8f359},
	{"Expm1", 1e-09, 0x3e112e0be84bbb51},
	{"Expm1", 0.1, 0x3fbaec7b35a00d3a},
	{"Expm1", 0.7, 0x3ff03854c24d130d},
	{"Expm1", 1.1, 0x400008883244d593},
	{"Expm1", 2.718281828459045, 0x402c4efb75e4527a},
	{"Expm1", 10.3, 0x40dd08e79b492870},
	{"Expm1", 123.456, 0x4b11428e1cbc0143},
	{"Expm1", 700.125, 0x7f10c24ed83b8e53},
	{"Log", 1e-300, 0xc085963447f87fb5},
	{"Log", 1e-09, 0xc034b927f32bffb8},
	{"Log", 0.1, 0xc0026bb1bbb55515},
	{"Log", 0.7, 0xbfd6d3c324e13f50},
	{"Log", 1.1, 0x3fb8663f793c46cc},
	{"Log", 2.718281828459045, 0x3ff0000000000000},
	{"Log", 10.3, 0x4002a83b0efcd2c2},
	{"Log", 123.456, 0x401343774f3e2362},
	{"Log", 700.125, 0x401a347d35e9d283},
	{"Log1p", -0.3333333333333333, 0xbfd9f323ecbf984c},
	{"Log1p", -1e-05, 0xbee4f8bc681e6006},
	{"Log1p", 1e-300, 0x01a56e1fc2f8f359},
	{"Log1p", 1e-09, 0x3e112e0be801f1d9},
	{"Log1p", 0.1, 0x3fb8663f793c46c7},
	{"Log1p", 0.7, 0x3fe0fae81914a991},
	{"Log1p", 1.1, 0x3fe7bdf362e9666e},
	{"Log1p", 2.718281828459045, 0x3ff5031eafefb049},
	{"Log1p", 10.3, 0x400365fef8b1b1a2},
	{"Log1p", 123.456, 0x40134bba22cd5df5},
	{"Log1p", 700.125, 0x401a35f35e36b282},
	{"Sigmoid", -700.5, 0x00c4ff475c68ca02},
	{"Sigmoid", -37.25, 0x3c93278bcd70e981},
	{"Sigmoid", -0.3333333333333333, 0x3fdab72b73e7b47b},
	{"Sigmoid", -1e-05, 0x3fdffff583a53b8e},
	{"Sigmoid", 1e-300, 0x3fe0000000000000},
	{"Sigmoid", 1e-09, 0x3fe0000000225c18},
	{"Sigmoid", 0.1, 0x3fe0cca12729afb8},
	{"Sigmoid", 0.7, 0x3fe561cb52a19476},
	{"Sigmoid", 1.1, 0x3fe802217b20c902},
	{"Sigmoid", 2.718281828459045, 0x3fee04e3a60de19c},
	{"Sigmoid", 10.3, 0x3fefffb977fa0f2f},
	{"Sigmoid", 123.456, 0x3ff0000000000000},
	{"Sigmoid", 700.125, 0x3ff0000000000000},
	{"Softplus", -700.5, 0x00c4ff475c68ca02},
	{"Softplus", -37.25, 0x3c93278bcd70e981},
	{"Softplus", -0.3333333333333333, 0x3fe14a2eeaa4665b},
	{"Softplus", -1e-05, 0x3fe62e3882a12d4b},
	{"Softplus", 1e-300, 0x3fe62e42fefa39ef},
	{"Softplus", 1e-09, 0x3fe62e42ff3ef21f},
	{"Softplus", 0.1, 0x3fe7d218f1c8904f},
	{"Softplus", 0.7, 0x3ff1a6a66a15dd2e},
	{"Softplus", 1.1, 0x3ff63286869f4d04},
	{"Softplus", 2.718281828459045, 0x400641e9a60f89f2},
	{"Softplus", 10.3, 0x4024999e021ed459},
	{"Softplus", 123.456, 0x405edd2f1a9fbe77},
	{"Softplus", 700.125, 0x4085e10000000000},
}

// goldenPow is as golden.
var goldenPow = []struct {
	x, y float64
	bits uint64
}{
	{0.3, 0.7, 0x3fdb8d809c615f41},
	{2, 0.5, 0x3ff6a09e667f3bcc},
	{10, -3.25, 0x3f426d42cce9b24c},
	{1.0000001, 1e+09, 0x48f349445c228792},
	{123.456, 7.5, 0x4331412532898d74},
	{1e-10, 0.229, 0x3f7501bdcb75ba46},
	{7, 100, 0x517aa3b2c5319d5e},
	{0.999, -10000, 0x40d59e3ca8160032},
}

func TestCompilerFusesNothing(t *testing.T) { fusetest.None(t) }
