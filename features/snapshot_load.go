package features

import (
	"fmt"
	"runtime"

	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/internal/parallel"
)

// A snapshot is loaded into tables beside the store's own, which take their place when all of it
// was read and found good. Rows of a part that comes in order of its keys, as WriteTo
// writes it, go straight to their slots, several parts at a time; nothing is
// looked up, as no key is there twice.

// part is what the sections of one part hold, and the table that is made of them.
type part struct {
	keys, times, ids []uint64
	values           []float32

	table table
	rows  int
	err   error
}

// stage reads the parts of a snapshot into a store of its own, which has a shard for each, within reason.
func (s *Store) stage(e *envelope.Reader, parts int) *Store {
	if e.Err() != nil {
		return nil
	}
	const modest = 1024 // parts that are believed before they are seen
	config := s.config
	if parts != config.Shards && parts <= modest {
		config.Shards = 1
		for config.Shards < parts {
			config.Shards *= 2
		}
	}
	config.Capacity, config.MaxRows, config.MaxBytes = 0, 0, 0
	staged := newStore(config)
	batch := make([]part, min(runtime.GOMAXPROCS(0), parts))
	for first := 0; first < parts; first += len(batch) {
		batch = batch[:min(len(batch), parts-first)]
		for i := range batch {
			batch[i].read(e, s.layout, first+i)
		}
		if e.Err() != nil {
			return nil
		}
		parallel.Do(len(batch), len(batch), func(i int) { batch[i].build(staged, s.tableFor, first+i) })
		for i := range batch {
			p := &batch[i]
			switch {
			case p.err != nil:
				e.Fail(p.err.Error())
				return nil
			case p.rows < 0 || first+i >= len(staged.shards) || staged.shards[first+i].live > 0: // parts that are not as WriteTo orders them
				staged.putAll(p)
			default:
				staged.take(p, first+i)
			}
		}
	}
	return staged
}

// take makes the table of a part that of shard k, which is empty, of a store that nobody else has seen.
func (s *Store) take(p *part, k int) {
	(*s.tables.Load())[k] = p.table
	sh := &s.shards[k]
	sh.live, sh.used = p.rows, p.rows
	sh.stored.Add(uint64(p.rows))
	s.rows.Add(int64(p.rows))
}

// read reads the sections of part k.
func (p *part) read(e *envelope.Reader, l *layout, k int) {
	*p = part{}
	p.keys = envelope.Read[uint64](e, fmt.Sprintf("keys.%d", k))
	n := len(p.keys)
	p.times = envelope.ReadN[uint64](e, fmt.Sprintf("times.%d", k), n)
	p.ids = envelope.ReadN[uint64](e, fmt.Sprintf("ids.%d", k), n*l.ids)
	p.values = envelope.ReadN[float32](e, fmt.Sprintf("floats.%d", k), n*l.values)
}

// row returns row i of the part.
func (p *part) row(l *layout, i int) Row {
	v := p.values[i*l.values : (i+1)*l.values]
	return Row{Key: p.keys[i], IDs: p.ids[i*l.ids : (i+1)*l.ids], Floats: v[:l.floats], Vectors: v[l.floats:]}
}

// build checks the rows and makes the table of shard k of them; rows is -1 when they are not in order, or of other shards.
func (p *part) build(staged *Store, tableFor func(rows int) table, k int) {
	l, n := staged.layout, len(p.keys)
	t := tableFor(n)
	p.rows = n
	for i, key := range p.keys {
		r := p.row(l, i)
		if p.err = l.checkStored(&r, int64(p.times[i])); p.err != nil {
			return
		}
		h := hashOf(key)
		if p.rows < 0 || staged.shardOf(h) != k || i > 0 && key <= p.keys[i-1] {
			p.rows = -1 // the other rows are still checked
			continue
		}
		l.encode(l.view(&t.rows[i*l.stride]), &r, int64(p.times[i]))
		t.place(h, entryOf(h, uint32(i)))
	}
	p.table = t
}

// putAll puts the rows of a part one by one.
func (s *Store) putAll(p *part) {
	for i := range p.keys {
		r := p.row(s.layout, i)
		s.put(&r, int64(p.times[i]), 0, false) // no bounds, so that the clock does not matter
	}
}

// tableFor returns a table for a shard that is to take so many rows.
func (s *Store) tableFor(rows int) table {
	slots := max(rows+2*retireBatch, s.minSlots)
	return table{alignedWords(max(s.entriesFor(slots), entriesFor(rows))), alignedWords(slots * s.layout.stride)}
}

// merge moves the rows of staged, which nobody else uses, into s.
func (s *Store) merge(staged *Store) {
	same, now := len(staged.shards) == len(s.shards), s.clock()
	for k := range staged.shards {
		if same && s.adopt(staged, k) {
			continue
		}
		t := staged.table(k)
		var r Row
		for _, e := range t.index {
			if e > deletedEntry {
				row := staged.words(t, e)
				staged.layout.decode(&r, row)
				s.put(&r, int64(row[timeWord]), now, true)
			}
		}
	}
}

// adopt takes over shard k of staged if s has nothing in its own, and room for it.
func (s *Store) adopt(staged *Store, k int) bool {
	const afterAllEpochs = ^uint64(0)
	from, to := &staged.shards[k], &s.shards[k]
	to.mu.Lock()
	defer to.mu.Unlock()
	if to.used > 0 {
		return false
	}
	if n := s.rows.Add(int64(from.live)); s.bounded && (n > s.limit || from.live > s.liveLimit) {
		s.rows.Add(-int64(from.live))
		return false
	}
	to.live, to.deleted, to.used, to.free = from.live, from.deleted, from.used, from.free
	for slot, ok := from.retired.pop(afterAllEpochs); ok; slot, ok = from.retired.pop(afterAllEpochs) {
		to.free = append(to.free, slot)
	}
	s.swap(k, staged.table(k))
	to.stored.Add(from.stored.Load())
	return true
}
