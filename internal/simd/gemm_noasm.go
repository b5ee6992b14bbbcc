//go:build purego || !(amd64 || arm64)

package simd

// tileHeight returns how many rows of a tile of w columns are worked on at a time.
func tileHeight(w int) int { return 4 }

func (t *tile) run(mr int, a, c []float32) { t.runGeneric(mr, a, c) }
