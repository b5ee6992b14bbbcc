package ensemble_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/retrieval/ensemble"
)

func pair() []ensemble.Source {
	return []ensemble.Source{
		{Name: "even", Retriever: finds(1, 2, 1, even)},
		{Name: "odd", Retriever: finds(3, 2, 5, odd)},
	}
}

func TestFileRoundTripBindsSourcesByName(t *testing.T) {
	e := learn(t, ensemble.Config{Budget: 50, Clock: ticking(), Workers: 1}, plantedCases(60), pair()...)
	path := filepath.Join(t.TempDir(), "blend")
	require.NoError(t, e.Save(path))
	s := pair()
	back, err := ensemble.Load(path, ensemble.Source{Name: "other", Retriever: left}, s[1], s[0])
	require.NoError(t, err)
	require.Equal(t, e.Version(), back.Version())
	require.Equal(t, e.Report(), back.Report())
	require.Equal(t, e.Quotas(), back.Quotas())
	require.Equal(t, e.Weights(), back.Weights())
	wantIDs, wantScores := retrieve(t, e, recsys.Request{User: 500}, 50)
	ids, scores := retrieve(t, back, recsys.Request{User: 500}, 50)
	require.Equal(t, wantIDs, ids)
	require.Equal(t, wantScores, scores)

	_, err = ensemble.Load(path, s[1], ensemble.Source{Name: "other", Retriever: left})
	require.ErrorIs(t, err, ensemble.ErrMissing)
	require.EqualError(t, err, `ensemble: source is missing: "even"`)
	_, err = ensemble.Load(path)
	require.EqualError(t, err, `ensemble: source is missing: "even", "odd"`)
	_, err = ensemble.Load(filepath.Join(t.TempDir(), "none"), s...)
	require.ErrorIs(t, err, os.ErrNotExist)
}

// ticking is a clock that moves a millisecond each time it is read. It is not for concurrent
// use, nor is it asked to be by one worker.
func ticking() func() time.Time {
	at := time.Unix(0, 0)
	return func() time.Time {
		at = at.Add(time.Millisecond)
		return at
	}
}

func TestWithoutItsSourcesABlendFails(t *testing.T) {
	var file bytes.Buffer
	_, err := blend(t, ensemble.Source{Name: "even", Retriever: left, Quota: 1, Weight: 1}).WriteTo(&file)
	require.NoError(t, err)
	var e ensemble.Ensemble
	n, err := e.ReadFrom(io.MultiReader(&file, bytes.NewReader(make([]byte, 100))))
	require.NoError(t, err)
	require.Positive(t, n)
	require.Nil(t, e.Report())
	require.ErrorIs(t, e.Validate(), ensemble.ErrMissing)
	_, err = e.Bind(&recsys.Schema{})
	require.ErrorIs(t, err, ensemble.ErrMissing)
	err = e.Retrieve(t.Context(), recsys.NewQuery(&recsys.Request{}, nil, "x"), recsys.NewSink(5))
	require.ErrorIs(t, err, ensemble.ErrMissing)
	require.ErrorContains(t, err, `"even"`)
	_, err = recsys.NewPipeline(recsys.Retrieve("blend", &e)).Build()
	require.ErrorContains(t, err, `"even"`)
	bound, err := e.With(ensemble.Source{Name: "even", Retriever: left})
	require.NoError(t, err)
	require.NoError(t, bound.Validate())
}

func TestReadFromRefusesWhatIsNoBlend(t *testing.T) {
	e := learn(t, ensemble.Config{Budget: 10}, plantedCases(20), pair()...)
	version := e.Version()
	var file bytes.Buffer
	_, err := e.WriteTo(&file)
	require.NoError(t, err)
	good := file.Bytes()
	damaged, newer := bytes.Clone(good), bytes.Clone(good)
	damaged[len(damaged)/2] ^= 1
	binary.LittleEndian.PutUint32(newer[12:], 99)
	var other bytes.Buffer
	w := envelope.NewWriter(&other, "als", 1, 0)
	w.Close()
	for want, data := range map[error][]byte{
		envelope.ErrTruncated: good[:len(good)-70],
		envelope.ErrCorrupt:   damaged,
		envelope.ErrKind:      other.Bytes(),
	} {
		_, err := e.ReadFrom(bytes.NewReader(data))
		require.ErrorIs(t, err, want)
	}
	_, err = e.ReadFrom(bytes.NewReader(newer))
	require.Error(t, err)
	require.Equal(t, version, e.Version(), "after an error it is as it was")
}

// write makes a file of the given parts.
func write(names []string, quotas []int32, weights, merge []float64, report any) []byte {
	var b bytes.Buffer
	w := envelope.NewWriter(&b, "ensemble", 1, 0)
	w.WriteStrings("names", names)
	envelope.Write(w, "quotas", quotas)
	envelope.Write(w, "weights", weights)
	envelope.Write(w, "merge", merge)
	w.WriteJSON("report", report)
	w.Close()
	return b.Bytes()
}

func TestPartsThatContradictEachOtherAreRefused(t *testing.T) {
	ab, ok, ones := []string{"a", "b"}, []int32{1, 0}, []float64{1, 1}
	for want, data := range map[string][]byte{
		"another source has this name": write([]string{"a", "a"}, ok, ones, nil, nil),
		"Quota is -1":                  write(ab, []int32{-1, 1}, ones, nil, nil),
		"Weight is -1":                 write(ab, ok, []float64{-1, 1}, nil, nil),
		"no source has a quota":        write(ab, []int32{0, 0}, ones, nil, nil),
		"1 weights for a merge of 2":   write(ab, ok, ones, ones[:1], nil),
		`the weight of "b" in a merge`: write(ab, ok, ones, []float64{1, -2}, nil),
		"no sources":                   write(nil, nil, nil, nil, nil),
		"a report on 0 sources of 2":   write(ab, ok, ones, nil, &ensemble.Report{QuotasKept: "equal"}),
	} {
		var e ensemble.Ensemble
		_, err := e.ReadFrom(bytes.NewReader(data))
		require.ErrorIs(t, err, envelope.ErrCorrupt, want)
		require.ErrorContains(t, err, want)
	}
	var e ensemble.Ensemble
	_, err := e.ReadFrom(bytes.NewReader(write(ab, ok, ones, nil, nil)))
	require.NoError(t, err)
}

func FuzzReadFrom(f *testing.F) {
	e := learn(f, ensemble.Config{Budget: 10}, plantedCases(20), pair()...)
	var file bytes.Buffer
	_, err := e.WriteTo(&file)
	require.NoError(f, err)
	f.Add(file.Bytes())
	f.Add(write([]string{"a", "b"}, []int32{1, 0}, []float64{1, 0}, nil, nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		var e, again ensemble.Ensemble
		if _, err := e.ReadFrom(bytes.NewReader(data)); err != nil {
			return
		}
		var b bytes.Buffer
		_, err := e.WriteTo(&b)
		require.NoError(t, err)
		_, err = again.ReadFrom(&b)
		require.NoError(t, err)
		require.Equal(t, e.Version(), again.Version())
	})
}

func TestMetricsHaveNames(t *testing.T) {
	for _, m := range []ensemble.Metric{ensemble.NDCG, ensemble.Recall, ensemble.HitRate} {
		text, err := m.MarshalText()
		require.NoError(t, err)
		var back ensemble.Metric
		require.NoError(t, back.UnmarshalText(text))
		require.Equal(t, m, back)
	}
	var m ensemble.Metric
	require.ErrorContains(t, m.UnmarshalText([]byte("auc")), `"auc"; want ndcg, recall or hr`)
	require.Equal(t, "Metric(9)", ensemble.Metric(9).String())
}
