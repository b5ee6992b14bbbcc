package recsys

import (
	"context"
	"math/bits"
	"math/rand/v2"
	"slices"
	"time"
)

// reset readies res for a request of p, keeping its memory.
func (r *Result) reset(p *Pipeline) {
	r.ID, r.Now, r.Seed, r.Version, r.Err, r.traced = "", time.Time{}, 0, p.version, nil, false
	r.Items, r.Degraded = r.Items[:0], r.Degraded[:0]
	stages := append(r.Trace.Stages[:0], p.trace...)
	r.Trace = Trace{Stages: stages}
}

// report keeps the explanation and writes the record.
func (r *run) report(ctx context.Context) {
	if r.trace {
		r.res.explanation.note(r)
		r.res.traced = true
	}
	p := r.p
	if !r.replayed && len(r.res.Items) > 0 {
		r.x.Degraded = r.res.Degraded // without what sinks add
		for _, st := range p.sinks {
			r.q.stage = st.hash
			r.record(*st.level, *st.sample)
			if err := r.callSink(ctx, st); err != nil {
				r.degrade(Degradation{Stage: st.label, Reason: reasonOf(err), Err: err})
			}
		}
		if len(p.sinks) > 0 {
			r.lap(p.logAt, len(p.sinks))
		}
	}
}

// observe shows the request to the observers, failed ones too.
func (r *run) observe() {
	r.res.Trace.Total = time.Since(r.start)
	for _, o := range r.p.observers {
		if err := r.callObserver(o); err != nil {
			r.degrade(Degradation{Stage: "observe", Reason: reasonOf(err), Err: err})
		}
	}
}

func (r *run) callSink(ctx context.Context, st *stage[ExposureSink]) (err error) {
	defer catch(&err)
	return st.run.LogExposure(ctx, &r.x)
}

func (r *run) callObserver(o Observer) (err error) {
	defer catch(&err)
	o.Observe(&r.q, &r.c, r.res)
	return nil
}

// record makes the exposure record: views of the table, valid until the run ends.
func (r *run) record(level LogLevel, sample int) {
	p, q, c, x := r.p, &r.q, &r.c, &r.x
	x.ID, x.User, x.Surface, x.K, x.Now, x.Seed = q.ID, q.User, q.Surface, q.K, q.Now, q.Seed
	x.Items, x.History, x.Exclude, x.Allow, x.Arms = q.Items, q.History, q.Exclude, q.Allow, q.Arms
	x.Pipeline, x.Versions, x.Level, x.Schema = p.version, p.versions, level, p.schema
	x.Floats, x.IDs, x.Vectors = q.floats, q.ids, q.vectors
	x.Missing, x.Stale = q.missing, q.stale
	x.Views, x.Ages = p.stageViews, nil
	if p.aged != nil {
		x.Ages = q.ages
		r.ageBuf = resize(r.ageBuf, c.Len()*len(c.ages))
	}
	x.Candidates, x.Explorer, x.Exploration = c.Len(), "", ExplorationDeterministic
	if r.explore {
		x.Explorer, x.Exploration = p.explorer.label, p.exploration
		if x.Exploration == ExplorationExact && slices.ContainsFunc(r.slate.ses, func(se float64) bool { return se > 0 }) {
			x.Exploration = ExplorationEstimated
		}
	}
	r.idBuf = resize(r.idBuf, c.Len()*len(c.idcols))
	x.Rows, r.vecBuf = x.Rows[:0], r.vecBuf[:0]
	r.keep = resizeBits(r.keep, c.Len())
	for i, row := range r.slate.rows {
		r.keep.Set(int(row))
		r.recordRow(int(row), i, r.slate.props[i], 1, level)
		x.Rows[i].PropensityError = r.slate.ses[i]
	}
	x.Shown = len(r.slate.rows)
	if level == LogFull {
		for row := range c.ids {
			if !r.keep.Has(row) {
				r.recordRow(row, -1, 0, 1, level)
			}
		}
	} else {
		r.sampleRows(sample)
	}
}

// sampleRows records n of the rows that were not shown, drawn uniformly.
func (r *run) sampleRows(n int) {
	rest := r.c.Len() - r.x.Shown
	n = min(n, rest)
	if n <= 0 {
		return
	}
	src := r.q.Rand()
	r.unshown = r.unshown[:0]
	for row := range r.c.ids {
		if !r.keep.Has(row) {
			r.unshown = append(r.unshown, int32(row))
		}
	}
	for i := range n { // a partial Fisher–Yates shuffle
		j := i + int(uniform(&src, uint64(rest-i)))
		r.unshown[i], r.unshown[j] = r.unshown[j], r.unshown[i]
		r.recordRow(int(r.unshown[i]), -1, 0, float64(n)/float64(rest), LogSlate)
	}
}

// uniform returns a number in [0, n) without bias (Lemire, 2019).
func uniform(src *rand.PCG, n uint64) uint64 {
	hi, lo := bits.Mul64(src.Uint64(), n)
	if lo < n {
		for floor := -n % n; lo < floor; {
			hi, lo = bits.Mul64(src.Uint64(), n)
		}
	}
	return hi
}

func (r *run) recordRow(row, position int, propensity, inclusion float64, level LogLevel) {
	c := &r.c
	S, I := len(c.schema.sources), len(c.idcols)
	ids := r.idBuf[row*I : (row+1)*I : (row+1)*I]
	for j, col := range c.idcols {
		ids[j] = col[row]
	}
	out := ExposureRow{
		Item: c.ids[row], Row: row, Position: position, Propensity: propensity, Inclusion: inclusion,
		Score: c.score[row], Utility: c.utility[row], Heads: c.HeadRow(row), Floats: c.Row(row), IDs: ids,
		Sources: c.masks[row],
	}
	if r.p.aged != nil {
		G := len(c.ages)
		out.Ages = r.ageBuf[row*G : (row+1)*G : (row+1)*G]
		for g, ages := range c.ages {
			if out.Ages[g] = unknownAge(); ages != nil {
				out.Ages[g] = ages[row]
			}
		}
	}
	if level == LogFull {
		from := len(r.vecBuf)
		for j := range c.vectors {
			r.vecBuf = append(r.vecBuf, c.Vector(j, row))
		}
		out.Vectors = r.vecBuf[from:len(r.vecBuf):len(r.vecBuf)]
		out.Merged = c.merged[row]
		out.Ranks, out.Recall = c.ranks[row*S:(row+1)*S], c.recall[row*S:(row+1)*S]
		for g := range c.missing {
			if c.missing[g].Has(row) {
				out.Missing |= 1 << uint(g)
			}
			if c.stale[g].Has(row) {
				out.Stale |= 1 << uint(g)
			}
		}
	}
	r.x.Rows = append(r.x.Rows, out)
}
