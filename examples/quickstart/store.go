package main

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/examples/internal/goapi"
	"github.com/recsyskit/recsys/features"
)

const ln2 = math.Ln2

// errNoTable is returned by sources that need the candidate table.
var errNoTable = errors.New("quickstart: the source reads the candidate table")

// newItemStore fills the online store of item features: what is known of the item, and
// what the log of the users of part A says about it:
//
//	popularity   log of the number of users
//	late         log odds that a user who takes the item takes it among the last, as targets are
//	strength     mean value of its events
//	share        log of its share of its package's users
func newItemStore(d *data, s *itemCounts) (*features.Store, error) {
	columns := append([]features.Column{}, d.itemCols...)
	columns = append(columns, features.Column{Name: "popularity"}, features.Column{Name: "late"}, features.Column{Name: "strength"})
	if d.attribute != "" {
		columns = append(columns, features.Column{Name: d.attribute + ".part"}, features.Column{Name: d.attribute, Kind: recsys.ID})
	}
	store, err := features.NewStore(features.StoreConfig{View: features.View{Name: "item", Columns: columns}, Capacity: len(d.items), Clock: func() time.Time { return s.at }})
	if err != nil {
		return nil, err
	}
	rows := make([]features.Row, len(d.items))
	for i := range d.items {
		it := &d.items[i]
		floats := append(append([]float32{}, it.columns...),
			logOf(1+s.count[i]), logOf((s.late[i]+0.5)/(s.count[i]-s.late[i]+2)), float32(s.value[i]/max(s.count[i], 1)))
		row := features.Row{Key: uint64(i), Time: s.at, Floats: floats}
		if d.attribute != "" {
			row.Floats = append(row.Floats, logOf((s.count[i]+0.5)/(s.byMaker[it.maker]+5)))
			row.IDs = []uint64{it.maker}
		}
		rows[i] = row
	}
	_, err = store.PutBatch(context.Background(), rows)
	return store, err
}

// itemCounts is what the users of part A did, by item.
type itemCounts struct {
	count, late, value []float64
	byMaker            []float64
	bySegment          [][]float64
	segment            []float64 // share of all events
	at                 time.Time // of the newest event
}

func countItems(d *data) *itemCounts {
	n := len(d.items)
	s := &itemCounts{
		count: make([]float64, n), late: make([]float64, n), value: make([]float64, n),
		byMaker: make([]float64, len(d.makers)), segment: make([]float64, d.segments),
	}
	for range d.segments {
		s.bySegment = append(s.bySegment, make([]float64, n))
	}
	events := 0.0
	for _, u := range d.of(goapi.PartA) {
		x := &d.users[u]
		history, _ := x.cut()
		for i, e := range x.events {
			s.count[e.Item]++
			s.value[e.Item] += float64(e.Value)
			if i >= len(history) {
				s.late[e.Item]++
			}
			if d.attribute != "" {
				s.byMaker[d.items[e.Item].maker]++
			}
			s.bySegment[x.segment][e.Item]++
			s.segment[x.segment]++
			if e.Time.After(s.at) {
				s.at = e.Time
			}
			events++
		}
	}
	for g := range s.segment {
		s.segment[g] /= events
	}
	return s
}

// lift is a feature source of the program's own: how much more often than others the users
// of the request's segment take the item, as a logarithm. A test is written unlike a command.
type lift struct {
	d     *data
	table [][]float32 // by segment and item
}

var (
	_ recsys.FeatureSource = lift{}
	_ recsys.Overwriter    = lift{}
)

func newLift(d *data, s *itemCounts) lift {
	l := lift{d: d, table: make([][]float32, d.segments)}
	for g := range l.table {
		l.table[g] = make([]float32, len(d.items))
		for i := range d.items {
			l.table[g][i] = logOf((s.bySegment[g][i] + 2) / (s.count[i]*s.segment[g] + 2))
		}
	}
	return l
}

func (lift) Columns() []recsys.Column { return []recsys.Column{{Name: "lift"}} }

func (lift) Overwrites() bool { return true }

// Hydrate writes the lift of each item.
func (l lift) Hydrate(_ context.Context, q *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
	table := l.table[l.d.users[q.User].segment]
	for i, id := range items {
		out.FloatRow(i)[0] = table[id]
	}
	return nil
}
