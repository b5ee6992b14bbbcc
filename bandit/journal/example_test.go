package journal_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/bandit"
	"github.com/recsyskit/recsys/bandit/journal"
)

// A policy learns from a click, its process ends, and the next one goes on from there.
func ExampleOpen() {
	dir, err := os.MkdirTemp("", "journal")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	stories := recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
		for item := recsys.ItemID(1); item <= 3; item++ {
			out.Add(item, 1)
		}
		return nil
	})
	ctx, now := context.Background(), time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for _, id := range []string{"monday", "tuesday"} {
		policy, err := bandit.New(bandit.Thompson{}, bandit.Config{})
		if err != nil {
			log.Fatal(err)
		}
		j, err := journal.Open(dir, policy, journal.Options{})
		if err != nil {
			log.Fatal(err)
		}
		p, err := recsys.NewPipeline(recsys.Retrieve("stories", stories), recsys.Explore(j)).Build()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: %d records recovered, %d rewards known\n", id, j.Stats().Recovery.Replayed, policy.Stats().Settled)

		res, err := p.Recommend(ctx, &recsys.Request{ID: id, K: 1, Now: now})
		if err != nil {
			log.Fatal(err)
		}
		click := recsys.Feedback{ID: "click-" + id, Request: id, Item: res.Items[0].ID, Kind: recsys.Click, Time: now}
		if err := p.Learn(ctx, []recsys.Feedback{click}); err != nil {
			log.Fatal(err)
		}
		if err := j.Checkpoint(ctx); err != nil { // every some minutes
			log.Fatal(err)
		}
		if err := p.Close(ctx); err != nil { // or the process is killed: it makes no difference
			log.Fatal(err)
		}
	}
	// Output:
	// monday: 0 records recovered, 0 rewards known
	// tuesday: 0 records recovered, 1 rewards known
}

func ExampleRecords() {
	dir, err := os.MkdirTemp("", "journal")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	policy, err := bandit.New(bandit.Thompson{}, bandit.Config{})
	if err != nil {
		log.Fatal(err)
	}
	j, err := journal.Open(dir, policy, journal.Options{})
	if err != nil {
		log.Fatal(err)
	}
	policy.Forget(7)
	click := recsys.Feedback{Request: "unknown", Item: 8, Kind: recsys.Click, Time: time.Unix(0, 0)}
	if err := j.Learn(context.Background(), []recsys.Feedback{click}); err != nil {
		log.Fatal(err)
	}
	if err := j.Close(); err != nil {
		log.Fatal(err)
	}
	for r, err := range journal.Records(dir, 0) {
		if err != nil {
			log.Fatal(err)
		}
		switch c := r.Change; c.Kind {
		case bandit.ChangeForget:
			fmt.Println(r.Seq, "forget", c.Arms)
		case bandit.ChangeFeedback:
			fmt.Println(r.Seq, c.Feedback.Kind, "of item", c.Feedback.Item)
		case bandit.ChangeAdvance:
			fmt.Println(r.Seq, "time is", time.Unix(0, c.Now).UTC().Format(time.DateTime))
		}
	}
	// Output:
	// 1 forget [7]
	// 2 click of item 8
	// 3 time is 1970-01-01 00:00:00
}
