package features

import (
	"context"
	"fmt"
	"math"
	"math/bits"
	"slices"
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
// Measured with BenchmarkStoreRead/rows=cold on amd64: with the Go in place of the assembly of
// fetchLines, matchTags and copyRows a batch takes 2.5 times as long.
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
	cutoff int64 // a row before it has a stale value, or is past the TTL
	dead   int64 // a row before it is past the TTL
	dated  bool  // there is a Now, so that rows have ages
}

func (l *layout) moment(now time.Time) moment {
	m := moment{now: math.MaxInt64, cutoff: undated, dead: undated}
	if now.IsZero() {
		return m
	}
	n, ok := nanoOf(now)
	switch {
	case !ok && now.Year() < 1970:
		n = undated + 1
	case !ok:
		n = math.MaxInt64
	}
	m.now, m.dated = n, true
	if l.maxAge > 0 {
		m.cutoff = before(n, l.maxAge)
	}
	if l.ttl > 0 {
		m.dead = before(n, l.ttl)
		m.cutoff = max(m.cutoff, m.dead)
	}
	return m
}

// age returns the age in seconds of a row, NaN when it is not known. That of a row of the future is negative. The difference is taken
// in whole nanoseconds, held to those of an int64: times of today as float64s are multiples of 256 ns.
func (m *moment) age(at int64) float32 {
	if !m.dated || at == undated {
		return float32(math.NaN())
	}
	age := m.now - at
	switch {
	case age < 0 && m.now > at:
		age = math.MaxInt64
	case age > 0 && m.now < at:
		age = math.MinInt64
	}
	return float32(float64(age) / 1e9)
}

// Hydrate writes the rows of the items, or of the query's user or context, into out, with their ages. An unknown key is a
// missing row: defaults and the Missing bit. The
// context is not looked at, as nothing is waited for. The error says that out has
// not the columns of the store, or not a row for each item; a pipeline's blocks have. A store of the entity Context is
// bound first, see [Store.Bind].
func (s *Store) Hydrate(_ context.Context, q *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
	if s.view.Entity == Context {
		return fmt.Errorf("features: store of view %q is not bound; Bind finds the column of its keys", s.view.Name)
	}
	return s.hydrate(s.byKey, q, items, out)
}

// Hydrate is that of the store, for the keys that were bound.
func (b *boundStore) Hydrate(_ context.Context, q *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
	return b.hydrate(b.keys, q, items, out)
}

func (s *Store) hydrate(from Keys, q *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
	n := len(items)
	if s.view.Entity.Scope() == recsys.PerRequest {
		n = 1
	}
	if err := s.layout.fits(out, n); err != nil {
		return err
	}
	if n == 0 {
		return nil
	}
	m := s.layout.moment(q.Now)
	stripe := s.epochs.stripe(q.Seed)
	epoch := s.epochs.enter(stripe)
	defer s.epochs.leave(stripe, epoch)
	b := batch{tables: *s.tables.Load(), absent: &s.layout.absent[0]}
	var sum tally
	groups := (n + groupRows - 1) / groupRows
	b.keys(0, from, q, items)
	b.keys(1, from, q, items)
	s.locate(&b, 0)
	s.locate(&b, 1)
	s.resolve(&b, 0)
	b.fetchRows(s.layout.lines)
	for g := range groups {
		b.keys(g+2, from, q, items)
		s.locate(&b, g+2)
		s.resolve(&b, g+1)
		s.copyGroup(&b, g, &m, out, &sum)
	}
	stripe.add(n, &sum)
	return nil
}

// keys makes the keys of group g.
func (b *batch) keys(g int, from Keys, q *recsys.Query, items []recsys.ItemID) {
	at := g % 3 * groupRows
	if from.entity.Scope() == recsys.PerRequest {
		b.count[g%3] = len(from.Append(b.key[at:at], q, nil)) * max(0, 1-g) // the first group has all there is
		return
	}
	n := min(groupRows, max(0, len(items)-g*groupRows))
	if b.count[g%3] = n; n > 0 {
		from.Append(b.key[at:at], q, items[g*groupRows:][:n])
	}
}

// locate hashes the keys of a group and begins to load where the index has them.
func (s *Store) locate(b *batch, g int) {
	n, at := b.count[g%3], g%3*groupRows
	if n == 0 {
		return
	}
	hash, home := b.hash[at:][:n], b.home[at:][:n]
	for i, key := range b.key[at:][:n] {
		h := hashOf(key)
		hash[i] = h
		home[i] = b.tables[s.shardOf(h)].bucket(h)
	}
	fetchBuckets(&home[0], n)
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
type tally struct{ missing, stale, expired, future int }

// copyGroup writes the rows of a group into out, and their bits, while those of the next are fetched.
func (s *Store) copyGroup(b *batch, g int, m *moment, out *recsys.Block, sum *tally) {
	l := s.layout
	n, first, to := b.count[g%3], g*groupRows, g%2*groupRows
	l.copyGroup(out, first, n, &b.row[to], &b.row[groupRows-to])
	key, entry, row := b.key[g%3*groupRows:][:groupRows], b.entry[to:][:groupRows], b.row[to:][:groupRows]
	found, stale, aging := b.found[g%2], uint64(0), out.Age != nil || l.age
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
			if old {
				stale |= 1 << i
			}
			if !kept {
				found &^= 1 << i
				continue
			}
		}
		if aging {
			age := m.age(at)
			if out.Age != nil {
				out.Age[first+i] = age
			}
			if l.age {
				out.Float[(first+i)*out.Stride+l.floats] = age
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

// judge decides about a row that is in the future, past its TTL or has a stale value, and reports whether it is served and whether it is stale.
func (s *Store) judge(out *recsys.Block, i int, at int64, m *moment, sum *tally) (kept, stale bool) {
	switch {
	case at > m.now:
		sum.future++
		return !s.config.RefuseFuture, false
	case at < m.dead:
		sum.expired++
		return false, false
	}
	switch s.view.Stale {
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
	if t.expired > 0 {
		s.expired.Add(uint64(t.expired))
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

// Lookup appends to dst a copy of the row of each key that has one, in the order of keys, as it was put and whatever its age, and
// returns the extended slice. It waits for no one, so ctx is only looked at before.
func (s *Store) Lookup(ctx context.Context, keys []uint64, dst []Row) ([]Row, error) {
	if ctx.Err() != nil {
		return dst, fmt.Errorf("features: store: %w", context.Cause(ctx))
	}
	for part := range slices.Chunk(keys, rangeBatch) {
		s.read(part, func(row []uint64) {
			var r Row
			s.layout.decode(&r, row)
			dst = append(dst, r)
		})
	}
	return dst, nil
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
