package main

// bestCutFamily writes the kernels that find the best cut of a histogram: prefix sums in a
// register, their two halves turned into floating point, and the worth of as many cuts as
// there are lanes with one division. Each lane keeps its best.
func bestCutFamily() []*File {
	f := NewFile("bestcut", "amd64")
	bestCut512(f, f.Data("bestcutIota", 0, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0))
	bestCut2(f, f.Data("bestcutFew", append(repeat(8, ^uint32(0)), repeat(8, 0)...)...), f.Data("bestcutLanes", 0, 0, 1, 0, 2, 0, 3, 0))
	return []*File{f}
}

const (
	bestCutParams = "worth *float64, bins *int64, h *int64, n int, left int64, least int64, most int64, gt float64, ht float64, l2 float64"
	bestCutDoc    = " writes, for each lane, the largest worth of the cuts behind bins 0 < n < 256 that fall into it, -1 if none\nhas hessians from least to most on its left, and the first bin that has it."
)

// worthOf computes the worth of cuts: gl and hl are given, gt, ht and l2 are constants; the
// result is in num. All but gt, ht and l2 are clobbered.
func worthOf(fn *Func, v func(int) Operand, gl, hl, gr, hr, num, gt, ht, l2 int) {
	fn.Op("VSUBPD", v(gl), v(gt), v(gr))
	fn.Op("VSUBPD", v(hl), v(ht), v(hr))
	fn.Op("VADDPD", v(l2), v(hr), v(hr))
	fn.Op("VADDPD", v(l2), v(hl), v(hl))
	fn.Op("VMULPD", v(gl), v(gl), v(gl))
	fn.Op("VMULPD", v(gr), v(gr), v(gr))
	fn.Op("VMULPD", v(hr), v(gl), v(gl))
	fn.Op("VMULPD", v(hl), v(gr), v(gr))
	fn.Op("VADDPD", v(gr), v(gl), v(num))
	fn.Op("VMULPD", v(hr), v(hl), v(hl))
	fn.Op("VDIVPD", v(hl), v(num), v(num))
}

func bestCut512(f *File, iota Sym) {
	fn := f.Func("bestCutAVX512", "bestCutAVX512"+bestCutDoc, bestCutParams, "")
	v := func(i int) Operand { return Z(i) }
	h, n, t := SI, CX, AX
	const (
		sum, shifted, hl, gl, gr, hr, num, best, at, bin, eight, carry, last, none = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13
		least, most, gt, ht, l2                                                    = 16, 17, 18, 19, 20
	)
	loop := fn.Label("bins")
	fn.Op("MOVQ", fn.Arg("h"), h)
	fn.Op("MOVQ", fn.Arg("n"), n)
	for _, c := range []struct {
		arg string
		to  int
	}{{"least", least}, {"most", most}, {"left", carry}} {
		fn.Op("VPBROADCASTQ", fn.Arg(c.arg), v(c.to))
	}
	for _, c := range []struct {
		arg string
		to  int
	}{{"gt", gt}, {"ht", ht}, {"l2", l2}} {
		fn.Op("VBROADCASTSD", fn.Arg(c.arg), v(c.to))
	}
	fn.Op("VMOVDQU64", iota, v(bin))
	zero(fn, none)
	zero(fn, at)
	for _, c := range []struct {
		value Imm
		to    int
	}{{8, eight}, {7, last}, {-0x4010000000000000, best}} { // -1.0
		fn.Op("MOVQ", c.value, t)
		fn.Op("VPBROADCASTQ", t, v(c.to))
	}
	fn.Place(loop)
	lowMask(fn, n, t, K(1))
	fn.Op("VMOVDQU64.Z", Ptr(h, 0), K(1), v(sum))
	for _, shift := range []Imm{7, 6, 4} {
		fn.Op("VALIGNQ", shift, v(none), v(sum), v(shifted))
		fn.Op("VPADDQ", v(shifted), v(sum), v(sum))
	}
	fn.Op("VPADDQ", v(carry), v(sum), v(sum))
	fn.Op("VPERMQ", v(sum), v(last), v(carry))
	fn.Op("VPSLLQ", Imm(32), v(sum), v(hl))
	fn.Op("VPSRLQ", Imm(32), v(hl), v(hl))
	fn.Op("VPSRAQ", Imm(32), v(sum), v(gl))
	fn.Op("VPCMPQ", Imm(5), v(least), v(hl), K(2))
	fn.Op("VPCMPQ", Imm(2), v(most), v(hl), K(2), K(2))
	fn.Op("VCVTQQ2PD", v(gl), v(gl))
	fn.Op("VCVTQQ2PD", v(hl), v(hl))
	worthOf(fn, v, gl, hl, gr, hr, num, gt, ht, l2)
	fn.Op("VCMPPD", Imm(30), v(best), v(num), K(2), K(2)) // greater, false for NaN
	fn.Op("VMOVAPD", v(num), K(2), v(best))
	fn.Op("VMOVDQA64", v(bin), K(2), v(at))
	fn.Op("VPADDQ", v(eight), v(bin), v(bin))
	fn.Op("ADDQ", Imm(64), h)
	fn.Op("SUBQ", Imm(8), n)
	fn.Op("JGT", loop)
	fn.Op("MOVQ", fn.Arg("worth"), t)
	fn.Op("VMOVUPD", v(best), Ptr(t, 0))
	fn.Op("MOVQ", fn.Arg("bins"), t)
	fn.Op("VMOVDQU64", v(at), Ptr(t, 0))
	fn.Ret()
}

// bestCut2 turns integers below 2^32 into floating point as the low bits of 2^52: AVX2 has
// no such conversion.
func bestCut2(f *File, few, lanes Sym) {
	fn := f.Func("bestCutAVX2", "bestCutAVX2"+bestCutDoc, bestCutParams, "")
	v := func(i int) Operand { return Y(i) }
	h, n, t, masks := SI, CX, AX, DX
	const (
		sum, shifted, hl, gl, gr, hr, best, at, bin, carry, high, off, magic, gt, ht, l2 = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
		num                                                                              = shifted
	)
	loop, whole := fn.Label("bins"), fn.Label("whole")
	fn.Op("MOVQ", fn.Arg("h"), h)
	fn.Op("MOVQ", fn.Arg("n"), n)
	fn.Op("VPBROADCASTQ", fn.Arg("left"), v(carry))
	for _, c := range []struct {
		arg string
		to  int
	}{{"gt", gt}, {"ht", ht}, {"l2", l2}} {
		fn.Op("VBROADCASTSD", fn.Arg(c.arg), v(c.to))
	}
	fn.Op("VMOVDQU", lanes, v(bin))
	fn.Op("LEAQ", few, masks)
	zero(fn, at)
	set := func(value Imm, to int) {
		fn.Op("MOVQ", value, t)
		fn.Op("VMOVQ", t, X(to))
		fn.Op("VPBROADCASTQ", X(to), v(to))
	}
	set(-0x4010000000000000, best) // -1.0
	set(0x4330000000000000, magic) // 2^52
	set(0x4330000080000000, off)   // 2^52 + 2^31
	set(0x80000000, high)
	fn.Place(loop)
	fn.Op("MOVQ", Imm(4), t)
	fn.Op("SUBQ", n, t)
	fn.Op("JGE", whole)
	fn.Op("XORL", t, t)
	fn.Place(whole)
	fn.Op("VMOVDQU", PtrX(masks, t, 8, 0), v(hl))
	fn.Op("VPMASKMOVQ", Ptr(h, 0), v(hl), v(sum))
	fn.Op("VPSLLDQ", Imm(8), v(sum), v(shifted))
	fn.Op("VPADDQ", v(shifted), v(sum), v(sum))
	fn.Op("VPERM2I128", Imm(0x08), v(sum), v(sum), v(shifted)) // the lower half above, zero below
	fn.Op("VPUNPCKHQDQ", v(shifted), v(shifted), v(shifted))
	fn.Op("VPADDQ", v(shifted), v(sum), v(sum))
	fn.Op("VPADDQ", v(carry), v(sum), v(sum))
	fn.Op("VPERMQ", Imm(0xff), v(sum), v(carry))
	fn.Op("VPSLLQ", Imm(32), v(sum), v(hl))
	fn.Op("VPSRLQ", Imm(32), v(hl), v(hl))
	fn.Op("VPSRLQ", Imm(32), v(sum), v(gl))
	fn.Op("VPXOR", v(high), v(gl), v(gl))
	fn.Op("VPBROADCASTQ", fn.Arg("least"), v(gr))
	fn.Op("VPCMPGTQ", v(hl), v(gr), v(gr)) // least > hl
	fn.Op("VPBROADCASTQ", fn.Arg("most"), v(hr))
	fn.Op("VPCMPGTQ", v(hr), v(hl), v(hr)) // hl > most
	fn.Op("VPOR", v(gr), v(hr), v(sum))    // may not be
	fn.Op("VPOR", v(magic), v(gl), v(gl))
	fn.Op("VPOR", v(magic), v(hl), v(hl))
	fn.Op("VSUBPD", v(off), v(gl), v(gl))
	fn.Op("VSUBPD", v(magic), v(hl), v(hl))
	worthOf(fn, v, gl, hl, gr, hr, num, gt, ht, l2)
	fn.Op("VCMPPD", Imm(30), v(best), v(num), v(gl))
	fn.Op("VPANDN", v(gl), v(sum), v(gl)) // greater, and may be
	fn.Op("VBLENDVPD", v(gl), v(num), v(best), v(best))
	fn.Op("VBLENDVPD", v(gl), v(bin), v(at), v(at))
	fn.Op("MOVQ", Imm(4), t)
	fn.Op("VMOVQ", t, X(hl))
	fn.Op("VPBROADCASTQ", X(hl), v(hl))
	fn.Op("VPADDQ", v(hl), v(bin), v(bin))
	fn.Op("ADDQ", Imm(32), h)
	fn.Op("SUBQ", Imm(4), n)
	fn.Op("JGT", loop)
	fn.Op("MOVQ", fn.Arg("worth"), t)
	fn.Op("VMOVUPD", v(best), Ptr(t, 0))
	fn.Op("MOVQ", fn.Arg("bins"), t)
	fn.Op("VMOVDQU", v(at), Ptr(t, 0))
	fn.Ret()
}
