package main

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/examples/internal/goapi"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/encoder"
)

const ln2 = math.Ln2

// errNoTable is returned by sources that need the candidate table.
var errNoTable = errors.New("quickstart: the source reads the candidate table")

// itemView defines what is stored of an item: what is known of it, and how the users of part A took it.
//
//	users      how many
//	later      of them took it among their last items, as targets are
//	strength   mean value of its events
//	NAME.users how many took an item of its package, whatever NAME is
func itemView(d *data) features.View {
	columns := append([]features.Column{}, d.itemCols...)
	columns = append(columns, features.Column{Name: "users"}, features.Column{Name: "later"}, features.Column{Name: "strength"})
	if d.attribute != "" {
		columns = append(columns, features.Column{Name: d.attribute + ".users"}, features.Column{Name: d.attribute, Kind: recsys.ID})
	}
	return features.View{Name: "item", Columns: columns}
}

// newItemEncoders defines what becomes of the counts, with priors that are worth a few users:
//
//	popularity  log(1 + users)
//	late        the share of users who take the item among their last
//	NAME.part   its share of its package's users
func newItemEncoders(d *data) (*encoder.Set, error) {
	config := encoder.Config{
		Inputs: []recsys.Column{{Name: "users"}, {Name: "later"}},
		Steps: []encoder.Step{
			{Name: "popularity", From: []string{"users"}, Encoder: encoder.Log1p{}},
			{Name: "late", From: []string{"later", "users"}, Encoder: encoder.Rate{Alpha: 0.5, Beta: 2}},
		},
	}
	if d.attribute != "" {
		of := d.attribute + ".users"
		config.Inputs = append(config.Inputs, recsys.Column{Name: of})
		config.Steps = append(config.Steps, encoder.Step{
			Name: d.attribute + ".part", From: []string{"users", of}, Encoder: encoder.Rate{Alpha: 0.5, Beta: 4.5},
		})
	}
	return encoder.NewSet(config)
}

// newItemStore fills the online store of the item view.
func newItemStore(ctx context.Context, d *data, s *itemCounts) (*features.Store, error) {
	store, err := features.NewStore(features.StoreConfig{View: itemView(d), Capacity: len(d.items)})
	if err != nil {
		return nil, err
	}
	rows := make([]features.Row, len(d.items))
	for i := range d.items {
		it := &d.items[i]
		row := features.Row{Key: uint64(i), Time: s.at}
		row.Floats = append(append(row.Floats, it.columns...), float32(s.count[i]), float32(s.late[i]), float32(s.value[i]/max(s.count[i], 1)))
		if d.attribute != "" {
			row.Floats = append(row.Floats, float32(s.byMaker[it.maker]))
			row.IDs = []uint64{it.maker}
		}
		rows[i] = row
	}
	_, err = store.PutBatch(ctx, rows)
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
