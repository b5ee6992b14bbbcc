package engine

import (
	"github.com/recsyskit/recsys/internal/simd"
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
	// Walk steps down each tree with eight rows at once, without branches.
	Walk
	// Bits asks every node of a tree for 32 rows, for trees of up to 64 leaves.
	Bits
	// Slices decides every test for 64 rows at once, a bit for each, and then sends all rows down a
	// tree together.
	Slices
	// Lanes takes a row through 16 trees at once, for trees of up to 64 leaves: for single rows.
	Lanes
)

// Options choose an engine; the zero value is the best.
type Options struct {
	// Kind asks for an engine. Where it cannot take the forest, another takes its place: see
	// [Engine.Kind].
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
	row     []float64
	words   []int32
	aligned []int32
	values  []float32
	sums    []float64
	single  []float32
	found   []uint32
	passed  []uint64
	touched []bool
}

// Engine is a compiled forest. It is immutable and safe for concurrent use.
type Engine struct {
	f      *tree.Forest
	kind   Kind
	forced bool // kind was asked for
	linear bool // some tree has models in its leaves
	layout *layout
	walk   *walk
	slices *bitSlices
	bits   *bitVectors // nil if the forest is not for them
	lanes  *treeLanes  // the same
}

// New compiles f, which must have passed Check and must not change from then on.
func New(f *tree.Forest, o Options) *Engine {
	e := &Engine{f: f, kind: Plain, forced: o.Kind != Auto, linear: linear(f)}
	if o.Kind == Plain {
		return e
	}
	l, tests, ok := newLayout(f)
	if !ok || !walks(f, l) {
		return e
	}
	e.kind, e.layout, e.walk = Walk, l, newWalk(f, tests)
	if o.Kind == Walk {
		return e
	}
	tier, small := simd.Active(), fits(f)
	switch {
	case small && (o.Kind == Bits || o.Kind == Auto && tier >= simd.AVX2):
		e.kind, e.bits = Bits, newBits(f, l, tests)
	case small && o.Kind == Lanes:
		e.kind = Lanes
	default:
		e.kind, e.slices = Slices, newSlices(f, l, tests)
	}
	if small && (o.Kind == Lanes || o.Kind == Auto && tier == simd.AVX512) {
		e.lanes = newLanes(f, l, tests)
	}
	return e
}

// Kind returns the engine that scores many rows, never Auto. Where it would not pay, for few
// rows or few trees, a simpler one takes its place unless it was asked for.
func (e *Engine) Kind() Kind { return e.kind }

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
	per, n := e.f.PerRound(), len(e.f.Trees)
	e.run(&task{e: e, rows: rows, sums: dst, from: min(from*per, n), to: min(to*per, n)}, s)
}

// Leaves writes the leaf of each row in each tree: N x trees, row-major, indexes and not names.
func (e *Engine) Leaves(dst []int32, rows *Rows, s *Scratch) {
	e.run(&task{e: e, rows: rows, leaves: dst, to: len(e.f.Trees)}, s)
}

func (e *Engine) run(t *task, s *Scratch) {
	if t.rows.N == 0 || t.from >= t.to {
		return
	}
	few := t.rows.N <= fewRows
	switch {
	case e.kind == Plain:
		t.plain(s)
	case e.kind == Lanes || e.lanes != nil && few:
		t.lanes(s)
	case e.bits != nil && !few:
		t.bits(s)
	case few:
		t.walkTrees(s)
	case e.kind == Slices && (e.forced || e.slices.pay(t.rows.N, t.to-t.from)):
		t.slices(s)
	default:
		t.walk(s)
	}
}

// fewRows is how many rows are taken one by one: a block costs as much whether it is full or not.
const fewRows = 2

// task is one call: trees from to to-1 over rows. It adds to sums, or writes leaves.
type task struct {
	e        *Engine
	rows     *Rows
	from, to int
	sums     []float64
	leaves   []int32
}

// plain walks as the reference does.
func (t *task) plain(s *Scratch) {
	for i := range t.rows.N {
		row := s.load(t.rows, i)
		for j := t.from; j < t.to; j++ {
			leaf := [1]int32{t.e.f.Trees[j].Leaf(row)}
			t.take(leaf[:], i, j)
		}
	}
}

// load widens row i.
func (s *Scratch) load(rows *Rows, i int) []float64 {
	n := len(rows.Columns)
	s.row = grown(s.row, n)
	for j := range s.row {
		s.row[j] = float64(rows.at(i, j))
	}
	return s.row
}

// take receives what the rows from first on got in a tree.
func (t *task) take(leaf []int32, first, tree int) {
	switch f := t.e.f; {
	case t.leaves != nil:
		to := t.leaves[first*len(f.Trees)+tree:]
		for i, v := range leaf {
			to[i*len(f.Trees)] = v
		}
	case f.Float32:
		x := &f.Trees[tree]
		to := t.sums[first*f.Outputs+x.Output:]
		for i, v := range leaf {
			at := &to[i*f.Outputs]
			*at = float64(float32(*at) + float32(value(x, v, t.rows, first+i)))
		}
	case len(f.Trees[tree].Linear) != 0:
		x := &f.Trees[tree]
		to := t.sums[first*f.Outputs+x.Output:]
		for i, v := range leaf {
			to[i*f.Outputs] += value(x, v, t.rows, first+i)
		}
	default:
		x := &f.Trees[tree]
		to := t.sums[first*f.Outputs+x.Output:]
		for i, v := range leaf {
			to[i*f.Outputs] += x.Leaves[v]
		}
	}
}

// value is tree.Value for row i of rows.
func value(t *tree.Tree, leaf int32, rows *Rows, i int) float64 {
	if len(t.Linear) == 0 {
		return t.Leaves[leaf]
	}
	l := &t.Linear[leaf]
	sum := l.Const
	for j, f := range l.Features {
		x := rows.at(i, int(f))
		if x != x {
			return t.Leaves[leaf]
		}
		sum += float64(l.Coefs[j] * float64(x))
	}
	return sum
}

// grown returns s with length n; what it held is lost if it must grow.
func grown[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
