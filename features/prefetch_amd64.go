//go:build amd64 && !purego

package features

// fetchIndex begins to load the n words of the index, and does not wait for them.
func (g *group) fetchIndex(n int) { fetchLines(&g.word[0], n, 1) }

// fetchRows begins to load the n rows. Where none was found it loads what follows the
// word of the index; a prefetch never faults.
func (g *group) fetchRows(n int, l *layout) { fetchLines(&g.word[0], n, l.lines) }

// fetchLines is
//
//	for i := range n {
//		for j := range lines {
//			prefetch(words[i] + 64*j bytes)
//		}
//	}
//
//go:noescape
func fetchLines(words **uint64, n, lines int)
