package asof

import (
	"bufio"
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"slices"
)

// sorter orders records by word 0, as an int64, and records with equal ones by their order of
// arrival. It keeps them in memory as long as they fit; beyond that it writes sorted runs to a file, and merges
// these: Knuth, The Art of Computer Programming, volume 3, section 5.4.
type sorter struct {
	words   int
	budget  int64 // bytes
	scratch *scratch
	stats   *sortStats

	perChunk int
	most     int // records in memory
	chunks   [][]uint64
	n        int // records in chunks
	order    []place
	ordered  bool // the records in chunks are in order as they are
	last     int64

	runs []run
	out  *bufio.Writer // of the file of runs
	file *os.File
	at   int64
}

// place says where a record is in memory.
type place struct {
	at     int64
	record int32
}

const placeBytes = 16

// run is a part of a file: records in order.
type run struct{ from, to int64 }

// sortStats counts what sorters write.
type sortStats struct {
	runs  int
	bytes int64 // written to disk
	width int   // how many runs the last merge reads at once
}

// sorted returns a cursor over the records of seq in order. It takes about budget bytes, and as many on
// disk as the records take if that is more; when they are merged in several passes, twice as many. What it
// keeps in memory is freed with the cursor.
func sorted(ctx context.Context, words int, seq func(func([]uint64, error) bool), budget int64, dir *scratch, stats *sortStats) (*cursor, error) {
	s := newSorter(words, budget, dir, stats)
	for rec, err := range seq {
		if err == nil {
			err = s.add(rec)
		}
		if err != nil {
			return nil, err
		}
	}
	if len(s.runs) == 0 {
		s.sort()
		return s.fromMemory(), nil
	}
	if err := s.spill(); err != nil {
		return nil, err
	}
	return s.merge(ctx)
}

func newSorter(words int, budget int64, dir *scratch, stats *sortStats) *sorter {
	bytes := int64(words) * 8
	most := min(max((budget-writeBuffer(budget))/(bytes+placeBytes), 2), 1<<31-1)
	// A chunk is a sixteenth of what may be kept, and at most about a megabyte.
	perChunk := min(max(most/16, 1), max(1<<20/bytes, 1))
	return &sorter{
		words: words, budget: budget, scratch: dir, stats: stats,
		perChunk: int(perChunk), most: int(most / perChunk * perChunk), ordered: true,
	}
}

// writeBuffer returns what of a budget runs are written through.
func writeBuffer(budget int64) int64 { return min(max(budget/16, leastBuffer), mostBuffer) }

// add takes a copy of rec.
func (s *sorter) add(rec []uint64) error {
	if s.n == s.most {
		if err := s.spill(); err != nil {
			return err
		}
	}
	k, in := s.n/s.perChunk, s.n%s.perChunk
	if k == len(s.chunks) {
		s.chunks = append(s.chunks, nil)
	}
	s.chunks[k] = room(s.chunks[k], in, s.perChunk, s.words)
	at := int64(rec[0])
	s.ordered = s.ordered && (s.n == 0 || s.last <= at)
	s.last = at
	copy(s.chunks[k][in*s.words:], rec)
	s.n++
	return nil
}

func (s *sorter) record(i int) []uint64 {
	from := i % s.perChunk * s.words
	return s.chunks[i/s.perChunk][from : from+s.words]
}

// sort makes order the order of the records in memory.
func (s *sorter) sort() {
	s.order = s.order[:0]
	if s.ordered {
		return
	}
	if cap(s.order) < s.n {
		s.order = make([]place, 0, min(s.most, s.n+s.n/4))
	}
	for i := range s.n {
		s.order = append(s.order, place{int64(s.record(i)[0]), int32(i)})
	}
	slices.SortFunc(s.order, func(a, b place) int {
		if a.at != b.at {
			return cmp.Compare(a.at, b.at)
		}
		return cmp.Compare(a.record, b.record)
	})
}

// inOrder returns the record that comes as number i.
func (s *sorter) inOrder(i int) []uint64 {
	if s.ordered {
		return s.record(i)
	}
	return s.record(int(s.order[i].record))
}

// fromMemory returns a cursor over the records in memory, which have been sorted.
func (s *sorter) fromMemory() *cursor {
	c := &cursor{words: s.words, stop: func() {}}
	i := 0
	c.fill = func() ([]uint64, error) {
		if i == s.n {
			return nil, io.EOF
		}
		if s.ordered { // whole chunks
			chunk := s.chunks[i/s.perChunk]
			k := min(s.perChunk, s.n-i)
			i += k
			return chunk[:k*s.words], nil
		}
		i++
		return s.inOrder(i - 1), nil
	}
	return c
}

// spill writes the records in memory as a run.
func (s *sorter) spill() error {
	s.sort()
	if s.file == nil {
		f, err := s.scratch.create()
		if err != nil {
			return err
		}
		s.file, s.out = f, bufio.NewWriterSize(f, int(writeBuffer(s.budget)))
	}
	from := s.at
	for i := range s.n {
		if err := s.write(s.inOrder(i)); err != nil {
			return err
		}
	}
	if err := s.out.Flush(); err != nil {
		return fmt.Errorf("asof: sorting: %w", err)
	}
	s.runs = append(s.runs, run{from, s.at})
	s.stats.runs++
	s.n, s.ordered = 0, true
	return nil
}

func (s *sorter) write(rec []uint64) error {
	buf := s.out.AvailableBuffer()
	for _, w := range rec {
		buf = binary.LittleEndian.AppendUint64(buf, w)
	}
	if _, err := s.out.Write(buf); err != nil {
		return fmt.Errorf("asof: sorting: %w", err)
	}
	s.at += int64(len(buf))
	s.stats.bytes += int64(len(buf))
	return nil
}

// room returns part with room for record n < most: it doubles until it is as large as it gets, so that what is small stays so.
func room(part []uint64, n, most, words int) []uint64 {
	if n*words < len(part) {
		return part
	}
	larger := make([]uint64, min(max(2*n, 16), most)*words)
	copy(larger, part)
	return larger
}
