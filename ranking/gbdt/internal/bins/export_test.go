package bins

import "slices"

// SampleRow is sampleRow.
var SampleRow = sampleRow

// SortKeys sorts by radix.
func SortKeys(keys []uint32) []uint32 {
	s := sorter{keys: slices.Clone(keys)}
	s.sort()
	return s.keys
}

// KeyOf and ValueOf map float32 to ordered numbers and back.
var (
	KeyOf   = keyOf
	ValueOf = valueOf
)
