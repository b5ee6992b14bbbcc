package puresvd_test

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/retrieval/puresvd"
)

func TestFileRoundTrip(t *testing.T) {
	in, _ := random(t, 8, 100, 60, 2000)
	m := train(t, in, puresvd.Config{Factors: 7, Normalize: 0.5, Seed: 3})
	path := filepath.Join(t.TempDir(), "model")
	require.NoError(t, m.Save(path))
	back, err := puresvd.Load(path)
	require.NoError(t, err)
	require.Equal(t, m.Config(), back.Config())
	require.Equal(t, m.Items(), back.Items())
	require.Equal(t, m.Vectors(), back.Vectors())
	require.Equal(t, m.Values(), back.Values())
	require.Equal(t, m.Version(), back.Version())
	_, err = puresvd.Load(path + ".none")
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = m.WriteTo(failing{})
	require.ErrorIs(t, err, errDisk)
}

var errDisk = errors.New("the disk is full")

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errDisk }

var update = flag.Bool("update", false, "write the file of the current version to testdata")

// A file of version 1 stays readable. Written with: go test -run Version1 -update
func TestVersion1StaysReadable(t *testing.T) {
	const path = "testdata/v1.puresvd"
	in, _ := random(t, 8, 20, 10, 100)
	m := train(t, in, puresvd.Config{Factors: 3, Normalize: 0.25, Iterations: 20})
	if *update {
		require.NoError(t, m.Save(path))
	}
	old, err := puresvd.Load(path)
	require.NoError(t, err)
	require.Len(t, old.Items(), 10)
	require.InDelta(t, projection(m, 2, 3), projection(old, 2, 3), 1e-4)
	require.NotZero(t, projection(old, 2, 3))
	require.Equal(t, m.Version(), old.Version(), "the model has the same bits on every machine")
}

func file(config string, items []recsys.ItemID, values, vectors []float32) []byte {
	var b bytes.Buffer
	w := envelope.NewWriter(&b, "puresvd", 1, 0)
	w.WriteJSON("config", raw(config))
	envelope.Write(w, "items", items)
	envelope.Write(w, "values", values)
	envelope.Write(w, "vectors", vectors)
	w.Close()
	return b.Bytes()
}

type raw string

func (r raw) MarshalJSON() ([]byte, error) { return []byte(r), nil }

func TestReadFromRefusesWhatIsNoModel(t *testing.T) {
	const config = `{"Factors":2,"Normalize":0,"Iterations":8,"Oversampling":16,"Seed":0}`
	two, pair := []recsys.ItemID{1, 2}, []float32{1, 2}
	good := file(config, two, pair, make([]float32, 4))
	m := new(puresvd.Model)
	n, err := m.ReadFrom(bytes.NewReader(good))
	require.NoError(t, err)
	require.EqualValues(t, len(good), n)
	before := m.Version()
	zero := float32(0)
	for name, data := range map[string][]byte{
		"no factors":    file(`{}`, two, nil, nil),
		"huge factors":  file(`{"Factors":4000000000}`, two, pair, make([]float32, 4)),
		"few values":    file(config, two, pair[:1], make([]float32, 4)),
		"few vectors":   file(config, two, pair, make([]float32, 3)),
		"many vectors":  file(config, two, pair, make([]float32, 6)),
		"not finite":    file(config, two, pair, []float32{1, 2, 3, 1 / zero}),
		"order":         file(config, []recsys.ItemID{2, 1}, pair, make([]float32, 4)),
		"doubled items": file(config, []recsys.ItemID{1, 1}, pair, make([]float32, 4)),
		"unknown field": file(`{"Factors":2,"Iterations":8,"Oversampling":16,"More":1}`, two, pair, make([]float32, 4)),
	} {
		_, err := m.ReadFrom(bytes.NewReader(data))
		require.ErrorIs(t, err, envelope.ErrCorrupt, name)
	}
	for n := range good {
		_, err := m.ReadFrom(bytes.NewReader(good[:n]))
		require.ErrorIs(t, err, envelope.ErrTruncated)
	}
	require.Equal(t, before, m.Version(), "after an error the model is as it was")
}

func FuzzReadFrom(f *testing.F) {
	f.Add(file(`{"Factors":2,"Normalize":0,"Iterations":8,"Oversampling":16,"Seed":0}`, []recsys.ItemID{1, 2}, []float32{1, 2}, make([]float32, 4)))
	f.Fuzz(func(t *testing.T, data []byte) {
		var m puresvd.Model
		if _, err := m.ReadFrom(bytes.NewReader(data)); err != nil {
			return
		}
		var b bytes.Buffer
		_, err := m.WriteTo(&b)
		require.NoError(t, err)
		var again puresvd.Model
		_, err = again.ReadFrom(&b)
		require.NoError(t, err)
		require.Equal(t, m.Vectors(), again.Vectors())
	})
}

var _ io.ReaderFrom = (*puresvd.Model)(nil)
