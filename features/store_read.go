package features

import (
	"context"
	"math"
	"math/bits"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/recsyskit/recsys"
)

// groupRows is how many rows are worked on at once. A group is one word of the block's bits.
const groupRows = 64

// batch is the work of one call: groups of keys at different stages. While the rows of
// one group are copied, those of the next are fetched, and what the index says of the one
// after that, so that memory is never idle and no cache miss waits for another.
//
// Measured with BenchmarkStoreRead/rows=cold on amd64: without the assembly of
// fetchLines and copyRows a batch takes 1.6 times as long.
type batch struct {
	tables []table
	absent *uint64 // what is copied for a key without a row: defaults

	key   [3 * groupRows]uint64
	hash  [3 * groupRows]uint64
	home  [3 * groupRows]*uint64 // the first word of the index to look at
	entry [2 * groupRows]uint64
	row   [2 * groupRows]*uint64 // its first word
	count [3]int
	found [2]uint64 // bit i: row i
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
	b := batch{tables: *s.tables.Load(), absent: &s.layout.absent[0]}
	var sum tally
	groups := (len(items) + groupRows - 1) / groupRows
	s.locate(&b, 0, items)
	s.locate(&b, 1, items)
	s.resolve(&b, 0)
	b.fetchRows(s.layout.lines)
	for g := range groups {
		s.locate(&b, g+2, items)
		s.resolve(&b, g+1)
		s.copyGroup(&b, g, &m, out, &sum)
	}
	stripe.add(len(items), &sum)
	return nil
}

// locate hashes the keys of a group and begins to load where the index has them.
func (s *Store) locate(b *batch, g int, items []recsys.ItemID) {
	n := min(groupRows, max(0, len(items)-g*groupRows))
	b.count[g%3] = n
	if n == 0 {
		return
	}
	at := g % 3 * groupRows
	items = items[g*groupRows:][:n]
	key, hash, home := b.key[at:][:n], b.hash[at:][:n], b.home[at:][:n]
	for i, id := range items {
		h := hashOf(uint64(id))
		key[i], hash[i] = uint64(id), h
		home[i] = b.tables[s.shardOf(h)].bucket(h)
	}
	fetchLines(&home[0], n, 1)
}

// resolve finds the rows of a group that was located. What it finds for a key is, by the tag,
// almost surely its row; copyGroup makes sure.
func (s *Store) resolve(b *batch, g int) {
	n, stride := b.count[g%3], s.layout.stride
	at := g % 3 * groupRows
	hash, home := b.hash[at:][:n], b.home[at:][:n]
	to := g % 2 * groupRows
	entry, row := b.entry[to:][:n], b.row[to:][:groupRows]
	var match [groupRows]uint8
	matchTags(&match[0], &b.home[at], &b.hash[at], n)
	found := uint64(0)
	for i, w := range home {
		h := hash[i]
		t := &b.tables[s.shardOf(h)]
		e := atomic.LoadUint64((*uint64)(unsafe.Add(unsafe.Pointer(w), 8*(bits.TrailingZeros8(match[i])&7))))
		if !tagged(e, h) {
			if e = t.probe(h); e == emptyEntry {
				row[i] = b.absent
				continue
			}
		}
		found |= 1 << i
		entry[i] = e
		row[i] = t.row(e, stride)
	}
	for i := n; i < groupRows; i++ {
		row[i] = b.absent // which is fetched for nothing
	}
	b.found[g%2] = found
}

// fetchRows begins to load the rows of the first group.
func (b *batch) fetchRows(lines int) { fetchLines(&b.row[0], b.count[0], lines) }

// probe returns the first entry with the tag of h, emptyEntry if there is none.
func (t *table) probe(h uint64) uint64 {
	mask := len(t.index) - 1
	for p := t.home(h); ; p = (p + 1) & mask {
		if e := atomic.LoadUint64(&t.index[p]); e == emptyEntry || tagged(e, h) {
			return e
		}
	}
}

// tally is what one call has read.
type tally struct{ missing, stale, future int }

// copyGroup writes the rows of a group into out, and their bits, while those of the next are fetched.
func (s *Store) copyGroup(b *batch, g int, m *moment, out *recsys.Block, sum *tally) {
	l := s.layout
	n, first, to := b.count[g%3], g*groupRows, g%2*groupRows
	l.copyGroup(out, first, n, &b.row[to], &b.row[groupRows-to])
	key, entry, row := b.key[g%3*groupRows:][:groupRows], b.entry[to:][:groupRows], b.row[to:][:groupRows]
	found, stale := b.found[g%2], uint64(0)
	for rest := found; rest != 0; rest &= rest - 1 {
		i := bits.TrailingZeros64(rest) % groupRows
		head := (*[idWord]uint64)(unsafe.Pointer(row[i]))
		if head[keyWord] != key[i] { // another key with the same tag
			h := hashOf(key[i])
			t := &b.tables[s.shardOf(h)]
			_, e, ok := t.find(h, key[i], l.stride)
			if !ok {
				found &^= 1 << i
				continue
			}
			entry[i], head = e, (*[idWord]uint64)(unsafe.Pointer(t.row(e, l.stride)))
			l.copyTo(out, first+i, s.words(t, e))
		}
		if s.bounded && entry[i]&readBit == 0 {
			b.tables[s.shardOf(hashOf(key[i]))].mark(hashOf(key[i]), entry[i])
		}
		at := int64(head[timeWord])
		if at > m.now || at < m.cutoff {
			kept, old := s.judge(out, first+i, at, m, sum)
			if !kept {
				found &^= 1 << i
			}
			if old {
				stale |= 1 << i
			}
		}
	}
	word := first / 64
	out.Missing[word], out.Stale[word] = 0, stale
	for lost := ^found & (1<<n - 1); lost != 0; lost &= lost - 1 {
		out.Miss(first + bits.TrailingZeros64(lost))
	}
	sum.missing += n - bits.OnesCount64(found|stale)
	sum.stale += bits.OnesCount64(stale)
}

// judge decides about a row that is in the future or has a stale value, and reports whether it is served and whether it is stale.
func (s *Store) judge(out *recsys.Block, i int, at int64, m *moment, sum *tally) (kept, stale bool) {
	if at > m.now {
		sum.future++
		return !s.config.RefuseFuture, false
	}
	switch s.config.Stale {
	case DropStale:
		return false, true
	case DefaultStale:
		s.layout.expire(out, i, at, m.now)
	}
	return true, true
}

// add counts what one call has read.
func (s *stripe) add(rows int, t *tally) {
	s.fresh.Add(uint64(rows - t.missing - t.stale))
	if t.stale > 0 {
		s.stale.Add(uint64(t.stale))
	}
	if t.missing > 0 {
		s.missing.Add(uint64(t.missing))
	}
	if t.future > 0 {
		s.future.Add(uint64(t.future))
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
