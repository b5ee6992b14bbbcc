package itemknn_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"math"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/itemknn"
)

func TestFileRoundTrip(t *testing.T) {
	in := random(t, 8, 100, 60, 2000)
	for _, cfg := range []itemknn.Config{
		{},
		{Weighting: itemknn.BM25, Neighbors: 5, Keep: itemknn.PerSource, Asymmetry: -0.25, History: retrieval.History{
			Last: 5, Decay: 0.9, HalfLife: time.Hour, Kinds: map[recsys.EventKind]float64{recsys.Purchase: 2, 77: 0.5}, Values: true, PreferAnchors: true,
		}},
		{Raw: true, Weighting: itemknn.Cosine},
	} {
		m := train(t, in, cfg)
		path := filepath.Join(t.TempDir(), "model")
		require.NoError(t, m.Save(path))
		back, err := itemknn.Load(path)
		require.NoError(t, err)
		require.Equal(t, m.Config(), back.Config())
		require.Equal(t, m.Version(), back.Version())
		require.Equal(t, m.NumItems(), back.NumItems())
		req := recsys.Request{History: []recsys.Event{{Item: 10, Kind: recsys.Purchase, Value: 3}, {Item: 40}}}
		want, got := recsys.NewSink(100), recsys.NewSink(100)
		require.NoError(t, m.Retrieve(t.Context(), recsys.NewQuery(&req, nil, "x"), want))
		require.NoError(t, back.Retrieve(t.Context(), recsys.NewQuery(&req, nil, "x"), got))
		require.Equal(t, want, got)
	}
}

var update = flag.Bool("update", false, "write the file of the current version to testdata")

// A file of version 1 stays readable. Written with: go test -run Version1 -update
func TestVersion1StaysReadable(t *testing.T) {
	const path = "testdata/v1.itemknn"
	m := train(t, random(t, 8, 20, 10, 100), itemknn.Config{
		Weighting: itemknn.BM25, Neighbors: 5, History: retrieval.History{Last: 9, Kinds: map[recsys.EventKind]float64{recsys.Save: 2}},
	})
	if *update {
		require.NoError(t, m.Save(path))
	}
	old, err := itemknn.Load(path)
	require.NoError(t, err)
	require.Equal(t, 10, old.NumItems())
	require.Equal(t, 9, old.Config().History.Last)
	require.Equal(t, "3c5b50248e7c8c39", old.Version(), "written again, it has the same bytes")
	require.InDelta(t, similarity(t, m, 5, 10), similarity(t, old, 5, 10), 1e-6)
	require.NotZero(t, similarity(t, old, 5, 10))
}

func TestReadFromRefusesWhatIsNoModel(t *testing.T) {
	m := train(t, random(t, 8, 20, 10, 100), itemknn.Config{Weighting: itemknn.BM25})
	version := m.Version()
	var file bytes.Buffer
	_, err := m.WriteTo(&file)
	require.NoError(t, err)
	good := file.Bytes()
	damaged := bytes.Clone(good)
	damaged[len(damaged)/2] ^= 1
	newer := bytes.Clone(good)
	binary.LittleEndian.PutUint32(newer[12:], 99)
	var popular bytes.Buffer
	p, err := retrieval.NewPopular(baskets(t), retrieval.PopularConfig{})
	require.NoError(t, err)
	p.WriteTo(&popular)
	for want, data := range map[error][]byte{
		envelope.ErrTruncated: good[:len(good)-70],
		envelope.ErrCorrupt:   damaged,
		envelope.ErrKind:      popular.Bytes(),
	} {
		_, err := m.ReadFrom(bytes.NewReader(data))
		require.ErrorIs(t, err, want)
		require.ErrorContains(t, err, "itemknn: ")
	}
	_, err = m.ReadFrom(bytes.NewReader(newer))
	require.Error(t, err)
	require.Equal(t, version, m.Version(), "after an error the model is as it was")
	_, err = itemknn.Load(filepath.Join(t.TempDir(), "none"))
	require.Error(t, err)
	require.Error(t, m.Save(filepath.Join(t.TempDir(), "no", "such", "folder")))
	failing := errors.New("the disk is full")
	_, err = m.WriteTo(writer(func([]byte) (int, error) { return 0, failing }))
	require.ErrorIs(t, err, failing)
}

type writer func([]byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }

// written is a file of parts that need not fit together, its checks intact.
func written(config string, items []recsys.ItemID, length []float32, start []int64, index []int32, weight []float32) []byte {
	var b bytes.Buffer
	w := envelope.NewWriter(&b, "itemknn", 1, 0)
	w.WriteJSON("config", rawJSON(config))
	envelope.Write(w, "items", items)
	envelope.Write(w, "length", length)
	envelope.Write(w, "start", start)
	envelope.Write(w, "index", index)
	envelope.Write(w, "weight", weight)
	w.Close()
	return b.Bytes()
}

type rawJSON string

func (r rawJSON) MarshalJSON() ([]byte, error) { return []byte(r), nil }

func TestReadFromRefusesPartsThatContradictEachOther(t *testing.T) {
	two := []recsys.ItemID{1, 2}
	for want, data := range map[string][]byte{
		"Neighbors is -1":    written(`{"Neighbors":-1}`, two, nil, []int64{0, 0, 0}, nil, nil),
		"ascending":          written(`{}`, []recsys.ItemID{2, 1}, nil, []int64{0, 0, 0}, nil, nil),
		"3":                  written(`{}`, two, nil, []int64{0, 0}, nil, nil),
		"column 7 of 2":      written(`{}`, two, nil, []int64{0, 1, 1}, []int32{7}, []float32{1}),
		"0 lengths of 2":     written(`{"Weighting":"bm25"}`, two, nil, []int64{0, 0, 0}, nil, nil),
		"lengths without":    written(`{}`, two, []float32{1, 1}, []int64{0, 0, 0}, nil, nil),
		"length NaN of item": written(`{"Weighting":"bm25"}`, two, []float32{1, float32(math.NaN())}, []int64{0, 0, 0}, nil, nil),
		"unknown weighting":  written(`{"Weighting":"pmi"}`, two, nil, []int64{0, 0, 0}, nil, nil),
	} {
		_, err := new(itemknn.Model).ReadFrom(bytes.NewReader(data))
		require.ErrorIs(t, err, envelope.ErrCorrupt)
		require.ErrorContains(t, err, want)
	}
}

func FuzzReadFrom(f *testing.F) {
	for _, cfg := range []itemknn.Config{{}, {Weighting: itemknn.BM25, Keep: itemknn.PerSource, History: retrieval.History{Kinds: map[recsys.EventKind]float64{3: 1}}}} {
		for _, in := range []*retrieval.Interactions{baskets(f), random(f, 1, 5, 6, 20)} {
			var b bytes.Buffer
			_, err := train(f, in, cfg).WriteTo(&b)
			require.NoError(f, err)
			f.Add(b.Bytes())
		}
	}
	f.Add(written(`{"Raw":true}`, []recsys.ItemID{0, 1 << 60}, nil, []int64{0, 1, 1}, []int32{1}, []float32{-1}))
	f.Fuzz(func(t *testing.T, data []byte) {
		var m itemknn.Model
		if _, err := m.ReadFrom(bytes.NewReader(data)); err != nil {
			return
		}
		req := recsys.Request{History: []recsys.Event{{Item: 0}, {Item: 5}}}
		require.NoError(t, m.Retrieve(t.Context(), recsys.NewQuery(&req, nil, "x"), recsys.NewSink(5)))
		var first, second bytes.Buffer
		_, err := m.WriteTo(&first)
		require.NoError(t, err)
		var again itemknn.Model
		_, err = again.ReadFrom(bytes.NewReader(first.Bytes()))
		require.NoError(t, err)
		again.WriteTo(&second)
		require.Equal(t, first.Bytes(), second.Bytes())
	})
}
