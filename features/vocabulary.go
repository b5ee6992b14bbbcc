package features

import (
	"errors"
	"fmt"
	"hash/maphash"
	"math"
	"math/bits"
	"strings"
	"sync"
	"sync/atomic"
)

// ErrVocabularyFull says that a [Vocabulary] has as many strings as it may have.
var ErrVocabularyFull = errors.New("features: vocabulary is full")

// Vocabulary gives strings dense ids, 0, 1, 2, ... in the order of first sight, and
// names ids by their strings. It is the edge between a service whose items and
// users are strings and the funnel, which knows [recsys.ItemID] and
// [recsys.UserID] only; one vocabulary for items, another for users. Any string
// counts, the empty one and those that are not UTF-8 too. An id is never given
// up or changed.
//
// The zero value is an empty vocabulary. All methods but ReadFrom are safe for
// concurrent use. Looking up takes no lock and does not allocate; adding locks.
//
// A vocabulary has no id for unknown strings, since every id may be an item.
// Whoever wants one adds it first, say "<unknown>", and falls back to 0; that is
// also what to do on [ErrVocabularyFull].
//
// It takes the bytes of the strings and 48 to 96 bytes for each.
type Vocabulary struct {
	// MaxSize is the largest number of strings, in [0, 2147483647]; 0 means
	// 2147483647. Set it before the first use.
	MaxSize int

	table atomic.Pointer[vocabularyTable]
	n     atomic.Int64 // names that are complete

	mu    sync.Mutex // held to add
	names vocabularyNames
	arena strings.Builder // the bytes of the latest names; only appended to
}

// vocabularyTable finds ids by open addressing at a load of at most three quarters.
// With the names in the slots a lookup reads two places in memory, the slot and
// the bytes of the string.
type vocabularyTable struct {
	seed  maphash.Seed
	slots []vocabularySlot
}

// vocabularySlot is empty while mark is 0. Otherwise mark is the hash<<32 | id+1,
// stored last, and the slot never changes again.
type vocabularySlot struct {
	mark atomic.Uint64
	name string
}

// vocabularyNames holds the strings in blocks of 64, 128, 256, ..., which never
// move: a reader that knows an id reads its name while others are added.
type vocabularyNames [32][]string

func (b *vocabularyNames) at(id uint64) *string {
	block := bits.Len64(id+64) - 7
	return &b[block][id+64-64<<block]
}

// put stores the name of the next id.
func (b *vocabularyNames) put(id uint64, name string) {
	block := bits.Len64(id+64) - 7
	if b[block] == nil {
		b[block] = make([]string, 64<<block)
	}
	b[block][id+64-64<<block] = name
}

// Len returns the number of strings; the ids are those below it.
func (v *Vocabulary) Len() int { return int(v.n.Load()) }

// Name returns the string of an id, and whether there is one.
func (v *Vocabulary) Name(id uint64) (string, bool) {
	if id >= uint64(v.n.Load()) {
		return "", false
	}
	return *v.names.at(id), true
}

// ID returns the id of s, and whether s has one.
func (v *Vocabulary) ID(s string) (uint64, bool) {
	t := v.table.Load()
	if t == nil {
		return 0, false
	}
	return findInVocabulary(t, uint32(maphash.String(t.seed, s)), s)
}

// IDBytes returns ID(string(b)).
func (v *Vocabulary) IDBytes(b []byte) (uint64, bool) {
	t := v.table.Load()
	if t == nil {
		return 0, false
	}
	return findInVocabulary(t, uint32(maphash.Bytes(t.seed, b)), b)
}

func findInVocabulary[T string | []byte](t *vocabularyTable, hash uint32, key T) (uint64, bool) {
	for p := uint64(hash); ; p++ {
		slot := &t.slots[p&uint64(len(t.slots)-1)]
		mark := slot.mark.Load()
		if mark == 0 {
			return 0, false
		}
		if uint32(mark>>32) == hash && slot.name == string(key) {
			return mark&math.MaxUint32 - 1, true
		}
	}
}

// Add returns the id of s, a new one if s has none. It fails with
// [ErrVocabularyFull] if s is new and MaxSize is reached. It keeps a copy of s, not
// s itself.
func (v *Vocabulary) Add(s string) (uint64, error) {
	if id, ok := v.ID(s); ok {
		return id, nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if id, ok := v.ID(s); ok { // another was faster
		return id, nil
	}
	limit, err := v.limit()
	if err != nil {
		return 0, err
	}
	if v.Len() >= limit {
		return 0, fmt.Errorf("%w: it has %d strings", ErrVocabularyFull, v.Len())
	}
	return v.enter(v.keep(s)), nil
}

func (v *Vocabulary) limit() (int, error) {
	switch {
	case v.MaxSize < 0 || v.MaxSize > math.MaxInt32:
		return 0, fmt.Errorf("features: Vocabulary.MaxSize is %d; want 0 to %d (0 means the latter)", v.MaxSize, math.MaxInt32)
	case v.MaxSize == 0:
		return math.MaxInt32, nil
	}
	return v.MaxSize, nil
}

// keep returns a copy of s. Short strings share memory, so that a million of them
// are a few hundred objects to the garbage collector.
func (v *Vocabulary) keep(s string) string {
	const largest = 64 << 10
	if len(s) > largest/8 {
		return strings.Clone(s)
	}
	if v.arena.Cap()-v.arena.Len() < len(s) {
		size := min(max(2*v.arena.Cap(), 1<<10), largest)
		v.arena = strings.Builder{} // the names keep the old one
		v.arena.Grow(max(size, len(s)))
	}
	start := v.arena.Len()
	v.arena.WriteString(s)
	return v.arena.String()[start:]
}

// enter gives the next id to a name that has none. The slot comes last: whoever
// finds an id finds its name and a length above it.
func (v *Vocabulary) enter(name string) uint64 {
	id := uint64(v.n.Load())
	v.names.put(id, name)
	v.n.Add(1)
	t := v.table.Load()
	if t == nil || 4*(id+1) > 3*uint64(len(t.slots)) {
		t = t.grown(int(id) + 1)
	}
	t.put(uint64(uint32(maphash.String(t.seed, name)))<<32|(id+1), name)
	v.table.Store(t)
	return id
}

// grown returns a table with room for n ids and half as many again, and the slots
// of t, which may be nil.
func (t *vocabularyTable) grown(n int) *vocabularyTable {
	g := &vocabularyTable{slots: make([]vocabularySlot, 1<<bits.Len(uint(max(2*n, 16))))}
	if t == nil {
		g.seed = maphash.MakeSeed() // decides no id, only where it is found
		return g
	}
	g.seed = t.seed
	for i := range t.slots {
		if mark := t.slots[i].mark.Load(); mark != 0 {
			g.put(mark, t.slots[i].name)
		}
	}
	return g
}

// put fills the first free slot. Only one goroutine puts.
func (t *vocabularyTable) put(mark uint64, name string) {
	for p := mark >> 32; ; p++ {
		if slot := &t.slots[p&uint64(len(t.slots)-1)]; slot.mark.Load() == 0 {
			slot.name = name
			slot.mark.Store(mark)
			return
		}
	}
}
