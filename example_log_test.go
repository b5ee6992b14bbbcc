package recsys_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"time"

	"github.com/recsyskit/recsys"
)

// A pipeline logs what it shows, the service logs what users do, and a job joins both
// into labels.
func Example_log() {
	dir, err := os.MkdirTemp("", "log")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	sink, err := recsys.NewFileSink(dir, recsys.FileSinkConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	popular := recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
		for i := range 100 {
			if !out.Add(recsys.ItemID(i), float32(-i)) {
				break
			}
		}
		return nil
	})
	p, err := recsys.NewPipeline(recsys.Retrieve("popular", popular), recsys.Log(sink)).Build()
	if err != nil {
		fmt.Println(err)
		return
	}

	// Serving.
	ctx := context.Background()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for user := range recsys.UserID(3) {
		res, err := p.Recommend(ctx, &recsys.Request{ID: fmt.Sprint("r", user), User: user, K: 3, Now: now})
		if err != nil {
			fmt.Println(err)
			return
		}
		if user > 0 { // users 1 and 2 click
			click := &recsys.Feedback{
				ID: fmt.Sprint("e", user), Request: res.ID, User: user, Item: res.Items[user].ID,
				Kind: recsys.Click, Time: now.Add(20 * time.Second),
			}
			if err := sink.LogFeedback(ctx, click); err != nil {
				fmt.Println(err)
			}
		}
	}
	if err := p.Close(ctx); err != nil { // closes the sink as well
		fmt.Println(err)
	}

	// Learning, a day later.
	files, err := recsys.LogFiles(dir, "")
	if err != nil {
		fmt.Println(err)
		return
	}
	log, err := recsys.OpenLog(files...)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer log.Close()
	joiner, err := recsys.NewJoiner(recsys.JoinerConfig{Window: 30 * time.Minute})
	if err != nil {
		fmt.Println(err)
		return
	}
	for joined, err := range joiner.Join(log.All()) {
		if err != nil {
			fmt.Println(err)
			return
		}
		x := joined.Exposure
		for i, row := range x.Rows[:x.Shown] {
			fmt.Printf("%s place %d item %d propensity %g:", x.ID, i, row.Item, row.Propensity)
			for _, f := range joined.Feedback[i] {
				fmt.Printf(" %v after %v", f.Kind, f.Time.Sub(x.Now))
			}
			fmt.Println()
		}
	}
	// Output:
	// r0 place 0 item 0 propensity 1:
	// r0 place 1 item 1 propensity 1:
	// r0 place 2 item 2 propensity 1:
	// r1 place 0 item 0 propensity 1:
	// r1 place 1 item 1 propensity 1: click after 20s
	// r1 place 2 item 2 propensity 1:
	// r2 place 0 item 0 propensity 1:
	// r2 place 1 item 1 propensity 1:
	// r2 place 2 item 2 propensity 1: click after 20s
}

func ExampleFileSink() {
	dir, err := os.MkdirTemp("", "log")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	sink, err := recsys.NewFileSink(dir, recsys.FileSinkConfig{
		Prefix: "feed", MaxBytes: 1 << 30, Sync: recsys.SyncInterval, SyncEvery: 5 * time.Second,
		OnError: func(err error) { fmt.Println(err) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := range 100 {
		if err := sink.LogFeedback(context.Background(), &recsys.Feedback{User: recsys.UserID(i), Item: 7, Kind: recsys.Like}); err != nil {
			fmt.Println(err) // dropped: the queue is full
		}
	}
	if err := sink.Close(); err != nil {
		fmt.Println(err)
	}
	st := sink.Stats()
	fmt.Println(st.Written, "written,", st.Dropped, "dropped,", st.Lost, "lost")
	// Output: 100 written, 0 dropped, 0 lost
}

func ExampleLogReader() {
	var log []byte
	log = recsys.AppendExposure(log, &recsys.Exposure{ID: "r1", User: 42, Shown: 1, Rows: []recsys.ExposureRow{{Item: 7}}})
	log = recsys.AppendFeedback(log, &recsys.Feedback{Request: "r1", User: 42, Item: 7, Kind: recsys.Click})
	log = append(log, `{"type":"feedback","v":1,"us`...) // the process was killed here

	r := recsys.NewLogReader("today", bytes.NewReader(log))
	for rec, err := range r.All() {
		switch {
		case err != nil:
			fmt.Println(err)
		case rec.Exposure != nil:
			fmt.Printf("%s:%d: %d items shown to %d\n", rec.File, rec.Line, rec.Exposure.Shown, rec.Exposure.User)
		case rec.Feedback != nil:
			fmt.Printf("%s:%d: %v on %d\n", rec.File, rec.Line, rec.Feedback.Kind, rec.Feedback.Item)
		}
	}
	fmt.Println(r.Stats().Torn, "torn")
	// Output:
	// today:1: 1 items shown to 42
	// today:2: click on 7
	// 1 torn
}

func ExampleJoiner() {
	j, err := recsys.NewJoiner(recsys.JoinerConfig{Window: 10 * time.Minute, Lateness: time.Minute})
	if err != nil {
		fmt.Println(err)
		return
	}
	at := func(minute int) time.Time { return time.Date(2026, 1, 2, 12, minute, 0, 0, time.UTC) }
	show := func(id string, minute int, user recsys.UserID, item recsys.ItemID) {
		j.AddExposure(&recsys.Exposure{ID: id, User: user, Now: at(minute), Shown: 1, Rows: []recsys.ExposureRow{{Item: item}}})
	}
	show("r1", 0, 42, 7)
	j.AddFeedback(&recsys.Feedback{User: 42, Item: 7, Kind: recsys.Click, Time: at(3)}) // by user and item
	j.AddFeedback(&recsys.Feedback{Request: "r1", Item: 7, Kind: recsys.Like, Time: at(4)})
	show("r2", 12, 42, 7) // the window of r1 has closed
	j.AddFeedback(&recsys.Feedback{Request: "r1", Item: 7, Kind: recsys.Purchase, Time: at(30)})
	for joined, ok := j.Next(); ok; joined, ok = j.Next() {
		fmt.Print(joined.Exposure.ID, ":")
		for _, f := range joined.Feedback[0] {
			fmt.Print(" ", f.Kind)
		}
		fmt.Println()
	}
	fmt.Printf("%d joined, %d late, %d open\n", j.Stats().Joined, j.Stats().Late, j.Stats().Open)
	// Output:
	// r1: click like
	// 2 joined, 1 late, 1 open
}

// Two hosts log for themselves; the click came to the other one.
func ExampleMergeLogs() {
	at := func(sec int64) time.Time { return time.Unix(sec, 0) }
	shown := func(id string, sec int64) []byte {
		return recsys.AppendExposure(nil, &recsys.Exposure{ID: id, Now: at(sec)})
	}
	click := recsys.AppendFeedback(nil, &recsys.Feedback{Request: "r1", Kind: recsys.Click, Time: at(103)})
	a := recsys.NewLogReader("host-a", bytes.NewReader(append(shown("r1", 100), shown("r3", 200)...)))
	b := recsys.NewLogReader("host-b", bytes.NewReader(append(shown("r2", 101), click...)))
	for rec, err := range recsys.MergeLogs(a, b) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(rec.Time().Unix(), rec.File)
	}
	// Output:
	// 100 host-a
	// 101 host-b
	// 103 host-b
	// 200 host-a
}
