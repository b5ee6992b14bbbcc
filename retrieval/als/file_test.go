package als_test

import (
	"bytes"
	"errors"
	"flag"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/als"
)

func TestFileRoundTrip(t *testing.T) {
	in := random(t, 8, 100, 60, 2000, false)
	for _, cfg := range []als.Config{
		{},
		{Factors: 7, Alpha: 3, LogScale: 2, Unobserved: 0.2, Exponent: 0.5, Solver: als.Blocks, Block: 3, Seed: 9, Epochs: 3, History: retrieval.History{
			Last: 5, Decay: 0.9, HalfLife: time.Hour, Kinds: map[recsys.EventKind]float64{recsys.Purchase: 2, 77: 0.5}, Values: true, PreferAnchors: true,
		}},
		{Factors: 3, Uniform: true, Solver: als.ConjugateGradient, Steps: 5, Regularization: 7},
	} {
		m := train(t, in, cfg)
		path := filepath.Join(t.TempDir(), "model")
		require.NoError(t, m.Save(path))
		back, err := als.Load(path)
		require.NoError(t, err)
		require.Equal(t, m.Config(), back.Config())
		require.Equal(t, m.Version(), back.Version())
		require.Equal(t, m.Users(), back.Users())
		require.Equal(t, m.Items(), back.Items())
		require.Equal(t, m.UserVectors(), back.UserVectors())
		require.Equal(t, m.Vectors(), back.Vectors())
		for _, req := range []*recsys.Request{request(10, 40, 70), {User: in.Users()[5]}} {
			items, scores := retrieve(t, m, req, 100)
			same, also := retrieve(t, back, req, 100)
			require.Equal(t, items, same)
			require.Equal(t, scores, also)
		}
	}
}

var update = flag.Bool("update", false, "write the file of the current version to testdata")

// A file of version 1 stays readable. Written with: go test -run Version1 -update
func TestVersion1StaysReadable(t *testing.T) {
	const path = "testdata/v1.als"
	m := train(t, random(t, 8, 20, 10, 100, false), als.Config{
		Factors: 3, Alpha: 2, History: retrieval.History{Last: 9, Kinds: map[recsys.EventKind]float64{recsys.Save: 2}},
	})
	if *update {
		require.NoError(t, m.Save(path))
	}
	old, err := als.Load(path)
	require.NoError(t, err)
	require.Len(t, old.Items(), 10)
	require.Equal(t, m.Config(), old.Config())
	require.Equal(t, "b2d7f176490c533a", old.Version(), "written again, it has the same bytes")
	_, want := retrieve(t, m, request(10, 20), 10)
	_, got := retrieve(t, old, request(10, 20), 10)
	require.InDeltaSlice(t, want, got, 1e-3)
	require.NotZero(t, got[0])
}

func TestAConfidenceOfItsOwnIsGivenAgain(t *testing.T) {
	in := random(t, 8, 60, 40, 900, false)
	curve := func(r float32) float32 { return 1 + 5*r*r }
	m := train(t, in, als.Config{Factors: 6, Confidence: curve, History: retrieval.History{Values: true}})
	req := &recsys.Request{History: in.History(3)}
	_, want := retrieve(t, m, req, 40)
	path := filepath.Join(t.TempDir(), "model")
	require.NoError(t, m.Save(path))
	back, err := als.Load(path)
	require.NoError(t, err)
	require.Equal(t, m.Version(), back.Version())

	q := recsys.NewQuery(req, nil, "x")
	require.ErrorIs(t, back.Validate(), als.ErrConfidence)
	require.ErrorIs(t, back.Retrieve(t.Context(), q, recsys.NewSink(5)), als.ErrConfidence)
	_, err = back.Explain(nil, q, 10)
	require.ErrorIs(t, err, als.ErrConfidence)
	_, err = back.FoldInUser(nil, []recsys.ItemID{10}, nil)
	require.ErrorIs(t, err, als.ErrConfidence)
	_, err = back.Refit(t.Context(), in, in.Users()[:1], nil)
	require.ErrorIs(t, err, als.ErrConfidence)
	_, err = recsys.NewPipeline(recsys.Retrieve("als", back)).Build()
	require.ErrorIs(t, err, als.ErrConfidence)
	_, learned := retrieve(t, back, &recsys.Request{User: in.Users()[3]}, 40)
	require.Len(t, learned, 40, "users of the training are served all the same")

	again, err := back.WithConfidence(curve)
	require.NoError(t, err)
	require.NoError(t, again.Validate())
	_, got := retrieve(t, again, req, 40)
	require.Equal(t, want, got)
	require.Equal(t, m.Version(), again.Version())
	_, err = m.WithConfidence(nil)
	require.ErrorContains(t, err, "confidence is nil")

	wild, err := m.WithConfidence(func(float32) float32 { return float32(math.NaN()) })
	require.NoError(t, err)
	_, scores := retrieve(t, wild, req, 40)
	require.Len(t, scores, 40)
	require.False(t, math.IsNaN(float64(scores[0])))
}

func TestWithHistorySharesTheVectors(t *testing.T) {
	m := train(t, random(t, 8, 60, 40, 900, false), als.Config{Factors: 6})
	last, err := m.WithHistory(retrieval.History{Last: 1})
	require.NoError(t, err)
	require.Equal(t, 1, last.Config().History.Last)
	require.NotEqual(t, m.Version(), last.Version())
	require.Equal(t, &m.Vectors().Data[0], &last.Vectors().Data[0])
	_, want := retrieve(t, m, request(20), 40)
	_, got := retrieve(t, last, request(10, 20), 40)
	require.Equal(t, want, got)
	_, err = m.WithHistory(retrieval.History{Last: -1})
	require.ErrorContains(t, err, "Last is -1")
}

var errDisk = errors.New("the disk is full")

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errDisk }

// file is a model's file of parts that need not fit together, its checks intact.
func file(config string, dim uint32, users []recsys.UserID, items []recsys.ItemID, userVectors, itemVectors []float32) []byte {
	var b bytes.Buffer
	w := envelope.NewWriter(&b, "als", 1, 0)
	w.WriteJSON("config", raw(config))
	envelope.WriteValue(w, "dimension", dim)
	envelope.Write(w, "users", users)
	envelope.Write(w, "items", items)
	envelope.Write(w, "user-vectors", userVectors)
	envelope.Write(w, "item-vectors", itemVectors)
	w.Close()
	return b.Bytes()
}

type raw string

func (r raw) MarshalJSON() ([]byte, error) { return []byte(r), nil }

const plainConfig = `{"Config":{"Factors":2,"Regularization":0.003,"Exponent":1,"Unobserved":0.1,"Epochs":16,"Solver":"exact","Steps":3,"Block":64,"History":{},"Seed":0}}`

func TestReadFromRefusesWhatIsNoModel(t *testing.T) {
	users, items, four := []recsys.UserID{1, 2}, []recsys.ItemID{1, 2}, []float32{1, 2, 3, 4}
	good := file(plainConfig, 2, users, items, four, four)
	m := new(als.Model)
	n, err := m.ReadFrom(bytes.NewReader(good))
	require.NoError(t, err)
	require.EqualValues(t, len(good), n)
	before := m.Version()
	inf := float32(math.Inf(1))
	for want, data := range map[string][]byte{
		"without its defaults": file(`{"Config":{"Factors":2,"Regularization":0.003,"Exponent":1,"Unobserved":0.1,"Epochs":16,"Solver":"exact","History":{},"Seed":0}}`, 2, users, items, four, four),
		"Factors is 1000000":   file(`{"Config":{"Factors":1000000}}`, 2, users, items, four, four),
		"unknown solver":       file(`{"Config":{"Solver":"magic"}}`, 2, users, items, four, four),
		"want 2":               file(plainConfig, 1, users, items, four[:2], four[:2]),
		"more":                 file(`{"more":1}`, 2, users, items, four, four),
		"component":            file(plainConfig, 2, users, items, four, []float32{1, 2, 3, inf}),
		"ascending":            file(plainConfig, 2, users, []recsys.ItemID{2, 2}, four, four),
	} {
		_, err := m.ReadFrom(bytes.NewReader(data))
		require.ErrorIs(t, err, envelope.ErrCorrupt, want)
		require.ErrorContains(t, err, want)
	}
	for n := range good {
		_, err := m.ReadFrom(bytes.NewReader(good[:n]))
		require.ErrorIs(t, err, envelope.ErrTruncated)
	}
	require.Equal(t, before, m.Version(), "after an error the model is as it was")
	_, err = als.Load(filepath.Join(t.TempDir(), "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = m.WriteTo(failing{})
	require.ErrorIs(t, err, errDisk)
}

// A model that is trained on day after day has more epochs than one training may have.
func TestEpochsOfManyTrainingsAreRead(t *testing.T) {
	users, items, four := []recsys.UserID{1, 2}, []recsys.ItemID{1, 2}, []float32{1, 2, 3, 4}
	m := new(als.Model)
	config := strings.Replace(plainConfig, `"Epochs":16`, `"Epochs":100001`, 1)
	_, err := m.ReadFrom(bytes.NewReader(file(config, 2, users, items, four, four)))
	require.NoError(t, err)
	require.Equal(t, 100_001, m.Config().Epochs)
	in := random(t, 8, 6, 5, 20, false)
	more := train(t, in, als.Config{Factors: 2, Epochs: 1, Start: m})
	path := t.TempDir() + "/model"
	require.NoError(t, more.Save(path))
	again, err := als.Load(path)
	require.NoError(t, err)
	require.Equal(t, 100_002, again.Config().Epochs)
	require.Equal(t, more.Version(), again.Version())
}

func FuzzReadFrom(f *testing.F) {
	four := []float32{1, 2, 3, 4}
	f.Add(file(plainConfig, 2, []recsys.UserID{1, 2}, []recsys.ItemID{1, 2}, four, four))
	var b bytes.Buffer
	_, err := train(f, random(f, 8, 6, 5, 20, false), als.Config{Factors: 3, Alpha: 2, Epochs: 1, Solver: als.Blocks}).WriteTo(&b)
	require.NoError(f, err)
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		var m als.Model
		if _, err := m.ReadFrom(bytes.NewReader(data)); err != nil {
			return
		}
		if q := recsys.NewQuery(request(1, 2, 10), nil, "x"); m.Validate() == nil {
			_ = m.Retrieve(t.Context(), q, recsys.NewSink(5)) // may say that the numbers are too large
			_, _ = m.Explain(nil, q, 1)
		}
		var first, second bytes.Buffer
		_, err := m.WriteTo(&first)
		require.NoError(t, err)
		var again als.Model
		_, err = again.ReadFrom(bytes.NewReader(first.Bytes()))
		require.NoError(t, err)
		again.WriteTo(&second)
		require.Equal(t, first.Bytes(), second.Bytes())
	})
}
