package recsys

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Sentinels of [Pipeline.Replay] and [Pipeline.Propensities].
var (
	// ErrPartialRecord is wrapped when the record does not hold the whole merged set; log with [LogFull].
	ErrPartialRecord = errors.New("recsys: the record is partial")
	// ErrVersionMismatch is wrapped when the record was made by another pipeline, version or schema.
	ErrVersionMismatch = errors.New("recsys: the record is of another version")
)

// Replay answers a recorded request again, from its features as served: it runs
// everything after hydration, never a source or a store, and forces the failures that
// the record tells. With the same versions the slate, scores and propensities are
// the recorded ones to the bit; see [Exposure.Diff]. The result explains itself, but for
// what the record does not hold: proposals beyond the quotas. Nothing is logged or observed.
//
// Errors wrap [ErrPartialRecord] or [ErrVersionMismatch].
func (p *Pipeline) Replay(ctx context.Context, x *Exposure) (*Result, error) {
	res := new(Result)
	if x == nil {
		return res, fmt.Errorf("%w: record is nil", ErrPartialRecord)
	}
	if !p.gate.enter() {
		return res, ErrClosed
	}
	defer p.gate.leave()
	if err := p.sameVersion(x); err != nil {
		return res, err
	}
	r := p.run()
	defer func() {
		r.forget()
		p.runs.Put(r)
	}()
	if err := r.restore(x, res); err != nil {
		return res, err
	}
	r.forced = x.Degraded
	for _, d := range x.Degraded {
		if strings.HasPrefix(d.Stage, "retrieve/") || strings.HasPrefix(d.Stage, "features/") {
			r.degrade(d) // what happened before hydration ended is in the features
		}
	}
	err := r.finish(ctx)
	res.Trace.Total = time.Since(r.start)
	if err != nil {
		res.Items, res.Err = res.Items[:0], err
	}
	return res, err
}

// Propensities writes into dst[i] the probability that this pipeline would have shown
// the recorded slate's item i at place i, given the items above it: filters, rankers,
// re-rankers and constraints of this pipeline run on the recorded candidates, and its
// explorer judges (without one the greedy slate has probability 1). len(dst) must be
// x.Shown. It is what off-policy estimators need of a target policy. The versions may
// differ from the record's; columns and sources must not: what another source would have
// proposed is not in the record.
//
// Errors wrap [ErrPartialRecord] or [ErrVersionMismatch]; an explorer that is no [Judge] is an error.
func (p *Pipeline) Propensities(ctx context.Context, x *Exposure, dst []float64) error {
	if x == nil {
		return fmt.Errorf("%w: record is nil", ErrPartialRecord)
	}
	if len(dst) != x.Shown {
		return fmt.Errorf("recsys: Propensities: dst has %d places, the recorded slate %d", len(dst), x.Shown)
	}
	if !p.gate.enter() {
		return ErrClosed
	}
	defer p.gate.leave()
	if err := p.sameColumns(x); err != nil {
		return err
	}
	r := p.run()
	defer func() {
		r.forget()
		p.runs.Put(r)
	}()
	if err := r.restore(x, new(Result)); err != nil {
		return err
	}
	for _, step := range []func(*run, context.Context) error{(*run).filter, (*run).rank, (*run).rerank} {
		if err := step(r, ctx); err != nil {
			return err
		}
	}
	for _, d := range r.res.Degraded {
		if d.Err != nil || d.Reason == ReasonFallback {
			return fmt.Errorf("recsys: Propensities: the policy is not the declared one: %v", d)
		}
	}
	slate := make([]int32, x.Shown)
	for i := range slate {
		slate[i] = int32(x.Rows[i].Row)
	}
	clear(dst)
	return r.judge(ctx, slate, dst)
}

func (r *run) judge(ctx context.Context, slate []int32, dst []float64) (err error) {
	defer catch(&err)
	r.open()
	st := r.p.explorer
	if st == nil {
		for i, row := range slate {
			if !r.slate.Next() || r.slate.Best() != row {
				break
			}
			dst[i] = 1
			r.slate.Pick(row, 1)
		}
		return nil
	}
	j, ok, err := ability[Judge](st.run)
	if err != nil {
		return &StageError{st.label, err}
	}
	if !ok {
		return &StageError{st.label, fmt.Errorf("%T cannot judge a slate; it is no recsys.Judge", st.run)}
	}
	r.q.stage = st.hash
	err = j.Propensities(ctx, &r.q, &r.c, &r.slate, slate, dst)
	if err == nil {
		err = r.slate.err
	}
	for i, p := range dst {
		if err == nil && !(p >= 0 && p <= 1) {
			err = fmt.Errorf("propensity %v at place %d is outside [0, 1]", p, i)
		}
	}
	if err != nil {
		clear(dst)
		return &StageError{st.label, err}
	}
	return nil
}

func (p *Pipeline) sameVersion(x *Exposure) error {
	if err := p.sameColumns(x); err != nil {
		return err
	}
	if x.Schema.hash != p.schema.hash {
		return fmt.Errorf("%w: heads of the record %v, of this pipeline %v", ErrVersionMismatch, x.Schema.heads, p.schema.heads)
	}
	if x.Pipeline != p.version {
		return fmt.Errorf("%w: record of pipeline %q, this is %q", ErrVersionMismatch, x.Pipeline, p.version)
	}
	if !slices.Equal(x.Versions, p.versions) {
		return fmt.Errorf("%w: stages of the record %v, of this pipeline %v", ErrVersionMismatch, x.Versions, p.versions)
	}
	return nil
}

// sameColumns is sameVersion for judging: heads and versions may differ.
func (p *Pipeline) sameColumns(x *Exposure) error {
	s, t := x.Schema, p.schema
	if s == nil {
		return fmt.Errorf("%w: the record has no schema", ErrVersionMismatch)
	}
	if !slices.Equal(s.sources, t.sources) {
		return fmt.Errorf("%w: sources of the record %v, of this pipeline %v", ErrVersionMismatch, s.sources, t.sources)
	}
	for _, v := range x.Views {
		for _, w := range p.stageViews {
			if v.Name == w.Name && v.Hash != w.Hash {
				return fmt.Errorf("%w: %w", ErrVersionMismatch, &ViewError{View: v.Name, Want: w.Hash, Have: v.Hash, Reason: "the record was served from another version than this pipeline serves"})
			}
		}
	}
	for i := range max(len(s.fields), len(t.fields)) {
		if i >= len(s.fields) || i >= len(t.fields) || !sameField(&s.fields[i], &t.fields[i]) {
			return fmt.Errorf("%w: column %d is %s in the record and %s in this pipeline", ErrVersionMismatch, i, fieldName(s, i), fieldName(t, i))
		}
	}
	return nil
}

func sameField(a, b *Field) bool {
	return a.Name == b.Name && a.Kind == b.Kind && a.Dim == b.Dim && a.Scope == b.Scope && a.Group == b.Group
}

func fieldName(s *Schema, i int) string {
	if i >= len(s.fields) {
		return "absent"
	}
	f := &s.fields[i]
	return fmt.Sprintf("%q (%v of %s)", f.Name, f.Kind, f.Source)
}

// restore fills the run with the record: the request and the hydrated table.
func (r *run) restore(x *Exposure, res *Result) error {
	p, q, c := r.p, &r.q, &r.c
	if x.Level != LogFull {
		return fmt.Errorf("%w: level %v; log with LogFull", ErrPartialRecord, x.Level)
	}
	r.res, r.replayed, r.forced = res, true, nil
	res.reset(p)
	q.reset(&Request{
		ID: x.ID, User: x.User, Surface: x.Surface, K: x.K, Now: x.Now, Seed: x.Seed, Items: x.Items,
		History: x.History, Exclude: x.Exclude, Allow: x.Allow, Arms: x.Arms,
	}, p.schema)
	q.replayed = true
	r.start = time.Now()
	r.mark, r.trace = r.start, true
	res.ID, res.Now, res.Seed = x.ID, x.Now, x.Seed
	if len(x.Floats) != len(q.floats) || len(x.IDs) != len(q.ids) || len(x.Vectors) != len(q.vectors) {
		return fmt.Errorf("%w: request row of %d floats, %d ids, %d vectors; want %d, %d, %d", ErrPartialRecord,
			len(x.Floats), len(x.IDs), len(x.Vectors), len(q.floats), len(q.ids), len(q.vectors))
	}
	copy(q.floats, x.Floats)
	copy(q.ids, x.IDs)
	for j := range x.Vectors {
		copy(q.vectors[j], x.Vectors[j])
	}
	copy(q.missing, x.Missing)
	copy(q.stale, x.Stale)
	copy(q.ages, x.Ages)

	n := len(x.Rows)
	byRow := make([]*ExposureRow, n)
	for i := range x.Rows {
		row := &x.Rows[i]
		if row.Row < 0 || row.Row >= n || byRow[row.Row] != nil {
			return fmt.Errorf("%w: row %d is doubled or missing among %d", ErrPartialRecord, row.Row, n)
		}
		byRow[row.Row] = row
	}
	if n != x.Candidates || x.Shown > n || x.K < 1 {
		return fmt.Errorf("%w: %d rows of %d, %d shown, K %d", ErrPartialRecord, n, x.Candidates, x.Shown, x.K)
	}
	c.reset(p.schema)
	for _, row := range byRow {
		if err := r.restoreSource(row); err != nil {
			return err
		}
	}
	c.shape()
	for i, row := range byRow {
		if err := r.restoreRow(i, row); err != nil {
			return err
		}
	}
	r.cut = r.cut[:0]
	res.explanation.noteSpill(nil)
	res.Trace.Merged = n
	return nil
}

func (r *run) restoreSource(row *ExposureRow) error {
	c, S := &r.c, len(r.p.schema.sources)
	if len(row.Ranks) != S || len(row.Recall) != S {
		return fmt.Errorf("%w: row %d has %d source ranks; want %d", ErrPartialRecord, row.Row, len(row.Ranks), S)
	}
	i := c.addRow(row.Item)
	c.masks[i], c.merged[i] = row.Sources, row.Merged
	copy(c.ranks[i*S:], row.Ranks)
	copy(c.recall[i*S:], row.Recall)
	return nil
}

func (r *run) restoreRow(i int, row *ExposureRow) error {
	c, s := &r.c, r.p.schema
	if len(row.Floats) != s.floats || len(row.IDs) != s.ids || len(row.Vectors) != len(s.vectors) {
		return fmt.Errorf("%w: row %d of %d floats, %d ids, %d vectors; want %d, %d, %d", ErrPartialRecord,
			i, len(row.Floats), len(row.IDs), len(row.Vectors), s.floats, s.ids, len(s.vectors))
	}
	copy(c.Row(i), row.Floats)
	for j, id := range row.IDs {
		c.idcols[j][i] = id
	}
	for j, v := range row.Vectors {
		if len(v) != s.vectors[j] {
			return fmt.Errorf("%w: row %d has vector %d of length %d; want %d", ErrPartialRecord, i, j, len(v), s.vectors[j])
		}
		copy(c.Vector(j, i), v)
	}
	for g := range s.groups {
		if c.ages[g] != nil && g < len(row.Ages) {
			c.ages[g][i] = row.Ages[g]
		}
		if row.Missing>>uint(g)&1 != 0 {
			c.missing[g].Set(i)
		}
		if row.Stale>>uint(g)&1 != 0 {
			c.stale[g].Set(i)
		}
	}
	return nil
}

// Diff returns nil if res is the recorded answer to the bit (items, scores, utilities,
// propensities, degradations), else an error that names the first difference. Times are not compared.
func (x *Exposure) Diff(res *Result) error {
	if len(res.Items) != x.Shown {
		return fmt.Errorf("recsys: record %s: %d items; recorded %d", x.ID, len(res.Items), x.Shown)
	}
	for i, item := range res.Items {
		row := &x.Rows[i]
		switch {
		case item.ID != row.Item:
			return fmt.Errorf("recsys: record %s: place %d is item %d; recorded %d", x.ID, i, item.ID, row.Item)
		case !sameFloat(item.Score, row.Score), !sameFloat(item.Utility, row.Utility):
			return fmt.Errorf("recsys: record %s: place %d has score %v and utility %v; recorded %v and %v",
				x.ID, i, item.Score, item.Utility, row.Score, row.Utility)
		case math.Float64bits(item.Propensity) != math.Float64bits(row.Propensity):
			return fmt.Errorf("recsys: record %s: place %d has propensity %v; recorded %v", x.ID, i, item.Propensity, row.Propensity)
		case math.Float64bits(item.PropensityError) != math.Float64bits(row.PropensityError):
			return fmt.Errorf("recsys: record %s: place %d has a propensity of standard error %v; recorded %v",
				x.ID, i, item.PropensityError, row.PropensityError)
		}
	}
	if len(res.Degraded) != len(x.Degraded) {
		return fmt.Errorf("recsys: record %s: degraded %v; recorded %v", x.ID, res.Degraded, x.Degraded)
	}
	for i, d := range res.Degraded {
		if d.Stage != x.Degraded[i].Stage || d.Reason != x.Degraded[i].Reason {
			return fmt.Errorf("recsys: record %s: degraded by %v; recorded %v", x.ID, d, x.Degraded[i])
		}
	}
	return nil
}

// sameFloat compares bits; a NaN is a NaN.
func sameFloat(a, b float32) bool {
	return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b
}
