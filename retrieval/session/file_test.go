package session_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/session"
)

// timed returns sessions with times, not in their order.
func timed(t testing.TB, seed uint64, lines []items) *retrieval.Interactions {
	t.Helper()
	var r retrieval.Records
	for s, line := range lines {
		for k, i := range line {
			r.Users, r.Items = append(r.Users, recsys.UserID(s)), append(r.Items, i)
			r.Times = append(r.Times, int64(s*7919%101)*int64(time.Hour)+int64(k))
		}
	}
	in, err := retrieval.NewInteractions(r, retrieval.SumWeights)
	require.NoError(t, err)
	return in
}

func everything() session.Config {
	cfg := session.STAN()
	cfg.HalfLife, cfg.IDF, cfg.Repeat, cfg.Forward = 30*time.Hour, 0.5, 2, 0.25
	cfg.History = retrieval.History{Last: 5, Kinds: map[recsys.EventKind]float64{recsys.Purchase: 2}}
	return cfg
}

func TestFileRoundTrip(t *testing.T) {
	in := timed(t, 1, random(8, 100, 30))
	for _, cfg := range []session.Config{{}, session.SKNN(), everything()} {
		m := train(t, in, cfg)
		path := filepath.Join(t.TempDir(), "model")
		require.NoError(t, m.Save(path))
		back, err := session.Load(path)
		require.NoError(t, err)
		require.Equal(t, m.Config(), back.Config())
		require.Equal(t, m.Version(), back.Version())
		require.Equal(t, m.NumSessions(), back.NumSessions())
		require.Equal(t, scores(t, m, items{5, 10, 35}, m.Items()), scores(t, back, items{5, 10, 35}, m.Items()))
	}
	_, err := session.Load(filepath.Join(t.TempDir(), "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = train(t, in, session.Config{}).WriteTo(failing{})
	require.ErrorIs(t, err, errDisk)
}

func TestReadFromReplacesAModelThatServed(t *testing.T) {
	small, large := train(t, sequences(t, items{1, 2}), session.SKNN()), train(t, sequences(t, random(8, 100, 30)...), session.SKNN())
	want := scores(t, large, items{5, 10}, large.Items())
	scores(t, small, items{1}, items{2}) // leaves memory behind
	var b bytes.Buffer
	_, err := large.WriteTo(&b)
	require.NoError(t, err)
	_, err = small.ReadFrom(&b)
	require.NoError(t, err)
	require.Equal(t, want, scores(t, small, items{5, 10}, large.Items()))
}

var errDisk = errors.New("the disk is full")

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errDisk }

var update = flag.Bool("update", false, "write the file of the current version to testdata")

// A file of version 1 stays readable. Written with: go test -run Version1 -update
func TestVersion1StaysReadable(t *testing.T) {
	const path = "testdata/v1.session"
	m := train(t, timed(t, 1, random(8, 12, 10)), everything())
	if *update {
		require.NoError(t, m.Save(path))
	}
	old, err := session.Load(path)
	require.NoError(t, err)
	require.Equal(t, m.Version(), old.Version(), "the model has the same bits on every machine")
	require.Equal(t, scores(t, m, items{5, 10}, m.Items()), scores(t, old, items{5, 10}, m.Items()))
}

type raw string

func (r raw) MarshalJSON() ([]byte, error) { return []byte(r), nil }

func file(config string, ids items, start []int64, events []int32, age []float32) []byte {
	var b bytes.Buffer
	w := envelope.NewWriter(&b, "session", 1, 0)
	w.WriteJSON("config", raw(config))
	envelope.Write(w, "items", ids)
	envelope.Write(w, "start", start)
	envelope.Write(w, "events", events)
	envelope.Write(w, "age", age)
	w.Close()
	return b.Bytes()
}

func TestReadFromRefusesWhatIsNoModel(t *testing.T) {
	two, start, events := items{1, 2}, []int64{0, 2, 3}, []int32{0, 1, 1}
	const aged = `{"Recency":0.5}`
	m := new(session.KNN)
	for _, good := range [][]byte{file(`{}`, two, start, events, nil), file(aged, two, start, events, []float32{0.5, 1})} {
		_, err := m.ReadFrom(bytes.NewReader(good))
		require.NoError(t, err)
	}
	version := m.Version()
	for want, bad := range map[string][]byte{
		"Config.Neighbors is -1":              file(`{"Neighbors":-1}`, two, start, events, nil),
		`unknown form "cubic"`:                file(`{"Match":{"Form":"cubic"}}`, two, start, events, nil),
		"ascending IDs":                       file(`{}`, items{2, 1}, start, events, nil),
		"no start of sessions":                file(`{}`, two, nil, events, nil),
		"the sessions do not cover":           file(`{}`, two, []int64{0, 2}, events, nil),
		"session 0 ends before it starts":     file(`{}`, two, []int64{0, -1, 3}, events, nil),
		"session 1 ends before it starts":     file(`{}`, two, []int64{0, 4, 3}, events, nil),
		"event 2: item 2 of 2":                file(`{}`, two, start, []int32{0, 1, 2}, nil),
		"event 0: item -1 of 2":               file(`{}`, two, start, []int32{-1, 1, 1}, nil),
		"ages without HalfLife and Recency":   file(`{}`, two, start, events, []float32{1, 1}),
		"1 ages of 2 sessions":                file(aged, two, start, events, []float32{1}),
		"age of session 0 leaves 2; want a n": file(aged, two, start, events, []float32{2, 1}),
	} {
		_, err := m.ReadFrom(bytes.NewReader(bad))
		require.ErrorContains(t, err, want)
		require.ErrorIs(t, err, envelope.ErrCorrupt, want)
		require.Equal(t, version, m.Version(), "as it was")
	}
	good := file(`{}`, two, start, events, nil)
	for n := range len(good) {
		_, err := m.ReadFrom(bytes.NewReader(good[:n]))
		require.Error(t, err, "%d of %d bytes", n, len(good))
	}
}

func FuzzReadFrom(f *testing.F) {
	f.Add(file(`{"Recency":0.5}`, items{1, 2}, []int64{0, 2, 3}, []int32{0, 1, 1}, []float32{0.5, 1}))
	f.Add(file(`{"IDF":0.5,"Match":{"Form":"exponential","Scale":2}}`, items{0, 1 << 60}, []int64{0, 0, 1}, []int32{1}, nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		m := new(session.KNN)
		if _, err := m.ReadFrom(bytes.NewReader(data)); err != nil {
			return
		}
		var b bytes.Buffer
		_, err := m.WriteTo(&b)
		require.NoError(t, err)
		back := new(session.KNN)
		_, err = back.ReadFrom(bytes.NewReader(b.Bytes()))
		require.NoError(t, err)
		require.Equal(t, m.Version(), back.Version())
		for _, x := range scores(t, m, m.Items()[:min(3, len(m.Items()))], m.Items()) {
			require.True(t, x >= 0 && x <= 1, x)
		}
	})
}
