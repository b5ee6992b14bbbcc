package features_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
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

// snapshotOf returns a store of n random rows and its snapshot.
func snapshotOf(t testing.TB, config features.StoreConfig, n int) (*features.Store, []byte) {
	t.Helper()
	s := newStore(t, config)
	for i := range n {
		_, err := s.Put(randomRow(newRand(uint64(i)), config.View.Columns, uint64(i)*0x9e3779b97f4a7c15))
		require.NoError(t, err)
	}
	var b bytes.Buffer
	size, err := s.WriteTo(&b)
	require.NoError(t, err)
	require.Equal(t, int64(b.Len()), size)
	return s, b.Bytes()
}

func requireSameRows(t *testing.T, want, got *features.Store) {
	t.Helper()
	require.Equal(t, want.Len(), got.Len())
	for r := range want.Range {
		other, ok := got.Get(r.Key)
		require.True(t, ok)
		requireSameRow(t, r, other)
	}
}

func TestSnapshotRestoresEveryRow(t *testing.T) {
	for name, columns := range oracleLayouts {
		for _, n := range []int{0, 1, 1000} {
			config := features.StoreConfig{View: features.View{Name: "test", Columns: columns}, Shards: 4}
			s, file := snapshotOf(t, config, n)
			for _, shards := range []int{1, 4, 64} {
				config.Shards = shards
				restored := newStore(t, config)
				size, err := restored.ReadFrom(bytes.NewReader(file))
				require.NoError(t, err, name)
				require.Equal(t, int64(len(file)), size)
				requireSameRows(t, s, restored)
				require.Equal(t, uint64(n), restored.Stats().Stored)
			}
			config.Shards = 4
			again := newStore(t, config)
			_, err := again.ReadFrom(bytes.NewReader(file))
			require.NoError(t, err)
			var b bytes.Buffer
			_, err = again.WriteTo(&b)
			require.NoError(t, err)
			require.True(t, bytes.Equal(file, b.Bytes()), "the same rows give the same bytes")
		}
	}
}

// TestRestoredStoreServesAndGrows goes on writing where a snapshot was taken over.
func TestRestoredStoreServesAndGrows(t *testing.T) {
	config := features.StoreConfig{View: features.View{Name: "test", Columns: storeColumns}, Shards: 2}
	_, file := snapshotOf(t, config, 300)
	s := newStore(t, config)
	_, err := s.ReadFrom(bytes.NewReader(file))
	require.NoError(t, err)
	for round := range 3 {
		for key := range uint64(2000) {
			_, err := s.Put(storeRow(key, epoch.Add(time.Hour+time.Duration(round))))
			require.NoError(t, err)
		}
	}
	require.Equal(t, 2299, s.Len()) // key 0 is in both
	b := hydrated(t, s, at(epoch), []recsys.ItemID{5, 1999})
	require.Equal(t, []float32{0.5, 9}, b.FloatRow(1))
}

func TestSnapshotDoesNotUndoLaterWrites(t *testing.T) {
	config := features.StoreConfig{View: features.View{Name: "test", Columns: []features.Column{{Name: "x"}}}, Shards: 1}
	put := func(s *features.Store, key uint64, v float32, at time.Time) {
		_, err := s.Put(features.Row{Key: key, Time: at, Floats: []float32{v}})
		require.NoError(t, err)
	}
	old := newStore(t, config)
	put(old, 1, 1, epoch)
	put(old, 2, 1, epoch)
	put(old, 4, 1, epoch)
	var b bytes.Buffer
	_, err := old.WriteTo(&b)
	require.NoError(t, err)

	s := newStore(t, config)
	put(s, 1, 2, epoch.Add(time.Second))
	put(s, 2, 2, epoch.Add(-time.Second))
	put(s, 3, 2, epoch)
	put(s, 4, 2, epoch) // the same moment, written after the snapshot
	_, err = s.ReadFrom(&b)
	require.NoError(t, err)
	for key, want := range map[uint64]float32{1: 2, 2: 1, 3: 2, 4: 2} {
		r, _ := s.Get(key)
		require.Equal(t, want, r.Floats[0], "key %d", key)
	}
	require.Equal(t, 4, s.Len())
	require.Equal(t, uint64(2), s.Stats().Late)
}

func TestSnapshotOfOtherColumnsIsRefused(t *testing.T) {
	_, file := snapshotOf(t, features.StoreConfig{View: features.View{Name: "test", Columns: storeColumns}}, 10)
	change := func(f func(c []features.Column) []features.Column) []features.Column {
		return f(append([]features.Column(nil), storeColumns...))
	}
	for name, config := range map[string]features.StoreConfig{
		"name":   {View: features.View{Name: "test", Columns: change(func(c []features.Column) []features.Column { c[0].Name = "cvr"; return c })}},
		"order":  {View: features.View{Name: "test", Columns: change(func(c []features.Column) []features.Column { c[0], c[1] = c[1], c[0]; return c })}},
		"kind":   {View: features.View{Name: "test", Columns: change(func(c []features.Column) []features.Column { c[1].Kind = recsys.ID; return c })}},
		"dim":    {View: features.View{Name: "test", Columns: change(func(c []features.Column) []features.Column { c[3].Dim = 3; return c })}},
		"fewer":  {View: features.View{Name: "test", Columns: storeColumns[:4]}},
		"entity": {View: features.View{Name: "test", Columns: storeColumns, Entity: features.User}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t, config)
			_, err := s.ReadFrom(bytes.NewReader(file))
			var schema *features.SchemaError
			require.ErrorAs(t, err, &schema)
			require.ErrorIs(t, err, features.ErrSchema)
			require.ErrorContains(t, err, `features: snapshot has view "test" with the columns "ctr" float, "price" float, "creator" id, "emb" vector of 2, "tail" vector of 1 of item; the store has view "test" with the columns `)
			require.NotEqual(t, schema.Have, schema.Want)
			require.Zero(t, s.Len())
		})
	}
	t.Run("MaxAge and Default may differ", func(t *testing.T) {
		s := newStore(t, features.StoreConfig{View: features.View{Name: "test", Columns: change(func(c []features.Column) []features.Column {
			c[0].MaxAge, c[1].Default, c[1].MaxAge = 0, new(float32(1)), time.Minute
			return c
		}), Stale: features.DropStale}})
		_, err := s.ReadFrom(bytes.NewReader(file))
		require.NoError(t, err)
	})
}

func TestUndatedRowsOfASnapshotAreStale(t *testing.T) {
	old := newStore(t, features.StoreConfig{View: features.View{Name: "test", Columns: []features.Column{{Name: "x"}}}})
	_, err := old.Put(features.Row{Key: 1, Floats: []float32{1}})
	require.NoError(t, err)
	var b bytes.Buffer
	_, err = old.WriteTo(&b)
	require.NoError(t, err)
	s := newStore(t, features.StoreConfig{View: features.View{Name: "test", Columns: []features.Column{{Name: "x", MaxAge: 1 << 62}}}})
	_, err = s.ReadFrom(&b)
	require.NoError(t, err)
	require.True(t, hydrated(t, s, at(epoch), []recsys.ItemID{1}).Stale.Has(0))
}

func TestDamagedSnapshotsAreRefusedWhole(t *testing.T) {
	config := features.StoreConfig{View: features.View{Name: "test", Columns: oracleLayouts["mixed"]}, Shards: 1}
	_, file := snapshotOf(t, config, 20)
	read := func(b []byte) error {
		s := newStore(t, config)
		_, err := s.ReadFrom(bytes.NewReader(b))
		if err != nil {
			require.Zero(t, s.Len(), "nothing is put from a damaged snapshot")
			require.ErrorContains(t, err, "features: snapshot: ")
		}
		return err
	}
	require.NoError(t, read(file))
	for n := range file {
		require.ErrorIs(t, read(file[:n]), features.ErrTruncated, "first %d bytes", n)
	}
	for n := range file {
		b := bytes.Clone(file)
		b[n] ^= 0x10
		err := read(b)
		require.Error(t, err, "byte %d", n)
		require.True(t, errors.Is(err, features.ErrCorrupt) || errors.Is(err, features.ErrKind) || errors.Is(err, features.ErrTruncated), "%v", err)
	}
	require.ErrorIs(t, read([]byte("user,item\n")), features.ErrKind)
}

func TestSaveAndLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "items.features")
	config := features.StoreConfig{View: features.View{Name: "test", Columns: storeColumns}}
	s, _ := snapshotOf(t, config, 100)
	require.NoError(t, s.Save(path))
	restored := newStore(t, config)
	require.NoError(t, restored.Load(path))
	requireSameRows(t, s, restored)

	require.ErrorIs(t, restored.Load(path+".none"), os.ErrNotExist)
	require.NoError(t, os.WriteFile(path, []byte("x"), 0o644))
	err := restored.Load(path)
	require.ErrorIs(t, err, features.ErrKind)
	require.ErrorContains(t, err, path)
}

type brokenWriter struct{ left int }

func (w *brokenWriter) Write(b []byte) (int, error) {
	if w.left -= len(b); w.left < 0 {
		return 0, io.ErrClosedPipe
	}
	return len(b), nil
}

func TestWriteToReportsTheWritersError(t *testing.T) {
	s, _ := snapshotOf(t, features.StoreConfig{View: features.View{Name: "test", Columns: storeColumns}}, 100)
	_, err := s.WriteTo(&brokenWriter{1000})
	require.ErrorIs(t, err, io.ErrClosedPipe)
}

// FuzzStoreReadFrom reads arbitrary bytes: an error and an untouched store, or rows that come back from
// their own snapshot.
func FuzzStoreReadFrom(f *testing.F) {
	config := features.StoreConfig{View: features.View{Name: "test", Columns: oracleLayouts["mixed"]}, Shards: 1}
	_, file := snapshotOf(f, config, 3)
	f.Add(file)
	f.Add(file[:len(file)-64])
	_, empty := snapshotOf(f, config, 0)
	f.Add(empty)
	f.Add(binary.LittleEndian.AppendUint64([]byte("recsys\x1a\n"), 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := newStore(t, config)
		if _, err := s.ReadFrom(bytes.NewReader(b)); err != nil {
			require.Zero(t, s.Len())
			return
		}
		var out bytes.Buffer
		_, err := s.WriteTo(&out)
		require.NoError(t, err)
		again := newStore(t, config)
		_, err = again.ReadFrom(&out)
		require.NoError(t, err)
		requireSameRows(t, s, again)
	})
}

// TestWellFormedSnapshotsAreStillChecked writes envelopes whose checksums hold and
// whose contents do not.
func TestWellFormedSnapshotsAreStillChecked(t *testing.T) {
	config := features.StoreConfig{View: features.View{Name: "test", Columns: []features.Column{{Name: "x"}, {Name: "v", Kind: recsys.Vector, Dim: 2}}}}
	schema := config.View.RowHash()
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	for name, c := range map[string]struct {
		parts  int
		keys   []uint64
		times  []uint64
		floats []float32
		ids    []uint64
		want   string
	}{
		"fine":           {1, []uint64{1, 2}, []uint64{1, 2}, []float32{nan, 1, 2, 3, 4, 5}, nil, ""},
		"doubled key":    {1, []uint64{1, 1}, []uint64{1, 2}, []float32{0, 1, 2, 3, 4, 5}, nil, ""},
		"few times":      {1, []uint64{1, 2}, []uint64{1}, []float32{0, 1, 2, 3, 4, 5}, nil, "1 values; want 2"},
		"few floats":     {1, []uint64{1, 2}, []uint64{1, 2}, []float32{0, 1, 2}, nil, "3 values; want 6"},
		"ids":            {1, []uint64{1}, []uint64{1}, []float32{0, 1, 2}, []uint64{1}, "1 values; want 0"},
		"infinite float": {1, []uint64{7}, []uint64{1}, []float32{inf, 1, 2}, nil, `row of key 7: column "x": +Inf`},
		"NaN in vector":  {1, []uint64{7}, []uint64{1}, []float32{0, 1, nan}, nil, `row of key 7: column "v": value 1 is NaN`},
		"undated":        {1, []uint64{7}, []uint64{1 << 63}, []float32{0, 1, 2}, nil, ""},
		"after all time": {1, []uint64{7}, []uint64{1<<63 - 1}, []float32{0, 1, 2}, nil, "row of key 7: event time of 9223372036854775807 ns; want one in the years 1678 to 2261"},
		"2262":           {1, []uint64{7}, []uint64{uint64(time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano())}, []float32{0, 1, 2}, nil, "row of key 7: event time"},
		"2261":           {1, []uint64{7}, []uint64{uint64(time.Date(2262, 1, 1, 0, 0, 0, -1, time.UTC).UnixNano())}, []float32{0, 1, 2}, nil, ""},
		"1678":           {1, []uint64{7}, []uint64{uint64(time.Date(1678, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano())}, []float32{0, 1, 2}, nil, ""},
		"1677":           {1, []uint64{7}, []uint64{uint64(time.Date(1678, 1, 1, 0, 0, 0, -1, time.UTC).UnixNano())}, []float32{0, 1, 2}, nil, "row of key 7: event time"},
		"no parts":       {0, nil, nil, nil, nil, "0 parts"},
		"many parts":     {1 << 30, nil, nil, nil, nil, "1073741824 parts"},
		"parts missing":  {2, nil, nil, nil, nil, "the envelope ends where the section should be"},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			w := envelope.NewWriter(&b, "features.store", 2, schema)
			w.WriteJSON("store", map[string]any{"columns": []any{}, "parts": c.parts})
			if c.parts > 0 {
				envelope.Write(w, "keys.0", c.keys)
				envelope.Write(w, "times.0", c.times)
				envelope.Write(w, "ids.0", c.ids)
				envelope.Write(w, "floats.0", c.floats)
			}
			_, err := w.Close()
			require.NoError(t, err)
			s := newStore(t, config)
			_, err = s.ReadFrom(&b)
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, features.ErrCorrupt)
			require.ErrorContains(t, err, c.want)
			require.Zero(t, s.Len())
		})
	}
}
