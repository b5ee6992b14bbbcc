package main

import (
	"context"
	"math"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/materialize"
	"github.com/recsyskit/recsys/features/window"
)

// judgedRows is how many rows of a request are held against the batch: the slate, then others.
const judgedRows = 20

// judgement is what the log says afterwards of what was served.
type judgement struct {
	counts materialize.Counts
	late   []uint64 // events, by view
	views  []freshness
	skew   []skew
}

// freshness is how old the rows of a view were when they were served.
type freshness struct {
	name    string
	rows    int
	missing int       // of keys that had no row
	stale   int       // older than MaxAge
	lags    []float64 // seconds, ascending
	at      []float64 // hours since the first request, of each request: the median lag of its rows
	median  []float64
}

// skew is how a column was served, beside the batch.
type skew struct {
	view, name string
	values     int
	differ     int
	sum        float64 // of absolute differences, of floats that are there on both sides
	floats     int
	decays     bool // differs as soon as time has passed
}

// quantile returns the value below which a part q of the ascending values lies.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	return values[min(len(values)-1, int(q*float64(len(values))))]
}

func (s *skew) share() float64 { return float64(s.differ) / float64(max(1, s.values)) }

func (s *skew) mean() float64 { return s.sum / float64(max(1, s.floats)) }

// judge counts the log again, as a batch, and compares.
func (s *study) judge(ctx context.Context) error {
	batches, counts, err := materialize.Batches(ctx, s.config(s.targets))
	if err != nil {
		return err
	}
	s.judged = judgement{counts: counts}
	for i, d := range s.list {
		s.judged.late = append(s.judged.late, batches[i].Stats().Late)
		f, columns := s.compare(&d, s.stores[i].View(), batches[i])
		slices.Sort(f.lags)
		s.judged.views = append(s.judged.views, f)
		s.judged.skew = append(s.judged.skew, columns...)
	}
	return nil
}

// compare holds what was served of a view against a batch.
func (s *study) compare(d *definition, view *features.View, batch *window.Batch) (freshness, []skew) {
	f := freshness{name: d.name}
	columns := make([]skew, len(view.Columns))
	for j, c := range view.Columns {
		columns[j] = skew{view: d.name, name: c.Name, decays: d.decays(c.Name)}
	}
	var want window.Row
	for _, x := range s.served {
		fields := make([]recsys.Field, len(view.Columns))
		for j, c := range view.Columns {
			fields[j], _ = x.Schema.Field(c.Name)
		}
		age, _ := x.Schema.Field(view.Age)
		var lags []float64
		for i := range x.Rows {
			row := &x.Rows[i]
			key := uint64(row.Item)
			switch d.entity {
			case features.User:
				key = uint64(x.User)
			case features.UserItem:
				key = features.PairKey(x.User, row.Item)
			}
			f.rows++
			if lag := float64(row.Floats[age.Index]); lag != lag {
				f.missing++
			} else {
				lags = append(lags, lag)
				if lag > view.Columns[0].MaxAge.Seconds() {
					f.stale++
				}
			}
			batch.Read(key, x.Now.UnixNano(), &want)
			floats, ids := 0, 0
			for j := range fields {
				if fields[j].Kind == recsys.ID {
					columns[j].id(row.IDs[fields[j].Index], want.IDs[ids])
					ids++
				} else {
					columns[j].float(float64(row.Floats[fields[j].Index]), want.Floats[floats])
					floats++
				}
			}
			if d.entity == features.User {
				break // one row for the request
			}
		}
		if len(lags) > 0 {
			slices.Sort(lags)
			f.lags = append(f.lags, lags...)
			f.at = append(f.at, x.Now.Sub(s.served[0].Now).Hours())
			f.median = append(f.median, quantile(lags, 0.5))
		}
	}
	return f, columns
}

// id compares an ID that was served.
func (s *skew) id(have, want uint64) {
	s.values++
	if have != want {
		s.differ++
	}
}

// float compares a number that was served, which is a float32.
func (s *skew) float(have, want float64) {
	s.values++
	if have != have || want != want {
		if (have != have) != (want != want) {
			s.differ++
		}
		return
	}
	s.floats++
	difference := math.Abs(have - want)
	if difference > 1e-6*max(1, math.Abs(want)) {
		s.differ++
		s.sum += difference
	}
}

// mismatch returns the share of values that differ, but for those that decay.
func (j *judgement) mismatch() float64 {
	values, differing := 0, 0
	for i := range j.skew {
		if c := &j.skew[i]; !c.decays {
			values += c.values
			differing += c.differ
		}
	}
	return float64(differing) / float64(max(1, values))
}
