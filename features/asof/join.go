package asof

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
)

// Join is a point-in-time join. It is run once; see the package's comment for what it
// computes. It is not safe for concurrent use.
type Join struct {
	cfg     Config
	label   labelLayout
	tables  []*lookup
	report  Report
	started bool
}

// New returns a join. The error lists every mistake in the configuration.
func New(cfg Config) (*Join, error) {
	cfg.Tables = slices.Clone(cfg.Tables)
	if err := cfg.check(); err != nil {
		return nil, err
	}
	j := &Join{cfg: cfg, label: newLabelLayout(&cfg.Labels)}
	for i := range cfg.Tables {
		t := &cfg.Tables[i]
		j.tables = append(j.tables, newLookup(t, slices.Index(cfg.Labels.Keys, t.Key)))
		j.report.Tables = append(j.report.Tables, TableReport{Name: t.Name, Arrival: t.Arrival})
	}
	return j, nil
}

// Columns returns the names of Joined.Floats: the labels' own, then those of each table.
func (j *Join) Columns() []string {
	names := slices.Clone(j.cfg.Labels.Columns)
	for i := range j.cfg.Tables {
		t := &j.cfg.Tables[i]
		names = columnsOf(names, t.Columns, recsys.Float)
		if t.Age != "" {
			names = append(names, t.Age)
		}
	}
	return names
}

// IDColumns returns the names of Joined.IDs: the labels' own, then those of each table.
func (j *Join) IDColumns() []string {
	names := slices.Clone(j.cfg.Labels.IDColumns)
	for i := range j.cfg.Tables {
		names = columnsOf(names, j.cfg.Tables[i].Columns, recsys.ID)
	}
	return names
}

// Vectors returns the columns of Joined.Vectors.
func (j *Join) Vectors() (columns []recsys.Column) {
	for i := range j.cfg.Tables {
		for _, c := range j.cfg.Tables[i].Columns {
			if c.Kind == recsys.Vector {
				columns = append(columns, c)
			}
		}
	}
	return columns
}

// Report returns the counts so far.
func (j *Join) Report() Report {
	r := j.report
	r.Tables = slices.Clone(r.Tables)
	return r
}

// ErrUsed says that a [Join] was iterated over a second time.
var ErrUsed = errors.New("asof: the join has run; make a new one")

// All returns an iterator over the labels in the order of time, equal times in the order of the
// source, with what was joined to them. It is all one Joined, valid until the next step. An error comes as the last pair, with nil: an
// [*InputError], what the disk said, ctx.Err(), or [ErrUsed].
//
// When the iteration ends, by its end, an error or a break, files are removed and sources stopped. After
// the last label the tables are read to their end, for the report.
//
// m labels and n rows that are sorted cost O(n + m · tables), those that are not O(n log n) more.
func (j *Join) All(ctx context.Context) iter.Seq2[*Joined, error] {
	return func(yield func(*Joined, error) bool) {
		if j.started {
			yield(nil, ErrUsed)
			return
		}
		j.started = true
		more, err := j.run(ctx, yield)
		if more && err != nil {
			yield(nil, err)
		}
	}
}

// run joins. more is false when yield does not want to be called again.
func (j *Join) run(ctx context.Context, yield func(*Joined, error) bool) (more bool, err error) {
	disk := &scratch{parent: j.cfg.Temp}
	defer func() { err = errors.Join(err, disk.clean()) }()
	w, err := j.open(ctx, disk)
	defer w.close()
	if err != nil {
		return true, err
	}
	for rec := w.labels.peek(); rec != nil; rec = w.labels.peek() {
		if err := w.join(rec); err != nil {
			return true, err
		}
		w.labels.advance()
		if !yield(&w.out, nil) {
			return false, nil
		}
	}
	if err := w.labels.failed(); err != nil {
		return true, err
	}
	return true, w.drain()
}

// walk is a join under way.
type walk struct {
	*Join
	ctx    context.Context
	labels *cursor
	tables []side
	joined int64
	out    Joined
}

// side is a table beside the labels.
type side struct {
	*lookup
	report *TableReport
	rows   *cursor
	state  *entities
}

// open sorts what is not sorted and returns the walk; close it also after an error.
func (j *Join) open(ctx context.Context, disk *scratch) (*walk, error) {
	w := &walk{Join: j, ctx: ctx}
	sorts := int64(0)
	count := func(sorted bool) {
		if !sorted {
			sorts++
		}
	}
	count(j.cfg.Labels.Sorted)
	for i := range j.cfg.Tables {
		count(j.cfg.Tables[i].Sorted)
	}
	start := func(in *input) (*cursor, error) {
		in.progress = j.cfg.Progress
		if in.sorted {
			return in.pull(ctx), nil
		}
		var stats sortStats
		c, err := sorted(ctx, in.words, in.records(ctx), j.cfg.Memory/sorts, disk, &stats)
		j.report.Runs += stats.runs
		j.report.Spilled += stats.bytes
		if err != nil && !errors.As(err, new(*InputError)) && ctx.Err() == nil {
			err = fmt.Errorf("%w (%s)", err, in.name)
		}
		return c, err
	}
	for i := range j.cfg.Tables {
		t, l, report := &j.cfg.Tables[i], j.tables[i], &j.report.Tables[i]
		c, err := start(tableInput(t, &l.rowLayout, report))
		if err != nil {
			return w, err
		}
		w.tables = append(w.tables, side{l, report, c, newEntities(l.words - stateWord)})
	}
	var err error
	w.labels, err = start(labelInput(&j.cfg.Labels, j.label))
	return w, err
}

func (w *walk) close() {
	for i := range w.tables {
		w.tables[i].rows.stop()
	}
	if w.labels != nil {
		w.labels.stop()
	}
}

// join makes out of a label's record.
func (w *walk) join(rec []uint64) error {
	if w.joined%batchRecords == 0 && w.ctx.Err() != nil {
		return w.ctx.Err()
	}
	w.joined++
	w.report.Labels++
	out := &w.out
	w.label.decode(out, rec)
	out.Floats = append(out.Floats[:0], out.Label.Floats...)
	out.IDs = append(out.IDs[:0], out.Label.IDs...)
	out.Vectors, out.Ages = out.Vectors[:0], out.Ages[:0]
	out.Missing, out.Expired, out.Stale = 0, 0, 0
	for k := range w.tables {
		s := &w.tables[k]
		if err := s.advance(w.ctx, out.Time); err != nil {
			return err
		}
		s.read(out, 1<<k)
	}
	return nil
}

// advance takes in the rows that are visible at t.
func (s *side) advance(ctx context.Context, t int64) error {
	for n := 1; ; n++ {
		rec := s.rows.peek()
		if rec == nil {
			return s.rows.failed()
		}
		if int64(rec[visibleWord]) > t {
			return nil
		}
		if n%batchRecords == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		s.see(rec)
		s.rows.advance()
	}
}

// see makes a row that has become visible the entity's, if it is the best so far. Of rows with
// equal event time and created, which become visible at one time, the last in the file comes last.
func (s *side) see(rec []uint64) {
	state, found := s.state.take(rec[keyWord])
	if found {
		old, at := int64(state[0]), int64(rec[stateWord])
		if at < old || at == old && s.arrival && int64(rec[stateWord+1]) < int64(state[1]) {
			s.report.Superseded++
			return
		}
	} else {
		s.report.Entities++
		s.report.Bytes = s.state.bytes()
	}
	copy(state, rec[stateWord:])
}

// read appends what the table has for a label, whose columns out has.
func (s *side) read(out *Joined, bit uint64) {
	state := s.state.find(out.Keys[s.key])
	var age int64
	if state != nil {
		age = since(out.Time, int64(state[0]))
	}
	stale := state != nil && s.oldest > 0 && age > s.oldest
	expired := state != nil && s.ttl > 0 && age > s.ttl
	if stale && !expired {
		s.report.Stale++
		out.Stale |= bit
		expired = s.stale == features.DropStale
	}
	switch {
	case state == nil:
		s.report.Missing++
		out.Missing |= bit
	case expired:
		s.report.Expired++
		out.Missing |= bit
		out.Expired |= bit
		state = nil
	default:
		s.report.Matched++
	}
	s.append(out, state, age)
}

// drain reads the tables to their end.
func (w *walk) drain() error {
	for k := range w.tables {
		s := &w.tables[k]
		for n := 1; s.rows.peek() != nil; n++ {
			if n%batchRecords == 0 && w.ctx.Err() != nil {
				return w.ctx.Err()
			}
			s.report.Future++
			s.rows.advance()
		}
		if err := s.rows.failed(); err != nil {
			return err
		}
	}
	return nil
}
