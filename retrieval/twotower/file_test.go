package twotower_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/retrieval/twotower"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// described returns a model with features of all kinds, interrupted if epochs is below 3.
func described(t testing.TB, epochs int, cfg twotower.Config) *twotower.Model {
	t.Helper()
	in := groups(t, 12, 15, 200)
	cfg = small(cfg)
	cfg.Dim, cfg.Epochs, cfg.CategoryBuckets, cfg.CategoryDim = 4, 3, 20, 2
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cfg.Progress = func(p twotower.Progress) {
		if p.Epoch == epochs && epochs < 3 {
			cancel()
		}
	}
	m, err := twotower.TrainInput(ctx, twotower.Input{
		Interactions: in,
		Users:        &twotower.Features[recsys.UserID]{Keys: []recsys.UserID{101, 105}, Columns: []twotower.Column{{Name: "age", Floats: []float32{20, 30}}, {Name: "home", Categories: []uint64{7, 8}}}},
		Items:        &twotower.Features[recsys.ItemID]{Keys: []recsys.ItemID{1, 99}, Columns: []twotower.Column{{Name: "text", Vectors: vector.From([]float32{1, 2, 3, 4}, 2)}}},
	}, cfg)
	if epochs < 3 {
		require.ErrorIs(t, err, context.Canceled)
	} else {
		require.NoError(t, err)
	}
	return m
}

func write(t testing.TB, m *twotower.Model) []byte {
	t.Helper()
	var b bytes.Buffer
	n, err := m.WriteTo(&b)
	require.NoError(t, err)
	require.EqualValues(t, b.Len(), n)
	return b.Bytes()
}

var configs = map[string]twotower.Config{
	"plain":     {},
	"layers":    {Hidden: []int{6, 5}, Pooling: twotower.Attention},
	"hashed":    {UserBuckets: 7, ItemBuckets: 6, Untied: true, Optimizer: twotower.AdaGrad},
	"anonymous": {Anonymous: true, Dot: true, HardNegatives: 3},
}

func TestFileRoundTrip(t *testing.T) {
	for name, cfg := range configs {
		for _, epochs := range []int{2, 3} {
			t.Run(name, func(t *testing.T) {
				m := described(t, epochs, cfg)
				require.Equal(t, epochs < 3, m.Interrupted())
				path := filepath.Join(t.TempDir(), "model")
				require.NoError(t, m.Save(path))
				back, err := twotower.Load(path)
				require.NoError(t, err)
				require.Equal(t, m.Config(), back.Config())
				require.Equal(t, m.Items(), back.Items())
				require.Equal(t, m.Vectors(), back.Vectors())
				require.Equal(t, m.Epochs(), back.Epochs())
				require.Equal(t, m.Interrupted(), back.Interrupted())
				require.Equal(t, m.Version(), back.Version())
				require.Equal(t, write(t, m), write(t, back))
				for _, req := range []recsys.Request{
					{User: 101}, {User: 105, History: []recsys.Event{{Item: 2}, {Item: 3}, {Item: 99}}}, {User: 1, Items: []recsys.ItemID{4}},
				} {
					q := recsys.NewQuery(&req, nil, "test")
					a, err := m.UserVector(nil, q)
					require.NoError(t, err)
					b, err := back.UserVector(nil, q)
					require.NoError(t, err)
					require.Equal(t, a, b)
				}
				_, err = twotower.Load(path + ".none")
				require.ErrorIs(t, err, os.ErrNotExist)
				_, err = m.WriteTo(failing{})
				require.ErrorIs(t, err, errDisk)
			})
		}
	}
}

var errDisk = errors.New("the disk is full")

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errDisk }

var update = flag.Bool("update", false, "write the file of the current version to testdata")

// A file of version 1 stays readable. Written with: go test -run Version1 -update
func TestVersion1StaysReadable(t *testing.T) {
	const path = "testdata/v1.twotower"
	if *update {
		require.NoError(t, described(t, 3, twotower.Config{Hidden: []int{3}, Pooling: twotower.Attention}).Save(path))
	}
	m, err := twotower.Load(path)
	require.NoError(t, err)
	require.Len(t, m.Items(), 16)
	require.Equal(t, 3, m.Epochs())
	v, err := m.UserVector(nil, recsys.NewQuery(&recsys.Request{User: 105, History: []recsys.Event{{Item: 2}, {Item: 3}}}, nil, "test"))
	require.NoError(t, err)
	require.InDelta(t, 1, vector.Dot(v, v), 1e-5)
	if *update {
		t.Log(v)
	}
	require.InDeltaSlice(t, recorded, v, 1e-4)
}

// recorded is what the model gave when the file was written.
var recorded = []float32{-0.45205724, 0.76993364, -0.44246006, 0.08411619}

func TestReadFromRefusesWhatIsNoModel(t *testing.T) {
	good := write(t, described(t, 2, twotower.Config{Hidden: []int{3}}))
	m := new(twotower.Model)
	n, err := m.ReadFrom(bytes.NewReader(good))
	require.NoError(t, err)
	require.EqualValues(t, len(good), n)
	before := m.Version()
	for n := 0; n < len(good); n += 7 {
		_, err := m.ReadFrom(bytes.NewReader(good[:n]))
		require.ErrorIs(t, err, envelope.ErrTruncated)
	}
	for n := 64; n < len(good); n += 61 {
		bad := bytes.Clone(good)
		bad[n] ^= 1
		_, err := m.ReadFrom(bytes.NewReader(bad))
		require.Error(t, err)
	}
	require.Equal(t, before, m.Version(), "after an error the model is as it was")
	for name, header := range map[string]string{
		"no defaults":    `{"Config":{},"Epochs":1}`,
		"bad width":      `{"Config":{"Dim":4,"Hidden":[-1],"Temperature":1,"Last":5,"CategoryBuckets":5,"CategoryDim":2,"Rate":1,"Epochs":1,"Batch":1},"Epochs":1}`,
		"bad epochs":     `{"Config":{"Dim":4,"Temperature":1,"Last":5,"CategoryBuckets":5,"CategoryDim":2,"Rate":1,"Epochs":1,"Batch":1},"Epochs":-1}`,
		"bad feature":    `{"Config":{"Dim":4,"Temperature":1,"Last":5,"CategoryBuckets":5,"CategoryDim":2,"Rate":1,"Epochs":1,"Batch":1},"UserFeatures":[{"Name":"a","Kind":2,"Dim":0}]}`,
		"huge feature":   `{"Config":{"Dim":4,"Temperature":1,"Last":5,"CategoryBuckets":5,"CategoryDim":2,"Rate":1,"Epochs":1,"Batch":1},"UserFeatures":[{"Name":"a","Kind":2,"Dim":1000000000}]}`,
		"unknown member": `{"Config":{"Dim":4,"Temperature":1,"Last":5,"CategoryBuckets":5,"CategoryDim":2,"Rate":1,"Epochs":1,"Batch":1},"Else":1}`,
	} {
		var b bytes.Buffer
		w := envelope.NewWriter(&b, "twotower", 1, 0)
		w.WriteJSON("model", raw(header))
		envelope.Write(w, "users", []uint64{})
		envelope.Write(w, "items", []uint64{})
		_, err := w.Close()
		require.NoError(t, err)
		_, err = m.ReadFrom(&b)
		require.ErrorIs(t, err, envelope.ErrCorrupt, name)
	}
}

type raw string

func (r raw) MarshalJSON() ([]byte, error) { return []byte(r), nil }

func FuzzReadFrom(f *testing.F) {
	for _, cfg := range configs {
		f.Add(write(f, described(f, 2, cfg)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var m twotower.Model
		if _, err := m.ReadFrom(bytes.NewReader(data)); err != nil {
			return
		}
		q := recsys.NewQuery(&recsys.Request{User: 101, History: []recsys.Event{{Item: 1}, {Item: 2}}}, nil, "test")
		_ = m.Retrieve(t.Context(), q, recsys.NewSink(5))
		var again twotower.Model
		_, err := again.ReadFrom(bytes.NewReader(write(t, &m)))
		require.NoError(t, err)
		require.Equal(t, m.Vectors(), again.Vectors())
	})
}

// The dimension of a vector does not multiply with that of categories.
func TestWideFeaturesAreReadBack(t *testing.T) {
	v := vector.NewMatrix(2, 1100)
	v.Row(0)[0], v.Row(1)[1] = 1, 1
	items := &twotower.Features[recsys.ItemID]{Keys: []recsys.ItemID{1, 2}, Columns: []twotower.Column{{Name: "text", Vectors: v}}}
	m, err := twotower.TrainInput(context.Background(), twotower.Input{Interactions: groups(t, 10, 10, 90), Items: items}, small(twotower.Config{CategoryDim: 1024, Epochs: 1}))
	require.NoError(t, err)
	again := new(twotower.Model)
	_, err = again.ReadFrom(bytes.NewReader(write(t, m)))
	require.NoError(t, err)
	require.Equal(t, m.Vectors(), again.Vectors())
}
