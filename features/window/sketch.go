package window

import (
	"math"
	"math/bits"
	"slices"

	"github.com/recsyskit/recsys/internal/hash"
)

// A sketch of the different IDs in a window that moves: HyperLogLog whose registers
// know when. The register of an ID is the first p bits of its hash; its rank is the
// number of zeros that the rest begins with, plus one. For each register and rank
// the sketch has the latest granule in which it was seen, in a table with open addressing; the
// register at Now is the largest rank seen since the window began. So the
// registers are those of a HyperLogLog over the window's events, to the bit.
//
// When the table is full, what no window can need goes: entries that have left, and
// those for which a higher rank of the same register was seen as late or later. So a
// small set takes a few words, and a large one about 2^p times the few ranks that
// can still matter.
//
// Source: Flajolet, Fusy, Gandouet and Meunier, "HyperLogLog", AofA 2007; windows:
// Chabchoub and Hébrail, "Sliding HyperLogLog", ICDM Workshops 2010, whose lists of
// possible future maxima are kept here by granule.

// Words of a sketch in the record.
const (
	setRef   = 0
	setUsed  = 1 // entries of the table
	setBase  = 2 // granule 0 of the entries
	setClock = 3 // ⌊newest/g⌋
	setWords = 4
)

// An entry is granule - base, register and rank, which is at least 1, so that no entry is 0.
const (
	rankBits     = 6
	registerBits = maxPrecision
	granuleShift = rankBits + registerBits
	maxRelative  = 1<<(64-granuleShift) - 1
	placeMask    = 1<<granuleShift - 1
)

// placeOf returns the register and rank of an ID, as in an entry.
func (s *set) placeOf(id uint64) uint64 {
	h := hash.Combine(0, id)
	p := s.precision
	rank := min(bits.LeadingZeros64(h<<p), 64-p) + 1
	return h>>(64-p)<<rankBits | uint64(rank)
}

// add counts an event.
func (s *set) add(rec []uint64, tables *classes, work *pruning, e *Event) {
	st := rec[s.at:]
	f := floorDiv(e.Time, s.g)
	granule := floorDiv(e.Time-1, s.g)
	switch {
	case st[setRef] == noRef:
		st[setRef], st[setUsed], st[setClock] = tables.take(tableFor(0)), 0, uint64(f)
		st[setBase] = uint64(f - s.windows[0])
		clear(tables.at(st[setRef]))
	case f-int64(st[setClock]) > s.windows[0] && int(st[setUsed]) >= shrinkFrom:
		st[setClock] = uint64(f)
		s.prune(st, tables, work) // everything has left
	case f > int64(st[setClock]):
		st[setClock] = uint64(f)
	}
	if granule < int64(st[setClock])-s.windows[0] {
		return
	}
	if granule-int64(st[setBase]) > maxRelative {
		s.prune(st, tables, work)
	}
	id := s.placeOf(e.ID)
	entry := uint64(granule-int64(st[setBase]))<<granuleShift | id
	table := tables.at(st[setRef])
	at := place(table, entry)
	if table[at] != 0 {
		table[at] = max(table[at], entry) // of one register and rank the later is larger
		return
	}
	if 4*int(st[setUsed]+1) > 3*len(table) {
		s.prune(st, tables, work)
		entry = uint64(granule-int64(st[setBase]))<<granuleShift | id // of another base
		table = tables.at(st[setRef])
		at = place(table, entry)
	}
	if table[at] == 0 {
		st[setUsed]++
	}
	table[at] = max(table[at], entry)
}

// place returns where an entry of the register and rank of another is, or belongs.
func place(table []uint64, entry uint64) int {
	mask := len(table) - 1
	key := entry & placeMask
	for i := int(key*0x9e3779b97f4a7c15>>32) & mask; ; i = (i + 1) & mask {
		if table[i] == 0 || table[i]&placeMask == key {
			return i
		}
	}
}

// pruning is memory for prune; one is used by one shard.
type pruning struct {
	entries []uint64
	latest  []uint64 // of each register
}

// prune drops what no window can need and moves the rest to a table of fitting size.
func (s *set) prune(st []uint64, tables *classes, work *pruning) {
	old := st[setRef]
	base := s.needed(st, tables.at(old), work)
	n := len(work.entries)
	st[setRef], st[setUsed], st[setBase] = tables.take(tableFor(n)), uint64(n), uint64(base)
	table := tables.at(st[setRef])
	clear(table)
	for _, e := range work.entries {
		table[place(table, e)] = e
	}
	tables.give(old)
}

// needed collects in work.entries what some window can need, as entries of the base that
// it returns.
func (s *set) needed(st, table []uint64, work *pruning) (base int64) {
	first := int64(st[setClock]) - s.windows[0]
	old := int64(st[setBase])
	work.entries = work.entries[:0]
	for _, e := range table {
		if granule := old + int64(e>>granuleShift); e != 0 && granule >= first {
			work.entries = append(work.entries, uint64(granule-first)<<granuleShift|e&placeMask)
		}
	}
	work.dominate(s.precision)
	return first
}

// dominate drops each entry for whose register a higher rank is as late or later.
func (w *pruning) dominate(precision int) {
	slices.SortFunc(w.entries, func(a, b uint64) int { return int(b&(1<<rankBits-1)) - int(a&(1<<rankBits-1)) })
	w.latest = append(w.latest[:0], make([]uint64, 1<<precision)...)
	kept := w.entries[:0]
	for _, e := range w.entries {
		r := e & placeMask >> rankBits
		if since := e>>granuleShift + 1; since > w.latest[r] {
			w.latest[r] = since
			kept = append(kept, e)
		}
	}
	w.entries = kept
}

// registers writes the registers of the k granules before now into dst, 2^precision of
// them, and returns it.
func (s *set) registers(rec []uint64, tables *classes, k, now int64, dst []uint8) []uint8 {
	dst = dst[:1<<s.precision]
	clear(dst)
	st := rec[s.at:]
	if st[setRef] == noRef {
		return dst
	}
	first := floorDiv(now, s.g) - k - int64(st[setBase])
	for _, e := range tables.at(st[setRef]) {
		if e != 0 && int64(e>>granuleShift) >= first {
			r := e & placeMask >> rankBits
			dst[r] = max(dst[r], uint8(e&(1<<rankBits-1)))
		}
	}
	return dst
}

// due returns when an entry leaves a window after now.
func (s *set) due(rec []uint64, tables *classes, now int64) int64 {
	next := int64(math.MaxInt64)
	st := rec[s.at:]
	if st[setRef] == noRef {
		return next
	}
	base := int64(st[setBase])
	for _, k := range s.windows {
		first := floorDiv(now, s.g) - k
		for _, e := range tables.at(st[setRef]) {
			if granule := base + int64(e>>granuleShift); e != 0 && granule >= first {
				next = min(next, (granule+k+1)*s.g)
			}
		}
	}
	return next
}

// cardinality estimates the number of different values from the registers of a HyperLogLog
// whose hashes have 64 bits, without the bias that the raw estimate of 2007 has
// below 5·2^p, and without tables.
//
// Source: Ertl, "New cardinality estimation algorithms for HyperLogLog sketches", 2017
// (arXiv:1702.01284), algorithm 6 with the functions σ and τ of section 2.3.
func cardinality(registers []uint8, precision int) float64 {
	var counts [66]int
	for _, r := range registers {
		counts[r]++
	}
	q := 64 - precision
	m := float64(len(registers))
	if counts[0] == len(registers) {
		return 0
	}
	z := float64(m * tau(1-float64(counts[q+1])/m))
	for k := q; k >= 1; k-- {
		z = float64(0.5 * (z + float64(counts[k])))
	}
	z += float64(m * sigma(float64(counts[0])/m))
	return m / (2 * math.Ln2) * m / z
}

// sigma returns x + Σ_{k>=1} x^(2^k)·2^(k-1), x in [0, 1).
func sigma(x float64) float64 {
	y, z := 1.0, x
	for {
		x *= x
		before := z
		z += float64(x * y)
		y += y
		if z == before {
			return z
		}
	}
}

// tau returns (1 - x - Σ_{k>=1} (1 - x^(2^-k))²·2^-k) / 3, x in [0, 1].
func tau(x float64) float64 {
	if x == 0 || x == 1 {
		return 0
	}
	y, z := 1.0, 1-x
	for {
		x = math.Sqrt(x)
		before := z
		y *= 0.5
		z -= float64(float64((1-x)*(1-x)) * y)
		if z == before {
			return z / 3
		}
	}
}
