package features_test

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/internal/envelope"
)

// TestSnapshotsOfVersion1AreRead reads testdata/store.v1, which knows columns but no view: five rows of two shards.
func TestSnapshotsOfVersion1AreRead(t *testing.T) {
	for _, shards := range []int{1, 2, 64} {
		s := newStore(t, features.StoreConfig{View: features.View{Name: "any", Columns: storeColumns}, Shards: shards})
		require.NoError(t, s.Load("testdata/store.v1"))
		require.Equal(t, 5, s.Len())
		for key := range uint64(5) {
			v := float32(key)
			got, ok := s.Get(key * 1_000_003)
			require.True(t, ok)
			requireSameRow(t, features.Row{
				Key: key * 1_000_003, Time: epoch.Add(time.Duration(key)), Floats: []float32{v / 8, float32(math.NaN())},
				IDs: []uint64{key << 40}, Vectors: []float32{v, -v, 0.5},
			}, got)
		}
		require.NoError(t, s.Check())
	}
	other := newStore(t, features.StoreConfig{View: features.View{Name: "any", Columns: storeColumns[:3]}})
	err := other.Load("testdata/store.v1")
	require.ErrorIs(t, err, features.ErrSchema)
	require.ErrorContains(t, err, `snapshot has the columns "ctr" float`)
	require.Zero(t, other.Len())
}

func TestSnapshotOfAnotherViewNamesTheColumn(t *testing.T) {
	_, file := snapshotOf(t, features.StoreConfig{View: features.View{Name: "test", Columns: storeColumns}}, 3)
	columns := append([]features.Column(nil), storeColumns...)
	columns[1].Kind = recsys.ID
	s := newStore(t, features.StoreConfig{View: features.View{Name: "test", Columns: columns}})
	_, err := s.ReadFrom(bytes.NewReader(file))
	var viewErr *features.ViewError
	require.ErrorAs(t, err, &viewErr)
	require.Equal(t, "test", viewErr.View)
	require.Equal(t, "price", viewErr.Column)
	require.Equal(t, s.View().RowHash(), viewErr.Want)
	require.NotZero(t, viewErr.Have)

	renamed := newStore(t, features.StoreConfig{View: features.View{Name: "other", Columns: storeColumns}})
	_, err = renamed.ReadFrom(bytes.NewReader(file))
	require.ErrorAs(t, err, &viewErr)
	require.Empty(t, viewErr.Column)
}

// TestSnapshotIsReadIntoABoundedStore reads one that has more rows than the bound, and one that has fewer.
func TestSnapshotIsReadIntoABoundedStore(t *testing.T) {
	config := features.StoreConfig{View: features.View{Name: "test", Columns: storeColumns}, Shards: 4}
	_, file := snapshotOf(t, config, 1000)
	for _, bound := range []int{100, 500, 999, 1000, 5000} {
		config.MaxRows = bound
		s := newStore(t, config)
		_, err := s.ReadFrom(bytes.NewReader(file))
		require.NoError(t, err)
		require.Equal(t, min(bound, 1000), s.Len())
		require.NoError(t, s.Check())
		for i := range uint64(2000) {
			mustPut(t, s, storeRow(i, epoch.Add(time.Hour)))
		}
		require.Equal(t, min(bound, 2999), s.Len()) // row 0 is in both
		require.NoError(t, s.Check())
	}
}

// TestBytesAfterTheEndOfAFilePutNothing: the rows before them are whole, but the file is not what Save writes. A reader may go on
// after a snapshot.
func TestBytesAfterTheEndOfAFilePutNothing(t *testing.T) {
	config := features.StoreConfig{View: features.View{Name: "test", Columns: storeColumns}}
	_, file := snapshotOf(t, config, 10)
	path := filepath.Join(t.TempDir(), "store")
	for _, after := range []string{"x", string(file)} {
		both := append(bytes.Clone(file), after...)
		require.NoError(t, os.WriteFile(path, both, 0o644))
		s := newStore(t, config)
		err := s.Load(path)
		require.ErrorIs(t, err, features.ErrCorrupt)
		require.ErrorContains(t, err, path+": features: snapshot: ")
		require.ErrorContains(t, err, "bytes after the end")
		require.Zero(t, s.Len())
		require.Zero(t, s.Stats().Stored)

		n, err := s.ReadFrom(bytes.NewReader(both))
		require.NoError(t, err)
		require.EqualValues(t, len(file), n)
		require.Equal(t, 10, s.Len())
	}
	require.NoError(t, os.WriteFile(path, file, 0o644))
	s := newStore(t, config)
	require.NoError(t, s.Load(path))
	require.Equal(t, 10, s.Len())
}

// TestPartsInAnyOrderAreRead writes parts whose keys are of other shards, out of order or doubled.
func TestPartsInAnyOrderAreRead(t *testing.T) {
	view := features.View{Name: "test", Columns: oneFloat}
	rng := newRand(3)
	for _, parts := range []int{1, 2, 3, 8} {
		var b bytes.Buffer
		w := envelope.NewWriter(&b, "features.store", 2, view.RowHash())
		w.WriteJSON("store", map[string]any{"view": "test", "columns": []any{}, "parts": parts})
		want := map[uint64]features.Row{}
		name := func(section string, k int) string { return section + "." + string(rune('0'+k)) }
		for k := range parts {
			var keys, times []uint64
			var values []float32
			for range 100 {
				r := floatRow(rng.Uint64N(300), epoch.Add(time.Duration(rng.IntN(100))), rng.Float32())
				keys, times, values = append(keys, r.Key), append(times, uint64(r.Time.UnixNano())), append(values, r.Floats[0])
				if old, ok := want[r.Key]; !ok || !r.Time.Before(old.Time) {
					want[r.Key] = r
				}
			}
			envelope.Write(w, name("keys", k), keys)
			envelope.Write(w, name("times", k), times)
			envelope.Write(w, name("ids", k), []uint64{})
			envelope.Write(w, name("floats", k), values)
		}
		_, err := w.Close()
		require.NoError(t, err)
		for _, shards := range []int{1, 2, 8} {
			s := newStore(t, features.StoreConfig{View: view, Shards: shards})
			_, err := s.ReadFrom(bytes.NewReader(b.Bytes()))
			require.NoError(t, err)
			require.Equal(t, len(want), s.Len())
			for k, r := range want {
				got, ok := s.Get(k)
				require.True(t, ok)
				requireSameRow(t, r, got)
			}
			require.NoError(t, s.Check())
		}
	}
}

// FuzzStoreParts makes a well-formed snapshot of arbitrary keys and times, and compares what is read with a map.
func FuzzStoreParts(f *testing.F) {
	f.Add([]byte{}, uint8(0), uint8(0), uint8(0))
	f.Add([]byte("\x01\x05\x02\x05\x03\x05\x02\x04"), uint8(1), uint8(1), uint8(3))
	f.Add(bytes.Repeat([]byte{7, 1, 9, 2}, 40), uint8(2), uint8(0), uint8(0))
	f.Fuzz(func(t *testing.T, b []byte, parts, shards, bound uint8) {
		view := features.View{Name: "test", Columns: oneFloat, TTL: 100}
		n := 1 + int(parts)%5
		if parts > 250 {
			n = 3000 // beyond what is believed
		}
		var file bytes.Buffer
		w := envelope.NewWriter(&file, "features.store", 2, view.RowHash())
		w.WriteJSON("store", map[string]any{"view": "test", "columns": []any{}, "parts": n})
		want := map[uint64]features.Row{}
		for k := range n {
			part := b[k*len(b)/n : (k+1)*len(b)/n]
			keys, times, values := []uint64{}, []uint64{}, []float32{}
			for ; len(part) >= 2; part = part[2:] {
				r := floatRow(uint64(part[0]), epoch.Add(time.Duration(part[1])), float32(len(want)))
				keys, times, values = append(keys, r.Key), append(times, uint64(r.Time.UnixNano())), append(values, r.Floats[0])
				if old, ok := want[r.Key]; !ok || !r.Time.Before(old.Time) {
					want[r.Key] = r
				}
			}
			envelope.Write(w, fmt.Sprintf("keys.%d", k), keys)
			envelope.Write(w, fmt.Sprintf("times.%d", k), times)
			envelope.Write(w, fmt.Sprintf("ids.%d", k), []uint64{})
			envelope.Write(w, fmt.Sprintf("floats.%d", k), values)
		}
		_, err := w.Close()
		require.NoError(t, err)
		config := features.StoreConfig{View: view, Shards: 1 << (shards % 4), MaxRows: int(bound)}
		s := newStore(t, config)
		size := file.Len()
		read, err := s.ReadFrom(&file)
		require.NoError(t, err)
		require.EqualValues(t, size, read)
		require.NoError(t, s.Check())
		if bound > 0 {
			require.LessOrEqual(t, s.Len(), int(bound))
		} else {
			require.Equal(t, len(want), s.Len())
		}
		for r := range s.Range {
			requireSameRow(t, want[r.Key], r)
		}
	})
}
