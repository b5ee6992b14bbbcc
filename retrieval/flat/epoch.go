package flat

import (
	"math"
	"sync/atomic"

	"github.com/recsyskit/recsys/retrieval"
)

// An epoch is the index between two compactions: a segment that never changes, rows that
// were added since, and which rows died. A row is its place: those of the segment first,
// then the added ones in order of arrival. No row is used twice in an epoch, so that neither
// its vector nor its item changes while anybody can see it.
//
// What a search sees is fixed by one word, the number of added rows and the version: a row
// is there if it is below that number and did not die at or before that version. A writer
// prepares all that a change needs and then stores the word. Layers only say in which order
// the same rows are read.
type epoch struct {
	rows *retrieval.Rows
	main *segment
	// closed makes all calls fail; there are no rows then.
	closed bool

	word atomic.Uint64 // added rows<<32 | version
	busy atomic.Uint64 // odd while a writer changes rows

	layers atomic.Pointer[layers]
	added  atomic.Pointer[addition] // nil before the first row is added
	room   int                      // how many rows can be added
	top    atomic.Uint32            // bits of the largest norm of an added row
	died   atomic.Pointer[[]uint32] // version at which each row died; nil while none has

	selected atomic.Uint64 // version of the rows that the last filter was resolved for, plus 1

	dead   int // rows that died; for writers
	unread int // of them, those that died since the layers were last freed of them
}

// addition holds added rows in order of arrival, with room for more. Rows below the epoch's
// number of added rows are never written to; when the room ends, the rows are copied to an
// addition of twice the room.
type addition struct {
	vectors []float32
	norms   []float32
}

func newEpoch(rows *retrieval.Rows, main *segment) *epoch {
	e := &epoch{rows: rows, main: main, room: max(main.rows/roomShare, smallestRoom)}
	e.layers.Store(&layers{main: main})
	return e
}

const (
	// roomShare is which share of the rows can be added before they are all put in order.
	// So an added row costs 32 others a move.
	roomShare = 32
	// smallestRoom is the room of a small index.
	smallestRoom = 512
)

// view is what one search sees of an epoch.
type view struct {
	*epoch
	read    *layers
	added   int
	version uint32
}

func (e *epoch) view() view {
	// In this order: what layers have left out had died by the word.
	l := e.layers.Load()
	w := e.word.Load()
	return view{epoch: e, read: l, added: int(w >> 32), version: uint32(w)}
}

// limit returns the number of rows, dead ones included.
func (v view) limit() int { return v.main.rows + v.added }

// death returns the version at which a row died, 0 while it has not.
func (e *epoch) death(row uint32) uint32 {
	died := e.died.Load()
	if died == nil {
		return 0
	}
	return atomic.LoadUint32(&(*died)[row])
}

// kill notes at which version a row dies.
func (e *epoch) kill(row, version uint32) {
	if e.died.Load() == nil {
		died := make([]uint32, e.main.rows+e.room)
		e.died.Store(&died)
	}
	atomic.StoreUint32(&(*e.died.Load())[row], version)
	e.dead++
	e.unread++
}

// vector returns a row that was ever visible.
func (e *epoch) vector(row uint32) []float32 {
	if i := int(row) - e.main.rows; i >= 0 {
		return e.added.Load().vector(e.main.set, i)
	}
	return e.main.vector(row)
}

// norm returns the norm of a row.
func (e *epoch) norm(row uint32) float32 {
	if i := int(row) - e.main.rows; i >= 0 {
		return e.added.Load().norms[i]
	}
	return e.main.norms[row]
}

// maxNorm returns a bound on the norms of all rows of the views so far.
func (e *epoch) maxNorm() float32 {
	return max(e.main.maxNorm(), math.Float32frombits(e.top.Load()))
}

// grow returns the addition with room for one more row.
func (e *epoch) grow() *addition {
	old := e.added.Load()
	n := int(e.word.Load() >> 32)
	if old != nil && n < len(old.norms) {
		return old
	}
	size := min(max(2*n, tailRows), e.room)
	a := &addition{vectors: make([]float32, size*e.main.set.stride()), norms: make([]float32, size)}
	if old != nil {
		copy(a.vectors, old.vectors)
		copy(a.norms, old.norms)
	}
	e.added.Store(a)
	return a
}

func (a *addition) vector(set settings, i int) []float32 {
	at := i * set.stride()
	return a.vectors[at : at+set.Dim : at+set.Dim]
}
