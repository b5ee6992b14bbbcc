package hnsw

import (
	"fmt"
	"io"
	"math"
	"math/bits"
	"slices"
	"sync/atomic"

	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/retrieval"
)

// The file is an envelope of kind "hnsw", version 1. Rows are those up to the limit of the
// table of rows, rounded up to a multiple of 64; M and the pitch follow from the config:
//
//	config   JSON, see header
//	items    uint64: the table of rows as [retrieval.Rows.AppendTo] writes it
//	links    uint32, rows × 2M: links at level 0, ending at 2³²-1
//	tall     uint64, a bit for each row: is its level above 0
//	rank     uint32 for each word of tall: how many bits are set before it
//	first    uint32 for each tall row and one more: where its blocks of upper start
//	upper    uint32, blocks × M: links at level 1, 2, … of each tall row
//	twins    uint32 for each row, or none: 1 + the row of an equal vector that follows it
//	behind   uint64, a bit for each row, or none: does it follow another
//	codes    uint8, rows × pitch, or none
//	units    float32 for each row, or none: codes then have one scale
//	squares  float32 for each row, or none
//	tops     float32 for each 64 rows, or none
//	vectors  float32, rows × dim
const (
	kind        = "hnsw"
	fileVersion = 1
)

type header struct {
	Metric         string   `json:"metric"`
	Dim            int      `json:"dim"`
	M              int      `json:"m"`
	EfConstruction int      `json:"ef_construction"`
	Effort         int      `json:"effort"`
	Rescore        int      `json:"rescore"`
	Quant          string   `json:"quant"`
	Seed           uint64   `json:"seed,string"`
	Limit          int      `json:"limit"`
	Items          int      `json:"items"`
	Entry          uint32   `json:"entry"`
	Scale          float32  `json:"scale"`
	Hubs           []uint32 `json:"hubs,omitempty"`
}

// WriteTo writes the index in the format that ReadFrom, Load and Open read. Rows of deleted
// items are unlinked first, and items that changes have cut off are linked to again.
// Searches go on meanwhile, writers wait.
func (x *Index) WriteTo(dst io.Writer) (int64, error) {
	if x.closed {
		return 0, closed("write")
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	s := x.store.Load()
	if x.writer.changed {
		x.purge(s)
		s.attachAll(&x.cfg, &x.writer.linker)
		x.writer.inlinks = nil
		x.writer.changed = false
	}
	c, t := x.Config(), &s.upper
	rows := (s.rows.Limit() + 63) &^ 63
	tall := t.number(uint32(rows))
	w := envelope.NewWriter(dst, kind, fileVersion, 0)
	w.WriteJSON("config", header{
		Metric: c.Metric.String(), Dim: s.dim, M: c.M, EfConstruction: c.EfConstruction, Effort: c.Effort, Rescore: c.Rescore,
		Quant: c.Quant.String(), Seed: c.Seed, Limit: s.rows.Limit(), Items: s.rows.Len(), Entry: s.entry.Load(), Scale: s.scale,
		Hubs: s.listHubs(nil),
	})
	envelope.Write(w, "items", s.rows.AppendTo([]uint64{}))
	envelope.Write(w, "links", s.links[:rows*s.degree])
	envelope.Write(w, "tall", t.tall[:rows/64])
	envelope.Write(w, "rank", t.rank[:rows/64])
	envelope.Write(w, "first", t.first[:tall+1])
	envelope.Write(w, "upper", t.links[:int(t.first[tall])*t.m])
	twins, behind := s.twins[:rows], s.behind[:rows/64]
	if !slices.ContainsFunc(behind, func(b uint64) bool { return b != 0 }) {
		twins, behind = nil, nil
	}
	envelope.Write(w, "twins", twins)
	envelope.Write(w, "behind", behind)
	envelope.Write(w, "codes", s.codes[:rows*s.pitch])
	envelope.Write(w, "units", s.units[:min(rows, len(s.units))])
	envelope.Write(w, "squares", s.squares[:min(rows, len(s.squares))])
	envelope.Write(w, "tops", floatsOf(s.tops[:min(rows/64, len(s.tops))]))
	envelope.Write(w, "vectors", s.vectors[:rows*s.dim])
	return w.Close()
}

// ReadFrom replaces the index by one that WriteTo wrote, after checking it as Verify does.
// After an error the index is as it was. It must not run beside other methods. An index that
// was closed is open again.
//
// The errors wrap those of package envelope: the file may be of another kind, of a newer
// version, truncated or corrupt.
func (x *Index) ReadFrom(src io.Reader) (int64, error) {
	n, err := x.read(src)
	if err != nil {
		err = fmt.Errorf("hnsw: %w", err)
	}
	return n, err
}

func (x *Index) read(src io.Reader) (int64, error) {
	r := envelope.NewReader(src, kind, fileVersion)
	cfg, s := readStore(r)
	if r.Err() == nil {
		if err := s.check(&cfg); err != nil {
			r.Fail(err.Error())
		}
	}
	n, err := r.Close()
	if err != nil {
		return n, err
	}
	mapped := x.mapped
	x.reset(cfg, s, nil)
	if mapped != nil {
		err = mapped.Close()
	}
	return n, err
}

// Save writes the index to a file, all of it or nothing; see WriteTo.
func (x *Index) Save(path string) error {
	if x.closed {
		return closed("save")
	}
	if err := envelope.WriteFile(path, x); err != nil {
		return fmt.Errorf("hnsw: %w", err)
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
		return nil, fmt.Errorf("hnsw: %w", err)
	}
	return x, nil
}

// Open maps an index that Save wrote into memory, in a time that does not depend on its
// size but for a few bytes for each 4,096 rows. Pages are read when they are needed: those
// of the float vectors of few rows, as long as the index walks on codes and is not changed.
// Changes stay in memory; the first that needs more room copies the index.
//
// Open checks sizes only. A damaged file gives wrong answers, no crash; call Verify on one
// that is not trusted. Call Close when the index is not needed any more.
//
// Never write into or truncate a mapped file (cp over it, rsync --inplace): the process
// dies. Save and rename replace it safely; a deleted file stays readable.
func Open(path string) (*Index, error) {
	var cfg Config
	var s *store
	mapped, err := envelope.Map(path, kind, fileVersion, func(r *envelope.Reader) { cfg, s = readStore(r) })
	if err != nil {
		return nil, fmt.Errorf("hnsw: %w", err)
	}
	if s.codes != nil {
		mapped.Advise("vectors", envelope.Random)
	}
	x := new(Index)
	x.reset(cfg, s, mapped)
	return x, nil
}

// Close ends the use of an index, and gives back the file of an opened one. It has no items
// then, and what can fail fails with [retrieval.ErrClosed]. It must not run beside other
// methods.
func (x *Index) Close() error {
	mapped := x.mapped
	x.reset(x.cfg, newStore(&x.cfg, new(retrieval.Rows), x.dim, 0), nil)
	x.closed = true
	if mapped == nil {
		return nil
	}
	return mapped.Close()
}

// Verify reads all of the index and reports what is wrong with it: damage to the file of an
// opened one, or rows, links, levels, codes and vectors that contradict each other. Writers
// wait meanwhile.
func (x *Index) Verify() error {
	if x.closed {
		return closed("verify")
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.mapped != nil {
		if err := x.mapped.Verify(); err != nil {
			return fmt.Errorf("hnsw: %w", err)
		}
	}
	if err := x.store.Load().check(&x.cfg); err != nil {
		return fmt.Errorf("hnsw: %w", err)
	}
	return nil
}

// readStore reads all sections and checks that their sizes fit.
func readStore(r *envelope.Reader) (Config, *store) {
	var h header
	r.ReadJSON("config", &h)
	cfg, err := h.config()
	if err != nil && r.Err() == nil {
		r.Fail(err.Error())
	}
	if r.Err() != nil {
		return cfg, nil
	}
	rows := (h.Limit + 63) &^ 63
	s := &store{
		rows: new(retrieval.Rows), metric: cfg.Metric, dim: h.Dim, capacity: rows,
		degree: 2 * cfg.M, scale: h.Scale,
	}
	pitch, squares, tops := 0, 0, 0
	if cfg.Quant == Int8 {
		pitch = codePitch(h.Dim)
		if cfg.Metric == retrieval.L2 {
			squares = rows
		}
	}
	if cfg.Metric == retrieval.InnerProduct {
		tops = rows / 64
	}
	s.pitch = pitch
	items := envelope.Read[uint64](r, "items")
	s.links = envelope.ReadN[uint32](r, "links", rows*s.degree)
	t := &s.upper
	t.m = cfg.M
	t.tall = envelope.ReadN[uint64](r, "tall", rows/64)
	t.rank = envelope.ReadN[uint32](r, "rank", rows/64)
	t.first = envelope.Read[uint32](r, "first")
	t.links = envelope.Read[uint32](r, "upper")
	s.twins, s.behind = envelope.Read[uint32](r, "twins"), envelope.Read[uint64](r, "behind")
	codes := envelope.ReadN[uint8](r, "codes", rows*pitch)
	units := envelope.Read[float32](r, "units")
	sq := envelope.ReadN[float32](r, "squares", squares)
	norms := envelope.ReadN[float32](r, "tops", tops)
	s.vectors = envelope.ReadN[float32](r, "vectors", rows*h.Dim)
	if cfg.Quant == Int8 {
		s.codes = codes
		if len(units) != 0 {
			if len(units) != rows && r.Err() == nil {
				r.Fail(fmt.Sprintf("units of %d codes; want %d", len(units), rows))
			}
			s.units = units
		}
	}
	if cfg.Quant == Int8 && cfg.Metric == retrieval.L2 {
		s.squares = sq
	}
	if cfg.Metric == retrieval.InnerProduct {
		s.tops = bitsOf(norms)
	}
	s.entry.Store(h.Entry)
	s.setHubs(h.Hubs)
	if n := len(s.twins); n != 0 && n != rows || (n+63)/64 != len(s.behind) {
		r.Fail(fmt.Sprintf("twins are those of %d rows, of which %d may be behind; want %d or none", n, 64*len(s.behind), rows))
	}
	if r.Err() != nil {
		return cfg, nil
	}
	if len(s.twins) == 0 {
		s.twins, s.behind = make([]uint32, rows), make([]uint64, rows/64)
	}
	s.followers = new(atomic.Int64)
	for _, word := range s.behind {
		s.followers.Add(int64(bits.OnesCount64(word)))
	}
	s.dead, s.deadRows = make([]uint64, rows/64), new(atomic.Int64)
	if err := s.rows.Restore(items, h.Limit, h.Items); err != nil {
		r.Fail(err.Error())
	}
	return cfg, s
}

// config returns what the index was made with.
func (h *header) config() (Config, error) {
	metric, err := retrieval.ParseMetric(h.Metric)
	if err != nil {
		return Config{}, err
	}
	quant := Int8
	if h.Quant != Int8.String() {
		if quant = None; h.Quant != None.String() {
			return Config{}, fmt.Errorf("quant is %q; want int8 or none", h.Quant)
		}
	}
	if h.Dim < 1 || h.Dim > maxDim || h.Limit < 0 || h.Limit > math.MaxInt32-64 || h.M < 1 || h.EfConstruction < 1 || h.Effort < 1 {
		return Config{}, fmt.Errorf("dim %d, limit %d, m %d, ef_construction %d or effort %d is out of range", h.Dim, h.Limit, h.M, h.EfConstruction, h.Effort)
	}
	if len(h.Hubs) > hubCount {
		return Config{}, fmt.Errorf("%d hubs; want at most %d", len(h.Hubs), hubCount)
	}
	return Config{
		Metric: metric, M: h.M, EfConstruction: h.EfConstruction, Effort: h.Effort, Rescore: h.Rescore, Quant: quant, Seed: h.Seed,
	}.withDefaults()
}
