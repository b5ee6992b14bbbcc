package features_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/featurestest"
)

func TestStoreKeepsTheContract(t *testing.T) {
	for name, config := range map[string]features.StoreConfig{
		"items":         {View: features.View{Name: "test", Columns: storeColumns}},
		"mixed":         {View: features.View{Name: "test", Columns: oracleLayouts["mixed"]}, Shards: 1},
		"wide":          {View: features.View{Name: "test", Columns: oracleLayouts["wide"]}},
		"ids":           {View: features.View{Name: "test", Columns: oracleLayouts["one id"]}},
		"default stale": {View: features.View{Name: "test", Columns: storeColumns, Stale: features.DefaultStale}},
		"drop stale":    {View: features.View{Name: "test", Columns: storeColumns, Stale: features.DropStale}},
		"refuse future": {View: features.View{Name: "test", Columns: storeColumns}, RefuseFuture: true},
		"bounded":       {View: features.View{Name: "test", Columns: storeColumns}, MaxRows: 20},
		"pairs":         {View: features.View{Name: "test", Columns: storeColumns, Entity: features.UserItem}, MaxRows: 20},
		"users":         {View: features.View{Name: "test", Columns: storeColumns, Entity: features.User}},
	} {
		t.Run(name, func(t *testing.T) {
			suite := featurestest.Config{
				Items: []recsys.ItemID{0, 1, 1 << 40, ^recsys.ItemID(0)}, Unknown: []recsys.ItemID{5, 1 << 41},
				Users: []recsys.UserID{0, 1}, UnknownUsers: []recsys.UserID{5},
				Written: epoch,
			}
			featurestest.Run(t, func(t *testing.T) recsys.FeatureSource { return filled(t, config, suite) }, suite)
			suite.Write = func(source recsys.FeatureSource, n int) {
				s := source.(*features.Store)
				r := randomRow(newRand(uint64(n)), config.View.Columns, uint64(n%3))
				if _, err := s.Put(r); err != nil {
					panic(err)
				}
				s.Delete(uint64(n % 2))
			}
			t.Run("while it is written to", func(t *testing.T) {
				require.Empty(t, featurestest.Check(func() recsys.FeatureSource { return filled(t, config, suite) }, suite))
			})
		})
	}
}

// TestContextStoreKeepsTheContract has the user's number for a country.
func TestContextStoreKeepsTheContract(t *testing.T) {
	for name, config := range map[string]features.StoreConfig{
		"serve":   {},
		"default": {View: features.View{Stale: features.DefaultStale}},
		"bounded": {MaxRows: 10},
	} {
		t.Run(name, func(t *testing.T) {
			config.View.Name, config.View.Entity, config.View.Key = "test", features.Context, "country"
			config.View.Columns = oracleLayouts["mixed"]
			suite := featurestest.Config{
				Users: []recsys.UserID{1, 1 << 40, ^recsys.UserID(0)}, UnknownUsers: []recsys.UserID{0, 5},
				Written:  epoch,
				Upstream: recsys.SchemaConfig{Columns: []recsys.Column{{Name: "country", Kind: recsys.ID, Scope: recsys.PerRequest}}},
			}
			featurestest.Run(t, func(t *testing.T) recsys.FeatureSource { return userCountry{Store: filled(t, config, suite)} }, suite)
		})
	}
}

// userCountry is a context store that reads the row of the country of the user's number.
type userCountry struct {
	*features.Store
	schema *recsys.Schema
	bound  recsys.FeatureSource
}

func (s userCountry) Bind(schema *recsys.Schema) (recsys.FeatureSource, error) {
	bound, err := s.Store.Bind(schema)
	return userCountry{s.Store, schema, bound}, err
}

func (s userCountry) Hydrate(ctx context.Context, q *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
	own := recsys.NewQuery(&q.Request, s.schema, "country")
	own.IDs()[0] = uint64(q.User)
	return s.bound.Hydrate(ctx, own, items, out)
}

// filled returns a store of what the suite may expect.
func filled(t *testing.T, config features.StoreConfig, suite featurestest.Config) *features.Store {
	s := newStore(t, config)
	put := func(key uint64) {
		r := randomRow(newRand(key), config.View.Columns, key)
		r.Time = suite.Written
		_, err := s.Put(r)
		require.NoError(t, err)
	}
	for _, id := range suite.Items {
		key := uint64(id)
		if config.View.Entity == features.UserItem {
			key = features.PairKey(suite.Users[0], id)
		}
		put(key)
	}
	for _, id := range suite.Users {
		put(uint64(id))
	}
	return s
}

func TestRequestSourcesKeepTheContract(t *testing.T) {
	config := featurestest.Config{Users: []recsys.UserID{1}, Request: recsys.Request{
		Now:     time.Date(2026, 3, 1, 17, 30, 0, 0, time.UTC),
		History: []recsys.Event{{Item: 1, Time: epoch}},
	}}
	t.Run("time", func(t *testing.T) {
		featurestest.Run(t, func(*testing.T) recsys.FeatureSource { return features.RequestTime{Offset: time.Hour} }, config)
	})
	t.Run("history", func(t *testing.T) {
		featurestest.Run(t, func(*testing.T) recsys.FeatureSource { return features.RequestHistory{} }, config)
	})
}

// TestDerivedSourcesKeepTheContract checks the sources that work from the retrievers.
func TestDerivedSourcesKeepTheContract(t *testing.T) {
	config := featurestest.Config{Items: []recsys.ItemID{1, 2, 3}, Upstream: recsys.SchemaConfig{Sources: []string{"als", "popular"}}}
	t.Run("retrieval", func(t *testing.T) {
		featurestest.Run(t, func(*testing.T) recsys.FeatureSource {
			return features.Retrieval{Sources: []string{"popular", "als"}}
		}, config)
	})
	t.Run("item score", func(t *testing.T) {
		featurestest.Run(t, func(*testing.T) recsys.FeatureSource {
			return features.ItemScore{Name: "als.all", Scorer: tenfold{}}
		}, config)
	})
}

// tenfold scores item i with 10i, if i is below 100.
type tenfold struct{}

func (tenfold) ScoreItems(ctx context.Context, _ *recsys.Query, items []recsys.ItemID, dst []float32) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for i, id := range items {
		if dst[i] = 0; id < 100 {
			dst[i] = 10 * float32(id)
		}
	}
	return nil
}
