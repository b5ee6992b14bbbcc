package sasrec_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/sasrec"
)

func TestFileRoundTrip(t *testing.T) {
	m := train(t, walks(t, 60, 12, 1), sasrec.Config{Architecture: small, Epochs: 2, History: retrieval.History{Kinds: map[recsys.EventKind]float64{recsys.Click: 2}}})
	path := filepath.Join(t.TempDir(), "model")
	require.NoError(t, m.Save(path))
	back, err := sasrec.Load(path)
	require.NoError(t, err)
	require.Equal(t, m.Config(), back.Config())
	require.Equal(t, m.Training(), back.Training())
	require.Equal(t, m.Items(), back.Items())
	require.Equal(t, m.Vectors(), back.Vectors())
	require.Equal(t, m.Version(), back.Version())
	req := recsys.Request{History: events(10, 20, 30)}
	ids, scores := propose(t, m, req, 12)
	sameIDs, sameScores := propose(t, back, req, 12)
	require.Equal(t, ids, sameIDs)
	require.Equal(t, scores, sameScores)
	_, err = sasrec.Load(path + ".none")
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
	const path = "testdata/v1.sasrec"
	if *update {
		a := sasrec.Architecture{Dim: 4, Heads: 2, Layers: 1, Hidden: 4, Length: 4, Norm: sasrec.PostNorm, Activation: sasrec.ReLU, InputNorm: true, Scaled: true}
		require.NoError(t, train(t, walks(t, 60, 8, 1), sasrec.Config{Architecture: a, Negatives: 5, Epochs: 60, LearningRate: 0.03, Dropout: -1, Share: -1}).Save(path))
	}
	old, err := sasrec.Load(path)
	require.NoError(t, err)
	require.Len(t, old.Items(), 8)
	require.Equal(t, sasrec.PostNorm, old.Config().Norm)
	ids, scores := propose(t, old, recsys.Request{History: events(10, 20)}, 3)
	require.Equal(t, []recsys.ItemID{30, 40, 20}, ids)
	require.InDeltaSlice(t, []float32{2.7544506, 1.9362636, 1.360753}, scores, 1e-4)
}

const tiny = `{"Dim":2,"Heads":1,"Layers":1,"Hidden":1,"Length":3,"Norm":"pre","Activation":"gelu","InputNorm":false,"Scaled":false,"Epsilon":1e-8,` +
	`"Loss":"softmax","Negatives":1,"Calibration":0.75,"Dropout":0.2,"Rate":0.001,"Batch":1,"Average":1,"Epochs":1,"Patience":1,"Holdout":"events","Share":0.1,` +
	`"Refit":false,"History":{},"Seed":0}`

// tinyWeights is how many weights such a network has: positions, two norms, queries, keys and
// values, output, the two layers of the feed-forward network, and the last norm.
const tinyWeights = 3*2 + 2*4 + (2*2 + 2) + (2*4 + 4) + (2*2 + 2) + (2*1 + 1) + (1*2 + 2) + 4

func file(config string, items []recsys.ItemID, vectors, weights []float32) []byte {
	var b bytes.Buffer
	w := envelope.NewWriter(&b, "sasrec", 1, 0)
	w.WriteJSON("config", raw(config))
	w.WriteJSON("training", sasrec.Training{Epochs: 3, Loss: 1})
	envelope.Write(w, "items", items)
	envelope.Write(w, "vectors", vectors)
	envelope.Write(w, "weights", weights)
	w.Close()
	return b.Bytes()
}

type raw string

func (r raw) MarshalJSON() ([]byte, error) { return []byte(r), nil }

func TestReadFromRefusesWhatIsNoModel(t *testing.T) {
	two := []recsys.ItemID{1, 2}
	vectors, weights := make([]float32, 4), make([]float32, tinyWeights)
	good := file(tiny, two, vectors, weights)
	m := new(sasrec.Model)
	n, err := m.ReadFrom(bytes.NewReader(good))
	require.NoError(t, err)
	require.EqualValues(t, len(good), n)
	require.Equal(t, 3, m.Training().Epochs)
	before := m.Version()
	zero := float32(0)
	for name, data := range map[string][]byte{
		"no architecture": file(`{}`, two, vectors, weights),
		"huge":            file(strings.Replace(tiny, `"Dim":2`, `"Dim":4000000000`, 1), two, vectors, weights),
		"heads":           file(strings.Replace(tiny, `"Heads":1`, `"Heads":3`, 1), two, vectors, weights),
		"norm":            file(strings.Replace(tiny, `"pre"`, `"none"`, 1), two, vectors, weights),
		"history":         file(strings.Replace(tiny, `"History":{}`, `"History":{"Last":-1}`, 1), two, vectors, weights),
		"few vectors":     file(tiny, two, vectors[:3], weights),
		"few items":       file(tiny, two[:1], vectors, weights),
		"few weights":     file(tiny, two, vectors, weights[1:]),
		"many weights":    file(tiny, two, vectors, make([]float32, tinyWeights+1)),
		"not finite":      file(tiny, two, []float32{1, 2, 3, 1 / zero}, weights),
		"order":           file(tiny, []recsys.ItemID{2, 1}, vectors, weights),
		"doubled items":   file(tiny, []recsys.ItemID{1, 1}, vectors, weights),
		"unknown field":   file(strings.Replace(tiny, `"Seed":0`, `"Seed":0,"More":1`, 1), two, vectors, weights),
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
	f.Add(file(tiny, []recsys.ItemID{1, 2}, make([]float32, 4), make([]float32, tinyWeights)))
	cosine := strings.Replace(tiny, `"Epsilon"`, `"Temperature":0.1,"Epsilon"`, 1)
	f.Add(file(cosine, []recsys.ItemID{1, 2}, []float32{1, 0, 0, 1}, make([]float32, tinyWeights)))
	f.Fuzz(func(t *testing.T, data []byte) {
		var m sasrec.Model
		if _, err := m.ReadFrom(bytes.NewReader(data)); err != nil {
			return
		}
		var b bytes.Buffer
		_, err := m.WriteTo(&b)
		require.NoError(t, err)
		var again sasrec.Model
		_, err = again.ReadFrom(&b)
		require.NoError(t, err)
		require.Equal(t, m.Vectors(), again.Vectors())
		propose(t, &again, recsys.Request{History: events(1, 2, 1, 2, 1)}, 3)
	})
}

// arrays is a checkpoint by name: a shape, and values that count up from seed.
type arrays map[string][]int

func checkpointArrays(items, dim, length, layers, hidden int) arrays {
	a := arrays{
		"item_embeddings.weight": {items + 2, dim}, "position_embeddings.weight": {length, dim},
		"LayerNorm.weight": {dim}, "LayerNorm.bias": {dim},
	}
	for k := range layers {
		p := fmt.Sprintf("item_encoder.layer.%d.", k)
		for _, name := range []string{"query", "key", "value", "dense"} {
			a[p+"attention."+name+".weight"], a[p+"attention."+name+".bias"] = []int{dim, dim}, []int{dim}
		}
		for _, name := range []string{"attention", "intermediate"} {
			a[p+name+".LayerNorm.weight"], a[p+name+".LayerNorm.bias"] = []int{dim}, []int{dim}
		}
		a[p+"intermediate.dense_1.weight"], a[p+"intermediate.dense_1.bias"] = []int{hidden, dim}, []int{hidden}
		a[p+"intermediate.dense_2.weight"], a[p+"intermediate.dense_2.bias"] = []int{dim, hidden}, []int{dim}
	}
	return a
}

// npz writes the arrays, value i of each being 0.01·(i mod 7), as a .npz archive.
func (a arrays) npz(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, shape := range a {
		w, err := z.Create(name + ".npy")
		require.NoError(t, err)
		text := strings.Trim(strings.ReplaceAll(fmt.Sprint(shape), " ", ","), "[]")
		header := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%s,), }\n", text)
		n := 1
		for _, d := range shape {
			n *= d
		}
		values := make([]float32, n)
		for i := range values {
			values[i] = 0.01 * float32(i%7)
		}
		_, err = fmt.Fprintf(w, "\x93NUMPY\x01\x00%s%s", binary.LittleEndian.AppendUint16(nil, uint16(len(header))), header)
		require.NoError(t, err)
		require.NoError(t, binary.Write(w, binary.LittleEndian, values))
	}
	require.NoError(t, z.Close())
	return b.Bytes()
}

func TestCheckpoints(t *testing.T) {
	load := func(a arrays, heads int) (*sasrec.Model, error) {
		path := filepath.Join(t.TempDir(), "w.npz")
		require.NoError(t, os.WriteFile(path, a.npz(t), 0o644))
		m, err := sasrec.LoadCheckpoint(path, heads)
		if err != nil {
			require.ErrorContains(t, err, path)
		}
		return m, err
	}
	m, err := load(checkpointArrays(5, 6, 4, 2, 9), 3)
	require.NoError(t, err)
	require.Equal(t, sasrec.Architecture{
		Dim: 6, Heads: 3, Layers: 2, Hidden: 9, Length: 4, Norm: sasrec.PostNorm, Activation: sasrec.GELU, InputNorm: true, Epsilon: 1e-12,
	}, m.Config().Architecture)
	require.Equal(t, []recsys.ItemID{1, 2, 3, 4, 5}, m.Items())
	require.Equal(t, []float32{0.01 * 6, 0, 0.01, 0.02, 0.03, 0.04}, m.Vectors().Row(0))
	ids, _ := propose(t, m, recsys.Request{History: events(1, 2)}, 9)
	require.Len(t, ids, 5)
	path := filepath.Join(t.TempDir(), "m")
	require.NoError(t, m.Save(path))
	back, err := sasrec.Load(path)
	require.NoError(t, err)
	require.Equal(t, m.Version(), back.Version())

	for want, change := range map[string]func(a arrays){
		`array "item_embeddings.weight" is missing`:                                                func(a arrays) { delete(a, "item_embeddings.weight") },
		`array "LayerNorm.bias" has the shape [7]; want [6]`:                                       func(a arrays) { a["LayerNorm.bias"] = []int{7} },
		`array "item_encoder.layer.1.attention.key.bias" is missing`:                               func(a arrays) { delete(a, "item_encoder.layer.1.attention.key.bias") },
		`array "item_encoder.layer.3.attention.key.bias" is none of the 2 layers'`:                 func(a arrays) { a["item_encoder.layer.3.attention.key.bias"] = []int{6} },
		`array "position_embeddings.weight" has rows of 5 values; want 6 as items have`:            func(a arrays) { a["position_embeddings.weight"] = []int{4, 5} },
		`array "item_embeddings.weight" has 1 rows`:                                                func(a arrays) { a["item_embeddings.weight"] = []int{1, 6} },
		`no dimensions, positions, layers or hidden units`:                                         func(a arrays) { a["position_embeddings.weight"] = []int{0, 6} },
		`array "item_encoder.layer.0.intermediate.dense_1.weight" has the shape [6 9]; want [9 6]`: func(a arrays) { a["item_encoder.layer.0.intermediate.dense_1.weight"] = []int{6, 9} },
		`values for a network of`:                                                                  func(a arrays) { a["item_encoder.layer.0.intermediate.dense_1.bias"] = []int{60000} },
	} {
		a := checkpointArrays(5, 6, 4, 2, 9)
		change(a)
		_, err := load(a, 2)
		require.ErrorContains(t, err, want)
	}
	_, err = load(checkpointArrays(100_000, 6, 4, 1, 9), 2)
	require.ErrorContains(t, err, "bytes are not enough", "no weights compress like that")
	_, err = load(checkpointArrays(5, 6, 4, 1, 9), 4)
	require.ErrorContains(t, err, "Heads is 4; want a divisor of Dim, which is 6")
	_, err = sasrec.LoadCheckpoint(filepath.Join(t.TempDir(), "none"), 2)
	require.ErrorIs(t, err, os.ErrNotExist)
}
