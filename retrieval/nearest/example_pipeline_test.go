package nearest_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/flat"
	"github.com/recsyskit/recsys/retrieval/nearest"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// users is a feature source of vectors of users. A features store with Entity: features.User
// takes its place in a program.
func users(vectors map[recsys.UserID][]float32, dim int) recsys.FeatureFunc {
	return recsys.FeatureFunc{
		Cols: []recsys.Column{{Name: "user_vector", Kind: recsys.Vector, Dim: dim, Scope: recsys.PerRequest}},
		Func: func(_ context.Context, q *recsys.Query, _ []recsys.ItemID, out *recsys.Block) error {
			v, ok := vectors[q.User]
			if !ok {
				out.Miss(0)
				return nil
			}
			copy(out.VectorAt(0, 0), v)
			return nil
		},
	}
}

// The usual path: a job builds the index and saves it, a server opens the file and has a
// source for those whom nobody knows yet.
func Example_pipeline() {
	folder, err := os.MkdirTemp("", "nearest")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "items.flat")

	// The job.
	items := []recsys.ItemID{10, 20, 30, 40}
	built, err := flat.New(flat.Config{Metric: retrieval.InnerProduct}, items,
		vector.From([]float32{1, 0, 0.9, 0.1, 0, 1, 0.2, 0.8}, 2))
	if err != nil {
		log.Fatal(err)
	}
	if err := built.Save(path); err != nil {
		log.Fatal(err)
	}

	// The server.
	index, err := flat.Open(path)
	if err != nil {
		log.Fatal(err)
	}
	source, err := nearest.New(index, nearest.Config{Column: "user_vector", Version: "two-tower 7", Owned: true})
	if err != nil {
		log.Fatal(err)
	}
	defer source.Close() // closes the index; recsys.Live does so when it swaps pipelines
	popular := recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
		out.Add(40, 2)
		out.Add(10, 1)
		return nil
	})
	p, err := recsys.NewPipeline(
		recsys.Features(users(map[recsys.UserID][]float32{7: {0, 1}}, 2)),
		recsys.Retrieve("two-tower", source, recsys.Quota(400)),
		recsys.Retrieve("popular", popular, recsys.AsFallback()),
	).Build()
	if err != nil {
		log.Fatal(err)
	}
	for _, user := range []recsys.UserID{7, 8} {
		res, err := p.Recommend(context.Background(), &recsys.Request{User: user, K: 2})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Print("user ", user, ":")
		for _, item := range res.Items {
			fmt.Print(" ", item.ID)
		}
		fmt.Println()
	}
	// Output:
	// user 7: 30 40
	// user 8: 40 10
}

// A user with two interests, in a language that the request names.
func Example_interestsAndFilter() {
	items := []recsys.ItemID{10, 20, 30, 40}
	index, err := flat.New(flat.Config{Metric: retrieval.InnerProduct}, items,
		vector.From([]float32{1, 0, 0.9, 0.1, 0, 1, 0.2, 0.8}, 2))
	if err != nil {
		log.Fatal(err)
	}
	languages := retrieval.NewAttributes(map[string][]retrieval.ItemValue{"language": {
		{Item: 10, Value: "en"}, {Item: 20, Value: "de"}, {Item: 30, Value: "en"}, {Item: 40, Value: "de"},
	}})
	german, err := languages.Equal("language", "de") // made once, used for many requests
	if err != nil {
		log.Fatal(err)
	}
	source, err := nearest.New(index, nearest.Config{
		Column:   "user_vector",
		Balanced: true, // each interest has its places, whatever its scores
		Filter: func(q *recsys.Query) *retrieval.Filter {
			if q.Surface == "de" {
				return german
			}
			return nil // all items
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	p, err := recsys.NewPipeline(
		// The column is twice as long as a vector of the index: two interests.
		recsys.Features(users(map[recsys.UserID][]float32{7: {3, 0, 0, 0.5}}, 4)),
		recsys.Retrieve("interests", source, recsys.Quota(2)),
	).Build()
	if err != nil {
		log.Fatal(err)
	}
	for _, surface := range []string{"all", "de"} {
		res, err := p.Recommend(context.Background(), &recsys.Request{User: 7, K: 2, Surface: surface})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Print(surface, ":")
		for _, item := range res.Items {
			fmt.Print(" ", item.ID)
		}
		fmt.Println()
	}
	// Output:
	// all: 10 30
	// de: 20 40
}
