package encoder

import (
	"context"

	"github.com/recsyskit/recsys"
)

// chunk is how many rows go through all steps before the next ones do, so that what one step writes is still near
// when the next reads it, and scratch memory is bounded.
const chunk = 256

// work is the memory of one call.
type work struct {
	full      []lane // the columns from the first row on
	lanes     []lane // the same, from the first row of the chunk on
	in, out   []lane // of the step that runs
	time      lane
	now       [1]int64
	floats    []float32
	ids       []uint64
	counts    []Counts // by step
	uncounted []Counts
}

func (p *program) work() *work {
	w, _ := p.works.Get().(*work)
	if w == nil {
		w = &work{
			full: make([]lane, len(p.columns)), lanes: make([]lane, len(p.columns)),
			floats: make([]float32, p.floats), ids: make([]uint64, p.ids), counts: make([]Counts, len(p.steps)), uncounted: make([]Counts, len(p.steps)),
		}
	}
	return w
}

// done adds what w counted to the set's counters, forgets the caller's memory and keeps w for the next call.
func (p *program) done(w *work) {
	for i := range w.counts {
		if c := &w.counts[i]; c.Rows != 0 {
			p.steps[i].counts.add(c)
			*c = Counts{}
		}
	}
	clear(w.full)
	clear(w.lanes)
	w.time = lane{}
	clear(w.in[:cap(w.in)])
	clear(w.out[:cap(w.out)])
	p.works.Put(w)
}

// scratchLane returns the scratch memory of a column.
func (p *program) scratchLane(w *work, c *column, stride int) lane {
	if c.Kind == recsys.ID {
		return lane{u: w.ids[c.id : c.id+chunk], stride: min(stride, 1), dim: 1}
	}
	n := width(&c.Column)
	return lane{f: w.floats[c.float : c.float+chunk*n], stride: min(stride, 1) * n, dim: n}
}

// run computes the steps for n rows. The lanes of all columns that they read and write are in w.full; those of hidden
// columns hold one chunk. It stops between chunks when ctx is done.
func (p *program) run(ctx context.Context, w *work, n int, steps []int) error {
	for base := 0; base < n; base += chunk {
		if base > 0 && base%(16*chunk) == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		for i := range w.full {
			w.lanes[i] = w.full[i]
			if !p.columns[i].hidden {
				w.lanes[i] = w.full[i].from(base)
			}
		}
		p.runChunk(w, base, min(chunk, n-base), steps)
	}
	return nil
}

func (p *program) runChunk(w *work, base, n int, steps []int) {
	for _, i := range steps {
		s := &p.steps[i]
		if s.kernel == nil {
			continue
		}
		p.readStep(w, s, base)
		w.out = w.out[:0]
		for _, c := range s.out {
			w.out = append(w.out, w.lanes[c])
		}
		w.counts[i].Rows += uint64(n)
		s.kernel.run(n, w.in, w.out, &w.counts[i])
	}
}

// readStep gathers the lanes that a step reads.
func (p *program) readStep(w *work, s *step, base int) {
	w.in = w.in[:0]
	for _, c := range s.in {
		w.in = append(w.in, w.lanes[c])
	}
	if s.timed {
		w.in = append(w.in, w.time.from(base))
	}
}
