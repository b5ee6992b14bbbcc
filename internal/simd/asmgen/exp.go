package main

import "math"

// expFamily writes e**x and the logistic function, in float64 within, see exp64.
func expFamily() []*File {
	f := NewFile("exp", "amd64")
	e := &expKernels{f: f}
	// Each constant fills a YMM register; AVX-512 broadcasts its first element.
	var words []uint32
	for _, v := range expConstants {
		b := math.Float64bits(v)
		for range 4 {
			words = append(words, uint32(b), uint32(b>>32))
		}
	}
	e.constants = f.Data("expConstants", words...)
	e.tail = f.Data("expTail", append(repeat(8, 0xffffffff), repeat(8, 0)...)...)
	e.kernel512("expAVX512", false)
	e.kernel512("sigmoidAVX512", true)
	e.kernel2("expAVX2", false)
	e.kernel2("sigmoidAVX2", true)
	return []*File{f}
}

// The constants of exp64, in the order of the names below.
var expConstants = []float64{
	105, -105, 0x1.71547652b82fep+0, -0x1.62e42fefa39efp-1, 0x1.8p52,
	0x1.ffffffffabbcep-1, 0x1.000000010b491p+0, 0x1.00000059cbc23p-1, 0x1.5555534404420p-3,
	0x1.555468719a846p-5, 0x1.1112fa2a3d018p-7, 0x1.6da4ac7ff7763p-10, 0x1.9eb726c272445p-13,
	1, math.Copysign(0, -1),
}

const (
	expMax = iota
	expMin
	expLog2e
	expNegLn2
	expRound
	expC0
	expOne  = expC0 + 8
	expSign = expOne + 1
)

type expKernels struct {
	f               *File
	constants, tail Sym
}

func (e *expKernels) start(name string, sigmoid bool) *Func {
	if sigmoid {
		return e.f.Func(name, name+" computes dst[i] = 1 / (1 + e**-x[i]).", "dst *float32, x *float32, n int", "")
	}
	return e.f.Func(name, name+" computes dst[i] = e**(x[i]-shift).", "dst *float32, x *float32, n int, shift float64", "")
}

// kernel512 computes 16 elements at a time, 8 each in two registers.
func (e *expKernels) kernel512(name string, sigmoid bool) {
	fn := e.start(name, sigmoid)
	c := func(i int) Z { return Z(16 + i) }
	for i := range expConstants {
		fn.Op("VBROADCASTSD", e.constants.At(32*i), c(i))
	}
	if !sigmoid {
		fn.Op("VBROADCASTSD", fn.Arg("shift"), c(expSign))
	}
	fn.Op("MOVQ", fn.Arg("dst"), DI)
	fn.Op("MOVQ", fn.Arg("x"), SI)
	fn.Op("MOVQ", fn.Arg("n"), CX)
	body := func() {
		fn.Op("VEXTRACTF32X8", Imm(1), Z(0), Y(1))
		xs, ts, ps := []Z{0, 1}, []Z{2, 3}, []Z{4, 5}
		each := func(op func(x, t, p Z)) {
			for i := range xs {
				op(xs[i], ts[i], ps[i])
			}
		}
		fn.Op("VCVTPS2PD", Y(1), Z(1))
		fn.Op("VCVTPS2PD", Y(0), Z(0))
		each(func(x, t, p Z) {
			if sigmoid {
				fn.Op("VXORPD", c(expSign), x, x)
			} else {
				fn.Op("VSUBPD", c(expSign), x, x)
			}
		})
		// The second source comes through if one of the two is NaN.
		each(func(x, t, p Z) { fn.Op("VMINPD", x, c(expMax), x) })
		each(func(x, t, p Z) { fn.Op("VMAXPD", x, c(expMin), x) })
		each(func(x, t, p Z) { fn.Op("VMOVAPD", c(expRound), t) })
		each(func(x, t, p Z) { fn.Op("VFMADD231PD", c(expLog2e), x, t) })
		each(func(x, t, p Z) { fn.Op("VSUBPD", c(expRound), t, p) })
		each(func(x, t, p Z) { fn.Op("VFMADD231PD", c(expNegLn2), p, x) })
		each(func(x, t, p Z) { fn.Op("VMOVAPD", c(expC0+7), p) })
		for i := 6; i >= 0; i-- {
			each(func(x, t, p Z) { fn.Op("VFMADD213PD", c(expC0+i), x, p) })
		}
		each(func(x, t, p Z) { fn.Op("VPSLLQ", Imm(52), t, t) })
		each(func(x, t, p Z) { fn.Op("VPADDQ", t, p, p) })
		if sigmoid {
			each(func(x, t, p Z) { fn.Op("VADDPD", c(expOne), p, p) })
			each(func(x, t, p Z) { fn.Op("VDIVPD", p, c(expOne), p) })
		}
		fn.Op("VCVTPD2PS", Z(4), Y(4))
		fn.Op("VCVTPD2PS", Z(5), Y(5))
		fn.Op("VINSERTF32X8", Imm(1), Y(5), Z(4), Z(0))
	}
	loop, tail, end := fn.Label("loop"), fn.Label("tail"), fn.Label("end")
	fn.Op("SUBQ", Imm(16), CX)
	fn.Op("JLT", tail)
	fn.Place(loop)
	fn.Op("VMOVUPS", Ptr(SI, 0), Z(0))
	body()
	fn.Op("VMOVUPS", Z(0), Ptr(DI, 0))
	fn.Op("ADDQ", Imm(64), SI)
	fn.Op("ADDQ", Imm(64), DI)
	fn.Op("SUBQ", Imm(16), CX)
	fn.Op("JGE", loop)
	fn.Place(tail)
	fn.Op("ADDQ", Imm(16), CX)
	fn.Op("JEQ", end)
	lowMask(fn, CX, AX, K(1))
	fn.Op("VMOVUPS.Z", Ptr(SI, 0), K(1), Z(0))
	body()
	fn.Op("VMOVUPS", Z(0), K(1), Ptr(DI, 0))
	fn.Place(end)
	fn.Ret()
}

// maskTail2 sets mask to the low CX lanes, CX in 0 to 8, from a table of 8 words of ones
// and 8 of zeros. It takes AX and CX.
func maskTail2(fn *Func, table Sym, mask Y) {
	fn.Op("LEAQ", table.At(32), AX)
	fn.Op("SHLQ", Imm(2), CX)
	fn.Op("SUBQ", CX, AX)
	fn.Op("VMOVDQU", Ptr(AX, 0), mask)
}

// kernel2 computes 8 elements at a time, 4 each in two registers.
func (e *expKernels) kernel2(name string, sigmoid bool) {
	fn := e.start(name, sigmoid)
	c := func(i int) Operand { return e.constants.At(32 * i) }
	const mask = Y(15)
	if sigmoid {
		fn.Op("VMOVUPD", c(expSign), Y(14))
	} else {
		fn.Op("VBROADCASTSD", fn.Arg("shift"), Y(14))
	}
	fn.Op("VMOVUPD", c(expMax), Y(13))
	fn.Op("VMOVUPD", c(expMin), Y(12))
	fn.Op("VMOVUPD", c(expRound), Y(11))
	fn.Op("VMOVUPD", c(expOne), Y(10))
	fn.Op("MOVQ", fn.Arg("dst"), DI)
	fn.Op("MOVQ", fn.Arg("x"), SI)
	fn.Op("MOVQ", fn.Arg("n"), CX)
	body := func() {
		fn.Op("VEXTRACTF128", Imm(1), Y(0), X(1))
		xs, ts, ps := []Y{0, 1}, []Y{2, 3}, []Y{4, 5}
		each := func(op func(x, t, p Y)) {
			for i := range xs {
				op(xs[i], ts[i], ps[i])
			}
		}
		fn.Op("VCVTPS2PD", X(1), Y(1))
		fn.Op("VCVTPS2PD", X(0), Y(0))
		each(func(x, t, p Y) {
			if sigmoid {
				fn.Op("VXORPD", Y(14), x, x)
			} else {
				fn.Op("VSUBPD", Y(14), x, x)
			}
		})
		each(func(x, t, p Y) { fn.Op("VMINPD", x, Y(13), x) })
		each(func(x, t, p Y) { fn.Op("VMAXPD", x, Y(12), x) })
		each(func(x, t, p Y) { fn.Op("VMOVAPD", Y(11), t) })
		each(func(x, t, p Y) { fn.Op("VFMADD231PD", c(expLog2e), x, t) })
		each(func(x, t, p Y) { fn.Op("VSUBPD", Y(11), t, p) })
		each(func(x, t, p Y) { fn.Op("VFMADD231PD", c(expNegLn2), p, x) })
		each(func(x, t, p Y) { fn.Op("VMOVUPD", c(expC0+7), p) })
		for i := 6; i >= 0; i-- {
			each(func(x, t, p Y) { fn.Op("VFMADD213PD", c(expC0+i), x, p) })
		}
		each(func(x, t, p Y) { fn.Op("VPSLLQ", Imm(52), t, t) })
		each(func(x, t, p Y) { fn.Op("VPADDQ", t, p, p) })
		if sigmoid {
			each(func(x, t, p Y) { fn.Op("VADDPD", Y(10), p, p) })
			each(func(x, t, p Y) { fn.Op("VDIVPD", p, Y(10), p) })
		}
		fn.Op("VCVTPD2PSY", Y(4), X(4))
		fn.Op("VCVTPD2PSY", Y(5), X(5))
		fn.Op("VINSERTF128", Imm(1), X(5), Y(4), Y(0))
	}
	loop, tail, end := fn.Label("loop"), fn.Label("tail"), fn.Label("end")
	fn.Op("SUBQ", Imm(8), CX)
	fn.Op("JLT", tail)
	fn.Place(loop)
	fn.Op("VMOVUPS", Ptr(SI, 0), Y(0))
	body()
	fn.Op("VMOVUPS", Y(0), Ptr(DI, 0))
	fn.Op("ADDQ", Imm(32), SI)
	fn.Op("ADDQ", Imm(32), DI)
	fn.Op("SUBQ", Imm(8), CX)
	fn.Op("JGE", loop)
	fn.Place(tail)
	fn.Op("ADDQ", Imm(8), CX)
	fn.Op("JEQ", end)
	maskTail2(fn, e.tail, mask)
	fn.Op("VMASKMOVPS", Ptr(SI, 0), mask, Y(0))
	body()
	fn.Op("VMASKMOVPS", Y(0), mask, Ptr(DI, 0))
	fn.Place(end)
	fn.Ret()
}
