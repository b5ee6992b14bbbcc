package window

import "math"

// The state of a track for one key is a queue of the granules in which something
// happened, oldest first, and for each window the total over those that it covers.
// Granule i is (i·g, (i+1)·g]: closed at the right, as windows are, so that each
// window is a whole number of granules and the part of one that has come.
//
// Time moves a track only when an event touches it; clock is ⌊newest/g⌋ as of then. The
// queue lies in a block of 2, 3, 4, 6, 8, 12 … entries, at its start or behind what has
// left; when the end is reached, what is there moves to the start or to another block.

// add counts an event for the record.
func (kt *kindTrack) add(rec []uint64, blocks *classes, e *Event) {
	t := kt.track
	st := rec[t.at:]
	f := floorDiv(e.Time, t.g)
	granule := f
	if f*t.g == e.Time {
		granule--
	}
	switch {
	case st[trackRef] == noRef:
		st[trackRef], st[trackSpan], st[trackClock] = blocks.take(0), 0, uint64(f)
	case f > int64(st[trackClock]):
		t.advance(rec, blocks, f)
	}
	clock := int64(st[trackClock])
	if granule < clock-t.windows[0].k {
		return // has left every window already
	}
	entry := t.entry(st, blocks, granule)
	value := float64(e.Value)
	for i := range kt.lanes {
		switch l := &kt.lanes[i]; l.kind {
		case countLane:
			entry[l.at]++
		case sumLane:
			addTo(entry[l.at:], value, 0)
		case minLane:
			entry[l.at] = math.Float64bits(min(math.Float64frombits(entry[l.at]), value))
		case maxLane:
			entry[l.at] = math.Float64bits(max(math.Float64frombits(entry[l.at]), value))
		}
	}
	for i := range kt.totals {
		switch o := &kt.totals[i]; {
		case granule < clock-t.windows[o.window].k:
		case o.sum:
			addToTotal(rec[o.at:], value, 0)
		default:
			rec[o.at]++
		}
	}
}

// entry returns the entry of a granule, which it makes where there is none.
func (t *track) entry(st []uint64, blocks *classes, granule int64) []uint64 {
	s := t.stride
	block := blocks.at(st[trackRef])
	head, n := int(st[trackSpan]>>32), int(uint32(st[trackSpan]))
	i := n
	if n > 0 && int64(block[(head+n-1)*s]) >= granule {
		if i = n - 1; int64(block[(head+i)*s]) > granule { // out of order
			i = t.search(block[head*s:(head+n)*s], 0, granule)
		}
		if at := block[(head+i)*s : (head+i+1)*s]; int64(at[0]) == granule {
			return at
		}
	}
	if (head+n+1)*s > len(block) {
		block = t.room(st, blocks)
		head = 0
	}
	from, to := (head+i)*s, (head+n)*s
	copy(block[from+s:to+s], block[from:to])
	fresh := block[from : from+s]
	clear(fresh)
	fresh[0] = uint64(granule)
	for j := range t.lanes {
		switch l := &t.lanes[j]; l.kind {
		case minLane:
			fresh[l.at] = math.Float64bits(math.Inf(1))
		case maxLane:
			fresh[l.at] = math.Float64bits(math.Inf(-1))
		}
	}
	st[trackSpan] = uint64(head)<<32 | uint64(n+1)
	for w := range t.windows {
		if granule < int64(st[trackClock])-t.windows[w].k {
			st[trackPos+w]++
		}
	}
	return fresh
}

// room moves the queue to the start of a block with room for a quarter as many entries
// again, its own or another, so that a move of n entries comes after n/4 new ones.
func (t *track) room(st []uint64, blocks *classes) []uint64 {
	ref, s := st[trackRef], t.stride
	head, n := int(st[trackSpan]>>32), int(uint32(st[trackSpan]))
	entries := blocks.at(ref)[head*s : (head+n)*s]
	if class := classFor(n + n/4 + 1); class != int(ref>>32) {
		st[trackRef] = blocks.take(class)
		defer blocks.give(ref)
	}
	st[trackSpan] = uint64(n)
	block := blocks.at(st[trackRef])
	copy(block, entries)
	return block
}

// advance moves the track to clock f: granules leave the windows, and the queue when they
// have left the longest.
func (t *track) advance(rec []uint64, blocks *classes, f int64) {
	s, st := t.stride, rec[t.at:]
	head, n := int(st[trackSpan]>>32), int(uint32(st[trackSpan]))
	entries := blocks.at(st[trackRef])[head*s : (head+n)*s]
	for w := range t.windows {
		first, pos := f-t.windows[w].k, int(st[trackPos+w])
		if n == 0 || int64(entries[(n-1)*s]) < first {
			pos = n
		}
		from := pos
		for ; pos < n && int64(entries[pos*s]) < first; pos++ {
			t.leave(rec, w, entries, pos)
		}
		switch {
		case pos == n:
			t.empty(rec, w)
		case pos > from:
			t.settle(rec, w, entries, pos)
		}
		st[trackPos+w] = uint64(pos)
	}
	st[trackClock] = uint64(f)
	gone := int(st[trackPos])
	if gone == 0 {
		return
	}
	if head += gone; gone == n {
		head = 0
	}
	st[trackSpan] = uint64(head)<<32 | uint64(n-gone)
	for w := range t.windows {
		st[trackPos+w] -= uint64(gone)
	}
	if room := entriesOf(int(st[trackRef] >> 32)); room >= shrinkFrom && 8*(n-gone) < room {
		t.room(st, blocks)
	}
}

// shrinkFrom is the size from which a block that is almost empty is given back.
const shrinkFrom = 32

// leave takes entry pos out of the totals of window w.
func (t *track) leave(rec []uint64, w int, entries []uint64, pos int) {
	at := entries[pos*t.stride:]
	for _, j := range t.windows[w].totals {
		if o := &t.totals[j]; o.sum {
			high, low := sumAt(at[o.entry:])
			addTo(rec[o.at:], -high, -low)
		} else {
			rec[o.at] -= at[o.entry]
		}
	}
}

// settle adds the sums of window w up anew, over the entries from pos on, where what has left has taken their last bits along.
func (t *track) settle(rec []uint64, w int, entries []uint64, pos int) {
	for _, j := range t.windows[w].totals {
		o := &t.totals[j]
		if !o.sum || !lossy(rec[o.at:], rec[o.at+totalPeak]) {
			continue
		}
		clear(rec[o.at : o.at+totalWords])
		for i := pos; i < len(entries)/t.stride; i++ {
			high, low := sumAt(entries[i*t.stride+o.entry:])
			addToTotal(rec[o.at:], high, low)
		}
	}
}

// empty makes the totals of window w those of no entry.
func (t *track) empty(rec []uint64, w int) {
	for _, j := range t.windows[w].totals {
		if o := &t.totals[j]; o.sum {
			clear(rec[o.at : o.at+totalWords])
		} else {
			rec[o.at] = 0
		}
	}
}

// queue returns the entries of a record, oldest first.
func (t *track) queue(rec []uint64, blocks *classes) []uint64 {
	st := rec[t.at:]
	if st[trackRef] == noRef {
		return nil
	}
	head, n := int(st[trackSpan]>>32), int(uint32(st[trackSpan]))
	return blocks.at(st[trackRef])[head*t.stride : (head+n)*t.stride]
}

// search returns the position of the first entry, from pos on, that is not before granule first.
func (t *track) search(entries []uint64, pos int, first int64) int {
	n := len(entries) / t.stride
	if pos == n || int64(entries[pos*t.stride]) >= first {
		return pos
	}
	low, high := pos+1, n
	for low < high {
		if mid := int(uint(low+high) / 2); int64(entries[mid*t.stride]) < first {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

// value returns total o at clock f, not before the track's own: what stands in the record less
// what has left since, or what is still there, whichever is fewer granules.
func (t *track) value(rec, entries []uint64, o *total, f int64) float64 {
	n := len(entries) / t.stride
	if n == 0 {
		return 0
	}
	pos := int(rec[t.at+trackPos+o.window])
	cut := t.search(entries, pos, f-t.windows[o.window].k)
	switch {
	case cut == n:
		return 0
	case o.sum:
		return t.sum(entries, rec[o.at:], o.entry, pos, cut)
	case n-cut < cut-pos:
		return float64(t.countOf(entries, o.entry, cut, n))
	}
	return float64(rec[o.at] - t.countOf(entries, o.entry, pos, cut))
}

// countOf adds up a count of the entries from one to another.
func (t *track) countOf(entries []uint64, at, from, to int) (n uint64) {
	for i := from; i < to; i++ {
		n += entries[i*t.stride+at]
	}
	return n
}

// sum returns the total, which holds the entries from pos on, over those from cut on.
func (t *track) sum(entries, total []uint64, at, pos, cut int) float64 {
	n := len(entries) / t.stride
	part := [2]uint64{total[0], total[1]}
	if cut-pos <= n-cut {
		for i := pos; i < cut; i++ {
			high, low := sumAt(entries[i*t.stride+at:])
			addTo(part[:], -high, -low)
		}
		if cut == pos || !lossy(part[:], total[totalPeak]) {
			return math.Float64frombits(part[0])
		}
	}
	part = [2]uint64{}
	for i := cut; i < n; i++ {
		high, low := sumAt(entries[i*t.stride+at:])
		addTo(part[:], high, low)
	}
	return math.Float64frombits(part[0])
}

// extreme returns the least or largest value of a lane over the k granules before clock
// f and what has come since, NaN of none.
func (t *track) extreme(entries []uint64, l *lane, k, f int64) float64 {
	best := math.Inf(1)
	if l.kind == maxLane {
		best = math.Inf(-1)
	}
	for i := t.search(entries, 0, f-k); i < len(entries)/t.stride; i++ {
		v := math.Float64frombits(entries[i*t.stride+l.at])
		if l.kind == minLane {
			best = min(best, v)
		} else {
			best = max(best, v)
		}
	}
	if math.IsInf(best, 0) {
		return math.NaN()
	}
	return best
}

// due returns when the next granule leaves a window after clock f, in nanoseconds, or
// math.MaxInt64 when all are empty.
func (t *track) due(rec, entries []uint64, f int64) int64 {
	next := int64(math.MaxInt64)
	for w := range t.windows {
		cut := t.search(entries, int(rec[t.at+trackPos+w]), f-t.windows[w].k)
		if cut*t.stride < len(entries) {
			next = min(next, (int64(entries[cut*t.stride])+t.windows[w].k+1)*t.g)
		}
	}
	return next
}
