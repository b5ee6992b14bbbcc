package main

// halfFamily writes the conversions between float32 and formats of 16 bits.
func halfFamily() []*File {
	f := NewFile("half", "amd64")
	words := f.Data("halfWords", 1, 0x7fff, 0x40)
	for _, wide := range []bool{true, false} {
		h := &half{sweep: sweep{f: f, wide: wide}, words: words}
		h.encode("encodeF16", "half precision", nil, func() {
			if wide {
				h.fn.Op("VCVTPS2PH", Imm(0), Z(0), Y(0))
			} else {
				h.fn.Op("VCVTPS2PH", Imm(0), Y(0), X(0))
			}
		})
		h.decode("decodeF16", "half precision", func() { h.fn.Op("VCVTPH2PS", h.low(0), h.r(0)) })
		h.encode("encodeBF16", "bfloat16", h.bf16Words, h.bf16)
		h.decode("decodeBF16", "bfloat16", func() {
			h.fn.Op("VPMOVZXWD", h.low(0), h.r(0))
			h.fn.Op("VPSLLD", Imm(16), h.r(0), h.r(0))
		})
	}
	return []*File{f}
}

// A half writes conversions of the float32 and the 16-bit elements of two slices.
type half struct {
	sweep
	words Sym
}

// low returns the lower half of register i.
func (h *half) low(i int) Operand {
	if h.wide {
		return Y(i)
	}
	return X(i)
}

// steps is loop for AVX-512; AVX2 has no tail, n being a multiple of 8.
func (h *half) steps(step func()) {
	if h.wide {
		h.loop(1, func(int) { step() })
		return
	}
	loop := h.fn.Label("loop")
	h.fn.Place(loop)
	step()
	h.fn.Op("ADDQ", Imm(8), DX)
	h.fn.Op("SUBQ", Imm(8), CX)
	h.fn.Op("JGT", loop)
}

func (h *half) comment(text string) string {
	if h.wide {
		return text + "."
	}
	return text + "; n is a positive multiple of 8."
}

// encode writes dst[i] = convert(x[i]); convert goes from register 0 to its lower half.
func (h *half) encode(name, format string, prepare, convert func()) {
	h.start(name, h.comment("converts to "+format), "dst *uint16, x *float32, n int", "", "dst", "x")
	if prepare != nil {
		prepare()
	}
	h.steps(func() {
		h.load(1, h.r(0))
		convert()
		if h.masked {
			h.fn.Op("VMOVDQU16", h.low(0), K(1), h.uint16s(0))
		} else {
			h.fn.Op("VMOVDQU", h.low(0), h.uint16s(0))
		}
	})
	h.fn.Ret()
}

// decode writes dst[i] = convert(x[i]); convert goes from the lower half of register 0 to
// all of it.
func (h *half) decode(name, format string, convert func()) {
	h.start(name, h.comment("converts from "+format), "dst *float32, x *uint16, n int", "", "dst", "x")
	h.steps(func() {
		if h.masked {
			h.fn.Op("VMOVDQU16.Z", h.uint16s(1), K(1), h.low(0))
		} else {
			h.fn.Op("VMOVDQU", h.uint16s(1), h.low(0))
		}
		convert()
		h.store(h.r(0), 0)
	})
	h.fn.Ret()
}

func (h *half) bf16Words() {
	for i := range 3 {
		h.fn.Op("VPBROADCASTD", h.words.At(4*i), h.r(5+i))
	}
}

// bf16 rounds by adding 0x7fff and the last bit that stays. A NaN is cut and made quiet,
// since the carry could make it an infinity.
func (h *half) bf16() {
	op, r := h.fn.Op, h.r
	op("VPSRLD", Imm(16), r(0), r(1))
	if h.wide {
		op("VPANDD", r(1), r(5), r(2))
	} else {
		op("VPAND", r(1), r(5), r(2))
	}
	op("VPADDD", r(2), r(6), r(2))
	op("VPADDD", r(0), r(2), r(2))
	op("VPSRLD", Imm(16), r(2), r(2))
	const unordered = 3
	if h.wide {
		op("VPORD", r(1), r(7), r(1))
		op("VCMPPS", Imm(unordered), r(0), r(0), K(2))
		op("VMOVDQA32", r(1), K(2), r(2))
		op("VPMOVDW", r(2), Y(0))
		return
	}
	op("VPOR", r(1), r(7), r(1))
	op("VCMPPS", Imm(unordered), r(0), r(0), r(3))
	op("VPBLENDVB", r(3), r(1), r(2), r(2))
	op("VPACKUSDW", r(2), r(2), r(2))
	op("VPERMQ", Imm(8), r(2), r(0))
}
