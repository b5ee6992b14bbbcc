package journal_test

import (
	"bytes"
	"context"
	"io"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/bandit"
	"github.com/recsyskit/recsys/bandit/journal"
	"github.com/recsyskit/recsys/internal/hash"
)

// epoch is the time of the first request of a test.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

const items, places = 8, 2

// learned is the policy of most tests: its sums of rewards are not whole numbers, and old decisions give way.
func learned(t testing.TB) *bandit.Policy {
	t.Helper()
	return policy(t, bandit.Config{Window: -1, Retention: 400})
}

func policy(t testing.TB, cfg bandit.Config) *bandit.Policy {
	t.Helper()
	cfg.Reward = bandit.ValueReward(recsys.Dwell)
	p, err := bandit.New(bandit.Boltzmann{Temperature: 0.3, Decay: 0.999}, cfg)
	require.NoError(t, err)
	return p
}

// table has the items 1000, 1001, … in that order.
func table() (*recsys.Candidates, []int32) {
	ids, order := make([]recsys.ItemID, items), make([]int32, items)
	for i := range ids {
		ids[i], order[i] = recsys.ItemID(1000+i), int32(i)
	}
	return recsys.NewCandidates(nil, ids), order
}

func query(id string, now time.Time) *recsys.Query {
	return recsys.NewQuery(&recsys.Request{ID: id, Seed: hash.String(1, id) | 1, K: places, Now: now}, nil, "explore/test")
}

// show makes a decision and returns its items.
func show(t testing.TB, e recsys.Explorer, id string, now time.Time) []recsys.ItemID {
	t.Helper()
	c, order := table()
	s := c.Slate(places, order)
	require.NoError(t, e.Explore(context.Background(), query(id, now), c, s))
	var shown []recsys.ItemID
	for _, row := range s.Rows() {
		shown = append(shown, c.IDs()[row])
	}
	return shown
}

// act is feedback whose value follows from its ID.
func act(id, request string, item recsys.ItemID, at time.Time) recsys.Feedback {
	return recsys.Feedback{
		ID: id, Request: request, Item: item, Kind: recsys.Dwell, Time: at,
		Value: float32(hash.String(2, id)%1000) / 1000,
	}
}

// chances are the probabilities of the rows at the first place.
func chances(t testing.TB, p recsys.Judge) []float64 {
	t.Helper()
	c, order := table()
	all := make([]float64, items)
	for row := range all {
		require.NoError(t, p.Propensities(context.Background(), query("?", epoch), c, c.Slate(1, order), []int32{int32(row)}, all[row:row+1]))
	}
	return all
}

// state is all that a policy knows.
func state(t testing.TB, p io.WriterTo) []byte {
	t.Helper()
	var b bytes.Buffer
	_, err := p.WriteTo(&b)
	require.NoError(t, err)
	return b.Bytes()
}

func open(t testing.TB, dir string, p *bandit.Policy, opts journal.Options) *journal.Journal {
	t.Helper()
	j, err := journal.Open(dir, p, opts)
	require.NoError(t, err)
	t.Cleanup(func() { j.Close() })
	return j
}

// retold is a policy that went through the records of a journal.
func retold(t testing.TB, dir string, p *bandit.Policy) *bandit.Policy {
	t.Helper()
	for r, err := range journal.Records(dir, 0) {
		require.NoError(t, err)
		require.NoError(t, p.Redo(r.Change))
	}
	return p
}

func files(t testing.TB, dir, suffix string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
	require.NoError(t, err)
	return paths
}
