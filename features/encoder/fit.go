package encoder

import (
	"context"
	"errors"
	"fmt"
	"iter"
)

// FitConfig configures [Set.Fit].
type FitConfig struct {
	// Sample is how many values of a column, or pairs of counts, are kept to find quantiles and priors, >= 0; 0 means 1,048,576.
	// Up to that many they are exact, beyond it they are those of a uniform sample.
	Sample int
	// Seed draws the sample.
	Seed uint64
	// Progress, if not nil, is called after each Rows that the sequence gives.
	Progress func(FitProgress)
}

// FitProgress says how far [Set.Fit] is.
type FitProgress struct {
	Pass, Passes int    // this pass, from 1, of how many over the rows
	Rows         uint64 // rows seen in this pass
}

const defaultSample = 1 << 20

// maxSample keeps sample sizes within memory.
const maxSample = 1 << 30

// Fit returns a set whose steps have the parameters that rows give, where they were not given before; s stays as it was. The
// rows are gone over once, and once more for each further step on a chain of steps to be fitted (a quantile of
// a standardised column): Passes of [FitProgress] tells. So rows must be a sequence that can be gone over again, with the same rows. They may come
// in pieces of any size; the result does not depend on how they are cut.
//
// Values that are missing or not finite are left out. Errors: those of the sequence; a [*StepError] that wraps [ErrNoData] for a step
// without usable values; those of [Set.Apply] for columns; ctx.Err(), between pieces. Fit takes one goroutine and, where quantiles
// or priors are fitted, 4 or 16 bytes for each value kept.
func (s *Set) Fit(ctx context.Context, rows iter.Seq2[*Rows, error], cfg FitConfig) (*Set, error) {
	if cfg.Sample < 0 || cfg.Sample > maxSample {
		return nil, fmt.Errorf("encoder: FitConfig.Sample is %d; want 0 to %d (0 means %d)", cfg.Sample, maxSample, defaultSample)
	}
	p := s.program()
	if len(p.steps) == 0 {
		return nil, p.unfitted
	}
	steps := s.Steps()
	for pass := range p.passes {
		// The set as far as it is known; what it cannot compute yet is not asked for.
		known, err := compile(Config{Name: p.name, Inputs: p.inputs, Steps: steps})
		if err != nil {
			return nil, err
		}
		if err := known.fitPass(ctx, rows, &cfg, pass, p.passes, p.steps, steps); err != nil {
			return nil, err
		}
	}
	return NewSet(Config{Name: p.name, Inputs: p.inputs, Steps: steps})
}

// fitPass lets the steps of one pass see all rows, and puts what they learnt into steps.
func (p *program) fitPass(ctx context.Context, rows iter.Seq2[*Rows, error], cfg *FitConfig, pass, passes int, declared []step, steps []Step) error {
	fitters := make([]fitter, len(p.steps))
	for i := range p.steps {
		if declared[i].fits && declared[i].pass == pass {
			fitters[i] = p.steps[i].Encoder.fitter(p.steps[i].inCols, cfg)
		}
	}
	seen, scratch := uint64(0), NewRows(p.public, chunk)
	for r, err := range rows {
		if err != nil {
			return err
		}
		if err := p.fitRows(ctx, r, scratch, fitters); err != nil {
			return err
		}
		seen += uint64(r.Len)
		if cfg.Progress != nil {
			cfg.Progress(FitProgress{pass + 1, passes, seen})
		}
	}
	var errs []error
	for i, f := range fitters {
		if f == nil {
			continue
		}
		e, err := f.fit(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			errs = append(errs, &StepError{steps[i].Name, err})
			continue
		}
		steps[i].Encoder = e
	}
	return errors.Join(errs...)
}

// fitRows shows rows to the fitters, with the columns of the steps before them, which are in scratch, a chunk at a time.
func (p *program) fitRows(ctx context.Context, r, scratch *Rows, fitters []fitter) error {
	w := p.work()
	defer p.done(w)
	if err := errors.Join(p.placeInputs(w, r), p.placeOutputs(w, scratch)); err != nil {
		return err
	}
	var one [1]int
	for base := 0; base < r.Len; base += chunk {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(chunk, r.Len-base)
		for i := range w.full {
			w.lanes[i] = w.full[i]
			if i < len(p.inputs) {
				w.lanes[i] = w.full[i].from(base)
			}
		}
		for i := range p.steps {
			if f := fitters[i]; f != nil {
				p.readStep(w, &p.steps[i], base)
				f.observe(n, w.in)
				continue
			}
			one[0] = i
			p.runChunk(w, base, n, one[:])
		}
	}
	return nil
}
