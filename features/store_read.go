package features

import (
	"context"
	"math"
	"math/bits"
	"sync/atomic"
	"time"

	"github.com/recsyskit/recsys"
)

// groupRows is how many rows are looked up at once: their index words are read
// together, then their rows are fetched together, so that no cache miss waits for
// another. A group is one word of the block's bits.
//
// Measured with BenchmarkStoreRead/rows=cold on amd64: without fetchIndex and fetchRows
// a batch takes 2.5 times as long, with the loads of prefetch_generic.go 1.1 to 1.6 times.
const groupRows = 64

// group is the work of one batch of look-ups.
type group struct {
	hash  [groupRows]uint64
	entry [groupRows]uint64
	word  [groupRows]*uint64 // of the index, then the first of the row

	found, stale, future uint64 // bit i: row i
}

// moment is a query's Now as rows store time.
type moment struct {
	now    int64
	cutoff int64 // a row before it has a stale value
}

func (l *layout) moment(now time.Time) moment {
	if now.IsZero() {
		return moment{math.MaxInt64, undated}
	}
	n, ok := nanoOf(now)
	switch {
	case !ok && now.Year() < 1970:
		n = undated + 1
	case !ok:
		n = math.MaxInt64
	}
	if l.maxAge == 0 {
		return moment{n, undated}
	}
	return moment{n, before(n, l.maxAge)}
}

// Hydrate writes the rows of the items, or of the query's user in a store of users,
// into out. An unknown key is a missing row: defaults and the Missing bit. The
// context is not looked at, as nothing is waited for. The error says that out has
// not the columns of the store, or not a row for each item; a pipeline's blocks have.
func (s *Store) Hydrate(_ context.Context, q *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
	if s.config.Entity == User {
		user := [1]recsys.ItemID{recsys.ItemID(q.User)}
		items = user[:]
	}
	if err := s.layout.fits(out, len(items)); err != nil {
		return err
	}
	m := s.layout.moment(q.Now)
	stripe := s.epochs.stripe(q.Seed)
	epoch := s.epochs.enter(stripe)
	defer s.epochs.leave(stripe, epoch)
	tables := *s.tables.Load()
	var g group
	var missing, stale, future int
	for first := 0; first < len(items); first += groupRows {
		part := items[first:min(first+groupRows, len(items))]
		s.look(&g, tables, part)
		s.copyGroup(&g, tables, part, m, out, first)
		missing += len(part) - bits.OnesCount64(g.found)
		stale += bits.OnesCount64(g.stale)
		future += bits.OnesCount64(g.future)
	}
	stripe.count(len(items)-missing-stale, stale, missing, future)
	return nil
}

// look finds the rows of at most groupRows keys and begins to fetch them. What it
// finds for a key is, by the tag, almost surely its row; copyGroup makes sure.
func (s *Store) look(g *group, tables []table, keys []recsys.ItemID) {
	n, stride := len(keys), s.layout.stride
	for i, key := range keys {
		h := hashOf(uint64(key))
		g.hash[i%groupRows] = h
		g.word[i%groupRows] = tables[s.shardOf(h)].home(h)
	}
	g.fetchIndex(n)
	for i, w := range g.word[:n] {
		g.entry[i] = atomic.LoadUint64(w)
	}
	found := uint64(0)
	for i, e := range g.entry[:n] {
		h := g.hash[i]
		t := &tables[s.shardOf(h)]
		if e>>32 != tagOf(h) {
			if e = t.probe(h); e == emptyEntry {
				continue
			}
		}
		found |= 1 << i
		g.word[i] = t.row(e, stride)
	}
	g.found, g.stale, g.future = found, 0, 0
	g.fetchRows(n, s.layout)
}

// probe returns the first entry with the tag of h, emptyEntry if there is none.
func (t *table) probe(h uint64) uint64 {
	mask := len(t.index) - 1
	for p := int(h) & mask; ; p = (p + 1) & mask {
		if e := atomic.LoadUint64(&t.index[p]); e == emptyEntry || e>>32 == tagOf(h) {
			return e
		}
	}
}

// copyGroup writes the rows of a group into out from row first on, and their bits.
func (s *Store) copyGroup(g *group, tables []table, keys []recsys.ItemID, m moment, out *recsys.Block, first int) {
	l := s.layout
	for i, key := range keys {
		bit := uint64(1) << i
		if g.found&bit == 0 {
			continue
		}
		row := l.view(g.word[i%groupRows])
		if row[keyWord] != uint64(key) { // another key with the same tag
			h := g.hash[i%groupRows]
			t := &tables[s.shardOf(h)]
			_, e, ok := t.find(h, uint64(key), l.stride)
			if !ok {
				g.found &^= bit
				continue
			}
			row = s.words(t, e)
		}
		at := int64(row[timeWord])
		if at > m.now {
			g.future |= bit
			if s.config.RefuseFuture {
				g.found &^= bit
				continue
			}
		}
		if at < m.cutoff {
			g.stale |= bit
			if s.config.Stale == DropStale {
				continue
			}
		}
		l.copyTo(out, first+i, row)
		if g.stale&bit != 0 && s.config.Stale == DefaultStale {
			l.expire(out, first+i, at, m.now)
		}
	}
	out.Missing[first/groupRows], out.Stale[first/groupRows] = 0, g.stale
	lost := ^g.found
	if s.config.Stale == DropStale {
		lost |= g.stale
	}
	for lost &= 1<<len(keys) - 1; lost != 0; lost &= lost - 1 {
		out.Miss(first + bits.TrailingZeros64(lost))
	}
}

// count adds what one call has read.
func (s *stripe) count(fresh, stale, missing, future int) {
	for _, c := range [...]struct {
		n  int
		to *atomic.Uint64
	}{{fresh, &s.fresh}, {stale, &s.stale}, {missing, &s.missing}, {future, &s.future}} {
		if c.n > 0 {
			c.to.Add(uint64(c.n))
		}
	}
}

// Get returns a copy of the row of a key as it was put, whatever its age. It is for
// tools and tests; serving reads through Hydrate.
func (s *Store) Get(key uint64) (r Row, ok bool) {
	s.read([]uint64{key}, func(row []uint64) {
		s.layout.decode(&r, row)
		ok = true
	})
	return r, ok
}

// read calls f with the row of each key that is there. The rows are valid during f,
// which must not write to the store.
func (s *Store) read(keys []uint64, f func(row []uint64)) {
	stripe := s.epochs.stripe(uint64(len(keys)))
	epoch := s.epochs.enter(stripe)
	defer s.epochs.leave(stripe, epoch)
	for _, key := range keys {
		h := hashOf(key)
		t := s.table(s.shardOf(h))
		if _, e, ok := t.find(h, key, s.layout.stride); ok {
			f(s.words(t, e))
		}
	}
}
