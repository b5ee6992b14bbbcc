package main

import (
	"context"
	"strings"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/encoder"
	"github.com/recsyskit/recsys/features/materialize"
	"github.com/recsyskit/recsys/features/window"
)

// definition is a view and what computes it: the one definition that serving and the batch share.
type definition struct {
	name    string
	entity  features.Entity
	windows window.Config
}

// definitions returns the three views.
func definitions(lateness time.Duration) []definition {
	only := func(kinds ...recsys.EventKind) []recsys.EventKind { return kinds }
	long := []time.Duration{time.Hour}
	return []definition{
		{"item", features.Item, window.Config{Lateness: lateness, Aggregates: []window.Aggregate{
			{Name: "shown", Kinds: only(recsys.Impression), Windows: long},
			{Name: "clicks", Kinds: only(recsys.Click), Windows: []time.Duration{10 * time.Minute, time.Hour}},
			{Name: "clickers", Func: window.Distinct, Kinds: only(recsys.Click), Windows: long},
			{Name: "dwell", Func: window.Sum, Kinds: only(recsys.Dwell), Windows: long},
			{Name: "heat", Func: window.Decay, Kinds: only(recsys.Click), HalfLives: []time.Duration{15 * time.Minute}},
		}}},
		{"user", features.User, window.Config{Lateness: lateness, Aggregates: []window.Aggregate{
			{Name: "user.clicks", Kinds: only(recsys.Click), Windows: long},
			{Name: "user.last", Func: window.LastK, K: 3, Kinds: only(recsys.Click), Windows: long},
		}}},
		{"pair", features.UserItem, window.Config{Lateness: lateness, Aggregates: []window.Aggregate{
			{Name: "seen", Kinds: only(recsys.Impression), Windows: []time.Duration{30 * time.Minute}},
		}}},
	}
}

// decays reports whether a column is a decay.
func (d *definition) decays(column string) bool {
	for _, a := range d.windows.Aggregates {
		if a.Func == window.Decay && strings.HasPrefix(column, a.Name+".") {
			return true
		}
	}
	return false
}

// view returns the view of a definition: the columns of its aggregates, by which they are computed, and an age.
func (d *definition) view() (features.View, error) {
	a, err := window.New(d.windows)
	if err != nil {
		return features.View{}, err
	}
	columns := append([]features.Column{}, a.Columns()...)
	for i := range columns {
		columns[i].Scope = 0 // follows from the entity
		columns[i].MaxAge = 2 * time.Minute
	}
	return features.View{Name: d.name, Entity: d.entity, Columns: columns, Computed: a.Hash(), Age: d.name + ".age", TTL: 24 * time.Hour}, nil
}

// newStores returns an empty store for each definition, and the targets that fill them. clock is the time of the log.
func newStores(list []definition, clock func() time.Time) ([]*features.Store, []materialize.Target, error) {
	var stores []*features.Store
	var targets []materialize.Target
	for i := range list {
		view, err := list[i].view()
		if err != nil {
			return nil, nil, err
		}
		s, err := features.NewStore(features.StoreConfig{View: view, Clock: clock})
		if err != nil {
			return nil, nil, err
		}
		stores = append(stores, s)
		targets = append(targets, materialize.Target{Store: s, Aggregates: list[i].windows})
	}
	return stores, targets, nil
}

// newEncoders returns what the ranker reads: the click rate with a prior of 5 clicks in 100, and the heat's logarithm.
func newEncoders() (*encoder.Set, error) {
	return encoder.NewSet(encoder.Config{
		Inputs: []recsys.Column{{Name: "clicks.1h"}, {Name: "shown.1h"}, {Name: "heat.15m"}},
		Steps: []encoder.Step{
			{Name: "ctr.1h", From: []string{"clicks.1h", "shown.1h"}, Encoder: encoder.Rate{Alpha: 5, Beta: 95}},
			{Name: "heat.log", From: []string{"heat.15m"}, Encoder: encoder.Log1p{}},
		},
	})
}

// ranker is the program's own: the click rate, a little of the heat, and less of what the user has seen already.
type ranker struct{ ctr, heat, seen int }

var (
	_ recsys.Ranker                = ranker{}
	_ recsys.Binder[recsys.Ranker] = ranker{}
)

// Bind finds the columns.
func (r ranker) Bind(s *recsys.Schema) (recsys.Ranker, error) {
	for name, at := range map[string]*int{"ctr.1h": &r.ctr, "heat.log": &r.heat, "seen.30m": &r.seen} {
		f, err := s.Float(name)
		if err != nil {
			return nil, err
		}
		*at = f.Index
	}
	return r, nil
}

// Rank scores each row. A pair without a row has never been shown.
func (r ranker) Rank(_ context.Context, _ *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
	for i := range out.Score {
		row := c.Row(i)
		score := row[r.ctr] + 0.01*row[r.heat]
		if seen := row[r.seen]; seen > 0 {
			score /= 1 + seen
		}
		out.Score[i] = score
	}
	return nil
}
