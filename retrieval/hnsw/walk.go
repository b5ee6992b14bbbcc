package hnsw

import "sync/atomic"

// An entry of a pool is key<<32 | row<<1 | expanded. Pools are in descending order.
type entry = uint64

const expanded entry = 1

func makeEntry(key, row uint32) entry { return entry(key)<<32 | entry(row)<<1 }
func rowOf(e entry) uint32            { return uint32(e) >> 1 }
func keyOf(e entry) uint32            { return uint32(e >> 32) }

// walker is the memory of one walk through a store. After start, its pool holds the best
// entries that were offered to it, at most as many as its capacity.
type walker struct {
	query   query
	visited []uint64 // a bit for each row: for 100,000 rows they stay in the first cache
	pool    []entry
	fresh   []uint32 // rows that were not visited before
	keys    []uint32 // theirs
	walked  int      // rows compared since it was set to 0
}

// start makes the walker ready for a walk with a pool of ef; the query must be set.
func (w *walker) start(ef int) {
	s := w.query.store
	w.visited = resize(w.visited, s.capacity/64)
	clear(w.visited)
	w.reserve(ef, max(s.degree, s.upper.m, hubCount))
}

// reserve empties the pool, and makes room for ef entries in it and n fresh rows.
func (w *walker) reserve(ef, n int) {
	w.pool = resize(w.pool, ef)[:0:ef]
	w.fresh = resize(w.fresh, n)
	w.keys = resize(w.keys, n)
}

// seed puts a row into the pool, where a walk begins.
func (w *walker) seed(row uint32) {
	w.visited[row>>6] |= 1 << (row & 63)
	w.fresh[0] = row
	w.query.keys(w.keys, w.fresh[:1])
	w.walked++
	w.insertAll(1)
}

// seedHubs puts the hubs of the store into the pool as well.
func (w *walker) seedHubs() {
	for i := range w.query.hubs {
		w.keys[i] = w.query.hubs[i].Load()
	}
	n := w.collect(w.keys[:len(w.query.hubs)])
	w.walked += n
	w.query.keys(w.keys, w.fresh[:n])
	w.insertAll(n)
}

// walk expands the best entry that is not expanded until there is none, at one level.
//
// Source: Malkov and Yashunin, algorithm 2, with its candidates and its results in one
// sorted array.
func (w *walker) walk(level int) {
	s := w.query.store
	for cur := 0; cur < len(w.pool); {
		e := w.pool[cur]
		if e&expanded != 0 {
			cur++
			continue
		}
		w.pool[cur] = e | expanded
		cur++
		n := w.collect(s.neighbours(rowOf(e), level))
		if n == 0 {
			continue
		}
		w.walked += n
		w.query.keys(w.keys, w.fresh[:n])
		cur = min(cur, w.insertAll(n))
	}
}

// collect fills fresh with the rows in links that were not visited, marks them, and
// returns how many they are. It does not branch on whether a row was visited, which
// cannot be predicted.
func (w *walker) collect(links []uint32) int {
	visited, fresh := w.visited, w.fresh
	if len(fresh) < len(links) {
		return 0
	}
	n := 0
	for i := range links {
		row := atomic.LoadUint32(&links[i])
		word := int(row >> 6)
		if word >= len(visited) {
			break // none; in a bad file, any number that is no row
		}
		fresh[n] = row
		old := visited[word]
		marked := old | 1<<(row&63)
		visited[word] = marked
		if marked != old {
			n++
		}
	}
	return n
}

// insertAll inserts the n fresh rows with their keys, and returns the best place taken.
func (w *walker) insertAll(n int) int {
	pool, ef := w.pool, cap(w.pool)
	best := len(pool)
	worst := uint32(0)
	if len(pool) == ef {
		worst = keyOf(pool[ef-1])
	}
	fresh := w.fresh[:n]
	for i, key := range w.keys[:n] {
		if key <= worst && len(pool) == ef {
			continue
		}
		e := makeEntry(key, fresh[i])
		lo, hi := 0, len(pool)
		for lo < hi {
			mid := int(uint(lo+hi) >> 1)
			if pool[mid] > e {
				lo = mid + 1
			} else {
				hi = mid
			}
		}
		if len(pool) < ef {
			pool = pool[:len(pool)+1]
		}
		copy(pool[lo+1:], pool[lo:])
		pool[lo] = e
		if len(pool) == ef {
			worst = keyOf(pool[ef-1])
		}
		best = min(best, lo)
	}
	w.pool = pool
	return best
}

// descend walks greedily from a row, at level from down to level to+1, and returns where
// it arrives.
//
// Source: Malkov and Yashunin, algorithm 5, lines 4 to 6: ef = 1.
func (w *walker) descend(row uint32, from, to int) uint32 {
	if from <= to {
		return row
	}
	w.fresh[0] = row
	w.query.keys(w.keys, w.fresh[:1])
	w.walked++
	best := w.keys[0]
	for level := from; level > to; level-- {
		for moved := true; moved; {
			moved = false
			n := w.all(w.query.neighbours(row, level))
			w.walked += n
			w.query.keys(w.keys, w.fresh[:n])
			for i, key := range w.keys[:n] {
				if key > best {
					best, row, moved = key, w.fresh[i], true
				}
			}
		}
	}
	return row
}

// all fills fresh with the rows in links and returns how many they are.
func (w *walker) all(links []uint32) int {
	n := 0
	for i := range links {
		row := atomic.LoadUint32(&links[i])
		if int(row) >= w.query.capacity || n >= len(w.fresh) {
			break
		}
		w.fresh[n] = row
		n++
	}
	return n
}
