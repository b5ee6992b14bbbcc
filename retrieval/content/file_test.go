package content_test

import (
	"bytes"
	"math"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/retrieval/content"
)

func models(t testing.TB) []*content.Model {
	ids, items := shop(1, 12)
	cfg := fields
	cfg.Dim = 16
	m := train(t, ids, items, cfg)
	mapped, err := m.Onto(t.Context(), ids[:8], factors(ids[:8]), 1)
	require.NoError(t, err)
	return []*content.Model{m, mapped, train(t, nil, nil, cfg)}
}

func TestFileRoundTrip(t *testing.T) {
	_, items := shop(2, 5)
	for _, m := range models(t) {
		path := filepath.Join(t.TempDir(), "model")
		require.NoError(t, m.Save(path))
		back, err := content.Load(path)
		require.NoError(t, err)
		require.Equal(t, m.Version(), back.Version())
		require.Equal(t, m.Config(), back.Config())
		require.Equal(t, m.Dim(), back.Dim())
		require.Equal(t, m.Vectors(), back.Vectors())
		for i := range items {
			want, err := m.Embed(nil, &items[i])
			require.NoError(t, err)
			got, err := back.Embed(nil, &items[i])
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
	}
	_, err := content.Load(filepath.Join(t.TempDir(), "none"))
	require.Error(t, err)
}

type sections struct {
	config                              content.Config
	items, terms                        []recsys.ItemID
	rarity, knots, shift, onto, vectors []float32
	unknown                             float32
}

func (s sections) bytes() []byte {
	var b bytes.Buffer
	w := envelope.NewWriter(&b, "content", 1, 0)
	w.WriteJSON("config", s.config)
	envelope.Write(w, "items", s.items)
	envelope.Write(w, "terms", s.terms)
	envelope.Write(w, "rarity", s.rarity)
	envelope.WriteValue(w, "unknown", s.unknown)
	envelope.Write(w, "knots", s.knots)
	envelope.Write(w, "shift", s.shift)
	envelope.Write(w, "onto", s.onto)
	envelope.Write(w, "vectors", s.vectors)
	w.Close()
	return b.Bytes()
}

func good() sections {
	return sections{
		config:  content.Config{Bags: []content.Field{{Name: "a", Weight: 1}}, Numbers: []content.Field{{Name: "b", Weight: 2}}, Dim: 16},
		items:   []recsys.ItemID{3, 4},
		terms:   []recsys.ItemID{1, 9},
		rarity:  []float32{1, 2},
		unknown: 3,
		knots:   []float32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
		vectors: make([]float32, 32),
	}
}

func TestReadFromRefusesWhatIsNoModel(t *testing.T) {
	var m content.Model
	data := good().bytes()
	_, err := m.ReadFrom(bytes.NewReader(data))
	require.NoError(t, err)
	before := m.Version()
	for want, change := range map[string]func(s *sections){
		"without its defaults":     func(s *sections) { s.config.Bags[0].Weight = 0 },
		"Dim is 5":                 func(s *sections) { s.config.Dim = 5 },
		"1 weights of 2 terms":     func(s *sections) { s.rarity = s.rarity[1:] },
		"terms out of order":       func(s *sections) { s.terms = []recsys.ItemID{9, 9} },
		"16 quantiles of 1":        func(s *sections) { s.knots = s.knots[1:] },
		"quantile 0 follows 1":     func(s *sections) { s.knots[0], s.knots[1] = 1, 0 },
		"item 3 follows item 3":    func(s *sections) { s.items[1] = 3 },
		"31 components":            func(s *sections) { s.vectors = s.vectors[1:] },
		"a map of 3 values onto 1": func(s *sections) { s.shift, s.onto = make([]float32, 1), make([]float32, 3) },
		"not finite":               func(s *sections) { s.vectors[3] = float32(math.Inf(1)) },
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
	for _, m := range models(f) {
		var b bytes.Buffer
		_, err := m.WriteTo(&b)
		require.NoError(f, err)
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var m content.Model
		if _, err := m.ReadFrom(bytes.NewReader(data)); err != nil {
			return
		}
		cfg := m.Config()
		it := content.Item{Bags: make([][]uint64, len(cfg.Bags)), Numbers: make([]float32, len(cfg.Numbers))}
		for f := range it.Bags {
			it.Bags[f] = []uint64{1, 2, 1}
		}
		_, err := m.Embed(nil, &it)
		require.NoError(t, err)
		var b bytes.Buffer
		_, err = m.WriteTo(&b)
		require.NoError(t, err)
		var again content.Model
		_, err = again.ReadFrom(&b)
		require.NoError(t, err)
		require.Equal(t, m.Vectors(), again.Vectors())
	})
}
