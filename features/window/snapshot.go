package window

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/recsyskit/recsys/internal/envelope"
)

// The envelope of a checkpoint: a JSON section "stats", then for each shard the sections
// keys, sizes and words. A key's words are its record without references, then the
// entries of its queues and tables; sizes has the number of each.
const (
	snapshotKind    = "features.window"
	snapshotVersion = 1
)

// What can be wrong with a checkpoint; the errors of [Aggregator.ReadFrom] wrap one of them.
var (
	ErrKind      = envelope.ErrKind      // not a checkpoint
	ErrNewer     = envelope.ErrNewer     // written by a later version of this module
	ErrSchema    = envelope.ErrSchema    // written for another declaration; see Aggregator.Hash
	ErrTruncated = envelope.ErrTruncated // the file ends too early
	ErrCorrupt   = envelope.ErrCorrupt   // a checksum does not hold, or the contents contradict each other
)

var (
	_ io.WriterTo   = (*Aggregator)(nil)
	_ io.ReaderFrom = (*Aggregator)(nil)
)

// snapshotHeader is the section "stats".
type snapshotHeader struct {
	Newest    int64  `json:"newest"`
	Accepted  uint64 `json:"accepted"`
	Late      uint64 `json:"late"`
	Future    uint64 `json:"future"`
	Invalid   uint64 `json:"invalid"`
	Ignored   uint64 `json:"ignored"`
	Forgotten uint64 `json:"forgotten"`
	Evicted   uint64 `json:"evicted"`
}

// WriteTo writes a checkpoint: all that is known, to the bit. Nothing may be added
// meanwhile, or it is of no one moment; reading may go on. It forgets what can be forgotten
// first. Unless keys were evicted, aggregators with the same history write the same
// bytes, also when one of them went through a checkpoint on the way.
func (a *Aggregator) WriteTo(w io.Writer) (int64, error) {
	a.Forget()
	e := envelope.NewWriter(w, snapshotKind, snapshotVersion, a.plan.hash)
	st := a.Stats()
	e.WriteJSON("stats", snapshotHeader{a.newest.Load(), st.Accepted, st.Late, st.Future, st.Invalid, st.Ignored, st.Forgotten, st.Evicted})
	var sizes []uint32
	var words []uint64
	for i := range a.shards {
		sizes, words = a.shards[i].dump(a.plan, sizes[:0], words[:0])
		envelope.Write(e, fmt.Sprintf("sizes.%d", i), sizes)
		envelope.Write(e, fmt.Sprintf("words.%d", i), words)
	}
	n, err := e.Close()
	if err != nil {
		return n, fmt.Errorf("window: checkpoint: %w", err)
	}
	return n, nil
}

// dump appends the keys of a shard in ascending order: for each queue and table the number
// of entries, and the words. What no window can need is left out.
func (s *shard) dump(p *plan, sizes []uint32, words []uint64) ([]uint32, []uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var slots []uint32
	for slot := range s.records.used {
		if int64(s.records.at(slot)[recNewest]) != never {
			slots = append(slots, slot)
		}
	}
	slices.SortFunc(slots, func(a, b uint32) int {
		return cmp.Compare(s.records.at(a)[recKey], s.records.at(b)[recKey])
	})
	for _, slot := range slots {
		rec := s.records.at(slot)
		at := len(words)
		words = append(words, rec[:p.words]...)
		for i := range p.tracks {
			t := &p.tracks[i]
			ref, span := rec[t.at+trackRef], rec[t.at+trackSpan]
			words[at+t.at+trackRef], words[at+t.at+trackSpan] = 0, 0
			n := 0
			if ref != noRef {
				head := int(span >> 32)
				n = int(uint32(span))
				words = append(words, s.queues[i].at(ref)[head*t.stride:(head+n)*t.stride]...)
			}
			sizes = append(sizes, uint32(n))
		}
		for i := range p.sets {
			at, ref := at+p.sets[i].at, rec[p.sets[i].at+setRef]
			words[at+setRef] = 0
			n := 0
			if ref != noRef {
				words[at+setBase] = uint64(p.sets[i].needed(rec[p.sets[i].at:], s.tables[i].at(ref), &s.work))
				slices.Sort(s.work.entries)
				n = len(s.work.entries)
				words[at+setUsed] = uint64(n)
				words = append(words, s.work.entries...)
			}
			sizes = append(sizes, uint32(n))
		}
	}
	return sizes, words
}

// ReadFrom replaces what the aggregator knows by a checkpoint of the same declaration.
// Nothing is replaced unless the whole checkpoint has been read and checked; nothing may
// be added or read meanwhile. MaxKeys, Future and Changes may differ from those of the
// aggregator that wrote it.
//
// The error wraps [ErrKind], [ErrNewer], [ErrSchema], [ErrTruncated] or [ErrCorrupt], or
// r's error.
func (a *Aggregator) ReadFrom(r io.Reader) (int64, error) {
	e := envelope.NewReader(r, snapshotKind, snapshotVersion)
	e.CheckSchema(a.plan.hash)
	var head snapshotHeader
	e.ReadJSON("stats", &head)
	if head.Newest != never && (head.Newest > MaxTime || head.Newest < -MaxTime) {
		e.Fail(fmt.Sprintf("newest event at %d", head.Newest))
	}
	staged := newAggregator(a.plan)
	for i := range staged.shards {
		sizes := envelope.Read[uint32](e, fmt.Sprintf("sizes.%d", i))
		words := envelope.Read[uint64](e, fmt.Sprintf("words.%d", i))
		if e.Err() != nil {
			break
		}
		if err := staged.shards[i].restore(a.plan, uint64(i), head.Newest, sizes, words); err != nil {
			e.Fail(fmt.Sprintf("shard %d: %v", i, err))
		}
	}
	n, err := e.Close()
	if err != nil {
		return n, fmt.Errorf("window: checkpoint: %w", err)
	}
	a.adopt(staged, &head)
	return n, nil
}

// adopt takes over what staged holds.
func (a *Aggregator) adopt(staged *Aggregator, head *snapshotHeader) {
	a.newest.Store(head.Newest)
	a.late.Store(head.Late)
	a.future.Store(head.Future)
	a.invalid.Store(head.Invalid)
	a.ignored.Store(head.Ignored)
	for i := range a.shards {
		s, t := &a.shards[i], &staged.shards[i]
		s.mu.Lock()
		s.index, s.live, s.records, s.queues, s.tables, s.hand = t.index, t.live, t.records, t.queues, t.tables, 0
		s.accepted, s.forgotten, s.evicted = 0, 0, 0
		if i == 0 {
			s.accepted, s.forgotten, s.evicted = head.Accepted, head.Forgotten, head.Evicted
		}
		s.mu.Unlock()
	}
}

var (
	errWords = errors.New("its words end too early")
	errRest  = errors.New("words are left over")
)

// restore enters the keys of a dump into an empty shard, after it has checked them: no
// contents, however made, may lead a later call out of bounds.
func (s *shard) restore(p *plan, number uint64, newest int64, sizes []uint32, words []uint64) error {
	each := len(p.tracks) + len(p.sets)
	for len(words) > 0 {
		if len(words) < p.words || len(sizes) < each {
			return errWords
		}
		from := words[:p.words]
		words = words[p.words:]
		key, at := from[recKey], int64(from[recNewest])
		h := hashOf(key)
		switch {
		case h>>60 != number:
			return fmt.Errorf("key %d is of shard %d", key, h>>60)
		case at > newest || at < -MaxTime:
			return fmt.Errorf("key %d: newest event at %d", key, at)
		case s.find(h, key) != nil:
			return fmt.Errorf("key %d comes twice", key)
		}
		rec := s.insert(p, h, key)
		copy(rec, from)
		for i := range p.tracks {
			rec[p.tracks[i].at+trackRef] = noRef
		}
		for i := range p.sets {
			rec[p.sets[i].at+setRef] = noRef
		}
		for i := range each {
			n := int(sizes[i])
			var err error
			if i < len(p.tracks) {
				words, err = p.tracks[i].restore(rec, &s.queues[i], n, words)
			} else {
				words, err = p.sets[i-len(p.tracks)].restore(rec, &s.tables[i-len(p.tracks)], n, words)
			}
			if err != nil {
				return fmt.Errorf("key %d: %w", key, err)
			}
		}
		sizes = sizes[each:]
		if err := p.check(rec); err != nil {
			return fmt.Errorf("key %d: %w", key, err)
		}
	}
	if len(sizes) > 0 {
		return errRest
	}
	return nil
}

// restore enters a queue of n entries and returns the words behind it.
func (t *track) restore(rec []uint64, blocks *classes, n int, words []uint64) ([]uint64, error) {
	st := rec[t.at:]
	if n == 0 {
		if st[trackClock] != 0 || slices.ContainsFunc(st[trackPos:trackPos+len(t.windows)], func(w uint64) bool { return w != 0 }) {
			return nil, errors.New("an empty queue with a clock or positions")
		}
		return words, nil
	}
	if n > len(words)/t.stride || int64(n) > t.windows[0].k+1 {
		return nil, errWords
	}
	entries := words[:n*t.stride]
	clock := int64(st[trackClock])
	if newest := int64(rec[recNewest]); clock > floorDiv(newest, t.g) || clock < floorDiv(-MaxTime, t.g) {
		return nil, fmt.Errorf("clock %d", clock)
	}
	for i := range n {
		g := int64(entries[i*t.stride])
		if g > clock || g < clock-t.windows[0].k || i > 0 && g <= int64(entries[(i-1)*t.stride]) {
			return nil, fmt.Errorf("granule %d", g)
		}
	}
	for w := range t.windows {
		if want := t.search(entries, 0, clock-t.windows[w].k); st[trackPos+w] != uint64(want) {
			return nil, fmt.Errorf("position %d; want %d", st[trackPos+w], want)
		}
	}
	for j := range t.totals {
		o := &t.totals[j]
		from := int(st[trackPos+o.window])
		if !o.sum && rec[o.at] != t.countOf(entries, o.entry, from, n) {
			return nil, fmt.Errorf("a count of %d that is none", rec[o.at])
		}
	}
	st[trackRef] = blocks.take(classFor(n + n/4 + 1))
	copy(blocks.at(st[trackRef]), entries)
	st[trackSpan] = uint64(n)
	return words[n*t.stride:], nil
}

// restore enters a table of n entries and returns the words behind it.
func (s *set) restore(rec []uint64, tables *classes, n int, words []uint64) ([]uint64, error) {
	st := rec[s.at:]
	clock, base := int64(st[setClock]), int64(st[setBase])
	switch {
	case uint64(n) != st[setUsed] || n > len(words) || n > (66-s.precision)<<s.precision:
		return nil, errWords
	case n == 0:
		if clock != 0 || base != 0 {
			return nil, errors.New("an empty sketch with a clock")
		}
		return words, nil
	}
	newest := int64(rec[recNewest])
	if clock > floorDiv(newest, s.g) || clock < floorDiv(-MaxTime, s.g) || base != clock-s.windows[0] {
		return nil, fmt.Errorf("sketch with clock %d and base %d", clock, base)
	}
	st[setRef] = tables.take(tableFor(n))
	table := tables.at(st[setRef])
	clear(table)
	for _, e := range words[:n] {
		register, rank := e&placeMask>>rankBits, int(e&(1<<rankBits-1))
		at := place(table, e)
		if register >= 1<<s.precision || rank < 1 || rank > 65-s.precision || base+int64(e>>granuleShift) > clock || table[at] != 0 {
			return nil, fmt.Errorf("sketch entry %#x", e)
		}
		table[at] = e
	}
	return words[n:], nil
}

// check reports what is wrong with the lists and decays of a record.
func (p *plan) check(rec []uint64) error {
	newest := int64(rec[recNewest])
	for i := range p.decays {
		d := &p.decays[i]
		mark := int64(rec[d.at+decayMark])
		if mark != never && (mark > floorDiv(newest, d.half) || mark < floorDiv(-MaxTime, d.half)) {
			return fmt.Errorf("decay with mark %d", mark)
		}
		for _, w := range rec[d.at+decaySum : d.at+decayWords] {
			if v := math.Float64frombits(w); v-v != 0 {
				return fmt.Errorf("decay of %v", v)
			}
		}
	}
	for i := range p.lists {
		l := &p.lists[i]
		st := rec[l.at : l.at+1+2*l.k]
		if st[0] > uint64(l.k) {
			return fmt.Errorf("list of %d", st[0])
		}
		for j := range int(st[0]) {
			t, id := int64(st[1+2*j]), st[2+2*j]
			if t > newest || t < -MaxTime || j > 0 && before(t, id, int64(st[2*j-1]), st[2*j]) {
				return errors.New("list out of order")
			}
		}
	}
	return nil
}
