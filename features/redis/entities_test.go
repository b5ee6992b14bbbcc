package redis_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/redis"
	"github.com/recsyskit/recsys/features/redis/internal/server"
)

// entities are the views of one pipeline: of every entity and of every policy for what is stale.
func entities() (views [6]features.View) {
	columns := func(name string) []features.Column {
		return []features.Column{{Name: name, MaxAge: time.Minute, Default: new(float32(-1))}, {Name: name + ".id", Kind: recsys.ID}}
	}
	views[0] = features.View{Name: "user", Entity: features.User, Columns: columns("user")}
	views[1] = features.View{Name: "pair", Entity: features.UserItem, Columns: columns("pair")}
	views[2] = features.View{Name: "country", Entity: features.Context, Key: "country", Columns: columns("place")}
	for i, policy := range []features.StalePolicy{features.ServeStale, features.DefaultStale, features.DropStale} {
		v := features.View{Name: "item." + policy.String(), Stale: policy, Columns: columns(policy.String())}
		v.Age = v.Name + ".age"
		views[3+i] = v
	}
	return views
}

// One pipeline reads rows of users, pairs, contexts and items; what it serves, how old it was and of which version stands in its record.
func TestPipelineReadsEveryEntity(t *testing.T) {
	for name, addrs := range map[string][]string{"single": {server.Start(t).Addr}, "cluster": theCluster(t).Addrs()} {
		t.Run(name, func(t *testing.T) { readEveryEntity(t, addrs) })
	}
}

func readEveryEntity(t *testing.T, addrs []string) {
	const user, country = 7, 49
	rowsOf := [6]map[uint64]time.Duration{ // key to age
		{user: 10 * time.Second}, {features.PairKey(user, 1): 20 * time.Second, features.PairKey(user, 2): 2 * time.Minute}, {country: 30 * time.Second},
	}
	options := []recsys.Option{
		recsys.Context(recsys.Column{Name: "country", Kind: recsys.ID}),
		recsys.Retrieve("three", recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
			for id := recsys.ItemID(1); id <= 3 && out.Add(id, 1/float32(id)); id++ {
			}
			return nil
		})),
	}
	views := entities()
	stores := make([]*redis.Store, len(views))
	for i, v := range views {
		if i > 2 {
			rowsOf[i] = map[uint64]time.Duration{1: 40 * time.Second, 2: 2 * time.Minute}
		}
		s := open(t, redis.Config{Client: client(addrs...), View: v, Prefix: t.Name() + ":"})
		stores[i] = s
		for key, age := range rowsOf[i] {
			put(t, s, features.Written{Stored: 1}, features.Row{Key: key, Time: noon.Add(-age), Floats: []float32{float32(i + 1)}, IDs: []uint64{key}})
		}
		options = append(options, recsys.Features(s, recsys.Name(v.Name), recsys.Remote(30*time.Second)))
	}
	var log []*recsys.Exposure
	sink := recsys.ExposureSinkFunc(func(_ context.Context, x *recsys.Exposure) error { log = append(log, x.Clone()); return nil })
	p, err := recsys.NewPipeline(append(options, recsys.Log(sink, recsys.LogFull))...).Build()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ user, country uint64 }{{user, country}, {8, 0}, {user, country}} {
		req := &recsys.Request{ID: "r", K: 3, User: recsys.UserID(c.user), Now: noon}
		if c.country != 0 {
			if req.Context, err = p.Context(map[string]any{"country": c.country}); err != nil {
				t.Fatal(err)
			}
		}
		res, err := p.Recommend(context.Background(), req)
		if err != nil || len(res.Degraded) > 0 {
			t.Fatalf("%v, %v", err, res)
		}
		x := log[len(log)-1]
		if len(x.Views) != len(views) {
			t.Fatalf("the record has the views %v", x.Views)
		}
		for i, v := range views {
			if got := x.Views[i]; got.Stage != "features/"+v.Name || got.FeatureView != v.FeatureView() || got.Hash != v.Hash() {
				t.Errorf("view %d of the record is %+v; want %+v", i, got, v.FeatureView())
			}
			for _, row := range x.Rows {
				key := uint64(row.Item)
				switch v.Entity {
				case features.User:
					key = c.user
				case features.UserItem:
					key = features.PairKey(recsys.UserID(c.user), row.Item)
				case features.Context:
					key = c.country
				}
				age, known := rowsOf[i][key]
				if err := served(x, &row, &v, float32(i+1), key, age, known); err != nil {
					t.Errorf("user %d, item %d, view %s: %v", c.user, row.Item, v.Name, err)
				}
			}
		}
		back, err := p.Replay(context.Background(), x)
		if err != nil {
			t.Fatal(err)
		}
		if err := x.Diff(back); err != nil {
			t.Errorf("the replay differs: %v", err)
		}
	}
	if _, err := stores[2].PutBatch(context.Background(), []features.Row{{Time: noon, Floats: []float32{1}, IDs: []uint64{1}}}); err == nil {
		t.Error("a context's row of key 0 is stored, which stands for no context")
	}
}

// served checks what a row of a record says of a view.
func served(x *recsys.Exposure, row *recsys.ExposureRow, v *features.View, value float32, id uint64, age time.Duration, known bool) error {
	f, err := x.Schema.Float(v.Columns[0].Name)
	if err != nil {
		return err
	}
	g, err := x.Schema.ID(v.Columns[1].Name)
	if err != nil {
		return err
	}
	stale := known && age > time.Minute
	gone := !known || stale && v.Stale == features.DropStale
	seconds := float32(age.Seconds())
	if gone {
		id = 0
	}
	if gone || stale && v.Stale == features.DefaultStale {
		value = -1
	}
	if got := row.Floats[f.Index]; got != value {
		return fmt.Errorf("the value is %v; want %v", got, value)
	}
	if got := row.IDs[g.Index]; got != id {
		return fmt.Errorf("the id is %d; want %d", got, id)
	}
	if got := row.Ages[f.Group]; got != seconds && !(gone && got != got) {
		return fmt.Errorf("the age is %v; want %v", got, seconds)
	}
	missing, isStale := row.Missing>>f.Group&1 == 1, row.Stale>>f.Group&1 == 1
	if v.Entity.Scope() == recsys.PerRequest {
		missing, isStale = x.Missing.Has(f.Group), x.Stale.Has(f.Group)
	}
	if missing != gone || isStale != stale {
		return fmt.Errorf("missing %v, stale %v; want %v, %v", missing, isStale, gone, stale)
	}
	if v.Age != "" {
		a, err := x.Schema.Float(v.Age)
		if err != nil {
			return err
		}
		if got := row.Floats[a.Index]; got != seconds && !(gone && got != got) {
			return fmt.Errorf("the age column is %v; want %v", got, seconds)
		}
	}
	return nil
}
