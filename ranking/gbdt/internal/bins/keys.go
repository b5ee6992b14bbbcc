package bins

import (
	"math"

	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

// keys are ascending numbers, padded with the largest one: cuts of a numeric column,
// categories of another.
type keys [256]uint32

// keyOf maps float32 to numbers in their order; both zeros are one. NaN has no place.
func keyOf(x float32) uint32 {
	if x == 0 {
		x = 0 // -0
	}
	b := math.Float32bits(x)
	return b ^ (uint32(int32(b)>>31) | 1<<31)
}

// valueOf is the inverse of keyOf.
func valueOf(k uint32) float32 {
	return math.Float32frombits(k ^ (^uint32(int32(k)>>31) | 1<<31))
}

// below returns how many keys are less than k. It has no branch to be mispredicted.
func (s *keys) below(k uint32) uint32 {
	at := uint32(0)
	for step := uint32(128); step > 0; step >>= 1 {
		at += step & less(s[(at+step-1)&255], k)
	}
	return at
}

// below4 is below for four keys: their searches go on side by side, which takes hardly longer
// than one.
func (s *keys) below4(k *[4]uint32) (a, b, c, d uint32) {
	for step := uint32(128); step > 0; step >>= 1 {
		a += step & less(s[(a+step-1)&255], k[0])
		b += step & less(s[(b+step-1)&255], k[1])
		c += step & less(s[(c+step-1)&255], k[2])
		d += step & less(s[(d+step-1)&255], k[3])
	}
	return a, b, c, d
}

// less returns all ones if a < b, else 0.
func less(a, b uint32) uint32 { return uint32((int64(a) - int64(b)) >> 63) }

// setCuts takes for each cut the largest float32 that is not above it: x <= cut and
// x <= that are the same for every float32 x.
func (s *keys) setCuts(cuts []float64) {
	for i := range s {
		s[i] = math.MaxUint32
	}
	for i, c := range cuts {
		f := float32(c)
		if float64(f) > c {
			f = math.Nextafter32(f, float32(math.Inf(-1)))
		}
		s[i] = keyOf(f)
	}
}

func (s *keys) setCategories(categories []int32) {
	for i := range s {
		s[i] = math.MaxUint32
	}
	for i, c := range categories {
		s[i] = uint32(c)
	}
}

func (f *Feature) numeric(x float32) uint8 {
	if x != x || x == 0 || f.Missing == tree.MissingZero {
		if f.missing(x) {
			return uint8(f.MissingBin)
		}
		if x != x {
			x = 0
		}
	}
	return uint8(f.keys.below(keyOf(x)))
}

// missing tells whether x counts as missing.
func (f *Feature) missing(x float32) bool {
	switch f.Missing {
	case tree.MissingNaN:
		return x != x
	case tree.MissingZero:
		return x != x || math.Abs(float64(x)) <= tree.ZeroThreshold
	}
	return false
}

func (f *Feature) category(x float32) uint8 {
	c := tree.CategoryOf(float64(x))
	if c < 0 {
		return uint8(len(f.Categories))
	}
	at := f.keys.below(uint32(c))
	if int(at) < len(f.Categories) && f.Categories[at] == c {
		return uint8(at)
	}
	return uint8(len(f.Categories))
}
