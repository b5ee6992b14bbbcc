package asof

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Buffers of a merge: one for each run, and one for what is written.
const (
	leastBuffer = 4 << 10
	mostBuffer  = 1 << 20
)

// merge returns a cursor over the runs, which it merges by parts until a buffer for each of them fits
// into the budget.
func (s *sorter) merge(ctx context.Context) (*cursor, error) {
	s.chunks, s.order = nil, nil
	fan := max(2, int(s.budget/leastBuffer)-1)
	for len(s.runs) > fan {
		if err := s.pass(ctx, fan); err != nil {
			return nil, err
		}
	}
	s.out, s.stats.width = nil, len(s.runs)
	m := newMerger(s.file, s.runs, s.words, s.budget)
	batch := make([]uint64, 0, batchRecords*s.words)
	c := &cursor{words: s.words, stop: func() {}}
	c.fill = func() ([]uint64, error) {
		var err error
		if batch, err = m.fill(batch[:0]); len(batch) > 0 {
			return batch, nil
		}
		return nil, err
	}
	return c, nil
}

// pass merges each fan neighbouring runs into one, in a new file.
func (s *sorter) pass(ctx context.Context, fan int) error {
	old := s.file
	f, err := s.scratch.create()
	if err != nil {
		return err
	}
	buffer := bufferFor(fan, s.budget)
	s.file, s.out, s.at = f, bufio.NewWriterSize(f, buffer), 0
	var runs []run
	for first := 0; first < len(s.runs); first += fan {
		from := s.at
		m := newMerger(old, s.runs[first:min(first+fan, len(s.runs))], s.words, s.budget)
		for n := 0; ; n++ {
			if n%batchRecords == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			rec, err := m.next()
			if err == io.EOF {
				break
			}
			if err == nil {
				err = s.write(rec)
			}
			if err != nil {
				return err
			}
		}
		runs = append(runs, run{from, s.at})
	}
	if err := s.out.Flush(); err != nil {
		return fmt.Errorf("asof: sorting: %w", err)
	}
	s.runs = runs
	return s.scratch.remove(old)
}

func bufferFor(runs int, budget int64) int {
	return int(min(max(budget/int64(runs+1), leastBuffer), mostBuffer))
}

// merger merges runs of a file. Runs with equal records come in their order.
type merger struct {
	heap  []*runReader
	moved bool // the first reader stands on a record that next has returned
}

// runReader stands on a record of a run.
type runReader struct {
	at    int64 // word 0 of rec
	index int
	rec   []uint64
	bytes []byte
	left  int64 // bytes of the run that are not read
	in    *bufio.Reader
}

func newMerger(f *os.File, runs []run, words int, budget int64) *merger {
	m := new(merger)
	buffer := bufferFor(len(runs), budget)
	for i, r := range runs {
		size := int(min(int64(buffer), r.to-r.from))
		m.heap = append(m.heap, &runReader{
			index: i, left: r.to - r.from, rec: make([]uint64, words), bytes: make([]byte, 8*words),
			in: bufio.NewReaderSize(io.NewSectionReader(f, r.from, r.to-r.from), size),
		})
	}
	return m
}

// next returns the next record, valid until the call after it; io.EOF after the last.
func (m *merger) next() ([]uint64, error) {
	if !m.moved { // the first call
		m.moved = true
		for _, r := range m.heap {
			if err := r.read(); err != nil { // no run is empty
				return nil, err
			}
		}
		for i := len(m.heap)/2 - 1; i >= 0; i-- {
			m.down(i)
		}
	} else if len(m.heap) > 0 {
		switch err := m.heap[0].read(); {
		case err == io.EOF:
			last := len(m.heap) - 1
			m.heap[0] = m.heap[last]
			m.heap = m.heap[:last]
		case err != nil:
			return nil, err
		}
		m.down(0)
	}
	if len(m.heap) == 0 {
		return nil, io.EOF
	}
	return m.heap[0].rec, nil
}

// fill appends records to batch up to its capacity.
func (m *merger) fill(batch []uint64) ([]uint64, error) {
	for len(batch) < cap(batch) {
		rec, err := m.next()
		if err != nil {
			return batch, err
		}
		batch = append(batch, rec...)
	}
	return batch, nil
}

func (m *merger) down(i int) {
	h := m.heap
	for {
		k := 2*i + 1
		if k >= len(h) {
			return
		}
		if k+1 < len(h) && h[k+1].before(h[k]) {
			k++
		}
		if !h[k].before(h[i]) {
			return
		}
		h[i], h[k] = h[k], h[i]
		i = k
	}
}

func (r *runReader) before(o *runReader) bool {
	return r.at < o.at || r.at == o.at && r.index < o.index
}

// read goes to the next record of the run; io.EOF after the last.
func (r *runReader) read() error {
	if r.left == 0 {
		return io.EOF
	}
	if _, err := io.ReadFull(r.in, r.bytes); err != nil {
		if err == io.EOF { // the file has been cut
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("asof: reading what was sorted: %w", err)
	}
	r.left -= int64(len(r.bytes))
	for i := range r.rec {
		r.rec[i] = binary.LittleEndian.Uint64(r.bytes[8*i:])
	}
	r.at = int64(r.rec[0])
	return nil
}

// scratch is a folder for files of runs, made when the first is.
type scratch struct {
	parent, dir string
	files       map[*os.File]bool
	made        int
}

func (s *scratch) create() (*os.File, error) {
	if s.dir == "" {
		dir, err := os.MkdirTemp(s.parent, "asof-*")
		if err != nil {
			return nil, fmt.Errorf("asof: a folder to sort in: %w", err)
		}
		s.dir, s.files = dir, map[*os.File]bool{}
	}
	s.made++
	f, err := os.OpenFile(filepath.Join(s.dir, fmt.Sprintf("runs-%d", s.made)), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("asof: a file to sort in: %w", err)
	}
	s.files[f] = true
	return f, nil
}

// remove deletes a file.
func (s *scratch) remove(f *os.File) error {
	delete(s.files, f)
	if err := errors.Join(f.Close(), os.Remove(f.Name())); err != nil {
		return fmt.Errorf("asof: removing what was sorted: %w", err)
	}
	return nil
}

// clean deletes the folder with all that is in it.
func (s *scratch) clean() error {
	if s.dir == "" {
		return nil
	}
	var errs []error
	for f := range s.files {
		errs = append(errs, f.Close())
	}
	errs = append(errs, os.RemoveAll(s.dir))
	s.dir, s.files = "", nil
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("asof: removing what was sorted: %w", err)
	}
	return nil
}
