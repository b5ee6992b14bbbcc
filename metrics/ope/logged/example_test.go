package logged_test

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/metrics/ope/logged"
)

// A log of single items, shown by a coin; every item 1 is clicked. What if item 1 were shown
// three times in four?
func ExampleEvaluate() {
	var log []byte
	for i := range 4000 {
		id, item, now := fmt.Sprint("r", i), recsys.ItemID(i%2), time.Unix(int64(i), 0)
		log = recsys.AppendExposure(log, &recsys.Exposure{
			ID: id, K: 1, Now: now, Explorer: "explore", Shown: 1, Candidates: 2,
			Rows: []recsys.ExposureRow{{Item: item, Propensity: 0.5, Inclusion: 1}},
		})
		if item == 1 {
			log = recsys.AppendFeedback(log, &recsys.Feedback{Request: id, Item: item, Kind: recsys.Click, Time: now})
		}
	}
	source := logged.SourceFunc(recsys.NewLogReader("log", bytes.NewReader(log)).All)
	target := logged.PolicyFunc(func(_ context.Context, x *recsys.Exposure, dst []float64) error {
		dst[0] = []float64{0.25, 0.75}[x.Rows[0].Item]
		return nil
	})
	report, err := logged.Evaluate(context.Background(), source, logged.Config{Target: target})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range report.Top.Estimates {
		fmt.Println(e)
	}
	// Output:
	// ips        0.75 [0.726755, 0.773245] ess 3200 of 4000: reliable
	// snips      0.75 [0.738379, 0.761621] ess 3200 of 4000: reliable
}

// evenly shows whatever may come with equal probability.
type evenly struct{}

func (evenly) Propensities(_ context.Context, _ *recsys.Query, _ *recsys.Candidates, s *recsys.Slate, slate []int32, dst []float64) error {
	for i, row := range slate {
		if !s.Next() || !s.Admissible().Has(int(row)) {
			break
		}
		dst[i] = 1 / float64(s.Admissible().Count())
		s.Pick(row, dst[i])
	}
	return nil
}

// An explorer as target policy. It is judged on the rows that the logger chose from, which
// takes a record of all of them, and the logger to prove it.
func ExampleJudge() {
	policy, err := logged.Judge(evenly{}, logged.JudgeConfig{Logger: evenly{}})
	if err != nil {
		fmt.Println(err)
		return
	}
	x := &recsys.Exposure{
		K: 2, Shown: 2, Candidates: 3, Explorer: "explore", Level: recsys.LogFull,
		Rows: []recsys.ExposureRow{{Item: 7, Row: 2, Propensity: 1.0 / 3}, {Item: 5, Propensity: 0.5}, {Item: 6, Row: 1}},
	}
	dst := make([]float64, 2)
	fmt.Println(policy.Propensities(context.Background(), x, dst), dst)
	x.Rows = x.Rows[:2] // as of recsys.LogSlate
	fmt.Println(policy.Propensities(context.Background(), x.Clone(), dst))
	// Output:
	// <nil> [0.3333333333333333 0.5]
	// recsys: the record is partial: it holds 2 of 3 candidates; log with recsys.LogFull
}
