package encoder

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/recsyskit/recsys"
)

// Config declares a [Set].
type Config struct {
	// Name names the set as a feature view, "item.encoded": with it the set stands in exposure records, and Build compares it with what models
	// were trained on, see [recsys.ViewSource]. Empty: it is no view.
	Name string
	// Inputs are the columns that the steps read, as the sources before the set write them: name, kind,
	// dimension and scope count. A step whose inputs are all of scope PerRequest is computed once for a
	// request, every other one for each candidate.
	Inputs []recsys.Column
	// Steps are computed in this order; each reads inputs and what earlier steps wrote. At least one.
	Steps []Step
}

// Step writes one column, or for some encoders several, from others.
type Step struct {
	// Name is the name of the column that is written. A [Cyclic] writes two, Name.sin and Name.cos.
	Name string
	// From names the columns that are read, in the order that the encoder asks for.
	From []string
	// Encoder is what is done with them. The struct itself, not a pointer to it.
	Encoder Encoder
	// Hidden keeps the column for later steps and out of [Set.Columns]: the bucket that
	// only a cross reads, the cross that only an embedding reads.
	Hidden bool
}

// Set is an ordered list of named steps that turn columns into others, and the one definition of them: the
// same set encodes training rows ([Set.Apply]) and candidates, as a [recsys.FeatureSource] that [recsys.Features] takes
// behind the sources of its inputs. Both give the same bits, on every processor.
//
// A set is immutable and safe for concurrent use, but for [Set.ReadFrom]. It is made by [NewSet], [Set.Fit] or [Load]; the
// zero value is good for ReadFrom only.
type Set struct {
	p *program
}

var (
	_ recsys.FeatureSource                = (*Set)(nil)
	_ recsys.Binder[recsys.FeatureSource] = (*Set)(nil)
	_ recsys.Versioned                    = (*Set)(nil)
	_ recsys.ViewSource                   = (*Set)(nil)
	_ recsys.EncoderSource                = (*Set)(nil)
)

// program is a set with its names resolved to numbers. Columns are numbered: inputs first, then what
// the steps write, in order.
type program struct {
	name    string
	inputs  []recsys.Column
	steps   []step
	columns []column        // all of them
	public  []recsys.Column // what Set.Columns returns

	items, requests []int // steps of either scope, in order
	shared          []int // steps of scope PerRequest that some step of scope PerItem needs
	passes          int   // how often Fit must see the rows
	unfitted        error // nil when every step has its parameters
	timed           bool  // a step reads the time
	width           int   // float32s of a row that the steps write
	floats, ids     int   // scratch of a chunk

	hash  uint64
	works sync.Pool // of *work
}

// column is an input or a column that a step writes.
type column struct {
	recsys.Column
	hidden bool
	step   int  // that writes it; -1 for an input
	read   bool // by a step
	place  int  // of a public column: its index within kind and scope, as in a Block
	float  int  // of a column that may need scratch: where its floats start
	id     int  // likewise its IDs
}

// scratch reports whether the column lies in scratch memory while candidates are encoded.
func (c *column) scratch() bool { return c.hidden || c.Scope == recsys.PerRequest }

// step is a step with its names resolved.
type step struct {
	Step
	in, out []int // columns
	inCols  []recsys.Column
	timed   bool // reads the row's time
	scope   recsys.Scope
	fits    bool // its parameters are yet to be fitted
	pass    int  // the pass of Fit from which on its inputs are known
	kernel  kernel
	counts  *counters
}

// counters are Counts that many requests add to.
type counters struct {
	rows, nan, inf, clipped, unknown atomic.Uint64
}

func (c *counters) add(t *Counts) {
	c.rows.Add(t.Rows)
	for _, x := range [...]struct {
		to *atomic.Uint64
		n  uint64
	}{{&c.nan, t.NaN}, {&c.inf, t.Inf}, {&c.clipped, t.Clipped}, {&c.unknown, t.Unknown}} {
		if x.n != 0 {
			x.to.Add(x.n)
		}
	}
}

// maxColumns and maxWidth bound what a set may read and write, so that a file cannot ask for more.
const (
	maxColumns = 1 << 14
	maxWidth   = 1 << 20
)

// NewSet checks the declaration and returns the set. The error joins one [*StepError] for each step that is wrong. Steps
// whose parameters are not given make a set that must be fitted before it serves. The slices in encoders are taken over: they must not be written to after.
func NewSet(cfg Config) (*Set, error) {
	p, err := compile(cfg)
	if err != nil {
		return nil, err
	}
	return &Set{p}, nil
}

func compile(cfg Config) (*program, error) {
	p := &program{name: cfg.Name, inputs: slices.Clone(cfg.Inputs)}
	var errs []error
	byName := map[string]int{}
	if _, err := recsys.NewSchema(recsys.SchemaConfig{Columns: cfg.Inputs}); err != nil {
		errs = append(errs, fmt.Errorf("encoder: inputs: %w", err))
	}
	for _, c := range cfg.Inputs {
		byName[c.Name] = len(p.columns)
		p.columns = append(p.columns, column{Column: c, step: -1})
	}
	if len(cfg.Steps) == 0 {
		errs = append(errs, errors.New("encoder: Config.Steps is empty; want at least one step"))
	}
	for i, s := range cfg.Steps {
		if err := p.addStep(s, byName); err != nil {
			name := s.Name
			if name == "" {
				name = "steps[" + strconv.Itoa(i) + "]"
			}
			errs = append(errs, &StepError{name, err})
		}
		if len(p.columns) > maxColumns || p.width > maxWidth {
			errs = append(errs, fmt.Errorf("encoder: more than %d columns, or %d floats in a row", maxColumns, maxWidth))
			break
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	p.finish()
	return p, nil
}

// addStep resolves the names of s, checks it, and appends it with its columns.
func (p *program) addStep(s Step, byName map[string]int) error {
	if s.Name == "" {
		return errors.New("field Name is empty; want the name of the column that is written")
	}
	if s.Encoder == nil {
		return errors.New("field Encoder is nil")
	}
	if t := reflect.TypeOf(s.Encoder); t.Kind() == reflect.Pointer {
		return fmt.Errorf("field Encoder is a %v; give the struct itself", t)
	}
	s.From = slices.Clone(s.From)
	st := step{Step: s, timed: len(s.From) == 0, scope: recsys.PerRequest, counts: new(counters)}
	var errs []error
	for _, name := range s.From {
		at, ok := byName[name]
		if !ok {
			errs = append(errs, fmt.Errorf("reads %q, which is neither an input nor written by an earlier step", name))
			continue
		}
		c := &p.columns[at]
		st.in, st.inCols = append(st.in, at), append(st.inCols, c.Column)
		if c.Scope == recsys.PerItem {
			st.scope = recsys.PerItem
		}
		c.read = true
		if c.step >= 0 {
			w := &p.steps[c.step]
			pass := w.pass
			if w.fits {
				pass++
			}
			st.pass = max(st.pass, pass)
		}
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	out, err := s.Encoder.plan(s.Name, st.inCols)
	if err != nil {
		return err
	}
	for _, c := range out {
		if _, ok := byName[c.Name]; ok {
			errs = append(errs, fmt.Errorf("writes %q, which is an input or written by an earlier step", c.Name))
			continue
		}
		c.Scope = st.scope
		byName[c.Name] = len(p.columns)
		st.out = append(st.out, len(p.columns))
		p.columns = append(p.columns, column{Column: c, hidden: s.Hidden, step: len(p.steps)})
		p.width += width(&c)
	}
	st.fits = s.Encoder.fitter(st.inCols, new(FitConfig)) != nil
	if !st.fits && len(errs) == 0 {
		st.kernel = s.Encoder.kernel(st.inCols)
	}
	p.timed = p.timed || st.timed
	p.steps = append(p.steps, st)
	return errors.Join(errs...)
}

// finish gives public columns their places and scratch to those that need it.
func (p *program) finish() {
	var places [2][3]int
	for i := range p.columns[len(p.inputs):] {
		c := &p.columns[len(p.inputs)+i]
		if !c.hidden {
			p.public = append(p.public, c.Column)
			n := &places[c.Scope][c.Kind]
			c.place, *n = *n, *n+1
		}
		if c.scratch() {
			c.float, c.id = p.floats, p.ids
			p.floats += chunk * width(&c.Column)
			if c.Kind == recsys.ID {
				p.ids += chunk
			}
		}
	}
	needed := map[int]bool{}
	var errs []error
	for i := len(p.steps) - 1; i >= 0; i-- {
		s := &p.steps[i]
		need := s.scope == recsys.PerItem || slices.ContainsFunc(s.out, func(c int) bool { return needed[c] })
		for _, c := range s.in {
			needed[c] = needed[c] || need
		}
		if s.scope == recsys.PerRequest && need {
			p.shared = append(p.shared, i)
		}
	}
	slices.Reverse(p.shared)
	for i := range p.steps {
		s := &p.steps[i]
		if s.scope == recsys.PerItem {
			p.items = append(p.items, i)
		} else {
			p.requests = append(p.requests, i)
		}
		if s.fits {
			p.passes = max(p.passes, s.pass+1)
			errs = append(errs, &StepError{s.Name, ErrUnfitted})
		}
	}
	p.unfitted = errors.Join(errs...)
	p.hash = p.fingerprint()
}

func (p *program) fingerprint() uint64 {
	var h fingerprint
	h.text("encoder.Set/1").num(uint64(len(p.inputs)))
	for i := range p.inputs {
		h.column(&p.inputs[i])
	}
	h.num(uint64(len(p.steps)))
	for i := range p.steps {
		s := &p.steps[i]
		h.text(s.Name).num(uint64(len(s.From)))
		for _, name := range s.From {
			h.text(name)
		}
		h.flag(s.Hidden).flag(s.fits).text(s.Encoder.kind())
		s.Encoder.sum(&h)
	}
	return uint64(h)
}

// Inputs returns the columns that the set reads. The slice is the caller's.
func (s *Set) Inputs() []recsys.Column { return slices.Clone(s.program().inputs) }

// Steps returns the steps, with the parameters that Fit found. The slice is the caller's; what the
// encoders hold is read-only.
func (s *Set) Steps() []Step {
	var steps []Step
	for i := range s.program().steps {
		st := s.p.steps[i].Step
		st.From = slices.Clone(st.From)
		steps = append(steps, st)
	}
	return steps
}

// Columns returns what the set writes, in the order of the steps, without the hidden ones. The slice is read-only.
func (s *Set) Columns() []recsys.Column { return s.program().public }

// Fitted reports whether every step has its parameters.
func (s *Set) Fitted() bool { return s.program().unfitted == nil }

// Hash identifies what the set computes: names, kinds, dimensions and scopes of the inputs; names, inputs, visibility and
// encoders of the steps, with all parameters, the fitted ones too, and the contents of tables; not the set's name. Two sets with one hash write the same bits.
// It does not depend on MaxAge and Default of the inputs, and is the same on every machine and in every later version.
//
// It is what a model must be served with: a set that was fitted again has another hash, since the model learned from
// the old numbers.
func (s *Set) Hash() uint64 { return s.program().hash }

// Name returns the name that Config gave the set, "" for none.
func (s *Set) Name() string { return s.program().name }

// FeatureViews returns the set's name and Hash as a feature view, nil for a set without a name.
func (s *Set) FeatureViews() []recsys.FeatureView {
	p := s.program()
	if p.name == "" {
		return nil
	}
	return []recsys.FeatureView{{Name: p.name, Hash: p.hash, Encoders: p.hash}}
}

// Version returns Hash as 16 hexadecimal digits.
func (s *Set) Version() string { return fmt.Sprintf("%016x", s.Hash()) }

// Stats returns, by the name of the step, what was met since the set was made, at serving and in Apply. It may be called
// at any time; a request that is being answered may be in it in part.
func (s *Set) Stats() map[string]Counts {
	all := map[string]Counts{}
	for i := range s.program().steps {
		c := s.p.steps[i].counts
		all[s.p.steps[i].Name] = Counts{
			Rows: c.rows.Load(), NaN: c.nan.Load(), Inf: c.inf.Load(), Clipped: c.clipped.Load(), Unknown: c.unknown.Load(),
		}
	}
	return all
}

// program returns what s holds, also of the zero Set.
func (s *Set) program() *program {
	if s == nil || s.p == nil {
		return &program{unfitted: ErrUnfitted}
	}
	return s.p
}
