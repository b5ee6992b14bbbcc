package simd

func bestCutGeneric(h []int64, left, total, least int64, l2 float64) (int, float64) {
	hessians := int64(uint32(total))
	most := hessians - least
	gt, ht := float64(total>>32), float64(hessians)
	b, top := -1, -1.0
	for i, v := range h {
		left += v
		lh := int64(uint32(left))
		if lh < least {
			continue
		}
		if lh > most {
			break // it only grows
		}
		gl, hl := float64(left>>32), float64(lh)
		gr := gt - gl
		hr := ht - hl + l2
		hl += l2
		num := float64(float64(gl*gl)*hr) + float64(float64(gr*gr)*hl)
		if q := num / float64(hl*hr); q > top {
			b, top = i, q
		}
	}
	return b, max(top, 0)
}
