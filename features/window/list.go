package window

import "math"

// A list holds the last K events that matched, newest first, of the same time the
// smaller ID first: an order that does not depend on when they arrived. Its words are
// their number, then the time and ID of each.

// add enters an event.
func (l *list) add(rec []uint64, e *Event) {
	st := rec[l.at:]
	n, pairs := int(st[0]), st[1:1+2*l.k]
	if l.unique {
		for i := range n {
			if pairs[2*i+1] != e.ID {
				continue
			}
			if int64(pairs[2*i]) >= e.Time {
				return
			}
			copy(pairs[2*i:], pairs[2*i+2:2*n])
			n--
			break
		}
	}
	i := n
	for i > 0 && before(e.Time, e.ID, int64(pairs[2*i-2]), pairs[2*i-1]) {
		i--
	}
	if i < l.k {
		n = min(n+1, l.k)
		copy(pairs[2*i+2:2*n], pairs[2*i:])
		pairs[2*i], pairs[2*i+1] = uint64(e.Time), e.ID
	}
	st[0] = uint64(n)
}

// before reports whether an event comes before another in a list.
func before(t int64, id uint64, thanTime int64, thanID uint64) bool {
	return t > thanTime || t == thanTime && id < thanID
}

// start returns the end of the window's left side at now: events after it count.
func (l *list) start(now int64) int64 { return floorDiv(now, l.g)*l.g - l.w }

// read writes the list at now: the IDs, and ages where ages is not nil.
func (l *list) read(rec []uint64, now int64, ids []uint64, ages []float64) {
	st := rec[l.at:]
	from := l.start(now)
	for i := range int(st[0]) {
		at := int64(st[1+2*i])
		if at <= from {
			break
		}
		ids[i] = st[2+2*i]
		if ages != nil {
			ages[i] = float64(now-at) / 1e9
		}
	}
}

// due returns when the oldest event of the list at now leaves the window.
func (l *list) due(rec []uint64, now int64) int64 {
	st := rec[l.at:]
	from, next := l.start(now), int64(math.MaxInt64)
	for i := range int(st[0]) {
		if at := int64(st[1+2*i]); at > from {
			next = (floorDiv(at-1, l.g) + 1 + l.w/l.g) * l.g
			// the first multiple m of g with m - w >= at
		}
	}
	return next
}
