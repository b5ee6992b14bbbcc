//go:build !purego

package simd

func bestCut(h []int64, left, total, least int64, l2 float64) (int, float64) {
	// Below some bins the lanes do not pay; 255 are what a mask can be made for.
	if tier == PureGo || len(h) < 8 || len(h) > 255 {
		return bestCutGeneric(h, left, total, least, l2)
	}
	var (
		worth [8]float64
		bins  [8]int64
	)
	hessians := int64(uint32(total))
	most := hessians - least
	if most < least {
		return -1, 0
	}
	gt, ht := float64(total>>32), float64(hessians)
	if tier == AVX512 {
		bestCutAVX512(&worth[0], &bins[0], &h[0], len(h), left, least, most, gt, ht, l2)
		return bestLane(worth[:], bins[:])
	}
	bestCutAVX2(&worth[0], &bins[0], &h[0], len(h), left, least, most, gt, ht, l2)
	return bestLane(worth[:4], bins[:4])
}
