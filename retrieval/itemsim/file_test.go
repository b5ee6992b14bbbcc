package itemsim_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/itemsim"
)

// specs are the kinds of models that a file can hold.
func specs(n int) []itemsim.Spec {
	return []itemsim.Spec{
		{},
		{Trainer: "slim", Config: struct{ L1, L2 float64 }{0.5, 20}, Damping: itemsim.SquareRoot, History: retrieval.History{
			Last: 5, Decay: 0.9, HalfLife: time.Hour, Kinds: map[recsys.EventKind]float64{recsys.Purchase: 2, 77: 0.5}, Values: true, PreferAnchors: true,
		}},
		{Trainer: "a & <b>", Config: "& <>", Damping: itemsim.Saturating, Saturation: slices.Repeat([]float32{0.25}, n)},
	}
}

func TestFileRoundTrip(t *testing.T) {
	d := random(8, 60)
	for _, spec := range specs(60) {
		m := d.model(t, spec)
		path := filepath.Join(t.TempDir(), "model")
		require.NoError(t, m.Save(path))
		back, err := itemsim.Load(path)
		require.NoError(t, err)
		require.Equal(t, m.Trainer(), back.Trainer())
		require.Equal(t, m.Config(), back.Config())
		require.Equal(t, m.History(), back.History())
		require.Equal(t, m.Items(), back.Items())
		require.Equal(t, m.Weights(), back.Weights())
		require.Equal(t, m.Version(), back.Version())
		req := recsys.Request{History: []recsys.Event{{Item: 9, Kind: recsys.Purchase, Value: 3}, {Item: 30}}}
		require.Equal(t, scores(t, m, req), scores(t, back, req))
	}
}

var update = flag.Bool("update", false, "write the file of the current version to testdata")

// A file of version 1 stays readable. Written with: go test -run Version1 -update
func TestVersion1StaysReadable(t *testing.T) {
	const path = "testdata/v1.itemsim"
	m := random(8, 10).model(t, specs(10)[1])
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, m.Save(path))
	}
	old, err := itemsim.Load(path)
	require.NoError(t, err)
	require.Equal(t, m.Version(), old.Version(), "written again, it has the same bytes")
	require.Equal(t, m.Weights(), old.Weights())
	require.Equal(t, "slim", old.Trainer())
}

func TestReadFromRefusesWhatIsNoModel(t *testing.T) {
	m := random(8, 10).model(t, specs(10)[2])
	version := m.Version()
	var file bytes.Buffer
	_, err := m.WriteTo(&file)
	require.NoError(t, err)
	good := file.Bytes()
	damaged := bytes.Clone(good)
	damaged[len(damaged)/2] ^= 1
	newer := bytes.Clone(good)
	binary.LittleEndian.PutUint32(newer[12:], 99)
	var other bytes.Buffer
	_, err = envelope.NewWriter(&other, "als", 1, 0).Close()
	require.NoError(t, err)
	for want, data := range map[error][]byte{
		envelope.ErrTruncated: good[:len(good)-70],
		envelope.ErrCorrupt:   damaged,
		envelope.ErrKind:      other.Bytes(),
	} {
		_, err := m.ReadFrom(bytes.NewReader(data))
		require.ErrorIs(t, err, want)
		require.ErrorContains(t, err, "itemsim: ")
	}
	_, err = m.ReadFrom(bytes.NewReader(newer))
	require.Error(t, err)
	require.Equal(t, version, m.Version(), "after an error the model is as it was")
	_, err = itemsim.Load(filepath.Join(t.TempDir(), "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
	require.Error(t, m.Save(filepath.Join(t.TempDir(), "no", "such", "folder")))
	_, err = m.WriteTo(failing{})
	require.ErrorIs(t, err, errDisk)
}

var errDisk = errors.New("the disk is full")

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errDisk }

// written is a file of parts that need not fit together, its checks intact.
func written(header string, items []recsys.ItemID, saturation []float32, start []int64, index []int32, weight []float32) []byte {
	var b bytes.Buffer
	w := envelope.NewWriter(&b, "itemsim", 1, 0)
	w.WriteJSON("model", raw(header))
	envelope.Write(w, "items", items)
	envelope.Write(w, "saturation", saturation)
	envelope.Write(w, "start", start)
	envelope.Write(w, "index", index)
	envelope.Write(w, "weight", weight)
	w.Close()
	return b.Bytes()
}

type raw string

func (r raw) MarshalJSON() ([]byte, error) { return []byte(r), nil }

func TestReadFromRefusesPartsThatContradictEachOther(t *testing.T) {
	two, none := []recsys.ItemID{1, 2}, []int64{0, 0, 0}
	for want, data := range map[string][]byte{
		"ascending":          written(`{}`, []recsys.ItemID{2, 1}, nil, none, nil, nil),
		"3":                  written(`{}`, two, nil, []int64{0, 0}, nil, nil),
		"has column 7":       written(`{}`, two, nil, []int64{0, 1, 1}, []int32{7}, []float32{1}),
		"after 1":            written(`{}`, two, nil, []int64{0, 2, 2}, []int32{1, 0}, []float32{1, 1}),
		"is NaN; want":       written(`{}`, two, nil, []int64{0, 1, 1}, []int32{1}, []float32{float32(math.NaN())}),
		"0 weights":          written(`{}`, two, nil, []int64{0, 1, 1}, []int32{1}, nil),
		"has 0 items":        written(`{"Damping":"saturating"}`, two, nil, none, nil, nil),
		"without Saturating": written(`{}`, two, []float32{1, 1}, none, nil, nil),
		"unknown damping":    written(`{"Damping":"log"}`, two, nil, none, nil, nil),
		"Last is -1":         written(`{"History":{"Last":-1}}`, two, nil, none, nil, nil),
		"More":               written(`{"More":1}`, two, nil, none, nil, nil),
	} {
		_, err := new(itemsim.Model).ReadFrom(bytes.NewReader(data))
		require.ErrorIs(t, err, envelope.ErrCorrupt, want)
		require.ErrorContains(t, err, want)
	}
}

func FuzzReadFrom(f *testing.F) {
	for _, spec := range specs(6) {
		var b bytes.Buffer
		_, err := random(3, 6).model(f, spec).WriteTo(&b)
		require.NoError(f, err)
		f.Add(b.Bytes())
	}
	f.Add(written(`{"Config": {"a" : [1, 2]}}`, []recsys.ItemID{0, 1 << 60}, nil, []int64{0, 1, 1}, []int32{1}, []float32{-1}))
	f.Fuzz(func(t *testing.T, data []byte) {
		var m itemsim.Model
		if _, err := m.ReadFrom(bytes.NewReader(data)); err != nil {
			return
		}
		req := recsys.Request{History: []recsys.Event{{Item: 0}, {Item: 3}}}
		require.NoError(t, m.Retrieve(t.Context(), recsys.NewQuery(&req, nil, "x"), recsys.NewSink(5)))
		var first, second bytes.Buffer
		_, err := m.WriteTo(&first)
		require.NoError(t, err)
		var again itemsim.Model
		_, err = again.ReadFrom(bytes.NewReader(first.Bytes()))
		require.NoError(t, err)
		again.WriteTo(&second)
		require.Equal(t, first.Bytes(), second.Bytes())
	})
}
