package features

import (
	"slices"
	"sync/atomic"
)

// rangeBatch is how many rows Range copies at a time.
const rangeBatch = 256

// Range calls yield with each row, until it returns false: for r := range s.Range.
// A row that is put or deleted meanwhile may be seen or not; all others are seen
// once. Rows come shard by shard, within one by key, so that stores with the same rows
// and number of shards give the same order. The row's slices are reused from call to
// call. Yield may write to the store.
func (s *Store) Range(yield func(Row) bool) {
	var keys []uint64
	batch := make([]Row, rangeBatch)
	for k := range s.shards {
		keys = s.keys(keys[:0], k)
		for part := range slices.Chunk(keys, rangeBatch) {
			n := 0
			s.read(part, func(row []uint64) {
				s.layout.decode(&batch[n], row)
				n++
			})
			for _, r := range batch[:n] { // outside of the epoch, as yield may take its time
				if !yield(r) {
					return
				}
			}
		}
	}
}

// keys appends the keys of shard k in ascending order.
func (s *Store) keys(dst []uint64, k int) []uint64 {
	dst = s.unsortedKeys(dst, k)
	slices.Sort(dst)
	return dst
}

func (s *Store) unsortedKeys(dst []uint64, k int) []uint64 {
	stripe := s.epochs.stripe(uint64(k))
	epoch := s.epochs.enter(stripe)
	defer s.epochs.leave(stripe, epoch)
	t := s.table(k)
	for i := range t.index {
		if e := atomic.LoadUint64(&t.index[i]); e > deletedEntry {
			dst = append(dst, *t.row(e, s.layout.stride))
		}
	}
	return dst
}
