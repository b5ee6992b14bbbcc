package lab_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/examples/internal/hyper"
	"github.com/recsyskit/recsys/examples/internal/lab"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/ensemble"
)

// constant proposes one item, whatever it is asked.
type constant struct {
	item  recsys.ItemID
	score float32
}

func (c constant) Retrieve(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
	out.Add(c.item, c.score)
	return nil
}

func (c constant) ScoreItems(_ context.Context, _ *recsys.Query, items []recsys.ItemID, dst []float32) error {
	for i, id := range items {
		dst[i] = 0
		if id == c.item {
			dst[i] = c.score
		}
	}
	return nil
}

func (c constant) Save(string) error { return nil }

var model = &lab.Model{
	Name: "constant",
	Params: hyper.Params{
		{Name: "item", Doc: "that is proposed", Default: "1", Integer: true, Max: 9, Lo: 1, Hi: 9},
		{Name: "score", Doc: "of the item", Default: "1", Min: 0.1},
	},
	Train: func(ctx context.Context, _ *retrieval.Interactions, s hyper.Settings, log io.Writer, label string) (lab.Trained, error) {
		if s.Int("item") == 8 {
			return nil, errors.New("eight is no item")
		}
		io.WriteString(log, label+"\n")
		return constant{recsys.ItemID(s.Int("item")), float32(s.Float("score"))}, ctx.Err()
	},
	Load: func(string) (lab.Trained, error) { return constant{1, 1}, nil },
}

// split is data whose answer is item 4; what is nearer to it has the higher score.
type split struct{}

func (split) Train() *retrieval.Interactions { return nil }

func (split) Cases() []ensemble.Case {
	cases := make([]ensemble.Case, 40)
	for i := range cases {
		cases[i] = ensemble.Case{Request: recsys.Request{User: recsys.UserID(i)}, Relevant: []recsys.ItemID{4}}
	}
	return cases
}

func (split) Score(_ context.Context, m lab.Trained) (float64, error) {
	d := float64(m.(constant).item) - 4
	return 10 - d*d, nil
}

func bench(trials int) (*lab.Lab, *bytes.Buffer) {
	var out bytes.Buffer
	return &lab.Lab{Seed: 1, Workers: 2, Trials: trials, Metric: "ndcg", K: 5, JSON: true, Out: &out, Log: io.Discard}, &out
}

func TestTuneFindsTheBestAndOutlivesTrialsThatFail(t *testing.T) {
	l, out := bench(9)
	s, err := model.Params.Resolve("constant", nil)
	require.NoError(t, err)
	best, m, err := l.Tune(t.Context(), split{}, &lab.Part{Model: model, Settings: s})
	require.NoError(t, err)
	require.Equal(t, "4", best["item"])
	require.Equal(t, recsys.ItemID(4), m.(constant).item)
	require.Equal(t, 10, strings.Count(out.String(), "\n"))
	require.Contains(t, out.String(), `{"event":"trial","trial":0,"item":1,"score":1,"ndcg@5":1,`)
	require.Contains(t, out.String(), `"item":8,"score":1,"ndcg@5":null`)
	require.Contains(t, out.String(), `{"event":"tuned","item":4,"score":1,"ndcg@5":10}`)

	l, _ = bench(3)
	_, _, err = l.Tune(t.Context(), split{}, &lab.Part{Model: model, Settings: hyper.Settings{"item": "8", "score": "1"}, Given: hyper.Settings{"item": "8"}})
	require.ErrorContains(t, err, "no trial worked: eight is no item")

	l, out = bench(1000)
	l.TuneTime = time.Nanosecond
	_, m, err = l.Tune(t.Context(), split{}, &lab.Part{Model: model, Settings: s})
	require.NoError(t, err)
	require.Equal(t, recsys.ItemID(1), m.(constant).item, "the first trial comes to something")
	require.Equal(t, 2, strings.Count(out.String(), "\n"))
}

func TestBlendsAreLearnedOrGiven(t *testing.T) {
	find := func(name string) *lab.Model {
		if name == model.Name {
			return model
		}
		return nil
	}
	parts, err := lab.ParseParts("right=constant:item=4,wrong=constant:item=3:score=50", find)
	require.NoError(t, err)
	hold := func() (lab.Split, error) { return split{}, nil }
	score := func(m lab.Trained, item recsys.ItemID) float32 {
		var dst [1]float32
		require.NoError(t, m.ScoreItems(t.Context(), recsys.NewQuery(&recsys.Request{User: 1}, nil, "x"), []recsys.ItemID{item}, dst[:]))
		return dst[0]
	}
	l, out := bench(0)
	m, _, err := l.TrainBlend(t.Context(), nil, hold, parts, nil, 10)
	require.NoError(t, err)
	require.Greater(t, score(m, 4), score(m, 3))
	require.Contains(t, out.String(), `{"event":"source","source":"right",`)
	require.Contains(t, out.String(), `{"event":"blend","budget":10,"cases":40,"folds":5,`)

	m, _, err = l.TrainBlend(t.Context(), nil, nil, parts, []float64{1, 3}, 10)
	require.NoError(t, err)
	require.Less(t, score(m, 4), score(m, 3))

	_, err = lab.LoadBlend(t.TempDir()+"/none", parts)
	require.ErrorContains(t, err, "no such file")
	for want, text := range map[string]string{
		"-sources is missing":                   "",
		`"oracle" is no model that a blend can`: "oracle",
		`-sources names "constant" twice`:       "constant,constant",
		`"item" is not parameter=value`:         "constant:item",
		`constant: -item is "x"; want a whole`:  "constant:item=x",
		"a label is not empty":                  "=constant",
	} {
		_, err := lab.ParseParts(text, find)
		require.ErrorContains(t, err, want)
		require.Equal(t, 2, cli.ExitCode(err))
	}
	for want, text := range map[string]string{`-weights is "1,-1"`: "1,-1", "-weights has 1 numbers; want 2": "1"} {
		_, err := lab.ParseWeights(text, 2)
		require.ErrorContains(t, err, want)
	}
}
