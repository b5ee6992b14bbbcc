package recsys_test

import (
	"context"
	"testing"

	"github.com/recsyskit/recsys"
)

func ranked(ids ...recsys.ItemID) recsys.Retriever {
	return recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
		for i, id := range ids {
			if !out.Add(id, float32(len(ids)-i)) {
				break
			}
		}
		return nil
	})
}

func TestSmoke(t *testing.T) {
	p, err := recsys.NewPipeline(
		recsys.Retrieve("a", ranked(1, 2, 3)),
		recsys.Retrieve("b", ranked(3, 4)),
	).Build()
	if err != nil {
		t.Fatal(err)
	}
	res, err := p.Recommend(t.Context(), &recsys.Request{ID: "r", K: 3, Explain: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", res.Items)
	e, err := res.Explain(3)
	t.Log(e, err)
	e, _ = res.Explain(2)
	t.Log(e)
	e, _ = res.Explain(4)
	t.Log(e)
	e, _ = res.Explain(9)
	t.Log(e)
	n := testing.AllocsPerRun(100, func() {
		_ = p.RecommendInto(context.Background(), &recsys.Request{ID: "r", K: 3}, res)
	})
	t.Log(n, res.Trace)
	_, err = recsys.NewPipeline(recsys.Retrieve("", nil, recsys.Quota(0), recsys.InFlight(3))).Build()
	t.Log(err)
}
