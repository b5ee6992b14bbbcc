package retrievaltest_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval/retrievaltest"
)

func TestDoublesGoWrongAsTheySay(t *testing.T) {
	req := recsys.Request{User: 1, History: []recsys.Event{{Item: 1}}}
	ask := func(r recsys.Retriever, n int) (ids []recsys.ItemID, scores []float32, err error) {
		out := recsys.NewSink(n)
		err = r.Retrieve(t.Context(), recsys.NewQuery(&req, nil, "x"), out)
		ids, scores = out.Items()
		return ids, scores, err
	}
	ids, _, err := ask(retrievaltest.Duplicating{}, 5)
	require.NoError(t, err)
	require.Equal(t, []recsys.ItemID{1, 1, 2, 2, 3}, ids)

	_, scores, err := ask(retrievaltest.NaN{Every: 2}, 4)
	require.NoError(t, err)
	for i, s := range scores {
		require.Equal(t, i%2 == 0, s != s)
	}
	_, scores, _ = ask(retrievaltest.NaN{}, 3)
	for _, s := range scores {
		require.True(t, s != s)
	}

	ids, _, err = ask(retrievaltest.Erroring{After: 2}, 5)
	require.ErrorIs(t, err, retrievaltest.ErrFaulty)
	require.Len(t, ids, 2)
	_, _, err = ask(retrievaltest.Erroring{Err: context.DeadlineExceeded}, 5)
	require.ErrorIs(t, err, context.DeadlineExceeded)

	require.PanicsWithValue(t, "boom", func() { ask(retrievaltest.Panicking{Value: "boom"}, 1) })
	require.PanicsWithValue(t, retrievaltest.ErrFaulty, func() { ask(retrievaltest.Panicking{}, 1) })

	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := retrievaltest.Slow{Delay: time.Minute}.Retrieve(ctx, recsys.NewQuery(&req, nil, "x"), recsys.NewSink(1))
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestDoublesBindWhatTheyWrap(t *testing.T) {
	schema, err := recsys.NewSchema(recsys.SchemaConfig{Columns: []recsys.Column{{Name: "age", Scope: recsys.PerRequest}}})
	require.NoError(t, err)
	none, err := recsys.NewSchema(recsys.SchemaConfig{})
	require.NoError(t, err)
	for _, r := range []recsys.Retriever{
		retrievaltest.Slow{Retriever: rowed{}},
		retrievaltest.Erroring{Retriever: rowed{}},
		retrievaltest.Duplicating{Retriever: rowed{}},
		retrievaltest.NaN{Retriever: rowed{}},
	} {
		_, err := recsys.Bind(r, schema)
		require.NoError(t, err, "%T", r)
		_, err = recsys.Bind(r, none)
		require.Error(t, err, "%T", r)
	}
}
