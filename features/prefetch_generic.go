//go:build !amd64 || purego

package features

import "math/bits"

// fetchIndex does nothing: the loads that follow are close enough together for the
// processor to overlap them.
func (g *group) fetchIndex(int) {}

// fetchRows reads a word of each cache line of each row. The processor looks further
// ahead in this loop than in the one that copies.
func (g *group) fetchRows(_ int, l *layout) {
	sum := uint64(0)
	for found := g.found; found != 0; found &= found - 1 {
		row := l.view(g.word[bits.TrailingZeros64(found)])
		for j := 0; j < len(row); j += 8 {
			sum += row[j]
		}
	}
	g.entry[0] = sum // which is done with; so that the loop is not optimized away
}
