package engine

import (
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

// Kind is a way to walk.
type Kind uint8

// The engines.
const (
	// Auto chooses by the forest's shape and the processor.
	Auto Kind = iota
	// Plain walks each tree for each row, in float64: what no other engine takes.
	Plain
)

// Options choose an engine; the zero value is the best.
type Options struct {
	Kind Kind
}

// Rows are float32 rows as they stand in a table. Feature j of row i is
// Floats[i*Stride+Columns[j]], or Extra[^Columns[j]][i] if Columns[j] < 0: columns of
// categories that are no floats of the table.
type Rows struct {
	Floats  []float32
	Stride  int
	N       int
	Columns []int32
	Extra   [][]float32
}

// at returns feature j of row i.
func (r *Rows) at(i, j int) float32 {
	if c := r.Columns[j]; c >= 0 {
		return r.Floats[i*r.Stride+int(c)]
	}
	return r.Extra[^r.Columns[j]][i]
}

// Scratch is the memory of one call; it grows to what is needed and is then reused. The zero
// value is ready. It serves one call at a time.
type Scratch struct {
	row []float64
}

// Engine is a compiled forest. It is immutable and safe for concurrent use.
type Engine struct {
	f *tree.Forest
}

// New compiles f, which must have passed Check and must not change from then on.
func New(f *tree.Forest, _ Options) *Engine { return &Engine{f: f} }

// Raw writes the raw scores of all rounds: N x Outputs, row-major. Once s has grown, it
// allocates nothing.
func (e *Engine) Raw(dst []float64, rows *Rows, s *Scratch) {
	k := e.f.Outputs
	for i := range rows.N {
		out := dst[i*k : (i+1)*k]
		clear(out)
		copy(out, e.f.Base)
	}
	e.Add(dst, rows, 0, e.f.Rounds(), s)
}

// Add adds the trees of rounds from to to-1 to dst, so that a cascade goes on where it
// stopped: Raw is the base scores and then Add(dst, rows, 0, Rounds).
func (e *Engine) Add(dst []float64, rows *Rows, from, to int, s *Scratch) {
	k := e.f.Outputs
	per := e.f.PerRound()
	trees := e.f.Trees[min(from*per, len(e.f.Trees)):min(to*per, len(e.f.Trees))]
	for i := range rows.N {
		row, out := s.load(rows, i), dst[i*k:(i+1)*k]
		for j := range trees {
			t := &trees[j]
			v := t.Value(t.Leaf(row), row)
			if e.f.Float32 {
				out[t.Output] = float64(float32(out[t.Output]) + float32(v))
			} else {
				out[t.Output] += v
			}
		}
	}
}

// Leaves writes the leaf of each row in each tree: N x trees, row-major, indexes and not names.
func (e *Engine) Leaves(dst []int32, rows *Rows, s *Scratch) {
	n := len(e.f.Trees)
	for i := range rows.N {
		row := s.load(rows, i)
		for j := range e.f.Trees {
			dst[i*n+j] = e.f.Trees[j].Leaf(row)
		}
	}
}

// load widens row i.
func (s *Scratch) load(rows *Rows, i int) []float64 {
	n := len(rows.Columns)
	if cap(s.row) < n {
		s.row = make([]float64, n)
	}
	s.row = s.row[:n]
	for j := range s.row {
		s.row[j] = float64(rows.at(i, j))
	}
	return s.row
}
