package features

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/fmath"
)

// RequestTime writes when the request came, as points on two circles, so that 23:59
// is close to 0:00 and Sunday to Monday. Its columns, of scope PerRequest, are
//
//	hour.sin     sin and cos of 2π · (time of day / 24 h)
//	hour.cos
//	weekday.sin  sin and cos of 2π · (day of the week / 7), Monday is 0
//	weekday.cos
//
// The time is the query's Now. The row of a query without Now is missing.
type RequestTime struct {
	// Offset is added to UTC, east is positive: time.Hour for Central European Time
	// without summer time. It lies within 14 hours. It is fixed, so that a replay on
	// a machine in another zone gives the same features.
	Offset time.Duration

	// Prefix stands before each column's name. The default is none.
	Prefix string
}

var (
	_ recsys.FeatureSource = RequestTime{}
	_ recsys.Overwriter    = RequestTime{}
	_ recsys.Validator     = RequestTime{}
)

// Validate returns an error that names Offset when it is out of range.
func (r RequestTime) Validate() error {
	if r.Offset < -14*time.Hour || r.Offset > 14*time.Hour {
		return fmt.Errorf("features: RequestTime.Offset is %v; want -14h to 14h", r.Offset)
	}
	return nil
}

// Columns returns the four columns.
func (r RequestTime) Columns() []Column {
	return requestColumns(r.Prefix, "hour.sin", "hour.cos", "weekday.sin", "weekday.cos")
}

func requestColumns(prefix string, names ...string) []Column {
	columns := make([]Column, len(names))
	for i, name := range names {
		columns[i] = Column{Name: prefix + name, Scope: recsys.PerRequest}
	}
	return columns
}

// Overwrites returns true.
func (r RequestTime) Overwrites() bool { return true }

// Hydrate writes the request's row.
func (r RequestTime) Hydrate(_ context.Context, q *recsys.Query, _ []recsys.ItemID, out *recsys.Block) error {
	if q.Now.IsZero() {
		out.Miss(0)
		return nil
	}
	const day = 24 * time.Hour
	t := q.Now.UTC().Add(r.Offset)
	since := time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute +
		time.Duration(t.Second())*time.Second + time.Duration(t.Nanosecond())
	row := out.FloatRow(0)
	row[0], row[1] = circle(float64(since) / float64(day))
	row[2], row[3] = circle(float64((t.Weekday()+6)%7) / 7)
	return nil
}

// circle returns the point at the given part of a turn.
func circle(part float64) (sin, cos float32) {
	s, c := fmath.Turn(part)
	return float32(s), float32(c)
}

// RequestHistory writes how much is known of the user from the request's History. Its
// columns, of scope PerRequest, are
//
//	history.length   the number of events
//	history.recency  seconds from the latest event to the query's Now, 0 if it is
//	                 later; NaN without dated events or without Now
//
// A request without history has length 0; its row is not missing.
type RequestHistory struct {
	// Prefix stands before each column's name. The default is none.
	Prefix string
}

var (
	_ recsys.FeatureSource = RequestHistory{}
	_ recsys.Overwriter    = RequestHistory{}
)

// Columns returns the two columns.
func (r RequestHistory) Columns() []Column {
	return requestColumns(r.Prefix, "history.length", "history.recency")
}

// Overwrites returns true.
func (r RequestHistory) Overwrites() bool { return true }

// Hydrate writes the request's row.
func (r RequestHistory) Hydrate(_ context.Context, q *recsys.Query, _ []recsys.ItemID, out *recsys.Block) error {
	row := out.FloatRow(0)
	var latest time.Time
	for i := range q.History {
		if t := q.History[i].Time; t.After(latest) {
			latest = t
		}
	}
	row[0], row[1] = float32(len(q.History)), float32(math.NaN())
	if !latest.IsZero() && !q.Now.IsZero() {
		row[1] = float32(max(q.Now.Sub(latest), 0).Seconds())
	}
	return nil
}
