package flat

import (
	"math"
	"sync/atomic"

	"github.com/recsyskit/recsys/retrieval"
)

// An epoch is the index between two compactions: a segment that never changes, chunks of
// rows that were added since, and which rows died. A row is its place: those of the segment
// first, then those of the chunks, in order of arrival. No row is used twice in an epoch, so
// that neither its vector nor its item changes while anybody can see it.
//
// What a search sees is fixed by one word, the number of added rows and the version: a row
// is there if it is below that number and did not die at or before that version. A writer
// prepares all that a change needs and then stores the word.
type epoch struct {
	rows *retrieval.Rows
	main *segment
	word atomic.Uint64 // added rows<<32 | version
	busy atomic.Uint64 // odd while a writer changes rows

	chunks []atomic.Pointer[chunk] // of fixed length; set before its first row is visible
	top    atomic.Uint32           // bits of the largest norm in the chunks
	died   atomic.Pointer[[]uint32]

	selected atomic.Uint64 // version of the rows that the last filter was resolved for, plus 1

	dead int // rows that died; for writers
}

// chunkRows is small, since an index that is filled by Insert alone has one at least.
const chunkRows = 256

// chunk holds added rows. Its rows below the epoch's number of added rows are never
// written to.
type chunk struct {
	vectors []float32
	norms   [chunkRows]float32
	died    [chunkRows]uint32 // as those of the epoch
	top     atomic.Uint32     // bits of the largest norm
}

func newEpoch(rows *retrieval.Rows, main *segment) *epoch {
	return &epoch{rows: rows, main: main, chunks: make([]atomic.Pointer[chunk], (addedRows(main.rows)+chunkRows-1)/chunkRows)}
}

// addedRows is how many rows are added before an index compacts itself: few enough for a
// search to read them all, so many that each costs 64 others a move.
func addedRows(rows int) int { return max(rows/64, chunkRows) }

// view is what one search sees of an epoch.
type view struct {
	*epoch
	added   int
	version uint32
}

func (e *epoch) view() view {
	w := e.word.Load()
	return view{epoch: e, added: int(w >> 32), version: uint32(w)}
}

// limit returns the number of rows, dead ones included.
func (v view) limit() int { return v.main.rows + v.added }

// death returns the version at which a row died, 0 while it has not.
func (e *epoch) death(row uint32) uint32 {
	if i := int(row) - e.main.rows; i >= 0 {
		return atomic.LoadUint32(&e.chunks[i/chunkRows].Load().died[i%chunkRows])
	}
	died := e.died.Load()
	if died == nil {
		return 0
	}
	return atomic.LoadUint32(&(*died)[row])
}

// kill notes at which version a row dies; 0 brings it back.
func (e *epoch) kill(row, version uint32) {
	if i := int(row) - e.main.rows; i >= 0 {
		atomic.StoreUint32(&e.chunks[i/chunkRows].Load().died[i%chunkRows], version)
		return
	}
	if e.died.Load() == nil {
		died := make([]uint32, e.main.rows)
		e.died.Store(&died)
	}
	atomic.StoreUint32(&(*e.died.Load())[row], version)
}

// vector returns a row that was ever visible.
func (e *epoch) vector(row uint32) []float32 {
	if i := int(row) - e.main.rows; i >= 0 {
		return e.chunks[i/chunkRows].Load().vector(e.main.set, i%chunkRows)
	}
	return e.main.vector(row)
}

// norm returns the norm of a row.
func (e *epoch) norm(row uint32) float32 {
	if i := int(row) - e.main.rows; i >= 0 {
		return e.chunks[i/chunkRows].Load().norms[i%chunkRows]
	}
	return e.main.norms[row]
}

// maxNorm returns a bound on the norms of all rows of the views so far.
func (e *epoch) maxNorm() float32 {
	return max(e.main.maxNorm(), math.Float32frombits(e.top.Load()))
}

// slot returns the chunk and the place in it of the next row; ok is false when the epoch is
// full.
func (e *epoch) slot() (c *chunk, i int, ok bool) {
	added := int(e.word.Load() >> 32)
	if added == len(e.chunks)*chunkRows {
		return nil, 0, false
	}
	p := &e.chunks[added/chunkRows]
	if p.Load() == nil {
		p.Store(&chunk{vectors: make([]float32, chunkRows*e.main.set.stride())})
	}
	return p.Load(), added % chunkRows, true
}

func (c *chunk) vector(set settings, i int) []float32 {
	at := i * set.stride()
	return c.vectors[at : at+set.Dim : at+set.Dim]
}

// raise makes a maximum of norms at least v. Norms are not negative, so that their bits
// are ordered as they are.
func raise(top *atomic.Uint32, v float32) {
	top.Store(max(top.Load(), math.Float32bits(v)))
}
