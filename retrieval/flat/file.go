package flat

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"sync"

	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/code8"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// The file is an envelope of kind "flat", version 1:
//
//	config   JSON: metric "ip", "cos" or "l2"; dim; rows; codes, whether there are any
//	items    uint64: the table of rows as [retrieval.Rows.AppendTo] writes it
//	norms    float32 of each row: its norm, rounded up; descending unless the metric is "cos"
//	bounds   float32, 4 for each block: norm, low, scale, residual (see type bounds)
//	vectors  float32, rows × stride: the dimension, rounded up to 16 where that adds an
//	         eighth at most
//	codes    uint8, rows × code8.Stride(dim), or none
const (
	kind        = "flat"
	fileVersion = 1
)

type header struct {
	Metric string `json:"metric"`
	Dim    int    `json:"dim"`
	Rows   int    `json:"rows"`
	Codes  bool   `json:"codes"`
}

// WriteTo writes the index, as it is when called, in the format that ReadFrom and Open
// read. It compacts first, so that the bytes depend on the items, their vectors and the
// configuration alone, not on the order in which they came. Searches and, once the index is
// compact, writers go on meanwhile. After Close it writes nothing.
func (x *Index) WriteTo(dst io.Writer) (int64, error) {
	x.mu.Lock()
	if x.epoch.Load().closed {
		x.mu.Unlock()
		return 0, closed("write")
	}
	if err := x.compact(context.Background(), x.set.workers); err != nil {
		x.mu.Unlock()
		return 0, err
	}
	e := x.epoch.Load()
	items := e.rows.AppendTo(nil)
	x.mu.Unlock()
	if e.rows.Len() == 0 {
		items = []uint64{}
	}
	w := envelope.NewWriter(dst, kind, fileVersion, 0)
	w.WriteJSON("config", header{Metric: x.set.Metric.String(), Dim: x.set.Dim, Rows: e.main.rows, Codes: x.set.Codes})
	envelope.Write(w, "items", items)
	envelope.Write(w, "norms", e.main.norms)
	envelope.Write(w, "bounds", e.main.bounds)
	envelope.Write(w, "vectors", e.main.vectors)
	envelope.Write(w, "codes", e.main.codes)
	return w.Close()
}

// ReadFrom replaces the index by one that WriteTo wrote, and checks it as Verify does.
// After an error the index is as it was. It must not run beside other methods. An index that
// was closed is open again.
//
// The errors wrap those of a file: it may be of another kind, of a newer version,
// truncated or corrupt.
func (x *Index) ReadFrom(src io.Reader) (int64, error) {
	n, err := x.read(src)
	if err != nil {
		return n, fmt.Errorf("flat: %w", err)
	}
	return n, nil
}

// read is ReadFrom without the name of the package in the error.
func (x *Index) read(src io.Reader) (int64, error) {
	r := envelope.NewReader(src, kind, fileVersion)
	e := readEpoch(r)
	if r.Err() == nil {
		if err := e.check(); err != nil {
			r.Fail(err.Error())
		}
	}
	n, err := r.Close()
	if err != nil {
		return n, err
	}
	return n, x.replace(e, nil)
}

// Save writes the index to a file, all of it or nothing: the new file replaces the old one
// when it is on disk. After Close it fails and leaves the file alone.
func (x *Index) Save(path string) error {
	if x.epoch.Load().closed {
		return closed("save")
	}
	if err := envelope.WriteFile(path, x); err != nil {
		return fmt.Errorf("flat: %w", err)
	}
	return nil
}

// Load reads an index into memory that Save wrote, and checks it.
func Load(path string) (*Index, error) {
	x := new(Index)
	err := envelope.Load(path, func(src io.Reader) error {
		_, err := x.read(src)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("flat: %w", err)
	}
	return x, nil
}

// Open maps an index that Save wrote into memory, in a time that does not depend on its
// size but for a few bytes for every thousand rows: pages are read when they are needed.
// Changes stay in memory. Open checks sizes only; a file that may be damaged wants Verify.
// Call Close when the index is not needed any more.
//
// Never write into or truncate a mapped file (cp over it, rsync --inplace): the process dies.
// Save and rename replace it safely; a deleted file stays readable.
func Open(path string) (*Index, error) {
	var e *epoch
	mapped, err := envelope.Map(path, kind, fileVersion, func(r *envelope.Reader) { e = readEpoch(r) })
	if err != nil {
		return nil, fmt.Errorf("flat: %w", err)
	}
	x := new(Index)
	return x, x.replace(e, mapped)
}

// replace makes e the contents of the index, and gives back the file of the old ones.
func (x *Index) replace(e *epoch, mapped *envelope.Mapped) error {
	old := x.mapped
	x.set = e.main.set
	x.mapped = mapped
	if x.scratch == nil {
		x.scratch = &sync.Pool{New: func() any { return new(search) }}
		x.batches = &sync.Pool{New: func() any { return new(batch) }}
	}
	x.epoch.Store(e)
	if old != nil {
		return old.Close()
	}
	return nil
}

// Close ends the use of the index and gives back its memory, or the file of an opened one: it
// has no items then, and what can fail fails with [retrieval.ErrClosed]. It must not run beside
// other methods. A second call does nothing; ReadFrom opens the index again.
func (x *Index) Close() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	e := newEpoch(new(retrieval.Rows), newSegment(x.set, 0))
	e.closed = true
	return x.replace(e, nil)
}

// Verify reads all of the index and reports what is wrong with it: damage to the file of
// an opened one, and vectors, codes, norms or bounds that contradict each other. Writers
// wait meanwhile.
func (x *Index) Verify() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.epoch.Load().closed {
		return closed("verify")
	}
	if x.mapped != nil {
		if err := x.mapped.Verify(); err != nil {
			return fmt.Errorf("flat: %w", err)
		}
	}
	if err := x.epoch.Load().check(); err != nil {
		return fmt.Errorf("flat: %w", err)
	}
	return nil
}

// readEpoch reads the sections. What it returns is of use only if the reader has no error.
func readEpoch(r *envelope.Reader) *epoch {
	var h header
	r.ReadJSON("config", &h)
	metric, err := retrieval.ParseMetric(h.Metric)
	set := settings{Metric: metric, Dim: h.Dim, Codes: h.Codes}
	if err == nil {
		err = set.check()
	}
	if err == nil && (h.Rows < 0 || h.Rows > math.MaxInt32 || h.Rows > math.MaxInt/(set.Dim+64)) {
		err = fmt.Errorf("%d rows; want 0 to %d", h.Rows, math.MaxInt32)
	}
	if err != nil {
		r.Fail(err.Error())
		return nil
	}
	s := &segment{set: set, rows: h.Rows}
	items := envelope.Read[uint64](r, "items")
	s.norms = envelope.ReadN[float32](r, "norms", h.Rows)
	s.bounds = envelope.Read[float32](r, "bounds")
	s.vectors = envelope.ReadN[float32](r, "vectors", h.Rows*set.stride())
	s.store = s.vectors
	if set.Codes {
		s.codes = envelope.ReadN[uint8](r, "codes", h.Rows*code8.Stride(set.Dim))
	} else {
		envelope.ReadN[uint8](r, "codes", 0)
	}
	if r.Err() != nil {
		return nil
	}
	// All arrays are there, so that the number of rows is bounded by the bytes read.
	s.starts = blockStarts(h.Rows, nextBlock)
	if len(s.bounds) != s.blocks()*boundFields {
		r.Fail(fmt.Sprintf("%d bounds for %d blocks", len(s.bounds), s.blocks()))
		return nil
	}
	rows := new(retrieval.Rows)
	if err := rows.Restore(items, h.Rows, h.Rows); err != nil {
		r.Fail(err.Error())
		return nil
	}
	return newEpoch(rows, s)
}

// check reports the first contradiction: it computes again all that follows from the
// vectors.
func (e *epoch) check() error {
	if err := e.rows.Check(); err != nil {
		return err
	}
	s := e.main
	codes := make([]uint8, code8.Stride(s.set.Dim))
	for b := range s.blocks() {
		start, end, m := s.block(b)
		want := bounds{low: math.MaxFloat32, scale: m.scale}
		for i := start; i < end; i++ {
			row := uint32(i)
			v := s.vector(row)
			if !vector.Finite(v) {
				return fmt.Errorf("row %d is not finite", row)
			}
			norm := code8.Norm(v)
			switch {
			case norm != s.norms[i]:
				return fmt.Errorf("row %d has norm %v; want %v", row, s.norms[i], norm)
			case norm > s.maxNorm():
				return fmt.Errorf("row %d has norm %v; want at most %v", row, norm, s.maxNorm())
			case s.set.byNorm() && i > 0 && norm > s.norms[i-1]:
				return fmt.Errorf("rows %d and %d have norms %v and %v; want them descending", i-1, i, s.norms[i-1], norm)
			}
			want.norm, want.low = max(want.norm, norm), min(want.low, code8.Low(norm))
			if s.codes != nil {
				want.residual = max(want.residual, code8.Encode(codes, v, m.scale))
				if !slices.Equal(codes, s.codes[i*len(codes):(i+1)*len(codes)]) {
					return fmt.Errorf("row %d has other codes than its vector", row)
				}
			}
		}
		if m != want {
			return fmt.Errorf("block %d has bounds %v; want %v", b, m, want)
		}
	}
	return nil
}
