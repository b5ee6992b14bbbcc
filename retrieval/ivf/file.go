package ivf

import (
	"fmt"
	"io"
	"iter"
	"math"
	"slices"

	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// The file is an envelope of kind "ivf", version 1:
//
//	config     JSON, see header
//	items      uint64: the table of rows as [retrieval.Rows.AppendTo] writes it
//	owners     uint32 for each row: its list
//	centroids  float32, lists × dim
//	cells      float32, 6 for each list: mean, high and low (see coarse), the norm, radius
//	           and cosine of its shape
//	sizes      uint32, 2 for each list: slots, segments
//	rows       uint32 for each slot: its row
//	ends       uint32 for each segment: the slot of its list after the last
//	segments   float32, 3 for each segment: scale, error, norm
//	biases     float32 for each slot: its squared norm for l2, less that of the centroid for
//	           PQ; its norm for PQ and ip; else none
//	codebook   float32, the centroids of PQ; none for int8
//	codes      uint8: the codes of the lists, one list after the other
//	queries    float32: the sample queries that were given, each of dim
//	vectors    float32, rows × dim; zeros for a row without an item
const (
	kind        = "ivf"
	fileVersion = 1
)

// header is the section config.
type header struct {
	Metric     string  `json:"metric"`
	Dim        int     `json:"dim"`
	Rows       int     `json:"rows"`
	Items      int     `json:"items"`
	Lists      int     `json:"lists"`
	Codes      string  `json:"codes"`
	SubDim     int     `json:"subdim"`
	Rescore    int     `json:"rescore"`
	Recall     float64 `json:"recall"`
	Iterations int     `json:"iterations"`
	Start      int     `json:"start"` // Config.Lists
	Changes    int     `json:"changes"`
	Seed       uint64  `json:"seed"`
	Tuning     tuning  `json:"tuning"`
}

// WriteTo writes the index, as it is when called, in the format that ReadFrom and Open
// read. Slots of deleted items are dropped first. Searches go on meanwhile; writers wait.
func (ix *Index) WriteTo(dst io.Writer) (int64, error) {
	if ix.closed {
		return 0, closed("write")
	}
	ix.mu.Lock()
	defer ix.mu.Unlock()
	ix.bury()
	st := ix.state.Load()
	lists := st.coarse.centroids.Rows
	limit := st.rows.Limit()
	w := envelope.NewWriter(dst, kind, fileVersion, 0)
	w.WriteJSON("config", header{
		Metric: ix.metric.String(), Dim: ix.dim, Rows: limit, Items: st.items, Lists: lists,
		Codes: ix.cfg.Codes.String(), SubDim: ix.cfg.SubDim, Rescore: ix.cfg.Rescore, Recall: ix.cfg.Recall,
		Iterations: ix.cfg.Iterations, Start: ix.cfg.Lists, Seed: ix.cfg.Seed, Changes: st.changes, Tuning: st.tuning,
	})
	var cells []float32
	var sizes, ends []uint32
	var segments []float32
	slots, bytes := 0, 0
	for c := range uint32(lists) {
		l := st.lists.at(c)
		s := l.shape
		cells = append(cells, st.coarse.mean[c], st.coarse.high[c], st.coarse.low[c], s.Norm, s.Radius, s.Cos)
		sizes = append(sizes, uint32(len(l.rows)), uint32(len(l.segments)))
		for _, g := range l.segments {
			ends = append(ends, g.End)
			segments = append(segments, g.Scale, g.Error, g.Norm)
		}
		slots += len(l.rows)
		bytes += len(l.codes)
	}
	envelope.Write(w, "items", st.rows.AppendTo(nil))
	envelope.Write(w, "owners", ix.liveOwners(st, limit))
	envelope.Write(w, "centroids", st.coarse.centroids.Data)
	envelope.Write(w, "cells", cells)
	envelope.Write(w, "sizes", sizes)
	envelope.WriteSeq(w, "rows", slots, pieces(st, func(l *list) []uint32 { return l.rows }))
	envelope.Write(w, "ends", ends)
	envelope.Write(w, "segments", segments)
	if !st.codec.biased() {
		slots = 0
	}
	envelope.WriteSeq(w, "biases", slots, pieces(st, func(l *list) []float32 { return l.biases }))
	envelope.Write(w, "codebook", st.codec.book)
	envelope.WriteSeq(w, "codes", bytes, pieces(st, func(l *list) []uint8 { return l.codes }))
	envelope.Write(w, "queries", ix.sample.Data)
	envelope.WriteSeq(w, "vectors", limit*ix.dim, ix.vectors(st, limit))
	n, err := w.Close()
	if err != nil {
		return n, fmt.Errorf("ivf: %w", err)
	}
	return n, nil
}

// pieces gives out a part of every list.
func pieces[T any](st *state, part func(*list) []T) iter.Seq[[]T] {
	return func(yield func([]T) bool) {
		for c := range uint32(st.coarse.centroids.Rows) {
			if p := part(st.lists.at(c)); len(p) > 0 && !yield(p) {
				return
			}
		}
	}
}

// vectors gives out the vectors of all rows, zeros for those without an item: what was
// deleted does not go into a file.
func (ix *Index) vectors(st *state, limit int) iter.Seq[[]float32] {
	zeros := make([]float32, ix.dim)
	return func(yield func([]float32) bool) {
		for row := range uint32(limit) {
			v := zeros
			if st.rows.Live(row) {
				v = st.vector(row, ix.dim)
			}
			if !yield(v) {
				return
			}
		}
	}
}

// liveOwners returns the list of each row, 0 for those without an item.
func (ix *Index) liveOwners(st *state, limit int) []uint32 {
	owners := make([]uint32, limit)
	for row := range owners {
		if st.rows.Live(uint32(row)) {
			owners[row] = ix.owner[row]
		}
	}
	return owners
}

// bury squeezes the lists that have dead slots.
func (ix *Index) bury() {
	next := *ix.state.Load()
	changed := false
	for c := range uint32(next.coarse.centroids.Rows) {
		if next.lists.at(c).gone > 0 {
			next.lists = next.lists.with(c, next.codec.squeeze(next.lists.at(c)))
			changed = true
		}
	}
	if changed {
		ix.publish(&next)
	}
}

// ReadFrom replaces the index by one that WriteTo wrote, and checks it as Verify does.
// After an error the index is as it was. It must not run beside other methods. An index that
// was closed is open again.
//
// The errors wrap those of a file: it may be of another kind, of a newer version,
// truncated or corrupt.
func (ix *Index) ReadFrom(src io.Reader) (int64, error) {
	n, err := ix.load(src)
	if err != nil {
		err = fmt.Errorf("ivf: %w", err)
	}
	return n, err
}

func (ix *Index) load(src io.Reader) (int64, error) {
	r := envelope.NewReader(src, kind, fileVersion)
	in := new(Index)
	in.read(r)
	if r.Err() == nil {
		if err := in.verify(); err != nil {
			r.Fail(err.Error())
		}
	}
	n, err := r.Close()
	if err != nil {
		return n, err
	}
	mapped := ix.mapped
	ix.replace(in)
	if mapped != nil {
		err = mapped.Close()
	}
	return n, err
}

// replace makes the contents of in those of ix.
func (ix *Index) replace(in *Index) {
	st := in.state.Load()
	ix.metric, ix.dim, ix.cfg, ix.owner = in.metric, in.dim, in.cfg, in.owner
	ix.retired, ix.mapped, ix.sample, ix.closed = nil, in.mapped, in.sample, false
	ix.state.Store(st)
}

// Save writes the index to a file, all of it or nothing.
func (ix *Index) Save(path string) error {
	if ix.closed {
		return closed("save")
	}
	if err := envelope.WriteFile(path, ix); err != nil {
		return fmt.Errorf("ivf: %w", err)
	}
	return nil
}

// Load reads an index into memory that Save wrote, and checks it.
func Load(path string) (*Index, error) {
	ix := new(Index)
	err := envelope.Load(path, func(src io.Reader) error {
		_, err := ix.load(src)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("ivf: %w", err)
	}
	return ix, nil
}

// Open maps an index that Save wrote into memory. It takes time in proportion to the
// number of lists, not to that of the items: pages are read when they are needed, of the
// vectors only those that a search compares at full precision. Changes stay in memory. Call
// Close when the index is not needed any more.
//
// Open checks sizes, and what belongs to lists. Of the rest Verify finds any damage; without
// it, searches of a damaged file miss items, return items that were deleted, items twice or
// under wrong scores, or NaN, and Update, Delete and Compact may fail. Nothing panics.
//
// Never write into or truncate a mapped file (cp over it, rsync --inplace): the process
// dies. Save and rename replace it safely; a deleted file stays readable.
func Open(path string) (*Index, error) {
	ix := new(Index)
	mapped, err := envelope.Map(path, kind, fileVersion, ix.read)
	if err != nil {
		return nil, fmt.Errorf("ivf: %w", err)
	}
	mapped.Advise("vectors", envelope.Random)
	ix.mapped = mapped
	return ix, nil
}

// Close ends the use of an index, and gives back the file of an opened one. It has no items
// then, and what can fail fails with [retrieval.ErrClosed]. It must not run beside other
// methods.
func (ix *Index) Close() error {
	mapped := ix.mapped
	empty, err := newEmpty(ix.cfg, ix.dim)
	if err != nil {
		return fmt.Errorf("ivf: close: %w", err)
	}
	ix.replace(empty)
	ix.closed = true
	if mapped == nil {
		return nil
	}
	return mapped.Close()
}

// Verify reads all of the index and reports what is wrong with it: damage to the file of
// an opened one, and lists, codes or bounds that contradict the vectors. Writers wait
// meanwhile.
func (ix *Index) Verify() error {
	if ix.closed {
		return closed("verify")
	}
	ix.mu.Lock()
	defer ix.mu.Unlock()
	if ix.mapped != nil {
		if err := ix.mapped.Verify(); err != nil {
			return fmt.Errorf("ivf: %w", err)
		}
	}
	if err := ix.verify(); err != nil {
		return fmt.Errorf("ivf: %w", err)
	}
	return nil
}

// config returns what the header says, checked.
func (h *header) config() (Config, error) {
	metric, err := retrieval.ParseMetric(h.Metric)
	if err != nil {
		return Config{}, err
	}
	cfg := Config{
		Metric: metric, Lists: h.Start, SubDim: h.SubDim, Rescore: h.Rescore, Recall: h.Recall,
		Iterations: h.Iterations, Seed: h.Seed,
	}
	switch h.Codes {
	case Int8.String():
	case PQ.String():
		cfg.Codes = PQ
	default:
		return cfg, fmt.Errorf("codes are %q; want int8 or pq", h.Codes)
	}
	if err := cfg.check(); err != nil {
		return cfg, err
	}
	switch {
	case h.Dim < 1 || h.Dim > maxDim:
		return cfg, fmt.Errorf("dim is %d; want 1 to %d", h.Dim, maxDim)
	case h.Rows < 0 || h.Rows > math.MaxInt32 || h.Items < 0 || h.Items > h.Rows:
		return cfg, fmt.Errorf("%d items in %d rows", h.Items, h.Rows)
	case h.Lists < 1 || h.Lists > math.MaxInt32/(h.Dim+leafSize):
		return cfg, fmt.Errorf("%d lists", h.Lists)
	case h.SubDim < 1 || h.Rescore < 0 || h.Tuning.Rescore < 1 || h.Iterations < 1:
		return cfg, fmt.Errorf("config has zeros")
	case h.Changes < 0:
		return cfg, fmt.Errorf("%d changes", h.Changes)
	case h.Tuning.Items < 0:
		return cfg, fmt.Errorf("tuning of %d items", h.Tuning.Items)
	case !(h.Tuning.Reach >= 0 && h.Tuning.Reach <= 1):
		return cfg, fmt.Errorf("reach is %v; want 0 to 1", h.Tuning.Reach)
	}
	for i := range levels {
		if h.Tuning.Lists[i] < 1 || h.Tuning.Filtered[i] < 1 {
			return cfg, fmt.Errorf("tuning %+v has numbers below 1", h.Tuning)
		}
	}
	return cfg, nil
}

// read fills an empty index with the sections. It is of use only if the reader has no
// error.
func (ix *Index) read(r *envelope.Reader) {
	var h header
	r.ReadJSON("config", &h)
	if r.Err() != nil {
		return
	}
	cfg, err := h.config()
	if err != nil {
		r.Fail(err.Error())
		return
	}
	ix.metric, ix.dim, ix.cfg = cfg.Metric, h.Dim, cfg
	items := envelope.Read[uint64](r, "items")
	ix.owner = envelope.ReadN[uint32](r, "owners", h.Rows)
	c := &coarse{l2: ix.l2(), mean: make([]float32, 0), centroids: vector.Matrix{
		Data: envelope.ReadN[float32](r, "centroids", h.Lists*h.Dim), Rows: h.Lists, Dim: h.Dim, Stride: h.Dim,
	}}
	cells := envelope.ReadN[float32](r, "cells", h.Lists*6)
	sizes := envelope.ReadN[uint32](r, "sizes", h.Lists*2)
	rows := envelope.Read[uint32](r, "rows")
	ends := envelope.Read[uint32](r, "ends")
	segments := envelope.ReadN[float32](r, "segments", 3*len(ends))
	coder := newCodec(&cfg, h.Dim)
	slots := 0
	if coder.biased() {
		slots = len(rows)
	}
	biases := envelope.ReadN[float32](r, "biases", slots)
	book := envelope.Read[float32](r, "codebook")
	codes := envelope.Read[uint8](r, "codes")
	queries := envelope.Read[float32](r, "queries")
	base := envelope.ReadN[float32](r, "vectors", h.Rows*h.Dim)
	if r.Err() != nil {
		return
	}
	// All arrays are there, so that the sizes are bounded by the bytes read.
	coder.book = book
	table := new(retrieval.Rows)
	if err = coder.checkBook(&cfg); err == nil {
		err = table.Restore(items, h.Rows, h.Items)
	}
	if err != nil {
		r.Fail(err.Error())
		return
	}
	p := parts{rows: rows, codes: codes, biases: biases, ends: ends, segments: segments}
	lists := make([]list, h.Lists)
	for i := range lists {
		cell := cells[6*i:]
		c.mean, c.high, c.low = append(c.mean, cell[0]), append(c.high, cell[1]), append(c.low, cell[2])
		lists[i].shape = shape{Norm: cell[3], Radius: cell[4], Cos: cell[5]}
		if !p.cut(&lists[i], int(sizes[2*i]), int(sizes[2*i+1]), coder) {
			r.Fail(fmt.Sprintf("list %d of %d slots and %d segments does not fit", i, sizes[2*i], sizes[2*i+1]))
			return
		}
	}
	if len(p.rows)+len(p.codes)+len(p.ends) > 0 {
		r.Fail("there is more than the lists hold")
		return
	}
	if len(queries)%h.Dim != 0 || len(queries)/h.Dim > givenQueries {
		r.Fail(fmt.Sprintf("queries of %d values; want at most %d of %d", len(queries), givenQueries, h.Dim))
		return
	}
	ix.sample = vector.From(slices.Clone(queries), h.Dim)
	if err := ix.checkNumbers(c, coder); err != nil {
		r.Fail(err.Error())
		return
	}
	c.aim(h.Tuning.Reach)
	ix.state.Store(&state{
		rows: table, changes: h.Changes, codec: coder, coarse: c, lists: makeTable(lists), items: h.Items, version: table.Version(), tuning: h.Tuning, longest: longest(lists),
		base: base, baseRows: uint32(h.Rows),
	})
}

// parts are arrays that lists are cut from.
type parts struct {
	rows, ends       []uint32
	codes            []uint8
	biases, segments []float32
}

// cut takes the next list; ok is false if there is too little for it, or its segments do
// not add up.
func (p *parts) cut(l *list, slots, segments int, c *codec) (ok bool) {
	size := c.size(slots)
	if slots > len(p.rows) || segments > len(p.ends) || size > len(p.codes) {
		return false
	}
	l.rows, p.rows = p.rows[:slots:slots], p.rows[slots:]
	l.codes, p.codes = p.codes[:size:size], p.codes[size:]
	if c.biased() {
		l.biases, p.biases = p.biases[:slots:slots], p.biases[slots:]
	}
	l.segments = make([]segment, segments)
	end := uint32(0)
	for i := range l.segments {
		v := p.segments[3*i:]
		l.segments[i] = segment{End: p.ends[i], Scale: v[0], Error: v[1], Norm: v[2]}
		if p.ends[i] <= end || c.pq && end%blockRows != 0 {
			return false
		}
		end = p.ends[i]
	}
	p.ends, p.segments = p.ends[segments:], p.segments[3*segments:]
	return int(end) == slots
}
