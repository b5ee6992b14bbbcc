package redis_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/redis/rueidis"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/redis"
)

// A store of item features behind a near-cache: a feed writes, late rows are refused, and what lies under a key without being a
// row is reported.
func ExampleOpen() {
	store, err := redis.Open(redis.Config{
		Client: rueidis.ClientOption{InitAddress: []string{"127.0.0.1:6379"}},
		View: features.View{Name: "item.stats", TTL: 24 * time.Hour, Columns: []features.Column{
			{Name: "ctr", MaxAge: time.Hour},
			{Name: "price", Default: new(float32(10))},
		}},
		Prefix: "shop:",
		Near:   redis.Near{Bytes: 64 << 20},
		Lazy:   true, // the service may start before Redis
		Report: func(e *redis.ValueError) { log.Print(e) },
	})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	w, err := store.PutBatch(ctx, []features.Row{
		{Key: 1, Time: time.Now(), Floats: []float32{0.07, 25}},
		{Key: 2, Time: time.Now().Add(-time.Minute), Floats: []float32{0.05, 30}},
	})
	if err != nil {
		log.Fatal(err) // it is safe to write all again
	}
	fmt.Println(w.Stored, "stored,", w.Late, "late")
}

// Features that Feast has written, read by the names that the pipeline uses.
func ExampleOpenFeast() {
	source, err := redis.OpenFeast(redis.FeastConfig{
		Client:  rueidis.ClientOption{InitAddress: []string{"127.0.0.1:6379"}},
		Project: "shop",
		Join:    "item_id",
		View: features.View{Name: "item_stats", TTL: time.Hour, Columns: []features.Column{
			{Name: "ctr"}, {Name: "creator", Kind: recsys.ID},
		}},
		Fields: map[string]string{"ctr": "click_rate_7d"},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer source.Close()
	fmt.Println(source.Columns())
}

// In a pipeline a store is remote: it has a budget, and when Redis does not answer within it, the columns have their defaults
// and the result says so.
func Example_pipeline() {
	client := rueidis.ClientOption{InitAddress: []string{"10.0.0.1:6379", "10.0.0.2:6379", "10.0.0.3:6379"}} // a cluster
	open := func(v features.View, near int64) *redis.Store {
		s, err := redis.Open(redis.Config{Client: client, View: v, Near: redis.Near{Bytes: near}, Lazy: true})
		if err != nil {
			log.Fatal(err)
		}
		return s
	}
	items := open(features.View{Name: "item.stats", Columns: []features.Column{{Name: "ctr", Default: new(float32(0.01))}}}, 256<<20)
	users := open(features.View{Name: "user.taste", Entity: features.User, Columns: []features.Column{
		{Name: "taste", Kind: recsys.Vector, Dim: 32},
	}}, 0)

	p, err := recsys.NewPipeline(
		recsys.Retrieve("popular", recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
			out.Add(17, 1)
			return nil
		})),
		recsys.Features(users, recsys.Name("user.taste"), recsys.Remote(5*time.Millisecond)),
		recsys.Features(items, recsys.Name("item.stats"), recsys.Remote(10*time.Millisecond)),
	).Build()
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close(context.Background()) // closes the stores

	res, err := p.Recommend(context.Background(), &recsys.Request{User: 42, K: 10, Now: time.Now()})
	if err != nil {
		log.Fatal(err)
	}
	for _, d := range res.Degraded {
		log.Print(d)
	}
}
