package nn

import (
	"fmt"
	"math/rand/v2"

	"github.com/recsyskit/recsys/internal/simd"
)

// Table holds a vector of Dim values for each of its rows.
type Table struct {
	Rows, Dim int
	W         []float32 // Rows × Dim
}

// NewTable returns a table of zeros.
func NewTable(rows, dim int) *Table {
	return &Table{Rows: rows, Dim: dim, W: make([]float32, rows*dim)}
}

// Init draws the values evenly from [-bound, bound).
func (t *Table) Init(bound float64, rng *rand.Rand) { Uniform(t.W, bound, rng) }

// Row returns a row, as part of the table.
func (t *Table) Row(i int32) []float32 { return t.W[int(i)*t.Dim:][:t.Dim:t.Dim] }

// Grads are gradients of rows of a table. Lists of several shards, filled one by one or at
// once, are applied together; see [Updater].
type Grads struct {
	G       []float32 // gradient vectors, Stride apart; as many values as the table's Dim count
	Stride  int
	Touches []Touch
}

// Touch says that Scale times gradient vector From is part of the gradient of Row.
type Touch struct {
	Row, From int32
	Scale     float32
}

// Reset empties the list and sets where the gradients lie.
func (g *Grads) Reset(vectors []float32, stride int) {
	g.G, g.Stride, g.Touches = vectors, stride, g.Touches[:0]
}

// Add adds a touch.
func (g *Grads) Add(row, from int32, scale float32) {
	g.Touches = append(g.Touches, Touch{row, from, scale})
}

// Updater applies gradients to the rows of a table that they touch, and keeps the state of
// the optimiser for each row. Rows that a step does not touch stay as they are, moments
// included: lazy Adam, in which t counts all steps.
type Updater struct {
	// Decay is added to the gradient of a touched row, times the row: L2 regularisation of
	// what a step uses. Not to be mixed up with the decoupled decay of simd.Adam.
	Decay float32

	// Unit keeps touched rows, which must have length 1, at it: the part of the gradient along a
	// row is left out, and the row normalised behind the step.
	Unit bool

	opt     Optimizer
	table   *Table
	m, v    []float32
	slot    []int32 // by row: 1 + place in rows; 0 when it is not touched
	rows    []int32 // touched, in the order of the touches
	start   []int32 // of a row's touches in order
	order   []place
	scratch [][]float32
}

type place struct {
	list, from int32
	scale      float32
}

// NewUpdater returns an updater of t with the state of no steps.
func NewUpdater(t *Table, opt Optimizer) *Updater {
	u := &Updater{opt: opt, table: t, v: make([]float32, len(t.W)), slot: make([]int32, t.Rows)}
	if opt.Kind == Adam {
		u.m = make([]float32, len(t.W))
	}
	return u
}

// State returns the moments, m only for Adam: what a checkpoint holds beside the table. They
// may be written to between steps.
func (u *Updater) State() (m, v []float32) { return u.m, u.v }

// Step applies the gradients of step t = 1, 2, …: those of a row are added up in the order of
// the lists and, within a list, of its touches. The result is the same to the bit for any
// number of workers. Lists of other tables' rows panic.
func (u *Updater) Step(workers, t int, rate float32, lists ...*Grads) {
	u.group(lists)
	step := u.opt.At(t, rate)
	const rowsAtOnce = 256
	workers = min(workers, (len(u.rows)+rowsAtOnce-1)/rowsAtOnce)
	for len(u.scratch) < workers {
		u.scratch = append(u.scratch, nil)
	}
	Each(workers, workers, func(w int) {
		if u.scratch[w] == nil {
			u.scratch[w] = make([]float32, u.table.Dim)
		}
		from, to := Bounds(w, workers, len(u.rows))
		for i := from; i < to; i++ {
			u.apply(i, &step, lists, u.scratch[w])
		}
	})
	for _, row := range u.rows {
		u.slot[row] = 0
	}
}

// group sorts the touches by row, in linear time.
func (u *Updater) group(lists []*Grads) {
	u.rows, u.start = u.rows[:0], u.start[:0]
	total := 0
	for _, l := range lists {
		for i := range l.Touches {
			row := l.Touches[i].Row
			s := u.slot[row]
			if s == 0 {
				u.rows, u.start = append(u.rows, row), append(u.start, 0)
				s = int32(len(u.rows))
				u.slot[row] = s
			}
			u.start[s-1]++
		}
		total += len(l.Touches)
	}
	at := int32(0)
	for i, n := range u.start {
		u.start[i] = at
		at += n
	}
	if cap(u.order) < total {
		u.order = make([]place, total+total/4)
	}
	u.order = u.order[:total]
	for j, l := range lists {
		for i := range l.Touches {
			t := &l.Touches[i]
			next := &u.start[u.slot[t.Row]-1]
			u.order[*next] = place{int32(j), t.From, t.Scale}
			*next++
		}
	}
	// start now holds the ends.
}

// apply changes touched row i.
func (u *Updater) apply(i int, step *Step, lists []*Grads, sum []float32) {
	from := int32(0)
	if i > 0 {
		from = u.start[i-1]
	}
	clear(sum)
	for _, p := range u.order[from:u.start[i]] {
		l := lists[p.list]
		simd.Axpy(p.scale, l.G[int(p.from)*l.Stride:][:len(sum)], sum)
	}
	at := int(u.rows[i]) * u.table.Dim
	w := u.table.W[at : at+len(sum)]
	if u.Decay != 0 {
		simd.Axpy(u.Decay, w, sum)
	}
	if u.Unit {
		simd.Axpy(-simd.Dot(w, sum), w, sum)
	}
	var m []float32
	if u.m != nil {
		m = u.m[at : at+len(sum)]
	}
	step.Apply(w, sum, m, u.v[at:at+len(sum)])
	if u.Unit {
		var norm [1]float32
		Normalize(w, norm[:], len(w))
	}
}

// Check returns an error unless the table is whole.
func (t *Table) Check() error {
	if t.Rows < 0 || t.Dim < 1 || len(t.W)/t.Dim != t.Rows || len(t.W)%t.Dim != 0 {
		return fmt.Errorf("table of %d rows of %d values holds %d values", t.Rows, t.Dim, len(t.W))
	}
	return nil
}
