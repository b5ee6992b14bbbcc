package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/examples/internal/input"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/als"
	"github.com/recsyskit/recsys/retrieval/bpr"
	"github.com/recsyskit/recsys/retrieval/ease"
	"github.com/recsyskit/recsys/retrieval/gfcf"
	"github.com/recsyskit/recsys/retrieval/itemknn"
	"github.com/recsyskit/recsys/retrieval/itemsim"
	"github.com/recsyskit/recsys/retrieval/slim"
	"github.com/recsyskit/recsys/retrieval/walk"
)

// A program that is written after a run finds what the run found.
func TestDefaultsAreThoseOfTheZeroConfig(t *testing.T) {
	train, _ := clusters(t, 60)
	in, err := input.Interactions(train, "lists", input.NewIDs("number"))
	require.NoError(t, err)
	ctx := t.Context()
	// config returns the configuration of a trained model as JSON, without how it serves.
	config := func(m any, err error) string {
		require.NoError(t, err)
		if m, ok := m.(*itemsim.Model); ok {
			return string(m.Config())
		}
		var c any
		switch m := m.(type) {
		case *als.Model:
			cfg := m.Config()
			cfg.History = retrieval.History{}
			c = cfg
		case *bpr.Model:
			cfg := m.Config()
			cfg.History = retrieval.History{}
			c = cfg
		}
		require.NotNil(t, c, "%T", m)
		text, err := json.Marshal(c)
		require.NoError(t, err)
		return string(text)
	}
	defaults := func(name string) string {
		m := modelNamed(name)
		s, err := m.params.Resolve(name, nil)
		require.NoError(t, err)
		return config(m.train(ctx, in, s, env{workers: 1}))
	}
	for name, want := range map[string]string{
		"itemknn":  config(itemknn.Train(ctx, in, itemknn.Config{})),
		"p3alpha":  config(walk.Train(ctx, in, walk.Config{})),
		"slim":     config(slim.Train(ctx, in, slim.Config{})),
		"ease":     config(ease.Train(ctx, in, ease.Config{})),
		"gfcf":     config(gfcf.Train(ctx, in, gfcf.Config{})),
		"als":      config(als.Train(ctx, in, als.Config{})),
		"bpr":      config(bpr.Train(ctx, in, bpr.Config{})),
		"warp":     config(bpr.Train(ctx, in, bpr.Config{Loss: bpr.WARP})),
		"logistic": config(bpr.Train(ctx, in, bpr.Config{Loss: bpr.Logistic})),
	} {
		require.Equal(t, want, defaults(name), name)
	}
}
