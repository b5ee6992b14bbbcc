package bpr_test

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/retrieval/bpr"
)

// trip writes a model to a file and reads it back.
func trip(t *testing.T, m *bpr.Model) *bpr.Model {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model")
	require.NoError(t, m.Save(path))
	back, err := bpr.Load(path)
	require.NoError(t, err)
	return back
}

func TestFileRoundTrip(t *testing.T) {
	in := groups(t, 20, 50, 300)
	for _, cfg := range []bpr.Config{{}, {Loss: bpr.WARP, Biases: true}, {Loss: bpr.Logistic, Hogwild: true, Regularization: -1}} {
		cfg.Factors, cfg.Epochs, cfg.MaxBytes = 5, 2, 1<<30
		m := train(t, in, cfg)
		back := trip(t, m)
		require.Equal(t, m.Version(), back.Version())
		require.Equal(t, m.Config(), back.Config())
		require.Equal(t, m.Users(), back.Users())
		require.Equal(t, m.Items(), back.Items())
		require.Equal(t, m.Vectors(), back.Vectors())
		require.Equal(t, m.UserVectors(), back.UserVectors())
		q := recsys.NewQuery(&recsys.Request{History: in.History(3)}, nil, "x")
		want, _ := m.UserVector(nil, q)
		got, _ := back.UserVector(nil, q)
		require.Equal(t, want, got)
	}
	_, err := bpr.Load(filepath.Join(t.TempDir(), "none"))
	require.Error(t, err)
}

type sections struct {
	config               bpr.Config
	epochs, dim          uint32
	repeats              []uint16
	users                []recsys.UserID
	items                []recsys.ItemID
	userVectors, vectors []float32
	state                [5][]float32
}

func good() sections {
	return sections{
		config: bpr.Config{
			Loss: bpr.BPR, Factors: 2, Epochs: 9, LearningRate: 0.1, Regularization: 0.01, BiasRegularization: -1, Negatives: 1, Confidence: 1, Biases: true,
		},
		epochs: 4, dim: 3, repeats: []uint16{1, 2},
		users: []recsys.UserID{1}, items: []recsys.ItemID{5, 6},
		userVectors: []float32{1, 2, 1}, vectors: make([]float32, 6),
		state: [5][]float32{nil, {1}, {1, 2}, {3, 4}, nil},
	}
}

func (s sections) bytes() []byte {
	var b bytes.Buffer
	w := envelope.NewWriter(&b, "bpr", 1, 0)
	w.WriteJSON("config", s.config)
	envelope.WriteValue(w, "epochs", s.epochs)
	envelope.Write(w, "repeats", s.repeats)
	envelope.WriteValue(w, "dimension", s.dim)
	envelope.Write(w, "users", s.users)
	envelope.Write(w, "items", s.items)
	envelope.Write(w, "user-vectors", s.userVectors)
	envelope.Write(w, "item-vectors", s.vectors)
	for k, name := range []string{"user-biases", "user-squares", "item-squares", "bias-squares", "user-bias-squares"} {
		envelope.Write(w, name, s.state[k])
	}
	w.Close()
	return b.Bytes()
}

func TestReadFromRefusesWhatIsNoModel(t *testing.T) {
	var m bpr.Model
	data := good().bytes()
	n, err := m.ReadFrom(bytes.NewReader(data))
	require.NoError(t, err)
	require.EqualValues(t, len(data), n)
	before := m.Version()
	for want, change := range map[string]func(s *sections){
		"without its defaults":   func(s *sections) { s.config.LearningRate = 0 },
		"Factors is 4000000":     func(s *sections) { s.config.Factors = 4_000_000 },
		"vectors of 3 component": func(s *sections) { s.config.Biases = false },
		"10 epochs of 9":         func(s *sections) { s.epochs = 10 },
		"0 values of 1 users":    func(s *sections) { s.config.Loss, s.config.Negatives = bpr.Logistic, 5 },
		"1 values of 2 users":    func(s *sections) { s.state[2] = s.state[2][1:] },
		"a state of -1":          func(s *sections) { s.state[1][0] = -1 },
		"1 repeats of 2 items":   func(s *sections) { s.repeats = s.repeats[1:] },
		"item 6 is never drawn":  func(s *sections) { s.repeats[1] = 0 },
		"65536 repeats of 2":     func(s *sections) { s.repeats[1] = 65535 },
		"ascending":              func(s *sections) { s.items[1] = 5 },
		"is not a number":        func(s *sections) { s.vectors[2] = 1e30 },
	} {
		s := good()
		change(&s)
		_, err := m.ReadFrom(bytes.NewReader(s.bytes()))
		require.ErrorIs(t, err, envelope.ErrCorrupt, want)
		require.ErrorContains(t, err, want)
	}
	for n := range data {
		_, err := m.ReadFrom(bytes.NewReader(data[:n]))
		require.ErrorIs(t, err, envelope.ErrTruncated)
	}
	require.Equal(t, before, m.Version(), "after an error the model is as it was")
}

func FuzzReadFrom(f *testing.F) {
	f.Add(good().bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		var m bpr.Model
		if _, err := m.ReadFrom(bytes.NewReader(data)); err != nil {
			return
		}
		req := recsys.Request{User: 1, History: []recsys.Event{{Item: 5}}}
		require.NoError(t, m.Retrieve(t.Context(), recsys.NewQuery(&req, nil, "x"), recsys.NewSink(3)))
		var b bytes.Buffer
		_, err := m.WriteTo(&b)
		require.NoError(t, err)
		var again bpr.Model
		_, err = again.ReadFrom(&b)
		require.NoError(t, err)
		require.Equal(t, m.Vectors(), again.Vectors())
	})
}
