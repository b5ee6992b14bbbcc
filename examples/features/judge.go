package main

import (
	"context"
	"math"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/frame"
	"github.com/recsyskit/recsys/features/materialize"
	"github.com/recsyskit/recsys/features/skew"
	"github.com/recsyskit/recsys/features/window"
)

// judgedRows is how many rows of a request are held against the batch: the slate, then others.
const judgedRows = 20

// judgement is what the log says afterwards of what was served.
type judgement struct {
	counts materialize.Counts
	late   []uint64 // events, by view
	views  []freshness
	skew   []column
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

// quantile returns the value below which a part q of the ascending values lies.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	return values[min(len(values)-1, int(q*float64(len(values))))]
}

// judge counts the log again, as a batch, and compares.
func (s *study) judge(ctx context.Context) error {
	batches, counts, err := materialize.Batches(ctx, s.config(s.targets))
	if err != nil {
		return err
	}
	s.judged = judgement{counts: counts}
	for i, d := range s.list {
		s.judged.late = append(s.judged.late, batches[i].Stats().Late)
		f, columns, err := s.compare(ctx, &d, s.stores[i].View(), batches[i])
		if err != nil {
			return err
		}
		s.judged.views = append(s.judged.views, f)
		s.judged.skew = append(s.judged.skew, columns...)
	}
	return nil
}

// compare holds what was served of a view against a batch. A distribution that moved is a verdict, a value that is stale is not.
func (s *study) compare(ctx context.Context, d *definition, view *features.View, batch *window.Batch) (freshness, []column, error) {
	logged, err := frame.New(tableOf(view)...)
	if err != nil {
		return freshness{}, nil, err
	}
	again, err := frame.New(tableOf(view)...)
	if err != nil {
		return freshness{}, nil, err
	}
	f := freshness{name: d.name}
	var want window.Row
	for _, x := range s.served {
		rows := x.Rows
		if d.entity == features.User {
			rows = rows[:1] // one row for the request
		}
		var lags []float64
		for i := range rows {
			key := uint64(rows[i].Item)
			switch d.entity {
			case features.User:
				key = uint64(x.User)
			case features.UserItem:
				key = features.PairKey(x.User, rows[i].Item)
			}
			lags = f.add(lags, view, x, &rows[i])
			batch.Read(key, x.Now.UnixNano(), &want)
			appendServed(logged, key, x.Schema, &rows[i])
			appendBatch(again, key, &want)
		}
		f.request(x.Now.Sub(s.served[0].Now).Hours(), lags)
	}
	slices.Sort(f.lags)
	const chunk = 4096
	r, err := skew.Compare(ctx, frame.NewReader(logged, chunk), frame.NewReader(again, chunk), skew.Config{Keys: []string{"key"}, Mismatch: 1, Seed: s.o.Seed})
	if err != nil {
		return f, nil, err
	}
	var columns []column
	for _, c := range view.Columns {
		at := slices.IndexFunc(r.Columns, func(x skew.Column) bool { return x.Name == c.Name })
		columns = append(columns, column{r.Columns[at], d.name, r.Rows, d.decays(c.Name)})
	}
	return f, columns, nil
}

// column is how a column was served, beside the batch.
type column struct {
	skew.Column
	view   string
	rows   int64
	decays bool // differs as soon as time has passed
}

// add notes the age of a row that was served, and appends it to lags.
func (f *freshness) add(lags []float64, view *features.View, x *recsys.Exposure, row *recsys.ExposureRow) []float64 {
	age, _ := x.Schema.Field(view.Age)
	f.rows++
	lag := float64(row.Floats[age.Index])
	if lag != lag {
		f.missing++
		return lags
	}
	if lag > view.Columns[0].MaxAge.Seconds() {
		f.stale++
	}
	return append(lags, lag)
}

// request notes the ages of the rows of a request.
func (f *freshness) request(hours float64, lags []float64) {
	if len(lags) == 0 {
		return
	}
	slices.Sort(lags)
	f.lags = append(f.lags, lags...)
	f.at = append(f.at, hours)
	f.median = append(f.median, quantile(lags, 0.5))
}

// tableOf returns the columns of a table of a view's rows, the key first.
func tableOf(view *features.View) []frame.Field {
	fields := []frame.Field{{Name: "key", Kind: frame.Uint64}}
	for _, c := range view.Columns {
		kind := frame.Float32
		if c.Kind == recsys.ID {
			kind = frame.Uint64
		}
		fields = append(fields, frame.Field{Name: c.Name, Kind: kind})
	}
	return fields
}

// appendServed appends a row as it was served.
func appendServed(t *frame.Frame, key uint64, s *recsys.Schema, row *recsys.ExposureRow) {
	t.Rows++
	t.Columns[0].Uint64 = append(t.Columns[0].Uint64, key)
	for j := range t.Columns[1:] {
		c := &t.Columns[1+j]
		field, _ := s.Field(c.Name)
		if c.Kind == frame.Uint64 {
			c.Uint64 = append(c.Uint64, row.IDs[field.Index])
		} else {
			c.Float32 = append(c.Float32, row.Floats[field.Index])
		}
	}
}

// appendBatch appends a row of a batch, whose columns are those of the table.
func appendBatch(t *frame.Frame, key uint64, row *window.Row) {
	t.Rows++
	t.Columns[0].Uint64 = append(t.Columns[0].Uint64, key)
	floats, ids := 0, 0
	for j := range t.Columns[1:] {
		c := &t.Columns[1+j]
		if c.Kind == frame.Uint64 {
			c.Uint64 = append(c.Uint64, row.IDs[ids])
			ids++
		} else {
			c.Float32 = append(c.Float32, float32(row.Floats[floats]))
			floats++
		}
	}
}

// mismatch returns the share of values that differ, but for those that decay.
func (j *judgement) mismatch() float64 {
	values, differing := 0.0, 0.0
	for i := range j.skew {
		if c := &j.skew[i]; !c.decays {
			values += float64(c.rows)
			differing += c.Mismatch * float64(c.rows)
		}
	}
	return differing / max(1, values)
}
